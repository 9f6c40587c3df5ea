//! What tells whether an instance is well: what waits, and since when.

use crate::app::App;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{first_as, row};

row! {
    /// What waits, and when what has to happen regularly last did. Times are Unix seconds.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Backlog {
        /// When the job was made that has waited longest for its beginning; those of suspended organisations wait on purpose.
        pub oldest_job: Option<i64>,
        /// When the publication was asked for that has waited longest.
        pub oldest_publication: Option<i64>,
        /// Messages the queue gave up on.
        pub dead_letters: i64,
        /// When the scheduled work last ended; none before its first round.
        pub last_round: Option<i64>,
    }
}

/// Reads what waits.
pub async fn load_backlog(app: &App) -> Result<Backlog> {
    let rows = app
        .db
        .rows(Statement::new(
            "select (select min(j.created_at) from jobs j join organisation_standings s on s.id = j.organisation_id
                     where j.finished_at is null and j.state = 'queued' and s.suspended_at is null) as oldest_job,
                    (select min(asked_at) from pending_publications) as oldest_publication,
                    (select count(*) from dead_letters) as dead_letters,
                    (select ended_at from housekeeping_rounds where id = 1) as last_round",
        ))
        .await?;
    first_as(rows)?.ok_or_else(|| Error::internal("a select without a table gave no row"))
}

row! {
    struct Migration {
        name: String,
    }
}

/// The last migration that was applied, by the record that wrangler keeps.
pub async fn last_migration(app: &App) -> Result<Option<String>> {
    let rows = app
        .db
        .rows(Statement::new(
            "select name from d1_migrations order by name desc limit 1",
        ))
        .await?;
    Ok(first_as::<Migration>(rows)?.map(|migration| migration.name))
}

/// Writes down that a round of the scheduled work came to its end.
pub async fn note_round(app: &App) -> Result<()> {
    app.db
        .rows(
            Statement::new(
                "insert into housekeeping_rounds (id, ended_at) values (1, ?1)
                 on conflict (id) do update set ended_at = excluded.ended_at",
            )
            .bind(app.now()),
        )
        .await
        .map(|_| ())
}
