//! Where a repository is, by its number, and what it is like.

use serde_json::Value;

use crate::error::{Error, Result};
use crate::providers::fields::{flag, items, owned, text};
use crate::providers::path::{is_id, is_word, segment, without_user};
use crate::providers::rest::{Asked, Want};
use crate::providers::{Project, ProjectPage};

use super::page::{self, Page};
use super::{BitbucketServer, PER_PAGE};

/// 200 pages are 100,000 repositories, and as many requests as a search should spend.
const PAGES: usize = 200;

/// What is kept of an answer about a repository.
#[derive(Clone)]
pub(super) struct Repository {
    id: u64,
    key: String,
    slug: String,
    page: String,
    clone_url: String,
    is_public: bool,
    is_archived: bool,
    is_fork: bool,
}

impl Repository {
    /// None when this is something else, or has names that cannot go into paths.
    fn read(answer: &Value) -> Option<Self> {
        let links = items(answer, "/links/clone").unwrap_or_default();
        let is_http = |link: &&Value| matches!(text(link, "/name"), Some("http" | "https"));
        // An instance may give its repositories by SSH alone.
        let clone_url = match links.iter().find(is_http) {
            // Older ones put the name of whoever asks into it.
            Some(link) => text(link, "/href").map(without_user),
            None => links.first().and_then(|link| owned(link, "/href")),
        };
        let page = text(answer, "/links/self/0/href").unwrap_or_default();
        let repository = Self {
            id: answer.get("id")?.as_u64()?,
            key: owned(answer, "/project/key")?,
            slug: owned(answer, "/slug")?,
            page: page.trim_end_matches("/browse").to_owned(),
            clone_url: clone_url.unwrap_or_default(),
            is_public: flag(answer, "/public") || flag(answer, "/project/public"),
            is_archived: flag(answer, "/archived"),
            is_fork: answer.pointer("/origin").is_some_and(Value::is_object),
        };
        (is_key(&repository.key) && is_word(&repository.slug)).then_some(repository)
    }

    /// Its path below the API.
    pub(super) fn path(&self) -> String {
        let key = segment(&self.key);
        format!("/projects/{key}/repos/{}", segment(&self.slug))
    }

    pub(super) fn into_project(self, default_branch: Option<String>) -> Project {
        Project {
            provider_id: self.id.to_string(),
            full_name: format!("{}/{}", self.key, self.slug),
            default_branch,
            web_url: self.page,
            clone_url: self.clone_url,
            is_private: !self.is_public,
            is_archived: self.is_archived,
            is_fork: self.is_fork,
            // Composer has no driver for this host; reading it by git, it knows no pages.
            source_page: None,
            issues_page: None,
            homepage: None,
        }
    }
}

/// Whether this is the key of a project, or of a person's own one: `~` and a name.
pub(super) fn is_key(key: &str) -> bool {
    is_word(key.strip_prefix('~').unwrap_or(key))
}

/// `KEY/slug`.
pub(super) fn split_place(full_name: &str) -> Result<(&str, &str)> {
    full_name
        .split_once('/')
        .filter(|(key, slug)| is_key(key) && is_word(slug))
        .ok_or_else(|| {
            Error::invalid(
                "A project is named `KEY/repository`, with the key of its project, as in its address, or by its \
                 numeric id; a person's own is `~name/repository`",
            )
        })
}

impl BitbucketServer<'_> {
    pub(super) async fn find_by_place(&self, full_name: &str) -> Result<Repository> {
        let asked = self.ask_place(full_name).await?;
        let response = asked.or_missing()?.ok_or_else(|| {
            Error::not_found(format!(
                "`{}` has no project `{full_name}`, or does not show it to this token: it needs read access to \
                 repositories, and whoever it belongs to must be let in",
                self.api.host()
            ))
        })?;
        self.keep(&self.api.json(response).await?)
    }

    /// The repository with this number, wherever it is now. The API cannot be asked for it, so that its last place is
    /// looked at first, and if it is another one that is there now, or none, all repositories are.
    pub(super) async fn find_by_id(&self, id: &str) -> Result<Repository> {
        if !is_id(id) {
            return Err(Error::internal("a project id is a number"));
        }
        if let Some(found) = self.found.borrow().get(id) {
            return Ok(found.clone());
        }
        let recalled = self.recalled.borrow().get(id).cloned();
        if let Some(place) = recalled {
            match self.ask_place(&place).await? {
                Asked::Answered(response) => {
                    let found: Value = self.api.json(response).await?;
                    if is_numbered(&found, id) {
                        return self.keep(&found);
                    }
                }
                // What is there now may be closed to us.
                Asked::Refused(refusal) if matches!(refusal.status, 401 | 403 | 404) => {}
                Asked::Refused(refusal) => return Err(refusal.error),
            }
        }
        self.look_through_all(id).await
    }

    async fn look_through_all(&self, id: &str) -> Result<Repository> {
        let mut start = Some(0);
        for _ in 0..PAGES {
            let Some(first) = start else {
                return Err(Error::not_found(format!(
                    "`{}` has no repository with the id {id} any more, or it was moved to where this token may not \
                     see it",
                    self.api.host()
                )));
            };
            let page = self.read_page(None, first, PER_PAGE).await?;
            start = page.next;
            if let Some(found) = page.values.iter().find(|one| is_numbered(one, id)) {
                return self.keep(found);
            }
        }
        Err(Error::not_found(format!(
            "The repository with the id {id} is not among the first {} of `{}`; remove the package here and add it \
             by its new name",
            PAGES.saturating_mul(PER_PAGE),
            self.api.host()
        )))
    }

    /// One page of the repositories, for people. Its projects have no default branch, which takes a request for each.
    pub(super) async fn list_repositories(
        &self,
        search: Option<&str>,
        cursor: Option<&str>,
    ) -> Result<ProjectPage> {
        let start = match cursor {
            Some(cursor) => cursor.parse::<u64>().map_err(|_| {
                Error::invalid("The cursor is none of this list; begin again without")
            })?,
            None => 0,
        };
        let page = self.read_page(search, start, 100).await?;
        let next = page.next.map(|start| start.to_string());
        let usable = page.values.iter().filter_map(Repository::read);
        Ok(ProjectPage {
            projects: usable
                .map(|repository| repository.into_project(None))
                .collect(),
            next,
        })
    }

    async fn read_page(&self, name: Option<&str>, start: u64, limit: usize) -> Result<Page> {
        let mut url = format!("/repos?limit={limit}&start={start}&archived=ALL");
        if let Some(name) = name.map(str::trim).filter(|name| !name.is_empty()) {
            url.push_str("&name=");
            url.push_str(&segment(name));
        }
        let response = self.api.get(&url, Want::Json).await?.or_refusal()?;
        page::read(&self.api, response, start).await
    }

    async fn ask_place(&self, full_name: &str) -> Result<Asked> {
        let (key, slug) = split_place(full_name)?;
        let path = format!("/projects/{}/repos/{}", segment(key), segment(slug));
        self.api.get(&path, Want::Json).await
    }

    fn keep(&self, answer: &Value) -> Result<Repository> {
        let found = Repository::read(answer).ok_or_else(|| self.api.unreadable())?;
        self.found
            .borrow_mut()
            .insert(found.id.to_string(), found.clone());
        Ok(found)
    }
}

fn is_numbered(repository: &Value, id: &str) -> bool {
    let number = repository.get("id").and_then(Value::as_u64);
    number.is_some_and(|number| number.to_string() == id)
}
