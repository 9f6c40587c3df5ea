//! Who provides or replaces a package, for names that stand for what others implement.

use serde_json::{Map, Value, json};

use crate::domain::name::PackageName;
use crate::error::Result;
use crate::http::composer::Visit;
use crate::http::composer::visible::{is_partly_seen, retain_visible, visible_entries};
use crate::http::problem::not_found;
use crate::http::reply::Reply;
use crate::store::search::{Provider, list_providers};
use crate::store::snapshot::Snapshot;

/// Shows the providers that the caller may see; none is answered like a name that nobody ever heard of.
pub async fn show_providers(visit: &Visit<'_>, name: &PackageName) -> Result<Reply> {
    let mut providers = list_providers(visit.app, visit.repository.id, name).await?;
    let names = providers
        .iter()
        .map(|provider| provider.name.clone())
        .collect();
    // First what is seen, by calls that tell nothing; where that is, is no secret then.
    let names = retain_visible(visit, names).await?;
    let known = Snapshot::open(visit.app, &visit.head)
        .find_names(names.into_iter().collect())
        .await?;
    // Both are sorted by name.
    providers.retain(|provider| known.binary_search(&provider.name).is_ok());
    let mut shown = Vec::with_capacity(providers.len());
    for provider in providers {
        if !is_partly_seen(visit, &provider.name) {
            shown.push(provider);
            continue;
        }
        // By the versions that the caller sees, not by those that it does not.
        let entries = visible_entries(visit, &provider.name).await?;
        if entries.iter().any(|entry| is_provided(entry, name)) {
            shown.push(Provider {
                description: text(entries.first(), "description"),
                kind: text(entries.first(), "type"),
                name: provider.name,
            });
        }
    }
    if shown.is_empty() {
        return Ok(not_found());
    }
    Ok(Reply::json(200, &json!({ "providers": shown })))
}

/// Whether a version provides or replaces a name, in whichever case it writes it.
fn is_provided(entry: &Map<String, Value>, name: &PackageName) -> bool {
    ["provide", "replace"]
        .iter()
        .filter_map(|key| entry.get(*key)?.as_object())
        .flat_map(Map::keys)
        .any(|known| known.eq_ignore_ascii_case(name.as_str()))
}

fn text(entry: Option<&Map<String, Value>>, key: &str) -> String {
    let value = entry.and_then(|entry| entry.get(key)?.as_str());
    value.unwrap_or_default().to_owned()
}
