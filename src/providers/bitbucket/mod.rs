//! Bitbucket Cloud by its REST API. Projects are asked for by the UUID of their repository, in an empty workspace: it
//! leads to the repository wherever that is moved.

mod api;
mod event;
mod hooks;
mod listing;

use std::cell::RefCell;
use std::collections::HashMap;

use async_trait::async_trait;
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::ports::InResponse;

use super::fields::{flag, items, owned, text};
use super::outgoing::{Gateway, upstream};
use super::paging::Paging;
use super::path::{full_commit, is_commit, segment, segments, split_name, without_user};
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
const FIELDS: &str = "uuid,full_name,is_private,parent.uuid,has_issues,website,mainbranch.name,links.html.href,links.clone";

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
        let answer: Value = self.api.json(response).await?;
        let repository = Repository::read(&answer).ok_or_else(|| self.api.unreadable())?;
        self.names
            .borrow_mut()
            .insert(repository.uuid.clone(), repository.full_name.clone());
        Ok(repository)
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
        let Some(branch) = self.find_repository(&path, project_id).await?.branch else {
            return Ok(None);
        };
        let path = format!(
            "{path}/refs/branches/{}?fields=target.hash",
            segments(&branch)
        );
        let Some(response) = self.api.get(&path, Want::Json).await?.or_missing()? else {
            return Ok(None);
        };
        let head: Value = self.api.json(response).await?;
        owned(&head, "/target/hash")
            .filter(|commit| is_commit(commit))
            .map(Some)
            .ok_or_else(|| self.api.unreadable())
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

/// What is kept of an answer about a repository.
struct Repository {
    uuid: String,
    full_name: String,
    /// The branch that HEAD names; none in an empty repository.
    branch: Option<String>,
    page: String,
    clone_url: Option<String>,
    website: Option<String>,
    is_private: bool,
    is_fork: bool,
    has_issues: bool,
}

impl Repository {
    /// None when this is something else, or has names that cannot go into paths.
    fn read(answer: &Value) -> Option<Self> {
        let filled = |pointer| owned(answer, pointer).filter(|text| !text.is_empty());
        let clone_urls = items(answer, "/links/clone").unwrap_or_default();
        let https = clone_urls
            .iter()
            .find(|link| text(link, "/name") == Some("https"));
        let repository = Self {
            uuid: owned(answer, "/uuid")?,
            full_name: owned(answer, "/full_name")?,
            branch: filled("/mainbranch/name"),
            page: owned(answer, "/links/html/href")?,
            clone_url: https.and_then(|link| text(link, "/href")).map(without_user),
            website: filled("/website"),
            is_private: flag(answer, "/is_private"),
            is_fork: answer.pointer("/parent").is_some_and(Value::is_object),
            has_issues: flag(answer, "/has_issues"),
        };
        let is_usable = is_uuid(&repository.uuid) && split_name(&repository.full_name).is_ok();
        is_usable.then_some(repository)
    }

    /// As Composer's driver for Bitbucket (`GitBitbucketDriver::getComposerInformation`) makes the pages.
    fn into_project(self) -> Project {
        let page = self.page;
        Project {
            source_page: Some(format!("{page}/src/{{commit}}/?at={{ref}}")),
            issues_page: self.has_issues.then(|| format!("{page}/issues")),
            homepage: Some(self.website.unwrap_or_else(|| page.clone())),
            provider_id: self.uuid,
            full_name: self.full_name,
            default_branch: self.branch,
            clone_url: self.clone_url.unwrap_or_else(|| format!("{page}.git")),
            is_private: self.is_private,
            // There is no such thing.
            is_archived: false,
            is_fork: self.is_fork,
            web_url: page,
        }
    }
}

#[async_trait(?Send)]
impl GitHost for Bitbucket<'_> {
    async fn check_access(&self) -> Result<Account> {
        let path = "/user?fields=uuid,username,nickname,display_name";
        let user = match self.api.get(path, Want::Json).await? {
            Asked::Answered(response) => Some(self.api.json::<Value>(response).await?),
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
            // An access token of one repository may be told so of any other.
            Asked::Refused(refusal) if refusal.status == 403 && !refusal.error.is_retryable() => {}
            Asked::Refused(refusal) => return Err(refusal.error),
        }
        let user = user.unwrap_or_default();
        let login = ["/username", "/nickname", "/display_name"]
            .into_iter()
            .find_map(|pointer| owned(&user, pointer))
            .unwrap_or_else(|| "unknown".to_owned());
        Ok(Account {
            provider_id: owned(&user, "/uuid").unwrap_or_default(),
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

    fn take_pause_owed(&self) -> u32 {
        let owed = self
            .api
            .take_owed()
            .saturating_add(self.website.take_owed());
        u32::try_from(owed.div_ceil(1_000)).unwrap_or(u32::MAX)
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
        let commit: Value = self.api.json(response).await?;
        let date = text(&commit, "/date").ok_or_else(|| self.api.unreadable())?;
        self.api.utc(date)
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
