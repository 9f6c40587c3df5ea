//! A package as those see it who manage packages, or look at everything.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::app::App;
use crate::domain::name::PackageName;
use crate::domain::version::compare_normalized;
use crate::error::{Error, Result};
use crate::http::api::package_settings::show_abandoned;
use crate::http::api::packages::Deprecated;
use crate::http::web::page::Moment;
use crate::http::web::place::packages::abandoned_words;
use crate::http::web::place::packages::entry::{
    Fact, ShownVersion, autoload_of, facts_of, links_of, moment_of, size_words, source_fact, text,
    web_address,
};
use crate::http::web::place::packages::show::{From, Shown, ShownRef, VERSIONS};
use crate::http::web::visit::Place;
use crate::store::package_page::{
    MOST_REFS, PageProject, PageVersion, find_with_numbers, load_details,
};
use crate::store::packages::Package;

/// What is shown of it, with the versions from the one at `start` on, the newest first; none where there is no such package.
pub(super) async fn read_whole(
    app: &App,
    place: &Place,
    name: &PackageName,
    start: usize,
) -> Result<Option<Shown>> {
    let Some(found) = find_with_numbers(app, place.organisation.id, name).await? else {
        return Ok(None);
    };
    let (package, mut numbers) = (found.package, found.numbers);
    numbers.sort_by(|one, other| compare_normalized(other, one));
    let on_page: Vec<_> = numbers
        .iter()
        .skip(start)
        .take(VERSIONS)
        .map(String::as_str)
        .collect();
    let details = load_details(app, &package, &on_page).await?;
    let mut versions: BTreeMap<_, _> = details
        .versions
        .into_iter()
        .map(|version| (version.normalized.clone(), version))
        .collect();
    let project = details.project.as_ref();
    let policy = package.policy()?;
    let is_archived = project.is_some_and(|project| project.is_archived != 0);
    let abandoned = show_abandoned(
        policy.abandoned.clone(),
        package.renamed_to.as_deref(),
        is_archived,
    );
    let from = details
        .repositories
        .iter()
        .filter(|one| details.memberships.iter().any(|member| member.id == one.id))
        .map(|repository| From::of(app, Some(name), repository))
        .collect();
    let shown = on_page
        .iter()
        .filter_map(|number| versions.remove(*number))
        .map(|version| show_version(&version, project))
        .collect::<Result<_>>()?;
    let is_connected = project.is_some_and(|project| project.provider.is_some());
    Ok(Some(Shown {
        abandoned: abandoned_words(&abandoned),
        notices: notices_of(&package, project),
        from,
        facts: facts_of_package(&package, project),
        total: numbers.len(),
        versions: shown,
        has_more_refs: details.refs.len() > MOST_REFS,
        refs: details
            .refs
            .into_iter()
            .take(MOST_REFS)
            .map(ShownRef::of)
            .collect(),
        compared: project
            .and_then(|project| project.last_reconciled_at)
            .map(Moment::of),
        is_synced: is_connected && package.renamed_to.is_none(),
        description: package.description,
    }))
}

fn notices_of(package: &Package, project: Option<&PageProject>) -> Vec<String> {
    let mut notices = Vec::new();
    if let Some(name) = &package.renamed_to {
        notices.push(format!(
            "Its composer.json names it {name} now. That package is synced; this one stays as it was"
        ));
    }
    notices.extend(package.notice.clone());
    if let Some(project) = project {
        if project.provider.is_none() {
            notices.push(format!(
                "The connection through which it was synced was deleted, and the package stays as it is. Add its project {} \
                 through another connection to have it synced again",
                project.full_name
            ));
        }
        let withheld = project.withheld_reason.as_ref();
        notices.extend(withheld.map(|why| format!("The git host withholds its project: {why}")));
    }
    notices
}

fn facts_of_package(package: &Package, project: Option<&PageProject>) -> Vec<Fact> {
    let mut facts = Vec::new();
    match project {
        None => facts.push(Fact::new("Comes from", "uploads or a definition")),
        Some(project) => {
            let provider = project.provider.as_deref().unwrap_or("git");
            facts.push(Fact {
                href: web_address(&project.web_url),
                ..Fact::new("Comes from", format!("{provider} {}", project.full_name))
            });
        }
    }
    let folder = package.folder.as_deref();
    facts.extend(folder.map(|folder| Fact::new("Folder", folder)));
    let before = package.renamed_from.as_deref();
    facts.extend(before.map(|name| Fact::new("Renamed from", name)));
    facts
}

fn show_version(version: &PageVersion, project: Option<&PageProject>) -> Result<ShownVersion> {
    let entry: Map<String, Value> =
        serde_json::from_str(&version.manifest).map_err(Error::internal)?;
    let mut facts = facts_of(&entry);
    facts.push(Fact::new(
        "Published",
        Moment::of(version.published_at).text,
    ));
    facts.extend(
        version
            .released_by
            .as_deref()
            .map(|who| Fact::new("Released by", who)),
    );
    let own = |label, text: Option<&String>| text.map(|text| Fact::new(label, text));
    facts.extend(own("Git ref", version.git_ref.as_ref()));
    facts.extend(own("Reference", version.reference.as_ref()));
    facts.extend(source_of(version, &entry, project));
    if let (Some(format), Some(size)) = (version.format, version.size) {
        let archive = format!("{}, {}", format.ending(), size_words(size));
        facts.push(Fact::new("Archive", archive));
    } else {
        let dist = entry.get("dist").and_then(Value::as_object);
        let elsewhere = dist.and_then(|dist| text(dist, "url"));
        facts.extend(elsewhere.map(|url| Fact {
            href: web_address(url),
            ..Fact::new("Archive", url)
        }));
    }
    facts.extend(own("SHA-1", version.sha1.as_ref()));
    facts.extend(own("SHA-256", version.sha256.as_ref()));
    facts.push(Fact::new("Installs", version.downloads.to_string()));
    if let Some(yanked_at) = version.yanked_at {
        facts.push(Fact::new("Yanked", Moment::of(yanked_at).text));
    }
    let deprecated = version.deprecated.as_deref();
    let deprecated = deprecated.and_then(|text| serde_json::from_str::<Deprecated>(text).ok());
    Ok(ShownVersion {
        version: version.pretty.clone(),
        released: moment_of(&version.time),
        is_yanked: version.yanked_at.is_some(),
        warning: deprecated.map(Deprecated::in_words),
        facts,
        links: links_of(&entry),
        autoload: autoload_of(&entry),
    })
}

/// Of what comes from git it is the project; of an upload what its uploader named, and of a definition what stands there.
fn source_of(
    version: &PageVersion,
    entry: &Map<String, Value>,
    project: Option<&PageProject>,
) -> Option<Fact> {
    if let (Some(_), Some(project)) = (&version.git_ref, project) {
        return Some(Fact {
            href: web_address(&project.clone_url),
            ..Fact::new("Source", format!("git {}", project.clone_url))
        });
    }
    if let Some(source) = &version.source {
        let source: Value = serde_json::from_str(source).ok()?;
        return source_fact(source.as_object()?);
    }
    source_fact(entry.get("source")?.as_object()?)
}
