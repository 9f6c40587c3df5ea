//! Publishing: the documents of changed packages become blobs, the tree is updated, the head flips.
//!
//! Order of writes: archive, row, documents, tree, head. A crash before the flip leaves blobs that nothing names,
//! which the sweep takes away later, and never a repository that names what is not there.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::app::App;
use crate::domain::blob::Blob;
use crate::domain::metadata::build_document;
use crate::domain::name::PackageName;
use crate::domain::search::{provided_names, summarize};
use crate::domain::tree::{Change, touched_buckets, update};
use crate::error::{Error, ErrorKind, Result};
use crate::ports::Statement;
use crate::ports::db::rows_as;
use crate::store::blobs::put_blob;
use crate::store::heads::{Flip, flip_head, tick_off};
use crate::store::repositories::{Repository, load_repository};
use crate::store::search::Indexed;
use crate::store::snapshot::Snapshot;
use crate::store::sweep::count_removals;
use crate::store::versions::load_released;

/// Packages in one flip. Each costs a read and up to two documents of two writes; 200 keep one invocation far below
/// the platform's 1,000 D1 queries and 10,000 subrequests.
const PACKAGES_IN_ONE_FLIP: i64 = 200;

/// How often a lost race is run again before the caller is told to come back.
const RACES: u32 = 8;

/// What a publish did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// Nothing waits any more.
    All,
    /// More packages wait than fit into one flip.
    More,
}

/// Says that the documents of a package must be built again, in every repository it is in.
/// Belongs into the batch that makes the change.
pub fn ask_for_publication_stmt(package: i64, now: i64) -> Statement {
    Statement::new(
        "insert into pending_publications (repository_id, package_id, sequence, asked_at)
         select repository_id, package_id, 1, ?2 from repository_packages where package_id = ?1
         on conflict (repository_id, package_id) do update set sequence = sequence + 1, asked_at = ?2",
    )
    .bind(package)
    .bind(now)
}

/// The same for all packages that a git repository is or was synced as: they share its address and its state.
pub fn ask_for_publications_of_git_repo_stmt(git_repo: i64, now: i64) -> Statement {
    Statement::new(
        "insert into pending_publications (repository_id, package_id, sequence, asked_at)
         select m.repository_id, m.package_id, 1, ?2
         from packages p join repository_packages m on m.package_id = p.id
         where p.git_repo_id = ?1
         on conflict (repository_id, package_id) do update set sequence = sequence + 1, asked_at = ?2",
    )
    .bind(git_repo)
    .bind(now)
}

/// The same by name, for a batch that also makes the package.
pub fn ask_for_publication_by_name_stmt(
    organisation: i64,
    name: &PackageName,
    now: i64,
) -> Statement {
    Statement::new(
        "insert into pending_publications (repository_id, package_id, sequence, asked_at)
         select m.repository_id, m.package_id, 1, ?3
         from packages p join repository_packages m on m.package_id = p.id
         where p.organisation_id = ?1 and p.name = ?2
         on conflict (repository_id, package_id) do update set sequence = sequence + 1, asked_at = ?3",
    )
    .bind(organisation)
    .bind(name.as_str())
    .bind(now)
}

/// Repositories that have waited since before `before`: a message was lost.
pub async fn list_forgotten(app: &App, before: i64) -> Result<Vec<i64>> {
    #[derive(Deserialize)]
    struct Forgotten {
        repository_id: i64,
    }
    let rows = app
        .db
        .rows(
            Statement::new(
                "select repository_id from pending_publications where asked_at < ?1
                 union
                 select m.repository_id from jobs j join repository_packages m on m.package_id = j.package_id
                 where j.state = 'publishing' and coalesce(j.started_at, j.created_at) < ?1
                 limit 100",
            )
            .bind(before),
        )
        .await?;
    Ok(rows_as::<Forgotten>(rows)?
        .into_iter()
        .map(|row| row.repository_id)
        .collect())
}

#[derive(Deserialize)]
struct Pending {
    package_id: i64,
    sequence: i64,
    name: String,
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
    let repository = load_repository(app, repository).await?;
    let address = repository.address(&app.config.public_url);
    if repository
        .published_address
        .as_ref()
        .is_some_and(|published| *published != address)
    {
        ask_for_all(app, &repository).await?;
    }
    let mut pending = list_pending(app, repository.id).await?;
    let more = i64::try_from(pending.len()).is_ok_and(|count| count > PACKAGES_IN_ONE_FLIP);
    pending.truncate(usize::try_from(PACKAGES_IN_ONE_FLIP).unwrap_or_default());

    let snapshot = Snapshot::open(app, &repository.head);
    let root = snapshot.root().await?;
    let mut blobs = Vec::new();
    let mut changes = BTreeMap::new();
    let mut indexed = Vec::new();
    for package in &pending {
        let Built {
            change,
            documents,
            summary,
        } = build_documents(app, package, &address).await?;
        indexed.push(summary);
        let published = snapshot.find_entry(&package.name).await?;
        for document in documents {
            // What the head names already is there, and the sweep leaves it alone.
            if !published
                .as_ref()
                .is_some_and(|entry| entry.names(document.hash()))
            {
                put_blob(app, &document).await?;
                blobs.push(document.hash().clone());
            }
        }
        changes.insert(package.name.clone(), change);
    }

    let touched = touched_buckets(changes.keys().map(String::as_str));
    let buckets = snapshot.buckets(&root, touched.into_iter()).await?;
    let names = snapshot.names_for_update(&root, changes.len()).await?;
    // Later than the revision before by at least a second: validators are made of this time.
    let time = app.now().max(repository.head.time.saturating_add(1));
    let updated = update(&root, buckets, names, &changes, time);

    let published: Vec<_> = pending
        .iter()
        .map(|package| (package.package_id, package.sequence))
        .collect();
    let unchanged = repository.head.root.as_ref() == Some(&updated.root);
    if !unchanged {
        for blob in &updated.blobs {
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

async fn list_pending(app: &App, repository: i64) -> Result<Vec<Pending>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select p.package_id, p.sequence, n.name
                     from pending_publications p join packages n on n.id = p.package_id
                     where p.repository_id = ?1
                     order by p.asked_at, p.package_id
                     limit ?2",
                )
                .bind(repository)
                .bind(PACKAGES_IN_ONE_FLIP.saturating_add(1)),
            )
            .await?,
    )
}

/// The repository moved to another address: every document names it, so every document is built again.
async fn ask_for_all(app: &App, repository: &Repository) -> Result<()> {
    app.db
        .rows(
            Statement::new(
                "insert into pending_publications (repository_id, package_id, sequence, asked_at)
                 select repository_id, package_id, 1, ?2 from repository_packages where repository_id = ?1
                 on conflict (repository_id, package_id) do update set sequence = sequence + 1",
            )
            .bind(repository.id)
            .bind(app.now()),
        )
        .await
        .map(|_| ())
}

/// What a package comes to.
struct Built {
    change: Change,
    documents: Vec<Blob>,
    summary: Indexed,
}

async fn build_documents(app: &App, package: &Pending, address: &str) -> Result<Built> {
    let name = PackageName::parse(&package.name).map_err(Error::internal)?;
    let (tagged, dev) = load_released(app, package.package_id).await?;
    let summary = Indexed {
        id: package.package_id,
        entry: summarize(&name, &tagged, &dev),
        provides: provided_names(&name, &tagged, &dev),
    };
    if tagged.is_empty() && dev.is_empty() {
        return Ok(Built {
            change: Change::Remove,
            documents: Vec::new(),
            summary,
        });
    }
    let has_dev = !dev.is_empty();
    // The tagged document exists even when it is empty: clients read its list of advisories.
    let tagged = Blob::new(build_document(&name, tagged, address));
    let dev = has_dev.then(|| Blob::new(build_document(&name, dev, address)));
    let change = Change::Put {
        tagged: tagged.hash().clone(),
        dev: dev.as_ref().map(|blob| blob.hash().clone()),
    };
    Ok(Built {
        change,
        documents: std::iter::once(tagged).chain(dev).collect(),
        summary,
    })
}

fn cause(pending: &[Pending]) -> String {
    match pending {
        [] => "publish".to_owned(),
        [one] => one.name.clone(),
        [first, others @ ..] => format!("{} and {} more", first.name, others.len()),
    }
}
