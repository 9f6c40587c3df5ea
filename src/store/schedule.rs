//! Which git repositories are due for a comparison with their host.
//!
//! A hook is healthy when there is one (registered by us for the project or its group, or heard of in the last 30 days)
//! and the last sign of it is good: a delivery came, or a scheduled comparison found nothing that a delivery should have
//! told of, after the last comparison that did find something. A hook of which there is no sign yet is not healthy.

use crate::app::App;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::rows_as;
use crate::store::connections::GitRepo;

/// Hours between two scheduled comparisons of a project, unless its connection says otherwise.
pub const RECONCILE_HOURS: i64 = 6;

/// Hours between them while the project's hook is healthy.
const HEALTHY_HOURS: i64 = 24;

/// How long a hook that we did not register is trusted after it was heard, in seconds.
const HEARD: i64 = 30 * 24 * 60 * 60;

/// Git repositories whose comparison is due, oldest first; none that are reached with a refused credential, none of a suspended organisation, and none that
/// their host withholds until it may be asked again.
pub async fn list_due(app: &App, limit: i64) -> Result<Vec<GitRepo>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "with due as (
                         select g.id, ?1 - 3600 * case
                             when (g.hook_state = 'registered'
                                   or coalesce(g.last_heard_at, 0) >= ?1 - ?4
                                   or exists (select 1 from hook_groups h where h.connection_id = c.id
                                              and substr(lower(g.full_name), 1, length(h.name) + 1) = lower(h.name) || '/'))
                              and max(coalesce(g.last_heard_at, 0), coalesce(g.hook_proven_at, 0))
                                  > coalesce(g.hook_missed_at, 0)
                             then max(?3, coalesce(c.reconcile_hours, ?2))
                             else coalesce(c.reconcile_hours, ?2)
                         end as before
                         from git_repos g join connections c on c.id = g.connection_id
                         where c.refused_at is null and c.deleted_at is null)
                     select g.id, g.organisation_id, g.connection_id, g.provider_id, g.full_name, g.default_branch,
                            g.web_url, g.clone_url, g.is_archived, g.last_heard_at, g.last_reconciled_at,
                            g.named_commit, g.withheld_at, g.withheld_reason, g.next_look_at
                     from due join git_repos g on g.id = due.id
                     where coalesce(g.last_reconciled_at, g.created_at) < due.before
                       and (select s.suspended_at from organisation_standings s where s.id = g.organisation_id) is null
                       and (g.withheld_at is null or coalesce(g.next_look_at, 0) <= ?1)
                       and (g.folders is not null or exists (select 1 from packages p where p.git_repo_id = g.id))
                       and not exists (select 1 from jobs j where j.git_repo_id = g.id
                                       and j.created_at >= due.before)
                     order by g.last_reconciled_at limit ?5",
                )
                .bind(app.now())
                .bind(RECONCILE_HOURS)
                .bind(HEALTHY_HOURS)
                .bind(HEARD)
                .bind(limit),
            )
            .await?,
    )
}

/// Notes what a scheduled comparison says of the hook: whether it found something that a delivery should have told of.
/// One that came since `since`, the start of the comparison's job, did tell.
pub fn note_hook_sign_stmt(git_repo: i64, found_news: bool, since: i64, now: i64) -> Statement {
    Statement::new(
        "update git_repos set
             hook_missed_at = case when ?2 and coalesce(last_heard_at, 0) < ?3 then ?4 else hook_missed_at end,
             hook_proven_at = case when ?2 then hook_proven_at else ?4 end
         where id = ?1",
    )
    .bind(git_repo)
    .bind(found_news)
    .bind(since)
    .bind(now)
}
