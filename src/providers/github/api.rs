//! One GET at the API: its headers, and what a refusal means at GitHub.

use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::ports::{InResponse, OutRequest};

use super::BASE_URL;
use crate::providers::address::Address;
use crate::providers::outgoing::{Gateway, limited_silently, read_body, read_message, upstream};

/// What is wanted of an endpoint.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// GitHub's JSON.
    Json,
    /// The bytes of a file; its JSON form ends at 1 MB.
    Raw,
    /// An archive as it is, not packed once more on its way.
    Archive,
}

impl Want {
    fn accept(self) -> &'static str {
        match self {
            Self::Json | Self::Archive => "application/vnd.github+json",
            Self::Raw => "application/vnd.github.raw+json",
        }
    }
}

/// A page of 100 refs takes some 60 KB.
const JSON_LIMIT: usize = 4 * 1024 * 1024;

pub(super) struct Api<'a> {
    gateway: Gateway<'a>,
    /// Without a trailing slash.
    base: String,
    address: Address,
    token: String,
}

/// The answer to one request.
pub(super) enum Asked {
    /// 200, or 304 where it was asked for conditionally.
    Answered(InResponse),
    /// Everything else.
    Refused(Refusal),
}

pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) error: Error,
}

impl Asked {
    /// The answer, or the refusal as an error.
    pub(super) fn or_refusal(self) -> Result<InResponse> {
        match self {
            Self::Answered(response) => Ok(response),
            Self::Refused(refusal) => Err(refusal.error),
        }
    }
}

impl<'a> Api<'a> {
    pub(super) fn new(gateway: Gateway<'a>, base_url: &str, token: &str) -> Result<Self> {
        let base = match base_url.trim().trim_end_matches('/') {
            // What people paste; the API lives next door.
            "" | "https://github.com" => BASE_URL,
            other => other,
        };
        let address = gateway.address(base)?;
        if address.has_query() {
            return Err(Error::invalid("The base URL must have no query"));
        }
        Ok(Self {
            gateway,
            base: address.url().trim_end_matches('/').to_owned(),
            address,
            token: token.to_owned(),
        })
    }

    pub(super) fn host(&self) -> &str {
        self.address.host()
    }

    /// The URL of a path below the base.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Asks for a path below the base.
    pub(super) async fn get(&self, path: &str, want: Want, etag: Option<&str>) -> Result<Asked> {
        self.get_url(&self.url(path), want, etag).await
    }

    /// Asks for a URL that GitHub itself gave us. The token goes along, so that it must be on the same host.
    pub(super) async fn get_url(&self, url: &str, want: Want, etag: Option<&str>) -> Result<Asked> {
        let address = self
            .gateway
            .address(url)
            .map_err(|error| self.unreadable().because(error))?;
        if address.origin() != self.address.origin() {
            return Err(upstream(
                false,
                format!(
                    "`{}` sent us to `{}` for the next page; make that the base URL if it is right",
                    self.host(),
                    address.host()
                ),
            ));
        }
        let mut headers = vec![
            ("accept".to_owned(), want.accept().to_owned()),
            ("authorization".to_owned(), format!("Bearer {}", self.token)),
            ("user-agent".to_owned(), "Repertoire".to_owned()),
            ("x-github-api-version".to_owned(), "2022-11-28".to_owned()),
        ];
        if want == Want::Archive {
            headers.push(("accept-encoding".to_owned(), "identity".to_owned()));
        }
        if let Some(etag) = etag {
            headers.push(("if-none-match".to_owned(), etag.to_owned()));
        }
        let request = OutRequest {
            method: "GET",
            headers,
            ..OutRequest::default()
        };
        let response = self.gateway.send(&address, request).await?;
        if response.status == 200 || (response.status == 304 && etag.is_some()) {
            return Ok(Asked::Answered(response));
        }
        Ok(Asked::Refused(self.refuse(response).await))
    }

    /// Reads an answer.
    pub(super) async fn json<T: DeserializeOwned>(&self, response: InResponse) -> Result<T> {
        let bytes = read_body(response, JSON_LIMIT, "The answer of GitHub").await?;
        serde_json::from_slice(&bytes).map_err(|error| self.unreadable().because(error))
    }

    pub(super) fn unreadable(&self) -> Error {
        upstream(
            false,
            format!(
                "`{}` answered with something else than GitHub's API does; check the base URL",
                self.host()
            ),
        )
    }

    async fn refuse(&self, mut response: InResponse) -> Refusal {
        let message = read_message(&mut response, &self.token).await;
        Refusal {
            status: response.status,
            error: self.explain(&response, message.as_deref()),
        }
    }

    fn explain(&self, response: &InResponse, message: Option<&str>) -> Error {
        let host = self.host();
        let error = self.gateway.refusal(host, response, message);
        if response.status != 403 || error.is_retryable() {
            return error;
        }
        let said = message.unwrap_or_default().to_ascii_lowercase();
        if said.contains("rate limit") || said.contains("abuse detection") {
            return limited_silently(host);
        }
        if let Some(permissions) = response.header("x-accepted-github-permissions")
            && let Some(wanted) = name_permissions(permissions)
        {
            return upstream(
                false,
                format!("The token lacks a permission at `{host}`: give it {wanted}"),
            );
        }
        if said.contains("not accessible by") {
            return upstream(
                false,
                format!(
                    "The token lacks a permission at `{host}`: give it read access to `Contents` \
                     (and `Metadata`)"
                ),
            );
        }
        error
    }
}

/// Whether these are 40 or 64 lower-case hex digits.
pub(super) fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64)
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// `contents=read,metadata=read; pull_requests=read` in words. Alternatives are separated by `;`, and the first will do.
fn name_permissions(header: &str) -> Option<String> {
    let words: Vec<String> = header
        .split(';')
        .next()?
        .split(',')
        .filter_map(|pair| {
            let (name, access) = pair.trim().split_once('=')?;
            let is_name = name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            if !is_name || !matches!(access, "read" | "write" | "admin") {
                return None;
            }
            let (first, rest) = name.split_at_checked(1)?;
            let title = format!("{}{}", first.to_ascii_uppercase(), rest.replace('_', " "));
            Some(format!("{access} access to `{title}`"))
        })
        .collect();
    (!words.is_empty()).then(|| words.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_named_as_the_token_form_has_them() {
        for (header, expected) in [
            ("contents=read", Some("read access to `Contents`")),
            (
                "contents=write,workflows=write; pull_requests=read",
                Some("write access to `Contents` and write access to `Workflows`"),
            ),
            ("pull_requests=read", Some("read access to `Pull requests`")),
            ("allows_permissionless_access=true", None),
            ("", None),
            ("<script>=read", None),
        ] {
            assert_eq!(name_permissions(header).as_deref(), expected, "{header}");
        }
    }
}
