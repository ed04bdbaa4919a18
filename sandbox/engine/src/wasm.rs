//! What Rust needs to live beside the C library: one allocator for both, and a panic that traps.

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::c_void;

use crate::phase;

// SAFETY: these are the C library's signatures.
unsafe extern "C" {
    fn malloc(size: usize) -> *mut c_void;
    fn free(pointer: *mut c_void);
    fn realloc(pointer: *mut c_void, size: usize) -> *mut c_void;
}

/// Bytes of unused memory that every script begins with. A job whose memory has to grow takes 20 µs more, and the
/// memory is made small again after the job.
const HEADROOM_BYTES: usize = 512 << 10;

/// Makes the C library hold memory ready. Without `black_box` the compiler would leave out a block that is never used.
pub(crate) fn reserve() {
    // SAFETY: `free` takes what `malloc` gave.
    unsafe { free(core::hint::black_box(malloc(HEADROOM_BYTES))) }
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
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // Freed memory is zeroed, so that an image holds only what is in use.
        if !phase::is_live() {
            // SAFETY: the block is of that size, and nobody reads it any more.
            unsafe { pointer.write_bytes(0, layout.size()) }
        }
        // SAFETY: the pointer is one of `malloc`, as the caller promises.
        unsafe { free(pointer.cast()) }
    }

    /// # Safety
    /// As [`GlobalAlloc`] demands of its callers.
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if phase::is_live() {
            // SAFETY: the pointer is one of `malloc`, as the caller promises.
            return unsafe { realloc(pointer.cast(), size).cast() };
        }
        // `realloc` would not zero the block that it moves away from.
        // SAFETY: `malloc` takes every size, both blocks are of the bytes that are copied, and the old one is given back once.
        unsafe {
            let moved: *mut u8 = malloc(size).cast();
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(pointer, layout.size().min(size));
                self.dealloc(pointer, layout);
            }
            moved
        }
    }
}

#[global_allocator]
static ALLOCATOR: CAllocator = CAllocator;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
