//! Rolling back: a repository shows again what it held at an earlier revision, as a new revision on top of all others.
//!
//! It is a publish whose documents are not built of rows, but are those of then. Rows stay as they are, so a package is back in
//! its present with its next publish. What a person took away stays away: packages that were deleted or taken out of the
//! repository, and those that had a version then which was deleted or yanked since, stay as they are.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::App;
use crate::domain::access::VersionFacts;
use crate::domain::blob::{Blob, BlobHash};
use crate::domain::composer_1::{self, Draft};
use crate::domain::metadata::read_document;
use crate::domain::name::PackageName;
use crate::domain::tree::outline::OutlinedVersions;
use crate::domain::tree::{Change, changes_names, date_entries, touched_buckets, update};
use crate::error::{Error, ErrorKind, Result};
use crate::ports::Statement;
use crate::ports::db::{json_list, row, rows_as};
use crate::store::blobs::{load_blob, put_blob, put_rare_blob};
use crate::store::composer_1::open_draft;
use crate::store::heads::{Flip, flip_head};
use crate::store::outlines::follow_entries;
use crate::store::publications::RACES;
use crate::store::repositories::{Head, Repository, load_repository};
use crate::store::revisions::{Moment, find_revision};
use crate::store::snapshot::Snapshot;
use crate::store::sweep::count_removals;

/// Packages that may differ: with their documents and nodes, so many stay below the thousand calls that a request has.
pub const MOST: usize = 150;

/// What a repository shows after it was rolled back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolledBack {
    /// The new revision.
    pub revision: i64,
    /// Packages that stay as they are, by name.
    pub kept: Vec<String>,
}

/// Has a repository show again what it held at a revision. A conflict where that is the newest one, where nothing differs
/// that could come back, or where more than [`MOST`] packages differ.
pub async fn roll_back(app: &App, repository: i64, to: i64) -> Result<RolledBack> {
    for _ in 0..RACES {
        if let Some(done) = try_to_roll_back(app, repository, to).await? {
            return Ok(done);
        }
    }
    Err(Error::new(
        ErrorKind::Internal,
        "Many releases are being published at once; try again in a moment",
    ))
}

/// One attempt; none when the head moved meanwhile.
async fn try_to_roll_back(app: &App, repository: i64, to: i64) -> Result<Option<RolledBack>> {
    let removals = count_removals(app).await?;
    let repository = load_repository(app, repository).await?;
    let then = find_revision(app, repository.id, &Moment::Revision(to))
        .await?
        .ok_or_else(|| Error::bad_value("/revision", "`revision` is none of this repository"))?;
    let now = Snapshot::open(app, &repository.head);
    let names = differing(&now, &then).await?;
    let time = app.now().max(repository.head.time.saturating_add(1));
    let mut returning = Returning::open(app, &repository, &now, &names, time).await?;
    for name in &names {
        returning.add(app, &repository, &then, name).await?;
    }
    let Returning {
        changes,
        versions,
        mut blobs,
        composer_1,
        kept,
        ..
    } = returning;
    if changes.is_empty() {
        return Err(Error::conflict(format!(
            "Nothing of revision {to} can come back: the repository holds the same, or what differs was deleted, yanked or taken out since"
        )));
    }
    let root = now.root().await?;
    let touched = touched_buckets(changes.keys().map(String::as_str));
    let buckets = now.buckets(&root, touched.into_iter()).await?;
    let is_changed = changes_names(&buckets, &changes);
    let listed = now.names_for_update(&root, is_changed).await?;
    let (composer_1, listings) = composer_1.map(Draft::finish).unzip();
    let entries = date_entries(&buckets, &changes, time);
    let (outline, nodes) = follow_entries(app, &root, &entries, &versions).await?;
    let updated = update(&root, buckets, listed, &entries, composer_1, outline);
    for blob in listings.iter().flatten() {
        put_rare_blob(app, blob).await?;
        blobs.push(blob.hash().clone());
    }
    for blob in nodes.iter().chain(&updated.blobs) {
        put_blob(app, blob).await?;
        blobs.push(blob.hash().clone());
    }
    let flip = Flip {
        repository: repository.id,
        built_on: repository.head.revision,
        root: &updated.root,
        time,
        names_changed_at: if updated.has_other_names {
            time
        } else {
            repository.head.names_changed_at
        },
        cause: &format!("rolled back to revision {to}"),
        rolled_back_to: Some(to),
        address: &repository.address(&app.config.public_url),
        blobs: &blobs,
        removals,
        published: &[],
        indexed: &[],
    };
    let is_done = flip_head(app, &flip).await?;
    Ok(is_done.then(|| RolledBack {
        revision: repository.head.revision.saturating_add(1),
        kept,
    }))
}

async fn differing(now: &Snapshot<'_>, then: &Head) -> Result<Vec<PackageName>> {
    let changes = now.changes_since(&Snapshot::open(now.app, then)).await?;
    let names: BTreeSet<_> = changes
        .iter()
        .filter_map(|change| PackageName::parse(&change.package).ok())
        .collect();
    if names.len() > MOST {
        return Err(Error::conflict(format!(
            "{} packages differ from revision {}, and at most {MOST} are rolled back at once: go back to a later revision, or \
             yank what should not be installed",
            names.len(),
            then.revision
        )));
    }
    Ok(names.into_iter().collect())
}

row! {
    struct Known {
        name: String,
        normalized: Option<String>,
    }
}

/// What comes back, while it is gathered.
struct Returning {
    /// Packages that are in the repository, each with the numbers that people deleted or yanked of it.
    known: BTreeMap<String, BTreeSet<String>>,
    changes: BTreeMap<String, Change>,
    versions: BTreeMap<String, OutlinedVersions>,
    blobs: Vec<BlobHash>,
    composer_1: Option<Draft>,
    kept: Vec<String>,
    time: i64,
}

impl Returning {
    async fn open(
        app: &App,
        repository: &Repository,
        now: &Snapshot<'_>,
        names: &[PackageName],
        time: i64,
    ) -> Result<Self> {
        let names = || names.iter().map(PackageName::as_str);
        let statement = Statement::new(
            "with here as (
                 select p.id, p.name from json_each(?2) j
                 join packages p on p.organisation_id = ?1 and p.name = j.value and p.deleted_at is null
                 join repository_packages m on m.package_id = p.id and m.repository_id = ?3)
             select h.name, null as normalized from here h
             union all
             select h.name, t.normalized from here h join deleted_versions t on t.package_id = h.id
             union all
             select h.name, v.normalized from here h join versions v on v.package_id = h.id
             where v.yanked_at is not null
             union all
             select h.name, f.normalized from here h join defined_versions f on f.package_id = h.id
             where f.yanked_at is not null",
        )
        .bind(repository.organisation_id)
        .bind(json_list(names())?)
        .bind(repository.id);
        let mut known = BTreeMap::<String, BTreeSet<String>>::new();
        for row in rows_as::<Known>(app.db.rows(statement).await?)? {
            known.entry(row.name).or_default().extend(row.normalized);
        }
        let composer_1 = if repository.settings()?.composer_1.is_built() {
            Some(open_draft(app, repository.id, &now.root().await?, names()).await?)
        } else {
            None
        };
        Ok(Self {
            known,
            changes: BTreeMap::new(),
            versions: BTreeMap::new(),
            blobs: Vec::new(),
            composer_1,
            kept: Vec::new(),
            time,
        })
    }

    /// Has a package be what it was, if it still can.
    async fn add(
        &mut self,
        app: &App,
        repository: &Repository,
        then: &Head,
        name: &PackageName,
    ) -> Result<()> {
        let key = name.as_str().to_owned();
        let found = Snapshot::open(app, then).find_entry(name.as_str()).await?;
        let Some(found) = found else {
            if let Some(draft) = &mut self.composer_1 {
                draft.remove(&key);
            }
            self.changes.insert(key, Change::Remove);
            return Ok(());
        };
        let read = async |hash: &BlobHash| {
            let bytes = load_blob(app, hash).await?;
            read_document(name, &bytes).map_err(Error::internal)
        };
        let tagged = read(&found.tagged.hash).await?;
        let dev = match &found.dev {
            None => Vec::new(),
            Some(dev) => read(&dev.hash).await?,
        };
        let facts = |entries: &[_]| -> Vec<VersionFacts> {
            entries.iter().filter_map(VersionFacts::of_entry).collect()
        };
        let versions = OutlinedVersions {
            tagged: facts(&tagged),
            dev: facts(&dev),
        };
        let may_return = self.known.get(&key).is_some_and(|deleted| {
            let mut all = versions.tagged.iter().chain(&versions.dev);
            all.all(|version| !deleted.contains(&version.normalized))
        });
        if !may_return {
            self.kept.push(key);
            return Ok(());
        }
        if let Some(draft) = &mut self.composer_1 {
            let entries = tagged.into_iter().chain(dev);
            let document: Blob = composer_1::build_document(repository.id, name, entries);
            put_rare_blob(app, &document).await?;
            self.blobs.push(document.hash().clone());
            draft.put(&key, document.hash().clone(), self.time);
        }
        // They are named by the revision of then, so nobody takes them away.
        let change = Change::Put {
            tagged: found.tagged.hash,
            dev: found.dev.map(|dev| dev.hash),
        };
        self.changes.insert(key.clone(), change);
        self.versions.insert(key, versions);
        Ok(())
    }
}
