//! When a project was last compared by its host's API, and whether git takes the connection's credentials.

use crate::app::App;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{first_as, row};

row! {
    /// What decides whether git is asked first.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct GitAnswers {
        /// Unix second of the last comparison by the API.
        pub listed_at: Option<i64>,
        /// Unix second at which git refused the connection's credentials.
        pub git_refused_at: Option<i64>,
    }
}

/// Looks them up for a git repository.
pub async fn find_git_answers(app: &App, git_repo: i64) -> Result<GitAnswers> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select g.listed_at, c.git_refused_at from git_repos g join connections c on c.id = g.connection_id
                 where g.id = ?1",
            )
            .bind(git_repo),
        )
        .await?;
    Ok(first_as(rows)?.unwrap_or_default())
}

/// A git repository was compared by its host's API just now.
pub fn note_listed_stmt(git_repo: i64, now: i64) -> Statement {
    Statement::new("update git_repos set listed_at = ?2 where id = ?1")
        .bind(git_repo)
        .bind(now)
}

/// Git refused the credentials of a connection.
pub async fn note_git_refused(app: &App, connection: &str) -> Result<()> {
    app.db
        .rows(
            Statement::new("update connections set git_refused_at = ?2 where id = ?1")
                .bind(connection)
                .bind(app.now()),
        )
        .await
        .map(|_| ())
}
