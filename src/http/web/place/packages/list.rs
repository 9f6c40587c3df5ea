//! The list of packages: searched, filtered and cut into pages by the same functions as the API's.

use askama::Template;

use crate::app::App;
use crate::domain::access::Ability;
use crate::error::Result;
use crate::http::api::browse::find_seen;
use crate::http::api::packages::{ListFilter, Summary};
use crate::http::api::paging::Page;
use crate::http::composer::visits_in;
use crate::http::reply::Reply;
use crate::http::web::field::{Choice, Field};
use crate::http::web::form::Faults;
use crate::http::web::page::{Moment, page_with};
use crate::http::web::place::connections;
use crate::http::web::place::packages::listed::{Asked, Fields};
use crate::http::web::place::packages::{abandoned_words, address, sees_all};
use crate::http::web::shell::{Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::with_query;
use crate::ports::db::Row;
use crate::store::repositories::{Repository, list_repositories_stmt, read_repositories};
use crate::store::search::{find_names_by_words_stmt, read_names_by_words};

/// A package as a row of a list.
pub(in crate::http::web::place) struct ShownRow {
    pub(in crate::http::web::place) name: String,
    pub(in crate::http::web::place) href: String,
    pub(in crate::http::web::place) description: String,
    pub(in crate::http::web::place) versions: i64,
    pub(in crate::http::web::place) abandoned: Option<String>,
    /// Why it is not synced.
    pub(in crate::http::web::place) trouble: Option<&'static str>,
    /// When its newest version could first be installed.
    pub(in crate::http::web::place) released: Option<Moment>,
    /// Of the last month, for who sees them.
    pub(in crate::http::web::place) installs: Option<i64>,
}

impl ShownRow {
    pub(in crate::http::web::place) fn of(place: &Place, summary: Summary) -> Self {
        Self {
            href: address(place, &summary.name),
            name: summary.name,
            description: summary.description.unwrap_or_default(),
            versions: summary.versions,
            abandoned: abandoned_words(&summary.abandoned),
            trouble: None,
            released: None,
            installs: None,
        }
    }
}

#[derive(Template)]
#[template(path = "place/packages/list.html")]
struct PackagesPage {
    shell: Shell,
    address: String,
    search: Field,
    filter: Field,
    repositories: Vec<Choice>,
    is_filtered: bool,
    packages: Vec<ShownRow>,
    faults: Vec<String>,
    first: Option<String>,
    next: Option<String>,
    /// What brings the first package, for who may.
    commands: Option<Commands>,
    /// More to filter by, for who sees all that is known.
    more: Option<Fields>,
    may_change: bool,
    may_delete: bool,
}

/// How packages come in.
pub(in crate::http::web::place) struct Commands {
    pub(in crate::http::web::place) import: String,
    pub(in crate::http::web::place) upload: String,
    /// Where projects are chosen, for who may.
    pub(in crate::http::web::place) connections: Option<String>,
}

impl Commands {
    pub(in crate::http::web::place) fn of(
        app: &App,
        place: &Place,
        repository: Option<&Repository>,
    ) -> Self {
        let (public_url, slug) = (&app.config.public_url, &place.organisation.slug);
        let into = repository.map_or("main", |repository| repository.slug.as_str());
        let address = repository.map_or_else(
            || format!("{public_url}/r/{slug}/{into}"),
            |repository| repository.address(public_url),
        );
        let token = "curl -sS -H \"Authorization: Bearer YOUR-TOKEN\"";
        Self {
            connections: place
                .may_read(Ability::ManageHooks)
                .then(|| connections::list_address(place)),
            import: format!(
                "{token} \\\n  --json '{{\"connection\": \"CONNECTION-ID\", \"project\": \"owner/name\", \"repository\": \
                 \"{into}\"}}' \\\n  {public_url}/api/v1/orgs/{slug}/packages"
            ),
            upload: format!("{token} -T tools-1.2.0.zip \\\n  {address}/upload/acme/tools/1.2.0"),
        }
    }
}

pub(in crate::http::web::place) async fn show(
    app: &App,
    visit: &mut Visit,
    place: &Place,
) -> Result<Reply> {
    let is_whole = sees_all(place)?;
    let mut faults = Faults::none();
    let filter = match ListFilter::of(&visit.request) {
        Ok(filter) => filter,
        Err(error) => {
            faults = Faults::of(error)?;
            ListFilter {
                finds_nothing: true,
                ..ListFilter::default()
            }
        }
    };
    let page = Page::of(&visit.request)?;
    let organisation = &place.organisation;
    // One batch has the repositories and what words find.
    let query = filter.query.as_deref().filter(|_| !is_whole);
    let mut statements = vec![list_repositories_stmt(organisation.id)];
    statements.extend(query.map(|query| find_names_by_words_stmt(organisation.id, query)));
    let mut rows = app.db.batch(statements).await?.into_iter();
    let repositories = read_repositories(rows.next().unwrap_or_default())?;
    let asked = is_whole.then(|| Asked::of(&visit.request));
    let shown = if let Some(asked) = &asked {
        asked.find(app, place, &page, &filter).await
    } else {
        let found = rows.next().map(|rows: Vec<Row>| read_names_by_words(rows));
        let found = found.transpose()?;
        let repositories = repositories.clone();
        let visits = visits_in(app, repositories, &place.principal).await?;
        find_seen(app, organisation, &visits, &page, &filter, found.as_ref())
            .await
            .map(|(packages, next)| {
                let rows = packages.into_iter();
                (
                    rows.map(|summary| ShownRow::of(place, summary)).collect(),
                    next,
                )
            })
    };
    let (packages, next) = match shown {
        Ok(shown) => shown,
        Err(error) => {
            faults = Faults::of(error)?;
            (Vec::new(), None)
        }
    };
    let given = |name: &str| visit.request.query_parameter(name).unwrap_or_default();
    let (search, pattern, repository) = (given("search"), given("filter"), given("repository"));
    let list = format!("/ui/{}/packages", organisation.slug);
    let to = |cursor: &str| {
        let mut query = vec![
            ("search", search.as_str()),
            ("filter", &pattern),
            ("repository", &repository),
        ];
        query.extend(asked.iter().flat_map(Asked::query));
        query.push(("cursor", cursor));
        with_query(&list, &query)
    };
    let (first, next) = (page.after().map(|_| to("")), next.map(|cursor| to(&cursor)));
    let mut choices = vec![Choice::new("", "All repositories", &repository)];
    choices.extend(
        repositories
            .iter()
            // Who may not enter a repository is not told of it.
            .filter(|one| {
                is_whole || crate::domain::access::enters(Some(&place.principal), one.place())
            })
            .map(|one| Choice::new(&one.slug, &one.slug, &repository)),
    );
    let may_add = place.may(Ability::ManagePackages);
    let commands = may_add.then(|| Commands::of(app, place, repositories.first()));
    let more = asked.as_ref().map(Asked::fields);
    let mut filter = Field::text("filter", "Pattern").optional();
    filter.error = faults.at("?filter");
    let shell = visit.shell_at(app, Section::Packages, "Packages", Vec::new())?;
    page_with(
        if faults.is_empty() { 200 } else { 422 },
        &PackagesPage {
            shell,
            address: list,
            is_filtered: page.after().is_some()
                || more.as_ref().is_some_and(|more| more.is_used)
                || [&search, &pattern, &repository]
                    .iter()
                    .any(|given| !given.is_empty()),
            search: Field::text("search", "Search").optional().value(search),
            filter: filter.value(pattern),
            repositories: choices,
            packages,
            more,
            may_change: may_add,
            may_delete: place.may(Ability::Own),
            faults: faults.besides(&["?filter"]),
            first,
            next,
            commands,
        },
    )
}
