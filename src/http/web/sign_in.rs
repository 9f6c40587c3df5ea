//! Signing in by a password, and out.

use askama::Template;

use crate::app::App;
use crate::domain::email::Email;
use crate::domain::password;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::login::{Beginning, counted_address};
use crate::http::web::page::page_with;
use crate::http::web::passkey_form::{PasskeyForm, Purpose};
use crate::http::web::second_step;
use crate::http::web::shell::Shell;
use crate::http::web::visit::{Visit, own_path, redirect};
use crate::store::audit::acting;
use crate::store::logins::{Ending, end_logins};
use crate::store::passwords::{WINDOW, begin_attempt, end_attempt, note_refused};

/// One sentence for a wrong password and for an address that nobody has.
const WRONG: &str = "The address or the password is wrong";

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    shell: Shell,
    /// What a browser needs to ask for a passkey; none where there can be none.
    passkey: Option<PasskeyForm>,
    next: String,
    email: Field,
    password: Field,
    faults: Vec<String>,
}

/// Where to go afterwards.
pub(super) fn next_of(text: &str) -> String {
    own_path(text).unwrap_or_default().to_owned()
}

/// Where that is, when it was not said.
pub(super) fn after(next: &str) -> &str {
    if next.is_empty() { "/ui" } else { next }
}

pub(super) async fn show(app: &App, visit: &mut Visit) -> Result<Reply> {
    let next = visit.request.query_parameter("next").unwrap_or_default();
    let next = next_of(&next);
    if visit.find_person(app).await?.is_some() {
        return Ok(redirect(after(&next)));
    }
    render(app, visit, 200, &Form::default(), &Faults::none(), next).await
}

/// The page; `form` is what was typed.
pub(super) async fn render(
    app: &App,
    visit: &mut Visit,
    status: u16,
    form: &Form,
    faults: &Faults,
    next: String,
) -> Result<Reply> {
    let shell = visit.shell(app, "Sign in")?;
    page_with(
        status,
        &SignInPage {
            shell,
            passkey: PasskeyForm::make(app, visit, Purpose::SignIn).await,
            next,
            email: Field::email("email", "E-mail").typed(form, faults),
            password: Field::password("password", "Password", "current-password")
                .typed(form, faults),
            faults: faults.besides(&["email", "password"]),
        },
    )
}

pub(super) async fn send(app: &App, visit: &mut Visit) -> Result<Reply> {
    let form = visit.form(app).await?;
    let next = next_of(form.text("next"));
    let mut faults = Faults::none();
    let email = match Email::parse(form.text("email")) {
        Ok(email) => email,
        Err(error) => {
            faults.add("email", error.to_string());
            return render(app, visit, 422, &form, &faults, next).await;
        }
    };
    let attempt = begin_attempt(app, email.as_str(), &counted_address(visit)).await?;
    if attempt.is_too_many {
        let minutes = WINDOW / 60;
        faults.add(
            "",
            format!("There were too many attempts. Wait {minutes} minutes, then try again"),
        );
        let reply = render(app, visit, 429, &form, &faults, next).await?;
        return Ok(reply.with("retry-after", WINDOW.to_string()));
    }
    let account = attempt.account.as_ref();
    let hash = account.and_then(|account| account.hash.as_deref());
    let is_right = password::verify(form.raw("password"), hash)?;
    let Some(account) = account.filter(|_| is_right) else {
        let on = acting(app, visit.actor(None, email.as_str()));
        note_refused(&on, email.as_str(), "password").await?;
        faults.add("", WRONG);
        return render(app, visit, 422, &form, &faults, next).await;
    };
    let beginning = Beginning::of(app, visit)?;
    let on = acting(app, visit.actor(Some(&account.id), &account.name));
    let is_half = account.has_second_factor != 0;
    let login = beginning.login(&account.id, "password", is_half);
    end_attempt(&on, &attempt, &login).await?;
    if is_half {
        visit.sign_in_half(&beginning.secret);
        return Ok(redirect(&second_step::address(&next)));
    }
    visit.sign_in(&beginning.secret);
    Ok(redirect(after(&next)))
}

/// Ends the login, here and in the browser.
pub(super) async fn sign_out(app: &App, visit: &mut Visit) -> Result<Reply> {
    visit.form(app).await?;
    if let Some(person) = visit.find_person(app).await? {
        let on = acting(app, visit.actor(Some(&person.account), &person.name));
        end_logins(&on, &person.account, Ending::One(&person.login)).await?;
    }
    visit.sign_out();
    Ok(visit.go_on("/ui/sign-in", "You are signed out"))
}
