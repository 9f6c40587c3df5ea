//! A queue message becomes an `Outcome`.

pub mod outcome;

pub use outcome::Outcome;

use crate::app::App;

/// Runs one message. `attempts` counts deliveries, from 1. Never fails: what goes wrong becomes an outcome,
/// and is written where a person sees it.
pub async fn run(app: &App, message: &str, attempts: u32) -> Outcome {
    let _ = (app, message, attempts);
    Outcome::Done
}

/// Takes a message the queue has given up on, and keeps it for a person to see, retry or drop.
pub async fn bury(app: &App, message: &str) -> Outcome {
    let _ = (app, message);
    Outcome::Done
}

/// The scheduled work: what webhooks missed, publications that were forgotten, the sweep.
pub async fn housekeep(app: &App) {
    let _ = app;
}
