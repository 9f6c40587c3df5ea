//! Count what was installed and downloaded. Many reports are written together: who installs at the same time installs much the same, and a
//! row that is written costs a hundred times as much as a message.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::App;
use crate::error::Result;
use crate::jobs::outcome::Next;
use crate::store::downloads::{self, DownloadReport};

/// What is told in all that is written at once: a parameter of D1 takes 2 MB, and each may be a row of its reader's, of some
/// 80 bytes.
const COUNTED_AT_ONCE: usize = 15_000;

/// Different versions and archives among that: each is looked up, by some 200 bytes.
const THINGS_AT_ONCE: usize = 5_000;

/// Counts one report, once, however often its message is delivered.
pub(crate) async fn run(app: &App, report: &DownloadReport<'_>) -> Result<Next> {
    downloads::count_downloads(app, std::slice::from_ref(report)).await?;
    Ok(Next::Done)
}

/// The same for many. Those whose ids it gives could not be counted, and come again.
pub(super) async fn run_together<'a>(app: &App, reports: Vec<DownloadReport<'a>>) -> Vec<&'a str> {
    // A message may stand in its batch twice.
    let reports: BTreeMap<_, _> = reports
        .into_iter()
        .map(|report| (report.id, report))
        .collect();
    let mut failed = Vec::new();
    for portion in cut(reports.into_values().collect()) {
        if let Err(error) = downloads::count_downloads(app, &portion).await {
            app.warn(&format!("Downloads could not be counted: {error}"));
            failed.extend(portion.iter().map(|report| report.id));
        }
    }
    failed
}

/// Cuts reports into portions that are written at once: of what is told many times, a portion has as much as comes.
fn cut(reports: Vec<DownloadReport<'_>>) -> Vec<Vec<DownloadReport<'_>>> {
    let mut portions: Vec<Vec<DownloadReport<'_>>> = Vec::new();
    let (mut size, mut things) = (usize::MAX, BTreeSet::new());
    for report in reports {
        size = size.saturating_add(report.size());
        things.extend(report.things());
        match portions.last_mut() {
            Some(portion) if size <= COUNTED_AT_ONCE && things.len() <= THINGS_AT_ONCE => {
                portion.push(report);
            }
            _ => {
                size = report.size();
                things = report.things().into_iter().collect();
                portions.push(vec![report]);
            }
        }
    }
    portions
}
