//! What a person says of a version that is there: yanked, deprecated, deleted. A package has versions of its own in
//! `versions` or in `defined_versions`, so each statement stands here twice.

use serde_json::json;

use crate::app::App;
use crate::domain::time::rfc3339;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{first_as, json_list, row, rows_as};
use crate::ports::rows::{Columns, FromRow, Refused};
use crate::store::publications::ask_for_publication_stmt;

row! {
    /// A version as the life cycle sees it.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct LivingVersion {
        /// As tagged or defined.
        pub pretty: String,
        /// `1.2.0.0`.
        pub normalized: String,
        /// The git ref it was made of.
        pub git_ref: Option<String>,
        /// The folder it was made of, where its git repository has many packages.
        pub folder: Option<String>,
    }
}

/// Finds a version of a package as it is written or as it is normalized, those that have left the metadata included.
pub async fn find_living_version(
    app: &App,
    package: i64,
    version: &str,
) -> Result<Option<LivingVersion>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select pretty, normalized, git_ref, folder from versions
                 where package_id = ?1 and (pretty = ?2 or normalized = ?2)
                 union all
                 select pretty, normalized, null, null from defined_versions
                 where package_id = ?1 and (pretty = ?2 or normalized = ?2)
                 limit 1",
            )
            .bind(package)
            .bind(version),
        )
        .await?;
    first_as(rows)
}

/// Yanks a version, or puts it back. It leaves the metadata and nothing else: its archive stays for lock files. Whatever
/// becomes of its ref meanwhile, it stays yanked. Saying it twice changes nothing.
pub async fn yank_version(
    app: &App,
    package: i64,
    normalized: &str,
    is_yanked: bool,
) -> Result<()> {
    let now = app.now();
    let on = |sql: &'static str| {
        Statement::new(sql)
            .bind(package)
            .bind(normalized)
            .bind(is_yanked.then_some(now))
    };
    app.db
        .batch(vec![
            on("update versions set yanked_at = ?3
                where package_id = ?1 and normalized = ?2 and (yanked_at is null) <> (?3 is null)"),
            on("update defined_versions set yanked_at = ?3
                where package_id = ?1 and normalized = ?2 and (yanked_at is null) <> (?3 is null)"),
            ask_for_publication_stmt(package, now),
        ])
        .await
        .map(|_| ())
}

/// Warns people of a version: with a message, and perhaps with a constraint of what to use instead. None takes it back.
pub async fn deprecate_version(
    app: &App,
    package: i64,
    normalized: &str,
    said: Option<(&str, Option<&str>)>,
) -> Result<()> {
    let now = app.now();
    let text =
        said.map(|(message, instead)| json!({"message": message, "use": instead}).to_string());
    let on = |sql: &'static str| {
        Statement::new(sql)
            .bind(package)
            .bind(normalized)
            .bind(text.clone())
    };
    app.db
        .batch(vec![
            on("update versions set deprecated = ?3
                where package_id = ?1 and normalized = ?2 and deprecated is not ?3"),
            on("update defined_versions set deprecated = ?3
                where package_id = ?1 and normalized = ?2 and deprecated is not ?3"),
            ask_for_publication_stmt(package, now),
        ])
        .await
        .map(|_| ())
}

/// Deletes a version, in one batch: its number and its archive are noted as deleted, its row leaves, and
/// what its ref is told becomes of it. The archive is taken away when no head names it any more
/// ([`remove_deleted_archives`]), unless another version has the same one.
pub async fn delete_version(
    app: &App,
    package: i64,
    version: &LivingVersion,
    reason: &str,
) -> Result<()> {
    let now = app.now();
    let on = |sql: &'static str| Statement::new(sql).bind(package).bind(&version.normalized);
    app.db
        .batch(vec![
            on("insert into deleted_versions (package_id, normalized, pretty, reference, git_ref, sha256, deleted_at)
                select v.package_id, v.normalized, v.pretty, v.reference, v.git_ref, d.sha256, ?3
                from (select package_id, normalized, pretty, reference, git_ref from versions
                      union all
                      select package_id, normalized, pretty, reference, null from defined_versions) v
                left join dists d on d.package_id = v.package_id and d.reference = v.reference
                where v.package_id = ?1 and v.normalized = ?2
                on conflict (package_id, normalized) do nothing")
            .bind(now),
            on("insert into deleted_archives (archive_key, package_id, deleted_at)
                select d.archive_key, d.package_id, ?3
                from deleted_versions t
                join dists d on d.package_id = t.package_id and d.reference = t.reference
                where t.package_id = ?1 and t.normalized = ?2
                  and not exists (select 1 from versions o where o.dist_id = d.id and o.normalized <> ?2)
                  and not exists (select 1 from defined_versions o
                                  where o.package_id = ?1 and o.reference = d.reference and o.normalized <> ?2)
                on conflict (archive_key) do nothing")
            .bind(now),
            on("delete from versions where package_id = ?1 and normalized = ?2"),
            on("delete from defined_versions where package_id = ?1 and normalized = ?2"),
            // Of many packages of one git repository each has what became of its folder.
            on("update folder_refs set state = 'skipped', version = null, normalized = null, is_dev = 0,
                       is_default_branch = 0, reason = ?3
                where package_id = ?1 and normalized = ?2")
            .bind(reason),
            on("update git_refs set state = 'skipped', version = null, reason = ?3, rule = null
                where git_repo_id = (select git_repo_id from packages where id = ?1 and folder is null)
                  and name = (select git_ref from deleted_versions where package_id = ?1 and normalized = ?2)")
            .bind(reason),
            ask_for_publication_stmt(package, now),
        ])
        .await
        .map(|_| ())
}

row! {
    /// A version that a person deleted.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct DeletedVersion {
        /// As it was written.
        pub pretty: String,
        /// `1.2.0.0`.
        pub normalized: String,
        /// The commit, or the SHA-256 of an uploaded archive.
        pub reference: Option<String>,
        /// SHA-256 of its archive, where it had one here.
        pub sha256: Option<String>,
        /// Unix seconds.
        pub deleted_at: i64,
        /// 1 when it was deleted together with its package: the same bytes may have the number again by themselves.
        pub with_package: i64,
        /// The definition, where a person had written the version down.
        pub definition: Option<String>,
    }
}

impl DeletedVersion {
    /// The commit or the archive that may have the number again without anybody's restoring it.
    pub fn returns(&self) -> Option<String> {
        self.reference.clone().filter(|_| self.with_package != 0)
    }

    /// Why it is not there, in words for a person.
    pub fn reason(&self, package: &str) -> String {
        let day: String = rfc3339(self.deleted_at).chars().take(10).collect();
        let version = &self.pretty;
        if self.with_package != 0 {
            return format!(
                "version `{version}` was deleted with a package of this name on {day}, and what was served under a number \
                 is the only thing that is served under it again; let others have it with \
                 `POST …/packages/{package}/versions/{version}/restore`"
            );
        }
        format!(
            "version `{version}` was deleted by a person on {day}; restore it with \
             `POST …/packages/{package}/versions/{version}/restore`"
        )
    }
}

/// The deleted versions of a package, the last deleted one first.
pub async fn list_deleted_versions(app: &App, package: i64) -> Result<Vec<DeletedVersion>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select pretty, normalized, reference, sha256, deleted_at, with_package, definition
                     from deleted_versions
                     where package_id = ?1 order by deleted_at desc, normalized",
                )
                .bind(package),
            )
            .await?,
    )
}

/// The deleted versions of all packages of a git repository, each with the package's name.
pub async fn list_deleted_of_git_repo(
    app: &App,
    git_repo: i64,
) -> Result<Vec<(String, DeletedVersion)>> {
    struct Row {
        package: String,
        deleted: DeletedVersion,
    }
    impl FromRow for Row {
        fn from_row(columns: &mut Columns) -> Result<Self, Refused> {
            Ok(Self {
                package: columns.text("package"),
                deleted: DeletedVersion::from_row(columns)?,
            })
        }
    }
    let rows = app
        .db
        .rows(
            Statement::new(
                "select p.name as package, t.pretty, t.normalized, t.reference, t.sha256, t.deleted_at, t.with_package,
                        t.definition
                 from packages p join deleted_versions t on t.package_id = p.id where p.git_repo_id = ?1",
            )
            .bind(git_repo),
        )
        .await?;
    Ok(rows_as::<Row>(rows)?
        .into_iter()
        .map(|row| (row.package, row.deleted))
        .collect())
}

/// The deleted version of that number.
pub async fn find_deleted_version(
    app: &App,
    package: i64,
    version: &str,
) -> Result<Option<DeletedVersion>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select pretty, normalized, reference, sha256, deleted_at, with_package, definition
                 from deleted_versions
                 where package_id = ?1 and (pretty = ?2 or normalized = ?2) limit 1",
            )
            .bind(package)
            .bind(version),
        )
        .await?;
    first_as(rows)
}

/// Lets a deleted number be published again. Its ref, if it has one, is looked at anew by the next sync.
pub async fn restore_version(app: &App, package: i64, normalized: &str) -> Result<()> {
    let on = |sql: &'static str| Statement::new(sql).bind(package).bind(normalized);
    app.db
        .batch(vec![
            on("delete from git_refs
                where git_repo_id = (select git_repo_id from packages where id = ?1)
                  and name = (select git_ref from deleted_versions where package_id = ?1 and normalized = ?2)"),
            on("delete from served_versions
                where normalized = ?2 and (organisation_id, name) = (
                    select organisation_id, name from packages where id = ?1)"),
            on("delete from deleted_versions where package_id = ?1 and normalized = ?2"),
        ])
        .await
        .map(|_| ())
}

/// The statement that lets the very bytes of a deleted version be published under its number again: uploading them is
/// saying so.
pub fn restore_same_bytes_stmt(package: i64, normalized: &str, sha256: &str) -> Statement {
    Statement::new(
        "delete from deleted_versions where package_id = ?1 and normalized = ?2 and sha256 = ?3",
    )
    .bind(package)
    .bind(normalized)
    .bind(sha256)
}

/// Takes archives of deleted versions away, those of packages that wait for no publish: no head names them any more.
/// Their rows go first, then the objects, then the note of it, so a call that dies is made up for by the next. An archive
/// that a version has again stays.
pub async fn remove_deleted_archives(app: &App) -> Result<()> {
    row! {
        struct Key {
            archive_key: String,
        }
    }
    let rows = app
        .db
        .batch(vec![
            Statement::new(
                "delete from deleted_archives where archive_key in (
                     select a.archive_key from deleted_archives a join dists d on d.archive_key = a.archive_key
                     where exists (select 1 from versions v where v.package_id = d.package_id and v.dist_id = d.id)
                        or exists (select 1 from defined_versions f
                                   where f.package_id = d.package_id and f.reference = d.reference))",
            ),
            Statement::new(
                "delete from dists where archive_key in (
                     select a.archive_key from deleted_archives a
                     where not exists (select 1 from pending_publications p where p.package_id = a.package_id))",
            ),
            Statement::new(
                "select a.archive_key from deleted_archives a
                 where not exists (select 1 from dists d where d.archive_key = a.archive_key) limit 500",
            ),
        ])
        .await?;
    let keys: Vec<String> = rows_as::<Key>(rows.into_iter().last().unwrap_or_default())?
        .into_iter()
        .map(|row| row.archive_key)
        .collect();
    if keys.is_empty() {
        return Ok(());
    }
    app.blobs.delete(&keys).await?;
    // What this isolate remembers; elsewhere a copy leads to an object that is not there.
    app.memo.dists.clear();
    let list = json_list(keys.iter().map(String::as_str))?;
    app.db
        .rows(
            Statement::new(
                "delete from deleted_archives where archive_key in (select value from json_each(?1))",
            )
            .bind(list),
        )
        .await
        .map(|_| ())
}

/// Takes a package out of a repository, if it is in it: its documents there leave with the next publish.
pub async fn take_out(app: &App, package: i64, repository: i64) -> Result<()> {
    let now = app.now();
    app.db
        .batch(vec![
            Statement::new(
                "insert into pending_publications (repository_id, package_id, sequence, asked_at)
                 select repository_id, package_id, 1, ?3 from repository_packages
                 where package_id = ?1 and repository_id = ?2
                 on conflict (repository_id, package_id) do update set sequence = sequence + 1, asked_at = ?3",
            )
            .bind(package)
            .bind(repository)
            .bind(now),
            Statement::new(
                "delete from repository_packages where package_id = ?1 and repository_id = ?2",
            )
            .bind(package)
            .bind(repository),
        ])
        .await
        .map(|_| ())
}
