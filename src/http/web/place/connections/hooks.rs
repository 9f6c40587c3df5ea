//! The webhooks of a connection's projects: where the host tells what happens, which are registered, and what came of late.

use askama::Template;

use crate::app::App;
use crate::domain::access::Ability;
use crate::domain::name::PackageName;
use crate::error::{Error, Result};
use crate::http::api::connections::find_own;
use crate::http::api::hooks::state_of;
use crate::http::api::paging::Page;
use crate::http::reply::Reply;
use crate::http::web::page::{Moment, page};
use crate::http::web::place::connections::{address, crumbs_of, lead, name_of};
use crate::http::web::place::deliveries::ShownDelivery;
use crate::http::web::place::packages;
use crate::http::web::shell::{Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::with_query;
use crate::providers::ProviderKind;
use crate::store::connections::Connection;
use crate::store::host_pages::{HookRow, load_hooks};

/// Deliveries that are shown here; the others have a list of their own.
const DELIVERIES: i64 = 10;

struct ShownHook {
    project: String,
    /// Name and page.
    package: Option<(String, String)>,
    class: &'static str,
    word: String,
    reason: Option<String>,
    heard: Option<Moment>,
    may_register: bool,
    may_remove: bool,
}

#[derive(Template)]
#[template(path = "place/connections/hooks.html")]
struct HooksPage {
    shell: Shell,
    address: String,
    url: String,
    generic: String,
    events: String,
    is_app: bool,
    hooks: Vec<ShownHook>,
    first: Option<String>,
    next: Option<String>,
    deliveries: Vec<ShownDelivery>,
    all_deliveries: String,
    may_change: bool,
}

pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    place.authorise(Ability::ManageHooks, true)?;
    let organisation = &place.organisation;
    let connection = find_own(app, organisation, id).await?;
    let asked = Page::of(&visit.request)?;
    let after = asked.after().unwrap_or_default();
    let (mut hooks, deliveries) =
        load_hooks(app, organisation.id, id, after, asked.rows(), DELIVERIES).await?;
    let next = asked.cut(&mut hooks, |last| last.full_name.clone());
    let here = format!("{}/hooks", address(place, id));
    let kind = ProviderKind::parse(&connection.provider);
    let title = name_of(
        &connection.provider,
        &connection.account,
        &connection.base_url,
    );
    let crumbs = crumbs_of(place, id, title);
    let may_change = place.may(Ability::ManageHooks);
    let shell = visit.shell_at(app, Section::Connections, "Webhooks", crumbs)?;
    page(&HooksPage {
        shell,
        address: address(place, id),
        url: connection.webhook_url(app),
        generic: connection.generic_hook_url(app),
        events: kind.map_or_else(String::new, |kind| kind.webhook_events().join(", ")),
        is_app: connection.github_app_id.is_some(),
        hooks: hooks
            .into_iter()
            .map(|hook| show_hook(place, &connection, hook, may_change))
            .collect(),
        first: asked.after().map(|_| here.clone()),
        next: next.map(|cursor| with_query(&here, &[("cursor", cursor.as_str())])),
        deliveries: deliveries
            .iter()
            .map(|row| ShownDelivery::of(place, row))
            .collect::<Result<_>>()?,
        all_deliveries: with_query(
            &format!("/ui/{}/hooks", organisation.slug),
            &[("connection", id)],
        ),
        may_change,
    })
}

fn show_hook(place: &Place, connection: &Connection, hook: HookRow, may: bool) -> ShownHook {
    let state = state_of(
        connection,
        hook.state.as_deref(),
        hook.covering_group.as_deref(),
    );
    let (class, word) = match state {
        "registered" => ("good", "registered".to_owned()),
        "app" => ("good", "by the GitHub App".to_owned()),
        "group" => (
            "good",
            format!("by {}", hook.covering_group.as_deref().unwrap_or("a group")),
        ),
        "refused" => ("bad", "refused by the host".to_owned()),
        "waiting" => ("", "with the next comparison".to_owned()),
        _ => ("warn", "not registered".to_owned()),
    };
    let has_own = hook.package.is_some() && may;
    ShownHook {
        class,
        word,
        reason: hook.reason,
        heard: hook.last_heard_at.map(Moment::of),
        may_register: has_own
            && connection.provider != ProviderKind::Git.as_str()
            && matches!(state, "refused" | "waiting" | "manual"),
        may_remove: has_own && state == "registered",
        package: hook
            .package
            .map(|name| (packages::address(place, &name), name)),
        project: hook.full_name,
    }
}

/// Registers the webhook of a package's project, or removes it.
pub(super) async fn act(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    id: &str,
    method: &str,
) -> Result<Reply> {
    let form = visit.form(app).await?;
    place.authorise(Ability::ManageHooks, false)?;
    let name = PackageName::parse(form.text("package"))
        .map_err(|error| Error::invalid(error.to_string()))?;
    let path = format!("/packages/{}/hook", name.as_str());
    let answer = place.ask(app, visit, method, &path, None).await;
    let said = if method == "POST" {
        format!("The webhook of {} is registered", name.as_str())
    } else {
        format!("The webhook of {} is removed", name.as_str())
    };
    let to = format!("{}/hooks", address(place, id));
    lead(visit, &to, answer.map(|_| said))
}
