//! One connection: how it is, what it reaches, and what can be done about it.

use askama::Template;

use crate::app::App;
use crate::domain::access::Ability;
use crate::error::Result;
use crate::http::api::connections::check_connection;
use crate::http::reply::Reply;
use crate::http::web::page::{Moment, page};
use crate::http::web::place::connections::list::last_asked;
use crate::http::web::place::connections::{
    Health, address, host_name, lead, list_address, load, title_of,
};
use crate::http::web::shell::{Crumb, Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::store::audit::acting;
use crate::store::schedule::RECONCILE_HOURS;

struct ShownGroup {
    name: String,
    /// Where new projects below it are added.
    adds_to: Option<String>,
}

#[derive(Template)]
#[template(path = "place/connections/show.html")]
struct ConnectionPage {
    shell: Shell,
    address: String,
    host: &'static str,
    base_url: String,
    account: String,
    github_app: Option<String>,
    health: Health,
    since: Option<Moment>,
    asked: Moment,
    heard: Option<Moment>,
    connected: Moment,
    projects: i64,
    is_automatic: bool,
    /// Hours between two comparisons of a project.
    hours: i64,
    groups: Vec<ShownGroup>,
    may_change: bool,
    may_import: bool,
}

pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    let (summary, groups) = load(app, place, id, true).await?;
    let list = list_address(place);
    let crumbs = vec![Crumb::new("Connections", list.clone())];
    let title = title_of(&summary);
    let shell = visit.shell_at(app, Section::Connections, &title, crumbs)?;
    page(&ConnectionPage {
        shell,
        address: address(place, id),
        host: host_name(&summary.provider),
        github_app: summary
            .github_app_id
            .as_ref()
            .map(|github_app| format!("{list}/apps/{github_app}")),
        health: Health::of(&summary, app.now()),
        since: summary.trouble_since.map(Moment::of),
        asked: last_asked(&summary),
        heard: summary.last_heard_at.map(Moment::of),
        connected: Moment::of(summary.created_at),
        projects: summary.projects,
        is_automatic: summary.hooks == "automatic",
        hours: summary.reconcile_hours.unwrap_or(RECONCILE_HOURS),
        groups: groups
            .into_iter()
            .map(|group| ShownGroup {
                name: group.name,
                adds_to: group.repository,
            })
            .collect(),
        may_change: place.may(Ability::ManageHooks),
        may_import: place.may(Ability::ManagePackages),
        base_url: summary.base_url,
        account: summary.account,
    })
}

/// Asks the host now.
pub(super) async fn check(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    visit.form(app).await?;
    place.authorise(Ability::ManageHooks, false)?;
    let person = &place.person;
    let on = acting(app, visit.actor(Some(&person.account), &person.name));
    let answer = check_connection(&on, &place.organisation, id)
        .await
        .map(|account| match account.as_str() {
            "" => "The host answers".to_owned(),
            account => format!("The host answers, and knows the credential as {account}"),
        });
    lead(visit, &address(place, id), answer)
}
