//! What changed since, for mirrors: the difference of two trees, in the form of packagist.org.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::domain::access::{Action, Sight};
use crate::domain::name::PackageName;
use crate::domain::tree::Changed;
use crate::error::Result;
use crate::http::composer::Visit;
use crate::http::composer::visible::retain_visible;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::store::revisions::{Moment, find_revision};
use crate::store::snapshot::Snapshot;

/// packagist.org counts in ten thousandths of a second.
const TICKS: i64 = 10_000;
/// Above this many it is cheaper to read everything anew; packagist.org says so at the same number.
const MOST_ACTIONS: usize = 100_000;

/// Shows which documents changed after `?since=`, as far as the caller may see them.
pub async fn show_changes(visit: &Visit<'_>, request: &Request) -> Result<Reply> {
    let head = &visit.head;
    let timestamp = head.time.saturating_mul(TICKS);
    let since = request
        .query_parameter("since")
        .and_then(|text| text.parse::<i64>().ok())
        .filter(|since| *since >= 0);
    let Some(since) = since else {
        let error = "`since` is missing or no number: keep the `timestamp` of this answer when you begin, \
                     and ask with it as `?since=` for what changed after";
        let answer = json!({ "error": error, "timestamp": timestamp });
        return Ok(Reply::json(400, &answer));
    };
    let since = since.div_euclid(TICKS);
    let answer = |actions: Vec<Value>| {
        let answer = json!({ "actions": actions, "timestamp": timestamp });
        Ok(Reply::json(200, &answer))
    };
    let resync = || {
        answer(vec![
            json!({"type": "resync", "package": "*", "time": head.time}),
        ])
    };
    if since >= head.time {
        return answer(Vec::new());
    }
    let granted = visit
        .principal
        .as_ref()
        .map_or(0, |principal| principal.grant_changed_at);
    // What this caller could see then is not known: times are whole seconds, so within the same one it may be either.
    if granted >= since {
        return resync();
    }
    let Some(before) = find_revision(visit.app, visit.repository.id, &Moment::Time(since)).await?
    else {
        return resync();
    };
    let mut changes = Snapshot::open(visit.app, head)
        .changes_since(&Snapshot::open(visit.app, &before))
        .await?;
    let names: BTreeSet<PackageName> = changes
        .iter()
        .filter_map(|change| PackageName::parse(&change.package).ok())
        .collect();
    let is_limited =
        |name: &PackageName| matches!(visit.sight(Action::ReadMetadata, name), Sight::Limited(_));
    // What is gone has no versions to look at any more: whether this caller could see it is not known.
    if changes.iter().any(|change| {
        change.changed_at.is_none()
            && PackageName::parse(&change.package).is_ok_and(|name| is_limited(&name))
    }) {
        return resync();
    }
    let (limited, whole): (Vec<_>, Vec<_>) = names.into_iter().partition(is_limited);
    let mut seen: BTreeSet<PackageName> =
        retain_visible(visit, limited).await?.into_iter().collect();
    seen.extend(
        whole
            .into_iter()
            .filter(|name| visit.sight(Action::ReadMetadata, name).is_something()),
    );
    changes.retain(|change| {
        PackageName::parse(&change.package).is_ok_and(|name| seen.contains(&name))
    });
    if changes.len() > MOST_ACTIONS {
        return resync();
    }
    answer(
        changes
            .into_iter()
            .map(|change| show_change(&change, head.time))
            .collect(),
    )
}

fn show_change(change: &Changed, now: i64) -> Value {
    let suffix = if change.is_dev { "~dev" } else { "" };
    json!({
        "type": if change.changed_at.is_some() { "update" } else { "delete" },
        "package": format!("{}{suffix}", change.package),
        "time": change.changed_at.unwrap_or(now),
    })
}
