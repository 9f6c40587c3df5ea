//! A package as those see it who do not manage packages: what Composer is told, and nothing more.

use serde_json::{Map, Value};

use crate::app::App;
use crate::domain::name::PackageName;
use crate::error::Result;
use crate::http::api::browse::Seen;
use crate::http::composer::visits_of;
use crate::http::web::place::packages::abandoned_words;
use crate::http::web::place::packages::entry::{
    Fact, ShownVersion, autoload_of, facts_of, links_of, moment_of, source_fact, text, web_address,
};
use crate::http::web::place::packages::show::{From, Shown, VERSIONS};
use crate::http::web::visit::Place;

/// What is shown of it, with the versions from the one at `start` on; none where nothing of it is seen.
pub(super) async fn read_seen(
    app: &App,
    place: &Place,
    name: &PackageName,
    start: usize,
) -> Result<Option<Shown>> {
    let visits = visits_of(app, place.organisation.id, &place.principal).await?;
    let seen = Seen::of(&visits, name).await?;
    if seen.entries.is_empty() {
        return Ok(None);
    }
    let from = visits
        .iter()
        .map(|visit| &visit.repository)
        .filter(|repository| seen.repositories.contains(&repository.slug))
        .map(|repository| From::of(app, Some(name), repository))
        .collect();
    let mut facts = Vec::new();
    if let Some(kind) = seen.text("type") {
        facts.push(Fact::new("Type", kind));
    }
    if let Some(homepage) = seen.text("homepage") {
        facts.push(Fact {
            href: web_address(&homepage),
            ..Fact::new("Homepage", homepage.clone())
        });
    }
    Ok(Some(Shown {
        description: seen.text("description"),
        abandoned: abandoned_words(&seen.abandoned()),
        notices: Vec::new(),
        from,
        facts,
        total: seen.entries.len(),
        versions: seen
            .entries
            .iter()
            .skip(start)
            .take(VERSIONS)
            .map(show_entry)
            .collect(),
        refs: Vec::new(),
        has_more_refs: false,
        compared: None,
        is_synced: false,
    }))
}

fn show_entry(entry: &Map<String, Value>) -> ShownVersion {
    let mut facts = facts_of(entry);
    let published = text(entry, "published-time").and_then(moment_of);
    if let Some(published) = &published {
        facts.push(Fact::new("Published", published.text.clone()));
    }
    if let Some(source) = entry.get("source").and_then(Value::as_object) {
        facts.extend(source_fact(source));
    }
    if let Some(dist) = entry.get("dist").and_then(Value::as_object) {
        let labels = [
            ("type", "Archive"),
            ("reference", "Reference"),
            ("shasum", "SHA-1"),
        ];
        let known = labels
            .into_iter()
            .filter_map(|(key, label)| Some(Fact::new(label, text(dist, key)?)));
        facts.extend(known);
    }
    ShownVersion {
        version: text(entry, "version").unwrap_or_default().to_owned(),
        released: text(entry, "time").and_then(moment_of).or(published),
        is_yanked: false,
        warning: text(entry, "abandoned").map(str::to_owned),
        facts,
        links: links_of(entry),
        autoload: autoload_of(entry),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entry_is_shown_with_what_it_has() {
        let entry = json!({
            "version": "v1.0.0", "time": "2026-11-21T00:00:00+00:00", "license": ["MIT", "BSD-3-Clause"],
            "require": {"php": "^8.2"}, "autoload": {"psr-4": {"Acme\\": "src/"}},
            "dist": {"type": "zip", "reference": "abc", "shasum": ""}
        });
        let shown = show_entry(entry.as_object().unwrap());
        assert_eq!(shown.version, "v1.0.0");
        assert_eq!(shown.released.unwrap().exact, "2026-11-21T00:00:00+00:00");
        assert_eq!(
            shown.links[0].packages,
            [("php".to_owned(), "^8.2".to_owned())]
        );
        assert!(
            shown
                .facts
                .contains(&Fact::new("Licence", "MIT, BSD-3-Clause"))
        );
        assert!(!shown.facts.iter().any(|fact| fact.label == "SHA-1"));
    }
}
