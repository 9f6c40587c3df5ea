//! For who was asked in: the link leads here, its secret behind `#`. Who has no account yet makes one; who has one signs in
//! and joins. An account that is there is never given a password by an invitation: whoever invites hands on the link.

use askama::Template;

use crate::app::App;
use crate::domain::password;
use crate::domain::token::{TokenHash, is_mistyped};
use crate::error::{Error, ErrorKind, Result};
use crate::http::api::people::{check_open, read_name};
use crate::http::auth::refuse;
use crate::http::reply::Reply;
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::login::Beginning;
use crate::http::web::new_password::{hash_password, read_password};
use crate::http::web::page::page_with;
use crate::http::web::shell::Shell;
use crate::http::web::visit::Visit;
use crate::store::audit::acting;
use crate::store::invitations::{Invitation, find_account, find_by_secret, join_by_invitation};
use crate::store::logins::insert_login_stmts;
use crate::store::suspensions::is_suspended;

/// What is left to do.
enum Left {
    /// The secret of the link.
    Paste,
    /// A name and a password.
    MakeAccount,
    /// One button.
    Join,
    /// To sign in as who was asked in.
    SignIn,
}

#[derive(Template)]
#[template(path = "invitation.html")]
struct InvitationPage {
    shell: Shell,
    left: Left,
    token: String,
    organisation: String,
    email: String,
    role: String,
    paste: Field,
    person: Vec<Field>,
    faults: Vec<String>,
}

pub(super) async fn show(app: &App, visit: &mut Visit) -> Result<Reply> {
    visit.find_person(app).await?;
    render(app, visit, 200, None, &Form::default(), &Faults::none()).await
}

async fn render(
    app: &App,
    visit: &mut Visit,
    status: u16,
    invitation: Option<&Invitation>,
    form: &Form,
    faults: &Faults,
) -> Result<Reply> {
    let left = match invitation {
        None => Left::Paste,
        Some(invitation) => match visit.find_person(app).await? {
            Some(person) if person.email == invitation.email => Left::Join,
            _ if find_account(app, &invitation.email).await?.is_some() => Left::SignIn,
            _ => Left::MakeAccount,
        },
    };
    let text = |get: fn(&Invitation) -> &String| invitation.map(get).cloned().unwrap_or_default();
    page_with(
        status,
        &InvitationPage {
            shell: visit.shell(app, "You are invited")?,
            left,
            token: form.text("token").to_owned(),
            organisation: text(|one| &one.organisation_name),
            email: text(|one| &one.email),
            role: text(|one| &one.role),
            paste: Field::text("token", "Invitation")
                .hint("What stands behind `#` in the link: it begins with `rpti_`")
                .typed(form, faults),
            person: vec![
                Field::text("name", "Your name")
                    .autocomplete("name")
                    .typed(form, faults),
                Field::password("password", "Password", "new-password")
                    .hint(format!("At least {} characters", password::SHORTEST))
                    .typed(form, faults),
            ],
            faults: faults.besides(&["token", "name", "password"]),
        },
    )
}

/// The secret that somebody pasted: the whole link will do.
fn secret_of(form: &Form) -> Option<TokenHash> {
    let text = form.text("token");
    let text = text.rsplit_once('#').map_or(text, |(_, secret)| secret);
    (!text.is_empty() && !is_mistyped(text)).then(|| TokenHash::of(text))
}

pub(super) async fn send(app: &App, visit: &mut Visit) -> Result<Reply> {
    let form = visit.form(app).await?;
    let person = visit.find_person(app).await?;
    let mut faults = Faults::none();
    let secret = secret_of(&form);
    let found = match &secret {
        Some(secret) => find_by_secret(app, secret).await?,
        None => None,
    };
    let (Some(invitation), Some(secret)) = (found, secret) else {
        let why = Error::new(
            ErrorKind::NotFound,
            "There is no such invitation: open the whole link again, or ask for another one",
        );
        let why = refuse(app, &visit.request, why).await;
        let status = if why.wait().is_some() { 429 } else { 404 };
        faults.add("token", why.message());
        return render(app, visit, status, None, &form, &faults).await;
    };
    if let Err(error) = check_open(&invitation) {
        faults.add("token", error.message());
        return render(app, visit, 409, None, &form, &faults).await;
    }
    if is_suspended(app, invitation.organisation_id).await? {
        faults.add(
            "token",
            "The organisation is suspended, so nobody can join it now; open the link again when that is over",
        );
        return render(app, visit, 403, None, &form, &faults).await;
    }
    if !form.is_ticked("accept") {
        return render(app, visit, 200, Some(&invitation), &form, &faults).await;
    }
    if let Some(person) = person.filter(|person| person.email == invitation.email) {
        let on = acting(app, visit.actor(Some(&person.account), &person.name));
        if join_by_invitation(&on, &secret, &person.account, &person.name, None).await? {
            let to = format!("/ui/{}", invitation.organisation_slug);
            return Ok(visit.go_on(&to, "You are a member now"));
        }
        faults.add("token", ALREADY);
        return render(app, visit, 409, None, &form, &faults).await;
    }
    if find_account(app, &invitation.email).await?.is_some() {
        return render(app, visit, 409, Some(&invitation), &form, &faults).await;
    }
    let name = read_name(form.text("name").to_owned());
    if let Err(error) = &name {
        faults.add("name", error.to_string());
    }
    read_password(&form, &invitation.email, form.text("name"), &mut faults);
    let (Ok(name), true) = (name, faults.is_empty()) else {
        return render(app, visit, 422, Some(&invitation), &form, &faults).await;
    };
    let account = app.random_id()?;
    let hash = hash_password(app, form.raw("password"))?;
    // Whoever has the link is who was asked in: more is not known of her.
    let on = acting(app, visit.actor(None, &invitation.email));
    if !join_by_invitation(&on, &secret, &account, &name, Some(&hash)).await? {
        faults.add("token", ALREADY);
        return render(app, visit, 409, None, &form, &faults).await;
    }
    let beginning = Beginning::of(app, visit)?;
    let login = beginning.login(&account, "invitation", false);
    on.db.batch(insert_login_stmts(&login, app.now())).await?;
    visit.sign_in(&beginning.secret);
    let to = format!("/ui/{}", invitation.organisation_slug);
    Ok(visit.go_on(&to, "Welcome"))
}

const ALREADY: &str =
    "This invitation was used meanwhile, or you are a member already and not as it says";
