//! Messages the queue gave up on, kept for a person to see, retry or drop.

use crate::app::App;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{first_as, row, rows_as};

row! {
    /// A message the queue gave up on.
    #[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
    pub struct DeadLetter {
        /// Its id.
        pub id: i64,
        /// The message.
        pub message: String,
        /// Why.
        pub reason: String,
        /// Unix seconds.
        pub received_at: i64,
    }
}

/// Keeps a message the queue gave up on.
pub async fn insert_dead_letter(
    app: &App,
    organisation: Option<i64>,
    message: &str,
    reason: &str,
) -> Result<()> {
    app.db
        .rows(
            Statement::new(
                "insert into dead_letters (organisation_id, message, reason, received_at)
                 values (?1, ?2, ?3, ?4)",
            )
            .bind(organisation)
            .bind(message)
            .bind(reason)
            .bind(app.now()),
        )
        .await
        .map(|_| ())
}

/// Whose dead letters are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadLetterOwner {
    /// Those of one organisation.
    Organisation(i64),
    /// Those of one organisation, and those that nobody could read an owner from.
    OrganisationAndNobody(i64),
}

impl DeadLetterOwner {
    pub(super) fn parts(self) -> (i64, bool) {
        match self {
            Self::Organisation(id) => (id, false),
            Self::OrganisationAndNobody(id) => (id, true),
        }
    }
}

/// The newest dead letters.
pub async fn list_dead_letters(
    app: &App,
    owner: DeadLetterOwner,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<DeadLetter>> {
    let (organisation, nobody) = owner.parts();
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select id, message, reason, received_at from dead_letters
                     where (organisation_id = ?1 or (?2 and organisation_id is null)) and (?3 is null or id < ?3)
                     order by id desc limit ?4",
                )
                .bind(organisation)
                .bind(nobody)
                .bind(before)
                .bind(limit),
            )
            .await?,
    )
}

/// Finds a dead letter.
pub async fn find_dead_letter(
    app: &App,
    owner: DeadLetterOwner,
    id: i64,
) -> Result<Option<DeadLetter>> {
    let above = id.saturating_add(1);
    let found = list_dead_letters(app, owner, Some(above), 1).await?;
    Ok(found.into_iter().find(|letter| letter.id == id))
}

/// Takes a dead letter away, and gives it.
pub async fn take_dead_letter(
    app: &App,
    owner: DeadLetterOwner,
    id: i64,
) -> Result<Option<DeadLetter>> {
    let (organisation, nobody) = owner.parts();
    let rows = app
        .db
        .rows(
            Statement::new(
                "delete from dead_letters
                 where id = ?1 and (organisation_id = ?2 or (?3 and organisation_id is null))
                 returning id, message, reason, received_at",
            )
            .bind(id)
            .bind(organisation)
            .bind(nobody),
        )
        .await?;
    first_as(rows)
}
