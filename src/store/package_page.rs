//! All that people see of one package who manage it, in two batches however many versions there are.

use crate::app::App;
use crate::domain::archive::ArchiveFormat;
use crate::domain::name::PackageName;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{first_as, json_list, row, rows_as};
use crate::store::packages::{Membership, Package, find_package_stmt, list_memberships_stmt};
use crate::store::repositories::{Repository, list_repositories_stmt, read_repositories};

/// More refs without a version than these are not told.
pub const MOST_REFS: usize = 100;

row! {
    struct Number {
        normalized: String,
    }
}

row! {
    /// A version with what its composer.json says.
    #[derive(Debug, Clone)]
    pub struct PageVersion {
        /// As tagged.
        pub pretty: String,
        /// `1.2.0.0`.
        pub normalized: String,
        /// The commit, or the SHA-256 of an uploaded archive.
        pub reference: Option<String>,
        /// The git ref it was made of.
        pub git_ref: Option<String>,
        /// RFC 3339.
        pub time: String,
        /// Unix seconds.
        pub published_at: i64,
        /// composer.json, or the definition.
        pub manifest: String,
        /// JSON of the source that its uploader named.
        pub source: Option<String>,
        /// How its archive is packed; like what follows, none for one that is not here.
        pub format: Option<ArchiveFormat>,
        /// Bytes of its archive.
        pub size: Option<i64>,
        /// SHA-1 of its archive.
        pub sha1: Option<String>,
        /// SHA-256 of its archive.
        pub sha256: Option<String>,
        /// How often it was installed, as clients report it.
        pub downloads: i64,
        /// Unix second at which a person took it out of the metadata.
        pub yanked_at: Option<i64>,
        /// JSON: what people are warned of.
        pub deprecated: Option<String>,
        /// Who released it, as the audit log has it.
        pub released_by: Option<String>,
    }
}

row! {
    /// The project that a package is synced from.
    #[derive(Debug, Clone)]
    pub struct PageProject {
        /// Its name at the host.
        pub full_name: String,
        /// An address for people.
        pub web_url: String,
        /// Where git fetches from.
        pub clone_url: String,
        /// The kind of host; none when the connection was deleted.
        pub provider: Option<String>,
        /// Whether it is archived at the host.
        pub is_archived: i64,
        /// Why the host withholds it.
        pub withheld_reason: Option<String>,
        /// Unix second of the last comparison.
        pub last_reconciled_at: Option<i64>,
    }
}

row! {
    /// A git ref that gave no version.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct PageRef {
        /// Full name.
        pub name: String,
        /// `skipped` or `failed`.
        pub state: String,
        /// Why.
        pub reason: Option<String>,
    }
}

/// A package, and the numbers of its versions.
pub struct Found {
    /// The package.
    pub package: Package,
    /// The versions that are in its metadata or yanked, normalized, in no order.
    pub numbers: Vec<String>,
}

/// Finds a package and the numbers of its versions. One batch.
pub async fn find_with_numbers(
    app: &App,
    organisation: i64,
    name: &PackageName,
) -> Result<Option<Found>> {
    let numbers = Statement::new(
        "select v.normalized from packages p join versions v on v.package_id = p.id
         where p.organisation_id = ?1 and p.name = ?2 and v.removed_at is null
         union all
         select f.normalized from packages p join defined_versions f on f.package_id = p.id
         where p.organisation_id = ?1 and p.name = ?2 and f.removed_at is null",
    )
    .bind(organisation)
    .bind(name.as_str());
    let statements = vec![find_package_stmt(organisation, name), numbers];
    let mut rows = app.db.batch(statements).await?.into_iter();
    let Some(package) = first_as(rows.next().unwrap_or_default())? else {
        return Ok(None);
    };
    let numbers = rows_as::<Number>(rows.next().unwrap_or_default())?;
    let numbers = numbers.into_iter().map(|row| row.normalized).collect();
    Ok(Some(Found { package, numbers }))
}

/// What else its page shows.
pub struct Details {
    /// The versions that were asked for, in no order.
    pub versions: Vec<PageVersion>,
    /// The repositories it is in.
    pub memberships: Vec<Membership>,
    /// All repositories of the organisation.
    pub repositories: Vec<Repository>,
    /// The project it is synced from.
    pub project: Option<PageProject>,
    /// Refs that gave no version, by name: at most one more than [`MOST_REFS`].
    pub refs: Vec<PageRef>,
}

/// Loads what a page shows, with the versions of these numbers. One batch.
pub async fn load_details(app: &App, package: &Package, numbers: &[&str]) -> Result<Details> {
    let versions = Statement::new(
        "select v.pretty, v.normalized, v.reference, v.git_ref, v.time, v.published_at, v.manifest, v.source,
                d.format, d.size, d.sha1, d.sha256, v.yanked_at, v.deprecated,
                (select coalesce(sum(w.count), 0) from downloads w
                 where w.package_id = v.package_id and w.version = v.normalized) as downloads,
                (select a.actor_name from audit a
                 where a.organisation_id = ?3 and a.action = 'version.published'
                   and a.subject_name = ?4 || ' ' || v.pretty
                 order by a.id desc limit 1) as released_by
         from (select package_id, pretty, normalized, reference, git_ref, time, published_at, dist_id, yanked_at,
                      deprecated, manifest, source
               from versions
               where package_id = ?1 and removed_at is null and normalized in (select value from json_each(?2))
               union all
               select f.package_id, f.pretty, f.normalized, f.reference, null, f.time, f.published_at, a.id,
                      f.yanked_at, f.deprecated, f.definition, null
               from defined_versions f
               left join dists a on a.package_id = f.package_id and a.reference = f.reference
               where f.package_id = ?1 and f.removed_at is null
                 and f.normalized in (select value from json_each(?2))) v
         left join dists d on d.id = v.dist_id",
    )
    .bind(package.id)
    .bind(json_list(numbers.iter().copied())?)
    .bind(package.organisation_id)
    .bind(&package.name);
    let project = Statement::new(
        "select g.full_name, g.web_url, g.clone_url, c.provider, g.is_archived, g.withheld_reason, g.last_reconciled_at
         from git_repos g
         left join connections c on c.id = g.connection_id and c.deleted_at is null
         where g.id = ?1",
    )
    .bind(package.git_repo_id);
    let most = i64::try_from(MOST_REFS).unwrap_or(i64::MAX);
    // Under a name of before it has no refs any more.
    let git_repo = package.git_repo_id.filter(|_| package.renamed_to.is_none());
    let refs = match package.folder {
        None => Statement::new(
            "select name, state, reason from git_refs
             where git_repo_id = ?1 and state in ('skipped', 'failed') order by name limit ?2",
        )
        .bind(git_repo),
        Some(_) => Statement::new(
            "select name, state, reason from folder_refs
             where package_id = ?1 and state in ('skipped', 'failed') order by name limit ?2",
        )
        .bind(package.id),
    }
    .bind(most.saturating_add(1));
    let statements = vec![
        versions,
        list_memberships_stmt(package.id),
        list_repositories_stmt(package.organisation_id),
        project,
        refs,
    ];
    let mut rows = app.db.batch(statements).await?.into_iter();
    let mut next = || rows.next().unwrap_or_default();
    Ok(Details {
        versions: rows_as(next())?,
        memberships: rows_as(next())?,
        repositories: read_repositories(next())?,
        project: first_as(next())?,
        refs: rows_as(next())?,
    })
}
