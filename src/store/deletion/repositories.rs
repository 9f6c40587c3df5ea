//! A repository is deleted, with its past. Its packages stay packages of the organisation; its documents go when no other
//! repository names them.

use crate::app::App;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{first_as, json_list, row, rows_as};

/// For how many seconds it is tried to free the parts of an upload. What was freed unseen, or is an archive by now, which
/// the sweep takes away, cannot be freed again, and looks like a failure.
const TRIED: i64 = 24 * 60 * 60;

/// Blobs that are let go in one batch.
const PORTION: i64 = 2_000;

/// Deletes a repository, in one batch. A token or a grant that was limited to it is limited to what is left of its list,
/// and be that nothing. What was written by uploads in parts is noted, for [`free_deleted_uploads`] to
/// free it.
pub async fn delete_repository(app: &App, organisation: i64, id: i64, slug: &str) -> Result<()> {
    let now = app.now();
    let mut statements = vec![
        limit_stmt(
            "update tokens set grant_changed_at = ?3, repositories = (
                 select json_group_array(value) from json_each(tokens.repositories) where value <> ?2)
             where organisation_id = ?1 and repositories is not null
               and exists (select 1 from json_each(tokens.repositories) where value = ?2)",
            organisation,
            slug,
            now,
        ),
        // Before the grants lose it: by them it is known who sees less from now on.
        limit_stmt(
            "update customers set grant_changed_at = ?3
             where organisation_id = ?1 and exists (
                 select 1 from grants g, json_each(g.repositories) r
                 where g.subject = 'customer:' || customers.id and r.value = ?2)",
            organisation,
            slug,
            now,
        ),
        limit_stmt(
            "update members set grant_changed_at = ?3
             where organisation_id = ?1 and exists (
                 select 1 from grants g, json_each(g.repositories) r
                 where r.value = ?2 and g.subject in (
                     select 'team:' || x.team_id from team_members x where x.account_id = members.account_id))",
            organisation,
            slug,
            now,
        ),
        limit_stmt(
            "update tokens set grant_changed_at = ?3
             where exists (
                 select 1 from grants g, json_each(g.repositories) r
                 where g.organisation_id = ?1 and r.value = ?2
                   and g.subject in ('token:' || tokens.id, 'organisation:' || tokens.organisation_id))",
            organisation,
            slug,
            now,
        ),
        limit_stmt(
            "update grants set changed_at = ?3, repositories = (
                 select json_group_array(value) from json_each(grants.repositories) where value <> ?2)
             where organisation_id = ?1 and repositories is not null
               and exists (select 1 from json_each(grants.repositories) where value = ?2)",
            organisation,
            slug,
            now,
        ),
    ];
    let on = |sql: &'static str| Statement::new(sql).bind(id);
    statements.extend([
        on("delete from hosts where repository_id = ?1"),
        on("delete from host_names where repository_id = ?1"),
        // New projects of a group are added nowhere any more.
        on("update hook_groups set repository_id = null where repository_id = ?1"),
        on("delete from git_repo_repositories where repository_id = ?1"),
        on(
            "delete from import_projects where import_id in (select id from imports where repository_id = ?1)",
        ),
        on("delete from imports where repository_id = ?1"),
        on(
            "insert or ignore into deleted_uploads (multipart_id, archive_key, deleted_at)
             select multipart_id, archive_key, ?2 from uploads
             where repository_id = ?1 and state in ('open', 'checking')",
        )
        .bind(now),
        on(
            "delete from upload_parts where upload_id in (select id from uploads where repository_id = ?1)",
        ),
        on("delete from uploads where repository_id = ?1"),
        // What was being published there has nowhere to be published any more.
        on(
            "update jobs set state = 'done', finished_at = ?2
             where state = 'publishing' and package_id in (
                     select package_id from pending_publications where repository_id = ?1)
               and not exists (select 1 from pending_publications p
                               where p.package_id = jobs.package_id and p.repository_id <> ?1)",
        )
        .bind(now),
        on("delete from pending_publications where repository_id = ?1"),
        on("delete from repository_packages where repository_id = ?1"),
        on("delete from revisions where repository_id = ?1"),
        on("delete from repositories where id = ?1"),
    ]);
    app.db.batch(statements).await?;
    app.memo.repositories.clear();
    app.memo.principals.clear();
    Ok(())
}

fn limit_stmt(sql: &'static str, organisation: i64, slug: &str, now: i64) -> Statement {
    Statement::new(sql).bind(organisation).bind(slug).bind(now)
}

/// Frees some of what uploads in parts had written when their repository was deleted. What the blob store does not let go
/// comes again for a day; after that it is left to the blob store, which gives up what nobody goes on with after a week.
pub async fn free_deleted_uploads(app: &App) -> Result<()> {
    row! {
        struct Row {
            multipart_id: String,
            archive_key: String,
            deleted_at: i64,
        }
    }
    let rows = app
        .db
        .rows(Statement::new(
            "select multipart_id, archive_key, deleted_at from deleted_uploads limit 50",
        ))
        .await?;
    let mut done = Vec::new();
    for row in rows_as::<Row>(rows)? {
        let freed = app
            .multipart
            .abort_multipart(&row.archive_key, &row.multipart_id);
        match freed.await {
            Ok(()) => done.push(row.multipart_id),
            Err(error) if app.now().saturating_sub(row.deleted_at) >= TRIED => {
                app.warn(&format!(
                    "The parts of an upload could not be freed: {error}"
                ));
                done.push(row.multipart_id);
            }
            Err(_) => {}
        }
    }
    if done.is_empty() {
        return Ok(());
    }
    let list = json_list(done.iter().map(String::as_str))?;
    app.db
        .rows(
            Statement::new(
                "delete from deleted_uploads where multipart_id in (select value from json_each(?1))",
            )
            .bind(list),
        )
        .await
        .map(|_| ())
}

/// Lets go some of the blobs that only deleted repositories named: the sweep takes them away like any that no revision
/// ever had. Gives whether more are left.
///
/// A repository that publishes the same bytes meanwhile writes them again and is recorded with its flip: before that they
/// are its own business, as every blob is that no head names yet; after that they are kept here.
pub async fn release_blobs(app: &App) -> Result<bool> {
    row! {
        struct Row {
            id: i64,
        }
    }
    let rows = app
        .db
        .rows(Statement::new(
            "select id from retired_ids where kind = 'repository'
               and exists (select 1 from repository_blobs b where b.repository_id = retired_ids.id) limit 1",
        ))
        .await?;
    let Some(Row { id }) = first_as::<Row>(rows)? else {
        return Ok(false);
    };
    let on = |sql: &'static str| Statement::new(sql).bind(id).bind(PORTION);
    app.db
        .batch(vec![
            on("delete from published_blobs
                where is_recorded = 1
                  and hash in (select hash from repository_blobs where repository_id = ?1 order by hash limit ?2)
                  and not exists (select 1 from repository_blobs o
                                  where o.hash = published_blobs.hash and o.repository_id <> ?1)"),
            on("delete from repository_blobs
                where repository_id = ?1
                  and hash in (select hash from repository_blobs where repository_id = ?1 order by hash limit ?2)"),
        ])
        .await?;
    Ok(true)
}
