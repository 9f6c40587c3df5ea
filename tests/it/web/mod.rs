//! The pages, as a browser without scripts sees them.

mod audit;
mod dashboard;
mod instance;
mod connections;
mod deliveries;
mod jobs;
pub(crate) mod identity;
mod packages;
mod pages;
mod palette;
mod people;
mod buyer;
mod collections;
mod customers;
mod landing;
mod settings;
mod passkeys;
mod second_factor;
mod sign_in;
mod tokens;
mod start;
mod ways_in;
mod ways_in_faults;
