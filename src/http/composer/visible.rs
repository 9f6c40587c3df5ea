//! Which packages a caller sees: those of which it sees a version; and what they say of themselves by these.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::domain::access::{Action, Limits, Sight};
use crate::domain::minify::expand;
use crate::domain::name::PackageName;
use crate::error::{Error, Result};
use crate::http::composer::Visit;
use crate::store::blobs::load_blob;
use crate::store::snapshot::Snapshot;
use crate::store::version_facts::list_version_facts;
use crate::store::views::load_view;

/// Of more packages the versions are not looked through in one request.
pub(crate) const MOST_LIMITED: usize = 5_000;

/// Those of the names of which the caller sees a version, in the order they came in. Where whole packages were granted that
/// takes no I/O; of the others the versions are looked at.
pub(super) async fn retain_visible(
    visit: &Visit<'_>,
    names: Vec<PackageName>,
) -> Result<Vec<PackageName>> {
    let mut seen = Vec::with_capacity(names.len());
    let mut limited: Vec<(PackageName, Limits)> = Vec::new();
    for name in names {
        match visit.sight(Action::ReadMetadata, &name) {
            Sight::Nothing => {}
            Sight::Everything => seen.push(name),
            Sight::Limited(limits) => {
                seen.push(name.clone());
                limited.push((name, limits));
            }
        }
    }
    if limited.is_empty() {
        return Ok(seen);
    }
    if limited.len() > MOST_LIMITED {
        return Err(Error::invalid(format!(
            "Your token sees some versions of each package only, and {MOST_LIMITED} packages at most are looked through at \
             a time: name a vendor or a pattern"
        )));
    }
    limited.sort_by(|one, other| one.0.cmp(&other.0));
    let asked: Vec<_> = limited.iter().map(|(name, _)| name.clone()).collect();
    let organisation = visit.repository.organisation_id;
    let facts = list_version_facts(visit.app, organisation, &asked).await?;
    let frozen_at = visit
        .principal
        .as_ref()
        .and_then(|principal| principal.frozen_at);
    let shown: BTreeSet<&PackageName> = facts
        .iter()
        .filter(|(_, version)| frozen_at.is_none_or(|at| version.published_at <= at))
        .filter(|(name, version)| {
            limited
                .binary_search_by(|(known, _)| known.cmp(name))
                .ok()
                .and_then(|index| limited.get(index))
                .is_some_and(|(_, limits)| limits.shows(version))
        })
        .map(|(name, _)| name)
        .collect();
    let hidden: BTreeSet<&PackageName> =
        asked.iter().filter(|name| !shown.contains(name)).collect();
    seen.retain(|name| !hidden.contains(name));
    Ok(seen)
}

/// Whether the caller may know less of this package than the indices do, which know it by all that there is now.
pub(super) fn is_partly_seen(visit: &Visit<'_>, name: &PackageName) -> bool {
    let is_frozen = visit
        .principal
        .as_ref()
        .is_some_and(|principal| principal.frozen_at.is_some());
    is_frozen || visit.sight(Action::ReadMetadata, name) != Sight::Everything
}

/// The entries of a package that the caller sees in this revision: tagged ones first, the newest first.
pub(crate) async fn visible_entries(
    visit: &Visit<'_>,
    name: &PackageName,
) -> Result<Vec<Map<String, Value>>> {
    let found = Snapshot::open(visit.app, &visit.head)
        .find_entry(name.as_str())
        .await?;
    let Some(found) = found else {
        return Ok(Vec::new());
    };
    let mut entries = Vec::new();
    for document in [Some(found.tagged), found.dev].into_iter().flatten() {
        let bytes = match visit.sight(Action::ReadMetadata, name) {
            Sight::Nothing => None,
            Sight::Everything => Some(load_blob(visit.app, &document.hash).await?),
            Sight::Limited(limits) => load_view(visit.app, &document.hash, &limits).await?,
        };
        let Some(bytes) = bytes else {
            continue;
        };
        let mut document: Value = serde_json::from_slice(&bytes).map_err(Error::internal)?;
        let of_package = document
            .get_mut("packages")
            .and_then(|packages| packages.get_mut(name.as_str()))
            .map(Value::take);
        let Some(Value::Array(minified)) = of_package else {
            continue;
        };
        let minified = minified.into_iter().filter_map(|entry| match entry {
            Value::Object(fields) => Some(fields),
            _ => None,
        });
        entries.extend(expand(minified.collect()));
    }
    Ok(entries)
}
