//! The pages, as a browser without scripts sees them.

mod dashboard;
pub(crate) mod identity;
mod packages;
mod pages;
mod sign_in;
mod ways_in;
