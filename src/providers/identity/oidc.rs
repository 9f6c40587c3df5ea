//! OpenID Connect: discovery, authorisation code, ID token, and what the user info adds.

use serde_json::{Map, Value};

use super::{
    Bindings, Client, ClientProof, access_token, authorisation_url, exchange, get_json, read_name,
    text,
};
use crate::domain::sign_in::Proven;
use crate::domain::sign_in::id_token::{Disbelief, Expected, is_subject, verify};
use crate::error::{Error, Result};
use crate::providers::address::Address;
use crate::providers::outgoing::{Gateway, upstream};

/// What is asked for.
const SCOPE: &str = "openid email profile";
/// So many groups of somebody are read.
const MOST_GROUPS: usize = 1_000;

/// Where the discovery document of an issuer is (OpenID Connect Discovery 1.0, 4).
pub fn discovery_url(issuer: &str) -> String {
    let issuer = issuer.trim_end_matches('/');
    format!("{issuer}/.well-known/openid-configuration")
}

/// Asks for a document by its URL: discovery, or keys.
pub async fn fetch(gateway: Gateway<'_>, url: &str, what: &str) -> Result<Value> {
    let address = gateway.address(url)?;
    get_json(gateway, &address, None, what).await
}

/// What an issuer says of itself.
pub struct Discovery {
    authorisation: String,
    token: Address,
    keys: String,
    user_info: Option<Address>,
    proof: ClientProof,
    /// Whether it says who it is when a browser comes back (RFC 9207).
    says_issuer: bool,
}

impl Discovery {
    /// Reads the document of an issuer, which has to be of that very issuer.
    pub fn read(gateway: Gateway<'_>, issuer: &str, document: &Value) -> Result<Self> {
        let unusable = |what: &str| upstream(false, format!("the issuer's description {what}"));
        if document.get("issuer").and_then(Value::as_str) != Some(issuer) {
            return Err(unusable(
                "is of another issuer; enter the issuer exactly as it calls itself, to the last slash",
            ));
        }
        let url =
            |name: &str| text(document, name).ok_or_else(|| unusable(&format!("has no `{name}`")));
        let address = |name: &str| {
            let parsed = gateway.address(url(name)?);
            parsed.map_err(|error| {
                unusable(&format!("has a `{name}` that cannot be used")).because(error)
            })
        };
        let methods = document
            .get("token_endpoint_auth_methods_supported")
            .and_then(Value::as_array);
        let supports = |name: &str| {
            methods.is_none_or(|all| all.iter().any(|method| method.as_str() == Some(name)))
        };
        let proof = if supports("client_secret_basic") {
            ClientProof::Basic
        } else {
            ClientProof::Post
        };
        address("authorization_endpoint")?;
        address("jwks_uri")?;
        Ok(Self {
            authorisation: url("authorization_endpoint")?.to_owned(),
            token: address("token_endpoint")?,
            keys: url("jwks_uri")?.to_owned(),
            user_info: text(document, "userinfo_endpoint")
                .map(|_| address("userinfo_endpoint"))
                .transpose()?,
            proof,
            says_issuer: document.get("authorization_response_iss_parameter_supported")
                == Some(&Value::Bool(true)),
        })
    }

    /// Where its keys are.
    pub fn keys_url(&self) -> &str {
        &self.keys
    }

    /// Where a browser is sent to.
    pub fn url(
        &self,
        gateway: Gateway<'_>,
        client: &Client<'_>,
        bindings: &Bindings,
    ) -> Result<String> {
        authorisation_url(gateway, &self.authorisation, client, bindings, SCOPE, true)
    }

    /// Whether an answer that came by the browser can be of this issuer: two providers must not be taken for each other.
    pub fn is_answer_of(&self, issuer: &str, said: Option<&str>) -> bool {
        match said {
            Some(said) => said == issuer,
            None => !self.says_issuer,
        }
    }

    /// Hands in a code.
    pub async fn redeem(
        &self,
        gateway: Gateway<'_>,
        client: &Client<'_>,
        code: &str,
        verifier: &str,
    ) -> Result<Redeemed> {
        let answer = exchange(gateway, &self.token, client, self.proof, code, verifier).await?;
        let host = self.token.host();
        let token = text(&answer, "id_token");
        Ok(Redeemed {
            id_token: token
                .ok_or_else(|| upstream(false, format!("`{host}` gave no ID token")))?
                .to_owned(),
            access_token: access_token(&answer, host).ok().map(str::to_owned),
        })
    }

    /// What the user info says, which is only believed when it is about the same person.
    pub async fn user_info(
        &self,
        gateway: Gateway<'_>,
        redeemed: &Redeemed,
        subject: &str,
    ) -> Result<Map<String, Value>> {
        let (Some(address), Some(token)) = (&self.user_info, &redeemed.access_token) else {
            return Ok(Map::new());
        };
        let answer = get_json(gateway, address, Some(token), "user info").await?;
        match answer {
            Value::Object(claims) if claims.get("sub").and_then(Value::as_str) == Some(subject) => {
                Ok(claims)
            }
            _ => Err(upstream(
                false,
                format!(
                    "the user info of `{}` is about somebody else",
                    address.host()
                ),
            )),
        }
    }
}

/// What came for a code.
pub struct Redeemed {
    id_token: String,
    access_token: Option<String>,
}

impl Redeemed {
    /// Verifies the ID token.
    pub fn claims(
        &self,
        keys: &Value,
        issuer: &str,
        client: &Client<'_>,
        nonce: &str,
        now: i64,
    ) -> Result<Map<String, Value>, Disbelief> {
        let expected = Expected {
            issuer,
            client_id: client.id,
            nonce,
            access_token: self.access_token.as_deref(),
            now,
        };
        verify(&self.id_token, keys, &expected)
    }
}

/// Whether the user info is worth a question: something that is needed does not stand in the ID token.
pub fn lacks(claims: &Map<String, Value>, groups_claim: Option<&str>) -> bool {
    !claims.contains_key("email") || groups_claim.is_some_and(|name| !claims.contains_key(name))
}

/// Who somebody is, by the claims of the ID token and those of the user info beside it.
pub fn read_claims(
    mut claims: Map<String, Value>,
    beside: Map<String, Value>,
    groups_claim: Option<&str>,
) -> Result<Proven> {
    // Address and mark go together: what one says of its address is nothing about the other's.
    if !claims.contains_key("email") {
        claims.remove("email_verified");
    }
    let has_email = claims.contains_key("email");
    for (name, value) in beside {
        if has_email && name == "email_verified" {
            continue;
        }
        claims.entry(name).or_insert(value);
    }
    let string = |name: &str| claims.get(name).and_then(Value::as_str);
    let subject = string("sub")
        .filter(|subject| is_subject(subject))
        .ok_or_else(|| Error::internal("a verified token without a subject"))?;
    // Some write the mark as a text.
    let is_verified = match claims.get("email_verified") {
        Some(Value::Bool(is_verified)) => *is_verified,
        Some(Value::String(text)) => text == "true",
        _ => false,
    };
    let name = string("name").or_else(|| string("preferred_username"));
    Ok(Proven {
        subject: subject.to_owned(),
        email: string("email").map(str::to_owned),
        is_verified,
        name: name.and_then(read_name),
        groups: groups_claim.map(|name| read_groups(claims.get(name))),
    })
}

/// A list of names, or one name. Who is in none has an empty list, or no claim at all.
fn read_groups(claim: Option<&Value>) -> Vec<String> {
    match claim {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(all)) => all
            .iter()
            .filter_map(Value::as_str)
            .take(MOST_GROUPS)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}
