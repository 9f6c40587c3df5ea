//! Packages as people and machines read them who do not manage them: members, customers, tokens that read.
//!
//! The rule is one. Who has `view` or `manage_packages` reads all that is known of a package (`packages.rs`). Anybody else
//! is told here what Composer is told by the same token, out of the same documents at the same revision, and nothing more.
//! So a version that Composer does not get is not here either, and what is for maintainers alone (refs and what became of
//! them, projects, webhooks, settings, what was yanked or deleted) is left out by standing in no document.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::domain::access::{Action, Limits, Sight};
use crate::domain::name::{NameGlob, PackageName};
use crate::domain::policy::Abandoned;
use crate::domain::stability::{Stability, parse_stability};
use crate::domain::tree::NameLines;
use crate::domain::version::compare_normalized;
use crate::error::{Error, Result};
use crate::http::api::packages::{ListFilter, Summary, list_packages, show_package, summary_of};
use crate::http::api::paging::Page;
use crate::http::api::versions::{self, VersionRoute};
use crate::http::api::{Authorised, Reading, missing, open_for_reading};
use crate::http::composer::visible::{MOST_LIMITED, retain_outlined, visible_entries};
use crate::http::composer::{Visit, visits_of};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::store::organisations::Organisation;
use crate::store::packages::list_named_packages;
use crate::store::search::find_names_by_words;
use crate::store::snapshot::Snapshot;
use crate::store::version_facts::{list_past_version_facts, list_version_facts};

/// After the first page's worth, the versions of so many packages are looked at in one statement.
const LOOKED_AT_ONCE: usize = 500;

/// What is to be read.
pub(super) enum Asked<'a> {
    /// The list of packages.
    List,
    /// A package.
    Package(&'a PackageName),
    /// A version, as it is written or normalized.
    Version(&'a PackageName, &'a str),
}

/// Answers as far as the caller may read. What is hidden is answered as what does not exist, and costs the same.
pub(super) async fn answer(
    app: &App,
    request: Request,
    caller: &Authorised,
    slug: &str,
    asked: Asked<'_>,
) -> Result<Reply> {
    let organisation = match open_for_reading(app, caller, slug).await? {
        Reading::AsSeen(organisation) => organisation,
        Reading::Whole(organisation) => {
            return match asked {
                Asked::List => list_packages(app, &request, &organisation).await,
                Asked::Package(name) => show_package(app, &organisation, name).await,
                Asked::Version(name, version) => {
                    let route = VersionRoute::Show;
                    versions::handle(app, request, &organisation, name, version, route).await
                }
            };
        }
    };
    let visits = visits_of(app, organisation.id, &caller.principal).await?;
    match asked {
        Asked::List => list(app, &request, &organisation, &visits).await,
        Asked::Package(name) => {
            let seen = Seen::of(&visits, name).await?;
            if seen.entries.is_empty() {
                return Err(missing("package"));
            }
            Ok(Reply::json(200, &seen.show(name)))
        }
        Asked::Version(name, version) => {
            let seen = Seen::of(&visits, name).await?;
            if seen.entries.is_empty() {
                return Err(missing("package"));
            }
            seen.entries
                .iter()
                .find(|entry| {
                    text(entry, "version") == Some(version)
                        || text(entry, "version_normalized") == Some(version)
                })
                .map(|entry| Reply::json(200, &ShownVersion::of(entry)))
                .ok_or_else(|| missing("version"))
        }
    }
}

/// What somebody sees of a package, all repositories together.
pub(crate) struct Seen {
    /// Where it is seen, by slug.
    pub(crate) repositories: Vec<String>,
    /// The entries of its documents: tagged ones first, the newest first.
    pub(crate) entries: Vec<Map<String, Value>>,
}

impl Seen {
    /// Looks into the documents of all repositories that are visited.
    pub(crate) async fn of<'a>(
        visits: impl IntoIterator<Item = &'a Visit<'a>>,
        name: &PackageName,
    ) -> Result<Self> {
        let mut repositories = Vec::new();
        let mut entries: Vec<Map<String, Value>> = Vec::new();
        let mut known = BTreeSet::new();
        for visit in visits {
            let found = visible_entries(visit, name).await?;
            if !found.is_empty() {
                repositories.push(visit.repository.slug.clone());
            }
            entries.extend(
                found
                    .into_iter()
                    .filter(|entry| known.insert(normalized(entry).to_owned())),
            );
        }
        let is_dev =
            |entry: &Map<String, Value>| parse_stability(normalized(entry)) == Stability::Dev;
        entries.sort_by(|one, other| {
            is_dev(one)
                .cmp(&is_dev(other))
                .then_with(|| compare_normalized(normalized(other), normalized(one)))
        });
        Ok(Self {
            repositories,
            entries,
        })
    }

    /// What the newest version says.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        let newest = self.entries.first()?;
        text(newest, key).map(str::to_owned)
    }

    /// Of the whole package, which is when all of its versions say so: one alone may be warned of.
    pub(crate) fn abandoned(&self) -> Abandoned {
        let mut said = self.entries.iter().map(abandoned);
        match said.next() {
            Some(newest) if said.all(|other| other != Value::Bool(false)) => match &newest {
                Value::Bool(false) => Abandoned::No,
                _ => Abandoned::parse(&newest).unwrap_or(Abandoned::Yes),
            },
            _ => Abandoned::No,
        }
    }

    fn show(self, name: &PackageName) -> Shown {
        Shown {
            name: name.clone(),
            description: self.text("description"),
            kind: self.text("type"),
            homepage: self.text("homepage"),
            versions: self.entries.iter().map(ShownVersion::of).collect(),
            abandoned: self.abandoned(),
            repositories: self.repositories,
        }
    }

    fn summarize(&self, name: &PackageName) -> Summary {
        Summary {
            name: name.as_str().to_owned(),
            description: self.text("description"),
            versions: i64::try_from(self.entries.len()).unwrap_or(i64::MAX),
            abandoned: self.abandoned(),
        }
    }
}

/// A package as those read it who do not manage packages: what Composer is told of it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SeenPackage")]
pub(crate) struct Shown {
    name: PackageName,
    /// Of the newest version that is seen, as are `type` and `homepage`.
    description: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    homepage: Option<String>,
    /// The repositories it is seen in, by slug.
    repositories: Vec<String>,
    /// Those that are seen: tagged ones first, the newest first.
    versions: Vec<ShownVersion>,
    abandoned: Abandoned,
}

/// A version as those read it who do not manage packages.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SeenVersion")]
pub(crate) struct ShownVersion {
    version: String,
    version_normalized: String,
    /// Null where its archive is elsewhere and has none.
    reference: Option<String>,
    time: Option<String>,
    /// When it first could be installed from here.
    published_time: Option<String>,
    /// `false`, `true`, or what Composer prints: what to use instead.
    #[schemars(with = "Abandoned")]
    abandoned: Value,
    /// Null where there is no archive.
    dist: Option<ShownDist>,
}

/// An archive as Composer is told of it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SeenDist")]
struct ShownDist {
    /// `zip` or `tar`.
    #[serde(rename = "type")]
    kind: Option<String>,
    url: Option<String>,
    /// SHA-1.
    shasum: Option<String>,
}

impl ShownVersion {
    fn of(entry: &Map<String, Value>) -> Self {
        let own = |fields: &Map<String, Value>, key: &str| text(fields, key).map(str::to_owned);
        let dist = entry.get("dist").and_then(Value::as_object);
        Self {
            version: own(entry, "version").unwrap_or_default(),
            version_normalized: normalized(entry).to_owned(),
            reference: dist.and_then(|dist| own(dist, "reference")),
            time: own(entry, "time"),
            published_time: own(entry, "published-time"),
            abandoned: abandoned(entry),
            dist: dist.map(|dist| ShownDist {
                kind: own(dist, "type"),
                url: own(dist, "url"),
                shasum: own(dist, "shasum"),
            }),
        }
    }
}

fn text<'a>(fields: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    fields.get(key).and_then(Value::as_str)
}

/// The number of an entry of a document.
pub(crate) fn normalized(entry: &Map<String, Value>) -> &str {
    text(entry, "version_normalized").unwrap_or_default()
}

/// `false`, `true` or a text, as Composer reads it.
fn abandoned(entry: &Map<String, Value>) -> Value {
    match entry.get("abandoned") {
        Some(Value::String(instead)) if !instead.is_empty() => instead.as_str().into(),
        Some(Value::Bool(true)) => true.into(),
        _ => false.into(),
    }
}

/// Lists the packages of which a version is seen, by name.
///
/// Names and patterns are decided on in memory, over the list of names that each repository has. What was granted whole
/// costs one statement a page. What was granted in some versions has these looked at, so many packages at once, until the
/// page is full; and only those that come onto the page have their documents read.
async fn list(
    app: &App,
    request: &Request,
    organisation: &Organisation,
    visits: &[Visit<'_>],
) -> Result<Reply> {
    let page = Page::of(request)?;
    let filter = ListFilter::of(request)?;
    let found = match filter.query.as_deref() {
        None => None,
        Some(query) => Some(find_names_by_words(app, organisation.id, query).await?),
    };
    let (packages, next) =
        find_seen(app, organisation, visits, &page, &filter, found.as_ref()).await?;
    Ok(Reply::json(
        200,
        &json!({ "packages": packages, "next": next }),
    ))
}

/// A page of the packages that are seen, and the cursor to the one after it. `found` has the names that the words of the
/// filter find, each with whether its name alone would do; none where there are no words.
pub(crate) async fn find_seen(
    app: &App,
    organisation: &Organisation,
    visits: &[Visit<'_>],
    page: &Page,
    filter: &ListFilter,
    found: Option<&BTreeMap<String, bool>>,
) -> Result<(Vec<Summary>, Option<String>)> {
    let mut rows = if filter.finds_nothing {
        Vec::new()
    } else {
        let names = NamesAfter::open(visits, filter, page.after().unwrap_or_default()).await?;
        fill_page(app, organisation, visits, names, found, page).await?
    };
    let next = page.cut(&mut rows, |last| last.name().to_owned());
    let packages = show_rows(app, organisation, rows).await?;
    Ok((packages, next))
}

/// The names that come after one and fit a filter, in order, each with the places of the visits that have it. They are read
/// as they are asked for: a page wants few of them.
struct NamesAfter<'a> {
    pattern: Option<&'a NameGlob>,
    /// What each list has next, by the place of its visit.
    lists: Vec<(usize, Peekable<NameLines>)>,
}

impl<'a> NamesAfter<'a> {
    async fn open(visits: &[Visit<'_>], filter: &'a ListFilter, after: &str) -> Result<Self> {
        let mut lists = Vec::new();
        for (place, visit) in visits.iter().enumerate() {
            let slug = &visit.repository.slug;
            if filter.repository.as_ref().is_some_and(|only| only != slug) {
                continue;
            }
            let bytes = Snapshot::open(visit.app, &visit.head).name_bytes().await?;
            lists.push((place, NameLines::after(bytes, after).peekable()));
        }
        Ok(Self {
            pattern: filter.pattern.as_ref(),
            lists,
        })
    }

    /// The next name of any list, and the places of those that have it.
    fn step(&mut self) -> Option<Result<(String, Vec<usize>)>> {
        let mut least: Option<String> = None;
        for (_, list) in &mut self.lists {
            match list.peek() {
                None => {}
                Some(Err(damage)) => return Some(Err(Error::internal(damage))),
                Some(Ok(name)) if least.as_ref().is_some_and(|least| least <= name) => {}
                Some(Ok(name)) => least = Some(name.clone()),
            }
        }
        let least = least?;
        let mut places = Vec::new();
        for (place, list) in &mut self.lists {
            if list.next_if(|name| name.as_ref() == Ok(&least)).is_some() {
                places.push(*place);
            }
        }
        Some(Ok((least, places)))
    }
}

impl Iterator for NamesAfter<'_> {
    type Item = Result<(PackageName, Vec<usize>)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (name, places) = match self.step()? {
                Ok(found) => found,
                Err(error) => {
                    // What is damaged is told once.
                    self.lists.clear();
                    return Some(Err(error));
                }
            };
            let Ok(name) = PackageName::parse(&name) else {
                continue;
            };
            if self.pattern.is_none_or(|glob| glob.matches(&name)) {
                return Some(Ok((name, places)));
            }
        }
    }
}

/// A package that comes onto a page.
enum Row {
    /// All of it is seen, as it is now.
    Whole(PackageName),
    /// Some of it, or as it was.
    Partly(Summary),
}

impl Row {
    fn name(&self) -> &str {
        match self {
            Self::Whole(name) => name.as_str(),
            Self::Partly(summary) => &summary.name,
        }
    }
}

/// A package that may be seen.
struct Candidate<'a> {
    name: PackageName,
    /// Where.
    visits: Vec<&'a Visit<'a>>,
    is_whole: bool,
    /// What limits its versions, where all that is seen of it is limited.
    limits: Vec<Limits>,
}

impl<'a> Candidate<'a> {
    /// None when nothing of it is seen, or when somebody who sees a part of it searched for what another part may say.
    fn of(
        visits: &'a [Visit<'a>],
        name: PackageName,
        places: &[usize],
        found: Option<&BTreeMap<String, bool>>,
    ) -> Option<Self> {
        let by_name = match found {
            None => true,
            Some(found) => *found.get(name.as_str())?,
        };
        let mut candidate = Self {
            name,
            visits: Vec::new(),
            is_whole: false,
            limits: Vec::new(),
        };
        let mut is_unlimited = false;
        for visit in places.iter().filter_map(|place| visits.get(*place)) {
            match visit.sight(Action::ReadMetadata, &candidate.name) {
                Sight::Nothing => continue,
                Sight::Everything => {
                    is_unlimited = true;
                    candidate.is_whole |= frozen_at(visit).is_none();
                }
                Sight::Limited(limits) => candidate.limits.push(limits),
            }
            candidate.visits.push(visit);
        }
        if is_unlimited {
            candidate.limits.clear();
        }
        let is_found = by_name || candidate.is_whole;
        (!candidate.visits.is_empty() && is_found).then_some(candidate)
    }
}

/// Since when the caller sees nothing newer.
fn frozen_at(visit: &Visit<'_>) -> Option<i64> {
    let principal = visit.principal.as_ref()?;
    principal.frozen_at
}

/// As many rows as there are for a page, and one more.
async fn fill_page(
    app: &App,
    organisation: &Organisation,
    visits: &[Visit<'_>],
    mut names: NamesAfter<'_>,
    found: Option<&BTreeMap<String, bool>>,
    page: &Page,
) -> Result<Vec<Row>> {
    let full = usize::try_from(page.rows()).unwrap_or(usize::MAX);
    // Who sees some versions only has them looked at once in any case: that there are such packages is told by no call.
    let is_limited = visits.iter().any(Visit::is_limited_by_versions);
    let mut rows = Vec::new();
    let mut looked_at = 0_usize;
    let mut at_once = full;
    loop {
        let some: Vec<_> = names
            .by_ref()
            .filter_map(|next| match next {
                Ok((name, places)) => Candidate::of(visits, name, &places, found).map(Ok),
                Err(error) => Some(Err(error)),
            })
            .take(at_once)
            .collect::<Result<_>>()?;
        let is_last = some.len() < at_once;
        at_once = LOOKED_AT_ONCE;
        let limited: Vec<_> = some
            .iter()
            .filter(|candidate| !candidate.limits.is_empty())
            .collect();
        looked_at = looked_at.saturating_add(limited.len());
        if looked_at > MOST_LIMITED {
            return Err(Error::bad_value(
                "?filter",
                format!(
                    "Your token sees some versions of each package only, and {MOST_LIMITED} packages at most are looked \
                     through at a time: give a pattern as `filter`"
                ),
            ));
        }
        let seen = if !limited.is_empty() || (is_limited && looked_at == 0) {
            seen_by_versions(app, organisation, visits, &limited).await?
        } else {
            BTreeSet::new()
        };
        for candidate in &some {
            if candidate.is_whole {
                rows.push(Row::Whole(candidate.name.clone()));
            } else if candidate.limits.is_empty() || seen.contains(&candidate.name) {
                let visits = candidate.visits.iter().copied();
                let seen = Seen::of(visits, &candidate.name).await?;
                if !seen.entries.is_empty() {
                    rows.push(Row::Partly(seen.summarize(&candidate.name)));
                }
            }
            if rows.len() >= full {
                return Ok(rows);
            }
        }
        if is_last {
            return Ok(rows);
        }
    }
}

/// Those of which some version may be seen: by the outline of each repository, and for those that have none or a long one
/// by what the database knows of versions: of all that ever were for somebody who sees the past. What is seen indeed, the
/// documents tell.
async fn seen_by_versions(
    app: &App,
    organisation: &Organisation,
    visits: &[Visit<'_>],
    limited: &[&Candidate<'_>],
) -> Result<BTreeSet<PackageName>> {
    let mut seen = BTreeSet::new();
    let mut unknown: BTreeMap<PackageName, Vec<Limits>> = BTreeMap::new();
    let mut asks_database = false;
    for visit in visits.iter().filter(|visit| visit.is_limited_by_versions()) {
        let is_here = |candidate: &&&Candidate<'_>| {
            let mut places = candidate.visits.iter();
            places.any(|place| place.repository.id == visit.repository.id)
        };
        let limits: BTreeMap<PackageName, Limits> = limited
            .iter()
            .filter(is_here)
            .filter_map(
                |candidate| match visit.sight(Action::ReadMetadata, &candidate.name) {
                    Sight::Limited(limits) => Some((candidate.name.clone(), limits)),
                    Sight::Nothing | Sight::Everything => None,
                },
            )
            .collect();
        if let Some(outlined) = retain_outlined(visit, &limits).await? {
            seen.extend(outlined);
            continue;
        }
        asks_database = true;
        for (name, limits) in limits {
            unknown.entry(name).or_default().push(limits);
        }
    }
    if !asks_database {
        return Ok(seen);
    }
    let names: Vec<_> = unknown.keys().cloned().collect();
    let end = visits.first().and_then(frozen_at);
    let facts = match end {
        None => list_version_facts(app, organisation.id, &names).await?,
        Some(_) => list_past_version_facts(app, organisation.id, &names).await?,
    };
    seen.extend(
        facts
            .into_iter()
            .filter(|(_, version)| end.is_none_or(|end| version.published_at <= end))
            .filter(|(name, version)| {
                let limits = unknown.get(name).map(Vec::as_slice).unwrap_or_default();
                limits.iter().any(|limits| limits.shows(version))
            })
            .map(|(name, _)| name),
    );
    Ok(seen)
}

/// The rows of a page; of whole packages all are read in one statement.
async fn show_rows(app: &App, organisation: &Organisation, rows: Vec<Row>) -> Result<Vec<Summary>> {
    let whole: Vec<_> = rows
        .iter()
        .filter_map(|row| match row {
            Row::Whole(name) => Some(name.as_str()),
            Row::Partly(_) => None,
        })
        .collect();
    let mut known = BTreeMap::new();
    if !whole.is_empty() {
        for row in list_named_packages(app, organisation.id, &whole).await? {
            let summary = summary_of(row)?;
            known.insert(summary.name.clone(), summary);
        }
    }
    Ok(rows
        .into_iter()
        .filter_map(|row| match row {
            Row::Whole(name) => known.remove(name.as_str()),
            Row::Partly(summary) => Some(summary),
        })
        .collect())
}
