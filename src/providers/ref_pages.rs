//! Tags and branches, page by page, each page asked for conditionally.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::ports::InResponse;

use super::fields::{items, owned};
use super::outgoing::upstream;
use super::paging::{Paging, Said, next_query};
use super::path::is_commit;
use super::rest::{Asked, Refusal, Rest, Want};
use super::{FoundRef, RefListing, RefPage};

/// 500 pages are 50,000 tags, and as many requests as a Worker should spend on one listing.
const PAGES: usize = 500;

/// Where the refs of a project are listed.
pub(super) struct Lists {
    /// The first page of the tags.
    pub(super) tags: String,
    /// The first page of the branches.
    pub(super) branches: String,
    /// How many refs are asked for in one page.
    pub(super) per_page: usize,
    /// How one page leads to the next.
    pub(super) paging: Paging,
}

/// What all hosts say of a tag and a branch.
#[derive(Deserialize)]
struct NamedCommit {
    name: String,
    /// Null where a tag leads to a tree or a file.
    #[serde(deserialize_with = "present")]
    commit: Option<Commit>,
}

/// The commit itself. The ids of tag objects have other names, or stand beside it.
#[derive(Deserialize)]
struct Commit {
    #[serde(alias = "id")]
    sha: String,
}

/// Null is an answer, but the field must be there.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Commit>, D::Error> {
    Option::deserialize(deserializer)
}

/// Names with their commits, and where the next page is.
type NamesAndNext = (Vec<(String, Option<String>)>, Option<String>);

struct Reader<'a, 'b> {
    rest: &'a Rest<'b>,
    lists: &'a Lists,
    known: &'a HashMap<String, RefPage>,
}

/// All tags and branches; `known` holds the pages of the last listing by their URLs.
pub(super) async fn list(
    rest: &Rest<'_>,
    lists: &Lists,
    known: &HashMap<String, RefPage>,
) -> Result<RefListing> {
    let reader = Reader { rest, lists, known };
    let mut listing = RefListing::default();
    for (first, prefix) in [
        (&lists.tags, "refs/tags/"),
        (&lists.branches, "refs/heads/"),
    ] {
        listing.pages.extend(reader.list_kind(first, prefix).await?);
    }
    // A push between two pages moves refs from one to the next, and the same one comes twice.
    let mut seen = HashSet::new();
    for found in listing.pages.iter().flat_map(|page| &page.refs) {
        if seen.insert(&found.name) {
            listing.refs.push(found.clone());
        }
    }
    Ok(listing)
}

impl Reader<'_, '_> {
    async fn list_kind(&self, first: &str, prefix: &str) -> Result<Vec<RefPage>> {
        let mut pages: Vec<RefPage> = Vec::new();
        let mut next = Some(self.rest.url(first));
        while let Some(url) = next {
            if pages.len() >= PAGES {
                return Err(upstream(
                    false,
                    format!(
                        "The project has more than {PAGES} pages of {}; that is more than is read",
                        prefix.trim_end_matches('/')
                    ),
                ));
            }
            let full = self.page_size(&pages);
            let before = pages.iter().map(|page| page.refs.len()).sum();
            let Some(page) = self.fetch_page(&url, prefix, before, full).await? else {
                break;
            };
            let after = page.next.clone();
            pages.push(page);
            next = after;
        }
        Ok(pages)
    }

    /// How many refs a full page has: as many as any page that was followed by another, for a server may
    /// give fewer than it is asked for.
    fn page_size(&self, pages: &[RefPage]) -> usize {
        self.known
            .values()
            .chain(pages)
            .filter(|page| page.next.is_some())
            .map(|page| page.refs.len())
            .fold(self.lists.per_page, usize::min)
    }

    /// One page; none when the repository is empty.
    async fn fetch_page(
        &self,
        url: &str,
        prefix: &str,
        before: usize,
        full: usize,
    ) -> Result<Option<RefPage>> {
        if let Some(known) = self.known.get(url)
            && let Some(etag) = &known.etag
        {
            match self.rest.get_url(url, Want::Json, Some(etag)).await? {
                Asked::Refused(refusal) => return self.none_when_empty(refusal),
                Asked::Answered(response) if response.status == 304 => {
                    let total = before.saturating_add(known.refs.len());
                    let said = self.lists.paging.next(url, &response.headers, total);
                    let next = match &said {
                        Said::Next(next) => Some(next.clone()),
                        Said::Last => None,
                        Said::Nothing => known.next.clone(),
                    };
                    // The entity tag is the body's. When the last page is full, a further page changes
                    // nothing in it but the headers, which a 304 may leave out: ask again without.
                    if next.is_some()
                        || said != Said::Nothing
                        || known.refs.len() < full
                        || self.lists.paging == Paging::Body
                    {
                        return Ok(Some(RefPage {
                            next: next.filter(|_| !known.refs.is_empty()),
                            ..known.clone()
                        }));
                    }
                }
                Asked::Answered(response) => {
                    return self
                        .read_page(url, prefix, before, response)
                        .await
                        .map(Some);
                }
            }
        }
        match self.rest.get_url(url, Want::Json, None).await? {
            Asked::Refused(refusal) => self.none_when_empty(refusal),
            Asked::Answered(response) => self
                .read_page(url, prefix, before, response)
                .await
                .map(Some),
        }
    }

    /// GitHub and Gitea say 409 of a repository without commits, GitLab of one that was never made that it has none.
    fn none_when_empty(&self, refusal: Refusal) -> Result<Option<RefPage>> {
        match refusal.status {
            409 => Ok(None),
            404 if refusal.message.as_deref() == Some("404 Repository Not Found") => Ok(None),
            404 => Err(Error::not_found(format!(
                "The project is gone from `{}`, or the token may not see it any more",
                self.rest.host()
            ))),
            _ => Err(refusal.error),
        }
    }

    /// A page of Bitbucket Cloud, and the URL of the next. One that led nowhere would look like the last one, and all
    /// refs behind it like deleted ones.
    fn read_values(url: &str, page: &Value) -> Option<NamesAndNext> {
        let mut found = Vec::new();
        for item in items(page, "/values")? {
            let name = owned(item, "/name")?;
            let commit = match item.get("target")? {
                Value::Null => None,
                target => Some(owned(target, "/hash")?),
            };
            found.push((name, commit));
        }
        let next = match page.get("next") {
            None | Some(Value::Null) => None,
            Some(next) => Some(next_query(url, next.as_str()?)?),
        };
        Some((found, next))
    }

    async fn read_page(
        &self,
        url: &str,
        prefix: &str,
        before: usize,
        response: InResponse,
    ) -> Result<RefPage> {
        let etag = response.header("etag").map(str::to_owned);
        let headers = response.headers.clone();
        let (items, next) = if self.lists.paging == Paging::Body {
            let page: Value = self.rest.json(response).await?;
            Self::read_values(url, &page).ok_or_else(|| self.rest.unreadable())?
        } else {
            let items: Vec<NamedCommit> = self.rest.json(response).await?;
            let total = before.saturating_add(items.len());
            let next = match self.lists.paging.next(url, &headers, total) {
                Said::Next(next) => Some(next),
                Said::Last => None,
                Said::Nothing => self.lists.paging.next_unsaid(url),
            };
            let items = items
                .into_iter()
                .map(|item| (item.name, item.commit.map(|commit| commit.sha)));
            (items.collect(), next)
        };
        // Some servers name a next page after the last one.
        let next = next.filter(|_| !items.is_empty());
        let refs = items
            .into_iter()
            .filter_map(|(name, commit)| Some((name, commit?)))
            .map(|(name, commit)| {
                if name.is_empty() || !is_commit(&commit) {
                    return Err(self.rest.unreadable());
                }
                Ok(FoundRef {
                    name: format!("{prefix}{name}"),
                    commit,
                })
            })
            .collect::<Result<Vec<FoundRef>>>()?;
        Ok(RefPage {
            url: url.to_owned(),
            etag,
            refs,
            next,
        })
    }
}
