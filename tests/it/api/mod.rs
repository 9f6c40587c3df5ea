//! The JSON API.

mod conditions;
mod connections;
mod definitions;
mod github_apps;
mod idempotency;
mod imports;
mod jobs;
mod organisations;
mod package_settings;
mod packages;
mod pages;
mod problems;
mod repositories;
mod same_project;
mod tenants;
mod tokens;
