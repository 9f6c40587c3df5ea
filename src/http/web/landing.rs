//! The page of a repository, for whoever comes by: what is in a public one, and how a project connects. Of a private one it
//! says what it says of one that does not exist.

use std::rc::Rc;

use askama::Template;

use crate::app::App;
use crate::domain::access::{Principal, enters};
use crate::domain::markdown::{Base, render};
use crate::error::{ErrorKind, Result};
use crate::http::api::browse::find_seen;
use crate::http::api::packages::ListFilter;
use crate::http::api::paging::Page;
use crate::http::composer::{Visit as ComposerVisit, visits_in};
use crate::http::reply::Reply;
use crate::http::web::assets;
use crate::http::web::buyer::ShownRow;
use crate::http::web::field::Field;
use crate::http::web::page::page_with;
use crate::http::web::shell::Shell;
use crate::http::web::visit::Visit;
use crate::http::web::ways::{connect_commands, encoded, with_query};
use crate::store::landing::find_landing;
use crate::store::repositories::Repository;
use crate::store::search::find_names_by_words;

/// So many packages are on a page.
const ROWS: i64 = 50;

#[derive(Template)]
#[template(path = "landing.html")]
struct LandingPage {
    shell: Shell,
    /// Of rendered texts.
    style: Option<&'static str>,
    address: String,
    organisation: String,
    description: String,
    /// Rendered, without HTML of others.
    landing: Option<String>,
    is_public: bool,
    notice: Option<String>,
    commands: String,
    search: Field,
    is_filtered: bool,
    rows: Vec<ShownRow>,
    first: Option<String>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "landing_closed.html")]
struct ClosedPage {
    shell: Shell,
    command: String,
}

/// Where the page of a repository is.
pub(super) fn address(organisation: &str, repository: &str) -> String {
    format!(
        "/ui/{}/repositories/{}",
        encoded(organisation),
        encoded(repository)
    )
}

pub(super) async fn show(
    app: &App,
    visit: &mut Visit,
    organisation: &str,
    repository: &str,
) -> Result<Reply> {
    let principal = find_principal(app, visit, organisation).await?;
    let found = find_landing(app, organisation, repository).await?;
    let found = found.filter(|(owner, known)| {
        owner.deleted_at.is_none()
            && (known.bar().is_some() || enters(principal.as_deref(), known.place()))
    });
    let Some((owner, known)) = found else {
        return closed(app, visit);
    };
    let cut = Page::of(&visit.request)?.at_most(ROWS);
    let search = visit.request.query_parameter("search").unwrap_or_default();
    let filter = ListFilter::of_words(&search);
    let notice = known.bar().map(|bar| bar.message(known.contact.as_deref()));
    let (rows, next) = if notice.is_some() {
        (Vec::new(), None)
    } else {
        let words = match filter.query.as_deref() {
            None => None,
            Some(query) => Some(find_names_by_words(app, owner.id, query).await?),
        };
        let visits = visits_of(app, &known, principal.as_ref()).await?;
        find_seen(app, &owner, &visits, &cut, &filter, words.as_ref()).await?
    };
    let own = address(organisation, repository);
    let to = |cursor: &str| with_query(&own, &[("search", search.trim()), ("cursor", cursor)]);
    let landing = known
        .landing
        .as_deref()
        .filter(|text| !text.trim().is_empty());
    let base = Base::new(None, "");
    let landing = landing.map(|text| render(text.as_bytes(), &base, "page-").html);
    let shell = visit.shell(app, &known.slug)?;
    page_with(
        if notice.is_some() { 403 } else { 200 },
        &LandingPage {
            shell,
            style: assets::find("prose.css").filter(|_| landing.is_some()),
            organisation: owner.name,
            description: known.description.clone().unwrap_or_default(),
            landing: landing.filter(|_| notice.is_none()),
            is_public: known.is_public,
            notice,
            commands: connect_commands(app, &known),
            is_filtered: cut.after().is_some() || !search.trim().is_empty(),
            rows: rows
                .into_iter()
                .map(|summary| ShownRow::of(summary, None))
                .collect(),
            first: cut.after().map(|_| to("")),
            next: next.map(|cursor| to(&cursor)),
            search: Field::text("search", "Search").optional().value(search),
            address: own,
        },
    )
}

/// What the visitor is in the organisation, if she is signed in and something there.
async fn find_principal(
    app: &App,
    visit: &mut Visit,
    organisation: &str,
) -> Result<Option<Rc<Principal>>> {
    if !visit.has_login() {
        return Ok(None);
    }
    match visit.enter(app, organisation).await {
        Ok(place) => Ok(Some(place.principal)),
        Err(error) => match error.kind() {
            ErrorKind::Unauthenticated | ErrorKind::NotFound | ErrorKind::Forbidden => Ok(None),
            _ => Err(error),
        },
    }
}

async fn visits_of<'a>(
    app: &'a App,
    repository: &Repository,
    principal: Option<&Rc<Principal>>,
) -> Result<Vec<ComposerVisit<'a>>> {
    if let Some(principal) = principal {
        return visits_in(app, vec![repository.clone()], principal).await;
    }
    Ok(vec![ComposerVisit {
        app,
        head: repository.head.clone(),
        address: Some(repository.address(&app.config.public_url)),
        repository: Rc::new(repository.clone()),
        principal: None,
        closed: None,
    }])
}

/// One page for what is private and for what does not exist, so that nobody can tell which it is.
fn closed(app: &App, visit: &mut Visit) -> Result<Reply> {
    let public_url = &app.config.public_url;
    let host = public_url.split_once("://").map_or("", |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default();
    page_with(
        404,
        &ClosedPage {
            shell: visit.shell(app, "Nothing here is open to everybody")?,
            command: format!("composer config --auth http-basic.{host} token YOUR-TOKEN"),
        },
    )
}
