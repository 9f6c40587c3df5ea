//! Packages and the repositories they are in.

use crate::app::App;
use crate::domain::name::PackageName;
use crate::domain::policy::{Abandoned, MovedTags, PackagePolicy};
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{first_as, row, rows_as};

row! {
    /// A package.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Package {
        /// Its id.
        pub id: i64,
        /// The organisation's id.
        pub organisation_id: i64,
        /// `vendor/name`.
        pub name: String,
        /// The git repository it is synced from; none for uploads.
        pub git_repo_id: Option<i64>,
        /// The folder of it that it was last found in, where it is one package of many.
        pub folder: Option<String>,
        /// Its description.
        pub description: Option<String>,
        /// Unix seconds.
        pub created_at: i64,
        /// JSON list of patterns.
        transient_branches: String,
        /// JSON list.
        tag_prefixes: String,
        /// `keep` or `follow`.
        moved_tags: String,
        /// JSON: what a person said.
        abandoned: Option<String>,
        /// The name that its source has taken since: it is frozen.
        pub renamed_to: Option<String>,
        /// The name of the package that it was synced as before.
        pub renamed_from: Option<String>,
        /// What a person should know of its name.
        pub notice: Option<String>,
    }
}

impl Package {
    /// Its settings.
    pub fn policy(&self) -> Result<PackagePolicy> {
        let moved_tags = match self.moved_tags.as_str() {
            "follow" => MovedTags::Follow,
            _ => MovedTags::Keep,
        };
        Ok(PackagePolicy {
            transient_branches: from_json(&self.transient_branches)?,
            tag_prefixes: from_json(&self.tag_prefixes)?,
            moved_tags,
            abandoned: read_abandoned(self.abandoned.as_deref())?,
        })
    }
}

/// What a person said of a package, from its column.
pub fn read_abandoned(column: Option<&str>) -> Result<Option<Abandoned>> {
    column.map(from_json).transpose()
}

fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(Error::internal)
}

/// Keeps those settings of a package that are others than before, so that two people who change two of them at once
/// both have their way.
pub fn update_policy_stmt(
    package: i64,
    before: &PackagePolicy,
    after: &PackagePolicy,
) -> Result<Statement> {
    let json = |value: Result<String, serde_json::Error>| value.map_err(Error::internal);
    let branches = (after.transient_branches != before.transient_branches)
        .then(|| serde_json::to_string(&after.transient_branches));
    let prefixes = (after.tag_prefixes != before.tag_prefixes)
        .then(|| serde_json::to_string(&after.tag_prefixes));
    let moved_tags = (after.moved_tags != before.moved_tags).then(|| after.moved_tags.as_str());
    let abandoned = after.abandoned.as_ref().map(serde_json::to_string);
    Ok(Statement::new(
        "update packages set transient_branches = coalesce(?2, transient_branches),
                tag_prefixes = coalesce(?3, tag_prefixes), moved_tags = coalesce(?4, moved_tags),
                abandoned = case when ?5 then ?6 else abandoned end
         where id = ?1",
    )
    .bind(package)
    .bind(branches.map(json).transpose()?)
    .bind(prefixes.map(json).transpose()?)
    .bind(moved_tags)
    .bind(after.abandoned != before.abandoned)
    .bind(abandoned.map(json).transpose()?))
}

/// Fails the batch that it begins, as a conflict, if the settings of a package are no longer as they were read: a column
/// that must have a value would lose it. So of two changes of one state one is made.
pub fn settings_still_are_stmt(package: &Package) -> Statement {
    Statement::new(
        "update packages set name = null
         where id = ?1 and not (transient_branches = ?2 and tag_prefixes = ?3 and moved_tags = ?4 and abandoned is ?5)",
    )
    .bind(package.id)
    .bind(&package.transient_branches)
    .bind(&package.tag_prefixes)
    .bind(&package.moved_tags)
    .bind(package.abandoned.as_ref())
}

/// Says what a person should know of the name of a package, or that it is fine.
pub fn note_on_package_stmt(package: i64, notice: Option<&str>) -> Statement {
    Statement::new("update packages set notice = ?2 where id = ?1 and notice is not ?2")
        .bind(package)
        .bind(notice)
}

/// Finds a package of an organisation by its name.
pub async fn find_package(
    app: &App,
    organisation: i64,
    name: &PackageName,
) -> Result<Option<Package>> {
    first_as(app.db.rows(find_package_stmt(organisation, name)).await?)
}

/// The statement that finds it, for a batch with others.
pub fn find_package_stmt(organisation: i64, name: &PackageName) -> Statement {
    Statement::new(
        "select id, organisation_id, name, git_repo_id, folder, description, created_at,
                transient_branches, tag_prefixes, moved_tags, abandoned, renamed_to, renamed_from, notice
         from packages where organisation_id = ?1 and name = ?2",
    )
    .bind(organisation)
    .bind(name.as_str())
}

/// The package that is synced from a git repository; those that it was before under other names are not.
pub async fn find_package_of_git_repo(app: &App, git_repo: i64) -> Result<Option<Package>> {
    let rows = app.db.rows(find_package_of_git_repo_stmt(git_repo)).await?;
    first_as(rows)
}

/// The statement that gives it.
pub(super) fn find_package_of_git_repo_stmt(git_repo: i64) -> Statement {
    Statement::new(
        "select id, organisation_id, name, git_repo_id, folder, description, created_at, transient_branches,
                tag_prefixes, moved_tags, abandoned, renamed_to, renamed_from, notice
         from packages where git_repo_id = ?1 and renamed_to is null",
    )
    .bind(git_repo)
}

row! {
    /// A package as lists show it.
    #[derive(Debug, Clone)]
    pub struct PackageSummary {
        /// `vendor/name`.
        pub name: String,
        /// Its description.
        pub description: Option<String>,
        /// How many versions are in its metadata.
        pub versions: i64,
        /// JSON: what a person said of whether it is abandoned.
        pub abandoned: Option<String>,
        /// The name that its source has taken since.
        pub renamed_to: Option<String>,
        /// Whether its project is archived at the git host.
        pub is_archived: Option<i64>,
    }
}

/// Which packages are listed. What is none limits nothing.
#[derive(Debug, Clone, Default)]
pub struct PackageFilter<'a> {
    /// Names that fit this pattern.
    pub pattern: Option<&'a str>,
    /// Those in a repository, by slug.
    pub repository: Option<&'a str>,
    /// Those that a full-text query finds.
    pub query: Option<&'a str>,
}

/// Packages `p` as lists show them, out of what is given.
macro_rules! summaries_sql {
    ($from:literal) => {
        concat!(
            "select p.name, p.description,
                    (select count(*) from versions v
                     where v.package_id = p.id and v.removed_at is null and v.yanked_at is null)
                    + (select count(*) from defined_versions f
                       where f.package_id = p.id and f.removed_at is null and f.yanked_at is null) as versions,
                    p.abandoned, p.renamed_to, g.is_archived ",
            $from
        )
    };
}

/// The packages of an organisation, or of one of its repositories, whose name comes after `after`, by name. A page costs the
/// same however many there are of either: each has its index by name.
pub async fn list_packages(
    app: &App,
    organisation: i64,
    filter: &PackageFilter<'_>,
    after: &str,
    limit: i64,
) -> Result<Vec<PackageSummary>> {
    let statement = match filter.repository {
        None => Statement::new(summaries_sql!(
            "from packages p left join git_repos g on g.id = p.git_repo_id
             where p.organisation_id = ?1 and p.name > ?2 and p.deleted_at is null
               and (?4 is null or p.name glob ?4)
               and (?5 is null or p.id in (
                    select rowid from package_search where package_search match coalesce(?5, '\"\"')))
             order by p.name limit ?3"
        )),
        Some(_) => Statement::new(summaries_sql!(
            "from repository_packages m cross join packages p on p.id = m.package_id
                  left join git_repos g on g.id = p.git_repo_id
             where m.repository_id = (
                       select r.id from repositories r where r.organisation_id = ?1 and r.slug = ?6)
               and m.package_name > ?2 and p.deleted_at is null
               and (?4 is null or m.package_name glob ?4)
               and (?5 is null or p.id in (
                    select rowid from package_search where package_search match coalesce(?5, '\"\"')))
             order by m.package_name limit ?3"
        )),
    };
    let statement = statement
        .bind(organisation)
        .bind(after)
        .bind(limit)
        .bind(filter.pattern)
        .bind(filter.query);
    let statement = match filter.repository {
        None => statement,
        Some(slug) => statement.bind(slug),
    };
    rows_as(app.db.rows(statement).await?)
}

/// Those of an organisation's packages that have one of these names, by name.
pub async fn list_named_packages(
    app: &App,
    organisation: i64,
    names: &[&str],
) -> Result<Vec<PackageSummary>> {
    let names = serde_json::to_string(names).map_err(Error::internal)?;
    let statement = Statement::new(summaries_sql!(
        "from json_each(?2) j cross join packages p on p.organisation_id = ?1 and p.name = j.value
              left join git_repos g on g.id = p.git_repo_id
         where p.deleted_at is null
         order by p.name"
    ));
    rows_as(
        app.db
            .rows(statement.bind(organisation).bind(names))
            .await?,
    )
}

/// Makes a package if the organisation has none of that name.
pub fn insert_package_stmt(
    organisation: i64,
    name: &PackageName,
    git_repo: Option<i64>,
    description: Option<&str>,
    now: i64,
) -> Statement {
    Statement::new(
        "insert into packages (organisation_id, name, git_repo_id, description, created_at)
         values (?1, ?2, ?3, ?4, ?5)
         on conflict (organisation_id, name) do nothing",
    )
    .bind(organisation)
    .bind(name.as_str())
    .bind(git_repo)
    .bind(description)
    .bind(now)
}

/// Puts a package into a repository of its own organisation.
pub fn add_to_repository_stmt(organisation: i64, name: &PackageName, repository: i64) -> Statement {
    Statement::new(
        "insert into repository_packages (repository_id, package_id)
         select r.id, p.id from packages p join repositories r on r.organisation_id = p.organisation_id
         where p.organisation_id = ?1 and p.name = ?2 and r.id = ?3
         on conflict (repository_id, package_id) do nothing",
    )
    .bind(organisation)
    .bind(name.as_str())
    .bind(repository)
}

row! {
    /// A repository that a package is in.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Membership {
        /// The repository's id.
        pub id: i64,
        /// The repository's slug.
        pub slug: String,
    }
}

/// The repositories that a package is in, by slug.
pub async fn list_memberships(app: &App, package: i64) -> Result<Vec<Membership>> {
    rows_as(app.db.rows(list_memberships_stmt(package)).await?)
}

/// The statement that gives them, for a batch with others.
pub(super) fn list_memberships_stmt(package: i64) -> Statement {
    Statement::new(
        "select r.id, r.slug from repository_packages m
         join repositories r on r.id = m.repository_id
         where m.package_id = ?1 order by r.slug",
    )
    .bind(package)
}
