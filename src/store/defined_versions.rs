//! Versions that a person wrote down, as Composer's `package` repositories have them.

use serde_json::{Map, Value, json};

use crate::app::App;
use crate::domain::archive::ArchiveFormat;
use crate::domain::definition::{DefinedDist, Definition};
use crate::domain::entry::{Place, ReleasedVersion};
use crate::domain::name::PackageName;
use crate::domain::policy::Abandoned;
use crate::error::{Error, Result};
use crate::ports::db::{row, rows_as};
use crate::ports::{Row, Statement};
use crate::store::archives::UploadedArchive;
use crate::store::audit::note_archive_stmt;
use crate::store::dists::insert_dist_stmt;
use crate::store::packages::{Package, find_package, insert_package_stmt, read_abandoned};
use crate::store::publications::ask_for_publication_stmt;
use crate::store::quotas::explain;
use crate::store::uploaded_versions::dist_of;
use crate::store::versions::warn_of;

/// Whether the versions of a package were ever defined by hand.
pub async fn is_defined(app: &App, package: i64) -> Result<bool> {
    let rows = app
        .db
        .rows(
            Statement::new("select 1 as one from defined_versions where package_id = ?1 limit 1")
                .bind(package),
        )
        .await?;
    Ok(!rows.is_empty())
}

/// Whether a package ever had versions of git or of uploads.
pub async fn has_other_versions(app: &App, package: i64) -> Result<bool> {
    let rows = app
        .db
        .rows(
            Statement::new("select 1 as one from versions where package_id = ?1 limit 1")
                .bind(package),
        )
        .await?;
    Ok(!rows.is_empty())
}

/// Refuses a package whose versions come from git or from uploads: they come from one place only.
pub async fn refuse_undefinable(app: &App, package: &Package) -> Result<()> {
    let name = &package.name;
    refuse_synced(package)?;
    if has_other_versions(app, package.id).await? {
        return Err(Error::conflict(format!(
            "`{name}` has versions that were uploaded; upload further ones, or define another name"
        )));
    }
    Ok(())
}

fn refuse_synced(package: &Package) -> Result<()> {
    if package.git_repo_id.is_none() {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "`{}` is synced from a git repository, so its versions are made by tags; define another name",
        package.name
    )))
}

/// The package of a name, made where there is none; one that is synced from git is refused.
pub async fn ensure_definable(
    app: &App,
    organisation: i64,
    name: &PackageName,
    description: Option<&str>,
) -> Result<Package> {
    let inserted = insert_package_stmt(organisation, name, None, description, app.now());
    if let Err(error) = app.db.rows(inserted).await {
        return Err(explain(app, organisation, error).await);
    }
    let package = find_package(app, organisation, name)
        .await?
        .ok_or_else(|| Error::internal(format!("package {name} vanished")))?;
    refuse_synced(&package)?;
    Ok(package)
}

/// Keeps an archive that a definition may name.
pub async fn keep_archive(
    app: &App,
    package: i64,
    key: &str,
    archive: &UploadedArchive,
) -> Result<()> {
    let reference = &archive.stored.sha256;
    app.db
        .batch(vec![
            note_archive_stmt(package, reference, archive.stored.size),
            insert_dist_stmt(package, reference, &dist_of(key, archive), app.now()),
        ])
        .await
        .map(|_| ())
}

row! {
    /// A version as it is defined now, or was last.
    #[derive(Debug, Clone)]
    pub struct DefinedRow {
        /// `1.2.0.0`.
        pub normalized: String,
        /// JSON: the definition as it was given.
        pub definition: String,
        /// Set when it has left the metadata.
        pub removed_at: Option<i64>,
    }
}

impl DefinedRow {
    /// The definition as it was given.
    pub fn fields(&self) -> Result<Map<String, Value>> {
        serde_json::from_str(&self.definition).map_err(Error::internal)
    }
}

/// All versions that were ever defined for a package.
pub async fn list_defined(app: &App, package: i64) -> Result<Vec<DefinedRow>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select normalized, definition, removed_at from defined_versions where package_id = ?1",
                )
                .bind(package),
            )
            .await?,
    )
}

/// Makes these the versions of a package, all others leave its metadata. A stable version that was defined before stays
/// as it was, and so does a package that has versions of another origin.
pub async fn define_versions(
    app: &App,
    package: i64,
    definitions: &[Definition],
    time: &str,
) -> Result<()> {
    let versions: Vec<_> = definitions
        .iter()
        .map(|definition| {
            let text = serde_json::to_string(&definition.fields).map_err(Error::internal)?;
            let reference = match &definition.dist {
                DefinedDist::Here(sha256) => Some(sha256),
                _ => None,
            };
            Ok(json!({
                "pretty": definition.version.pretty(),
                "normalized": definition.version.normalized(),
                "is_dev": i64::from(definition.version.is_dev()),
                "definition": text,
                "reference": reference,
            }))
        })
        .collect::<Result<_>>()?;
    let versions = Value::Array(versions).to_string();
    let now = app.now();
    app.db
        .batch(vec![
            Statement::new(
                "insert into defined_versions (package_id, pretty, normalized, is_dev, definition, reference, time,
                                               published_at)
                 select ?1, j.value ->> 'pretty', j.value ->> 'normalized', j.value ->> 'is_dev',
                        j.value ->> 'definition', j.value ->> 'reference', ?3, ?4
                 from json_each(?2) j
                 where not exists (select 1 from versions v where v.package_id = ?1)
                   and exists (select 1 from packages p where p.id = ?1 and p.git_repo_id is null)
                 on conflict (package_id, normalized) do update set
                     pretty = excluded.pretty,
                     time = case when definition = excluded.definition then time else excluded.time end,
                     published_at = case when definition = excluded.definition then published_at
                         else excluded.published_at end,
                     definition = excluded.definition,
                     reference = excluded.reference,
                     removed_at = null
                 where defined_versions.is_dev = 1 or defined_versions.definition = excluded.definition",
            )
            .bind(package)
            .bind(&versions)
            .bind(time)
            .bind(now),
            Statement::new(
                "update defined_versions set removed_at = ?3
                 where package_id = ?1 and removed_at is null
                   and normalized not in (select j.value ->> 'normalized' from json_each(?2) j)",
            )
            .bind(package)
            .bind(&versions)
            .bind(now),
            ask_for_publication_stmt(package, now),
        ])
        .await
        .map(|_| ())
}

row! {
    struct ReleasedRow {
        name: String,
        pretty: String,
        normalized: String,
        is_dev: i64,
        definition: String,
        time: String,
        published_at: i64,
        abandoned: Option<String>,
        deprecated: Option<String>,
        sha1: Option<String>,
        format: Option<ArchiveFormat>,
    }
}

/// The statement that gives the defined versions of a package for its documents, for a batch with others.
pub(crate) fn load_defined_stmt(package: i64) -> Statement {
    Statement::new(
        "select p.name, f.pretty, f.normalized, f.is_dev, f.definition, f.time, f.published_at, p.abandoned, f.deprecated,
                d.sha1, d.format
         from defined_versions f
         join packages p on p.id = f.package_id
         left join dists d on d.package_id = f.package_id and d.reference = f.reference
         where f.package_id = ?1 and f.removed_at is null and f.yanked_at is null",
    )
    .bind(package)
}

/// Reads what `load_defined_stmt` found; with each version whether it is a dev one.
pub(crate) fn read_defined(rows: Vec<Row>) -> Result<Vec<(bool, ReleasedVersion)>> {
    rows_as::<ReleasedRow>(rows)?
        .into_iter()
        .map(|row| Ok((row.is_dev != 0, read_released(row)?)))
        .collect()
}

fn read_released(row: ReleasedRow) -> Result<ReleasedVersion> {
    let name = PackageName::parse(&row.name).map_err(Error::internal)?;
    let value: Value = serde_json::from_str(&row.definition).map_err(Error::internal)?;
    let definition = Definition::parse(&name, &value).map_err(Error::internal)?;
    let mut manifest = definition.manifest();
    let is_default_branch = row.is_dev != 0
        && manifest
            .get("default-branch")
            .is_some_and(|value| *value == Value::Bool(true));
    let said = read_abandoned(row.abandoned.as_deref())?;
    if let Some(abandoned) = Abandoned::resolve(said, None) {
        let mut is_archived = false;
        abandoned.overrule(&mut manifest, &mut is_archived);
    }
    warn_of(&row.name, row.deprecated.as_deref(), &mut manifest)?;
    let (place, reference) = match definition.dist {
        DefinedDist::Nowhere => (Place::Nowhere, String::new()),
        DefinedDist::Elsewhere(dist) => (Place::Elsewhere(dist), String::new()),
        DefinedDist::Here(sha256) => (Place::Here(row.format.unwrap_or_default()), sha256),
    };
    Ok(ReleasedVersion {
        manifest,
        pretty: row.pretty,
        normalized: row.normalized,
        reference,
        shasum: row.sha1.unwrap_or_default(),
        place,
        source: definition.source,
        time: row.time,
        published_at: row.published_at,
        is_default_branch,
        ..ReleasedVersion::default()
    })
}
