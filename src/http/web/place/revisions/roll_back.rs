//! Rolling a repository back: a page that says what that means and wants its name typed. The API does it, and audits.

use askama::Template;
use serde_json::{Value, json};

use crate::app::App;
use crate::domain::access::Ability;
use crate::error::Result;
use crate::http::api::missing;
use crate::http::reply::Reply;
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::page::{Moment, page_with};
use crate::http::web::place::revisions::{address, shell_below};
use crate::http::web::shell::Shell;
use crate::http::web::visit::{Place, Visit};
use crate::store::revisions::find_revisions;

#[derive(Template)]
#[template(path = "place/revisions/roll_back.html")]
struct RollBackPage {
    shell: Shell,
    action: String,
    history: String,
    compare: String,
    number: i64,
    time: Moment,
    confirm: Field,
    faults: Vec<String>,
}

/// Asks.
pub(super) async fn show(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    slug: &str,
    number: i64,
) -> Result<Reply> {
    render(app, visit, place, slug, number, None).await
}

/// Does it.
pub(super) async fn send(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    slug: &str,
    number: i64,
) -> Result<Reply> {
    let form = visit.form(app).await?;
    place.authorise(Ability::ManagePackages, false)?;
    let path = format!("/repositories/{slug}/rollback");
    let body = json!({"revision": number, "confirm": form.text("confirm")});
    match place.ask(app, visit, "POST", &path, Some(&body)).await {
        Ok(done) => Ok(visit.go_on(&address(place, slug), &say(number, &done))),
        Err(error) => {
            let faults = Faults::of(error)?;
            render(app, visit, place, slug, number, Some((&form, &faults))).await
        }
    }
}

fn say(number: i64, done: &Value) -> String {
    let revision = done
        .get("revision")
        .and_then(Value::as_i64)
        .unwrap_or_default();
    let kept = done
        .get("kept")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    let said = format!("Revision {revision} holds what revision {number} held");
    match kept {
        0 => said,
        1 => format!("{said}, but for one package that cannot come back"),
        kept => format!("{said}, but for {kept} packages that cannot come back"),
    }
}

async fn render(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    slug: &str,
    number: i64,
    typed: Option<(&Form, &Faults)>,
) -> Result<Reply> {
    place.authorise(Ability::ManagePackages, false)?;
    let (repository, revisions) = find_revisions(app, &place.organisation.slug, slug, &[number])
        .await?
        .ok_or_else(|| missing("repository"))?;
    let revision = revisions
        .into_iter()
        .next()
        .ok_or_else(|| missing("revision"))?;
    let history = address(place, &repository.slug);
    let confirm = Field::text("confirm", "Type the name of the repository").hint(&*repository.slug);
    let confirm = match typed {
        Some((form, faults)) => {
            let mut field = confirm.typed(form, faults);
            // The API's answer is about JSON.
            field.error = field.error.map(|_| format!("Type {}", repository.slug));
            field
        }
        None => confirm,
    };
    let title = format!("Roll back to revision {number}");
    page_with(
        if typed.is_some() { 422 } else { 200 },
        &RollBackPage {
            shell: shell_below(app, visit, place, &repository, &title, Vec::new())?,
            action: format!("{history}/{number}/roll-back"),
            compare: format!(
                "{history}/compare?from={}&to={number}",
                repository.head.revision
            ),
            history,
            number,
            time: Moment::of(revision.time),
            confirm,
            faults: typed.map_or_else(Vec::new, |(_, faults)| faults.besides(&["confirm"])),
        },
    )
}
