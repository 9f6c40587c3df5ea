//! Count what was installed. Many reports are written together: who installs at the same time installs much the same, and a
//! row that is written costs a hundred times as much as a message.

use std::collections::BTreeMap;

use crate::app::App;
use crate::error::Result;
use crate::jobs::outcome::Next;
use crate::store::downloads::{self, DownloadReport};

/// Packages in what is written at once: a parameter of D1 takes 2 MB.
const PACKAGES_AT_ONCE: usize = 5_000;

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

/// Cuts reports into portions that are written at once.
fn cut(reports: Vec<DownloadReport<'_>>) -> Vec<Vec<DownloadReport<'_>>> {
    let mut portions: Vec<Vec<DownloadReport<'_>>> = Vec::new();
    let mut packages = usize::MAX;
    for report in reports {
        packages = packages.saturating_add(report.downloads.len());
        match portions.last_mut() {
            Some(portion) if packages <= PACKAGES_AT_ONCE => portion.push(report),
            _ => {
                packages = report.downloads.len();
                portions.push(vec![report]);
            }
        }
    }
    portions
}
