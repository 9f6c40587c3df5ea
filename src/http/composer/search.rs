//! The names of a repository, and what is found in it, as far as the caller may see them.

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::domain::access::{Action, Sight};
use crate::domain::name::{NameGlob, PackageName};
use crate::domain::search::{full_text_query, is_web_address};
use crate::error::{Error, Result};
use crate::http::composer::visible::{is_partly_seen, retain_visible, visible_entries};
use crate::http::composer::{Visit, not_modified};
use crate::http::reply::{Body, CachePolicy, Reply};
use crate::http::request::Request;
use crate::store::search::{Found, Search, describe_packages, find_names, search_packages};
use crate::store::snapshot::Snapshot;

/// What packagist.org gives, and the most it gives.
const PER_PAGE: i64 = 15;
const MOST_PER_PAGE: i64 = 100;
/// Nobody turns more pages than this; the offset stays a small number.
const LAST_PAGE: i64 = 100_000;

/// Finds packages by the words of `?q=`, the best first, of any type or of `?type=`, a page at a time.
pub async fn search(visit: &Visit<'_>, request: &Request) -> Result<Reply> {
    let words = request.query_parameter("q").unwrap_or_default();
    let kind = request
        .query_parameter("type")
        .filter(|kind| !kind.is_empty())
        .map(|kind| kind.to_lowercase());
    let page = read_number(request, "page", 1, LAST_PAGE)?;
    let per_page = read_number(request, "per_page", PER_PAGE, MOST_PER_PAGE)?;
    let query = full_text_query(&words);
    let offset = page.saturating_sub(1).saturating_mul(per_page);
    let (found, total) = if query.is_none() && !words.trim().is_empty() {
        // Signs alone are in no name and in no description.
        (Vec::new(), 0)
    } else if query.is_none() && kind.is_none() {
        if visit.view().is_none() && visit.bar().is_none() {
            describe_any_page(visit, offset, per_page).await?
        } else {
            let names = listed_names(visit).await?;
            describe_page(visit, &names, offset, per_page).await?
        }
    } else if let Some(query) = &query
        && sees_whole_packages(visit)
    {
        let names = find_names(visit.app, visit.repository.id, query, kind.as_deref()).await?;
        let names: Vec<_> = names
            .iter()
            .filter_map(|name| PackageName::parse(name).ok())
            .filter(|name| visit.sight(Action::ReadMetadata, name) == Sight::Everything)
            .collect();
        describe_page(visit, &names, offset, per_page).await?
    } else {
        let names = visible_names(visit).await?;
        let search = Search {
            repository: visit.repository.id,
            query: query.as_deref(),
            kind: kind.as_deref(),
            names: names.as_ref().map(|names| names.all.as_str()),
            by_name_alone: names.as_ref().map_or("[]", |names| &names.partly),
            limit: per_page,
            offset,
        };
        search_packages(visit.app, &search).await?
    };
    let mut results = Vec::with_capacity(found.len());
    for found in found {
        let found = as_seen(visit, found).await?;
        results.push(show_found(visit, found));
    }
    let mut answer = json!({ "results": results, "total": total });
    if page.saturating_mul(per_page) < total
        && page < LAST_PAGE
        && let Some(fields) = answer.as_object_mut()
    {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let next = format!(
            "{}/search.json?q={}&type={}&page={}&per_page={per_page}",
            visit.address(),
            encode(&words),
            encode(kind.as_deref().unwrap_or_default()),
            page.saturating_add(1),
        );
        fields.insert("next".to_owned(), next.into());
    }
    Ok(Reply::json(200, &answer))
}

/// Whether the caller is limited, and by names alone: whatever of a package it may see now is all of it. Then what is found
/// is looked through, which costs by what is found; else what may be seen is searched.
fn sees_whole_packages(visit: &Visit<'_>) -> bool {
    let is_frozen = visit
        .principal
        .as_ref()
        .is_some_and(|principal| principal.frozen_at.is_some());
    visit.view().is_some()
        && visit.head.revision == visit.repository.head.revision
        && visit.bar().is_none()
        && !is_frozen
        && !visit.is_limited_by_versions()
}

/// All names that the caller may see, sorted.
async fn listed_names(visit: &Visit<'_>) -> Result<Vec<PackageName>> {
    let names = Snapshot::open(visit.app, &visit.head).names().await?;
    let names = names
        .iter()
        .filter_map(|name| PackageName::parse(name).ok())
        .collect();
    retain_visible(visit, names).await
}

/// A page of these names, as the index describes them, and how many names there are.
async fn describe_page(
    visit: &Visit<'_>,
    names: &[PackageName],
    offset: i64,
    limit: i64,
) -> Result<(Vec<Found>, i64)> {
    let place = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
    let page: Vec<_> = names
        .iter()
        .skip(place(offset))
        .take(place(limit))
        .collect();
    let found = describe_packages(visit.app, visit.repository.organisation_id, &page).await?;
    Ok((found, i64::try_from(names.len()).unwrap_or(i64::MAX)))
}

/// The same of all names there are, for whoever sees all of the repository: costs by the page, and by what is before it.
async fn describe_any_page(
    visit: &Visit<'_>,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Found>, i64)> {
    let place = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
    let snapshot = Snapshot::open(visit.app, &visit.head);
    let total = snapshot.package_count().await?;
    let names = snapshot.page_of_names(place(offset), place(limit)).await?;
    let page: Vec<_> = names.iter().collect();
    let found = describe_packages(visit.app, visit.repository.organisation_id, &page).await?;
    Ok((found, i64::try_from(total).unwrap_or(i64::MAX)))
}

/// The names to search among, as JSON lists.
struct VisibleNames {
    all: String,
    /// Of these the index knows more than the caller may.
    partly: String,
}

/// The names to search among; none for whoever sees all that the repository has now.
async fn visible_names(visit: &Visit<'_>) -> Result<Option<VisibleNames>> {
    let is_past = visit.head.revision != visit.repository.head.revision;
    if !is_past && visit.view().is_none() && visit.bar().is_none() {
        return Ok(None);
    }
    let names = listed_names(visit).await?;
    let partly: Vec<_> = names
        .iter()
        .filter(|name| is_partly_seen(visit, name))
        .collect();
    Ok(Some(VisibleNames {
        all: serde_json::to_string(&names).map_err(Error::internal)?,
        partly: serde_json::to_string(&partly).map_err(Error::internal)?,
    }))
}

/// What was found, described by what the caller sees of it.
async fn as_seen(visit: &Visit<'_>, found: Found) -> Result<Found> {
    let name = PackageName::parse(&found.name).ok();
    let Some(name) = name.filter(|name| is_partly_seen(visit, name)) else {
        return Ok(found);
    };
    let entries = visible_entries(visit, &name).await?;
    let newest = entries.first();
    let text = |key| newest.and_then(|entry| entry.get(key)?.as_str().map(str::to_owned));
    Ok(Found {
        name: found.name,
        description: text("description").unwrap_or_default(),
        homepage: text("homepage").filter(|url| is_web_address(url)),
        replacement: match newest.and_then(|entry| entry.get("abandoned")) {
            Some(Value::Bool(true)) => Some(String::new()),
            Some(Value::String(replacement)) => Some(replacement.clone()),
            _ => None,
        },
    })
}

fn show_found(visit: &Visit<'_>, found: Found) -> Value {
    let url = found
        .homepage
        .unwrap_or_else(|| format!("{}/p2/{}.json", visit.address(), found.name));
    let mut shown = json!({ "name": found.name, "description": found.description, "url": url });
    if let (Some(replacement), Some(fields)) = (found.replacement, shown.as_object_mut()) {
        // Composer marks whatever has this key, so it is there for those alone that are abandoned.
        let value = if replacement.is_empty() {
            true.into()
        } else {
            replacement.into()
        };
        fields.insert("abandoned".to_owned(), value);
    }
    shown
}

fn read_number(request: &Request, name: &str, default: i64, most: i64) -> Result<i64> {
    let Some(text) = request.query_parameter(name) else {
        return Ok(default);
    };
    text.parse()
        .ok()
        .filter(|number| (1..=most).contains(number))
        .ok_or_else(|| Error::invalid(format!("`{name}` must be a number from 1 to {most}")))
}

/// Lists the names that the caller may see, limited by `?filter=` (a pattern with `*` over the whole name) and by
/// `?vendor=`.
pub async fn list_names(visit: &Visit<'_>, request: &Request) -> Result<Reply> {
    let validator = visit.validator(visit.head.time);
    if let Some(reply) = not_modified(request, &validator) {
        return Ok(reply);
    }
    let given = |name| {
        let value = request.query_parameter(name);
        value.filter(|value| !value.is_empty())
    };
    // What is no pattern over names fits none.
    let filter = given("filter").map(|text| NameGlob::parse(&text).ok());
    let vendor = given("vendor").map(|text| text.to_ascii_lowercase());
    let snapshot = Snapshot::open(visit.app, &visit.head);
    if let Some(Some(glob)) = &filter
        && let Ok(name) = PackageName::parse(glob.as_str())
        && let Sight::Limited(limits) = visit.sight(Action::ReadMetadata, &name)
        && vendor.as_ref().is_none_or(|vendor| name.vendor() == vendor)
        && let Some(seen) = snapshot
            .retain_seen(&BTreeMap::from([(name, limits)]))
            .await?
    {
        // One name, of which the outline tells whether there is such a package or not.
        return Ok(show_names(&validator, &Vec::from_iter(seen)));
    }
    let names: Vec<PackageName> = snapshot
        .names()
        .await?
        .into_iter()
        .filter_map(|name| PackageName::parse(&name).ok())
        .filter(|name| vendor.as_ref().is_none_or(|vendor| name.vendor() == vendor))
        .filter(|name| match &filter {
            None => true,
            Some(glob) => glob.as_ref().is_some_and(|glob| glob.matches(name)),
        })
        .collect();
    let names = retain_visible(visit, names).await?;
    Ok(show_names(&validator, &names))
}

fn show_names(validator: &str, names: &[PackageName]) -> Reply {
    let list = serde_json::to_vec(&json!({ "packageNames": names })).unwrap_or_default();
    Reply::new(200, CachePolicy::Revalidate, Body::Bytes(list))
        .with("content-type", "application/json")
        .with("last-modified", validator)
}
