//! The names of a repository, as far as the caller may see them.

use serde_json::json;

use crate::domain::name::{NameGlob, PackageName};
use crate::error::Result;
use crate::http::composer::{Visit, not_modified};
use crate::http::reply::{Body, CachePolicy, Reply};
use crate::http::request::Request;
use crate::store::snapshot::Snapshot;

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
    let names: Vec<PackageName> = Snapshot::open(visit.app, &visit.head)
        .names()
        .await?
        .into_iter()
        .filter_map(|name| PackageName::parse(&name).ok())
        .filter(|name| vendor.as_ref().is_none_or(|vendor| name.vendor() == vendor))
        .filter(|name| match &filter {
            None => true,
            Some(glob) => glob.as_ref().is_some_and(|glob| glob.matches(name)),
        })
        .filter(|name| visit.sees(name))
        .collect();
    let list = serde_json::to_vec(&json!({ "packageNames": names })).unwrap_or_default();
    Ok(Reply::new(200, CachePolicy::Revalidate, Body::Bytes(list))
        .with("content-type", "application/json")
        .with("last-modified", validator))
}
