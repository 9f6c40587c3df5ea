//! Versions. Insert-once: (package, normalized version) → reference. Only a dev version follows its branch, and a tag's
//! version its tag where the package says so.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::app::App;
use crate::domain::archive::ArchiveFormat;
use crate::domain::entry::{HostFacts, Place, ReleasedVersion, Source};
use crate::domain::monorepo::ROOT;
use crate::domain::policy::Abandoned;
use crate::domain::version::Version;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{first_as, row, rows_as};
use crate::store::defined_versions::{load_defined_stmt, read_defined};
use crate::store::host_facts::read_host_facts;
use crate::store::packages::read_abandoned;

/// A version to be stored.
#[derive(Debug, Clone)]
pub struct NewVersion<'a> {
    /// The package's id.
    pub package: i64,
    /// Its number.
    pub version: &'a Version,
    /// The commit, or the SHA-256 of an uploaded archive.
    pub reference: &'a str,
    /// The git ref it was made of; none for an upload.
    pub git_ref: Option<&'a str>,
    /// composer.json.
    pub manifest: &'a Map<String, Value>,
    /// RFC 3339.
    pub time: &'a str,
    /// Whether it is the default branch.
    pub is_default_branch: bool,
    /// JSON of the source that its uploader named; none for what comes from git.
    pub source: Option<&'a str>,
}

/// Stores a version whose archive is stored already (in the same batch at the latest).
/// A version that is there already keeps its reference, unless it is a dev version, or both are made of tags and the
/// package has its versions follow them, as of this very statement; a removed one comes back. A package that was renamed
/// gets none any more.
/// `published_at` moves only with the reference: it is when these contents first became installable.
pub fn upsert_version_stmt(new: &NewVersion<'_>, now: i64) -> Result<Statement> {
    let manifest = serde_json::to_string(new.manifest).map_err(Error::internal)?;
    Ok(Statement::new(
        "insert into versions (package_id, pretty, normalized, is_dev, reference, dist_id, git_ref, manifest,
                               time, published_at, is_default_branch, source)
         select ?1, ?2, ?3, ?4, ?5, d.id, ?6, ?7, ?8, ?9, ?10, ?11
         from dists d where d.package_id = ?1 and d.reference = ?5
           and exists (select 1 from packages p where p.id = ?1 and p.renamed_to is null)
           and not exists (select 1 from defined_versions f where f.package_id = ?1)
         on conflict (package_id, normalized) do update set
             pretty = excluded.pretty,
             published_at = case when versions.reference = excluded.reference
                 then versions.published_at else excluded.published_at end,
             reference = excluded.reference,
             dist_id = excluded.dist_id,
             git_ref = excluded.git_ref,
             manifest = excluded.manifest,
             time = excluded.time,
             is_default_branch = excluded.is_default_branch,
             source = excluded.source,
             removed_at = null
         where versions.is_dev = 1 or versions.reference = excluded.reference
            or (versions.git_ref is not null and excluded.git_ref is not null
                and exists (select 1 from packages p where p.id = ?1 and p.moved_tags = 'follow'))",
    )
    .bind(new.package)
    .bind(new.version.pretty())
    .bind(new.version.normalized())
    .bind(new.version.is_dev())
    .bind(new.reference)
    .bind(new.git_ref)
    .bind(manifest)
    .bind(new.time)
    .bind(now)
    .bind(new.is_default_branch)
    .bind(new.source))
}

row! {
    /// A stored version, as far as deciding about a ref needs it.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct StoredVersion {
        /// As tagged.
        pub pretty: String,
        /// The commit, or the SHA-256 of an uploaded archive.
        pub reference: String,
        /// The git ref it was made of.
        pub git_ref: Option<String>,
        /// Set when it has left the metadata.
        pub removed_at: Option<i64>,
        /// SHA-256 of its archive.
        pub sha256: String,
        /// How its archive is packed.
        pub format: ArchiveFormat,
        /// Bytes of its archive.
        pub size: u64,
        /// SHA-1 of its archive.
        pub sha1: String,
    }
}

/// Finds a version by its normalized number, removed ones included.
pub async fn find_version(
    app: &App,
    package: i64,
    normalized: &str,
) -> Result<Option<StoredVersion>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select v.pretty, v.reference, v.git_ref, v.removed_at, d.sha256, d.format, d.size, d.sha1
                 from versions v join dists d on d.id = v.dist_id
                 where v.package_id = ?1 and v.normalized = ?2",
            )
            .bind(package)
            .bind(normalized),
        )
        .await?;
    first_as(rows)
}

row! {
    /// A version as the API shows it.
    #[derive(Debug, Clone)]
    pub struct VersionRow {
        /// As tagged.
        pub pretty: String,
        /// `1.2.0.0`.
        pub normalized: String,
        /// The commit, or the SHA-256 of an uploaded archive; none for a defined version whose archive is elsewhere.
        pub reference: Option<String>,
        /// The git ref it was made of.
        pub git_ref: Option<String>,
        /// RFC 3339.
        pub time: String,
        /// Unix seconds.
        pub published_at: i64,
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
    }
}

/// The versions of a package that are in its metadata or yanked, in no order.
pub async fn list_versions(app: &App, package: i64) -> Result<Vec<VersionRow>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select v.pretty, v.normalized, v.reference, v.git_ref, v.time, v.published_at,
                            d.format, d.size, d.sha1, d.sha256, v.yanked_at, v.deprecated,
                            (select coalesce(sum(w.count), 0) from downloads w
                             where w.package_id = v.package_id and w.version = v.normalized) as downloads
                     from (select package_id, pretty, normalized, reference, git_ref, time, published_at, dist_id, yanked_at,
                                  deprecated
                           from versions where package_id = ?1 and removed_at is null
                           union all
                           select f.package_id, f.pretty, f.normalized, f.reference, null, f.time, f.published_at, a.id,
                                  f.yanked_at, f.deprecated
                           from defined_versions f
                           left join dists a on a.package_id = f.package_id and a.reference = f.reference
                           where f.package_id = ?1 and f.removed_at is null) v
                     left join dists d on d.id = v.dist_id",
                )
                .bind(package),
            )
            .await?,
    )
}

row! {
    struct ReleasedRow {
        name: String,
        pretty: String,
        normalized: String,
        is_dev: i64,
        manifest: String,
        reference: String,
        sha1: String,
        time: String,
        published_at: i64,
        is_default_branch: i64,
        git_ref: Option<String>,
        folder: Option<String>,
        clone_url: Option<String>,
        is_archived: Option<i64>,
        abandoned: Option<String>,
        renamed_to: Option<String>,
        host_facts: Option<String>,
        format: ArchiveFormat,
        source: Option<String>,
        deprecated: Option<String>,
    }
}

/// The versions of a package as they go into its documents: tagged ones and dev ones apart.
pub async fn load_released(
    app: &App,
    package: i64,
) -> Result<(Vec<ReleasedVersion>, Vec<ReleasedVersion>)> {
    let mut rows = app
        .db
        .batch(vec![
            Statement::new(
                "select p.name, v.pretty, v.normalized, v.is_dev, v.manifest, v.reference, d.sha1, d.format, v.source, v.time,
                        v.published_at, v.is_default_branch, v.git_ref, v.folder, v.deprecated, g.clone_url, g.is_archived, p.abandoned, p.renamed_to,
                        case when row_number() over (partition by g.id order by v.id) = 1 then g.host_facts end as host_facts
                 from versions v
                 join dists d on d.id = v.dist_id
                 join packages p on p.id = v.package_id
                 left join git_repos g on g.id = p.git_repo_id and v.git_ref is not null
                 where v.package_id = ?1 and v.removed_at is null and v.yanked_at is null",
            )
            .bind(package),
            load_defined_stmt(package),
        ])
        .await?
        .into_iter();
    let (rows, defined) = (
        rows.next().unwrap_or_default(),
        rows.next().unwrap_or_default(),
    );
    let mut tagged = Vec::new();
    let mut dev = Vec::new();
    let mut spelled_name = None;
    let rows = rows_as::<ReleasedRow>(rows)?;
    // One text for the whole project: it comes with one row alone.
    let facts = rows.iter().find_map(|row| row.host_facts.as_deref());
    let facts = read_host_facts(facts)?;
    for row in rows {
        let list = if row.is_dev == 0 {
            &mut tagged
        } else {
            &mut dev
        };
        let mut manifest: Map<String, Value> =
            serde_json::from_str(&row.manifest).map_err(Error::internal)?;
        if row.is_default_branch != 0 {
            spelled_name = manifest
                .get("name")
                .and_then(Value::as_str)
                .map(str::to_owned);
        }
        let mut is_archived = row.is_archived.unwrap_or_default() != 0;
        let said = read_abandoned(row.abandoned.as_deref())?;
        if let Some(abandoned) = Abandoned::resolve(said, row.renamed_to.as_deref()) {
            abandoned.overrule(&mut manifest, &mut is_archived);
        }
        warn_of(&row.name, row.deprecated.as_deref(), &mut manifest)?;
        let below = row.folder.as_deref().filter(|folder| *folder != ROOT);
        list.push(ReleasedVersion {
            spelled_name: None,
            manifest,
            host: match row.git_ref {
                Some(git_ref) => facts.of_version(&git_ref, &row.reference, below, is_archived),
                None => HostFacts::default(),
            },
            // A clone would be of the whole git repository, which is another package or none.
            source: read_source(
                row.clone_url.filter(|_| below.is_none()),
                row.source.as_deref(),
                &row.reference,
            )?,
            place: Place::Here(row.format),
            pretty: row.pretty,
            normalized: row.normalized,
            reference: row.reference,
            shasum: row.sha1,
            time: row.time,
            published_at: row.published_at,
            is_default_branch: row.is_default_branch != 0,
        });
    }
    for version in tagged.iter_mut().chain(&mut dev) {
        version.spelled_name.clone_from(&spelled_name);
    }
    for (is_dev, version) in read_defined(defined)? {
        if is_dev { &mut dev } else { &mut tagged }.push(version);
    }
    Ok((tagged, dev))
}

/// Says in a version's own metadata what people are warned of, unless its whole package is abandoned. Composer has one
/// field that it shows for a single version, `abandoned`: “Package acme/lib is abandoned, you should avoid using it. Use …
/// instead.” What stands there is what follows “Use”.
pub(crate) fn warn_of(
    package: &str,
    deprecated: Option<&str>,
    manifest: &mut Map<String, Value>,
) -> Result<()> {
    #[derive(Deserialize)]
    struct Deprecated {
        message: String,
        #[serde(rename = "use")]
        instead: Option<String>,
    }
    let Some(text) = deprecated else {
        return Ok(());
    };
    let said: Deprecated = serde_json::from_str(text).map_err(Error::internal)?;
    if manifest
        .get("abandoned")
        .is_none_or(|now| *now == Value::Bool(false))
    {
        let instead = said.instead.as_deref().unwrap_or("in another version");
        let text = format!("{package} {instead} ({})", said.message);
        manifest.insert("abandoned".to_owned(), text.into());
    }
    Ok(())
}

fn read_source(
    clone_url: Option<String>,
    named: Option<&str>,
    reference: &str,
) -> Result<Option<Source>> {
    match (clone_url, named) {
        (Some(url), _) => Ok(Some(Source {
            kind: "git".to_owned(),
            url,
            reference: reference.to_owned(),
        })),
        (None, Some(named)) => serde_json::from_str(named)
            .map(Some)
            .map_err(Error::internal),
        (None, None) => Ok(None),
    }
}

/// Marks the version of the default branch, and no other. Tags have no such mark.
pub fn mark_default_branch_stmt(package: i64, git_ref: &str) -> Statement {
    Statement::new(
        "update versions set is_default_branch = (git_ref = ?2)
         where package_id = ?1 and is_dev = 1 and git_ref is not null and is_default_branch <> (git_ref = ?2)",
    )
    .bind(package)
    .bind(git_ref)
}

/// Takes the versions of vanished git refs out of the metadata; their archives stay.
/// `git_refs` is a JSON list of full names.
pub fn remove_versions_stmt(package: i64, git_refs: &str, now: i64) -> Statement {
    Statement::new(
        "update versions set removed_at = ?3
         where package_id = ?1 and removed_at is null
           and git_ref in (select value from json_each(?2))
           and exists (select 1 from packages p where p.id = ?1 and p.renamed_to is null)",
    )
    .bind(package)
    .bind(git_refs)
    .bind(now)
}

/// Takes out of the metadata what a ref stood for before, since it stands for `normalized` now, or for nothing.
pub fn remove_other_versions_stmt(
    package: i64,
    git_ref: &str,
    normalized: Option<&str>,
    now: i64,
) -> Statement {
    Statement::new(
        "update versions set removed_at = ?4
         where package_id = ?1 and git_ref = ?2 and normalized is not ?3 and removed_at is null
           and exists (select 1 from packages p where p.id = ?1 and p.renamed_to is null)",
    )
    .bind(package)
    .bind(git_ref)
    .bind(normalized)
    .bind(now)
}

row! {
    /// A ref that a version was made of.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct VersionRef {
        /// Full name.
        pub name: String,
        /// The commit.
        pub commit: String,
    }
}

/// Refs that versions of a package were made of and that are not known of its git repository: it was synced as another
/// package meanwhile.
pub async fn list_forgotten_refs(
    app: &App,
    package: i64,
    git_repo: i64,
) -> Result<Vec<VersionRef>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select v.git_ref as name, min(v.reference) as \"commit\" from versions v
                     where v.package_id = ?1 and v.git_ref is not null and v.removed_at is null
                       and not exists (select 1 from git_refs g where g.git_repo_id = ?2 and g.name = v.git_ref)
                     group by v.git_ref",
                )
                .bind(package)
                .bind(git_repo),
            )
            .await?,
    )
}
