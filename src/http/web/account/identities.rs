//! By which providers somebody signs in: which there are, one more, one less.

use askama::Template;

use crate::app::App;
use crate::domain::password;
use crate::error::{Error, Result};
use crate::http::reply::Reply;
use crate::http::web::account::refuse_limited;
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::identity;
use crate::http::web::login::counted_address;
use crate::http::web::page::{Moment, page, page_with};
use crate::http::web::shell::{Crumb, Shell};
use crate::http::web::visit::Visit;
use crate::store::audit::acting;
use crate::store::identities::{self as store, Linkable, Ways};
use crate::store::logins::Visitor;
use crate::store::passwords::{begin_attempt, note_refused};

const HERE: &str = "/ui/account/identities";

struct ShownIdentity {
    id: String,
    provider: String,
    organisation: Option<String>,
    email: String,
    since: Moment,
    used: Moment,
}

#[derive(Template)]
#[template(path = "account/identities.html")]
struct IdentitiesPage {
    shell: Shell,
    is_limited: bool,
    identities: Vec<ShownIdentity>,
    linkable: Vec<Linkable>,
}

#[derive(Template)]
#[template(path = "account/link.html")]
struct LinkPage {
    shell: Shell,
    action: String,
    email: String,
    password: Field,
    faults: Vec<String>,
}

fn shell(app: &App, visit: &mut Visit, title: &str) -> Result<Shell> {
    let mut shell = visit.shell(app, title)?;
    shell.crumbs = vec![Crumb::new("Your account", "/ui/account")];
    Ok(shell)
}

pub(super) async fn show(app: &App, visit: &mut Visit) -> Result<Reply> {
    let person = visit.person(app).await?;
    let ways = store::list_ways(app, &person.account).await?;
    let identities = ways.identities.into_iter().map(|one| ShownIdentity {
        id: one.provider_id,
        provider: one.provider,
        organisation: one.organisation,
        email: one.email.unwrap_or_default(),
        since: Moment::of(one.created_at),
        used: Moment::of(one.last_used_at),
    });
    page(&IdentitiesPage {
        shell: shell(app, visit, "Ways to sign in")?,
        is_limited: person.is_limited(),
        identities: identities.collect(),
        linkable: ways.linkable,
    })
}

/// Asks for the password where there is one, then leads to the provider.
pub(super) async fn link(app: &App, visit: &mut Visit, provider: &str) -> Result<Reply> {
    let form = visit.form(app).await?;
    let person = visit.person(app).await?;
    refuse_limited(&person)?;
    let ways: Ways = store::list_ways(app, &person.account).await?;
    let known = ways.linkable.iter().find(|one| one.id == provider);
    let known = known.ok_or_else(|| Error::not_found("There is no such provider"))?;
    if ways.has_password {
        let faults = match check_password(app, visit, &form, &person).await? {
            Check::Right => None,
            Check::Missing => Some((200, Faults::none())),
            Check::Wrong(status, why) => {
                let mut faults = Faults::none();
                faults.add("current", why);
                Some((status, faults))
            }
        };
        if let Some((status, faults)) = faults {
            let page = LinkPage {
                shell: shell(app, visit, &format!("Link {}", known.name))?,
                action: format!("{HERE}/{provider}/link"),
                email: person.email.clone(),
                password: Field::password("current", "Password", "current-password")
                    .typed(&form, &faults),
                faults: faults.besides(&["current"]),
            };
            return page_with(status, &page);
        }
    }
    identity::lead(app, visit, provider, "", Some(&person.account), HERE).await
}

enum Check {
    Right,
    Missing,
    Wrong(u16, &'static str),
}

async fn check_password(app: &App, visit: &Visit, form: &Form, person: &Visitor) -> Result<Check> {
    if form.raw("current").is_empty() {
        return Ok(Check::Missing);
    }
    // A guess here is a guess as at the sign-in, and counts as one.
    let attempt = begin_attempt(app, &person.email, &counted_address(visit)).await?;
    if attempt.is_too_many {
        let why = "There were too many attempts. Wait a quarter of an hour";
        return Ok(Check::Wrong(429, why));
    }
    let hash = attempt.account.and_then(|account| account.hash);
    if password::verify(form.raw("current"), hash.as_deref())? {
        return Ok(Check::Right);
    }
    let on = acting(app, visit.actor(Some(&person.account), &person.name));
    note_refused(&on, &person.email, "password").await?;
    Ok(Check::Wrong(422, "This is not your password"))
}

/// Takes an identity away, with the logins that came by it.
pub(super) async fn unlink(app: &App, visit: &mut Visit, provider: &str) -> Result<Reply> {
    visit.form(app).await?;
    let person = visit.person(app).await?;
    refuse_limited(&person)?;
    let on = acting(app, visit.actor(Some(&person.account), &person.name));
    if store::unlink(&on, &person.account, provider).await? {
        return Ok(visit.go_on(HERE, "It is unlinked, and you sign in by it no more"));
    }
    Ok(visit.go_back(
        HERE,
        "It stays: it is your last way to sign in. Link another one, or choose a password, first",
    ))
}
