//! A request becomes a `Reply`.

pub mod reply;
pub mod request;

pub use reply::{Body, CachePolicy, Reply};
pub use request::Request;

use crate::app::App;

/// Answers one request. Never fails: every error becomes a reply.
pub async fn handle(app: &App, request: Request) -> Reply {
    let _ = (app, request);
    Reply::empty(200, CachePolicy::NoStore)
}
