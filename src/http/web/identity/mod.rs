//! Signing in by a provider: there, back, and what becomes of it.
//!
//! What comes back is good in the browser where it began, once, for ten minutes. Nothing of a sign-in is kept in plain:
//! nonce and PKCE verifier follow from the browser's cookie and `state`, of both of which the database has hashes.

pub(super) mod confirm;

use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::app::App;
use crate::connect::sign_in::{self as provider_side, Answer};
use crate::domain::email::Email;
use crate::domain::sign_in::{Decision, Proven, Question, decide};
use crate::domain::token::TokenHash;
use crate::error::{Error, ErrorKind, Result};
use crate::http::api::sign_in::redirect_address;
use crate::http::reply::Reply;
use crate::http::web::login::{Beginning, counted_address};
use crate::http::web::page::{page, page_with};
use crate::http::web::shell::Shell;
use crate::http::web::visit::{Visit, own_path, random_secret, redirect};
use crate::providers::identity::Bindings;
use crate::store::audit::{acting, note_provider_refused};
use crate::store::identities;
use crate::store::identity_providers::{IdentityProvider, load_provider};
use crate::store::passwords::WINDOW;
use crate::store::sign_in_flows::{Flow, NewFlow, begin_flow, keep_proven, take_flow};
use crate::store::sign_ins::{Completion, Person, complete, find_facts};

/// The longest code or `state` that is looked at, in bytes.
const LONGEST: usize = 4_000;

const STALE: &str =
    "This sign-in was not begun in this browser, was used already, or is more than ten minutes old";
const AGAIN: &str = "Nothing was done. Go back and begin anew.";
const ASK: &str = "Nothing was done. If it happens again, ask whoever runs this registry: the reason stands in the audit log.";

#[derive(Template)]
#[template(path = "identity/onward.html")]
struct OnwardPage {
    shell: Shell,
    name: String,
    url: String,
}

#[derive(Template)]
#[template(path = "identity/refused.html")]
struct RefusedPage<'a> {
    shell: Shell,
    why: &'a str,
    advice: &'a str,
    back: &'a str,
}

/// A text that only this browser and we can make.
fn derive(secret: &str, what: &str, of: &str) -> String {
    // A key of any length is one.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(what.as_bytes());
    mac.update(&[0]);
    mac.update(of.as_bytes());
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

fn bindings(secret: &str, state: String) -> Bindings {
    Bindings {
        nonce: derive(secret, "nonce", &state),
        verifier: derive(secret, "verifier", &state),
        state,
    }
}

/// Under which name of this browser's what waits to be confirmed is kept.
fn confirm_key(secret: &str) -> TokenHash {
    TokenHash::of(&derive(secret, "confirm", ""))
}

/// A button of the sign-in page.
pub(super) async fn begin(app: &App, visit: &mut Visit, provider: &str) -> Result<Reply> {
    let form = visit.form(app).await?;
    let next = own_path(form.text("next")).unwrap_or_default().to_owned();
    let organisation = form.text("organisation").to_owned();
    lead(app, visit, provider, &organisation, None, &next).await
}

/// Leads to a provider. `account` is who links an identity; without it somebody signs in.
pub(super) async fn lead(
    app: &App,
    visit: &mut Visit,
    provider: &str,
    organisation: &str,
    account: Option<&str>,
    next: &str,
) -> Result<Reply> {
    let found = load_provider(app, provider).await?;
    let provider = found.ok_or_else(|| Error::not_found("There is no such provider"))?;
    let secret = visit.begin_sign_in(app)?;
    let bindings = bindings(&secret, random_secret(app)?);
    let new = NewFlow {
        hash: &TokenHash::of(&bindings.state),
        browser: &TokenHash::of(&secret),
        provider: &provider.id,
        organisation,
        account,
        next,
        proven: None,
    };
    if !begin_flow(app, &new, &counted_address(visit)).await? {
        let minutes = WINDOW / 60;
        let why = format!("There were too many attempts. Wait {minutes} minutes, then try again");
        let reply = refused(app, visit, 429, &why, AGAIN)?;
        return Ok(reply.with("retry-after", WINDOW.to_string()));
    }
    let address = redirect_address(app, &provider.owner, &provider.slug);
    match provider_side::begin(app, &provider, &address, &bindings).await {
        // A page and no redirect: browsers hold every hop of a redirect after a form against `form-action`, and where a
        // provider leads on from its own host nobody knows. So the policy of our pages stays as it is.
        Ok(url) => page(&OnwardPage {
            shell: visit.shell(app, &format!("Continue with {}", provider.name))?,
            name: provider.name,
            url,
        }),
        Err(error) => fail(app, visit, &provider, error).await,
    }
}

/// Where a provider sends somebody back to.
pub(super) async fn arrive(app: &App, visit: &mut Visit, owner: &str, slug: &str) -> Result<Reply> {
    let query = |name: &str| {
        let value = visit.request.query_parameter(name);
        value.filter(|value| !value.is_empty() && value.len() <= LONGEST)
    };
    let (state, code, issuer, error) =
        (query("state"), query("code"), query("iss"), query("error"));
    let found = match (state.as_deref(), visit.sign_in_secret()) {
        (Some(state), Some(secret)) => {
            let flow = take_flow(app, &TokenHash::of(state), &TokenHash::of(&secret)).await?;
            flow.zip(Some(bindings(&secret, state.to_owned())))
        }
        _ => None,
    };
    let Some((flow, bindings)) = found else {
        return refused(app, visit, 400, STALE, AGAIN);
    };
    let Some(provider) = load_provider(app, &flow.provider_id).await? else {
        return refused(app, visit, 400, STALE, AGAIN);
    };
    // The answer of one provider never goes to another: each has an address of its own.
    if provider.owner != owner || provider.slug != slug {
        let why = "the answer came from another provider than the one that was asked";
        return refuse(app, visit, &provider, why, None).await;
    }
    let code = match (code, error.as_deref()) {
        (_, Some("access_denied")) => {
            return refuse(app, visit, &provider, "you did not agree to it there", None).await;
        }
        (Some(code), None) => code,
        _ => return refuse(app, visit, &provider, "it did not let you in", None).await,
    };
    let address = redirect_address(app, &provider.owner, &provider.slug);
    let answer = Answer {
        code: &code,
        issuer: issuer.as_deref(),
    };
    let proven = provider_side::finish(app, &provider, &address, &bindings, &answer).await;
    let proven = match proven {
        Ok(proven) => proven,
        Err(error) => return fail(app, visit, &provider, error).await,
    };
    match &flow.account_id {
        Some(account) => link(app, visit, &provider, account, &proven).await,
        None => settle(app, visit, &provider, &flow, &proven, None).await,
    }
}

/// Who has shown that she knows the password.
struct Confirmed<'a> {
    account: &'a str,
    key: &'a TokenHash,
}

/// What becomes of somebody who was proven.
async fn settle(
    app: &App,
    visit: &mut Visit,
    provider: &IdentityProvider,
    flow: &Flow,
    proven: &Proven,
    confirmed: Option<&Confirmed<'_>>,
) -> Result<Reply> {
    let facts = find_facts(app, provider, flow.organisation_id, proven).await?;
    let address = proven.address();
    let decision = decide(&Question {
        is_organisations: provider.organisation_id.is_some(),
        rules: facts.rules.as_ref(),
        address: address.as_ref(),
        is_verified: proven.is_verified,
        by_identity: facts.by_identity.as_ref().map(Person::known),
        by_address: facts.by_address.as_ref().map(Person::known),
    });
    let (person, joins, links) = match decision {
        Decision::Refuse(why) => {
            let email = proven.email.as_deref();
            return refuse(app, visit, provider, &why.to_string(), email).await;
        }
        Decision::SignIn { joins } => (facts.by_identity, joins, false),
        Decision::Link => (facts.by_address, false, true),
        Decision::Register => (None, true, true),
        Decision::Confirm { joins } => {
            let is_hers =
                |person: &Person| confirmed.is_some_and(|confirmed| confirmed.account == person.id);
            if !facts.by_address.as_ref().is_some_and(is_hers) {
                return ask_to_confirm(app, visit, flow, proven).await;
            }
            (facts.by_address, joins, true)
        }
    };
    let new_id = app.random_id()?;
    let email = address.as_ref().map_or("", Email::as_str);
    let new_name = proven
        .name
        .clone()
        .unwrap_or_else(|| email.split('@').next().unwrap_or_default().to_owned());
    let (account, name) = match &person {
        Some(person) => (&person.id, &person.name),
        None => (&new_id, &new_name),
    };
    let beginning = Beginning::of(app, visit)?;
    let login = beginning.login(account, "identity", false);
    let on = acting(app, visit.actor(Some(account), name));
    let done = Completion {
        provider,
        proven,
        account,
        makes_account: person.is_none().then_some((email, name.as_str())),
        links,
        joins: flow.organisation_id.filter(|_| joins),
        confirmed: confirmed.map(|confirmed| confirmed.key),
        login: &login,
    };
    match complete(&on, &done).await {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::Conflict => {
            return refused(
                app,
                visit,
                409,
                "Somebody did the same at the same moment",
                AGAIN,
            );
        }
        Err(error) => return Err(error),
    }
    visit.sign_in(&beginning.secret);
    visit.end_sign_in();
    Ok(redirect(own_path(&flow.next).unwrap_or("/ui")))
}

/// Keeps what was proven, and asks for the password.
async fn ask_to_confirm(
    app: &App,
    visit: &mut Visit,
    flow: &Flow,
    proven: &Proven,
) -> Result<Reply> {
    let Some(secret) = visit.sign_in_secret() else {
        return refused(app, visit, 400, STALE, AGAIN);
    };
    let kept = confirm::Kept {
        organisation: flow.organisation_id,
        proven: proven.clone(),
    };
    let new = NewFlow {
        hash: &confirm_key(&secret),
        browser: &TokenHash::of(&secret),
        provider: &flow.provider_id,
        organisation: "",
        account: None,
        next: &flow.next,
        proven: Some(serde_json::to_string(&kept).map_err(Error::internal)?),
    };
    keep_proven(app, &new).await?;
    Ok(redirect("/ui/sign-in/confirm"))
}

/// Links an identity to who is signed in and asked for it.
async fn link(
    app: &App,
    visit: &mut Visit,
    provider: &IdentityProvider,
    account: &str,
    proven: &Proven,
) -> Result<Reply> {
    let person = visit.find_person(app).await?;
    let Some(person) = person.filter(|person| person.account == account && !person.is_limited())
    else {
        return refused(
            app,
            visit,
            403,
            "You signed out, or in as somebody else, meanwhile",
            AGAIN,
        );
    };
    let on = acting(app, visit.actor(Some(&person.account), &person.name));
    let email = proven.email.as_deref();
    match identities::link(&on, account, &provider.id, &proven.subject, email).await {
        Err(error) if error.kind() == ErrorKind::Conflict => {
            if !identities::is_hers(app, account, &provider.id, &proven.subject).await? {
                let why = "this identity is linked to another account, or yours to another identity there";
                return refuse(app, visit, provider, why, email).await;
            }
        }
        other => other?,
    }
    visit.end_sign_in();
    let said = format!("You can sign in by {} from now on", provider.name);
    Ok(visit.go_on("/ui/account/identities", &said))
}

/// Says that a provider failed, where that is what happened.
async fn fail(
    app: &App,
    visit: &mut Visit,
    provider: &IdentityProvider,
    error: Error,
) -> Result<Reply> {
    if error.kind() == ErrorKind::Internal {
        return Err(error);
    }
    note(app, visit, provider, error.message(), None).await?;
    let why = format!(
        "{} could not say who you are: {}",
        provider.name,
        error.message()
    );
    let advice = if error.is_retryable() { AGAIN } else { ASK };
    refused(app, visit, 502, &why, advice)
}

/// Says why somebody is not let in, to her and in the audit log.
async fn refuse(
    app: &App,
    visit: &mut Visit,
    provider: &IdentityProvider,
    why: &str,
    email: Option<&str>,
) -> Result<Reply> {
    note(app, visit, provider, why, email).await?;
    let why = format!("{} does not let you in: {why}", provider.name);
    refused(app, visit, 403, &why, AGAIN)
}

async fn note(
    app: &App,
    visit: &Visit,
    provider: &IdentityProvider,
    why: &str,
    email: Option<&str>,
) -> Result<()> {
    let actor = visit.actor(None, email.unwrap_or(&provider.name));
    note_provider_refused(&acting(app, actor), &provider.id, why, email).await
}

fn refused(app: &App, visit: &mut Visit, status: u16, why: &str, advice: &str) -> Result<Reply> {
    page_with(
        status,
        &RefusedPage {
            shell: visit.shell(app, "You are not signed in")?,
            why,
            advice,
            back: "/ui/sign-in",
        },
    )
}
