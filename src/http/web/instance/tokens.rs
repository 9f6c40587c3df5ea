//! The tokens that may do everything everywhere: for programs that set up organisations, and for monitors.

use askama::Template;
use serde_json::{Value, json};

use super::{ADDRESS, shell};
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::api::paging::{Page, moment_key};
use crate::http::reply::Reply;
use crate::http::web::ask_twice::AskTwice;
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::lists::lead_on;
use crate::http::web::page::{Moment, page, page_with};
use crate::http::web::shell::{Crumb, Shell};
use crate::http::web::visit::Visit;
use crate::http::web::ways::with_query;
use crate::store::tokens::list_owner_tokens;

/// So many are on a page.
const ROWS: i64 = 50;

struct ShownToken {
    address: String,
    name: String,
    hint: String,
    made: Moment,
    used: Option<Moment>,
    ends: Option<Moment>,
    is_revoked: bool,
}

#[derive(Template)]
#[template(path = "instance/tokens.html")]
struct TokensPage {
    shell: Shell,
    address: String,
    /// The one that was just made: shown in this answer and in no other.
    made: Option<String>,
    tokens: Vec<ShownToken>,
    first: Option<String>,
    next: Option<String>,
    name: Field,
    expires: Field,
    faults: Vec<String>,
}

fn address() -> String {
    format!("{ADDRESS}/tokens")
}

pub(super) async fn show(app: &App, visit: &mut Visit) -> Result<Reply> {
    visit.own(app).await?;
    let (form, faults) = (Form::default(), Faults::none());
    render(app, visit, &form, &faults, None).await
}

async fn render(
    app: &App,
    visit: &mut Visit,
    form: &Form,
    faults: &Faults,
    made: Option<String>,
) -> Result<Reply> {
    let here = address();
    let cut = Page::of(&visit.request)?.at_most(ROWS);
    let mut tokens = list_owner_tokens(app, None, cut.after_moment(), cut.rows()).await?;
    let next = cut.cut(&mut tokens, |last| moment_key(last.created_at, &last.id));
    let tokens = tokens
        .into_iter()
        .map(|row| ShownToken {
            address: format!("{here}/{}", row.id),
            name: row.name,
            hint: row.hint,
            made: Moment::of(row.created_at),
            used: row.last_used_at.map(Moment::of),
            ends: row.expires_at.map(Moment::of),
            is_revoked: row.revoked_at.is_some(),
        })
        .collect();
    let status = match (&made, faults.is_empty()) {
        (Some(_), _) => 201,
        (None, true) => 200,
        (None, false) => 422,
    };
    page_with(
        status,
        &TokensPage {
            shell: shell(app, visit, "Owner's tokens", Vec::new())?,
            made,
            tokens,
            name: Field::text("name", "Name")
                .hint("What it is for, such as: monitoring")
                .typed(form, faults),
            expires: Field {
                kind: "date",
                ..Field::text("expires_at", "Last day").optional()
            }
            .hint("In UTC; without it, it ends never")
            .typed(form, faults),
            faults: faults.besides(&["name", "expires_at"]),
            first: cut.after().map(|_| here.clone()),
            next: next.map(|cursor| with_query(&here, &[("cursor", &cursor)])),
            address: here,
        },
    )
}

/// Makes one, and shows it once.
pub(super) async fn make(app: &App, visit: &mut Visit) -> Result<Reply> {
    let form = visit.form(app).await?;
    let owner = visit.own(app).await?;
    let ends = form.optional("expires_at");
    let asked = json!({
        "name": form.text("name"),
        "expires_at": ends.map(|day| format!("{day}T23:59:59Z")),
    });
    match owner.ask(app, visit, "POST", "/tokens", Some(&asked)).await {
        Ok(made) => {
            let secret = made.get("token").and_then(Value::as_str).map(str::to_owned);
            let (form, faults) = (Form::default(), Faults::none());
            render(app, visit, &form, &faults, secret).await
        }
        Err(error) => {
            let faults = Faults::of(error)?;
            render(app, visit, &form, &faults, None).await
        }
    }
}

/// Asks whether one is to end.
pub(super) async fn ask(app: &App, visit: &mut Visit, id: &str) -> Result<Reply> {
    visit.own(app).await?;
    let tokens = list_owner_tokens(app, Some(id), None, 1).await?;
    let token = tokens
        .into_iter()
        .find(|row| row.revoked_at.is_none())
        .ok_or_else(|| Error::not_found("There is no such token in force"))?;
    let crumbs = vec![Crumb::new("Owner's tokens", address())];
    let shell = shell(app, visit, "Revoke this token?", crumbs)?;
    page(&AskTwice {
        shell,
        consequences: vec![format!(
            "“{}” is refused everywhere within ten seconds, and cannot be taken back.",
            token.name
        )],
        action: format!("{}/{id}/revoke", address()),
        fields: Vec::new(),
        faults: Vec::new(),
        button: "Revoke it".to_owned(),
        back: address(),
    })
}

/// Ends one.
pub(super) async fn revoke(app: &App, visit: &mut Visit, id: &str) -> Result<Reply> {
    visit.form(app).await?;
    let owner = visit.own(app).await?;
    let path = format!("/tokens/{id}");
    let answer = owner.ask(app, visit, "DELETE", &path, None).await;
    lead_on(visit, &address(), answer, "The token is revoked")
}
