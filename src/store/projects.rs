//! Projects of a connection, as a generic webhook names them.

use crate::app::App;
use crate::domain::generic_hook::GitUrl;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{json_list, row, rows_as};

row! {
    struct Row {
        provider_id: String,
        full_name: String,
        clone_url: String,
        web_url: String,
        is_named: i64,
    }
}

/// The projects of a connection that are synced and have one of these addresses, packages or ids: the host's id and the
/// name, each once.
pub async fn find_named_projects(
    app: &App,
    connection: &str,
    urls: &[GitUrl],
    packages: &[String],
    ids: &[String],
) -> Result<Vec<(String, String)>> {
    let statement = Statement::new(
        "select g.provider_id, g.full_name, g.clone_url, g.web_url,
                max(g.provider_id in (select value from json_each(?2))
                    or p.name in (select lower(value) from json_each(?3))) as is_named
         from git_repos g join packages p on p.git_repo_id = g.id and p.renamed_to is null
         where g.connection_id = ?1
           and (g.provider_id in (select value from json_each(?2))
                or p.name in (select lower(value) from json_each(?3))
                or exists (select 1 from json_each(?4)
                           where value = lower(g.full_name)
                              or substr(value, -length(g.full_name) - 1) = '/' || lower(g.full_name)))
         group by g.id order by g.id",
    )
    .bind(connection)
    .bind(json_list(ids.iter().map(String::as_str))?)
    .bind(json_list(packages.iter().map(String::as_str))?)
    .bind(json_list(urls.iter().map(GitUrl::path))?);
    let rows: Vec<Row> = rows_as(app.db.rows(statement).await?)?;
    Ok(rows
        .into_iter()
        .filter(|row| {
            row.is_named != 0
                || urls
                    .iter()
                    .any(|url| url.is_of(&row.full_name, &[&row.clone_url, &row.web_url]))
        })
        .map(|row| (row.provider_id, row.full_name))
        .collect())
}
