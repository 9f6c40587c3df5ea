//! Tags and branches, page by page, each page asked for conditionally.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::ports::InResponse;
use crate::providers::outgoing::upstream;
use crate::providers::paging::next_link;
use crate::providers::{FoundRef, RefListing, RefPage};

use super::api::{Api, Asked, Refusal, Want, is_commit};

/// GitHub's greatest page.
const PER_PAGE: usize = 100;

/// 500 pages are 50,000 tags, and as many requests as a Worker should spend on one listing.
const PAGES: usize = 500;

#[derive(Deserialize)]
struct NamedCommit {
    name: String,
    commit: Commit,
}

/// In both listings this is the commit; only `/git/refs` has the id of the tag object here.
#[derive(Deserialize)]
struct Commit {
    sha: String,
}

pub(super) async fn list(
    api: &Api<'_>,
    project_id: &str,
    known: &HashMap<String, RefPage>,
) -> Result<RefListing> {
    let mut listing = RefListing::default();
    for (kind, prefix) in [("tags", "refs/tags/"), ("branches", "refs/heads/")] {
        let first = api.url(&format!(
            "/repositories/{project_id}/{kind}?per_page={PER_PAGE}"
        ));
        let pages = list_kind(api, first, prefix, known).await?;
        listing.pages.extend(pages);
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

async fn list_kind(
    api: &Api<'_>,
    first: String,
    prefix: &str,
    known: &HashMap<String, RefPage>,
) -> Result<Vec<RefPage>> {
    let mut pages: Vec<RefPage> = Vec::new();
    let mut next = Some(first);
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
        let full = page_size(known.values().chain(&pages));
        let Some(page) = fetch_page(api, &url, prefix, known.get(&url), full).await? else {
            break;
        };
        // Some servers name a next page after the last one.
        next = page.next.clone().filter(|_| !page.refs.is_empty());
        pages.push(page);
    }
    Ok(pages)
}

/// How many refs a full page has: as many as any page that was followed by another, for a server may
/// give fewer than it is asked for.
fn page_size<'a>(pages: impl Iterator<Item = &'a RefPage>) -> usize {
    pages
        .filter(|page| page.next.is_some())
        .map(|page| page.refs.len())
        .fold(PER_PAGE, usize::min)
}

/// One page; none when the repository is empty.
async fn fetch_page(
    api: &Api<'_>,
    url: &str,
    prefix: &str,
    known: Option<&RefPage>,
    full: usize,
) -> Result<Option<RefPage>> {
    if let Some(known) = known
        && let Some(etag) = &known.etag
    {
        match api.get_url(url, Want::Json, Some(etag)).await? {
            Asked::Refused(refusal) if refusal.status == 409 => return Ok(None),
            Asked::Refused(refusal) => return Err(explain(api, refusal)),
            Asked::Answered(response) if response.status == 304 => {
                let named = response.header("link").map(next_link);
                let next = match named {
                    Some(next) => next.map(str::to_owned),
                    None => known.next.clone(),
                };
                // The entity tag is the body's. When the last page is full, a further page changes
                // nothing in it but the `Link` header, which a 304 may leave out: ask again without.
                if next.is_some() || named.is_some() || known.refs.len() < full {
                    return Ok(Some(RefPage {
                        next,
                        ..known.clone()
                    }));
                }
            }
            Asked::Answered(response) => {
                return read_page(api, url, prefix, response).await.map(Some);
            }
        }
    }
    match api.get_url(url, Want::Json, None).await? {
        Asked::Refused(refusal) if refusal.status == 409 => Ok(None),
        Asked::Refused(refusal) => Err(explain(api, refusal)),
        Asked::Answered(response) => read_page(api, url, prefix, response).await.map(Some),
    }
}

fn explain(api: &Api<'_>, refusal: Refusal) -> Error {
    if refusal.status != 404 {
        return refusal.error;
    }
    Error::not_found(format!(
        "The project is gone from `{}`, or the token may not see it any more",
        api.host()
    ))
}

async fn read_page(
    api: &Api<'_>,
    url: &str,
    prefix: &str,
    response: InResponse,
) -> Result<RefPage> {
    let etag = response.header("etag").map(str::to_owned);
    let next = response
        .header("link")
        .and_then(next_link)
        .map(str::to_owned);
    let items: Vec<NamedCommit> = api.json(response).await?;
    let refs = items
        .into_iter()
        .map(|item| {
            if item.name.is_empty() || !is_commit(&item.commit.sha) {
                return Err(api.unreadable());
            }
            Ok(FoundRef {
                name: format!("{prefix}{}", item.name),
                commit: item.commit.sha,
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
