//! Bitbucket Data Center (and the Bitbucket Server of before) by its REST API, also below a path.
//!
//! Its API knows repositories by the key of their project and their slug, both of which may change; the number is what
//! stays. `find` leads from the one to the other.

mod event;
mod find;
mod hooks;
mod page;
mod refs;

use std::cell::RefCell;
use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::ports::InResponse;

use super::fields::{owned, text};
use super::outgoing::{Gateway, upstream};
use super::path::{full_commit, is_id, segments};
use super::rest::{Asked, Dialect, Rest, Want};
use super::{
    Account, Credentials, GitHost, HookPlace, Project, ProjectPage, RefListing, RefPage, WantedHook,
};
use find::{Repository, split_place};

pub use event::{delivery_id, parse_event};

/// The path of the API below the address of an instance.
const API: &str = "/rest/api/latest";

/// A page of repositories or refs. Instances give at most 1,000, and fewer where they were told to.
const PER_PAGE: usize = 500;

static DIALECT: Dialect = Dialect {
    name: "Bitbucket Data Center",
    accept,
    explain,
};

fn accept(want: Want) -> &'static str {
    match want {
        Want::Json => "application/json",
        Want::Raw | Want::Archive => "*/*",
    }
}

/// It says 401 of a good token that may not do something.
fn explain(host: &str, response: &InResponse, message: Option<&str>) -> Option<Error> {
    let said = message.unwrap_or_default();
    (response.status == 401 && said.contains("not permitted")).then(|| {
        upstream(
            false,
            format!(
                "`{host}` does not let this token do that: {said}; give it, or whom it belongs to, read access to \
                 the repository"
            ),
        )
    })
}

/// A Bitbucket Data Center with one token.
pub struct BitbucketServer<'a> {
    api: Rest<'a>,
    /// Repositories whose place is certain, by their number.
    found: RefCell<HashMap<String, Repository>>,
    /// Where they were once, by their number.
    recalled: RefCell<HashMap<String, String>>,
}

impl<'a> BitbucketServer<'a> {
    /// An instance at `base_url`. An HTTP access token goes alone, as Bearer; with a username both go as Basic.
    pub fn new(gateway: Gateway<'a>, base_url: &str, credentials: &Credentials) -> Result<Self> {
        let base = base_url.trim().trim_end_matches('/');
        if base.is_empty() {
            return Err(Error::invalid(
                "Give `base_url`, the address of the instance, as `https://HOST` or `https://HOST/bitbucket`; for \
                 bitbucket.org take the provider `bitbucket`",
            ));
        }
        let base = match base.find("/rest/") {
            Some(end) => base.get(..end).unwrap_or(base),
            None => base,
        };
        let base = base.trim_end_matches("/rest").trim_end_matches('/');
        let authorization = match credentials.basic()? {
            Some(basic) => basic,
            None => format!("Bearer {}", credentials.plain_token()?),
        };
        let base = format!("{base}{API}");
        Ok(Self {
            api: Rest::new(
                gateway,
                &DIALECT,
                &base,
                ("authorization", authorization),
                &credentials.token,
            )?,
            found: RefCell::default(),
            recalled: RefCell::default(),
        })
    }

    /// The short name of the default branch; none in an empty repository.
    async fn find_default_branch(&self, path: &str) -> Result<Option<String>> {
        let mut asked = self
            .api
            .get(&format!("{path}/default-branch"), Want::Json)
            .await?;
        // Before 7.5 it was elsewhere.
        if matches!(&asked, Asked::Refused(refusal) if refusal.status == 404) {
            asked = self
                .api
                .get(&format!("{path}/branches/default"), Want::Json)
                .await?;
        }
        let branch: Value = match asked {
            Asked::Answered(response) => self.api.json(response).await?,
            Asked::Refused(refusal) if matches!(refusal.status, 204 | 404) => return Ok(None),
            Asked::Refused(refusal) => return Err(refusal.error),
        };
        let name = owned(&branch, "/displayId").ok_or_else(|| self.api.unreadable())?;
        Ok(Some(name).filter(|name| !name.is_empty()))
    }
}

#[async_trait(?Send)]
impl GitHost for BitbucketServer<'_> {
    async fn check_access(&self) -> Result<Account> {
        let response = match self.api.get("/repos?limit=1", Want::Json).await? {
            Asked::Answered(response) => response,
            Asked::Refused(refusal) if refusal.status == 404 => {
                return Err(Error::invalid(format!(
                    "`{}` has no API of Bitbucket Data Center at this address; the base URL is the address of the \
                     instance, as `https://HOST` or `https://HOST/bitbucket`",
                    self.api.host()
                )));
            }
            Asked::Refused(refusal) => return Err(refusal.error),
        };
        // Every answer tells whose it is.
        let told = |name: &str| {
            let text = response.header(name).unwrap_or_default();
            let is_fit = text.len() <= 255 && !text.chars().any(char::is_control);
            is_fit
                .then(|| text.to_owned())
                .filter(|text| !text.is_empty())
        };
        let account = Account {
            provider_id: told("x-auserid").unwrap_or_default(),
            login: told("x-ausername").unwrap_or_else(|| "unknown".to_owned()),
            missing: Vec::new(),
        };
        page::read(&self.api, response, 0).await?;
        Ok(account)
    }

    async fn describe_project(&self, name_or_id: &str) -> Result<Project> {
        let repository = if is_id(name_or_id) {
            self.find_by_id(name_or_id).await?
        } else {
            split_place(name_or_id)?;
            self.find_by_place(name_or_id).await?
        };
        let default_branch = self.find_default_branch(&repository.path()).await?;
        Ok(repository.into_project(default_branch))
    }

    fn recall_name(&self, project_id: &str, full_name: &str) {
        let mut recalled = self.recalled.borrow_mut();
        recalled.insert(project_id.to_owned(), full_name.to_owned());
    }

    /// It has no entity tags, and so `known` is of no use.
    async fn list_refs(
        &self,
        project_id: &str,
        _known: &HashMap<String, RefPage>,
    ) -> Result<RefListing> {
        let path = self.find_by_id(project_id).await?.path();
        refs::list(&self.api, &path).await
    }

    async fn read_file(
        &self,
        project_id: &str,
        path: &str,
        commit: Option<&str>,
        limit: usize,
    ) -> Result<Option<Vec<u8>>> {
        let at = match commit {
            Some(commit) => format!("?at={}", full_commit(commit)?),
            None => String::new(),
        };
        let repository = self.find_by_id(project_id).await?.path();
        let url = format!("{repository}/raw/{}{at}", segments(path));
        self.api.read_file(&url, path, limit).await
    }

    async fn commit_time(&self, project_id: &str, commit: &str) -> Result<String> {
        let commit = full_commit(commit)?;
        let path = self.find_by_id(project_id).await?.path();
        let url = format!("{path}/commits/{commit}");
        let response = self.api.get(&url, Want::Json).await?.or_refusal()?;
        let found: Value = self.api.json(response).await?;
        let unreadable = || self.api.unreadable();
        let id = text(&found, "/id").ok_or_else(unreadable)?;
        if id != commit {
            return Err(upstream(
                false,
                format!(
                    "`{}` gave commit `{}` for `{commit}`: the tag leads to another tag that has no name of its own; \
                     tag the commit itself",
                    self.api.host(),
                    id.escape_debug()
                ),
            ));
        }
        // Composer has no driver for this host and reads it by git, whose time is the author's; in milliseconds.
        let time = found.get("authorTimestamp").and_then(Value::as_i64);
        let time = time.ok_or_else(unreadable)?.div_euclid(1000);
        Timestamp::from_second(time)
            .map(|time| time.to_string())
            .map_err(|error| unreadable().because(error))
    }

    async fn open_archive(&self, project_id: &str, commit: &str) -> Result<InResponse> {
        let commit = full_commit(commit)?;
        let path = self.find_by_id(project_id).await?.path();
        // Without a prefix there is no folder around the files, which Composer wants. It does not name the repository,
        // so that the bytes outlive a rename.
        let url = format!("{path}/archive?at={commit}&format=zip&prefix={commit}%2F");
        self.api.open_archive(&url, commit, "").await
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
