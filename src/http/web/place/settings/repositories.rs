//! The repositories of an organisation: the list, another one, and the end of one.

use askama::Template;
use serde_json::json;

use crate::app::App;
use crate::domain::access::Ability;
use crate::error::Result;
use crate::http::api::missing;
use crate::http::reply::Reply;
use crate::http::web::ask::{AskPage, Asking};
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::page::page;
use crate::http::web::place::settings::{Tab, address, tabs};
use crate::http::web::shell::{Crumb, Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::{encoded, with_query};
use crate::store::repositories::{find_repository, list_repositories};

/// So many repositories are on a page.
const ROWS: usize = 50;

struct ShownRow {
    slug: String,
    href: String,
    landing: String,
    description: String,
    is_public: bool,
    url: String,
    revision: i64,
}

#[derive(Template)]
#[template(path = "place/settings/repositories.html")]
struct RepositoriesPage {
    shell: Shell,
    address: String,
    tabs: Vec<Tab>,
    may_change: bool,
    rows: Vec<ShownRow>,
    first: Option<String>,
    next: Option<String>,
}

pub(super) fn list_address(place: &Place) -> String {
    format!("{}/repositories", address(place))
}

/// The pages above that of a repository.
pub(super) fn crumbs(place: &Place) -> Vec<Crumb> {
    vec![
        Crumb::new("Settings", address(place)),
        Crumb::new("Repositories", list_address(place)),
    ]
}

pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    place.authorise(Ability::ManagePackages, true)?;
    let start = visit
        .request
        .query_parameter("from")
        .and_then(|text| text.parse::<usize>().ok())
        .unwrap_or_default();
    let repositories = list_repositories(app, place.organisation.id).await?;
    let list = list_address(place);
    let slug = &place.organisation.slug;
    let end = start.saturating_add(ROWS);
    let next = (end < repositories.len())
        .then(|| with_query(&list, &[("from", end.to_string().as_str())]));
    let rows = repositories
        .into_iter()
        .skip(start)
        .take(ROWS)
        .map(|one| ShownRow {
            href: format!("{list}/{}", encoded(&one.slug)),
            landing: format!("/ui/{slug}/repositories/{}", encoded(&one.slug)),
            url: one.address(&app.config.public_url),
            description: one.description.unwrap_or_default(),
            is_public: one.is_public,
            revision: one.head.revision,
            slug: one.slug,
        })
        .collect();
    page(&RepositoriesPage {
        shell: visit.shell_at(app, Section::Settings, "Repositories", Vec::new())?,
        tabs: tabs(place, "Repositories"),
        may_change: place.may(Ability::ManagePackages),
        rows,
        first: (start > 0).then(|| list.clone()),
        next,
        address: list,
    })
}

fn page_of_new(shell: Shell, place: &Place, sent: Option<(&Form, &Faults)>) -> AskPage {
    let list = list_address(place);
    Asking::of(sent)
        .field(
            Field::text("slug", "Name in addresses")
                .hint("Lower-case letters, digits and hyphens, such as main"),
        )
        .field(Field::text("description", "Description").optional())
        .tick(
            "public",
            "Everybody may read it",
            "Without a token, packages and all; leave it out for what you sell or keep to yourselves",
            false,
        )
        .page(shell, format!("{list}/new"), "Make the repository", list)
}

fn shell_of_new(app: &App, visit: &mut Visit, place: &Place) -> Result<Shell> {
    visit.shell_at(app, Section::Settings, "New repository", crumbs(place))
}

/// Asks what the new one is.
pub(super) fn show_new(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    place.authorise(Ability::ManagePackages, false)?;
    let shell = shell_of_new(app, visit, place)?;
    page_of_new(shell, place, None).reply()
}

/// Makes it.
pub(super) async fn make(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    let form = visit.form(app).await?;
    let asked = json!({
        "slug": form.text("slug"),
        "description": form.optional("description"),
        "public": form.is_ticked("public"),
    });
    match place
        .ask(app, visit, "POST", "/repositories", Some(&asked))
        .await
    {
        Ok(_) => {
            let to = format!("{}/{}", list_address(place), encoded(form.text("slug")));
            Ok(visit.go_on(&to, "The repository is there"))
        }
        Err(error) => {
            let faults = Faults::of(error)?;
            let shell = shell_of_new(app, visit, place)?;
            page_of_new(shell, place, Some((&form, &faults))).reply()
        }
    }
}

fn page_of_delete(
    shell: Shell,
    place: &Place,
    slug: &str,
    sent: Option<(&Form, &Faults)>,
) -> AskPage {
    let back = format!("{}/{}", list_address(place), encoded(slug));
    Asking::of(sent)
        .field(Field::text("confirm", "Its name in addresses").hint(format!("Type {slug}")))
        .page(shell, format!("{back}/delete"), "Delete it for good", back)
        .note(
            "Whoever installs from it finds nothing there any more, lock files included. Its history goes with it. Packages \
             stay, in other repositories or in none. This cannot be undone.",
        )
        .dangerous()
}

fn shell_of_delete(app: &App, visit: &mut Visit, place: &Place, slug: &str) -> Result<Shell> {
    let mut above = crumbs(place);
    let own = format!("{}/{}", list_address(place), encoded(slug));
    above.push(Crumb::new(slug, own));
    visit.shell_at(app, Section::Settings, "Delete the repository", above)
}

/// Asks whether it is meant.
pub(super) async fn show_delete(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    slug: &str,
) -> Result<Reply> {
    place.authorise(Ability::Own, false)?;
    find_repository(app, &place.organisation.slug, slug)
        .await?
        .ok_or_else(|| missing("repository"))?;
    let shell = shell_of_delete(app, visit, place, slug)?;
    page_of_delete(shell, place, slug, None).reply()
}

/// Deletes it.
pub(super) async fn delete(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    slug: &str,
) -> Result<Reply> {
    let form = visit.form(app).await?;
    let path = format!("/repositories/{}", encoded(slug));
    let mut faults = Faults::none();
    if form.text("confirm") == slug {
        let body = json!({ "confirm": slug });
        match place.ask(app, visit, "DELETE", &path, Some(&body)).await {
            Ok(_) => return Ok(visit.go_on(&list_address(place), &format!("{slug} is deleted"))),
            Err(error) => faults = Faults::of(error)?,
        }
    } else {
        place.authorise(Ability::Own, false)?;
        faults.add("confirm", "This is not its name");
    }
    let shell = shell_of_delete(app, visit, place, slug)?;
    page_of_delete(shell, place, slug, Some((&form, &faults))).reply()
}
