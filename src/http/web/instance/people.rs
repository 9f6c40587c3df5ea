//! Everybody who has an account.

use askama::Template;
use serde::Deserialize;

use super::{ADDRESS, shell};
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::api::paging::Page;
use crate::http::reply::Reply;
use crate::http::web::field::Field;
use crate::http::web::page::{Moment, page};
use crate::http::web::reset::{LINK_TITLE, hand_out};
use crate::http::web::shell::{Crumb, Shell};
use crate::http::web::visit::Visit;
use crate::http::web::ways::with_query;
use crate::store::instance::{find_account_name, list_accounts};

/// An organisation that somebody is in.
#[derive(Deserialize)]
struct Membership {
    slug: String,
    name: String,
    role: String,
}

struct ShownAccount {
    id: String,
    name: String,
    email: String,
    is_owner: bool,
    memberships: Vec<Membership>,
    made: Moment,
    seen: Option<Moment>,
}

#[derive(Template)]
#[template(path = "instance/people.html")]
struct PeoplePage {
    shell: Shell,
    address: String,
    search: Field,
    is_filtered: bool,
    accounts: Vec<ShownAccount>,
    first: Option<String>,
    next: Option<String>,
}

pub(super) async fn show(app: &App, visit: &mut Visit) -> Result<Reply> {
    visit.own(app).await?;
    let at = Page::of(&visit.request)?;
    let words = visit.request.query_parameter("words").unwrap_or_default();
    let asked = Some(words.trim()).filter(|words| !words.is_empty());
    let mut rows = list_accounts(app, asked, at.after(), at.rows()).await?;
    let next = at.cut(&mut rows, |row| row.email.clone());
    let address = format!("{ADDRESS}/people");
    let to = |cursor: &str| with_query(&address, &[("words", &words), ("cursor", cursor)]);
    let accounts = rows
        .into_iter()
        .map(|row| ShownAccount {
            is_owner: row.owns_instance != 0,
            memberships: serde_json::from_str(&row.places).unwrap_or_default(),
            made: Moment::of(row.created_at),
            seen: row.last_seen_at.map(Moment::of),
            id: row.id,
            name: row.name,
            email: row.email,
        })
        .collect();
    page(&PeoplePage {
        shell: shell(app, visit, "People", Vec::new())?,
        search: Field::text("words", "Name or e-mail")
            .optional()
            .value(&words),
        is_filtered: asked.is_some() || at.after().is_some(),
        accounts,
        first: at.after().map(|_| to("")),
        next: next.map(|cursor| to(&cursor)),
        address,
    })
}

/// Makes a link for another password, for anybody, and shows it once.
pub(super) async fn make_link(app: &App, visit: &mut Visit, account: &str) -> Result<Reply> {
    visit.form(app).await?;
    let owner = visit.own(app).await?;
    let name = find_account_name(app, account)
        .await?
        .ok_or_else(|| Error::not_found("There is no such account"))?;
    let crumbs = vec![Crumb::new("People", format!("{ADDRESS}/people"))];
    let shell = shell(app, visit, LINK_TITLE, crumbs)?;
    hand_out(app, visit, &owner.person, account, name, shell).await
}
