//! What is read for who looks at repositories from outside: a customer at its own page, a visitor at a repository's.

use std::collections::BTreeMap;

use crate::app::App;
use crate::error::{Error, Result};
use crate::ports::db::Row;
use crate::store::organisations::{
    Organisation, find_organisation_stmt, load_organisation_stmt, read_organisation,
};
use crate::store::repositories::{
    Repository, RepositoryAddress, find_repository_stmt, list_repositories_stmt, read_repositories,
    read_repository,
};
use crate::store::search::{find_names_by_words_stmt, read_names_by_words};

/// An organisation with its repositories, by slug.
pub struct Offer {
    /// The organisation.
    pub organisation: Organisation,
    /// Its repositories, whoever may read them.
    pub repositories: Vec<Repository>,
    /// What words find, if any were looked for; each name with whether it alone would do.
    pub found: Option<BTreeMap<String, bool>>,
}

/// Loads it in one batch. `query` is in the language of the full-text index.
pub async fn load_offer(app: &App, organisation: i64, query: Option<&str>) -> Result<Offer> {
    let mut statements = vec![
        load_organisation_stmt(organisation),
        list_repositories_stmt(organisation),
    ];
    statements.extend(query.map(|query| find_names_by_words_stmt(organisation, query)));
    let rows = app.db.batch(statements).await;
    let mut rows = rows.map_err(Error::or_unavailable)?.into_iter();
    Ok(Offer {
        organisation: read_organisation(rows.next().unwrap_or_default())?
            .ok_or_else(|| Error::internal(format!("the organisation {organisation} is gone")))?,
        repositories: read_repositories(rows.next().unwrap_or_default())?,
        found: rows
            .next()
            .map(|rows: Vec<Row>| read_names_by_words(rows))
            .transpose()?,
    })
}

/// A repository with its organisation, in one batch whether there is one or not.
pub async fn find_landing(
    app: &App,
    organisation: &str,
    repository: &str,
) -> Result<Option<(Organisation, Repository)>> {
    let address = RepositoryAddress::Path {
        organisation: organisation.to_owned(),
        repository: repository.to_owned(),
    };
    let statements = vec![
        find_organisation_stmt(organisation),
        find_repository_stmt(&address),
    ];
    let rows = app.db.batch(statements).await;
    let mut rows = rows.map_err(Error::or_unavailable)?.into_iter();
    let organisation = read_organisation(rows.next().unwrap_or_default())?;
    let repository = read_repository(rows.next().unwrap_or_default())?;
    Ok(organisation.zip(repository))
}
