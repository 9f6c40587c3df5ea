//! Bitbucket Cloud: OAuth 2, `/2.0/user` and `/2.0/user/emails`. Only the primary address counts, and only if it was
//! confirmed.

use serde_json::Value;

use super::{
    Bindings, Client, ClientProof, access_token, authorisation_url, exchange, get_json, read_name,
    text,
};
use crate::domain::sign_in::Proven;
use crate::domain::sign_in::id_token::is_subject;
use crate::error::Result;
use crate::providers::outgoing::{Gateway, upstream};

const SCOPE: &str = "account email";
const API: &str = "https://api.bitbucket.org/2.0";

/// Where a browser is sent to.
pub fn url(
    gateway: Gateway<'_>,
    base: &str,
    client: &Client<'_>,
    bindings: &Bindings,
) -> Result<String> {
    let endpoint = format!("{base}/site/oauth2/authorize");
    authorisation_url(gateway, &endpoint, client, bindings, SCOPE, false)
}

/// Hands in a code, and asks who it was.
pub async fn identify(
    gateway: Gateway<'_>,
    base: &str,
    client: &Client<'_>,
    code: &str,
    verifier: &str,
) -> Result<Proven> {
    let address = gateway.address(&format!("{base}/site/oauth2/access_token"))?;
    let answer = exchange(
        gateway,
        &address,
        client,
        ClientProof::Basic,
        code,
        verifier,
    )
    .await?;
    let token = access_token(&answer, address.host())?;
    let address = gateway.address(&format!("{API}/user"))?;
    let user = get_json(gateway, &address, Some(token), "user").await?;
    let subject = text(&user, "uuid")
        .filter(|uuid| is_subject(uuid))
        .ok_or_else(|| {
            upstream(
                false,
                format!("`{}` did not say who you are", address.host()),
            )
        })?;
    let address = gateway.address(&format!("{API}/user/emails?pagelen=100"))?;
    let emails = get_json(gateway, &address, Some(token), "e-mail addresses").await?;
    let primary = emails
        .get("values")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .find(|one| one.get("is_primary") == Some(&Value::Bool(true)));
    let name = text(&user, "display_name").or_else(|| text(&user, "username"));
    Ok(Proven {
        subject: subject.to_owned(),
        email: primary
            .and_then(|one| text(one, "email"))
            .map(str::to_owned),
        is_verified: primary.and_then(|one| one.get("is_confirmed")) == Some(&Value::Bool(true)),
        name: name.and_then(read_name),
        groups: None,
    })
}
