//! Host names of an organisation: claimed, proven by the DNS, made the one that documents carry, given up.

use askama::Template;
use serde_json::json;

use crate::app::App;
use crate::domain::access::Ability;
use crate::error::Result;
use crate::http::api::hosts::{Shown as ShownByApi, show as show_by_api};
use crate::http::api::missing;
use crate::http::api::paging::Page;
use crate::http::reply::Reply;
use crate::http::web::ask_twice::AskTwice;
use crate::http::web::field::{Choice, Field};
use crate::http::web::form::{Faults, Form};
use crate::http::web::page::{page, page_with};
use crate::http::web::place::settings::{Tab, address, lead_back, tabs};
use crate::http::web::shell::{Crumb, Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::{encoded, with_query};
use crate::store::host_names::{find_host, list_hosts};
use crate::store::repositories::list_repositories;

/// So many hosts are on a page.
const ROWS: i64 = 25;

struct ShownHost {
    href: String,
    word: &'static str,
    class: &'static str,
    choices: Vec<Choice>,
    of: ShownByApi,
}

#[derive(Template)]
#[template(path = "place/settings/hosts.html")]
struct HostsPage {
    shell: Shell,
    address: String,
    tabs: Vec<Tab>,
    may_change: bool,
    hosts: Vec<ShownHost>,
    host: Field,
    choices: Vec<Choice>,
    faults: Vec<String>,
    first: Option<String>,
    next: Option<String>,
}

fn list_address(place: &Place) -> String {
    format!("{}/hosts", address(place))
}

pub(super) async fn show(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    sent: Option<(&Form, &Faults)>,
) -> Result<Reply> {
    place.authorise(Ability::Own, true)?;
    let organisation = &place.organisation;
    let cut = Page::of(&visit.request)?.at_most(ROWS);
    let mut rows = list_hosts(app, organisation.id, cut.after(), cut.rows()).await?;
    let next = cut.cut(&mut rows, |row| row.host.clone());
    let repositories = list_repositories(app, organisation.id).await?;
    let choices = |chosen: &str| {
        let all = Choice::new("", "all repositories, each below its slug", chosen);
        let own = repositories.iter();
        std::iter::once(all)
            .chain(own.map(|one| Choice::new(&one.slug, &one.slug, chosen)))
            .collect::<Vec<_>>()
    };
    let list = list_address(place);
    let hosts = rows
        .iter()
        .map(|claim| {
            let of = show_by_api(app, claim);
            let (word, class) = match of.state {
                "verified" => ("verified", "good"),
                "waiting" => ("waiting for its record", "warn"),
                _ => ("given up", "bad"),
            };
            ShownHost {
                href: format!("{list}/{}", encoded(&of.host)),
                word,
                class,
                choices: choices(of.repository.as_deref().unwrap_or_default()),
                of,
            }
        })
        .collect();
    let host = Field::text("host", "Host name").hint("Such as packages.example.com");
    let host = match sent {
        Some((form, faults)) => host.typed(form, faults),
        None => host,
    };
    let chosen = sent.map_or("", |(form, _)| form.text("repository"));
    page_with(
        if sent.is_some() { 422 } else { 200 },
        &HostsPage {
            shell: visit.shell_at(app, Section::Settings, "Hosts", Vec::new())?,
            tabs: tabs(place, "Hosts"),
            may_change: place.may(Ability::Own),
            hosts,
            host,
            choices: choices(chosen),
            faults: sent.map_or_else(Vec::new, |(_, faults)| faults.besides(&["host"])),
            first: cut.after().map(|_| list.clone()),
            next: next.map(|cursor| with_query(&list, &[("cursor", &cursor)])),
            address: list,
        },
    )
}

/// Claims a host name.
pub(super) async fn claim(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    let form = visit.form(app).await?;
    let asked = json!({"host": form.text("host"), "repository": form.optional("repository")});
    match place.ask(app, visit, "POST", "/hosts", Some(&asked)).await {
        Ok(_) => Ok(visit.go_on(
            &list_address(place),
            "Claimed. Set the TXT record, and it is found within some minutes",
        )),
        Err(error) => {
            let faults = Faults::of(error)?;
            show(app, visit, place, Some((&form, &faults))).await
        }
    }
}

/// Looks for the record of a host name now.
pub(super) async fn verify(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    host: &str,
) -> Result<Reply> {
    visit.form(app).await?;
    let path = format!("/hosts/{}/verify", encoded(host));
    let answer = place.ask(app, visit, "POST", &path, None).await;
    let said = format!("The record of {host} is there: it answers from now on");
    lead_back(visit, &list_address(place), answer, &said)
}

/// Has a host name answer something else, or be the one that documents carry.
pub(super) async fn change(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    host: &str,
) -> Result<Reply> {
    let form = visit.form(app).await?;
    let asked = match form.optional("primary") {
        Some(primary) => json!({"primary": primary == "yes"}),
        None => json!({"repository": form.optional("repository")}),
    };
    let path = format!("/hosts/{}", encoded(host));
    let answer = place.ask(app, visit, "PATCH", &path, Some(&asked)).await;
    lead_back(visit, &list_address(place), answer, "Saved")
}

/// Asks whether a host name is to be given up.
pub(super) async fn ask(app: &App, visit: &mut Visit, place: &Place, host: &str) -> Result<Reply> {
    place.authorise(Ability::Own, false)?;
    let found = find_host(app, place.organisation.id, host).await?;
    let host = found.ok_or_else(|| missing("host"))?.host;
    let list = list_address(place);
    let crumbs = vec![Crumb::new("Hosts", list.clone())];
    let title = format!("Give {host} up?");
    page(&AskTwice {
        shell: visit.shell_at(app, Section::Settings, &title, crumbs)?,
        consequences: vec![
            "It answers nothing any more, within ten seconds. Projects whose composer.json has this address can neither \
             update nor install what is not in their lock file, until they have another one."
                .to_owned(),
            "Afterwards anybody may claim it who can set its records in the DNS.".to_owned(),
        ],
        action: format!("{list}/{}/remove", encoded(&host)),
        fields: Vec::new(),
        faults: Vec::new(),
        button: "Give it up".to_owned(),
        back: list,
    })
}

/// Gives a host name up.
pub(super) async fn remove(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    host: &str,
) -> Result<Reply> {
    visit.form(app).await?;
    let path = format!("/hosts/{}", encoded(host));
    let answer = place.ask(app, visit, "DELETE", &path, None).await;
    let said = format!("{host} is given up");
    lead_back(visit, &list_address(place), answer, &said)
}
