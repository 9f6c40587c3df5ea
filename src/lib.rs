//! Repertoire: a private Composer repository at the edge.
//!
//! A request walks `edge → http::handle → route → auth → handler → domain → store → Reply → edge`;
//! a queue message walks `edge → jobs::run → providers → domain → store → Outcome → edge`.
//! `docs/ARCHITECTURE.md` has both as walks, with the invariants.

pub mod app;
pub mod config;
pub mod connect;
pub mod domain;
pub mod error;
pub mod http;
pub mod jobs;
pub mod ports;
pub mod providers;
pub mod store;

#[cfg(target_arch = "wasm32")]
mod edge;
