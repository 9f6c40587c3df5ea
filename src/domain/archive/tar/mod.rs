//! Tar archives (POSIX `ustar` and `pax`, GNU's long names, the old form before them), read forwards in whatever pieces
//! they arrive. Nothing but names and the one composer.json is kept.

mod header;
mod names;
mod walk;

pub use header::is_header;
pub use walk::{TarFacts, TarWalker};

#[cfg(test)]
mod tests;
