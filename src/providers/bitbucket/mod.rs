//! Bitbucket Cloud by its REST API. Projects are asked for by the UUID of their repository, in an empty workspace: it
//! leads to the repository wherever that is moved.

mod api;
mod event;
mod hooks;
mod listing;

use std::cell::RefCell;
use std::collections::HashMap;

use async_trait::async_trait;
use serde::Deserialize;

use crate::error::{Error, ErrorKind, Result};
use crate::ports::InResponse;

use super::outgoing::{Gateway, upstream};
use super::paging::Paging;
use super::path::{full_commit, is_commit, segment, segments, split_name};
use super::ref_pages::{self, Lists};
use super::rest::{Asked, Rest, Want};
use super::{
    Account, Credentials, GitHost, HookPlace, Project, ProjectPage, RefListing, RefPage, WantedHook,
};

pub use event::{delivery_id, parse_event};

/// The API. The website with the archives is its neighbour.
pub(super) const BASE_URL: &str = "https://api.bitbucket.org/2.0";

/// Bitbucket's greatest page.
const PER_PAGE: usize = 100;

/// What is asked of a repository; the whole of it is ten times as much.
const FIELDS: &str =
    "uuid,full_name,is_private,has_issues,website,mainbranch.name,links.html.href,links.clone";

/// A repository that is nowhere: who may read repositories is told so, and who may not is told that.
const NOWHERE: &str = "{00000000-0000-0000-0000-000000000000}";

/// Bitbucket Cloud with one token.
pub struct Bitbucket<'a> {
    api: Rest<'a>,
    website: Rest<'a>,
    is_access_token: bool,
    /// The website knows repositories by name alone; the names that were told while this lives, by UUID.
    names: RefCell<HashMap<String, String>>,
}

impl<'a> Bitbucket<'a> {
    /// Bitbucket Cloud. With a username (an e-mail address) the token is an API token and goes as Basic; without it is
    /// an access token of a repository, a project or a workspace.
    pub fn new(gateway: Gateway<'a>, base_url: &str, credentials: &Credentials) -> Result<Self> {
        let opened = api::open(gateway, base_url, credentials)?;
        Ok(Self {
            api: opened.api,
            website: opened.website,
            is_access_token: opened.is_access_token,
            names: RefCell::default(),
        })
    }

    async fn find_repository(&self, path: &str, named: &str) -> Result<Repository> {
        let host = self.api.host();
        let asked = self
            .api
            .get(&format!("{path}?fields={FIELDS}"), Want::Json)
            .await?;
        let response = asked.or_missing()?.ok_or_else(|| {
            Error::not_found(format!(
                "`{host}` has no project `{named}`, or does not show it to this token: it needs the scope \
                 `read:repository:bitbucket`, and whoever it belongs to must be let in"
            ))
        })?;
        let repository: Repository = self.api.json(response).await?;
        self.check(&repository)?;
        self.names
            .borrow_mut()
            .insert(repository.uuid.clone(), repository.full_name.clone());
        Ok(repository)
    }

    /// Both go into paths from here on.
    fn check(&self, repository: &Repository) -> Result<()> {
        if is_uuid(&repository.uuid) && split_name(&repository.full_name).is_ok() {
            return Ok(());
        }
        Err(self.api.unreadable())
    }

    async fn open_named(&self, full_name: &str, commit: &str) -> Result<InResponse> {
        let (workspace, slug) = split_name(full_name)?;
        let path = format!("/{}/{}/get/{commit}.zip", segment(workspace), segment(slug));
        let response = self.website.open_archive(&path, commit, "").await?;
        // Whoever it does not let in is led to a form, which comes with 200.
        let kind = response.header("content-type").unwrap_or_default();
        if kind.trim_start().starts_with("text/html") {
            return Err(upstream(
                false,
                format!(
                    "`{}` asks to sign in before it gives archives of `{full_name}`; store a token in the connection \
                     that may read the repository",
                    self.website.host()
                ),
            ));
        }
        Ok(response)
    }

    /// The newest commit of the default branch; none in an empty repository. Its own word for that, `HEAD`, is not one
    /// of its documented names of a commit, and a branch with a slash cannot stand in its place.
    async fn find_head(&self, project_id: &str) -> Result<Option<String>> {
        let path = repository_path(project_id)?;
        let Some(branch) = self.find_repository(&path, project_id).await?.branch() else {
            return Ok(None);
        };
        let path = format!(
            "{path}/refs/branches/{}?fields=target.hash",
            segments(&branch)
        );
        let Some(response) = self.api.get(&path, Want::Json).await?.or_missing()? else {
            return Ok(None);
        };
        let head: Branch = self.api.json(response).await?;
        if is_commit(&head.target.hash) {
            Ok(Some(head.target.hash))
        } else {
            Err(self.api.unreadable())
        }
    }
}

/// The path of a repository below the API, whatever workspace it is in.
fn repository_path(project_id: &str) -> Result<String> {
    if is_uuid(project_id) {
        Ok(format!("/repositories/%7B%7D/{}", segment(project_id)))
    } else {
        Err(Error::internal("a repository of Bitbucket has a UUID"))
    }
}

/// Whether this is a UUID in braces, as Bitbucket has them.
fn is_uuid(text: &str) -> bool {
    text.len() == 38
        && text
            .strip_prefix('{')
            .and_then(|text| text.strip_suffix('}'))
            .is_some_and(|inner| {
                inner
                    .bytes()
                    .all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
            })
}

#[derive(Deserialize)]
struct User {
    uuid: Option<String>,
    username: Option<String>,
    nickname: Option<String>,
    display_name: Option<String>,
}

#[derive(Deserialize)]
struct Repository {
    uuid: String,
    full_name: String,
    #[serde(default)]
    is_private: bool,
    #[serde(default)]
    has_issues: bool,
    website: Option<String>,
    mainbranch: Option<MainBranch>,
    links: Links,
}

#[derive(Deserialize)]
struct MainBranch {
    name: String,
}

#[derive(Deserialize)]
struct Links {
    html: Link,
    #[serde(default)]
    clone: Vec<CloneLink>,
}

#[derive(Deserialize)]
struct Link {
    href: String,
}

#[derive(Deserialize)]
struct CloneLink {
    name: String,
    href: String,
}

#[derive(Deserialize)]
struct Branch {
    target: Target,
}

#[derive(Deserialize)]
struct Target {
    hash: String,
}

#[derive(Deserialize)]
struct Commit {
    date: String,
}

impl Repository {
    fn branch(&self) -> Option<String> {
        let branch = self.mainbranch.as_ref()?;
        (!branch.name.is_empty()).then(|| branch.name.clone())
    }

    /// As Composer's driver for Bitbucket (`GitBitbucketDriver::getComposerInformation`) makes the pages.
    fn into_project(self) -> Project {
        let default_branch = self.branch();
        let page = self.links.html.href;
        let https = self
            .links
            .clone
            .into_iter()
            .find(|link| link.name == "https");
        let clone_url = https.map_or_else(
            || format!("{page}.git"),
            // Private repositories have somebody's name in it.
            |link| match link.href.split_once("://").zip(link.href.split_once('@')) {
                Some(((scheme, _), (_, rest))) => format!("{scheme}://{rest}"),
                None => link.href,
            },
        );
        let website = self.website.filter(|website| !website.is_empty());
        Project {
            source_page: Some(format!("{page}/src/{{commit}}/?at={{ref}}")),
            issues_page: self.has_issues.then(|| format!("{page}/issues")),
            homepage: Some(website.unwrap_or_else(|| page.clone())),
            provider_id: self.uuid,
            full_name: self.full_name,
            default_branch,
            clone_url,
            is_private: self.is_private,
            // There is no such thing.
            is_archived: false,
            web_url: page,
        }
    }
}

#[async_trait(?Send)]
impl GitHost for Bitbucket<'_> {
    async fn check_access(&self) -> Result<Account> {
        let path = "/user?fields=uuid,username,nickname,display_name";
        let user = match self.api.get(path, Want::Json).await? {
            Asked::Answered(response) => Some(self.api.json::<User>(response).await?),
            Asked::Refused(refusal) if refusal.status == 404 => {
                return Err(Error::invalid(format!(
                    "`{}` has no API of Bitbucket Cloud at this address; leave `base_url` out, and for an instance of \
                     one's own take `bitbucket-server`",
                    self.api.host()
                )));
            }
            // Whose token it is takes a scope of its own, and an access token is nobody's.
            Asked::Refused(refusal)
                if matches!(refusal.status, 401 | 403) && !refusal.error.is_retryable() =>
            {
                None
            }
            Asked::Refused(refusal) => return Err(refusal.error),
        };
        let mut missing = Vec::new();
        let path = format!("{}?fields=uuid", repository_path(NOWHERE)?);
        match self.api.get(&path, Want::Json).await? {
            Asked::Answered(_) => {}
            Asked::Refused(refusal) if refusal.status == 404 => {}
            Asked::Refused(refusal)
                if refusal.status == 403 && api::is_missing_scope(refusal.message.as_deref()) =>
            {
                missing.push(
                    "The token lacks the scope `read:repository:bitbucket` (an access token: read access to \
                     repositories); make a new one that has it."
                        .to_owned(),
                );
            }
            Asked::Refused(refusal) => return Err(refusal.error),
        }
        let (provider_id, login) = user.map_or_else(Default::default, |user| {
            let name = user.username.or(user.nickname).or(user.display_name);
            (user.uuid.unwrap_or_default(), name.unwrap_or_default())
        });
        let login = if login.is_empty() {
            "unknown".to_owned()
        } else {
            login
        };
        Ok(Account {
            provider_id,
            login,
            missing,
        })
    }

    async fn describe_project(&self, name_or_id: &str) -> Result<Project> {
        let path = if is_uuid(name_or_id) {
            repository_path(name_or_id)?
        } else {
            let (workspace, slug) = split_name(name_or_id).map_err(|_| {
                Error::invalid(
                    "A project is named `workspace/repository`, as in its address, or by its UUID in braces",
                )
            })?;
            format!("/repositories/{}/{}", segment(workspace), segment(slug))
        };
        let repository = self.find_repository(&path, name_or_id).await?;
        Ok(repository.into_project())
    }

    fn recall_name(&self, project_id: &str, full_name: &str) {
        let mut names = self.names.borrow_mut();
        names
            .entry(project_id.to_owned())
            .or_insert_with(|| full_name.to_owned());
    }

    async fn list_refs(
        &self,
        project_id: &str,
        known: &HashMap<String, RefPage>,
    ) -> Result<RefListing> {
        let path = repository_path(project_id)?;
        let list = |kind: &str| {
            // By name, a new tag moves least from one page to the next.
            format!(
                "{path}/refs/{kind}?pagelen={PER_PAGE}&sort=name&fields=values.name,values.target.hash,next"
            )
        };
        let lists = Lists {
            tags: list("tags"),
            branches: list("branches"),
            per_page: PER_PAGE,
            paging: Paging::Body,
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
        let head;
        let commit = match commit {
            Some(commit) => full_commit(commit)?,
            None => match self.find_head(project_id).await? {
                Some(found) => {
                    head = found;
                    head.as_str()
                }
                None => return Ok(None),
            },
        };
        let url = format!(
            "{}/src/{commit}/{}",
            repository_path(project_id)?,
            segments(path)
        );
        // A file of LFS is a redirect to a signed link elsewhere.
        self.api.read_file(&url, path, limit).await
    }

    async fn commit_time(&self, project_id: &str, commit: &str) -> Result<String> {
        let url = format!(
            "{}/commit/{}?fields=date",
            repository_path(project_id)?,
            full_commit(commit)?
        );
        let response = self.api.get(&url, Want::Json).await?.or_refusal()?;
        let commit: Commit = self.api.json(response).await?;
        self.api.utc(&commit.date)
    }

    async fn open_archive(&self, project_id: &str, commit: &str) -> Result<InResponse> {
        let commit = full_commit(commit)?;
        let path = repository_path(project_id)?;
        let known = self.names.borrow().get(project_id).cloned();
        let Some(known) = known else {
            let found = self.find_repository(&path, project_id).await?;
            return self.open_named(&found.full_name, commit).await;
        };
        match self.open_named(&known, commit).await {
            // It may have another name by now.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let found = self.find_repository(&path, project_id).await?;
                if found.full_name == known {
                    return Err(error);
                }
                self.open_named(&found.full_name, commit).await
            }
            opened => opened,
        }
    }

    async fn list_projects(
        &self,
        search: Option<&str>,
        cursor: Option<&str>,
    ) -> Result<ProjectPage> {
        self.list_repositories(search, cursor).await
    }

    async fn find_hook(&self, place: HookPlace<'_>, url: &str) -> Result<Option<String>> {
        self.find_hook_by_url(place, url).await
    }

    async fn save_hook(
        &self,
        place: HookPlace<'_>,
        known: Option<&str>,
        wanted: &WantedHook<'_>,
    ) -> Result<String> {
        self.put_hook(place, known, wanted).await
    }

    async fn remove_hook(&self, place: HookPlace<'_>, hook: &str) -> Result<()> {
        self.delete_hook(place, hook).await
    }
}

#[cfg(test)]
mod tests;
