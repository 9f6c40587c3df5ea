//! `packages.json`.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::domain::name::{NameGlob, PackageName};
use crate::domain::root_document::{
    Composer1Files, Names, ROOT_DOCUMENT_FORM, RootDocument, age_of_view, build_root,
};
use crate::domain::settings::Composer1;
use crate::domain::time::http_date;
use crate::domain::tree::NAMED_PACKAGES;
use crate::error::Result;
use crate::http::composer::visible::retain_visible;
use crate::http::composer::{Visit, not_modified};
use crate::http::reply::{Body, CachePolicy, Reply};
use crate::http::request::Request;
use crate::store::composer_1::{Offer, find_offer};
use crate::store::snapshot::Snapshot;

/// What a client of Composer 1 is told where it is offered nothing.
const NOT_FOR_COMPOSER_1: &str =
    "This repository speaks the protocol of Composer 2; please update Composer";
/// What it is told after the setting was changed, until its files are there.
const NOT_YET_FOR_COMPOSER_1: &str = "What this repository has for Composer 1 is still being written; run the command again in some minutes";

/// Shows the root document: where metadata is, and which names there are for this caller.
pub async fn show_root(visit: &Visit<'_>, request: &Request) -> Result<Reply> {
    let settings = visit.repository.settings()?;
    let notice = visit.notice();
    let is_composer_1 = is_composer_1(request);
    let reads_composer_1 = is_composer_1 || settings.composer_1 == Composer1::Full;
    let validator = validator(visit, reads_composer_1);
    // A 304 prints nothing, so whoever is to read something gets a 200 each time.
    if notice.is_none()
        && let Some(reply) = not_modified(request, &validator)
    {
        return Ok(reply);
    }
    let composer_1 = if reads_composer_1 && settings.composer_1.is_built() {
        match find_offer(visit.app, &visit.head).await? {
            Offer::Unfinished => None,
            _ if visit.view().is_some() || visit.bar().is_some() => Some(Composer1Files::ByName),
            Offer::Empty => Some(Composer1Files::Listed(None)),
            Offer::Listed(includes) => Some(Composer1Files::Listed(Some(includes))),
        }
    } else {
        None
    };
    let names = if composer_1.is_some() && settings.composer_1 == Composer1::Auto {
        None
    } else {
        Some(names(visit).await?)
    };
    let refusal = match &composer_1 {
        Some(_) => None,
        None if reads_composer_1 && settings.composer_1.is_built() => Some(NOT_YET_FOR_COMPOSER_1),
        None => Some(NOT_FOR_COMPOSER_1),
    };
    let root = build_root(RootDocument {
        address: &visit.address(),
        settings: &settings,
        mirror: visit.mirror(),
        names,
        composer_1,
        refusal,
        is_composer_1,
        notice: notice.as_deref(),
    });
    let reply = Reply::new(200, CachePolicy::Revalidate, Body::Bytes(root))
        .with("content-type", "application/json");
    Ok(match notice {
        None => reply.with("last-modified", validator),
        Some(_) => reply,
    })
}

/// It moves by a second or more whenever the names change, and with each change of the settings or of the address that documents carry, and
/// each form of the document. A release of a package that is there already changes nothing here; it does change the listings of Composer 1,
/// so that those move with each revision. Neither a second nor a number of changes ever goes back, so no sum comes twice.
fn validator(visit: &Visit<'_>, reads_composer_1: bool) -> String {
    // A release may be the first version that a limited caller sees of its package.
    let contents_changed_at = if reads_composer_1 || visit.is_limited_by_versions() {
        visit.head.time
    } else {
        visit.head.names_changed_at
    };
    let changed_at = contents_changed_at
        .saturating_add(ROOT_DOCUMENT_FORM)
        .saturating_add(visit.repository.settings_changes)
        .saturating_add(visit.repository.address_changes);
    http_date(changed_at.saturating_sub(age_of_view(reads_composer_1, visit.view())))
}

/// As it says itself; every 1.x does so in these words (Composer `StreamContextFactory`).
fn is_composer_1(request: &Request) -> bool {
    request
        .header("user-agent")
        .is_some_and(|agent| agent.starts_with("Composer/1."))
}

/// The names that this caller may know: all of them where they are few, otherwise what covers them.
async fn names(visit: &Visit<'_>) -> Result<Names> {
    let snapshot = Snapshot::open(visit.app, &visit.head);
    let has_many = snapshot.package_count().await? >= NAMED_PACKAGES;
    if visit.bar().is_some() {
        return Ok(Names::Listed(Vec::new()));
    }
    let limits = visit
        .principal
        .as_ref()
        .and_then(|principal| principal.name_limits(visit.repository.place()));
    let Some(globs) = limits else {
        return Ok(if has_many {
            Names::Patterns(vec!["*/*".to_owned()])
        } else {
            Names::Listed(snapshot.names().await?)
        });
    };
    // Looked up once for a revision and all who see the same.
    let key = format!(
        "{}@{}:{}",
        visit.repository.id,
        visit.head.revision,
        visit.view().unwrap_or_default()
    );
    let memo = &visit.app.memo.visible_names;
    let listed = |names: &[PackageName]| names.iter().map(ToString::to_string).collect();
    if let Some(known) = memo.recall(&key, visit.app.now(), i64::MAX) {
        return Ok(Names::Listed(listed(&known)));
    }
    let covered = if has_many && let Some(asked) = whole_names(&globs) {
        // A few buckets at most, where the list may be a megabyte.
        Some(snapshot.find_names(asked).await?)
    } else {
        covered_names(visit, &snapshot, &globs).await?
    };
    Ok(match covered {
        Some(covered) if covered.len() < NAMED_PACKAGES => {
            let seen: Rc<[PackageName]> = retain_visible(visit, covered).await?.into();
            memo.remember(&key, seen.clone(), visit.app.now());
            Names::Listed(listed(&seen))
        }
        _ => Names::Patterns(globs.iter().map(|glob| glob.as_str().to_owned()).collect()),
    })
}

/// The names that are covered by patterns, as many as tell whether they are few; none where there is no list of names. Looked
/// for once for a list of names and all who see the same: the list may be a megabyte.
async fn covered_names(
    visit: &Visit<'_>,
    snapshot: &Snapshot<'_>,
    globs: &[NameGlob],
) -> Result<Option<Vec<PackageName>>> {
    let key = format!(
        "{}@{}:{}:covered",
        visit.repository.id,
        visit.head.names_changed_at,
        visit.view().unwrap_or_default()
    );
    let memo = &visit.app.memo.visible_names;
    if let Some(known) = memo.recall(&key, visit.app.now(), i64::MAX) {
        return Ok(Some(known.to_vec()));
    }
    let Some(names) = snapshot.listed_names().await? else {
        return Ok(None);
    };
    let covered: Vec<_> = names
        .into_iter()
        .filter_map(|name| covered(&name, globs))
        .take(NAMED_PACKAGES)
        .collect();
    memo.remember(&key, covered.as_slice().into(), visit.app.now());
    Ok(Some(covered))
}

/// The limits as names, when each of them is one and they are few enough to be listed.
fn whole_names(globs: &[NameGlob]) -> Option<BTreeSet<PackageName>> {
    if globs.len() >= NAMED_PACKAGES {
        return None;
    }
    globs
        .iter()
        .map(|glob| PackageName::parse(glob.as_str()).ok())
        .collect()
}

fn covered(name: &str, globs: &[NameGlob]) -> Option<PackageName> {
    let name = PackageName::parse(name).ok()?;
    globs.iter().any(|glob| glob.matches(&name)).then_some(name)
}
