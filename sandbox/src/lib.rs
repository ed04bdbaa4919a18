//! Script in, image out; image and input in, outcome out.

pub mod child;
pub mod prepare;
