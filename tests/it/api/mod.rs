//! The JSON API.

mod connections;
mod definitions;
mod github_apps;
mod imports;
mod jobs;
mod organisations;
mod package_settings;
mod packages;
mod repositories;
mod same_project;
mod tenants;
mod tokens;
