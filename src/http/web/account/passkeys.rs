//! Passkeys of one's own: what there are, another one, one less.

use askama::Template;

use crate::app::App;
use crate::domain::passkey::register;
use crate::error::{ErrorKind, Result};
use crate::http::reply::Reply;
use crate::http::web::account::proof::{self, CURRENT, refuse_unproven};
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::page::{Moment, page_with};
use crate::http::web::passkey_form::{Asked, PasskeyForm, Purpose, bytes_of, text_of};
use crate::http::web::shell::{Crumb, Shell};
use crate::http::web::visit::Visit;
use crate::store::audit::acting;
use crate::store::passkeys::{MOST, NewPasskey, insert_passkey, list_passkeys, remove_passkey};
use crate::store::passwords::find_password;

const PATH: &str = "/ui/account/passkeys";
/// The longest name, in characters.
const LONGEST_NAME: usize = 100;

struct Shown {
    id: String,
    name: String,
    added: Moment,
    used: Option<Moment>,
}

#[derive(Template)]
#[template(path = "account/passkeys.html")]
struct PasskeysPage {
    shell: Shell,
    passkeys: Vec<Shown>,
    /// None where there can be none, or there are as many as there may be.
    form: Option<PasskeyForm>,
    /// The person as the device is to know her: an id, in base64url, and what it shows.
    user: String,
    email: String,
    name: String,
    /// What the device calls the keys that it must not make again, with spaces between.
    known: String,
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
    let passkeys = list_passkeys(app, &person.account).await?;
    let has_password = find_password(app, &person.account).await?.is_some();
    let mut shell = visit.shell(app, "Passkeys")?;
    shell.crumbs = vec![Crumb::new("Your account", "/ui/account")];
    let known: Vec<_> = passkeys.iter().map(|one| one.credential.as_str()).collect();
    let mut fields = vec![
        Field::text("name", "Name")
            .hint("What tells it from others: `Laptop`, `Blue key`")
            .typed(form, faults),
    ];
    if has_password {
        fields.push(proof::field().typed(form, faults));
    }
    let asked = if passkeys.len() < MOST {
        PasskeyForm::make(app, visit, Purpose::Register(&person.account)).await
    } else {
        None
    };
    page_with(
        status,
        &PasskeysPage {
            shell,
            user: text_of(person.account.as_bytes()),
            email: person.email.clone(),
            name: person.name.clone(),
            known: known.join(" "),
            form: asked,
            fields,
            faults: faults.besides(&["name", CURRENT]),
            passkeys: passkeys
                .into_iter()
                .map(|one| Shown {
                    id: one.id,
                    name: one.name,
                    added: Moment::of(one.created_at),
                    used: one.last_used_at.map(Moment::of),
                })
                .collect(),
        },
    )
}

pub(super) async fn add(app: &App, visit: &mut Visit) -> Result<Reply> {
    let form = visit.form(app).await?;
    let person = visit.person(app).await?;
    let mut faults = Faults::none();
    let name = form.text("name");
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.contains(char::is_control) {
        faults.add("name", format!("A name has 1 to {LONGEST_NAME} characters"));
        return render(app, visit, 422, &form, &faults).await;
    }
    if list_passkeys(app, &person.account).await?.len() >= MOST {
        faults.add("", format!("There are {MOST} passkeys; remove one first"));
        return render(app, visit, 422, &form, &faults).await;
    }
    let has_password = find_password(app, &person.account).await?.is_some();
    let refused = refuse_unproven(app, visit, &person, has_password, &form, &mut faults).await?;
    if let Some(status) = refused {
        return render(app, visit, status, &form, &faults).await;
    }
    let purpose = Purpose::Register(&person.account);
    let Some(asked) = Asked::read(app, visit, purpose, &form).await else {
        faults.add("", STALE);
        return render(app, visit, 422, &form, &faults).await;
    };
    let made = register(
        &asked.site,
        asked.challenge(),
        &bytes_of(&form, "client"),
        &bytes_of(&form, "attestation"),
    );
    let registered = match made {
        Ok(registered) => registered,
        Err(refused) => {
            faults.add("", format!("The passkey was not added: {refused}"));
            return render(app, visit, 422, &form, &faults).await;
        }
    };
    let new = NewPasskey {
        id: &app.random_id()?,
        account: &person.account,
        credential: &text_of(&registered.credential),
        name,
        registered: &registered,
    };
    let on = acting(app, visit.actor(Some(&person.account), &person.name));
    match insert_passkey(&on, &new, asked.answered()).await {
        Ok(()) => Ok(visit.go_on(PATH, "The passkey is added: you can sign in with it")),
        Err(error) if error.kind() == ErrorKind::Conflict => {
            faults.add("", STALE);
            render(app, visit, 409, &form, &faults).await
        }
        Err(error) => Err(error),
    }
}

const STALE: &str = "This page was open for too long, or the passkey was added already. Try again";

pub(super) async fn remove(app: &App, visit: &mut Visit, id: &str) -> Result<Reply> {
    visit.form(app).await?;
    let person = visit.person(app).await?;
    let on = acting(app, visit.actor(Some(&person.account), &person.name));
    if remove_passkey(&on, &person.account, id, &person.login).await? {
        return Ok(visit.go_on(
            PATH,
            "The passkey is removed, and all other browsers are signed out",
        ));
    }
    Ok(visit.go_back(PATH, "There is no such passkey"))
}
