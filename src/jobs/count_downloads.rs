//! Count what somebody installed.

use crate::app::App;
use crate::error::Result;
use crate::jobs::outcome::Next;
use crate::store::downloads::{self, DownloadReport};

/// Counts one report, once, however often its message is delivered.
pub(crate) async fn run(app: &App, report: &DownloadReport<'_>) -> Result<Next> {
    downloads::count_downloads(app, report).await?;
    Ok(Next::Done)
}
