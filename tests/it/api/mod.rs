//! The JSON API.

mod connections;
mod jobs;
mod organisations;
mod packages;
mod settings;
mod tenants;
mod tokens;
