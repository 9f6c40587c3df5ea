//! The native tests: one binary, so that there is one link step.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "an overflow in a test panics, which is what a test does when something is wrong"
)]

// `cfg(test)` is always on here; it tells clippy that helper functions are tests too.
#[cfg(test)]
#[path = "../oracle/answers.rs"]
mod answers;
#[cfg(test)]
mod api;
#[cfg(test)]
mod app_hooks;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod bitbucket;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod composer;
#[cfg(test)]
mod composer_tables;
#[cfg(test)]
mod cost;
#[cfg(test)]
mod deletion;
#[cfg(test)]
mod hooks;
#[cfg(test)]
mod hooks_deliveries;
#[cfg(test)]
mod hooks_generic;
#[cfg(test)]
mod hooks_groups;
#[cfg(test)]
mod hooks_registered;
#[cfg(test)]
mod hooks_schedule;
#[cfg(test)]
mod host_faults;
#[cfg(test)]
mod host_names;
#[cfg(test)]
mod hosts;
#[cfg(test)]
mod jobs;
#[cfg(test)]
mod life_cycle;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod migrations;
#[cfg(test)]
mod monorepo;
#[cfg(test)]
mod older_roots;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod parsers;
#[cfg(test)]
mod people;
#[cfg(test)]
mod publishing;
#[cfg(test)]
mod refusals;
#[cfg(test)]
#[path = "../oracle/repositories.rs"]
mod repositories;
#[cfg(test)]
mod routes;
#[cfg(test)]
mod scale;
#[cfg(test)]
mod support;
#[cfg(test)]
mod sweep;
#[cfg(test)]
mod tenants;
#[cfg(test)]
mod texts;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod traps;
#[cfg(test)]
mod upgrades;
#[cfg(test)]
mod web;
#[cfg(test)]
mod webhook_secrets;
