//! GitHub by its REST API: github.com, GHE.com and Enterprise Server.

mod api;
pub mod app;
mod app_event;
mod event;
mod funding;
mod read_ahead;

use std::collections::HashMap;

use async_trait::async_trait;
use serde::Deserialize;

use crate::domain::funding::Funding;
use crate::error::{Error, Result};
use crate::ports::InResponse;

use super::outgoing::Gateway;
use super::paging::Paging;
use super::path::{full_commit, is_id, project, segments, split_name};
use super::ref_pages::{self, Lists};
use super::rest::{Asked, Rest, Want};
use super::{
    Account, CommitFacts, Credentials, GitHost, NamedProject, Project, ProjectPage, RefListing,
    RefPage, TokenSource,
};

use api::Holder;
pub use app_event::{AppDelivery, InstallationChange, read_app_delivery};
pub use event::parse_event;

/// The API of github.com. An Enterprise Server's is `https://HOST/api/v3`.
pub(super) const BASE_URL: &str = "https://api.github.com";

/// GitHub's greatest page.
const PER_PAGE: usize = 100;

/// GitHub with one token.
pub struct GitHub<'a> {
    api: Rest<'a>,
    holder: Holder,
}

impl<'a> GitHub<'a> {
    /// A GitHub at `base_url`, or at github.com when that is empty.
    pub fn new(gateway: Gateway<'a>, base_url: &str, credentials: &Credentials) -> Result<Self> {
        Ok(Self {
            api: api::open(
                gateway,
                base_url,
                credentials.token_alone("GitHub")?,
                Holder::Person,
            )?,
            holder: Holder::Person,
        })
    }

    /// The same for an installation of a GitHub App: its tokens live for an hour, and `source` has the next one.
    pub fn of_installation(
        gateway: Gateway<'a>,
        base_url: &str,
        token: &str,
        source: Box<dyn TokenSource + 'a>,
    ) -> Result<Self> {
        let api = api::open(gateway, base_url, token, Holder::Installation)?;
        Ok(Self {
            api: api.renewing(source),
            holder: Holder::Installation,
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

impl From<Repository> for Project {
    fn from(repository: Repository) -> Self {
        let page = &repository.html_url;
        Self {
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
        }
    }
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
        if self.holder == Holder::Installation {
            return app::check_installation(&self.api).await;
        }
        let response = match self.api.get("/user", Want::Json).await? {
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
        let response = match self.api.get(&path, Want::Json).await? {
            Asked::Answered(response) => response,
            Asked::Refused(refusal) if refusal.status == 404 => {
                let what_to_do = if self.holder == Holder::Installation {
                    "the installation of the GitHub App: it must be given the repository, in the account's settings of \
                     installed GitHub Apps"
                } else {
                    "this token: a classic token needs the scope `repo`, a fine-grained one must be given \
                     the repository, with read access to `Metadata` and `Contents`"
                };
                return Err(Error::not_found(format!(
                    "`{}` has no project `{name_or_id}`, or does not show it to {what_to_do}",
                    self.api.host()
                )));
            }
            Asked::Refused(refusal) => return Err(refusal.error),
        };
        let repository: Repository = self.api.json(response).await?;
        Ok(repository.into())
    }

    async fn list_projects(
        &self,
        search: Option<&str>,
        cursor: Option<&str>,
    ) -> Result<ProjectPage> {
        match self.holder {
            Holder::Installation => app::list_projects(&self.api, search, cursor).await,
            Holder::Person | Holder::App => Err(Error::invalid(
                "This kind of host has no list of projects; name each one to be added",
            )),
        }
    }

    async fn read_funding(&self, project: &Project) -> Result<Vec<Funding>> {
        funding::read(&self.api, project).await
    }

    async fn list_refs(
        &self,
        project_id: &str,
        known: &HashMap<String, RefPage>,
    ) -> Result<RefListing> {
        let project = project(project_id)?;
        let lists = Lists {
            tags: format!("/repositories/{project}/tags?per_page={PER_PAGE}"),
            branches: format!("/repositories/{project}/branches?per_page={PER_PAGE}"),
            per_page: PER_PAGE,
            paging: Paging::Links,
        };
        ref_pages::list(&self.api, &lists, known).await
    }

    async fn read_file(
        &self,
        project_id: &str,
        path: &str,
        commit: Option<&str>,
        limit: usize,
    ) -> Result<Option<Vec<u8>>> {
        let mut url = format!(
            "/repositories/{}/contents/{}",
            project(project_id)?,
            segments(path)
        );
        if let Some(commit) = commit {
            url = format!("{url}?ref={}", full_commit(commit)?);
        }
        // A token that may not read contents gets a 403.
        self.api.read_file(&url, path, limit).await
    }

    async fn read_ahead(
        &self,
        project: &NamedProject<'_>,
        commits: &[String],
    ) -> Result<Vec<CommitFacts>> {
        read_ahead::read(&self.api, project, commits).await
    }

    async fn commit_time(&self, project_id: &str, commit: &str) -> Result<String> {
        // The smaller of two endpoints: `/commits/{sha}` sends the patches along, megabytes at times.
        let url = format!(
            "/repositories/{}/git/commits/{}",
            project(project_id)?,
            full_commit(commit)?
        );
        let response = self.api.get(&url, Want::Json).await?.or_refusal()?;
        let commit: GitCommit = self.api.json(response).await?;
        self.api.utc(&commit.committer.date)
    }

    async fn open_archive(&self, project_id: &str, commit: &str) -> Result<InResponse> {
        let commit = full_commit(commit)?;
        let url = format!("/repositories/{}/zipball/{commit}", project(project_id)?);
        self.api.open_archive(&url, commit, "").await
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

#[cfg(test)]
mod tests;
