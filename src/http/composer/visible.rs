//! Which packages a caller sees: those of which it sees a version; and what they say of themselves by these.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::{Map, Value};

use crate::app::App;
use crate::domain::access::{Action, Limits, Sight};
use crate::domain::metadata::read_document;
use crate::domain::name::PackageName;
use crate::error::{Error, Result};
use crate::http::composer::Visit;
use crate::store::blobs::load_blob;
use crate::store::repositories::Head;
use crate::store::snapshot::Snapshot;
use crate::store::version_facts::list_version_facts;

/// Of more packages the versions are not looked through in one request.
pub(crate) const MOST_LIMITED: usize = 5_000;

/// Those of the names of which the caller sees a version, in the order they came in. Where whole packages were granted that
/// takes no I/O. Of the others the versions are looked at, and something is looked at for whoever has such a grant: that
/// there is no such package is told by no call.
pub(super) async fn retain_visible(
    visit: &Visit<'_>,
    names: Vec<PackageName>,
) -> Result<Vec<PackageName>> {
    let mut seen = Vec::with_capacity(names.len());
    let mut limited: BTreeMap<PackageName, Limits> = BTreeMap::new();
    for name in names {
        match visit.sight(Action::ReadMetadata, &name) {
            Sight::Nothing => {}
            Sight::Everything => seen.push(name),
            Sight::Limited(limits) => {
                seen.push(name.clone());
                limited.insert(name, limits);
            }
        }
    }
    if limited.is_empty() && !visit.is_limited_by_versions() {
        return Ok(seen);
    }
    if limited.len() > MOST_LIMITED {
        return Err(Error::invalid(format!(
            "Your token sees some versions of each package only, and {MOST_LIMITED} packages at most are looked through at \
             a time: name a vendor or a pattern"
        )));
    }
    let shown = match retain_outlined(visit, &limited).await? {
        Some(shown) => shown,
        None => retain_by_facts(visit, &limited).await?,
    };
    seen.retain(|name| shown.contains(name) || !limited.contains_key(name));
    Ok(seen)
}

/// Those of which limits leave a version in the revision that is read, by its outline; none where that is none, or so long
/// that the database is the shorter way. Of the past only the outline tells: the database knows of versions as they are now.
pub(crate) async fn retain_outlined(
    visit: &Visit<'_>,
    limited: &BTreeMap<PackageName, Limits>,
) -> Result<Option<BTreeSet<PackageName>>> {
    let snapshot = Snapshot::open(visit.app, &visit.head);
    if snapshot.has_short_outline().await? {
        return snapshot.retain_listed(limited).await.map(Some);
    }
    let is_past = visit.head.revision != visit.repository.head.revision;
    if is_past {
        return snapshot.retain_seen(limited).await;
    }
    Ok(None)
}

/// The same by what the database knows.
async fn retain_by_facts(
    visit: &Visit<'_>,
    limited: &BTreeMap<PackageName, Limits>,
) -> Result<BTreeSet<PackageName>> {
    let organisation = visit.repository.organisation_id;
    let names: Vec<_> = limited.keys().cloned().collect();
    let frozen_at = visit
        .principal
        .as_ref()
        .and_then(|principal| principal.frozen_at);
    let facts = list_version_facts(visit.app, organisation, &names).await?;
    Ok(facts
        .into_iter()
        .filter(|(_, version)| frozen_at.is_none_or(|at| version.published_at <= at))
        .filter(|(name, version)| {
            let limits = limited.get(name);
            limits.is_some_and(|limits| limits.shows(version))
        })
        .map(|(name, _)| name)
        .collect())
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
    let app = visit.app;
    let snapshot = Snapshot::open(app, &visit.head);
    let documents = match visit.sight(Action::ReadMetadata, name) {
        Sight::Nothing => return Ok(Vec::new()),
        Sight::Everything => {
            let Some(found) = snapshot.find_entry(name.as_str()).await? else {
                return Ok(Vec::new());
            };
            let tagged = load_blob(app, &found.tagged.hash).await?;
            let dev = match found.dev {
                None => None,
                Some(dev) => Some(load_blob(app, &dev.hash).await?),
            };
            [Some(tagged), dev]
        }
        Sight::Limited(limits) => {
            let Some(seen) = snapshot.find_seen(name, &limits).await? else {
                return Ok(Vec::new());
            };
            [
                seen.tagged(app, &limits).await?,
                seen.dev(app, &limits).await?,
            ]
        }
    };
    read_entries(name, documents.into_iter().flatten())
}

/// All entries that a package had in a revision, whoever sees them: tagged ones first, the newest first. None where it was
/// not there.
pub(crate) async fn all_entries(
    app: &App,
    head: &Head,
    name: &PackageName,
) -> Result<Vec<Map<String, Value>>> {
    let Some(found) = Snapshot::open(app, head).find_entry(name.as_str()).await? else {
        return Ok(Vec::new());
    };
    let tagged = load_blob(app, &found.tagged.hash).await?;
    let dev = match found.dev {
        None => None,
        Some(dev) => Some(load_blob(app, &dev.hash).await?),
    };
    read_entries(name, std::iter::once(tagged).chain(dev))
}

/// The entries of a package's documents.
fn read_entries(
    name: &PackageName,
    documents: impl IntoIterator<Item = Rc<[u8]>>,
) -> Result<Vec<Map<String, Value>>> {
    let mut entries = Vec::new();
    for bytes in documents {
        entries.extend(read_document(name, &bytes).map_err(Error::internal)?);
    }
    Ok(entries)
}
