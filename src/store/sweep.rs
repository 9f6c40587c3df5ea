//! The sweep: blobs and archives that nothing names are taken away after a day of grace.
//!
//! A publisher writes blobs before its head names them, so age alone proves nothing. The sweep therefore dooms a blob in
//! the database first, which only works while no revision has it, then removes it, and then gives the doom the number of
//! this round of removals. A flip that needs a doomed blob loses, unless its publisher saw that number before it wrote
//! the blob: then the blob was written after the removal, and stays. So a head never names a blob that the sweep removes.

use crate::app::App;
use crate::error::Result;
use crate::ports::db::{first_as, json_list, row, rows_as};
use crate::ports::{ObjectPage, Statement};
use crate::store::package_texts::PREFIX as TEXTS;

/// Young ones are left alone: their publish or import may still be under way.
pub const GRACE: i64 = 24 * 60 * 60;

/// Seconds after which who doomed a blob and did not come to remove it must be dead: no invocation lives that long.
const DEAD: i64 = 15 * 60;

/// What documents became for those who see some versions only.
const VIEWS: &str = "views/";

/// How long views are kept, in seconds: 90 days. Copies near the reader last 30.
pub const VIEWS_KEPT: i64 = 90 * 24 * 60 * 60;

row! {
    struct Position {
        cursor: Option<String>,
        finished_at: Option<i64>,
    }
}

row! {
    struct Name {
        name: String,
    }
}

/// What one step of the sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Objects looked at.
    pub seen: usize,
    /// Objects removed.
    pub removed: usize,
}

/// Looks at one page (at most 1,000 objects) of the blobs, one of the archives and one of the texts. A part that was swept to its end less
/// than a day ago rests.
pub async fn sweep(app: &App) -> Result<Swept> {
    finish_removals(app).await?;
    let blobs = sweep_page(app, "blobs/").await?;
    let archives = sweep_page(app, "archives/").await?;
    let texts = sweep_page(app, TEXTS).await?;
    let sum = |of: fn(&Swept) -> usize| {
        [&blobs, &archives, &texts]
            .into_iter()
            .fold(0, |sum: usize, part| sum.saturating_add(of(part)))
    };
    Ok(Swept {
        seen: sum(|part| part.seen),
        removed: sum(|part| part.removed),
    })
}

/// Looks at one page of the views, and removes those that were made long ago: who still asks for one has it made anew.
pub async fn sweep_views(app: &App) -> Result<Swept> {
    let now = app.now();
    let Some(page) = next_page(app, VIEWS, now).await? else {
        return Ok(Swept::default());
    };
    let keys: Vec<_> = page
        .objects
        .iter()
        .filter(|object| now.saturating_sub(object.uploaded) > VIEWS_KEPT)
        .map(|object| object.key.clone())
        .collect();
    if !keys.is_empty() {
        app.blobs.delete(&keys).await?;
    }
    save_position(app, VIEWS, page.cursor.as_deref(), now).await?;
    Ok(Swept {
        seen: page.objects.len(),
        removed: keys.len(),
    })
}

/// The page on which a sweep goes on; none while a part that was swept to its end less than a day ago rests.
async fn next_page(app: &App, prefix: &str, now: i64) -> Result<Option<ObjectPage>> {
    let position = load_position(app, prefix).await?;
    if let Some(Position {
        finished_at: Some(finished),
        cursor: None,
    }) = &position
        && now.saturating_sub(*finished) < GRACE
    {
        return Ok(None);
    }
    let cursor = position.and_then(|position| position.cursor);
    app.blobs.list(prefix, cursor.as_deref()).await.map(Some)
}

async fn sweep_page(app: &App, prefix: &'static str) -> Result<Swept> {
    let now = app.now();
    let Some(page) = next_page(app, prefix, now).await? else {
        return Ok(Swept::default());
    };
    let old: Vec<_> = page
        .objects
        .iter()
        .filter(|object| now.saturating_sub(object.uploaded) > GRACE)
        .filter_map(|object| object.key.strip_prefix(prefix))
        .collect();
    let names = json_list(old.into_iter())?;
    let unused = match prefix {
        "blobs/" => doom_blobs(app, &names, now).await?,
        TEXTS => find_unused_texts(app, &names).await?,
        _ => find_unused_archives(app, &names).await?,
    };
    let keys: Vec<_> = unused
        .iter()
        .map(|name| format!("{prefix}{name}"))
        .collect();
    if !keys.is_empty() {
        app.blobs.delete(&keys).await?;
        if prefix == "blobs/" {
            note_removals(app, &json_list(unused.iter().map(String::as_str))?).await?;
        }
    }
    save_position(app, prefix, page.cursor.as_deref(), now).await?;
    Ok(Swept {
        seen: page.objects.len(),
        removed: keys.len(),
    })
}

/// Removes what an earlier sweep doomed and died over, and forgets removals that nobody under way can have missed.
async fn finish_removals(app: &App) -> Result<()> {
    let now = app.now();
    let rows = app
        .db
        .batch(vec![
            Statement::new("delete from doomed_blobs where removal is not null and doomed_at < ?1")
                .bind(now.saturating_sub(GRACE)),
            // Claimed, so that two sweeps at once do not remove the same blob, the slower one after it was written again.
            Statement::new(
                "update doomed_blobs set doomed_at = ?2
                 where hash in (select hash from doomed_blobs where removal is null and doomed_at < ?1 limit 1000)
                 returning hash as name",
            )
            .bind(now.saturating_sub(DEAD))
            .bind(now),
        ])
        .await?;
    let left = rows_as::<Name>(rows.into_iter().nth(1).unwrap_or_default())?;
    if left.is_empty() {
        return Ok(());
    }
    let keys: Vec<_> = left
        .iter()
        .map(|row| format!("blobs/{}", row.name))
        .collect();
    app.blobs.delete(&keys).await?;
    note_removals(app, &json_list(left.iter().map(|row| row.name.as_str()))?).await
}

/// Dooms those blobs that no revision has, and gives them; those that another sweep is about to remove are its own.
async fn doom_blobs(app: &App, hashes: &str, now: i64) -> Result<Vec<String>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "insert into doomed_blobs (hash, doomed_at)
                 select value, ?2 from json_each(?1)
                 where value not in (select hash from published_blobs)
                 on conflict (hash) do update set doomed_at = ?2, removal = null where removal is not null
                 returning hash as name",
            )
            .bind(hashes)
            .bind(now),
        )
        .await?;
    Ok(rows_as::<Name>(rows)?
        .into_iter()
        .map(|row| row.name)
        .collect())
}

/// They are gone; whoever writes them from here on may use them.
async fn note_removals(app: &App, hashes: &str) -> Result<()> {
    app.db
        .batch(vec![
            Statement::new(
                "insert into sweeps (prefix, removals) values ('blobs/', 1)
                 on conflict (prefix) do update set removals = removals + 1",
            ),
            Statement::new(
                "update doomed_blobs
                 set removal = (select removals from sweeps where prefix = 'blobs/'), doomed_at = ?2
                 where removal is null and hash in (select value from json_each(?1))",
            )
            .bind(hashes)
            .bind(app.now()),
        ])
        .await
        .map(|_| ())
}

/// The number of the last round of removals. To be asked before blobs are written that a head shall name.
pub async fn count_removals(app: &App) -> Result<i64> {
    row! {
        struct Count {
            removals: i64,
        }
    }
    let rows = app
        .db
        .rows(Statement::new(
            "select removals from sweeps where prefix = 'blobs/'",
        ))
        .await?;
    Ok(first_as::<Count>(rows)?.map_or(0, |row| row.removals))
}

/// Archives are written under names of their own and never again, so one that has no row after a day gets none.
async fn find_unused_archives(app: &App, names: &str) -> Result<Vec<String>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select value as name from json_each(?1)
                 where not exists (select 1 from dists where archive_key = 'archives/' || value)",
            )
            .bind(names),
        )
        .await?;
    Ok(rows_as::<Name>(rows)?
        .into_iter()
        .map(|row| row.name)
        .collect())
}

/// The same holds for texts.
async fn find_unused_texts(app: &App, names: &str) -> Result<Vec<String>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select value as name from json_each(?1)
                 where not exists (select 1 from package_texts where readme_key = 'texts/' || value)
                   and not exists (select 1 from package_texts where changelog_key = 'texts/' || value)",
            )
            .bind(names),
        )
        .await?;
    Ok(rows_as::<Name>(rows)?
        .into_iter()
        .map(|row| row.name)
        .collect())
}

async fn load_position(app: &App, prefix: &str) -> Result<Option<Position>> {
    let rows = app
        .db
        .rows(
            Statement::new("select cursor, finished_at from sweeps where prefix = ?1").bind(prefix),
        )
        .await?;
    first_as(rows)
}

async fn save_position(app: &App, prefix: &str, cursor: Option<&str>, now: i64) -> Result<()> {
    app.db
        .rows(
            Statement::new(
                "insert into sweeps (prefix, cursor, finished_at)
                 values (?1, ?2, case when ?2 is null then ?3 end)
                 on conflict (prefix) do update set
                     cursor = excluded.cursor,
                     finished_at = coalesce(excluded.finished_at, sweeps.finished_at)",
            )
            .bind(prefix)
            .bind(cursor)
            .bind(now),
        )
        .await
        .map(|_| ())
}
