//! Make what waits in a repository visible.

use crate::app::App;
use crate::error::Result;
use crate::jobs::{Job, Outcome, enqueue};
use crate::store::publications::{self, Published};

/// Publishes all that waits; what does not fit into one flip goes into a message of its own.
pub async fn run(app: &App, repository: i64) -> Result<Outcome> {
    match publications::publish(app, repository).await? {
        Published::All => {}
        Published::More => enqueue(app, &[Job::Publish { repository }]).await?,
    }
    Ok(Outcome::Done)
}
