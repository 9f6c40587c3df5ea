//! GitHub and GitHub Enterprise: OAuth 2, `/user` and `/user/emails`. Only the primary address counts, and only if GitHub
//! verified it.

use serde_json::Value;

use super::{
    Bindings, Client, ClientProof, access_token, authorisation_url, exchange, get_json, read_name,
    text,
};
use crate::domain::sign_in::Proven;
use crate::error::Result;
use crate::providers::outgoing::{Gateway, upstream};

const SCOPE: &str = "read:user user:email";

/// Where a browser is sent to. `base` is `https://github.com` or that of an Enterprise server.
pub fn url(
    gateway: Gateway<'_>,
    base: &str,
    client: &Client<'_>,
    bindings: &Bindings,
) -> Result<String> {
    let endpoint = format!("{base}/login/oauth/authorize");
    authorisation_url(gateway, &endpoint, client, bindings, SCOPE, false)
}

/// Where its API is.
fn api(base: &str) -> String {
    if base == "https://github.com" {
        "https://api.github.com".to_owned()
    } else {
        format!("{base}/api/v3")
    }
}

/// Hands in a code, and asks who it was.
pub async fn identify(
    gateway: Gateway<'_>,
    base: &str,
    client: &Client<'_>,
    code: &str,
    verifier: &str,
) -> Result<Proven> {
    let address = gateway.address(&format!("{base}/login/oauth/access_token"))?;
    let answer = exchange(gateway, &address, client, ClientProof::Post, code, verifier).await?;
    let token = access_token(&answer, address.host())?;
    let api = api(base);
    let address = gateway.address(&format!("{api}/user"))?;
    let user = get_json(gateway, &address, Some(token), "user").await?;
    let unreadable = || {
        upstream(
            false,
            format!("`{}` did not say who you are", address.host()),
        )
    };
    // The number: a name can be given up and taken by another.
    let id = user
        .get("id")
        .and_then(Value::as_u64)
        .ok_or_else(unreadable)?;
    let address = gateway.address(&format!("{api}/user/emails?per_page=100"))?;
    let emails = get_json(gateway, &address, Some(token), "e-mail addresses").await?;
    let primary = emails
        .as_array()
        .into_iter()
        .flatten()
        .find(|one| one.get("primary") == Some(&Value::Bool(true)));
    let name = text(&user, "name").or_else(|| text(&user, "login"));
    Ok(Proven {
        subject: id.to_string(),
        email: primary
            .and_then(|one| text(one, "email"))
            .map(str::to_owned),
        is_verified: primary.and_then(|one| one.get("verified")) == Some(&Value::Bool(true)),
        name: name.and_then(read_name),
        groups: None,
    })
}
