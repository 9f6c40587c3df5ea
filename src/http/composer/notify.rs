//! Reports of downloads, as Composer sends them after an installation.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::json;

use crate::domain::access::Action;
use crate::domain::client::Client;
use crate::domain::name::PackageName;
use crate::domain::time::day;
use crate::error::{Error, Result};
use crate::http::composer::Visit;
use crate::http::reply::Reply;
use crate::http::request::{Request, form_pairs};
use crate::jobs::{Job, enqueue_count};

/// A report becomes one message, which is never longer than the report: the queue takes 128 kB.
const REPORT_LIMIT: usize = 100 * 1024;
/// A form has a version in two spellings.
const FORM_LIMIT: usize = 4 * 1024;
const MOST_DOWNLOADS: usize = 1_000;
/// The longest version that is counted, in bytes; longer ones are nobody's.
const VERSION_LIMIT: usize = 255;

#[derive(Deserialize)]
struct Report {
    downloads: Vec<Download>,
}

#[derive(Deserialize)]
struct Download {
    name: String,
    version: String,
}

/// Takes a report. What the caller may not see is left out without a word; whether the rest exists is seen when it is
/// counted.
pub async fn receive_downloads(visit: &Visit<'_>, mut request: Request) -> Result<Reply> {
    let bytes = request.bytes(REPORT_LIMIT).await?;
    let report: Report = serde_json::from_slice(&bytes).map_err(|error| {
        Error::invalid(format!(
            "The body is not `{{\"downloads\":[{{\"name\",\"version\"}}]}}`: {error}"
        ))
    })?;
    if report.downloads.len() > MOST_DOWNLOADS {
        return Err(Error::invalid(format!(
            "Report at most {MOST_DOWNLOADS} downloads at a time"
        )));
    }
    let downloads = report
        .downloads
        .into_iter()
        .filter_map(|download| {
            let name = PackageName::parse(&download.name).ok()?;
            Some((name, download.version))
        })
        .collect();
    count(visit, &request, downloads).await
}

/// Takes the report of one package, as clients send it that know no `notify-batch`: a form.
pub async fn receive_download(
    visit: &Visit<'_>,
    mut request: Request,
    name: &PackageName,
) -> Result<Reply> {
    let bytes = request.bytes(FORM_LIMIT).await?;
    let form = String::from_utf8_lossy(&bytes);
    let version = form_pairs(&form)
        .find_map(|(key, value)| (key == "version_normalized").then_some(value))
        .ok_or_else(|| {
            Error::invalid("The body is not a form with `version` and `version_normalized`")
        })?;
    count(visit, &request, vec![(name.clone(), version)]).await
}

/// What sent a request.
pub(super) fn client_of(request: &Request) -> Client {
    let agent = request.header("user-agent");
    agent.map_or_else(Client::default, |agent| Client::parse(&agent))
}

async fn count(
    visit: &Visit<'_>,
    request: &Request,
    downloads: Vec<(PackageName, String)>,
) -> Result<Reply> {
    // One installation has one version of a package, and each counts once.
    let downloads: BTreeSet<(PackageName, String)> = downloads
        .into_iter()
        .filter(|(name, version)| {
            (1..=VERSION_LIMIT).contains(&version.len())
                && visit.sight(Action::ReadMetadata, name).is_something()
        })
        .collect();
    if !downloads.is_empty() {
        let job = Job::CountDownloads {
            id: visit.app.random_id()?,
            repository: visit.repository.id,
            day: day(visit.app.now()),
            downloads: downloads.into_iter().collect(),
            reader: visit.reader(),
            client: client_of(request),
        };
        enqueue_count(visit.app, job).await?;
    }
    Ok(Reply::json(201, &json!({ "status": "success" })))
}
