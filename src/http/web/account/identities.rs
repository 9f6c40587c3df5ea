//! By which providers somebody signs in: which there are, one more, one less.

use askama::Template;

use crate::app::App;
use crate::error::{Error, Result};
use crate::http::reply::Reply;
use crate::http::web::account::proof::{self, CURRENT, refuse_unproven, refuse_wrong_password};
use crate::http::web::account::refuse_limited;
use crate::http::web::field::Field;
use crate::http::web::form::Faults;
use crate::http::web::identity;
use crate::http::web::page::{Moment, page, page_with};
use crate::http::web::shell::{Crumb, Shell};
use crate::http::web::visit::Visit;
use crate::store::audit::acting;
use crate::store::identities::{self as store, Linkable, Ways};

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
    let mut faults = Faults::none();
    if ways.has_password {
        // Without a password it is the page before, whose button led here, and nothing is wrong yet.
        let refused = match form.raw(CURRENT) {
            "" => Some(200),
            _ => refuse_wrong_password(app, visit, &person, &form, &mut faults).await?,
        };
        if let Some(status) = refused {
            let page = LinkPage {
                shell: shell(app, visit, &format!("Link {}", known.name))?,
                action: format!("{HERE}/{provider}/link"),
                email: person.email.clone(),
                password: proof::field().typed(&form, &faults),
                faults: faults.besides(&[CURRENT]),
            };
            return page_with(status, &page);
        }
    } else if refuse_unproven(app, visit, &person, false, &form, &mut faults)
        .await?
        .is_some()
    {
        return Ok(visit.go_back(HERE, &faults.besides(&[]).join(". ")));
    }
    identity::lead(app, visit, provider, "", Some(&person.account), HERE).await
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
