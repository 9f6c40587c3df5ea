//! Who asks, and for which repository: one batch, behind a memory of a few seconds.

use serde::Deserialize;

use crate::app::App;
use crate::domain::access::{Access, Principal};
use crate::domain::name::NameGlob;
use crate::domain::token::TokenHash;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{Row, rows_as};
use crate::store::memo::{FRESH, STALE};
use crate::store::repositories::{
    Repository, RepositoryAddress, find_repository_stmt, read_repository,
};

/// What one look told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// Who asks; none for nobody and for credentials that are not valid.
    pub principal: Option<Principal>,
    /// The repository asked for, if it exists.
    pub repository: Option<Repository>,
}

/// Finds the principal of a token and a repository. Each is remembered for [`FRESH`] seconds, absence too; what is
/// missing is read in one batch. When the database cannot be reached, what was remembered within [`STALE`] seconds
/// serves on, and nothing unknown is let in.
pub async fn admit(
    app: &App,
    token: Option<&TokenHash>,
    address: Option<&RepositoryAddress>,
) -> Result<Admission> {
    let now = app.now();
    let address_key = address.map(RepositoryAddress::memo_key);
    let principal = token.map(|token| {
        (
            token,
            app.memo.principals.recall(token.as_str(), now, FRESH),
        )
    });
    let repository = address_key
        .as_deref()
        .map(|key| app.memo.repositories.recall(key, now, FRESH));
    let known = principal.as_ref().is_none_or(|(_, known)| known.is_some())
        && repository.as_ref().is_none_or(Option::is_some);
    if known {
        return Ok(Admission {
            principal: valid(principal.and_then(|(_, known)| known.flatten()), now),
            repository: repository.flatten().flatten(),
        });
    }

    let mut statements = Vec::new();
    if let Some(token) = token {
        statements.push(find_principal_stmt(token));
    }
    if let Some(address) = address {
        statements.push(find_repository_stmt(address));
    }
    match app.db.read_nearby(statements).await {
        Ok(rows) => {
            let mut rows = rows.into_iter();
            let mut admission = Admission {
                principal: None,
                repository: None,
            };
            if let Some(token) = token {
                let found = read_principal(rows.next().unwrap_or_default())?;
                app.memo
                    .principals
                    .remember(token.as_str(), found.clone(), now);
                admission.principal = valid(found, now);
            }
            if let Some(key) = &address_key {
                let found = read_repository(rows.next().unwrap_or_default())?;
                app.memo.repositories.remember(key, found.clone(), now);
                admission.repository = found;
            }
            Ok(admission)
        }
        Err(error) => {
            let principal =
                token.map(|token| app.memo.principals.recall(token.as_str(), now, STALE));
            let repository = address_key.map(|key| app.memo.repositories.recall(&key, now, STALE));
            if matches!(principal, Some(None)) || matches!(repository, Some(None)) {
                return Err(error);
            }
            app.warn(&format!(
                "The database cannot be reached, serving from memory: {error}"
            ));
            Ok(Admission {
                principal: valid(principal.flatten().flatten(), now),
                repository: repository.flatten().flatten(),
            })
        }
    }
}

/// Who a token stands for, as the database has it now: for the API, where seconds matter.
pub async fn find_principal(app: &App, token: &TokenHash) -> Result<Option<Principal>> {
    let rows = app.db.rows(find_principal_stmt(token)).await?;
    Ok(valid(read_principal(rows)?, app.now()))
}

fn valid(principal: Option<Principal>, now: i64) -> Option<Principal> {
    principal.filter(|principal| principal.expires_at.is_none_or(|end| now < end))
}

fn find_principal_stmt(token: &TokenHash) -> Statement {
    Statement::new(
        "select id, organisation_id, access, repositories, packages, grant_changed_at, expires_at
         from tokens where hash = ?1 and revoked_at is null",
    )
    .bind(token.as_str())
}

#[derive(Deserialize)]
struct PrincipalRow {
    id: String,
    organisation_id: Option<i64>,
    access: String,
    repositories: Option<String>,
    packages: Option<String>,
    grant_changed_at: i64,
    expires_at: Option<i64>,
}

fn read_principal(rows: Vec<Row>) -> Result<Option<Principal>> {
    let Some(row) = rows_as::<PrincipalRow>(rows)?.into_iter().next() else {
        return Ok(None);
    };
    let packages: Option<Vec<NameGlob>> = row
        .packages
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(Error::internal)?;
    Ok(Some(Principal {
        token: row.id,
        organisation: row.organisation_id,
        access: Access::parse(&row.access)
            .ok_or_else(|| Error::internal(format!("unknown access `{}`", row.access)))?,
        repositories: row
            .repositories
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(Error::internal)?,
        packages,
        grant_changed_at: row.grant_changed_at,
        expires_at: row.expires_at,
    }))
}
