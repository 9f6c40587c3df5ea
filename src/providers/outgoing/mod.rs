//! The rules for every outgoing request: which hosts may be asked, how redirects are followed, who sees
//! the credentials, how much is read, and what a refusal means.
//!
//! No message built here shows more of a URL than its host: paths and queries may carry tokens.

use jiff::fmt::rfc2822;

use crate::app::App;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::outbound::read_to_end;
use crate::ports::{Clock, HttpClient, InResponse, OutRequest};

use super::address::{Address, InvalidAddress, PrivateAddresses};

/// How many redirects are followed. A renamed project and a signed archive link take two.
const REDIRECTS: usize = 5;

/// What may go along to another host. All else stays: credentials have many names.
const HARMLESS: [&str; 4] = ["accept", "accept-encoding", "git-protocol", "user-agent"];

/// A wait for limits that do not say how long; GitHub asks for at least a minute.
const SILENT_LIMIT: u32 = 60;

/// No wait is longer than a day, whatever a host says.
const LONGEST_WAIT: i64 = 86_400;

/// Bodies of refusals are read for their message only.
const REFUSAL_LIMIT: usize = 64 * 1024;

/// The way out. Cheap to make: one for each job or request.
#[derive(Clone, Copy)]
pub struct Gateway<'a> {
    client: &'a dyn HttpClient,
    clock: &'a dyn Clock,
    private: PrivateAddresses,
}

impl<'a> Gateway<'a> {
    /// A way out over these ports.
    pub fn new(
        client: &'a dyn HttpClient,
        clock: &'a dyn Clock,
        private: PrivateAddresses,
    ) -> Self {
        Self {
            client,
            clock,
            private,
        }
    }

    /// The app's way out.
    pub fn of(app: &'a App) -> Self {
        let private = if app.config.allow_private_addresses {
            PrivateAddresses::Allowed
        } else {
            PrivateAddresses::Refused
        };
        Self::new(app.outbound.as_ref(), app.clock.as_ref(), private)
    }

    /// The time, in Unix seconds.
    pub fn now(&self) -> i64 {
        self.clock.now()
    }

    /// Reads and checks an address that a person gave us.
    pub fn address(&self, url: &str) -> Result<Address> {
        Address::parse(url, self.private).map_err(|fault| Error::invalid(explain(fault)))
    }

    /// Sends a request to where `address` leads and follows redirects. The headers that may be
    /// credentials stay behind as soon as scheme, host or port change, and never come back.
    /// `request.url` is not looked at.
    pub async fn send(&self, address: &Address, request: OutRequest) -> Result<InResponse> {
        let (_, response) = self.send_traced(address, request).await?;
        Ok(response)
    }

    /// The same, and where the answer came from in the end.
    pub async fn send_traced(
        &self,
        address: &Address,
        request: OutRequest,
    ) -> Result<(Address, InResponse)> {
        let mut address = address.clone();
        let mut request = request;
        for _ in 0..=REDIRECTS {
            request.url = address.url();
            let response = self
                .client
                .send(request.clone())
                .await
                .map_err(|error| unreachable_host(&address.authority(), &error))?;
            if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
                return Ok((address, response));
            }
            let next = self.redirected(&address, &response)?;
            if !may_follow(&request, &response, &address, &next) {
                return Err(upstream(
                    false,
                    format!(
                        "`{}` redirected a request that changes something; check the address",
                        address.host()
                    ),
                ));
            }
            if next.origin() != address.origin() {
                request
                    .headers
                    .retain(|(name, _)| HARMLESS.contains(&name.as_str()));
            }
            address = next;
        }
        Err(upstream(
            false,
            format!("`{}` redirects in a circle", address.host()),
        ))
    }

    fn redirected(&self, from: &Address, response: &InResponse) -> Result<Address> {
        let location = response.header("location").unwrap_or_default();
        from.join(location, self.private).map_err(|fault| {
            upstream(
                false,
                format!("`{}` redirected us, but {fault}", from.host()),
            )
        })
    }

    /// What a refusal means, from its status and headers alone. `message` is the host's own sentence, if
    /// it gave one that may be shown.
    pub fn refusal(&self, host: &str, response: &InResponse, message: Option<&str>) -> Error {
        let said = message.map_or_else(String::new, |message| format!(": {message}"));
        if let Some(retry_after) = self.limit(response) {
            return limited(host, retry_after);
        }
        match response.status {
            401 => credential_refused(host, message),
            403 if message.is_some_and(is_about_account) => credential_refused(host, message),
            403 => upstream(
                false,
                format!(
                    "`{host}` does not let this token do that{said}; give it the missing permission"
                ),
            ),
            404 | 410 => Error::not_found(format!(
                "`{host}` has no such thing, or does not show it to this token"
            )),
            408 | 425 | 500..=599 => upstream(
                true,
                format!("`{host}` failed with status {}{said}", response.status),
            ),
            status => upstream(
                false,
                format!("`{host}` answered with status {status}{said}"),
            ),
        }
    }

    /// The wait that a limiting host asks for; none when this is no limit.
    fn limit(&self, response: &InResponse) -> Option<u32> {
        if !matches!(response.status, 403 | 429 | 503) {
            return None;
        }
        let now = self.clock.now();
        let asked = response
            .header("retry-after")
            .and_then(|text| read_retry_after(text, now));
        // A spent allowance on a 503 says nothing about why the host is down.
        let is_spent =
            response.status != 503 && either(response, "ratelimit-remaining") == Some("0");
        let reset = either(response, "ratelimit-reset")
            .filter(|_| is_spent)
            .and_then(|text| text.trim().parse::<i64>().ok())
            .map(|reset| reset.saturating_sub(now));
        let wait = asked.or(reset);
        if wait.is_none() && response.status != 429 && !is_spent {
            return None;
        }
        let bounded = wait
            .unwrap_or(i64::from(SILENT_LIMIT))
            .clamp(1, LONGEST_WAIT);
        u32::try_from(bounded).ok()
    }
}

/// A header of limits by its name with or without `x-`: GitHub has it with, GitLab without.
fn either<'a>(response: &'a InResponse, name: &str) -> Option<&'a str> {
    response
        .header(&format!("x-{name}"))
        .or_else(|| response.header(name))
}

/// A limit that names no wait.
pub fn limited_silently(host: &str) -> Error {
    limited(host, SILENT_LIMIT)
}

/// A host that accepts the credentials no more.
pub fn credential_refused(host: &str, message: Option<&str>) -> Error {
    let said = message.map_or_else(String::new, |message| format!(": {message}"));
    Error::new(
        ErrorKind::CredentialRefused,
        format!(
            "`{host}` refused the token{said}; it was revoked, has expired or was mistyped. \
             Store a new one in the connection."
        ),
    )
}

/// Whether a 403 is about the account and not about what was asked of it: GitHub suspends accounts, GitLab blocks and
/// deactivates them.
fn is_about_account(message: &str) -> bool {
    let said = message.to_ascii_lowercase();
    said.contains("account")
        && ["suspended", "blocked", "deactivated"]
            .iter()
            .any(|state| said.contains(state))
}

/// Another host's failure.
pub fn upstream(retryable: bool, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Upstream { retryable }, message)
}

/// Reads a body of at most `limit` bytes; `what` names it in the error.
pub async fn read_body(mut response: InResponse, limit: usize, what: &str) -> Result<Vec<u8>> {
    let too_large = || {
        Error::new(
            ErrorKind::TooLarge,
            format!("{what} is larger than {limit} bytes"),
        )
    };
    let declared = response
        .header("content-length")
        .and_then(|text| text.parse::<usize>().ok());
    if declared.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    match read_to_end(response.body.as_mut(), limit).await {
        Err(error) if error.kind() == ErrorKind::TooLarge => Err(too_large()),
        other => other,
    }
}

/// Where hosts put the sentence of a refusal.
const MESSAGES: [&str; 7] = [
    "/errors/0/message",
    "/message",
    "/message/error",
    "/message/url/0",
    "/error_description",
    "/error/message",
    "/error",
];

/// The `message` of a refusal's JSON body, when it is one short printable sentence without `secret`.
pub async fn read_message(response: &mut InResponse, secret: &str) -> Option<String> {
    let bytes = read_to_end(response.body.as_mut(), REFUSAL_LIMIT)
        .await
        .ok()?;
    let body: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    // GitLab nests some of its sentences, as both Bitbuckets do all of theirs, and those of OAuth have a name of their own.
    // Of what was wrong with a hook, GitHub tells in a list, and GitLab by the field.
    let message = MESSAGES
        .into_iter()
        .find_map(|pointer| body.pointer(pointer)?.as_str())?
        .trim()
        .trim_end_matches('.');
    let is_fit = !message.is_empty()
        && message.len() <= 300
        && !message.chars().any(char::is_control)
        && !message.contains(secret);
    is_fit.then(|| message.to_owned())
}

fn explain(fault: InvalidAddress) -> String {
    let mut text = fault.to_string();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

/// A limit that lasts this many seconds.
pub fn limited(host: &str, retry_after: u32) -> Error {
    Error::new(
        ErrorKind::RateLimited { retry_after },
        format!("`{host}` limits our requests; the next attempt is in {retry_after} seconds"),
    )
}

/// A limit of archives alone.
pub fn archives_limited(host: &str, retry_after: u32) -> Error {
    Error::new(
        ErrorKind::ArchivesLimited { retry_after },
        format!(
            "`{host}` gives few archives of a project in a minute; the next attempt is in {retry_after} seconds"
        ),
    )
}

/// The client's own message may quote the URL, so it goes to the log alone.
fn unreachable_host(host: &str, error: &Error) -> Error {
    match error.kind() {
        ErrorKind::Upstream { retryable } => {
            upstream(retryable, format!("`{host}` could not be reached"))
                .because(without_queries(error))
        }
        _ => Error::internal(without_queries(error)),
    }
}

/// The log may know paths, but no signed links.
fn without_queries(error: &Error) -> String {
    let text = error.to_string();
    let words: Vec<&str> = text
        .split(' ')
        .map(|word| match word.split_once('?') {
            Some((before, after)) if !after.is_empty() => before,
            _ => word,
        })
        .collect();
    words.join(" ")
}

/// A request without a body is repeated anywhere. One with a body is repeated only where the host says
/// that it stays the same request, and only on that host.
fn may_follow(request: &OutRequest, response: &InResponse, from: &Address, to: &Address) -> bool {
    matches!(request.method, "GET" | "HEAD")
        || (matches!(response.status, 307 | 308) && from.origin() == to.origin())
}

/// Seconds, or a date.
fn read_retry_after(text: &str, now: i64) -> Option<i64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<i64>() {
        return Some(seconds);
    }
    let date = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(date.as_second().saturating_sub(now))
}

#[cfg(test)]
mod tests;
