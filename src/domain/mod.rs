//! Pure values and rules: no I/O, no clock, no async, no SQL, no HTTP.

pub mod name;
