//! GitLab by its REST API: gitlab.com, and instances of one's own, also below a path.

mod event;
mod projects;

use std::collections::HashMap;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::error::{Error, ErrorKind, Result};
use crate::ports::InResponse;

use super::hooks::Hooks;
use super::ls_refs::{self, GitPlace, LsRefs};
use super::outgoing::{Gateway, archives_limited, upstream};
use super::paging::Paging;
use super::path::{full_commit, is_id, is_word, project, segment};
use super::ref_pages::{self, Lists};
use super::rest::{Asked, Dialect, Rest, Want};
use super::{
    Account, Credentials, GitHost, HookPlace, Project, ProjectPage, RefListing, RefPage, WantedHook,
};

pub use event::{delivery_id, parse_event, verify};

/// Where gitlab.com is. The API lies below.
pub(super) const BASE_URL: &str = "https://gitlab.com";

/// The path of the API below the address of an instance.
const API: &str = "/api/v4";

/// GitLab's greatest page.
const PER_PAGE: usize = 100;

/// The least role that reads the repository of a private project.
const REPORTER: u32 = 20;

static DIALECT: Dialect = Dialect {
    name: "GitLab",
    accept,
    explain,
};

fn accept(want: Want) -> &'static str {
    match want {
        Want::Json => "application/json",
        Want::Raw | Want::Archive => "*/*",
    }
}

/// GitLab with one token.
pub struct GitLab<'a> {
    api: Rest<'a>,
    /// Where git itself answers.
    git: GitPlace<'a>,
    is_oauth: bool,
    /// How many branches to ask for in one page.
    branches_per_page: usize,
}

impl<'a> GitLab<'a> {
    /// A GitLab at `base_url`, or gitlab.com when that is empty. An access token of a person, a project or a group goes
    /// alone; the username `oauth2` makes it an OAuth token, as it does for git.
    pub fn new(gateway: Gateway<'a>, base_url: &str, credentials: &Credentials) -> Result<Self> {
        let base = match base_url.trim().trim_end_matches('/') {
            "" => BASE_URL,
            other => other.trim_end_matches(API).trim_end_matches('/'),
        };
        let token = credentials.plain_token()?;
        if token.starts_with("gldt-") {
            return Err(Error::invalid(
                "This is a deploy token, which reads git alone; give a personal, project or group access token \
                 with the scope `read_api`",
            ));
        }
        let is_oauth = match credentials.username.as_deref() {
            None => false,
            Some("oauth2") => true,
            Some(_) => {
                return Err(Error::invalid(
                    "GitLab takes an access token alone; leave `username` out, or set it to `oauth2` for an OAuth token",
                ));
            }
        };
        let authentication = if is_oauth {
            ("authorization", format!("Bearer {token}"))
        } else {
            ("private-token", token.to_owned())
        };
        let git = GitPlace::new(gateway, base, "oauth2", token)?;
        let base = format!("{base}{API}");
        Ok(Self {
            git,
            api: Rest::new(gateway, &DIALECT, &base, authentication, token)?,
            is_oauth,
            branches_per_page: branches_per_page(gateway.now()),
        })
    }

    /// The scopes of the token; none where the instance does not tell, as to an OAuth token.
    async fn find_scopes(&self) -> Result<Option<Vec<String>>> {
        if self.is_oauth {
            return Ok(None);
        }
        let path = "/personal_access_tokens/self";
        match self.api.get(path, Want::Json).await? {
            Asked::Answered(response) => {
                let token: AccessToken = self.api.json(response).await?;
                Ok(Some(token.scopes))
            }
            // Before GitLab 15.5 there is no such endpoint.
            Asked::Refused(refusal) if matches!(refusal.status, 400 | 403 | 404 | 405) => Ok(None),
            Asked::Refused(refusal) => Err(refusal.error),
        }
    }
}

#[derive(Deserialize)]
struct AccessToken {
    #[serde(default)]
    scopes: Vec<String>,
}

#[derive(Deserialize)]
struct User {
    id: u64,
    username: String,
}

#[derive(Deserialize)]
struct FoundProject {
    id: u64,
    path_with_namespace: String,
    default_branch: Option<String>,
    web_url: String,
    http_url_to_repo: String,
    visibility: Option<String>,
    #[serde(default)]
    archived: bool,
    /// Whatever is said of the other one.
    forked_from_project: Option<IgnoredAny>,
    #[serde(default)]
    empty_repo: bool,
    #[serde(default)]
    issues_enabled: bool,
    repository_access_level: Option<String>,
    permissions: Option<Permissions>,
}

#[derive(Deserialize)]
struct Permissions {
    project_access: Option<Access>,
    group_access: Option<Access>,
}

#[derive(Deserialize)]
struct Access {
    #[serde(default)]
    access_level: u32,
}

impl FoundProject {
    fn describe(self) -> Project {
        let page = &self.web_url;
        // As Composer's driver for GitLab (`GitLabDriver::getComposerInformation`) makes them.
        Project {
            source_page: Some(format!("{page}/-/tree/{{ref}}")),
            issues_page: self.issues_enabled.then(|| format!("{page}/-/issues")),
            homepage: None,
            provider_id: self.id.to_string(),
            // The branch of an empty repository is a plan.
            default_branch: self
                .default_branch
                .filter(|name| !name.is_empty() && !self.empty_repo),
            web_url: self.web_url,
            clone_url: self.http_url_to_repo,
            is_private: self.visibility.as_deref() != Some("public"),
            is_archived: self.archived,
            is_fork: self.forked_from_project.is_some(),
            full_name: self.path_with_namespace,
        }
    }

    /// Whether a member with this token sees the project, but not its repository.
    fn is_seen_by_guest(&self) -> bool {
        let Some(permissions) = &self.permissions else {
            return false;
        };
        let levels = [&permissions.project_access, &permissions.group_access];
        let highest = levels
            .into_iter()
            .flatten()
            .map(|access| access.access_level)
            .max();
        // Who has no role is an administrator, or sees what everybody sees.
        highest.is_some_and(|level| level < REPORTER)
    }
}

#[derive(Deserialize)]
struct Commit {
    committed_date: String,
}

#[async_trait(?Send)]
impl GitHost for GitLab<'_> {
    async fn check_access(&self) -> Result<Account> {
        let scopes = self.find_scopes().await?;
        let missing = scopes.as_deref().and_then(missing_scope);
        if let Some(missing) = missing {
            return Ok(Account {
                provider_id: String::new(),
                login: "unknown".to_owned(),
                missing: vec![missing],
            });
        }
        let response = match self.api.get("/user", Want::Json).await? {
            Asked::Answered(response) => response,
            Asked::Refused(refusal) if refusal.status == 404 => {
                return Err(Error::invalid(format!(
                    "`{}` has no GitLab API at this address; the base URL is the address of the instance, \
                     as `https://HOST` or `https://HOST/gitlab`",
                    self.api.host()
                )));
            }
            Asked::Refused(refusal) => return Err(refusal.error),
        };
        let user: User = self.api.json(response).await?;
        Ok(Account {
            provider_id: user.id.to_string(),
            login: user.username,
            missing: Vec::new(),
        })
    }

    async fn describe_project(&self, name_or_id: &str) -> Result<Project> {
        let is_path = || name_or_id.contains('/') && name_or_id.split('/').all(is_word);
        if !is_id(name_or_id) && !is_path() {
            return Err(Error::invalid(
                "A project is named by its full path, as `group/subgroup/name`, or by its numeric id",
            ));
        }
        let path = format!("/projects/{}", segment(name_or_id));
        let host = self.api.host();
        let asked = self.api.get(&path, Want::Json).await?;
        let response = asked.or_missing()?.ok_or_else(|| {
            Error::not_found(format!(
                "`{host}` has no project `{name_or_id}`, or does not show it to this token: it needs the \
                 scope `read_api`, and at least the role Reporter in the project"
            ))
        })?;
        let found: FoundProject = self.api.json(response).await?;
        let name = &found.path_with_namespace;
        if found.repository_access_level.as_deref() == Some("disabled") {
            return Err(upstream(
                false,
                format!(
                    "The repository of `{name}` is switched off at `{host}`; switch it on in the project's settings"
                ),
            ));
        }
        if found.default_branch.is_none() && !found.empty_repo && found.is_seen_by_guest() {
            return Err(upstream(
                false,
                format!(
                    "`{host}` shows `{name}` to this token as to a guest, without its files; give the token, or \
                     whom it belongs to, at least the role Reporter"
                ),
            ));
        }
        Ok(found.describe())
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
        let repository = format!("/projects/{}/repository", project(project_id)?);
        let lists = Lists {
            // By name, a new tag moves least from one page to the next.
            tags: format!(
                "{repository}/tags?pagination=keyset&order_by=name&sort=asc&per_page={PER_PAGE}"
            ),
            branches: format!(
                "{repository}/branches?pagination=keyset&per_page={}",
                self.branches_per_page
            ),
            per_page: self.branches_per_page,
            paging: Paging::Queries,
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
        let reference = commit.map_or(Ok("HEAD"), full_commit)?;
        let url = format!(
            "/projects/{}/repository/files/{}/raw?ref={reference}",
            project(project_id)?,
            segment(path)
        );
        self.api.read_file(&url, path, limit).await
    }

    async fn commit_time(&self, project_id: &str, commit: &str) -> Result<String> {
        let url = format!(
            "/projects/{}/repository/commits/{}?stats=false",
            project(project_id)?,
            full_commit(commit)?
        );
        let response = self.api.get(&url, Want::Json).await?.or_refusal()?;
        let commit: Commit = self.api.json(response).await?;
        self.api.utc(&commit.committed_date)
    }

    async fn open_archive(&self, project_id: &str, commit: &str) -> Result<InResponse> {
        let commit = full_commit(commit)?;
        let url = format!(
            "/projects/{}/repository/archive.zip?sha={commit}",
            project(project_id)?
        );
        let opened = self.api.open_archive(&url, commit, "").await;
        if let Err(error) = &opened
            && let ErrorKind::RateLimited { retry_after } = error.kind()
        {
            // gitlab.com gives five archives of a project a minute, apart from all other limits. Should it be another
            // limit after all, the next request for something else is told so.
            return Err(archives_limited(self.api.host(), retry_after));
        }
        opened
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

    fn limits_archives_apart(&self) -> bool {
        true
    }
}

fn hooks(place: HookPlace<'_>) -> Result<Hooks> {
    let (path, needs) = match place {
        HookPlace::Project(id) => (
            format!("/projects/{}/hooks", project(id)?),
            "the token needs the scope `api` and the role Maintainer in the project",
        ),
        HookPlace::Group(name) => (
            format!("/groups/{}/hooks", segment(name)),
            "webhooks of groups need GitLab Premium, the scope `api` and the role Owner in the group",
        ),
    };
    Ok(Hooks {
        first: format!("{path}?per_page={PER_PAGE}"),
        path,
        paging: Paging::Queries,
        url: "/url",
        update: "PUT",
        needs,
    })
}

/// The secret goes along twice: instances that can sign do so, and older ones pass over `signing_token` and show `token`.
fn hook_body(wanted: &WantedHook<'_>) -> Value {
    let mut body = json!({
        "url": wanted.url,
        "token": wanted.secret,
        "push_events": true,
        "tag_push_events": true,
        "enable_ssl_verification": true,
    });
    if let (Ok(key), Some(body)) = (hex::decode(wanted.secret), body.as_object_mut()) {
        let key = format!("whsec_{}", STANDARD.encode(key));
        body.insert("signing_token".to_owned(), key.into());
    }
    body
}

/// GitLab keeps a listing of branches for 30 seconds, apart for each set of parameters, and gives it again whatever is
/// pushed meanwhile. A webhook comes sooner than that. So each of 31 seconds asks for pages of its own size.
fn branches_per_page(now: i64) -> usize {
    let second = usize::try_from(now.rem_euclid(31)).unwrap_or_default();
    PER_PAGE.saturating_sub(second)
}

/// What the token lacks, from its scopes. The files alone would be read with `read_repository` too, the lists are not.
fn missing_scope(scopes: &[String]) -> Option<String> {
    let suffices = |scope: &String| scope == "api" || scope == "read_api";
    if scopes.iter().any(suffices) {
        return None;
    }
    Some("The token lacks the scope `read_api`; make a new one that has it.".to_owned())
}

fn explain(host: &str, response: &InResponse, message: Option<&str>) -> Option<Error> {
    let said = message.unwrap_or_default();
    let is_scope = response.status == 403
        && (said.contains("insufficient_scope") || said.contains("higher privileges"));
    is_scope.then(|| {
        upstream(
            false,
            format!("The token lacks the scope `read_api` at `{host}`; make a new one that has it"),
        )
    })
}

#[cfg(test)]
mod tests;
