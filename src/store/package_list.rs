//! The list of packages as people see it who manage them: filtered by what they are, where they come from and how they
//! are doing, and sorted. A page is one statement.

use crate::app::App;
use crate::domain::time::day;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{row, rows_as};

/// Installs of so many days are counted.
pub const INSTALLS_OF: i64 = 30;

const DAY: i64 = 86_400;

row! {
    /// A package as the list shows it.
    #[derive(Debug, Clone)]
    pub struct ListedPackage {
        /// `vendor/name`.
        pub name: String,
        /// Its description.
        pub description: Option<String>,
        /// Versions in its metadata.
        pub versions: i64,
        /// JSON: what a person said of whether it is abandoned.
        pub abandoned: Option<String>,
        /// The name that its source has taken since.
        pub renamed_to: Option<String>,
        /// Whether its project is archived at the git host.
        pub is_archived: Option<i64>,
        /// The kind of its host; none for what is uploaded, and where the connection was deleted.
        pub provider: Option<String>,
        /// `good`, or what is wrong: `withheld`, `failed`, `unconnected`.
        pub health: String,
        /// Unix second at which its newest version could first be installed.
        pub released_at: Option<i64>,
        /// What clients said they installed lately.
        pub installs: i64,
    }
}

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// By name.
    Name,
    /// The newest release first.
    Released,
    /// The most installs first.
    Installs,
}

impl Order {
    /// All of them, as addresses spell them.
    pub const ALL: [(&'static str, Self); 3] = [
        ("name", Self::Name),
        ("released", Self::Released),
        ("installs", Self::Installs),
    ];
}

/// Which packages are listed; what is none limits nothing.
#[derive(Debug, Clone, Default)]
pub struct ListedFilter<'a> {
    /// Names that fit this pattern.
    pub pattern: Option<&'a str>,
    /// Those in a repository, by slug.
    pub repository: Option<&'a str>,
    /// Those that a full-text query finds.
    pub query: Option<&'a str>,
    /// Those whose newest version has this type.
    pub kind: Option<&'a str>,
    /// Those of this vendor.
    pub vendor: Option<&'a str>,
    /// Those of this kind of host; `upload` for those of none.
    pub source: Option<&'a str>,
    /// Those that are doing so: as [`ListedPackage::health`] says, `empty` or `abandoned`.
    pub health: Option<&'a str>,
}

/// A page in some order: what fits, what is sorted by, and which of them.
macro_rules! page_sql {
    ($sorted_by:literal, $order:literal) => {
        concat!(
            "with fits as (
                 select p.id, p.name, g.is_archived, c.provider,
                        case when g.withheld_at is not null then 'withheld'
                             when p.git_repo_id is not null and c.id is null then 'unconnected'
                             when (select j.state from jobs j
                                   where j.git_repo_id = p.git_repo_id and j.state in ('done', 'failed')
                                   order by j.created_at desc, j.id limit 1) = 'failed' then 'failed'
                             else 'good' end as health
                 from packages p
                 left join git_repos g on g.id = p.git_repo_id
                 left join connections c on c.id = g.connection_id and c.deleted_at is null
                 where p.organisation_id = ?1 and p.deleted_at is null
                   and (?4 is null or p.name glob ?4)
                   and (?5 is null or p.id in (
                        select m.package_id from repositories r join repository_packages m on m.repository_id = r.id
                        where r.organisation_id = ?1 and r.slug = ?5))
                   and (?6 is null or p.id in (
                        select rowid from package_search where package_search match coalesce(?6, '\"\"')))
                   and (?7 is null or (select s.type from package_search s where s.rowid = p.id) = ?7)
                   and (?8 is null or substr(p.name, 1, length(?8) + 1) = ?8 || '/')
                   and (?9 is null or ?9 = case when p.git_repo_id is null then 'upload' else c.provider end)
                   and (?10 is not 'empty' or not exists (
                            select 1 from versions v
                            where v.package_id = p.id and v.removed_at is null and v.yanked_at is null
                            union all
                            select 1 from defined_versions f
                            where f.package_id = p.id and f.removed_at is null and f.yanked_at is null))
                   and (?10 is not 'abandoned'
                        or iif(p.abandoned is null, p.renamed_to is not null or coalesce(g.is_archived, 0) <> 0,
                               p.abandoned <> 'false'))),
             sorted as (
                 select f.*, ",
            $sorted_by,
            " as sorted_by from fits f
                 where (?10 is null or ?10 in ('empty', 'abandoned') or f.health = ?10)
                   and ",
            $order,
            " limit ?3 offset ?12)
             select p.name, p.description,
                    (select count(*) from versions v
                     where v.package_id = p.id and v.removed_at is null and v.yanked_at is null)
                    + (select count(*) from defined_versions f
                       where f.package_id = p.id and f.removed_at is null and f.yanked_at is null) as versions,
                    p.abandoned, p.renamed_to, s.is_archived, s.provider, s.health,
                    (select max(published_at) from (
                         select v.published_at from versions v
                         where v.package_id = p.id and v.removed_at is null and v.yanked_at is null
                         union all
                         select f.published_at from defined_versions f
                         where f.package_id = p.id and f.removed_at is null and f.yanked_at is null))
                        as released_at,
                    (select coalesce(sum(c.installs), 0) from package_clients c
                     where c.package_id = p.id and c.day > ?11) as installs
             from sorted s join packages p on p.id = s.id
             order by s.sorted_by desc, s.name"
        )
    };
}

/// A page of packages: by name those after `after`, in another order those after the first `offset`.
pub async fn list_packages(
    app: &App,
    organisation: i64,
    filter: &ListedFilter<'_>,
    order: Order,
    after: &str,
    offset: i64,
    limit: i64,
) -> Result<Vec<ListedPackage>> {
    let sql = match order {
        Order::Name => page_sql!("0", "f.name > ?2 order by f.name"),
        Order::Released => page_sql!(
            "max(coalesce((select max(v.published_at) from versions v
                           where v.package_id = f.id and v.removed_at is null and v.yanked_at is null), 0),
                 coalesce((select max(d.published_at) from defined_versions d
                           where d.package_id = f.id and d.removed_at is null and d.yanked_at is null), 0))",
            "?2 is not null order by sorted_by desc, f.name"
        ),
        Order::Installs => page_sql!(
            "(select coalesce(sum(c.installs), 0) from package_clients c where c.package_id = f.id and c.day > ?11)",
            "?2 is not null order by sorted_by desc, f.name"
        ),
    };
    let since = day(app.now().saturating_sub(INSTALLS_OF.saturating_mul(DAY)));
    let statement = Statement::new(sql)
        .bind(organisation)
        .bind(after)
        .bind(limit)
        .bind(filter.pattern)
        .bind(filter.repository)
        .bind(filter.query)
        .bind(filter.kind)
        .bind(filter.vendor)
        .bind(filter.source)
        .bind(filter.health)
        .bind(since)
        .bind(offset);
    rows_as(app.db.rows(statement).await?)
}
