//! Take one portion of an organisation away that is being deleted, and send for the next.

use crate::app::App;
use crate::error::Result;
use crate::jobs::outcome::Next;
use crate::jobs::{Job, enqueue};
use crate::store::deletion::{Portion, delete_portion};

/// Seconds until it is looked whether the hooks are gone from their hosts.
const HOOKS_FIRST: u32 = 60;

/// Runs one message.
pub(super) async fn run(app: &App, organisation: i64) -> Result<Next> {
    match delete_portion(app, organisation).await? {
        Portion::Gone => Ok(Next::Done),
        Portion::More => {
            enqueue(app, &[Job::DeleteOrganisation { organisation }]).await?;
            Ok(Next::Done)
        }
        Portion::Hooks(connections) => {
            let jobs: Vec<_> = connections
                .into_iter()
                .map(|id| Job::DeleteConnection { id })
                .collect();
            enqueue(app, &jobs).await?;
            Ok(Next::wait(HOOKS_FIRST))
        }
    }
}
