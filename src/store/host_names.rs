//! Host names that organisations claim, what became of looking for their TXT records, and which one documents carry.

use crate::app::App;
use crate::domain::host_claim::{LOOK_AGAIN, LOOK_EVERY, is_lost, next_pause, record_value};
use crate::domain::host_name::HostName;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{first_as, row, rows_as};
use crate::store::mapped_hosts::forget_mapped_hosts;

row! {
    /// A host name that an organisation claims.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct HostClaim {
        /// Its id.
        pub id: String,
        /// The organisation.
        pub organisation_id: i64,
        /// Slug of the repository that it is to answer; none for all of the organisation.
        pub repository: Option<String>,
        /// The name.
        pub host: String,
        /// What its TXT record has to hold.
        pub token: String,
        /// 1 when documents carry it.
        pub is_primary: i64,
        /// Unix seconds.
        pub created_at: i64,
        /// Unix second since when its record is looked for.
        pub waiting_since: i64,
        /// Unix second since when it answers; none while it answers nothing.
        pub verified_at: Option<i64>,
        /// Unix second at which it last ceased to answer.
        pub lost_at: Option<i64>,
        /// Unix second of the last look.
        pub looked_at: Option<i64>,
        /// Unix second of the next look; none when nobody looks any more.
        pub next_look_at: Option<i64>,
        /// Looks in a row that did not find the record of a verified one.
        pub misses: i64,
        /// Unix second of the first of them.
        pub missing_since: Option<i64>,
        /// What the last look has to complain of.
        pub trouble: Option<String>,
    }
}

impl HostClaim {
    /// Whether it answers.
    pub fn is_verified(&self) -> bool {
        self.verified_at.is_some()
    }

    /// What its TXT record has to say.
    pub fn record_value(&self) -> String {
        record_value(&self.token)
    }
}

/// Claims a host name. One that the organisation claims already is a conflict.
pub async fn insert_host(
    app: &App,
    organisation: i64,
    repository: Option<i64>,
    host: &HostName,
    id: &str,
    token: &str,
) -> Result<()> {
    let now = app.now();
    app.db
        .rows(
            Statement::new(
                "insert into host_names (id, organisation_id, repository_id, host, token, created_at, waiting_since,
                                         next_look_at)
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7)",
            )
            .bind(id)
            .bind(organisation)
            .bind(repository)
            .bind(host.as_str())
            .bind(token)
            .bind(now)
            .bind(next_pause(0).map(|pause| now.saturating_add(pause))),
        )
        .await
        .map(|_| ())
}

/// How many an organisation claims.
pub async fn count_hosts(app: &App, organisation: i64) -> Result<i64> {
    row! {
        struct Count {
            count: i64,
        }
    }
    let rows = app
        .db
        .rows(
            Statement::new("select count(*) as count from host_names where organisation_id = ?1")
                .bind(organisation),
        )
        .await?;
    let counts = rows_as::<Count>(rows)?;
    Ok(counts.first().map_or(0, |row| row.count))
}

/// The host names of an organisation, by name.
pub async fn list_hosts(
    app: &App,
    organisation: i64,
    after: Option<&str>,
    rows: i64,
) -> Result<Vec<HostClaim>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select h.id, h.organisation_id, r.slug as repository, h.host, h.token, h.is_primary, h.created_at,
                            h.waiting_since, h.verified_at, h.lost_at, h.looked_at, h.next_look_at, h.misses,
                            h.missing_since, h.trouble
                     from host_names h left join repositories r on r.id = h.repository_id
                     where h.organisation_id = ?1 and h.host > coalesce(?2, '')
                     order by h.host
                     limit ?3",
                )
                .bind(organisation)
                .bind(after)
                .bind(rows),
            )
            .await?,
    )
}

/// The claim of an organisation to a host name.
pub async fn find_host(app: &App, organisation: i64, host: &str) -> Result<Option<HostClaim>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select h.id, h.organisation_id, r.slug as repository, h.host, h.token, h.is_primary, h.created_at,
                        h.waiting_since, h.verified_at, h.lost_at, h.looked_at, h.next_look_at, h.misses,
                        h.missing_since, h.trouble
                 from host_names h left join repositories r on r.id = h.repository_id
                 where h.organisation_id = ?1 and h.host = ?2",
            )
            .bind(organisation)
            .bind(host),
        )
        .await?;
    first_as(rows)
}

/// The claim to a host name by which it answers now.
pub async fn find_holder(app: &App, host: &str) -> Result<Option<HostClaim>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select h.id, h.organisation_id, r.slug as repository, h.host, h.token, h.is_primary, h.created_at,
                        h.waiting_since, h.verified_at, h.lost_at, h.looked_at, h.next_look_at, h.misses,
                        h.missing_since, h.trouble
                 from host_names h left join repositories r on r.id = h.repository_id
                 where h.host = ?1 and h.verified_at is not null",
            )
            .bind(host),
        )
        .await?;
    first_as(rows)
}

/// Those whose next look is due, the longest due first.
pub async fn list_due_hosts(app: &App, limit: i64) -> Result<Vec<HostClaim>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select h.id, h.organisation_id, r.slug as repository, h.host, h.token, h.is_primary, h.created_at,
                            h.waiting_since, h.verified_at, h.lost_at, h.looked_at, h.next_look_at, h.misses,
                            h.missing_since, h.trouble
                     from host_names h left join repositories r on r.id = h.repository_id
                     where h.next_look_at <= ?1
                     order by h.next_look_at
                     limit ?2",
                )
                .bind(app.now())
                .bind(limit),
            )
            .await?,
    )
}

/// Lets somebody have a look now; none of two at once, and of several in `pause` seconds the first alone. One that was given
/// up is looked for anew.
pub async fn take_turn(app: &App, claim: &HostClaim, pause: i64) -> Result<bool> {
    let now = app.now();
    let rows = app
        .db
        .rows(
            Statement::new(
                "update host_names
                 set looked_at = ?2, waiting_since = iif(next_look_at is null, ?2, waiting_since)
                 where id = ?1 and (looked_at is null or looked_at <= ?3)
                 returning id",
            )
            .bind(&claim.id)
            .bind(now)
            .bind(now.saturating_sub(pause)),
        )
        .await?;
    Ok(!rows.is_empty())
}

/// Writes down that the record was found. Whoever held the host before holds it no more, if that is still `holder`, whose
/// record is gone. Whether it is verified now: of two who find theirs at once, one is.
pub async fn note_found(app: &App, claim: &HostClaim, holder: Option<&HostClaim>) -> Result<bool> {
    let now = app.now();
    let mut statements = Vec::new();
    if let Some(holder) = holder {
        statements.push(
            Statement::new(
                "update host_names
                 set verified_at = null, is_primary = 0, lost_at = ?2, waiting_since = ?2, looked_at = ?2,
                     next_look_at = null, misses = 0, missing_since = null, trouble = ?3
                 where id = ?1 and verified_at is not null
                   and exists (select 1 from host_names o where o.id = ?4)",
            )
            .bind(&holder.id)
            .bind(now)
            .bind(
                "Somebody else proved that this host name is theirs, after your TXT record was gone. If it is yours, set \
                 the record again, take theirs away and verify the host name",
            )
            // Nobody gives way to a claim that was given up meanwhile.
            .bind(&claim.id),
        );
    }
    statements.push(
        Statement::new(
            "update host_names
             set verified_at = coalesce(verified_at, ?2), looked_at = ?2, next_look_at = ?3, misses = 0,
                 missing_since = null, trouble = null
             where id = ?1
               and not exists (select 1 from host_names o
                               where o.host = ?4 and o.verified_at is not null and o.id <> ?1)
             returning id",
        )
        .bind(&claim.id)
        .bind(now)
        .bind(now.saturating_add(LOOK_EVERY))
        .bind(&claim.host),
    );
    let rows = app.db.batch(statements).await?;
    forget_mapped_hosts(app);
    Ok(rows.last().is_some_and(|rows| !rows.is_empty()))
}

/// Writes down that the record is not there, and why. A verified host whose record is missing for too long answers nothing
/// any more; one that was never found is given up in the end.
pub async fn note_missing(app: &App, claim: &HostClaim, why: &str) -> Result<()> {
    let now = app.now();
    if !claim.is_verified() {
        return note_waiting(app, claim, why).await;
    }
    let misses = claim.misses.saturating_add(1);
    let since = claim.missing_since.unwrap_or(now);
    if !is_lost(misses, since, now) {
        let statement = Statement::new(
            "update host_names
             set looked_at = ?2, next_look_at = ?3, misses = ?4, missing_since = ?5, trouble = ?6
             where id = ?1 and verified_at is not null",
        );
        app.db
            .rows(
                statement
                    .bind(&claim.id)
                    .bind(now)
                    .bind(now.saturating_add(LOOK_EVERY))
                    .bind(misses)
                    .bind(since)
                    .bind(why),
            )
            .await?;
        return Ok(());
    }
    app.warn(&format!(
        "The host name `{}` answers nothing any more, its TXT record is gone",
        claim.host
    ));
    let statement = Statement::new(
        "update host_names
         set verified_at = null, is_primary = 0, lost_at = ?2, waiting_since = ?2, looked_at = ?2, next_look_at = ?3,
             misses = 0, missing_since = null, trouble = ?4
         where id = ?1 and verified_at is not null and misses = ?5",
    );
    let why =
        format!("It answers nothing any more, for in {misses} looks the record was missing. {why}");
    app.db
        .rows(
            statement
                .bind(&claim.id)
                .bind(now)
                .bind(next_pause(0).map(|pause| now.saturating_add(pause)))
                .bind(why)
                .bind(claim.misses),
        )
        .await?;
    forget_mapped_hosts(app);
    Ok(())
}

/// Writes down that a look found out nothing. That counts neither for a host name nor against it.
pub async fn note_failed_look(app: &App, claim: &HostClaim, why: &str) -> Result<()> {
    if !claim.is_verified() {
        return note_waiting(app, claim, why).await;
    }
    let now = app.now();
    app.db
        .rows(
            Statement::new(
                "update host_names set looked_at = ?2, next_look_at = ?3, trouble = ?4 where id = ?1",
            )
            .bind(&claim.id)
            .bind(now)
            .bind(now.saturating_add(LOOK_AGAIN))
            .bind(why),
        )
        .await
        .map(|_| ())
}

async fn note_waiting(app: &App, claim: &HostClaim, why: &str) -> Result<()> {
    let now = app.now();
    // Who asks by hand after it was given up begins anew.
    let since = claim.next_look_at.map_or(now, |_| claim.waiting_since);
    let pause = next_pause(now.saturating_sub(since));
    let why = match pause {
        Some(_) => why.to_owned(),
        None => format!("Given up after 14 days. {why}"),
    };
    app.db
        .rows(
            Statement::new(
                "update host_names set looked_at = ?2, next_look_at = ?3, trouble = ?4
                 where id = ?1 and verified_at is null",
            )
            .bind(&claim.id)
            .bind(now)
            .bind(pause.map(|pause| now.saturating_add(pause)))
            .bind(why),
        )
        .await
        .map(|_| ())
}

/// Makes a verified host name the one that documents carry, in place of the one before, or has none be it. Whether the host
/// name is verified.
pub async fn set_primary(app: &App, claim: &HostClaim, is_primary: bool) -> Result<bool> {
    let statements = vec![
        Statement::new(
            "update host_names set is_primary = 0
             where is_primary = 1 and id <> ?1
               and (repository_id, organisation_id) is (
                   select repository_id, organisation_id from host_names
                   where id = ?1 and verified_at is not null and ?2 = 1)",
        )
        .bind(&claim.id)
        .bind(is_primary),
        Statement::new(
            "update host_names set is_primary = ?2
             where id = ?1 and (verified_at is not null or ?2 = 0)
             returning id",
        )
        .bind(&claim.id)
        .bind(is_primary),
    ];
    let rows = app.db.batch(statements).await?;
    app.memo.repositories.clear();
    Ok(rows.last().is_some_and(|rows| !rows.is_empty()))
}

/// Has a host name answer another repository of its organisation, or with none all of it, if documents do not carry it.
/// Whether it was moved. It stays as verified as it is.
pub async fn move_host(app: &App, claim: &HostClaim, repository: Option<i64>) -> Result<bool> {
    let statement = Statement::new(
        "update host_names set repository_id = ?2 where id = ?1 and is_primary = 0 returning id",
    );
    let rows = app
        .db
        .rows(statement.bind(&claim.id).bind(repository))
        .await?;
    forget_mapped_hosts(app);
    Ok(!rows.is_empty())
}

/// Takes its verification at once from a host name that documents do not carry. Its record is looked for as that of a new
/// claim.
pub async fn unverify(app: &App, claim: &HostClaim, why: &str) -> Result<()> {
    let now = app.now();
    app.db
        .rows(
            Statement::new(
                "update host_names
                 set verified_at = null, lost_at = ?2, waiting_since = ?2, looked_at = ?2, next_look_at = ?3, misses = 0,
                     missing_since = null, trouble = ?4
                 where id = ?1 and verified_at is not null and is_primary = 0",
            )
            .bind(&claim.id)
            .bind(now)
            .bind(next_pause(0).map(|pause| now.saturating_add(pause)))
            .bind(why),
        )
        .await?;
    forget_mapped_hosts(app);
    Ok(())
}

/// Gives a host name up, if documents do not carry it. Whether it was.
pub async fn delete_host(app: &App, claim: &HostClaim) -> Result<bool> {
    let rows = app
        .db
        .rows(
            Statement::new("delete from host_names where id = ?1 and is_primary = 0 returning id")
                .bind(&claim.id),
        )
        .await?;
    forget_mapped_hosts(app);
    Ok(!rows.is_empty())
}
