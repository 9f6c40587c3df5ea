//! Somebody comes by a provider whose address has an account here already: she shows once that it is hers.

use askama::Template;
use serde::{Deserialize, Serialize};

use super::{AGAIN, Confirmed, STALE, confirm_key, refused, settle};
use crate::app::App;
use crate::domain::password;
use crate::domain::sign_in::Proven;
use crate::domain::token::TokenHash;
use crate::error::{Error, Result};
use crate::http::reply::Reply;
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::login::counted_address;
use crate::http::web::page::page_with;
use crate::http::web::shell::Shell;
use crate::http::web::visit::Visit;
use crate::store::audit::acting;
use crate::store::identity_providers::{IdentityProvider, load_provider};
use crate::store::passwords::{begin_attempt, note_refused};
use crate::store::sign_in_flows::{Flow, find_proven};

/// What is kept until the password is there.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    /// The organisation that is entered.
    pub(super) organisation: Option<i64>,
    /// What the provider said.
    pub(super) proven: Proven,
}

struct Waiting {
    flow: Flow,
    provider: IdentityProvider,
    proven: Proven,
    email: String,
    key: TokenHash,
}

#[derive(Template)]
#[template(path = "identity/confirm.html")]
struct ConfirmPage {
    shell: Shell,
    provider: String,
    email: String,
    password: Field,
    faults: Vec<String>,
}

/// What waits in this browser.
async fn find(app: &App, visit: &Visit) -> Result<Option<Waiting>> {
    let Some(secret) = visit.sign_in_secret() else {
        return Ok(None);
    };
    let key = confirm_key(&secret);
    let Some(mut flow) = find_proven(app, &key, &TokenHash::of(&secret)).await? else {
        return Ok(None);
    };
    let text = flow.proven.as_deref().unwrap_or_default();
    let kept: Kept = serde_json::from_str(text).map_err(Error::internal)?;
    flow.organisation_id = kept.organisation;
    let provider = load_provider(app, &flow.provider_id).await?;
    let address = kept.proven.address();
    Ok(provider.zip(address).map(|(provider, address)| Waiting {
        flow,
        provider,
        email: address.as_str().to_owned(),
        proven: kept.proven,
        key,
    }))
}

pub(crate) async fn show(app: &App, visit: &mut Visit) -> Result<Reply> {
    match find(app, visit).await? {
        Some(waiting) => render(app, visit, 200, &waiting, &Form::default(), &Faults::none()),
        None => refused(app, visit, 400, STALE, AGAIN),
    }
}

fn render(
    app: &App,
    visit: &mut Visit,
    status: u16,
    waiting: &Waiting,
    form: &Form,
    faults: &Faults,
) -> Result<Reply> {
    page_with(
        status,
        &ConfirmPage {
            shell: visit.shell(app, "You have an account already")?,
            provider: waiting.provider.name.clone(),
            email: waiting.email.clone(),
            password: Field::password("password", "Password", "current-password")
                .typed(form, faults),
            faults: faults.besides(&["password"]),
        },
    )
}

pub(crate) async fn send(app: &App, visit: &mut Visit) -> Result<Reply> {
    let form = visit.form(app).await?;
    let Some(waiting) = find(app, visit).await? else {
        return refused(app, visit, 400, STALE, AGAIN);
    };
    let mut faults = Faults::none();
    // A guess here is a guess as at the sign-in, and counts as one.
    let attempt = begin_attempt(app, &waiting.email, &counted_address(visit)).await?;
    if attempt.is_too_many {
        faults.add(
            "password",
            "There were too many attempts. Wait a quarter of an hour",
        );
        return render(app, visit, 429, &waiting, &form, &faults);
    }
    let account = attempt.account.as_ref();
    let hash = account.and_then(|account| account.hash.as_deref());
    let is_right = password::verify(form.raw("password"), hash)?;
    let Some(account) = account.filter(|_| is_right) else {
        let on = acting(app, visit.actor(None, &waiting.email));
        note_refused(&on, &waiting.email, "password").await?;
        faults.add("password", "This is not the password of that account");
        return render(app, visit, 422, &waiting, &form, &faults);
    };
    // The password alone is not enough for her, so it is not enough to open another way either.
    if account.has_second_factor != 0 {
        faults.add(
            "",
            "This account asks for a second factor. Sign in with it, and link the provider at \"Your account\"",
        );
        return render(app, visit, 422, &waiting, &form, &faults);
    }
    let confirmed = Confirmed {
        account: &account.id,
        key: &waiting.key,
    };
    settle(
        app,
        visit,
        &waiting.provider,
        &waiting.flow,
        &waiting.proven,
        Some(&confirmed),
    )
    .await
}
