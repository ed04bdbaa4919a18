//! What Rust needs to live beside the C library: one allocator for both, and a panic that traps.

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::c_void;

// SAFETY: these are the C library's signatures.
unsafe extern "C" {
    fn malloc(size: usize) -> *mut c_void;
    fn free(pointer: *mut c_void);
    fn realloc(pointer: *mut c_void, size: usize) -> *mut c_void;
}

/// `malloc` of the C library. It aligns to 16 bytes, and nothing in this crate asks for more.
struct CAllocator;

// SAFETY: malloc, realloc and free keep the contract of GlobalAlloc for alignments up to 16.
unsafe impl GlobalAlloc for CAllocator {
    /// # Safety
    /// As [`GlobalAlloc`] demands of its callers.
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        debug_assert!(layout.align() <= 16);
        // SAFETY: `malloc` takes every size.
        unsafe { malloc(layout.size()).cast() }
    }

    /// # Safety
    /// As [`GlobalAlloc`] demands of its callers.
    unsafe fn dealloc(&self, pointer: *mut u8, _: Layout) {
        // SAFETY: the pointer is one of `malloc`, as the caller promises.
        unsafe { free(pointer.cast()) }
    }

    /// # Safety
    /// As [`GlobalAlloc`] demands of its callers.
    unsafe fn realloc(&self, pointer: *mut u8, _: Layout, size: usize) -> *mut u8 {
        // SAFETY: the pointer is one of `malloc`, as the caller promises.
        unsafe { realloc(pointer.cast(), size).cast() }
    }
}

#[global_allocator]
static ALLOCATOR: CAllocator = CAllocator;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
