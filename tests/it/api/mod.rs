//! The JSON API.

mod connections;
mod jobs;
mod organisations;
mod package_settings;
mod packages;
mod tenants;
mod tokens;
