//! Pure values and rules: no I/O, no clock, no async, no SQL, no HTTP.

pub mod access;
pub mod archive;
pub mod blob;
pub mod branch;
pub mod constraint;
pub mod manifest;
pub mod metadata;
pub mod minify;
pub mod name;
mod scan;
pub mod signature;
pub mod stability;
pub mod tag_version;
pub mod time;
pub mod token;
pub mod tree;
pub mod version;
