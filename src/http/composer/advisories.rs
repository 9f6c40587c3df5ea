//! Security advisories: which of the asked names are answered for.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::domain::access::{Action, Sight};
use crate::domain::name::PackageName;
use crate::error::{Error, Result};
use crate::http::composer::Visit;
use crate::http::composer::visible::retain_visible;
use crate::http::reply::Reply;
use crate::http::request::{Request, form_pairs};
use crate::store::snapshot::Snapshot;

/// Composer 2.11 asks for 500 names at a time, older ones for all at once: 10,000 names of some 60 bytes, encoded.
const FORM_LIMIT: usize = 1024 * 1024;
const MOST_NAMES: usize = 10_000;

/// Answers with an empty list for each asked name that the caller may see: we know of no advisory, and without an
/// answer the client would ask again. Other names are left out, whether they do not exist or are not to be seen.
pub async fn show_advisories(visit: &Visit<'_>, mut request: Request) -> Result<Reply> {
    let mut asked = BTreeSet::new();
    read_names(&request.query, &mut asked)?;
    if request.method == "POST" {
        let body = request.bytes(FORM_LIMIT).await?;
        read_names(&String::from_utf8_lossy(&body), &mut asked)?;
    }
    let mut whole = BTreeSet::new();
    let mut limited = BTreeMap::new();
    for name in asked {
        match visit.sight(Action::ReadMetadata, &name) {
            Sight::Nothing => {}
            Sight::Everything => {
                whole.insert(name);
            }
            Sight::Limited(limits) => {
                limited.insert(name, limits);
            }
        }
    }
    let snapshot = Snapshot::open(visit.app, &visit.head);
    let mut seen = BTreeSet::new();
    if !whole.is_empty() {
        seen.extend(snapshot.find_names(whole).await?);
    }
    if !limited.is_empty() {
        if let Some(outlined) = snapshot.retain_seen(&limited).await? {
            seen.extend(outlined);
        } else {
            let known = snapshot.find_names(limited.into_keys().collect()).await?;
            seen.extend(retain_visible(visit, known).await?);
        }
    }
    let advisories: Map<String, Value> = seen
        .into_iter()
        .map(|name| (name.into(), json!([])))
        .collect();
    Ok(Reply::json(200, &json!({ "advisories": advisories })))
}

/// `packages[]`, `packages[0]`, `packages[1]`, …; what is no name of a package cannot be here.
fn read_names(form: &str, asked: &mut BTreeSet<PackageName>) -> Result<()> {
    let names = form_pairs(form)
        .filter(|(key, _)| key.starts_with("packages[") && key.ends_with(']'))
        .filter_map(|(_, value)| PackageName::parse(&value).ok());
    for name in names {
        asked.insert(name);
        if asked.len() > MOST_NAMES {
            return Err(Error::invalid(format!(
                "Ask for the advisories of at most {MOST_NAMES} packages at a time"
            )));
        }
    }
    Ok(())
}
