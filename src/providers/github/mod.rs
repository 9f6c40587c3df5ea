//! GitHub by its REST API: github.com, GHE.com and Enterprise Server.

mod api;
pub mod app;
mod app_event;
mod event;
mod funding;
mod projects;
mod read_ahead;

use std::collections::HashMap;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::funding::Funding;
use crate::error::{Error, Result};
use crate::ports::InResponse;

use super::hooks::Hooks;
use super::ls_refs::{self, GitPlace, LsRefs};
use super::outgoing::Gateway;
use super::paging::Paging;
use super::path::{full_commit, is_id, project, segment, segments, split_name};
use super::ref_pages::{self, Lists};
use super::rest::{Asked, Rest, Want};
use super::{
    Account, CommitFacts, Credentials, GitHost, HookPlace, NamedProject, Project, ProjectPage,
    ProviderKind, RefListing, RefPage, TokenSource, WantedHook,
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
    /// Where git itself answers.
    git: GitPlace<'a>,
    /// Whether the token is that of an App's installation, which may be given as any other token is.
    is_installation: bool,
}

impl<'a> GitHub<'a> {
    /// A GitHub at `base_url`, or at github.com when that is empty.
    pub fn new(gateway: Gateway<'a>, base_url: &str, credentials: &Credentials) -> Result<Self> {
        let token = credentials.token_alone("GitHub")?;
        Self::held_by(Holder::Person, gateway, base_url, token)
    }

    /// The same for an installation of a GitHub App: its tokens live for an hour, and `source` has the next one.
    pub fn of_installation(
        gateway: Gateway<'a>,
        base_url: &str,
        token: &str,
        source: Box<dyn TokenSource + 'a>,
    ) -> Result<Self> {
        let mut host = Self::held_by(Holder::Installation, gateway, base_url, token)?;
        host.api = host.api.renewing(source);
        Ok(host)
    }

    fn held_by(holder: Holder, gateway: Gateway<'a>, base_url: &str, token: &str) -> Result<Self> {
        let api = api::open(gateway, base_url, token, holder)?;
        Ok(Self {
            git: GitPlace::new(gateway, &git_base(&api.url("")), "x-access-token", token)?,
            api,
            holder,
            is_installation: holder == Holder::Installation || token.starts_with("ghs_"),
        })
    }
}

#[derive(Deserialize)]
struct User {
    id: u64,
    login: String,
}

#[derive(Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the host's answer has as many"
)]
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
    fork: bool,
    #[serde(default)]
    has_issues: bool,
}

impl Repository {
    fn describe(self) -> Project {
        let page = &self.html_url;
        Project {
            source_page: Some(format!("{page}/tree/{{ref}}")),
            issues_page: self.has_issues.then(|| format!("{page}/issues")),
            // Composer's driver leaves the website that GitHub knows alone.
            homepage: None,
            provider_id: self.id.to_string(),
            full_name: self.full_name,
            default_branch: self.default_branch.filter(|name| !name.is_empty()),
            web_url: self.html_url,
            clone_url: self.clone_url,
            is_private: self.private,
            is_archived: self.archived,
            is_fork: self.fork,
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
    fn take_rest_spent(&self) -> Option<u32> {
        self.api.take_spent()
    }

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
        Ok(repository.describe())
    }

    async fn list_projects(
        &self,
        search: Option<&str>,
        cursor: Option<&str>,
    ) -> Result<ProjectPage> {
        projects::list(&self.api, self.is_installation, search, cursor).await
    }

    async fn ls_refs(&self, clone_url: &str) -> Result<LsRefs> {
        ls_refs::ask(&self.git, clone_url).await
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

    async fn find_hook(&self, place: HookPlace<'_>, url: &str) -> Result<Option<String>> {
        hooks(place)?.find(&self.api, url).await
    }

    async fn save_hook(
        &self,
        place: HookPlace<'_>,
        known: Option<&str>,
        wanted: &WantedHook<'_>,
    ) -> Result<String> {
        let body = hook_body(wanted);
        hooks(place)?.save(&self.api, known, &body).await
    }

    async fn remove_hook(&self, place: HookPlace<'_>, hook: &str) -> Result<()> {
        hooks(place)?.remove(&self.api, hook).await
    }
}

fn hooks(place: HookPlace<'_>) -> Result<Hooks> {
    let (path, needs) = match place {
        HookPlace::Project(id) => (
            format!("/repositories/{}/hooks", project(id)?),
            "a classic token needs the scope `repo` or `admin:repo_hook` and an owner who administers the \
             repository, a fine-grained one write access to `Webhooks`",
        ),
        HookPlace::Group(name) => (
            format!("/orgs/{}/hooks", segment(name)),
            "it must be an organisation and no person; a classic token needs the scope `admin:org_hook` and \
             somebody who owns the organisation, a fine-grained one write access to the organisation's `Webhooks`",
        ),
    };
    Ok(Hooks {
        first: format!("{path}?per_page={PER_PAGE}"),
        path,
        paging: Paging::Links,
        url: "/config/url",
        update: "PATCH",
        needs,
    })
}

fn hook_body(wanted: &WantedHook<'_>) -> Value {
    json!({
        "name": "web",
        "active": true,
        "events": ProviderKind::GitHub.webhook_events(),
        "config": {
            "url": wanted.url,
            "content_type": "json",
            "secret": wanted.secret,
            "insecure_ssl": "0",
        },
    })
}

/// Where git answers, by where the API does: beside it at an Enterprise Server, next door at github.com and GHE.com.
fn git_base(api: &str) -> String {
    match api.strip_prefix("https://api.") {
        Some(host) => format!("https://{host}"),
        None => api.trim_end_matches("/api/v3").to_owned(),
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
