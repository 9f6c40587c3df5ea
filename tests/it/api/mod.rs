//! The JSON API.

mod connections;
mod jobs;
mod organisations;
mod packages;
mod repositories;
mod tenants;
mod tokens;
