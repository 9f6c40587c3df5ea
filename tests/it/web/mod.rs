//! The pages, as a browser without scripts sees them.

mod connections;
mod dashboard;
mod deliveries;
mod jobs;
mod packages;
mod pages;
mod sign_in;
mod start;
mod ways_in;
