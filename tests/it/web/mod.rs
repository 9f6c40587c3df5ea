//! The pages, as a browser without scripts sees them.

mod buyer;
mod collections;
mod customers;
mod dashboard;
mod landing;
mod packages;
mod pages;
mod settings;
mod sign_in;
mod ways_in;
