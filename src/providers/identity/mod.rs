//! Asking others who somebody is: OpenID Connect, and the two hosts that have an API of their own in its place. All that
//! they say is read within narrow limits, and nothing that they say is shown but for their names.

pub mod bitbucket;
pub mod github;
pub mod oidc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::ports::OutRequest;
use crate::providers::address::Address;
use crate::providers::outgoing::{Gateway, read_body, upstream};

/// The largest document that is read, in bytes: key sets with certificates in them have some 20 kB.
const LARGEST: usize = 256 * 1024;
/// The longest address that a browser is sent to.
const LONGEST_URL: usize = 6_000;

/// We, as a provider knows us.
pub struct Client<'a> {
    /// Public.
    pub id: &'a str,
    /// Known to both alone.
    pub secret: &'a str,
    /// Where the provider sends people back to.
    pub redirect: &'a str,
}

/// What one sign-in is bound to.
pub struct Bindings {
    /// Comes back with the browser.
    pub state: String,
    /// Comes back in the ID token.
    pub nonce: String,
    /// Shown when the code is handed in (PKCE, RFC 7636).
    pub verifier: String,
}

impl Bindings {
    /// What goes along with the browser in place of the verifier.
    fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.as_bytes()))
    }
}

/// A name or a value in a query or a form.
fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn pairs(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    pairs.join("&")
}

/// Where a browser is sent to ask; `endpoint` may have a query of its own.
fn authorisation_url(
    gateway: Gateway<'_>,
    endpoint: &str,
    client: &Client<'_>,
    bindings: &Bindings,
    scope: &str,
    with_nonce: bool,
) -> Result<String> {
    let address = gateway.address(endpoint)?;
    let challenge = bindings.challenge();
    let mut fields = vec![
        ("response_type", "code"),
        ("client_id", client.id),
        ("redirect_uri", client.redirect),
        ("scope", scope),
        ("state", &bindings.state),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    if with_nonce {
        fields.push(("nonce", &bindings.nonce));
    }
    let url = address.url();
    let sign = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{sign}{}", pairs(&fields));
    if url.len() > LONGEST_URL {
        return Err(upstream(false, "the address to sign in at is too long"));
    }
    Ok(url)
}

/// Asks for a document. Its status has to be 200 and it has to be JSON.
async fn get_json(
    gateway: Gateway<'_>,
    address: &Address,
    authorisation: Option<&str>,
    what: &str,
) -> Result<Value> {
    let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
    if let Some(token) = authorisation {
        headers.push(("authorization".to_owned(), format!("Bearer {token}")));
    }
    let request = OutRequest {
        method: "GET",
        headers,
        ..OutRequest::default()
    };
    send_json(gateway, address, request, what).await
}

async fn send_json(
    gateway: Gateway<'_>,
    address: &Address,
    request: OutRequest,
    what: &str,
) -> Result<Value> {
    let host = address.host().to_owned();
    let response = gateway.send(address, request).await?;
    if response.status != 200 {
        return Err(failed(&host, what, response.status));
    }
    let bytes = read_body(response, LARGEST, what).await?;
    serde_json::from_slice(&bytes)
        .map_err(|error| upstream(true, format!("`{host}` gave no readable {what}")).because(error))
}

fn failed(host: &str, what: &str, status: u16) -> crate::error::Error {
    upstream(
        status >= 500 || status == 429,
        format!("`{host}` answered with status {status} when it was asked for {what}"),
    )
}

/// How a client shows its secret (RFC 6749, 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClientProof {
    /// In a header.
    Basic,
    /// In the form.
    Post,
}

/// Hands in a code for what it stands for.
async fn exchange(
    gateway: Gateway<'_>,
    address: &Address,
    client: &Client<'_>,
    proof: ClientProof,
    code: &str,
    verifier: &str,
) -> Result<Value> {
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", client.redirect),
        ("code_verifier", verifier),
    ];
    let mut headers = vec![
        ("accept".to_owned(), "application/json".to_owned()),
        (
            "content-type".to_owned(),
            "application/x-www-form-urlencoded".to_owned(),
        ),
    ];
    match proof {
        ClientProof::Basic => {
            let both = format!("{}:{}", encode(client.id), encode(client.secret));
            headers.push((
                "authorization".to_owned(),
                format!("Basic {}", STANDARD.encode(both)),
            ));
        }
        ClientProof::Post => {
            fields.push(("client_id", client.id));
            fields.push(("client_secret", client.secret));
        }
    }
    let host = address.host().to_owned();
    let request = OutRequest {
        method: "POST",
        url: String::new(),
        headers,
        body: pairs(&fields).into_bytes(),
    };
    let response = gateway.send(address, request).await?;
    let status = response.status;
    if !matches!(status, 200 | 400 | 401) {
        return Err(failed(&host, "a token", status));
    }
    let bytes = read_body(response, LARGEST, "token").await?;
    let answer: Value = serde_json::from_slice(&bytes).map_err(|error| {
        upstream(true, format!("`{host}` gave no readable token")).because(error)
    })?;
    // GitHub refuses with 200. The code is one of a few words; nothing else of a refusal is shown.
    if let Some(error) = answer.get("error").and_then(Value::as_str) {
        return Err(upstream(false, refused(&host, error)));
    }
    if status == 200 {
        Ok(answer)
    } else {
        Err(failed(&host, "a token", status))
    }
}

fn refused(host: &str, error: &str) -> String {
    match error {
        "invalid_client" | "incorrect_client_credentials" | "unauthorized_client" => format!(
            "`{host}` does not accept the client id and secret that are stored here; whoever set this sign-in up has to renew \
             them"
        ),
        "redirect_uri_mismatch" => format!(
            "`{host}` does not know our redirect address; whoever set this sign-in up has to enter it there"
        ),
        "invalid_grant" | "bad_verification_code" => {
            format!("`{host}` does not accept the code any more; try again")
        }
        _ => format!("`{host}` refused to say who you are"),
    }
}

/// A text of an answer, when there is something in it.
fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

/// The access token of an answer, when it can stand in a header.
fn access_token<'a>(answer: &'a Value, host: &str) -> Result<&'a str> {
    text(answer, "access_token")
        .filter(|token| token.bytes().all(|byte| byte.is_ascii_graphic()))
        .ok_or_else(|| upstream(false, format!("`{host}` gave no access token")))
}

/// A name as people may read it.
fn read_name(name: &str) -> Option<String> {
    let name: String = name
        .chars()
        .filter(|one| !one.is_control())
        .take(60)
        .collect();
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}
