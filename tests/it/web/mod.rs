//! The pages, as a browser without scripts sees them.

mod audit;
mod dashboard;
mod instance;
mod packages;
mod pages;
mod palette;
mod people;
mod sign_in;
mod tokens;
mod ways_in;
