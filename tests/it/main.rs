//! The native tests: one binary, so that there is one link step.

// `cfg(test)` is always on here; it tells clippy that helper functions are tests too.
#[cfg(test)]
mod composer_tables;
