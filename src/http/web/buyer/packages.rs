//! What a customer may install: what Composer is told by the same token.

use askama::Template;

use crate::app::App;
use crate::error::Result;
use crate::http::api::browse::find_seen;
use crate::http::api::packages::{ListFilter, Summary};
use crate::http::api::paging::Page;
use crate::http::composer::visits_in;
use crate::http::reply::Reply;
use crate::http::web::buyer::Buyer;
use crate::http::web::field::Field;
use crate::http::web::page::page;
use crate::http::web::shell::Shell;
use crate::http::web::visit::Visit;
use crate::http::web::ways::{connect_commands, with_query};
use crate::store::landing::load_offer;

/// So many packages are on a page.
const ROWS: i64 = 50;

/// A package as a row.
pub(in crate::http::web) struct ShownRow {
    pub(in crate::http::web) name: String,
    pub(in crate::http::web) href: Option<String>,
    pub(in crate::http::web) description: String,
    pub(in crate::http::web) versions: i64,
    pub(in crate::http::web) is_abandoned: bool,
}

impl ShownRow {
    /// Of what was found; with a page of its own or without.
    pub(in crate::http::web) fn of(summary: Summary, below: Option<&str>) -> Self {
        use crate::domain::policy::Abandoned;
        Self {
            href: below.map(|below| format!("{below}/{}", summary.name)),
            name: summary.name,
            description: summary.description.unwrap_or_default(),
            versions: summary.versions,
            is_abandoned: summary.abandoned != Abandoned::No,
        }
    }
}

#[derive(Template)]
#[template(path = "buyer/packages.html")]
struct PackagesPage {
    shell: Shell,
    customer: String,
    here: &'static str,
    organisation: String,
    notice: Option<String>,
    is_barred: bool,
    search: Field,
    is_filtered: bool,
    rows: Vec<ShownRow>,
    /// What is typed to connect to each repository, with its slug.
    repositories: Vec<(String, String)>,
    first: Option<String>,
    next: Option<String>,
}

pub(super) async fn show(app: &App, visit: &mut Visit) -> Result<Reply> {
    let buyer = Buyer::enter(app, visit).await?;
    let cut = Page::of(&visit.request)?.at_most(ROWS);
    let search = visit.request.query_parameter("search").unwrap_or_default();
    let filter = ListFilter::of_words(&search);
    let query = filter.query.as_deref();
    let offer = load_offer(app, buyer.login.organisation_id, query).await?;
    let visits = visits_in(app, offer.repositories, &buyer.principal).await?;
    let found = offer.found.as_ref();
    let (rows, next) = find_seen(app, &offer.organisation, &visits, &cut, &filter, found).await?;
    let repositories = visits.iter().map(|one| {
        let repository = &one.repository;
        (repository.slug.clone(), connect_commands(app, repository))
    });
    let repositories = repositories.collect();
    let to = |cursor: &str| {
        with_query(
            "/ui/customer",
            &[("search", search.trim()), ("cursor", cursor)],
        )
    };
    page(&PackagesPage {
        shell: visit.shell(app, "What you may install")?,
        here: "packages",
        organisation: offer.organisation.name,
        notice: buyer.notice(),
        is_barred: buyer.principal.bar.is_some(),
        customer: buyer.login.name,
        is_filtered: cut.after().is_some() || !search.trim().is_empty(),
        rows: rows
            .into_iter()
            .map(|summary| ShownRow::of(summary, Some("/ui/customer/packages")))
            .collect(),
        repositories,
        first: cut.after().map(|_| to("")),
        next: next.map(|cursor| to(&cursor)),
        search: Field::text("search", "Search").optional().value(search),
    })
}
