//! `packages.json`.

use crate::domain::metadata::{Names, ROOT_DOCUMENT_FORM, build_root};
use crate::domain::name::{NameGlob, PackageName};
use crate::error::Result;
use crate::http::composer::{Visit, not_modified};
use crate::http::reply::{Body, CachePolicy, Reply};
use crate::http::request::Request;
use crate::store::snapshot::Snapshot;

/// Shows the root document: where metadata is, and which names there are for this caller.
pub async fn show_root(visit: &Visit<'_>, request: &Request) -> Result<Reply> {
    // A release of a package that is listed already changes nothing here, so it does not move the validator.
    let changed_at = visit
        .head
        .names_changed_at
        .saturating_add(ROOT_DOCUMENT_FORM);
    let validator = visit.validator(changed_at);
    if let Some(reply) = not_modified(request, &validator) {
        return Ok(reply);
    }
    let globs = visit
        .principal
        .as_ref()
        .filter(|_| !visit.repository.is_public)
        .and_then(|principal| principal.packages.as_deref());
    let listed = Snapshot::open(visit.app, &visit.head)
        .listed_names()
        .await?;
    let names = match (listed, globs) {
        (Some(names), None) => Names::Listed(names),
        (Some(names), Some(globs)) => Names::Listed(
            names
                .into_iter()
                .filter(|name| is_covered(name, globs))
                .collect(),
        ),
        (None, None) => Names::Patterns(vec!["*/*".to_owned()]),
        (None, Some(globs)) => {
            Names::Patterns(globs.iter().map(|glob| glob.as_str().to_owned()).collect())
        }
    };
    Ok(Reply::new(
        200,
        CachePolicy::Revalidate,
        Body::Bytes(build_root(&visit.address, names)),
    )
    .with("content-type", "application/json")
    .with("last-modified", validator))
}

fn is_covered(name: &str, globs: &[NameGlob]) -> bool {
    PackageName::parse(name).is_ok_and(|name| globs.iter().any(|glob| glob.matches(&name)))
}
