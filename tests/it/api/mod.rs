//! The JSON API.

mod connections;
mod jobs;
mod organisations;
mod packages;
mod tenants;
mod tokens;
