//! The first start: who has the instance's secret becomes its first owner, once.
//!
//! The link has the secret behind `#`, which browsers send nowhere and nobody logs; a script puts it into the field, and who
//! has no script pastes it.

use askama::Template;

use crate::app::App;
use crate::domain::audit::{Actor, ActorKind};
use crate::domain::email::Email;
use crate::domain::name::Slug;
use crate::domain::password;
use crate::domain::token::TokenHash;
use crate::error::{Error, ErrorKind, Result};
use crate::http::actor::at_work;
use crate::http::api::organisations::opens_set_up;
use crate::http::api::people::read_name;
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
use crate::store::organisations::{find_only_slug, is_set_up};
use crate::store::passwords::{FirstOwner, has_owner, make_first_owner};
use crate::store::repositories::set_up_stmts;

#[derive(Template)]
#[template(path = "first_start.html")]
struct FirstStart {
    shell: Shell,
    is_done: bool,
    secret: Field,
    person: Vec<Field>,
    /// Names of the first organisation and repository, where there is none yet.
    names: Vec<Field>,
    faults: Vec<String>,
}

const FIELDS: [&str; 6] = [
    "secret",
    "email",
    "name",
    "password",
    "organisation",
    "repository",
];

pub(super) async fn show(app: &App, visit: &mut Visit) -> Result<Reply> {
    render(app, visit, 200, None, &Faults::none()).await
}

async fn render(
    app: &App,
    visit: &mut Visit,
    status: u16,
    form: Option<&Form>,
    faults: &Faults,
) -> Result<Reply> {
    let is_done = has_owner(app).await?;
    let is_bare = !is_done && !is_set_up(app).await?;
    let typed = |field: Field| match form {
        Some(form) => field.typed(form, faults),
        None => field,
    };
    let names = [
        Field::text("organisation", "Name of the first organisation").value("main"),
        Field::text("repository", "Name of its repository").value("packages"),
    ];
    page_with(
        status,
        &FirstStart {
            shell: visit.shell(app, "Welcome to Repertoire")?,
            is_done,
            secret: typed(Field::password("secret", "Secret", "off")),
            person: [
                Field::email("email", "Your e-mail address").autocomplete("email"),
                Field::text("name", "Your name").autocomplete("name"),
                Field::password("password", "Password", "new-password")
                    .hint(format!("At least {} characters", password::SHORTEST)),
            ]
            .map(typed)
            .into(),
            names: if is_bare {
                names.map(typed).into()
            } else {
                Vec::new()
            },
            faults: faults.besides(&FIELDS),
        },
    )
}

pub(super) async fn send(app: &App, visit: &mut Visit) -> Result<Reply> {
    let form = visit.form(app).await?;
    if has_owner(app).await? {
        return render(app, visit, 409, None, &Faults::none()).await;
    }
    let mut faults = Faults::none();
    if !opens_set_up(app, &TokenHash::of(form.text("secret"))) {
        let why = Error::new(
            ErrorKind::Forbidden,
            "This is not the secret of this instance",
        );
        let why = refuse(app, &visit.request, why).await;
        let status = if why.wait().is_some() { 429 } else { 403 };
        faults.add("secret", why.message());
        return render(app, visit, status, Some(&form), &faults).await;
    }
    let email = Email::parse(form.text("email"));
    if let Err(error) = &email {
        faults.add("email", error.to_string());
    }
    let name = read_name(form.text("name").to_owned());
    if let Err(error) = &name {
        faults.add("name", error.to_string());
    }
    read_password(&form, form.text("email"), form.text("name"), &mut faults);
    let before = if is_set_up(app).await? {
        Vec::new()
    } else {
        let mut read = |field: &str| match Slug::parse(form.text(field)) {
            Ok(slug) => Some(slug),
            Err(error) => {
                faults.add(field, error.to_string());
                None
            }
        };
        match (read("organisation"), read("repository")) {
            (Some(organisation), Some(repository)) => {
                set_up_stmts(organisation.as_str(), repository.as_str(), app.now())
            }
            _ => Vec::new(),
        }
    };
    let (Ok(email), Ok(name), true) = (email, name, faults.is_empty()) else {
        return render(app, visit, 422, Some(&form), &faults).await;
    };
    let beginning = Beginning::of(app, visit)?;
    let account = app.random_id()?;
    let owner = FirstOwner {
        account: &account,
        email: &email,
        name: &name,
        hash: &hash_password(app, form.raw("password"))?,
    };
    let actor = Actor::new(ActorKind::Instance, None, "first start");
    let on = acting(app, at_work(&visit.request, actor));
    let login = beginning.login(&account, "first_start", false);
    if !make_first_owner(&on, before, &owner, &login).await? {
        return render(app, visit, 409, None, &Faults::none()).await;
    }
    app.memo.repositories.clear();
    visit.sign_in(&beginning.secret);
    // The organisation is the one that the set-up made, by this form or before it.
    let to = match find_only_slug(app).await? {
        Some(slug) => format!("/ui/{slug}/start"),
        None => "/ui".to_owned(),
    };
    Ok(visit.go_on(&to, "This instance is yours"))
}
