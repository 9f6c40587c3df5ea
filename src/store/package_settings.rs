//! What the settings of one package show, in one batch.

use crate::app::App;
use crate::domain::name::PackageName;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{first_as, row, rows_as};
use crate::store::packages::{Membership, Package, find_package_stmt};
use crate::store::repositories::{Repository, list_repositories_stmt, read_repositories};

row! {
    /// Where a package comes from.
    #[derive(Debug, Clone)]
    pub struct Source {
        /// The project's number here.
        pub number: i64,
        /// Its name at the host.
        pub full_name: String,
        /// An address for people.
        pub web_url: String,
        /// The kind of host; none when the connection was deleted.
        pub provider: Option<String>,
        /// The account of the connection.
        pub account: Option<String>,
        /// JSON: patterns of the folders that are packages; none where the project is one.
        pub folders: Option<String>,
        /// Of which of them a tag is a version: `changed` or `all`.
        pub folder_versions: String,
        /// Why the host withholds it.
        pub withheld_reason: Option<String>,
        /// Unix second of the last comparison.
        pub last_reconciled_at: Option<i64>,
    }
}

row! {
    /// A version that a person deleted.
    #[derive(Debug, Clone)]
    pub struct Deleted {
        /// As it was written.
        pub pretty: String,
        /// Unix seconds.
        pub deleted_at: i64,
    }
}

/// What is shown.
pub struct Settings {
    /// The package.
    pub package: Package,
    /// The repositories it is in.
    pub memberships: Vec<Membership>,
    /// All repositories of the organisation.
    pub repositories: Vec<Repository>,
    /// Where it comes from; none for uploads and definitions.
    pub source: Option<Source>,
    /// The last hundred versions that people deleted.
    pub deleted: Vec<Deleted>,
}

/// Loads it; none where there is no such package.
pub async fn find_settings(
    app: &App,
    organisation: i64,
    name: &PackageName,
) -> Result<Option<Settings>> {
    let on = |sql| Statement::new(sql).bind(organisation).bind(name.as_str());
    let statements = vec![
        find_package_stmt(organisation, name),
        on(
            "select r.id, r.slug from packages p
             join repository_packages m on m.package_id = p.id
             join repositories r on r.id = m.repository_id
             where p.organisation_id = ?1 and p.name = ?2 order by r.slug",
        ),
        list_repositories_stmt(organisation),
        on(
            "select g.id as number, g.full_name, g.web_url, c.provider, c.account, g.folders, g.folder_versions,
                    g.withheld_reason, g.last_reconciled_at
             from packages p join git_repos g on g.id = p.git_repo_id
             left join connections c on c.id = g.connection_id and c.deleted_at is null
             where p.organisation_id = ?1 and p.name = ?2",
        ),
        on(
            "select t.pretty, t.deleted_at from packages p join deleted_versions t on t.package_id = p.id
             where p.organisation_id = ?1 and p.name = ?2
             order by t.deleted_at desc, t.normalized limit 100",
        ),
    ];
    let mut rows = app.db.batch(statements).await?.into_iter();
    let mut next = || rows.next().unwrap_or_default();
    let Some(package) = first_as(next())? else {
        return Ok(None);
    };
    Ok(Some(Settings {
        package,
        memberships: rows_as(next())?,
        repositories: read_repositories(next())?,
        source: first_as(next())?,
        deleted: rows_as(next())?,
    }))
}
