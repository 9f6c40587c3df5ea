//! What organisations use, and what they may. Packages and bytes of archives are counted and held against the quotas by
//! triggers, in the transaction of each change (migration 0029), so that no two changes at once go beyond one. What is here
//! says so in words, and looks before something large is done in vain.

use crate::app::App;
use crate::domain::quota::Quota;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::Statement;
use crate::ports::db::{first_as, row, rows_as};
use crate::store::dists::find_package_dist_stmt;

row! {
    /// What an organisation and those below it use, beside what they may. Of the one above it the same, if there is one.
    #[derive(Debug, Clone, PartialEq, Eq)]
    struct Standing {
        is_parent: i64,
        packages: i64,
        storage: i64,
        quota_packages: Option<i64>,
        quota_storage: Option<i64>,
    }
}

impl Standing {
    fn of(&self, quota: Quota) -> (i64, Option<i64>) {
        match quota {
            Quota::Packages => (self.packages, self.quota_packages),
            Quota::Storage => (self.storage, self.quota_storage),
            Quota::Bandwidth => (0, None),
        }
    }

    fn room(&self, quota: Quota) -> Option<i64> {
        let (used, limit) = self.of(quota);
        limit.map(|limit| limit.saturating_sub(used).max(0))
    }
}

fn standings_stmt(organisation: i64) -> Statement {
    Statement::new(
        "select o.id <> ?1 as is_parent, o.packages_used + o.packages_below as packages,
                o.storage_used + o.storage_below as storage, o.quota_packages, o.quota_storage
         from organisations o
         where o.id in (?1, (select c.parent_id from organisations c where c.id = ?1))
         order by o.id <> ?1",
    )
    .bind(organisation)
}

async fn list_standings(app: &App, organisation: i64) -> Result<Vec<Standing>> {
    rows_as(app.db.rows(standings_stmt(organisation)).await?)
}

fn room_of(standings: &[Standing], quota: Quota) -> Option<u64> {
    let room = standings.iter().filter_map(|one| one.room(quota)).min();
    room.map(|room| u64::try_from(room).unwrap_or_default())
}

/// How much more of something an organisation may have now; none for any amount.
pub async fn find_room(app: &App, organisation: i64, quota: Quota) -> Result<Option<u64>> {
    Ok(room_of(&list_standings(app, organisation).await?, quota))
}

/// The refusal of something that a quota does not allow, with what is used.
pub async fn refusal(app: &App, organisation: i64, quota: Quota) -> Result<Error> {
    refusal_beside(app, organisation, quota, 0).await
}

/// The same where `more` is about to be used by what is not refused.
pub async fn refusal_beside(
    app: &App,
    organisation: i64,
    quota: Quota,
    more: i64,
) -> Result<Error> {
    let standings = list_standings(app, organisation).await?;
    // The one with the least room is the one that refused, and one's own before that of the organisation above.
    let tightest = standings
        .iter()
        .filter_map(|one| Some((one.room(quota)?, one)))
        .min_by_key(|(room, one)| (*room, one.is_parent))
        .map(|(_, one)| one);
    let message = match tightest {
        Some(one) if one.is_parent != 0 => quota.message_of_parent(),
        Some(one) => {
            let (used, limit) = one.of(quota);
            quota.message(limit.unwrap_or_default(), used.saturating_add(more))
        }
        // It was raised meanwhile.
        None => "A quota did not allow this a moment ago; please try again".to_owned(),
    };
    Ok(Error::new(ErrorKind::QuotaExceeded(quota), message))
}

/// The same error, or for a refusal by a quota the same with what is used.
pub async fn explain(app: &App, organisation: i64, error: Error) -> Error {
    let ErrorKind::QuotaExceeded(quota) = error.kind() else {
        return error;
    };
    match refusal(app, organisation, quota).await {
        Ok(explained) => explained,
        // What there was says enough.
        Err(_) => error,
    }
}

/// Refuses to begin what would store an archive when there is no room for a single byte; else gives the size that an
/// archive may have, which is `limit` or what room there is.
pub async fn limit_archive(app: &App, organisation: i64, limit: u64) -> Result<u64> {
    let room = find_room(app, organisation, Quota::Storage).await?;
    limit_by(app, organisation, room, limit).await
}

/// The size that the archive of a package for a reference may have, as [`limit_archive`] gives it; none when it is here
/// already. Both are one round.
pub async fn limit_new_archive(
    app: &App,
    organisation: i64,
    package: i64,
    reference: &str,
) -> Result<Option<u64>> {
    let statements = vec![
        find_package_dist_stmt(package, reference),
        standings_stmt(organisation),
    ];
    let mut answers = app.db.batch(statements).await?.into_iter();
    if answers.next().is_some_and(|known| !known.is_empty()) {
        return Ok(None);
    }
    let standings: Vec<Standing> = rows_as(answers.next().unwrap_or_default())?;
    let room = room_of(&standings, Quota::Storage);
    limit_by(app, organisation, room, app.config.archive_limit)
        .await
        .map(Some)
}

async fn limit_by(app: &App, organisation: i64, room: Option<u64>, limit: u64) -> Result<u64> {
    match room {
        Some(0) => Err(refusal(app, organisation, Quota::Storage).await?),
        Some(room) => Ok(room.min(limit)),
        None => Ok(limit),
    }
}

/// What an archive that is too large was too large for: the registry, or what room there was.
pub async fn explain_too_large(app: &App, organisation: i64, room: u64, error: Error) -> Error {
    if error.kind() != ErrorKind::TooLarge || room >= app.config.archive_limit {
        return error;
    }
    let exceeded = Error::new(ErrorKind::QuotaExceeded(Quota::Storage), error.message());
    explain(app, organisation, exceeded).await
}

/// The statement that compares everything of an organisation and those below it that has refs which failed: a quota that
/// was raised may be why they did.
pub(super) fn look_again_stmt(organisation: i64, now: i64) -> Statement {
    Statement::new(
        "insert into jobs (id, organisation_id, kind, git_repo_id, package_id, state, cause, created_at)
         select lower(hex(randomblob(15))), g.organisation_id, 'sync', g.id, min(p.id), 'queued',
                'a quota was raised', ?2
         from git_repos g
         left join packages p on p.git_repo_id = g.id and p.renamed_to is null and g.folders is null
         where g.organisation_id in (select id from organisations where id = ?1 or parent_id = ?1)
           and (p.id is not null or g.folders is not null)
           and (p.notice is not null
                or exists (select 1 from git_refs r where r.git_repo_id = g.id and r.state = 'failed')
                or exists (select 1 from folder_refs f where f.git_repo_id = g.id and f.state = 'failed'))
           and not exists (select 1 from jobs j where j.git_repo_id = g.id and j.state = 'queued')
         group by g.id",
    )
    .bind(organisation)
    .bind(now)
}

row! {
    /// What an organisation uses.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Usage {
        /// Its id.
        pub id: i64,
        /// Its slug.
        pub slug: String,
        /// Its name for people.
        pub name: String,
        /// 1 when it or the one above it is suspended.
        pub is_suspended: i64,
        /// Packages of its own.
        pub packages: i64,
        /// Those of the organisations below it.
        pub packages_below: i64,
        /// Versions in its metadata.
        pub versions: i64,
        /// Bytes of archives that it stores.
        pub storage: i64,
        /// Those of the organisations below it.
        pub storage_below: i64,
        /// Bytes of archives that it served in the month asked for.
        pub bandwidth: i64,
        /// Those of the organisations below it.
        pub bandwidth_below: i64,
        /// Packages that all of them may have.
        pub quota_packages: Option<i64>,
        /// Bytes that they may store.
        pub quota_storage: Option<i64>,
        /// Bytes that they may serve in a month.
        pub quota_bandwidth: Option<i64>,
    }
}

/// What an organisation uses; of `month`, as `2026-11`, what it served.
pub async fn load_usage(app: &App, organisation: i64, month: &str) -> Result<Usage> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select o.id, o.slug, o.name,
                        (select s.suspended_at from organisation_standings s where s.id = o.id) is not null
                            as is_suspended,
                        o.packages_used as packages, o.packages_below,
                        (select count(*) from versions v join packages p on p.id = v.package_id
                         where p.organisation_id = o.id and v.removed_at is null and v.yanked_at is null)
                        + (select count(*) from defined_versions f join packages p on p.id = f.package_id
                           where p.organisation_id = o.id and f.removed_at is null and f.yanked_at is null) as versions,
                        o.storage_used as storage, o.storage_below,
                        coalesce(b.bytes, 0) as bandwidth, coalesce(b.bytes_below, 0) as bandwidth_below,
                        o.quota_packages, o.quota_storage, o.quota_bandwidth
                 from organisations o
                 left join organisation_bandwidth b on b.organisation_id = o.id and b.month = ?2
                 where o.id = ?1",
            )
            .bind(organisation)
            .bind(month),
        )
        .await?;
    first_as(rows)?
        .ok_or_else(|| Error::internal(format!("the organisation {organisation} is gone")))
}

/// What a list of what organisations use is sorted by, the greatest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageOrder {
    /// By slug.
    Slug,
    /// By packages.
    Packages,
    /// By bytes of archives stored.
    Storage,
    /// By bytes of archives served in the month.
    Bandwidth,
}

impl UsageOrder {
    /// All of them, as the API spells them.
    pub const ALL: [(&'static str, Self); 4] = [
        ("slug", Self::Slug),
        ("packages", Self::Packages),
        ("storage", Self::Storage),
        ("bandwidth", Self::Bandwidth),
    ];

    /// What an organisation is sorted by before its slug.
    pub fn key(self, usage: &Usage) -> i64 {
        match self {
            Self::Slug => 0,
            Self::Packages => usage.packages,
            Self::Storage => usage.storage,
            Self::Bandwidth => usage.bandwidth,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Slug => "slug",
            Self::Packages => "packages",
            Self::Storage => "storage",
            Self::Bandwidth => "bandwidth",
        }
    }
}

/// A page of what all organisations use. Behind one that has this key and this slug, if one is named.
pub async fn list_usage(
    app: &App,
    month: &str,
    order: UsageOrder,
    after: Option<(i64, &str)>,
    limit: i64,
) -> Result<Vec<Usage>> {
    let (key, slug) = after.unwrap_or((i64::MAX >> 11, ""));
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "with used as (
                         select o.id, o.slug, o.name, o.packages_used as packages, o.packages_below,
                                o.storage_used as storage, o.storage_below, coalesce(b.bytes, 0) as bandwidth,
                                coalesce(b.bytes_below, 0) as bandwidth_below, o.quota_packages, o.quota_storage,
                                o.quota_bandwidth,
                                case ?2 when 'packages' then o.packages_used when 'storage' then o.storage_used
                                        when 'bandwidth' then coalesce(b.bytes, 0) else 0 end as sorted_by
                         from organisations o
                         left join organisation_bandwidth b on b.organisation_id = o.id and b.month = ?1),
                     page as (
                         select * from used
                         where sorted_by < ?3 or (sorted_by = ?3 and slug > ?4)
                         order by sorted_by desc, slug limit ?5)
                     select g.id, g.slug, g.name,
                            (select s.suspended_at from organisation_standings s where s.id = g.id) is not null
                                as is_suspended,
                            g.packages, g.packages_below,
                            (select count(*) from versions v join packages p on p.id = v.package_id
                             where p.organisation_id = g.id and v.removed_at is null and v.yanked_at is null)
                            + (select count(*) from defined_versions f join packages p on p.id = f.package_id
                               where p.organisation_id = g.id and f.removed_at is null and f.yanked_at is null)
                                as versions,
                            g.storage, g.storage_below, g.bandwidth, g.bandwidth_below, g.quota_packages,
                            g.quota_storage, g.quota_bandwidth
                     from page g order by g.sorted_by desc, g.slug",
                )
                .bind(month)
                .bind(order.as_str())
                .bind(key)
                .bind(slug)
                .bind(limit),
            )
            .await?,
    )
}
