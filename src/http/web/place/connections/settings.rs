//! What can be set of a connection: who registers webhooks, how often projects are compared, and groups whose one webhook tells
//! of all projects below.

use serde_json::{Value, json};

use crate::app::App;
use crate::error::Result;
use crate::http::api::connections::LONGEST_HOURS;
use crate::http::reply::Reply;
use crate::http::web::ask::Asking;
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::lists::lines_of;
use crate::http::web::place::connections::{address, crumbs, guide, load};
use crate::http::web::shell::Section;
use crate::http::web::visit::{Place, Visit};
use crate::providers::ProviderKind;
use crate::store::hooks::HookGroup;
use crate::store::host_pages::ConnectionSummary;
use crate::store::schedule::RECONCILE_HOURS;

/// Between a group and the repository to which new projects below it are added.
const ADDS_TO: &str = "->";

const HOOKS: [(&str, &str); 2] = [
    (
        "automatic",
        "Registered by themselves, where the credential may",
    ),
    ("manual", "Set up by hand"),
];

pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    let (summary, groups) = load(app, place, id, false).await?;
    render(app, visit, place, &summary, &groups, None)
}

pub(super) async fn send(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    let form = visit.form(app).await?;
    let (summary, groups) = load(app, place, id, false).await?;
    let path = format!("/connections/{id}");
    let faults = match hours_typed(&form) {
        Err(faults) => faults,
        Ok(hours) => {
            let body = asked(&form, hours, &summary, &groups);
            match place.ask(app, visit, "PATCH", &path, Some(&body)).await {
                Ok(_) => return Ok(visit.go_on(&address(place, id), "Saved")),
                Err(error) => Faults::of(error)?.by_list(),
            }
        }
    };
    render(app, visit, place, &summary, &groups, Some((&form, &faults)))
}

/// None for the default.
fn hours_typed(form: &Form) -> std::result::Result<Option<i64>, Faults> {
    let Some(typed) = form.optional("reconcile_hours") else {
        return Ok(None);
    };
    let hours = typed.parse().ok();
    if let Some(hours) = hours.filter(|hours| (1..=LONGEST_HOURS).contains(hours)) {
        return Ok(Some(hours));
    }
    let mut faults = Faults::none();
    let what = format!("Write a whole number from 1 to {LONGEST_HOURS}, or nothing");
    faults.add("reconcile_hours", what);
    Err(faults)
}

/// Whether the host, as it is connected, sends webhooks that somebody has to register.
fn has_hooks(summary: &ConnectionSummary) -> bool {
    let kind = ProviderKind::parse(&summary.provider);
    kind.is_some_and(|kind| guide::of(kind).hooks.is_some())
}

fn render(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    summary: &ConnectionSummary,
    groups: &[HookGroup],
    sent: Option<(&Form, &Faults)>,
) -> Result<Reply> {
    let mut asking = Asking::of(sent);
    // An installation's webhook is the app's own.
    if has_hooks(summary) && summary.github_app_id.is_none() {
        asking = asking.select("hooks", "Webhooks of new projects", &HOOKS, &summary.hooks);
    }
    let hours = summary.reconcile_hours.map(|hours| hours.to_string());
    asking = asking.field(
        Field::text("reconcile_hours", "Hours between two comparisons of a project")
            .optional()
            .value(hours.unwrap_or_default())
            .hint(format!(
                "1 to {LONGEST_HOURS}; {RECONCILE_HOURS} where nothing stands here. Webhooks bring what is new at once; a comparison \
                 finds what none told of"
            )),
    );
    if has_hooks(summary) {
        asking = asking.field(
            Field::lines("groups", "Groups that tell of all their projects")
                .optional()
                .value(lines_for(groups))
                .hint(format!(
                    "One a line, as acme or acme/tools: a single webhook of the group takes the place of those of its \
                     projects. Write acme/tools {ADDS_TO} main to have projects that appear below it added to the repository main"
                )),
        );
    }
    let title = "Settings of the connection";
    let crumbs = crumbs(place, summary);
    let shell = visit.shell_at(app, Section::Connections, title, crumbs)?;
    let back = address(place, &summary.id);
    asking
        .page(shell, format!("{back}/settings"), "Save", back)
        .reply()
}

/// The groups as they are typed.
fn lines_for(groups: &[HookGroup]) -> String {
    let line = |group: &HookGroup| match &group.repository {
        Some(repository) => format!("{} {ADDS_TO} {repository}", group.name),
        None => group.name.clone(),
    };
    groups.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn group_typed(line: &str) -> Value {
    match line.split_once(ADDS_TO) {
        Some((name, repository)) => {
            json!({"name": name.trim(), "repository": repository.trim(), "add_new": true})
        }
        None => json!({ "name": line }),
    }
}

/// What the API is asked for. Groups are only sent when they changed, since each is registered at the host anew.
fn asked(
    form: &Form,
    hours: Option<i64>,
    summary: &ConnectionSummary,
    groups: &[HookGroup],
) -> Value {
    let mut body = json!({ "reconcile_hours": hours });
    let mut add = |name: &str, value: Value| {
        if let Some(fields) = body.as_object_mut() {
            fields.insert(name.to_owned(), value);
        }
    };
    if let Some(hooks) = form.optional("hooks") {
        add("hooks", Value::from(hooks));
    }
    let typed = lines_of(form.raw("groups"));
    if has_hooks(summary) && typed != lines_of(&lines_for(groups)) {
        add(
            "groups",
            typed.iter().map(|line| group_typed(line)).collect(),
        );
    }
    body
}
