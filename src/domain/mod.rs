//! Pure values and rules: no I/O, no clock, no async, no SQL, no HTTP.

pub mod name;

mod scan;
pub mod stability;
pub mod version;

pub mod branch;
pub mod constraint;
pub mod tag_version;

pub mod minify;
