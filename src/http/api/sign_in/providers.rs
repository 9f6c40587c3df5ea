//! Providers: set up, shown, changed, removed. The client secret comes in and never goes out.

use deserr::Deserr;
use schemars::JsonSchema;
use serde::Serialize;

use super::{ProvidersRoute, Side, redirect_address};
use crate::app::App;
use crate::connect::sign_in::try_issuer;
use crate::domain::name::Slug;
use crate::domain::sign_in::{Enforced, IdentityProviderKind};
use crate::error::{Code, Error, ErrorKind, Result};
use crate::http::api::missing;
use crate::http::api::people::read_name;
use crate::http::api::shown::Time;
use crate::http::body::{BadValue, Change, Faults};
use crate::http::reply::{CachePolicy, Reply};
use crate::http::request::Request;
use crate::providers::outgoing::Gateway;
use crate::store::identity_providers::{self as store, IdentityProvider, secret_context};
use crate::store::sign_in_rules::find_rules;

/// So many providers has the instance, and so many an organisation.
const MOST: usize = 20;
/// The longest client id, secret and claim, in bytes.
const TEXT_LIMIT: usize = 2_000;

/// Answers a call about the providers of one side.
pub(super) async fn handle(
    app: &App,
    mut request: Request,
    side: Side<'_>,
    route: ProvidersRoute,
) -> Result<Reply> {
    match route {
        ProvidersRoute::List => {
            let found = store::list_providers(app, side.id()).await?;
            let identity_providers = found.iter().map(|one| show(app, one)).collect();
            Ok(Reply::json(200, &ShownList { identity_providers }))
        }
        ProvidersRoute::Create => {
            let asked: AskedProvider = request.json().await?;
            let made = create(app, side, asked).await?;
            Ok(Reply::json(201, &show(app, &made)))
        }
        ProvidersRoute::Show(slug) => {
            let found = find(app, side, &slug).await?;
            Ok(Reply::json(200, &show(app, &found)))
        }
        ProvidersRoute::Update(slug) => {
            let asked: ProviderChange = request.json().await?;
            let changed = change(app, side, &slug, asked).await?;
            Ok(Reply::json(200, &show(app, &changed)))
        }
        ProvidersRoute::Remove(slug) => {
            remove(app, side, &slug).await?;
            Ok(Reply::empty(204, CachePolicy::NoStore))
        }
    }
}

/// A provider to be set up.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "NewIdentityProvider")]
pub(crate) struct AskedProvider {
    /// `oidc`, `google`, `gitlab`, `github` or `bitbucket`.
    #[deserr(try_from(String) = read_kind -> BadValue)]
    #[schemars(with = "String")]
    kind: IdentityProviderKind,
    /// Its name in addresses, the redirect address among them; the kind without it.
    #[deserr(default)]
    slug: Option<Slug>,
    /// What its button says; without it what the kind is called.
    #[deserr(default, try_from(Option<String>) = read_optional_name -> BadValue)]
    #[schemars(length(min = 1, max = 200))]
    name: Option<String>,
    /// Of `oidc` the issuer, exactly as it calls itself; of a GitLab or a GitHub Enterprise of one's own where it is.
    #[deserr(default)]
    base_url: Option<String>,
    /// As the provider gave it.
    #[deserr(try_from(String) = read_client_id -> BadValue)]
    #[schemars(length(min = 1, max = 2000))]
    client_id: String,
    /// As the provider gave it. It is never shown.
    #[deserr(try_from(String) = read_client_secret -> BadValue)]
    #[schemars(length(min = 1, max = 2000))]
    client_secret: String,
    /// The claim that lists the groups somebody is in; without it none are read.
    #[deserr(default, try_from(Option<String>) = read_claim -> BadValue)]
    #[schemars(length(min = 1, max = 200))]
    groups_claim: Option<String>,
}

/// A change of a provider: what is absent stays. Where it is does not change: make another one.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "IdentityProviderChange")]
pub(crate) struct ProviderChange {
    /// What its button says.
    #[deserr(default, try_from(Option<String>) = read_optional_name -> BadValue)]
    #[schemars(length(min = 1, max = 200))]
    name: Option<String>,
    /// As the provider gave it.
    #[deserr(default, try_from(Option<String>) = read_optional_client_id -> BadValue)]
    #[schemars(length(min = 1, max = 2000))]
    client_id: Option<String>,
    /// As the provider gave it. It is never shown.
    #[deserr(default, try_from(Option<String>) = read_optional_client_secret -> BadValue)]
    #[schemars(length(min = 1, max = 2000))]
    client_secret: Option<String>,
    /// The claim that lists the groups somebody is in; null: none are read.
    #[deserr(default)]
    #[schemars(with = "Option<String>")]
    groups_claim: Change<String>,
}

/// Sets a provider up. One that speaks OpenID Connect is asked for its description first.
pub(crate) async fn create(
    app: &App,
    side: Side<'_>,
    asked: AskedProvider,
) -> Result<IdentityProvider> {
    let kind = asked.kind;
    let base_url = read_base_url(app, kind, asked.base_url.as_deref())?;
    if asked.groups_claim.is_some() && !kind.is_oidc() {
        return Err(no_groups(kind));
    }
    let slug = match asked.slug {
        Some(slug) => slug,
        None => Slug::parse(kind.as_str()).map_err(Error::internal)?,
    };
    if store::list_providers(app, side.id()).await?.len() >= MOST {
        return Err(Error::conflict(format!(
            "There are {MOST} identity providers already; remove one that nobody uses"
        )));
    }
    if kind.is_oidc() {
        try_issuer(app, &base_url)
            .await
            .map_err(|error| match error.kind() {
                ErrorKind::Internal => error,
                _ => Error::bad_value("/base_url", format!("`base_url`: {}", error.message())),
            })?;
    }
    let id = app.random_id()?;
    let context = secret_context(&id);
    let provider = IdentityProvider {
        organisation_id: side.id(),
        owner: side.segment(),
        slug: slug.as_str().to_owned(),
        kind: kind.as_str().to_owned(),
        name: asked.name.unwrap_or_else(|| kind.label().to_owned()),
        base_url,
        client_id: asked.client_id,
        sealed_client_secret: app.vault.seal(&context, &asked.client_secret).await?,
        groups_claim: asked.groups_claim,
        created_at: app.now(),
        changed_at: app.now(),
        people: 0,
        id,
    };
    store::insert_provider(app, &provider)
        .await
        .map_err(|error| match error.kind() {
            ErrorKind::Conflict => Error::conflict(format!(
                "There is an identity provider `{slug}` already; give this one another `slug`"
            ))
            .with_code(Code::Taken),
            _ => error,
        })?;
    Ok(provider)
}

/// Changes a provider.
pub(crate) async fn change(
    app: &App,
    side: Side<'_>,
    slug: &str,
    asked: ProviderChange,
) -> Result<IdentityProvider> {
    let mut provider = find(app, side, slug).await?;
    let kind = IdentityProviderKind::parse(&provider.kind);
    provider.name = asked.name.unwrap_or(provider.name);
    provider.client_id = asked.client_id.unwrap_or(provider.client_id);
    provider.groups_claim = match asked.groups_claim {
        Change::Keep => provider.groups_claim,
        Change::Clear => None,
        Change::Set(claim) => read_claim(Some(claim))
            .map_err(|why| Error::bad_value("/groups_claim", why.to_string()))?,
    };
    if let Some(kind) = kind
        && provider.groups_claim.is_some()
        && !kind.is_oidc()
    {
        return Err(no_groups(kind));
    }
    if let Some(secret) = asked.client_secret {
        let context = secret_context(&provider.id);
        provider.sealed_client_secret = app.vault.seal(&context, &secret).await?;
    }
    store::update_provider(app, &provider).await?;
    find(app, side, slug).await
}

/// Removes a provider, with the identities that people have there.
pub(crate) async fn remove(app: &App, side: Side<'_>, slug: &str) -> Result<()> {
    let provider = find(app, side, slug).await?;
    if let Side::Organisation(organisation) = side {
        let rules = find_rules(app, organisation.id).await?;
        let own = store::list_providers(app, side.id()).await?.len();
        let others = match rules.enforced {
            Enforced::Off => 1,
            Enforced::Organisation => 0,
            Enforced::Any => store::list_providers(app, None).await?.len(),
        };
        if own <= 1 && others == 0 {
            return Err(Error::conflict(
                "Members have to sign in by a provider, and this is the last one: let them sign in by any way first, by \
                 `{\"enforced\": \"off\"}`",
            )
            .with_code(Code::InUse));
        }
    }
    store::delete_provider(app, &provider.id).await
}

/// Finds a provider.
pub(crate) async fn find(app: &App, side: Side<'_>, slug: &str) -> Result<IdentityProvider> {
    store::find_provider(app, side.id(), slug)
        .await?
        .ok_or_else(|| missing("identity provider"))
}

fn no_groups(kind: IdentityProviderKind) -> Error {
    Error::bad_value(
        "/groups_claim",
        format!("`groups_claim`: {} tells of no groups", kind.label()),
    )
}

fn read_base_url(app: &App, kind: IdentityProviderKind, given: Option<&str>) -> Result<String> {
    let bad = |message: String| Error::bad_value("/base_url", format!("`base_url` {message}"));
    let given = given.map(str::trim).filter(|url| !url.is_empty());
    let url = match (given, kind.own_address()) {
        (None, Some(own)) => return Ok(own.to_owned()),
        (None, None) => return Err(bad("is missing: it is the provider's issuer".to_owned())),
        (Some(url), Some(own)) if !kind.has_other_addresses() && url != own => {
            return Err(bad(format!("is always `{own}` for {}", kind.label())));
        }
        (Some(url), _) => url,
    };
    Gateway::of(app)
        .address(url)
        .map_err(|error| bad(format!("cannot be used: {}", error.message())))?;
    if url.contains('?') || url.len() > TEXT_LIMIT {
        return Err(bad("is an address without a query".to_owned()));
    }
    // An issuer is compared byte for byte, so nothing is taken from it.
    Ok(match kind {
        IdentityProviderKind::Oidc => url.to_owned(),
        _ => url.trim_end_matches('/').to_owned(),
    })
}

// deserr hands values over.
#[allow(clippy::needless_pass_by_value)]
fn read_kind(text: String) -> Result<IdentityProviderKind, BadValue> {
    IdentityProviderKind::parse(&text).ok_or_else(|| {
        let known: Vec<_> = IdentityProviderKind::ALL
            .into_iter()
            .map(IdentityProviderKind::as_str)
            .collect();
        BadValue::new(format!("`kind` must be one of `{}`", known.join("`, `")))
    })
}

fn read_optional_name(name: Option<String>) -> Result<Option<String>, BadValue> {
    name.map(read_name).transpose()
}

fn read_text(text: &str, field: &str) -> Result<String, BadValue> {
    let text = text.trim();
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if text.is_empty() || text.len() > TEXT_LIMIT || !is_plain {
        return Err(BadValue::new(format!(
            "`{field}` must have 1 to {TEXT_LIMIT} plain characters, as the provider shows it"
        )));
    }
    Ok(text.to_owned())
}

// deserr hands values over.
#[allow(clippy::needless_pass_by_value)]
fn read_client_id(text: String) -> Result<String, BadValue> {
    read_text(&text, "client_id")
}

// deserr hands values over.
#[allow(clippy::needless_pass_by_value)]
fn read_client_secret(text: String) -> Result<String, BadValue> {
    read_text(&text, "client_secret")
}

fn read_optional_client_id(text: Option<String>) -> Result<Option<String>, BadValue> {
    text.map(read_client_id).transpose()
}

fn read_optional_client_secret(text: Option<String>) -> Result<Option<String>, BadValue> {
    text.map(read_client_secret).transpose()
}

fn read_claim(claim: Option<String>) -> Result<Option<String>, BadValue> {
    let Some(claim) = claim else {
        return Ok(None);
    };
    let claim = claim.trim();
    if claim.is_empty() || claim.len() > 200 || claim.chars().any(char::is_control) {
        return Err(BadValue::new(
            "`groups_claim` must be the name of a claim, of 1 to 200 bytes",
        ));
    }
    Ok(Some(claim.to_owned()))
}

/// A provider.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "IdentityProvider")]
pub(crate) struct Shown {
    slug: String,
    kind: String,
    name: String,
    /// The issuer, or where the host is.
    base_url: String,
    client_id: String,
    groups_claim: Option<String>,
    /// Where it sends people back to: to be entered there, to the letter.
    redirect_address: String,
    /// How many people have an identity there.
    people: i64,
    created_at: Time,
    changed_at: Time,
}

/// All providers of an organisation, or of the instance.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "IdentityProviders")]
pub(crate) struct ShownList {
    identity_providers: Vec<Shown>,
}

fn show(app: &App, provider: &IdentityProvider) -> Shown {
    Shown {
        slug: provider.slug.clone(),
        kind: provider.kind.clone(),
        name: provider.name.clone(),
        base_url: provider.base_url.clone(),
        client_id: provider.client_id.clone(),
        groups_claim: provider.groups_claim.clone(),
        redirect_address: redirect_address(app, &provider.owner, &provider.slug),
        people: provider.people,
        created_at: Time::of(provider.created_at),
        changed_at: Time::of(provider.changed_at),
    }
}
