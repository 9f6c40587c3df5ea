//! The pages, as a browser without scripts sees them.

mod dashboard;
mod packages;
mod pages;
mod passkeys;
mod second_factor;
mod sign_in;
mod ways_in;
mod ways_in_faults;
