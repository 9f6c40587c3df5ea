//! Changing one's password: whoever sits at an open browser does not know the one there is.

use askama::Template;

use crate::app::App;
use crate::domain::password;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::login::counted_address;
use crate::http::web::new_password::{hash_password, read_password};
use crate::http::web::page::page_with;
use crate::http::web::shell::Shell;
use crate::http::web::visit::Visit;
use crate::store::audit::acting;
use crate::store::passwords::{begin_attempt, change_password, note_refused};

#[derive(Template)]
#[template(path = "account/password.html")]
struct PasswordPage {
    shell: Shell,
    email: String,
    fields: Vec<Field>,
    faults: Vec<String>,
}

pub(super) async fn show(app: &App, visit: &mut Visit) -> Result<Reply> {
    render(app, visit, 200, &Form::default(), &Faults::none()).await
}

async fn render(
    app: &App,
    visit: &mut Visit,
    status: u16,
    form: &Form,
    faults: &Faults,
) -> Result<Reply> {
    let person = visit.person(app).await?;
    page_with(
        status,
        &PasswordPage {
            shell: visit.shell(app, "Change the password")?,
            email: person.email.clone(),
            fields: vec![
                Field::password("current", "Current password", "current-password")
                    .typed(form, faults),
                Field::password("password", "New password", "new-password")
                    .hint(format!("At least {} characters", password::SHORTEST))
                    .typed(form, faults),
            ],
            faults: faults.besides(&["current", "password"]),
        },
    )
}

pub(super) async fn send(app: &App, visit: &mut Visit) -> Result<Reply> {
    let form = visit.form(app).await?;
    let person = visit.person(app).await?;
    let mut faults = Faults::none();
    read_password(&form, &person.email, &person.name, &mut faults);
    if !faults.is_empty() {
        return render(app, visit, 422, &form, &faults).await;
    }
    // A guess here is a guess as at the sign-in, and counts as one.
    let attempt = begin_attempt(app, &person.email, &counted_address(visit)).await?;
    if attempt.is_too_many {
        faults.add(
            "current",
            "There were too many attempts. Wait a quarter of an hour",
        );
        return render(app, visit, 429, &form, &faults).await;
    }
    let hash = attempt.account.and_then(|account| account.hash);
    let on = acting(app, visit.actor(Some(&person.account), &person.name));
    if !password::verify(form.raw("current"), hash.as_deref())? {
        note_refused(&on, &person.email, "password").await?;
        faults.add("current", "This is not your current password");
        return render(app, visit, 422, &form, &faults).await;
    }
    let hash = hash_password(app, form.raw("password"))?;
    change_password(&on, &person.account, &hash, &person.login).await?;
    Ok(visit.go_on(
        "/ui/account",
        "You have another password, and all other browsers are signed out",
    ))
}
