//! Supervised child processes that answer requests.
//!
//! What reads untrusted bytes in native code runs in such a child: it may overflow its stack, run out of memory or never
//! come back (4 KB of `((((` overflow a stack of 2 MiB), and that is the failure of one request. And whoever takes it over
//! finds nothing there: it has no network, no files and no way to start anything. A child is kept alive between requests and
//! replaced when it dies. Parent and child are usually the same program; they talk in packets over the child's stdin and stdout.
//!
//! The parent's side is [`Child`], the child's is [`serve()`]: each child works on one request at a time. [`Shared`] and [`serve_shared()`] are the
//! sides of a child that works on several at one time and keeps its rights. None of them knows what a request is about.

mod child;
mod confine;
mod packet;
mod process;
mod program;
mod serve;
mod shared;
mod start;

pub use child::{Child, Failed};
pub use program::{Bounds, Program};
pub use serve::{Asked, Request, serve, serve_shared};
pub use shared::{Gone, Shared};
