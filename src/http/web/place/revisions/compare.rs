//! What changed in a revision, and between any two: packages and versions that came, changed or went, and who caused it.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use serde_json::{Map, Value};

use crate::app::App;
use crate::domain::name::PackageName;
use crate::error::{Error, Result};
use crate::http::api::browse::normalized;
use crate::http::api::missing;
use crate::http::composer::visible::all_entries;
use crate::http::reply::Reply;
use crate::http::web::page::{Moment, page};
use crate::http::web::place::revisions::{address, shell_below};
use crate::http::web::shell::Shell;
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::with_query;
use crate::store::repositories::{Head, Repository};
use crate::store::revisions::{Revision, find_revisions, list_causes};
use crate::store::snapshot::Snapshot;

/// So many packages are on a page: each has up to four documents that are read.
const PACKAGES: usize = 25;

/// More versions of one package are counted, and not named.
const VERSIONS: usize = 50;

/// A version that differs.
struct ShownVersion {
    number: String,
    /// What is known of it: who released it, or what is another.
    said: Option<String>,
}

/// Versions under one heading.
struct Group {
    label: &'static str,
    class: &'static str,
    versions: Vec<ShownVersion>,
    more: usize,
}

/// A package that differs.
struct ShownPackage {
    name: String,
    /// It as it was in the later one; none where it is gone.
    href: Option<String>,
    /// `new`, `changed` or `gone`.
    state: &'static str,
    class: &'static str,
    groups: Vec<Group>,
}

/// What ended with a revision.
struct Cause {
    text: String,
}

#[derive(Template)]
#[template(path = "place/revisions/compare.html")]
struct ComparePage {
    shell: Shell,
    /// Of a single revision.
    time: Option<Moment>,
    cause: Option<String>,
    jobs: Vec<Cause>,
    before: i64,
    after: i64,
    past: Option<String>,
    packages: Vec<ShownPackage>,
    total: usize,
    first: Option<String>,
    next: Option<String>,
}

/// What changed in one revision.
pub(super) async fn show_one(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    slug: &str,
    number: i64,
) -> Result<Reply> {
    let before = number.saturating_sub(1);
    let found = Found::load(app, place, slug, before, number).await?;
    let base = format!("{}/{number}", address(place, slug));
    let title = format!("Revision {number}");
    found.show(app, visit, place, &title, &base, &[]).await
}

/// What changed between two that the query names.
pub(super) async fn show_any(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    slug: &str,
) -> Result<Reply> {
    let asked = |name: &str| {
        let text = visit.request.query_parameter(name).unwrap_or_default();
        let number = text
            .trim()
            .parse::<i64>()
            .ok()
            .filter(|number| *number >= 0);
        number.ok_or_else(|| {
            Error::bad_value(
                format!("?{name}"),
                "A revision is a number, as the history has it",
            )
        })
    };
    let (from, to) = (asked("from")?, asked("to")?);
    let found = Found::load(app, place, slug, from, to).await?;
    let base = format!("{}/compare", address(place, slug));
    let title = format!("From revision {from} to {to}");
    let query = [("from", from.to_string()), ("to", to.to_string())];
    found.show(app, visit, place, &title, &base, &query).await
}

/// Two revisions. The one before the first is empty.
struct Found {
    repository: Repository,
    before: Head,
    after: Head,
    revision: Option<Revision>,
}

impl Found {
    async fn load(app: &App, place: &Place, slug: &str, before: i64, after: i64) -> Result<Self> {
        let numbers = [before, after];
        let (repository, revisions) = find_revisions(app, &place.organisation.slug, slug, &numbers)
            .await?
            .ok_or_else(|| missing("repository"))?;
        let find = |number: i64| revisions.iter().find(|one| one.number == number);
        let head = |number: i64| match number {
            0 => Ok(Head::default()),
            number => find(number)
                .map(Revision::head)
                .ok_or_else(|| missing("revision")),
        };
        Ok(Self {
            before: head(before)?,
            after: head(after)?,
            revision: (before.saturating_add(1) == after)
                .then(|| find(after).cloned())
                .flatten(),
            repository,
        })
    }

    async fn show(
        self,
        app: &App,
        visit: &mut Visit,
        place: &Place,
        title: &str,
        base: &str,
        query: &[(&str, String)],
    ) -> Result<Reply> {
        let start = visit.request.query_parameter("start").unwrap_or_default();
        let start = start.parse::<usize>().unwrap_or_default();
        let names = self.changed_names(app).await?;
        let mut packages = Vec::new();
        for name in names.iter().skip(start).take(PACKAGES) {
            packages.push(self.compare(app, place, name).await?);
        }
        let (jobs, releasers) = match &self.revision {
            None => (Vec::new(), Vec::new()),
            Some(revision) => {
                let versions: Vec<_> = packages.iter().flat_map(released).collect();
                list_causes(app, place.organisation.id, revision.time, &versions).await?
            }
        };
        let by: BTreeMap<_, _> = releasers
            .into_iter()
            .map(|one| (one.subject_name, one.actor_name))
            .collect();
        for package in &mut packages {
            for group in package
                .groups
                .iter_mut()
                .filter(|group| group.label == ADDED)
            {
                for version in &mut group.versions {
                    let who = by.get(&format!("{} {}", package.name, version.number));
                    version.said = who.map(|who| format!("released by {who}"));
                }
            }
        }
        let to = |start: usize| {
            let text = start.to_string();
            let mut pairs: Vec<(&str, &str)> = query
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            pairs.push(("start", if start == 0 { "" } else { &text }));
            with_query(base, &pairs)
        };
        let after = start.saturating_add(PACKAGES);
        page(&ComparePage {
            shell: shell_below(app, visit, place, &self.repository, title, Vec::new())?,
            time: self.revision.as_ref().map(|one| Moment::of(one.time)),
            cause: self.revision.map(|one| one.cause),
            jobs: jobs
                .into_iter()
                .map(|job| Cause {
                    text: match job.package {
                        Some(package) => format!("{package}: {}", job.cause),
                        None => job.cause,
                    },
                })
                .collect(),
            before: self.before.revision,
            after: self.after.revision,
            past: (self.after.revision > 0).then(|| {
                let history = address(place, &self.repository.slug);
                format!("{history}/{}/packages", self.after.revision)
            }),
            total: names.len(),
            packages,
            first: (start > 0).then(|| to(0)),
            next: (after < names.len()).then(|| to(after)),
        })
    }

    async fn changed_names(&self, app: &App) -> Result<Vec<PackageName>> {
        let (before, after) = (&self.before, &self.after);
        let changes = Snapshot::open(app, after)
            .changes_since(&Snapshot::open(app, before))
            .await?;
        let names: BTreeSet<_> = changes
            .iter()
            .filter_map(|change| PackageName::parse(&change.package).ok())
            .collect();
        Ok(names.into_iter().collect())
    }

    async fn compare(&self, app: &App, place: &Place, name: &PackageName) -> Result<ShownPackage> {
        let before = by_number(all_entries(app, &self.before, name).await?);
        let after = by_number(all_entries(app, &self.after, name).await?);
        let (state, class) = match (before.is_empty(), after.is_empty()) {
            (true, _) => ("new", "good"),
            (_, true) => ("gone", "bad"),
            _ => ("changed", "accent"),
        };
        let history = address(place, &self.repository.slug);
        let number = self.after.revision;
        Ok(ShownPackage {
            href: (!after.is_empty())
                .then(|| format!("{history}/{number}/packages/{}", name.as_str())),
            name: name.as_str().to_owned(),
            state,
            class,
            groups: groups(&before, &after),
        })
    }
}

type Entries = BTreeMap<String, Map<String, Value>>;

const ADDED: &str = "Added";

fn by_number(entries: Vec<Map<String, Value>>) -> Entries {
    entries
        .into_iter()
        .map(|entry| (normalized(&entry).to_owned(), entry))
        .collect()
}

fn groups(before: &Entries, after: &Entries) -> Vec<Group> {
    let mut added = Group::new(ADDED, "good");
    let mut changed = Group::new("Changed", "accent");
    let mut removed = Group::new("Removed", "bad");
    for (number, entry) in after {
        match before.get(number) {
            None => added.push(entry, None),
            Some(old) if old != entry => changed.push(entry, Some(difference(old, entry))),
            Some(_) => {}
        }
    }
    for (number, entry) in before {
        if !after.contains_key(number) {
            removed.push(entry, None);
        }
    }
    let all = [added, changed, removed];
    all.into_iter()
        .filter(|group| !group.versions.is_empty())
        .collect()
}

impl Group {
    fn new(label: &'static str, class: &'static str) -> Self {
        Self {
            label,
            class,
            versions: Vec::new(),
            more: 0,
        }
    }

    fn push(&mut self, entry: &Map<String, Value>, said: Option<String>) {
        if self.versions.len() >= VERSIONS {
            self.more = self.more.saturating_add(1);
            return;
        }
        let number = entry.get("version").and_then(Value::as_str);
        self.versions.push(ShownVersion {
            number: number.unwrap_or_default().to_owned(),
            said,
        });
    }
}

/// The fields that are not the same; of a branch that moved on, where it is now.
fn difference(before: &Map<String, Value>, after: &Map<String, Value>) -> String {
    let reference = |entry: &Map<String, Value>| {
        let text = entry.get("dist")?.get("reference")?.as_str()?;
        Some(text.chars().take(12).collect::<String>())
    };
    if let (Some(old), Some(new)) = (reference(before), reference(after))
        && old != new
    {
        return format!("{old} to {new}");
    }
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let keys: Vec<&str> = keys
        .into_iter()
        .filter(|key| before.get(*key) != after.get(*key))
        .map(String::as_str)
        .collect();
    keys.join(", ")
}

/// The names of the versions that came, as the audit log has them.
fn released(package: &ShownPackage) -> Vec<String> {
    let added = package.groups.iter().filter(|group| group.label == ADDED);
    added
        .flat_map(|group| &group.versions)
        .map(|version| format!("{} {}", package.name, version.number))
        .collect()
}
