//! The history of heads, append-only.

use crate::app::App;
use crate::domain::blob::BlobHash;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{row, rows_as};
use crate::store::repositories::Head;

row! {
    /// One state that a repository had.
    #[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
    pub struct Revision {
        /// Its number, from 1.
        pub number: i64,
        /// The root of its tree.
        pub root: String,
        /// Unix seconds.
        pub time: i64,
        /// Why it was made.
        pub cause: String,
    }
}

/// Which state of a repository is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment {
    /// The revision of that number.
    Revision(i64),
    /// As it was at that Unix second.
    Time(i64),
}

/// The revision of that number, or the last one at that time.
pub async fn find_revision(app: &App, repository: i64, moment: &Moment) -> Result<Option<Head>> {
    let statement = match moment {
        Moment::Revision(number) => Statement::new(
            "select number, root, time, cause from revisions
             where repository_id = ?1 and number = ?2",
        )
        .bind(repository)
        .bind(*number),
        Moment::Time(time) => Statement::new(
            "select number, root, time, cause from revisions
             where repository_id = ?1 and time <= ?2
             order by time desc limit 1",
        )
        .bind(repository)
        .bind(*time),
    };
    let found = rows_as::<Revision>(app.db.rows(statement).await?)?;
    Ok(found.into_iter().next().map(|revision| Head {
        revision: revision.number,
        root: BlobHash::parse(&revision.root),
        time: revision.time,
        names_changed_at: revision.time,
    }))
}

/// The newest revisions below `before`, newest first.
pub async fn list_revisions(
    app: &App,
    repository: i64,
    before: i64,
    limit: i64,
) -> Result<Vec<Revision>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select number, root, time, cause from revisions
                     where repository_id = ?1 and number < ?2
                     order by number desc limit ?3",
                )
                .bind(repository)
                .bind(before)
                .bind(limit),
            )
            .await?,
    )
}
