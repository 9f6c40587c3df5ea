//! Gitea and Forgejo by the REST API they share: gitea.com, Codeberg, and instances of one's own.

mod event;
mod projects;

use std::cell::RefCell;
use std::collections::HashMap;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::ports::InResponse;

use super::hooks::Hooks;
use super::ls_refs::{self, GitPlace, LsRefs};
use super::outgoing::Gateway;
use super::paging::Paging;
use super::path::{full_commit, is_id, project, segment, segments, split_name};
use super::ref_pages::{self, Lists};
use super::rest::{Asked, Dialect, Rest, Want};
use super::{
    Account, Credentials, GitHost, HookPlace, Project, ProjectPage, ProviderKind, RefListing,
    RefPage, WantedHook,
};

pub use event::{delivery_id, event_name, parse_event, verify};

/// The path of the API below the address of an instance.
const API: &str = "/api/v1";

/// The greatest page that an instance gives unless it was told otherwise (`max_response_items`).
const PER_PAGE: usize = 50;

/// Which of the two it is. They differ in nothing that is asked here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// The older.
    Gitea,
    /// Its fork, which Codeberg runs.
    Forgejo,
}

impl Product {
    /// Where the public instance is.
    pub(super) fn base_url(self) -> &'static str {
        match self {
            Self::Gitea => "https://gitea.com",
            Self::Forgejo => "https://codeberg.org",
        }
    }

    /// For messages.
    pub(super) fn name(self) -> &'static str {
        self.dialect().name
    }

    fn dialect(self) -> &'static Dialect {
        static GITEA: Dialect = Dialect {
            name: "Gitea",
            accept,
            explain,
        };
        static FORGEJO: Dialect = Dialect {
            name: "Forgejo",
            accept,
            explain,
        };
        match self {
            Self::Gitea => &GITEA,
            Self::Forgejo => &FORGEJO,
        }
    }
}

fn accept(want: Want) -> &'static str {
    match want {
        Want::Json => "application/json",
        Want::Raw | Want::Archive => "*/*",
    }
}

/// Their sentences name the missing scope themselves.
fn explain(_: &str, _: &InResponse, _: Option<&str>) -> Option<Error> {
    None
}

/// A Gitea or Forgejo with one token.
pub struct Gitea<'a> {
    api: Rest<'a>,
    /// Where git itself answers.
    git: GitPlace<'a>,
    product: Product,
    /// Only one endpoint takes an id, so the names of the projects it told of are kept while this lives.
    names: RefCell<HashMap<String, String>>,
}

impl<'a> Gitea<'a> {
    /// An instance at `base_url`, or the public one when that is empty. With a username, both go as Basic.
    pub fn new(
        gateway: Gateway<'a>,
        product: Product,
        base_url: &str,
        credentials: &Credentials,
    ) -> Result<Self> {
        let base = match base_url.trim().trim_end_matches('/') {
            "" => product.base_url(),
            other => other.trim_end_matches(API).trim_end_matches('/'),
        };
        let authorization = match credentials.basic()? {
            Some(basic) => basic,
            None => format!("token {}", credentials.plain_token()?),
        };
        // Whoever has the token as password may have any name, which must not be empty.
        let username = credentials.username.as_deref().unwrap_or("token");
        let git = GitPlace::new(gateway, base, username, &credentials.token)?;
        let base = format!("{base}{API}");
        Ok(Self {
            git,
            api: Rest::new(
                gateway,
                product.dialect(),
                &base,
                ("authorization", authorization),
                &credentials.token,
            )?,
            product,
            names: RefCell::default(),
        })
    }

    async fn find_repository(&self, path: &str, named: &str) -> Result<Repository> {
        let host = self.api.host();
        let asked = self.api.get(path, Want::Json).await?;
        let response = asked.or_missing()?.ok_or_else(|| {
            Error::not_found(format!(
                "`{host}` has no project `{named}`, or does not show it to this token: it needs the scope \
                 `read:repository`, and whoever it belongs to must be let in"
            ))
        })?;
        let repository: Repository = self.api.json(response).await?;
        // It goes into paths from here on.
        split_name(&repository.full_name).map_err(|_| self.api.unreadable())?;
        self.names
            .borrow_mut()
            .insert(repository.id.to_string(), repository.full_name.clone());
        Ok(repository)
    }

    /// The path of a project below the API, by the name it has now.
    async fn repository_path(&self, project_id: &str) -> Result<String> {
        let id = project(project_id)?;
        let known = self.names.borrow().get(id).cloned();
        let full_name = match known {
            Some(name) => name,
            None => {
                self.find_repository(&format!("/repositories/{id}"), id)
                    .await?
                    .full_name
            }
        };
        let (owner, name) = split_name(&full_name)?;
        Ok(format!("/repos/{}/{}", segment(owner), segment(name)))
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
    reason = "these are the host's own fields"
)]
struct Repository {
    id: u64,
    full_name: String,
    default_branch: Option<String>,
    html_url: String,
    clone_url: String,
    #[serde(default)]
    private: bool,
    /// Open to all who are signed in.
    #[serde(default)]
    internal: bool,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    fork: bool,
    #[serde(default)]
    empty: bool,
    #[serde(default)]
    has_issues: bool,
}

impl Repository {
    fn describe(self) -> Project {
        let page = &self.html_url;
        // As Composer's driver for Forgejo (`ForgejoDriver::getComposerInformation`) makes them.
        Project {
            source_page: Some(format!("{page}/{{kind}}/{{ref}}")),
            issues_page: self.has_issues.then(|| format!("{page}/issues")),
            homepage: None,
            provider_id: self.id.to_string(),
            full_name: self.full_name,
            // The branch of an empty repository is a plan.
            default_branch: self
                .default_branch
                .filter(|name| !name.is_empty() && !self.empty),
            web_url: self.html_url,
            clone_url: self.clone_url,
            is_private: self.private || self.internal,
            is_archived: self.archived,
            is_fork: self.fork,
        }
    }
}

#[derive(Deserialize)]
struct FoundCommit {
    commit: GitCommit,
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
impl GitHost for Gitea<'_> {
    async fn check_access(&self) -> Result<Account> {
        let mut missing = Vec::new();
        let user = match self.api.get("/user", Want::Json).await? {
            Asked::Answered(response) => Some(self.api.json::<User>(response).await?),
            Asked::Refused(refusal) if refusal.status == 404 => {
                return Err(Error::invalid(format!(
                    "`{}` has no {} API at this address; the base URL is the address of the instance, \
                     as `https://HOST` or `https://HOST/git`",
                    self.api.host(),
                    self.product.name()
                )));
            }
            // Whose token it is takes a scope of its own, which nothing else here needs.
            Asked::Refused(refusal) if refusal.status == 403 && !refusal.error.is_retryable() => {
                None
            }
            Asked::Refused(refusal) => return Err(refusal.error),
        };
        match self.api.get("/repos/search?limit=1", Want::Json).await? {
            Asked::Answered(_) => {}
            Asked::Refused(refusal) if refusal.status == 403 && !refusal.error.is_retryable() => {
                missing.push(
                    "The token lacks the scope `read:repository`; make a new one that has it."
                        .to_owned(),
                );
            }
            Asked::Refused(refusal) => return Err(refusal.error),
        }
        let (provider_id, login) = user.map_or_else(
            || (String::new(), "unknown".to_owned()),
            |user| (user.id.to_string(), user.login),
        );
        Ok(Account {
            provider_id,
            login,
            missing,
        })
    }

    async fn describe_project(&self, name_or_id: &str) -> Result<Project> {
        let path = if is_id(name_or_id) {
            format!("/repositories/{name_or_id}")
        } else {
            let (owner, name) = split_name(name_or_id)?;
            format!("/repos/{}/{}", segment(owner), segment(name))
        };
        let repository = self.find_repository(&path, name_or_id).await?;
        Ok(repository.describe())
    }

    async fn list_projects(
        &self,
        search: Option<&str>,
        cursor: Option<&str>,
    ) -> Result<ProjectPage> {
        projects::list(&self.api, search, cursor).await
    }

    async fn ls_refs(&self, clone_url: &str) -> Result<LsRefs> {
        ls_refs::ask(&self.git, clone_url).await
    }

    async fn list_refs(
        &self,
        project_id: &str,
        known: &HashMap<String, RefPage>,
    ) -> Result<RefListing> {
        let path = self.repository_path(project_id).await?;
        let lists = Lists {
            tags: format!("{path}/tags?limit={PER_PAGE}&page=1"),
            branches: format!("{path}/branches?limit={PER_PAGE}&page=1"),
            per_page: PER_PAGE,
            paging: Paging::Numbers,
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
            "{}/raw/{}",
            self.repository_path(project_id).await?,
            segments(path)
        );
        if let Some(commit) = commit {
            url = format!("{url}?ref={}", full_commit(commit)?);
        }
        self.api.read_file(&url, path, limit).await
    }

    async fn commit_time(&self, project_id: &str, commit: &str) -> Result<String> {
        let commit = full_commit(commit)?;
        let url = format!(
            "{}/git/commits/{commit}?stat=false&verification=false&files=false",
            self.repository_path(project_id).await?
        );
        let response = self.api.get(&url, Want::Json).await?.or_refusal()?;
        let found: FoundCommit = self.api.json(response).await?;
        self.api.utc(&found.commit.committer.date)
    }

    async fn open_archive(&self, project_id: &str, commit: &str) -> Result<InResponse> {
        let commit = full_commit(commit)?;
        let url = format!(
            "{}/archive/{commit}.zip",
            self.repository_path(project_id).await?
        );
        let or = ", or the instance has `DISABLE_DOWNLOAD_SOURCE_ARCHIVES` set";
        self.api.open_archive(&url, commit, or).await
    }

    async fn find_hook(&self, place: HookPlace<'_>, url: &str) -> Result<Option<String>> {
        self.hooks(place).await?.find(&self.api, url).await
    }

    async fn save_hook(
        &self,
        place: HookPlace<'_>,
        known: Option<&str>,
        wanted: &WantedHook<'_>,
    ) -> Result<String> {
        let body = self.hook_body(wanted);
        self.hooks(place).await?.save(&self.api, known, &body).await
    }

    async fn remove_hook(&self, place: HookPlace<'_>, hook: &str) -> Result<()> {
        self.hooks(place).await?.remove(&self.api, hook).await
    }
}

impl Gitea<'_> {
    async fn hooks(&self, place: HookPlace<'_>) -> Result<Hooks> {
        let (path, needs) = match place {
            HookPlace::Project(id) => (
                format!("{}/hooks", self.repository_path(id).await?),
                "the token needs the scope `write:repository` and an owner who administers the repository",
            ),
            HookPlace::Group(name) => (
                format!("/orgs/{}/hooks", segment(name)),
                "it must be an organisation and no person; the token needs the scope `write:organization` and somebody \
                 who owns the organisation",
            ),
        };
        Ok(Hooks {
            first: format!("{path}?limit={PER_PAGE}&page=1"),
            path,
            paging: Paging::Numbers,
            url: "/config/url",
            update: "PATCH",
            needs,
        })
    }

    fn hook_body(&self, wanted: &WantedHook<'_>) -> Value {
        let (kind, provider) = match self.product {
            Product::Gitea => ("gitea", ProviderKind::Gitea),
            Product::Forgejo => ("forgejo", ProviderKind::Forgejo),
        };
        json!({
            "type": kind,
            // It is false unless it is said.
            "active": true,
            "branch_filter": "*",
            "events": provider.webhook_events(),
            "config": {
                "url": wanted.url,
                "content_type": "json",
                "secret": wanted.secret,
            },
        })
    }
}

#[cfg(test)]
mod tests;
