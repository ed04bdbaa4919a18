//! The `scriptmill` binary.

fn main() {}
