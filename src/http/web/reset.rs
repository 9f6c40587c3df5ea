//! A link to choose another password, for who forgot hers. An owner makes it and hands it on.

use askama::Template;

use crate::app::App;
use crate::domain::access::{Ability, Role};
use crate::domain::password;
use crate::domain::token::{PlainToken, TokenHash, TokenKind, is_mistyped};
use crate::error::{Error, ErrorKind, Result};
use crate::http::auth::refuse;
use crate::http::reply::Reply;
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::new_password::{hash_password, read_password};
use crate::http::web::page::{page, page_with};
use crate::http::web::shell::{Crumb, Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::store::audit::acting;
use crate::store::logins::Visitor;
use crate::store::members::{Member, find_member};
use crate::store::passwords::{self as store, Reset};

#[derive(Template)]
#[template(path = "reset.html")]
struct ResetPage {
    shell: Shell,
    token: String,
    /// Whose password it is; empty as long as the secret is not there.
    email: String,
    paste: Field,
    password: Field,
}

pub(super) fn show(app: &App, visit: &mut Visit) -> Result<Reply> {
    render(app, visit, 200, None, &Form::default(), &Faults::none())
}

fn render(
    app: &App,
    visit: &mut Visit,
    status: u16,
    reset: Option<&Reset>,
    form: &Form,
    faults: &Faults,
) -> Result<Reply> {
    page_with(
        status,
        &ResetPage {
            shell: visit.shell(app, "Choose another password")?,
            token: form.text("token").to_owned(),
            email: reset.map(|reset| reset.email.clone()).unwrap_or_default(),
            paste: Field::text("token", "Link")
                .hint("What stands behind `#` in the link: it begins with `rptr_`")
                .typed(form, faults),
            password: Field::password("password", "New password", "new-password")
                .hint(format!("At least {} characters", password::SHORTEST))
                .typed(form, faults),
        },
    )
}

pub(super) async fn send(app: &App, visit: &mut Visit) -> Result<Reply> {
    let form = visit.form(app).await?;
    let mut faults = Faults::none();
    let text = form.text("token");
    let text = text.rsplit_once('#').map_or(text, |(_, secret)| secret);
    let secret = TokenHash::of(text);
    let found = if is_mistyped(text) {
        None
    } else {
        store::find_reset(app, &secret).await?
    };
    let Some(reset) = found else {
        let why = Error::new(
            ErrorKind::NotFound,
            "This link is good no more: it was used, is a day old, or is not whole. Ask for another one",
        );
        let why = refuse(app, &visit.request, why).await;
        let status = if why.wait().is_some() { 429 } else { 404 };
        faults.add("token", why.message());
        return render(app, visit, status, None, &form, &faults);
    };
    if !form.is_ticked("password") {
        return render(app, visit, 200, Some(&reset), &form, &faults);
    }
    read_password(&form, &reset.email, &reset.name, &mut faults);
    if !faults.is_empty() {
        return render(app, visit, 422, Some(&reset), &form, &faults);
    }
    let hash = hash_password(app, form.raw("password"))?;
    let on = acting(app, visit.actor(Some(&reset.account), &reset.name));
    if !store::use_reset(&on, &secret, &hash).await? {
        faults.add("token", "This link was used meanwhile. Ask for another one");
        return render(app, visit, 409, None, &form, &faults);
    }
    // Signing in asks for the second factor, where there is one.
    visit.sign_out();
    Ok(visit.go_on("/ui/sign-in", "You have another password. Sign in with it"))
}

#[derive(Template)]
#[template(path = "place/reset_link.html")]
struct LinkPage {
    shell: Shell,
    name: String,
    link: String,
}

/// The member whom the visitor may help in again. Who may: the owner of the instance, and whoever manages people, for
/// members who are nowhere else and may not more than he: else he could become somebody that he is not.
pub(super) async fn find_helped(app: &App, place: &Place, account: &str) -> Result<Member> {
    let caller = place.authorise(Ability::ManageMembers, false)?;
    let missing = || Error::not_found("There is no such member");
    let member = find_member(app, place.organisation.id, account).await?;
    let member = member.ok_or_else(missing)?;
    let role = Role::parse(&member.role).ok_or_else(missing)?;
    let is_elsewhere = store::is_elsewhere(app, account, place.organisation.id).await?;
    if !place.person.is_owner() && (is_elsewhere || !role.is_named_by(caller.abilities)) {
        return Err(Error::new(
            ErrorKind::Forbidden,
            "This person is in other organisations too, or may more than you: ask the owner of this instance to do it",
        ));
    }
    Ok(member)
}

/// Makes the link for a member, and shows it once.
pub(super) async fn make_link(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    account: &str,
) -> Result<Reply> {
    visit.form(app).await?;
    let member = find_helped(app, place, account).await?;
    let people = format!("/ui/{}/people", place.organisation.slug);
    let crumbs = vec![Crumb::new("People", people)];
    let shell = visit.shell_at(app, Section::People, LINK_TITLE, crumbs)?;
    hand_out(app, visit, &place.person, account, member.name, shell).await
}

/// What the page with the link is called.
pub(super) const LINK_TITLE: &str = "Link for another password";

/// Makes the link for an account, and shows it once. Who may is for the caller to have looked at.
pub(super) async fn hand_out(
    app: &App,
    visit: &Visit,
    by: &Visitor,
    account: &str,
    name: String,
    shell: Shell,
) -> Result<Reply> {
    let secret = PlainToken::generate(TokenKind::Reset, |buffer| app.entropy.fill(buffer))?;
    let on = acting(app, visit.actor(Some(&by.account), &by.name));
    store::insert_reset(&on, &app.random_id()?, account, &secret).await?;
    page(&LinkPage {
        shell,
        name,
        link: format!("{}/ui/reset#{}", app.config.public_url, secret.reveal()),
    })
}
