//! The repositories that a token reaches, workspace by workspace: there is no list over all of them any more.

use serde_json::Value;

use crate::error::{Error, Result};
use crate::providers::ProjectPage;
use crate::providers::fields::{items, owned, text};
use crate::providers::paging::next_query;
use crate::providers::path::{is_word, segment};
use crate::providers::rest::{Asked, Want};

use super::{Bitbucket, FIELDS, PER_PAGE, Repository};

/// How many workspaces without a match are passed over in one call.
const WORKSPACES_AT_ONCE: usize = 10;

/// How many pages of workspaces are read: 1,000 of them.
const WORKSPACE_PAGES: usize = 10;

/// Where a listing stands: `workspace`, and behind a `?` what the host said to ask for next in it.
struct Position {
    workspace: String,
    query: Option<String>,
}

impl Position {
    fn read(cursor: &str) -> Result<Self> {
        let (workspace, query) = match cursor.split_once('?') {
            Some((workspace, query)) => (workspace, Some(query.to_owned())),
            None => (cursor, None),
        };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%&=+,:/".contains(&byte);
        // It comes from whoever asks us.
        if is_word(workspace) && query.iter().all(|query| query.bytes().all(is_plain)) {
            return Ok(Self {
                workspace: workspace.to_owned(),
                query,
            });
        }
        Err(Error::invalid(
            "The cursor is none of this list; begin again without",
        ))
    }

    fn write(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.workspace),
            None => self.workspace.clone(),
        }
    }
}

impl Bitbucket<'_> {
    /// One page. A search of the form `workspace/` or `workspace/name` looks in that workspace alone, which is also how
    /// an access token finds anything: it cannot tell its workspace.
    pub(super) async fn list_repositories(
        &self,
        search: Option<&str>,
        cursor: Option<&str>,
    ) -> Result<ProjectPage> {
        let search = search.unwrap_or_default().trim();
        let (one_workspace, name) = match search.split_once('/') {
            Some((workspace, name)) if is_word(workspace) => (Some(workspace), name),
            _ => (None, search),
        };
        let workspaces = match one_workspace {
            Some(workspace) => vec![workspace.to_owned()],
            None => self.list_workspaces().await?,
        };
        let mut position = match (cursor, workspaces.first()) {
            (Some(cursor), _) => Position::read(cursor)?,
            (None, Some(first)) => Position {
                workspace: first.clone(),
                query: None,
            },
            (None, None) => return Ok(ProjectPage::default()),
        };
        let mut projects = Vec::new();
        for _ in 0..WORKSPACES_AT_ONCE {
            let (found, next) = self.list_workspace(&position, name).await?;
            projects.extend(found.into_iter().map(Repository::into_project));
            let next = match next {
                Some(query) => Some(Position {
                    query: Some(query),
                    ..position
                }),
                // They are in the order of their names, so that one that came or went in between changes nothing.
                None => workspaces
                    .iter()
                    .find(|workspace| **workspace > position.workspace)
                    .map(|workspace| Position {
                        workspace: workspace.clone(),
                        query: None,
                    }),
            };
            let Some(next) = next else {
                return Ok(ProjectPage {
                    projects,
                    next: None,
                });
            };
            position = next;
            if !projects.is_empty() {
                break;
            }
        }
        Ok(ProjectPage {
            projects,
            next: Some(position.write()),
        })
    }

    /// One page of a workspace, and the query of the next.
    async fn list_workspace(
        &self,
        position: &Position,
        name: &str,
    ) -> Result<(Vec<Repository>, Option<String>)> {
        let path = format!("/repositories/{}", segment(&position.workspace));
        let query = match &position.query {
            Some(query) => query.clone(),
            None => self.first_query(name),
        };
        let url = self.api.url(&format!("{path}?{query}"));
        let asked = self.api.get_url(&url, Want::Json, None).await?;
        let response = asked.or_missing()?.ok_or_else(|| {
            Error::not_found(format!(
                "`{}` has no workspace `{}`, or does not show it to this token",
                self.api.host(),
                position.workspace
            ))
        })?;
        let page: Value = self.api.json(response).await?;
        let found = items(&page, "/values").and_then(|values| {
            let read = values.iter().map(Repository::read);
            read.collect::<Option<Vec<_>>>()
        });
        let next = text(&page, "/next")
            .and_then(|next| next_query(&url, next))
            .and_then(|next| next.split_once('?').map(|(_, query)| query.to_owned()));
        Ok((found.ok_or_else(|| self.api.unreadable())?, next))
    }

    fn first_query(&self, name: &str) -> String {
        let mut fields: Vec<String> = FIELDS
            .split(',')
            .map(|field| format!("values.{field}"))
            .collect();
        fields.push("next".to_owned());
        let mut query = format!(
            "pagelen={PER_PAGE}&sort=created_on&fields={}",
            fields.join(",")
        );
        // A person sees the public repositories of a workspace too; an access token is no member of anything.
        if !self.is_access_token {
            query.push_str("&role=member");
        }
        let name: String = name
            .chars()
            .filter(|letter| !matches!(letter, '"' | '\\'))
            .collect();
        if !name.is_empty() {
            query.push_str("&q=");
            query.push_str(&segment(&format!("name ~ \"{name}\"")));
        }
        query
    }

    /// The slugs of all workspaces of whoever the token belongs to, in order.
    async fn list_workspaces(&self) -> Result<Vec<String>> {
        let first =
            format!("/user/workspaces?pagelen={PER_PAGE}&fields=values.workspace.slug,next");
        let mut url = Some(self.api.url(&first));
        let mut slugs = Vec::new();
        for _ in 0..WORKSPACE_PAGES {
            let Some(asked) = url.take() else {
                break;
            };
            let response = match self.api.get_url(&asked, Want::Json, None).await? {
                Asked::Answered(response) => response,
                Asked::Refused(refusal)
                    if matches!(refusal.status, 401 | 403) && !refusal.error.is_retryable() =>
                {
                    return Err(Error::invalid(format!(
                        "`{}` does not tell this token its workspaces: search for `WORKSPACE/` or `WORKSPACE/name`, or \
                         give an API token the scopes `read:user:bitbucket` and `read:workspace:bitbucket`",
                        self.api.host()
                    )));
                }
                Asked::Refused(refusal) => return Err(refusal.error),
            };
            let page: Value = self.api.json(response).await?;
            let values = items(&page, "/values").ok_or_else(|| self.api.unreadable())?;
            let found = values
                .iter()
                .filter_map(|access| owned(access, "/workspace/slug"));
            slugs.extend(found.filter(|slug| is_word(slug)));
            url = text(&page, "/next").and_then(|next| next_query(&asked, next));
        }
        slugs.sort_unstable();
        slugs.dedup();
        Ok(slugs)
    }
}
