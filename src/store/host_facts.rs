//! What a git host says about a project beyond its refs, kept with the git repository.

use crate::app::App;
use crate::domain::host_facts::ProjectFacts;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{first_as, row};

/// The facts as last seen; none before the first comparison.
pub async fn load_host_facts(app: &App, git_repo: i64) -> Result<ProjectFacts> {
    row! {
        struct Row {
            host_facts: Option<String>,
        }
    }
    let rows = app
        .db
        .rows(Statement::new("select host_facts from git_repos where id = ?1").bind(git_repo))
        .await?;
    let row = first_as::<Row>(rows)?;
    read_host_facts(row.and_then(|row| row.host_facts).as_deref())
}

/// Reads the column.
pub(super) fn read_host_facts(text: Option<&str>) -> Result<ProjectFacts> {
    text.map_or(Ok(ProjectFacts::default()), |text| {
        serde_json::from_str(text).map_err(Error::internal)
    })
}

/// Keeps the facts.
pub fn save_host_facts_stmt(git_repo: i64, facts: &ProjectFacts) -> Result<Statement> {
    let text = serde_json::to_string(facts).map_err(Error::internal)?;
    Ok(
        Statement::new("update git_repos set host_facts = ?2 where id = ?1")
            .bind(git_repo)
            .bind(text),
    )
}
