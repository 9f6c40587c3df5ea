//! A customer puts another token in the place of the one with which it signed in. It is shown once, in the answer to the form
//! itself; what it may see and from where is the same as before.

use askama::Template;

use crate::app::App;
use crate::domain::token::{PlainToken, TokenKind};
use crate::error::{Error, Result};
use crate::http::actor::actor_of;
use crate::http::reply::Reply;
use crate::http::web::buyer::Buyer;
use crate::http::web::page::{Moment, page};
use crate::http::web::shell::Shell;
use crate::http::web::visit::Visit;
use crate::store::audit::acting;
use crate::store::customer_logins::move_customer_login;
use crate::store::tokens::rotate_token;

/// For so many seconds the token of before goes on.
const OVERLAP: i64 = 24 * 3_600;

#[derive(Template)]
#[template(path = "buyer/rotate.html")]
struct RotatePage {
    shell: Shell,
    customer: String,
    here: &'static str,
    name: String,
    hint: String,
    made: Moment,
    ends: Option<Moment>,
    notice: Option<String>,
    is_barred: bool,
    is_replaced: bool,
    /// The new one, this once, with what is typed at a terminal.
    token: Option<(String, String)>,
}

pub(super) async fn show(app: &App, visit: &mut Visit) -> Result<Reply> {
    let buyer = Buyer::enter(app, visit).await?;
    render(app, visit, &buyer, None)
}

fn render(
    app: &App,
    visit: &mut Visit,
    buyer: &Buyer,
    token: Option<&PlainToken>,
) -> Result<Reply> {
    let login = &buyer.login;
    let public_url = &app.config.public_url;
    let host = public_url.split_once("://").map_or("", |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default();
    page(&RotatePage {
        shell: visit.shell(app, "Your token")?,
        customer: login.name.clone(),
        here: "token",
        name: login.token_name.clone(),
        hint: login.hint.clone(),
        made: Moment::of(login.token_created_at),
        ends: login.token_expires_at.map(Moment::of),
        notice: buyer.notice(),
        is_barred: buyer.principal.bar.is_some(),
        is_replaced: login.replaced_by.is_some(),
        token: token.map(|token| {
            let command = format!(
                "composer config --global --auth http-basic.{host} token {}",
                token.reveal()
            );
            (token.reveal().to_owned(), command)
        }),
    })
}

pub(super) async fn send(app: &App, visit: &mut Visit) -> Result<Reply> {
    visit.form(app).await?;
    let buyer = Buyer::enter(app, visit).await?;
    let login = &buyer.login;
    // Who gets nothing makes nothing.
    crate::http::api::refuse_barred(&buyer.principal)?;
    let token = PlainToken::generate(TokenKind::Customer, |buffer| app.entropy.fill(buffer))?;
    let new = app.random_id()?;
    let on = acting(app, actor_of(&visit.request, &buyer.principal));
    let ends_at = app.now().saturating_add(OVERLAP);
    let organisation = login.organisation_id;
    if !rotate_token(&on, organisation, &login.token, &new, &token, ends_at).await? {
        return Err(Error::conflict(
            "This token was replaced already: sign in with the new one",
        ));
    }
    move_customer_login(&on, login, &new).await?;
    render(app, visit, &buyer, Some(&token))
}
