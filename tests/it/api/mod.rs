//! The JSON API.

mod connections;
mod github_apps;
mod jobs;
mod organisations;
mod package_settings;
mod packages;
mod repositories;
mod tenants;
mod tokens;
