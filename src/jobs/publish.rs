//! Make what waits in a repository visible.

use crate::app::App;
use crate::error::Result;
use crate::jobs::outcome::Next;
use crate::jobs::read_texts::read_by_the_way;
use crate::jobs::{Job, enqueue};
use crate::store::publications::{self, Published};

/// Publishes all that waits; what does not fit into one flip goes into a message of its own.
pub(crate) async fn run(app: &App, repository: i64) -> Result<Next> {
    match publications::publish(app, repository).await? {
        Published::All => read_by_the_way(app).await,
        Published::More => enqueue(app, &[Job::Publish { repository }]).await?,
    }
    Ok(Next::Done)
}
