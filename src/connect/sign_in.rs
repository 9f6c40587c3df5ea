//! Who somebody is, by a stored provider. Its description and its keys are remembered by the isolate for an hour; keys are
//! asked for once more when a token is signed by one that is not known.

use std::rc::Rc;

use serde_json::Value;

use crate::app::App;
use crate::domain::sign_in::id_token::Disbelief;
use crate::domain::sign_in::{IdentityProviderKind, Proven};
use crate::error::{Error, Result};
use crate::providers::identity::oidc::{self, Discovery};
use crate::providers::identity::{Bindings, Client, bitbucket, github};
use crate::providers::outgoing::{Gateway, upstream};
use crate::store::identity_providers::IdentityProvider;

/// How long descriptions and keys are remembered, in seconds.
const REMEMBERED: i64 = 3_600;

fn kind_of(provider: &IdentityProvider) -> Result<IdentityProviderKind> {
    IdentityProviderKind::parse(&provider.kind)
        .ok_or_else(|| Error::internal(format!("unknown provider `{}`", provider.kind)))
}

/// Whether an issuer can be signed in by: its description is there, is of that issuer, and has what is needed.
pub async fn try_issuer(app: &App, issuer: &str) -> Result<()> {
    let gateway = Gateway::of(app);
    let document = oidc::fetch(gateway, &oidc::discovery_url(issuer), "description").await?;
    Discovery::read(gateway, issuer, &document).map(|_| ())
}

/// Where a browser is sent to, to ask who somebody is.
pub async fn begin(
    app: &App,
    provider: &IdentityProvider,
    redirect: &str,
    bindings: &Bindings,
) -> Result<String> {
    let gateway = Gateway::of(app);
    let client = Client {
        id: &provider.client_id,
        secret: "",
        redirect,
    };
    match kind_of(provider)? {
        IdentityProviderKind::GitHub => github::url(gateway, &provider.base_url, &client, bindings),
        IdentityProviderKind::Bitbucket => {
            bitbucket::url(gateway, &provider.base_url, &client, bindings)
        }
        _ => discover(app, &provider.base_url)
            .await?
            .url(gateway, &client, bindings),
    }
}

/// What a browser came back with.
pub struct Answer<'a> {
    /// Good for one token.
    pub code: &'a str,
    /// Who the provider says that it is (RFC 9207).
    pub issuer: Option<&'a str>,
}

/// Asks the provider who it was.
pub async fn finish(
    app: &App,
    provider: &IdentityProvider,
    redirect: &str,
    bindings: &Bindings,
    answer: &Answer<'_>,
) -> Result<Proven> {
    let gateway = Gateway::of(app);
    let secret = provider.open_secret(app).await?;
    let client = Client {
        id: &provider.client_id,
        secret: &secret,
        redirect,
    };
    let (base, verifier) = (&provider.base_url, &bindings.verifier);
    match kind_of(provider)? {
        IdentityProviderKind::GitHub => {
            github::identify(gateway, base, &client, answer.code, verifier).await
        }
        IdentityProviderKind::Bitbucket => {
            bitbucket::identify(gateway, base, &client, answer.code, verifier).await
        }
        _ => finish_oidc(app, provider, &client, bindings, answer).await,
    }
}

async fn finish_oidc(
    app: &App,
    provider: &IdentityProvider,
    client: &Client<'_>,
    bindings: &Bindings,
    answer: &Answer<'_>,
) -> Result<Proven> {
    let gateway = Gateway::of(app);
    let issuer = &provider.base_url;
    let discovery = discover(app, issuer).await?;
    if !discovery.is_answer_of(issuer, answer.issuer) {
        return Err(disbelieved(Disbelief::Issuer));
    }
    let redeemed = discovery
        .redeem(gateway, client, answer.code, &bindings.verifier)
        .await?;
    let read = |keys: &Value| redeemed.claims(keys, issuer, client, &bindings.nonce, app.now());
    let mut claims = read(&keys(app, &discovery, false).await?);
    if claims == Err(Disbelief::UnknownKey) {
        claims = read(&keys(app, &discovery, true).await?);
    }
    let claims = claims.map_err(disbelieved)?;
    let groups_claim = provider.groups_claim.as_deref();
    let subject = claims
        .get("sub")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let beside = if oidc::lacks(&claims, groups_claim) {
        discovery.user_info(gateway, &redeemed, subject).await?
    } else {
        serde_json::Map::new()
    };
    oidc::read_claims(claims, beside, groups_claim)
}

fn disbelieved(why: Disbelief) -> Error {
    upstream(
        false,
        format!("the provider's answer cannot be believed: {why}"),
    )
}

async fn discover(app: &App, issuer: &str) -> Result<Discovery> {
    let gateway = Gateway::of(app);
    let url = oidc::discovery_url(issuer);
    if let Some(document) = recall(app, &url)
        && let Ok(discovery) = Discovery::read(gateway, issuer, &document)
    {
        return Ok(discovery);
    }
    let document = oidc::fetch(gateway, &url, "description").await?;
    let discovery = Discovery::read(gateway, issuer, &document)?;
    remember(app, &url, &document);
    Ok(discovery)
}

async fn keys(app: &App, discovery: &Discovery, is_fresh: bool) -> Result<Value> {
    let url = discovery.keys_url();
    if !is_fresh && let Some(keys) = recall(app, url) {
        return Ok(keys);
    }
    let keys = oidc::fetch(Gateway::of(app), url, "keys").await?;
    remember(app, url, &keys);
    Ok(keys)
}

fn recall(app: &App, url: &str) -> Option<Value> {
    let text = app
        .memo
        .identity_documents
        .recall(url, app.now(), REMEMBERED)?;
    serde_json::from_str(&text).ok()
}

fn remember(app: &App, url: &str, document: &Value) {
    let text: Rc<str> = document.to_string().into();
    app.memo.identity_documents.remember(url, text, app.now());
}
