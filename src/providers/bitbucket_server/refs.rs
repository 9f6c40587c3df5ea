//! Tags and branches, and what annotated tags lead to.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::error::{Error, Result};
use crate::providers::fields::owned;
use crate::providers::outgoing::upstream;
use crate::providers::path::is_commit;
use crate::providers::rest::{Asked, Rest, Want};
use crate::providers::{FoundRef, RefListing};

use super::{PER_PAGE, page};

/// With pages of 500 these are 50,000 tags; with the smallest that an instance may be told to give, still 2,500.
const PAGES: usize = 100;

/// How many tags of tags are followed.
const NESTED: usize = 10;

struct Item {
    name: String,
    commit: String,
    /// Of the tag object, where there is one.
    object: Option<String>,
}

fn read_item(value: &Value) -> Option<Item> {
    Some(Item {
        name: owned(value, "/displayId").filter(|name| !name.is_empty())?,
        commit: owned(value, "/latestCommit").filter(|commit| is_commit(commit))?,
        object: owned(value, "/hash"),
    })
}

/// All tags and branches of the repository at this path below the API.
pub(super) async fn list(api: &Rest<'_>, path: &str) -> Result<RefListing> {
    let mut listing = RefListing::default();
    for (kind, prefix) in [("tags", "refs/tags/"), ("branches", "refs/heads/")] {
        let items = read_all(api, &format!("{path}/{kind}")).await?;
        // What an annotated tag leads to is told one step far: a tag of a tag leads to the inner one.
        let inner: HashMap<&str, &str> = items
            .iter()
            .filter_map(|item| Some((item.object.as_deref()?, item.commit.as_str())))
            .filter(|(object, commit)| object != commit)
            .collect();
        // A push between two pages moves refs from one to the next, and the same one comes twice.
        let mut seen = HashSet::new();
        for item in &items {
            let mut commit = item.commit.as_str();
            for _ in 0..NESTED {
                let Some(next) = inner.get(commit) else {
                    break;
                };
                commit = next;
            }
            if seen.insert(item.name.as_str()) {
                listing.refs.push(FoundRef {
                    name: format!("{prefix}{}", item.name),
                    commit: commit.to_owned(),
                });
            }
        }
    }
    Ok(listing)
}

async fn read_all(api: &Rest<'_>, path: &str) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    let mut start = 0;
    for _ in 0..PAGES {
        // In the order of names a new one moves least from one page to the next.
        let url = format!("{path}?orderBy=ALPHABETICAL&limit={PER_PAGE}&start={start}");
        let response = match api.get(&url, Want::Json).await? {
            Asked::Answered(response) => response,
            Asked::Refused(refusal) if refusal.status == 404 => {
                return Err(Error::not_found(format!(
                    "The project is gone from `{}`, or the token may not see it any more",
                    api.host()
                )));
            }
            // An empty repository.
            Asked::Refused(refusal) if refusal.status == 204 => return Ok(items),
            Asked::Refused(refusal) => return Err(refusal.error),
        };
        let page = page::read(api, response, start).await?;
        for value in &page.values {
            items.push(read_item(value).ok_or_else(|| api.unreadable())?);
        }
        match page.next {
            Some(next) => start = next,
            None => return Ok(items),
        }
    }
    Err(upstream(
        false,
        format!("The project has more than {PAGES} pages of refs; that is more than is read"),
    ))
}
