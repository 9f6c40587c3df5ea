//! Publishing: the documents of changed packages become blobs, the tree is updated, the head flips.
//!
//! Order of writes: archive, row, documents, tree, head. A crash before the flip leaves blobs that nothing names,
//! which the sweep takes away later, and never a repository that names what is not there.

use std::collections::BTreeMap;

use crate::app::App;
use crate::domain::access::VersionFacts;
use crate::domain::blob::{Blob, BlobHash};
use crate::domain::composer_1::{self, Draft};
use crate::domain::entry::ReleasedVersion;
use crate::domain::metadata::{DOCUMENT_FORM, build_document, build_entries};
use crate::domain::name::PackageName;
use crate::domain::search::{find_speaker, provided_names, required_names, summarize};
use crate::domain::tree::outline::OutlinedVersions;
use crate::domain::tree::{Change, changes_names, date_entries, touched_buckets, update};
use crate::error::{Error, ErrorKind, Result};
use crate::ports::Statement;
use crate::ports::db::{row, rows_as};
use crate::store::blobs::{put_blob, put_rare_blob};
use crate::store::composer_1::open_draft;
use crate::store::heads::{Flip, flip_head, tick_off};
use crate::store::outlines::follow_entries;
use crate::store::package_texts::Wanted;
use crate::store::pending::ask_for_all_stmt;
pub use crate::store::pending::{
    ask_for_publication_by_name_stmt, ask_for_publication_stmt,
    ask_for_publications_of_git_repo_stmt, list_forgotten,
};
use crate::store::repositories::{Repository, find_repository_by_id};
use crate::store::search::Indexed;
use crate::store::snapshot::Snapshot;
use crate::store::sweep::count_removals;
use crate::store::versions::load_released;

/// Packages in one flip. With all that is written for Composer 1 besides, 80 keep one message below 1,000 calls of bindings
/// of every kind, and the five messages of an invocation below the platform's 1,000 D1 queries (`it/scale.rs`).
const PACKAGES_IN_ONE_FLIP: i64 = 80;

/// Of more packages at once, few documents will be asked for soon: whoever asks first leaves the copy near the readers.
const PACKAGES_COPIED_NEAR: usize = 20;

/// How often a lost race is run again before the caller is told to come back.
pub(super) const RACES: u32 = 8;

/// What a publish did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// Nothing waits any more.
    All,
    /// More packages wait than fit into one flip.
    More,
}

row! {
    struct Pending {
        package_id: i64,
        sequence: i64,
        name: String,
        /// 0 when it was taken out of the repository.
        is_member: i64,
        /// 1 when it is deleted altogether.
        is_deleted: i64,
    }
}

/// Publishes what waits in a repository. May run any number of times, also at once: a lost race is run again.
pub async fn publish(app: &App, repository: i64) -> Result<Published> {
    for _ in 0..RACES {
        if let Some(published) = try_to_publish(app, repository).await? {
            return Ok(published);
        }
    }
    // With growing waits: others publish now, or the sweep died over a blob of ours and is cleaned up after in minutes.
    Err(Error::new(
        ErrorKind::Internal,
        "Many releases are being published at once; this one comes after them",
    ))
}

/// One attempt; none when the head moved meanwhile.
async fn try_to_publish(app: &App, repository: i64) -> Result<Option<Published>> {
    let removals = count_removals(app).await?;
    let Some(repository) = find_repository_by_id(app, repository).await? else {
        // It was deleted, and what waited there with it.
        return Ok(Some(Published::All));
    };
    let builds_composer_1 = repository.settings()?.composer_1.is_built();
    let address = repository.address(&app.config.public_url);
    let snapshot = Snapshot::open(app, &repository.head);
    let root = snapshot.root().await?;
    let lacks_composer_1 =
        builds_composer_1 && root.composer_1().is_none() && root.package_count() > 0;
    if is_outdated(&repository, &address) || lacks_composer_1 || root.lacks_outline() {
        app.db
            .rows(ask_for_all_stmt(repository.id, app.now()))
            .await?;
    }
    let mut pending = list_pending(app, repository.id).await?;
    let more = i64::try_from(pending.len()).is_ok_and(|count| count > PACKAGES_IN_ONE_FLIP);
    pending.truncate(usize::try_from(PACKAGES_IN_ONE_FLIP).unwrap_or_default());

    // Later than the revision before by at least a second: validators are made of this time.
    let time = app.now().max(repository.head.time.saturating_add(1));
    let composer_1 = if builds_composer_1 {
        let names = pending.iter().map(|package| package.name.as_str());
        Some(open_draft(app, repository.id, &root, names).await?)
    } else {
        None
    };
    let Written {
        mut blobs,
        changes,
        versions,
        indexed,
        composer_1,
    } = write_documents(app, &repository, &pending, composer_1, time).await?;

    let touched = touched_buckets(changes.keys().map(String::as_str));
    let buckets = snapshot.buckets(&root, touched.into_iter()).await?;
    let is_changed = changes_names(&buckets, &changes);
    let names = snapshot.names_for_update(&root, is_changed).await?;
    let (composer_1, listings) = composer_1.map(Draft::finish).unzip();
    let is_known = composer_1.as_ref() == root.composer_1();
    let entries = date_entries(&buckets, &changes, time);
    let (outline, outline_nodes) = follow_entries(app, &root, &entries, &versions).await?;
    let updated = update(&root, buckets, names, &entries, composer_1, outline);

    let published: Vec<_> = pending
        .iter()
        .map(|package| (package.package_id, package.sequence))
        .collect();
    let unchanged = repository.head.root.as_ref() == Some(&updated.root);
    if !unchanged {
        for blob in listings.iter().flatten().filter(|_| !is_known) {
            put_rare_blob(app, blob).await?;
            blobs.push(blob.hash().clone());
        }
        for blob in outline_nodes.iter().chain(&updated.blobs) {
            put_blob(app, blob).await?;
            blobs.push(blob.hash().clone());
        }
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
        cause: &cause(&pending),
        rolled_back_to: None,
        address: &address,
        blobs: &blobs,
        removals,
        published: &published,
        indexed: &indexed,
    };
    let is_idle = unchanged || (pending.is_empty() && repository.head.root.is_none());
    let done = if is_idle {
        tick_off(app, &flip).await?
    } else {
        flip_head(app, &flip).await?
    };
    if !done {
        return Ok(None);
    }
    Ok(Some(if more {
        Published::More
    } else {
        Published::All
    }))
}

/// What was written of the documents of a publish.
struct Written {
    blobs: Vec<BlobHash>,
    changes: BTreeMap<String, Change>,
    versions: BTreeMap<String, OutlinedVersions>,
    indexed: Vec<Indexed>,
    composer_1: Option<Draft>,
}

/// Builds the documents of what waits, and stores those that the head does not name: what it names is there already, and
/// the sweep leaves it alone.
async fn write_documents(
    app: &App,
    repository: &Repository,
    pending: &[Pending],
    composer_1: Option<Draft>,
    time: i64,
) -> Result<Written> {
    let snapshot = Snapshot::open(app, &repository.head);
    let mut written = Written {
        blobs: Vec::new(),
        changes: BTreeMap::new(),
        versions: BTreeMap::new(),
        indexed: Vec::new(),
        composer_1,
    };
    for package in pending {
        let builds_composer_1 = written.composer_1.is_some();
        let Built {
            change,
            documents,
            versions,
            summary,
            composer_1: document,
        } = build_documents(app, repository, package, builds_composer_1).await?;
        written.indexed.push(summary);
        let published = snapshot.find_entry(&package.name).await?;
        for document in documents {
            if !published
                .as_ref()
                .is_some_and(|entry| entry.names(document.hash()))
            {
                if pending.len() > PACKAGES_COPIED_NEAR {
                    put_rare_blob(app, &document).await?;
                } else {
                    put_blob(app, &document).await?;
                }
                written.blobs.push(document.hash().clone());
            }
        }
        written.changes.insert(package.name.clone(), change);
        written.versions.insert(package.name.clone(), versions);
        match (&mut written.composer_1, document) {
            (Some(draft), Some(document)) => {
                let hash = document.hash();
                let known = draft.find(&package.name);
                if known.is_none_or(|known| known.hash != *hash) {
                    put_rare_blob(app, &document).await?;
                    written.blobs.push(hash.clone());
                }
                draft.put(&package.name, hash.clone(), time);
            }
            (Some(draft), None) => draft.remove(&package.name),
            (None, _) => {}
        }
    }
    Ok(written)
}

async fn list_pending(app: &App, repository: i64) -> Result<Vec<Pending>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select p.package_id, p.sequence, coalesce(n.deleted_name, n.name) as name,
                            exists (select 1 from repository_packages m where m.repository_id = p.repository_id
                                    and m.package_id = p.package_id) as is_member,
                            n.deleted_at is not null as is_deleted
                     from pending_publications p join packages n on n.id = p.package_id
                     where p.repository_id = ?1
                     order by n.deleted_at is null, p.asked_at, p.package_id
                     limit ?2",
                )
                .bind(repository)
                .bind(PACKAGES_IN_ONE_FLIP.saturating_add(1)),
            )
            .await?,
    )
}

/// Whether the published documents carry another address than they are to, or have an older form than this program gives
/// them. A newer form is left alone: while two programs are at work, the newer one decides.
fn is_outdated(repository: &Repository, address: &str) -> bool {
    let is_elsewhere = repository
        .published_address
        .as_ref()
        .is_some_and(|published| published != address);
    is_elsewhere || (repository.head.revision > 0 && repository.published_form < DOCUMENT_FORM)
}

/// What a package comes to.
struct Built {
    change: Change,
    documents: Vec<Blob>,
    versions: OutlinedVersions,
    summary: Indexed,
    composer_1: Option<Blob>,
}

/// The version whose README is the package's, where its archive is here.
fn wanted_text(tagged: &[ReleasedVersion], dev: &[ReleasedVersion]) -> Option<Wanted> {
    find_speaker(tagged, dev).map(|version| Wanted {
        reference: version.reference.clone(),
        version: version.pretty.clone(),
        normalized: version.normalized.clone(),
        page: version.host.source_page.clone(),
    })
}

async fn build_documents(
    app: &App,
    repository: &Repository,
    package: &Pending,
    builds_composer_1: bool,
) -> Result<Built> {
    let address = &repository.address(&app.config.public_url);
    let name = PackageName::parse(&package.name).map_err(Error::internal)?;
    let (tagged, dev) = match package.is_deleted {
        0 => load_released(app, package.package_id).await?,
        _ => (Vec::new(), Vec::new()),
    };
    // What is known of a package for searches is known to all repositories that it is in.
    let summary = Indexed {
        id: package.package_id,
        entry: summarize(&name, &tagged, &dev),
        provides: provided_names(&name, &tagged, &dev),
        requires: required_names(&name, &tagged, &dev),
        text: wanted_text(&tagged, &dev),
    };
    let (tagged, dev) = match package.is_member {
        0 => (Vec::new(), Vec::new()),
        _ => (tagged, dev),
    };
    if tagged.is_empty() && dev.is_empty() {
        return Ok(Built {
            change: Change::Remove,
            documents: Vec::new(),
            versions: OutlinedVersions::default(),
            summary,
            composer_1: None,
        });
    }
    let has_dev = !dev.is_empty();
    let tagged = build_entries(&name, tagged, address);
    let dev = build_entries(&name, dev, address);
    let facts = |entries: &[_]| entries.iter().filter_map(VersionFacts::of_entry).collect();
    let versions = OutlinedVersions {
        tagged: facts(&tagged),
        dev: facts(&dev),
    };
    let composer_1 = builds_composer_1.then(|| {
        let entries = tagged.iter().chain(&dev).cloned();
        composer_1::build_document(repository.id, &name, entries)
    });
    // The tagged document exists even when it is empty: clients read its list of advisories.
    let tagged = Blob::new(build_document(&name, tagged));
    let dev = has_dev.then(|| Blob::new(build_document(&name, dev)));
    let change = Change::Put {
        tagged: tagged.hash().clone(),
        dev: dev.as_ref().map(|blob| blob.hash().clone()),
    };
    Ok(Built {
        change,
        documents: std::iter::once(tagged).chain(dev).collect(),
        versions,
        summary,
        composer_1,
    })
}

fn cause(pending: &[Pending]) -> String {
    match pending {
        [] => "publish".to_owned(),
        [one] => one.name.clone(),
        [first, others @ ..] => format!("{} and {} more", first.name, others.len()),
    }
}
