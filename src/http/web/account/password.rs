//! Changing one's password: whoever sits at an open browser does not know the one there is.

use askama::Template;

use crate::app::App;
use crate::domain::password;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::web::account::proof::{self, CURRENT, refuse_wrong_password};
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::new_password::{hash_password, read_password};
use crate::http::web::page::page_with;
use crate::http::web::shell::Shell;
use crate::http::web::visit::Visit;
use crate::store::audit::acting;
use crate::store::passwords::change_password;

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
                proof::field().typed(form, faults),
                Field::password("password", "New password", "new-password")
                    .hint(format!("At least {} characters", password::SHORTEST))
                    .typed(form, faults),
            ],
            faults: faults.besides(&[CURRENT, "password"]),
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
    let refused = refuse_wrong_password(app, visit, &person, &form, &mut faults).await?;
    if let Some(status) = refused {
        return render(app, visit, status, &form, &faults).await;
    }
    let on = acting(app, visit.actor(Some(&person.account), &person.name));
    let hash = hash_password(app, form.raw("password"))?;
    change_password(&on, &person.account, &hash, &person.login).await?;
    Ok(visit.go_on(
        "/ui/account",
        "You have another password, and all other browsers are signed out",
    ))
}
