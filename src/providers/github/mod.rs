//! GitHub by its REST API: github.com, GHE.com and Enterprise Server.

mod api;
mod event;
mod funding;
mod refs;

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::domain::funding::Funding;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::InResponse;

use super::outgoing::{Gateway, read_body, upstream};
use super::{Account, GitHost, Project, RefListing, RefPage};
use api::{Api, Asked, Want};

pub use event::parse_event;

/// The API of github.com. An Enterprise Server's is `https://HOST/api/v3`.
pub(super) const BASE_URL: &str = "https://api.github.com";

/// What may stand in a path segment as it is (RFC 3986, unreserved).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// GitHub with one token.
pub struct GitHub<'a> {
    api: Api<'a>,
}

impl<'a> GitHub<'a> {
    /// A GitHub at `base_url`, or at github.com when that is empty.
    pub fn new(gateway: Gateway<'a>, base_url: &str, token: &str) -> Result<Self> {
        Ok(Self {
            api: Api::new(gateway, base_url, token)?,
        })
    }
}

#[derive(Deserialize)]
struct User {
    id: u64,
    login: String,
}

#[derive(Deserialize)]
struct Repository {
    id: u64,
    full_name: String,
    default_branch: Option<String>,
    html_url: String,
    clone_url: String,
    #[serde(default)]
    private: bool,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    has_issues: bool,
}

#[derive(Deserialize)]
struct GitCommit {
    committer: Signed,
}

#[derive(Deserialize)]
struct Signed {
    date: String,
}

#[async_trait(?Send)]
impl GitHost for GitHub<'_> {
    async fn check_access(&self) -> Result<Account> {
        let response = match self.api.get("/user", Want::Json, None).await? {
            Asked::Answered(response) => response,
            Asked::Refused(refusal) if refusal.status == 404 => {
                return Err(Error::invalid(format!(
                    "`{}` has no GitHub API at this address; for an Enterprise Server \
                     the base URL is `https://HOST/api/v3`",
                    self.api.host()
                )));
            }
            Asked::Refused(refusal) => return Err(refusal.error),
        };
        // Only classic tokens have scopes; what a fine-grained one may do is seen when it is used.
        let missing = response.header("x-oauth-scopes").and_then(missing_scope);
        let user: User = self.api.json(response).await?;
        Ok(Account {
            provider_id: user.id.to_string(),
            login: user.login,
            missing: missing.into_iter().collect(),
        })
    }

    async fn describe_project(&self, name_or_id: &str) -> Result<Project> {
        let path = if is_id(name_or_id) {
            format!("/repositories/{name_or_id}")
        } else {
            let (owner, name) = split_name(name_or_id)?;
            format!("/repos/{owner}/{name}")
        };
        let response = match self.api.get(&path, Want::Json, None).await? {
            Asked::Answered(response) => response,
            Asked::Refused(refusal) if refusal.status == 404 => {
                return Err(Error::not_found(format!(
                    "`{}` has no project `{name_or_id}`, or does not show it to this token: \
                     a classic token needs the scope `repo`, a fine-grained one must be given \
                     the repository, with read access to `Metadata` and `Contents`",
                    self.api.host()
                )));
            }
            Asked::Refused(refusal) => return Err(refusal.error),
        };
        let repository: Repository = self.api.json(response).await?;
        let page = &repository.html_url;
        Ok(Project {
            source_page: Some(format!("{page}/tree/{{ref}}")),
            issues_page: repository.has_issues.then(|| format!("{page}/issues")),
            // Composer's driver leaves the website that GitHub knows alone.
            homepage: None,
            provider_id: repository.id.to_string(),
            full_name: repository.full_name,
            default_branch: repository.default_branch.filter(|name| !name.is_empty()),
            web_url: repository.html_url,
            clone_url: repository.clone_url,
            is_private: repository.private,
            is_archived: repository.archived,
        })
    }

    async fn read_funding(&self, project: &Project) -> Result<Vec<Funding>> {
        funding::read(&self.api, project).await
    }

    async fn list_refs(
        &self,
        project_id: &str,
        known: &HashMap<String, RefPage>,
    ) -> Result<RefListing> {
        refs::list(&self.api, project(project_id)?, known).await
    }

    async fn read_file(
        &self,
        project_id: &str,
        path: &str,
        commit: Option<&str>,
        limit: usize,
    ) -> Result<Option<Vec<u8>>> {
        let segments: Vec<String> = path
            .split('/')
            .map(|segment| utf8_percent_encode(segment, SEGMENT).to_string())
            .collect();
        let mut url = format!(
            "/repositories/{}/contents/{}",
            project(project_id)?,
            segments.join("/")
        );
        if let Some(commit) = commit {
            url = format!("{url}?ref={}", full_commit(commit)?);
        }
        match self.api.get(&url, Want::Raw, None).await? {
            Asked::Answered(response) => read_body(response, limit, &format!("The file `{path}`"))
                .await
                .map(Some),
            // A token that may not read contents gets a 403, and one that may not see the project could
            // not have listed its refs: what is missing is the file.
            Asked::Refused(refusal) if refusal.status == 404 => Ok(None),
            Asked::Refused(refusal) => Err(refusal.error),
        }
    }

    async fn commit_time(&self, project_id: &str, commit: &str) -> Result<String> {
        // The smaller of two endpoints: `/commits/{sha}` sends the patches along, megabytes at times.
        let url = format!(
            "/repositories/{}/git/commits/{}",
            project(project_id)?,
            full_commit(commit)?
        );
        let response = self.api.get(&url, Want::Json, None).await?.or_refusal()?;
        let commit: GitCommit = self.api.json(response).await?;
        let time: Timestamp = commit.committer.date.parse().map_err(|error| {
            upstream(
                false,
                format!("`{}` gave a commit without a valid date", self.api.host()),
            )
            .because(error)
        })?;
        Ok(time.to_string())
    }

    async fn open_archive(&self, project_id: &str, commit: &str) -> Result<InResponse> {
        let commit = full_commit(commit)?;
        let url = format!("/repositories/{}/zipball/{commit}", project(project_id)?);
        match self.api.get(&url, Want::Archive, None).await? {
            Asked::Answered(response) => Ok(response),
            Asked::Refused(refusal) if refusal.status == 404 => Err(Error::not_found(format!(
                "`{}` has no archive of commit `{commit}`; it may have been pushed over",
                self.api.host()
            ))),
            Asked::Refused(refusal) => Err(refusal.error),
        }
    }
}

/// What a classic token lacks, from its list of scopes.
fn missing_scope(scopes: &str) -> Option<String> {
    let has = |wanted: &str| scopes.split(',').any(|scope| scope.trim() == wanted);
    if has("repo") {
        return None;
    }
    let reach = if has("public_repo") {
        "public repositories only"
    } else {
        "no private repositories"
    };
    Some(format!(
        "The token lacks the scope `repo` and reads {reach}; give it that scope, or make a \
         fine-grained token with read access to `Metadata` and `Contents`"
    ))
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Ids and commits come out of our own rows; anything else in their place would change the path.
fn project(id: &str) -> Result<&str> {
    if is_id(id) {
        Ok(id)
    } else {
        Err(Error::internal("a project id of GitHub is a number"))
    }
}

fn full_commit(commit: &str) -> Result<&str> {
    if api::is_commit(commit) {
        Ok(commit)
    } else {
        Err(Error::internal("a commit has 40 or 64 hex digits"))
    }
}

fn split_name(full_name: &str) -> Result<(&str, &str)> {
    let is_word = |word: &str| {
        (1..=100).contains(&word.len())
            && word.bytes().any(|byte| byte != b'.')
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    };
    full_name
        .split_once('/')
        .filter(|(owner, name)| is_word(owner) && is_word(name))
        .ok_or_else(|| {
            Error::new(
                ErrorKind::Invalid,
                "A project is named `owner/name`, or by its numeric id",
            )
        })
}

#[cfg(test)]
mod tests;
