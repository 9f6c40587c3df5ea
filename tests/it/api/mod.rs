//! The JSON API.

mod at_once;
mod browse;
mod conditions;
mod connections;
mod customers;
mod customers_bulk;
mod definitions;
mod effective_access;
mod github_apps;
mod health;
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
mod statistics;
mod tenants;
mod tokens;
