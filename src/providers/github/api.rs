//! How GitHub's REST API is asked, and what its refusals mean.

use crate::error::{Error, ErrorKind, Result};
use crate::ports::InResponse;
use crate::providers::outgoing::{Gateway, limited_silently, upstream};
use crate::providers::rest::{Dialect, Rest, Want};

use super::BASE_URL;

static DIALECT: Dialect = Dialect {
    name: "GitHub",
    accept,
    explain,
};

/// What an installation of an app is answered.
static INSTALLATION: Dialect = Dialect {
    name: "GitHub",
    accept,
    explain: explain_to_installation,
};

/// What an app is answered when it speaks for itself.
static APP: Dialect = Dialect {
    name: "GitHub",
    accept,
    explain: explain_to_app,
};

/// Whose token it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    /// A person's, or a machine account's.
    Person,
    /// An installation's of a GitHub App.
    Installation,
    /// An app's own: a JSON Web Token.
    App,
}

/// Its JSON form of a file ends at 1 MB.
fn accept(want: Want) -> &'static str {
    match want {
        Want::Json | Want::Archive => "application/vnd.github+json",
        Want::Raw => "application/vnd.github.raw+json",
    }
}

/// The API at `base_url`, asked with this token.
pub(super) fn open<'a>(
    gateway: Gateway<'a>,
    base_url: &str,
    token: &str,
    holder: Holder,
) -> Result<Rest<'a>> {
    let base = match base_url.trim().trim_end_matches('/') {
        // What people paste; the API lives next door.
        "" | "https://github.com" => BASE_URL,
        other => other,
    };
    let bearer = ("authorization", format!("Bearer {token}"));
    let dialect = match holder {
        Holder::Person => &DIALECT,
        Holder::Installation => &INSTALLATION,
        Holder::App => &APP,
    };
    let rest = Rest::new(gateway, dialect, base, bearer, token)?;
    Ok(rest.with("x-github-api-version", "2022-11-28"))
}

fn explain(host: &str, response: &InResponse, message: Option<&str>) -> Option<Error> {
    explain_limits_and_permissions(host, response, message, "The token")
}

fn explain_to_installation(
    host: &str,
    response: &InResponse,
    message: Option<&str>,
) -> Option<Error> {
    if response.status == 401 {
        let said = message.unwrap_or("no reason given");
        // It knows a token of a moment ago not everywhere yet, so this may pass.
        return Some(upstream(
            true,
            format!("`{host}` refused a token that it had given the app's installation: {said}"),
        ));
    }
    explain_suspension(host, response, message)
        .or_else(|| explain_limits_and_permissions(host, response, message, "The GitHub App"))
}

fn explain_to_app(host: &str, response: &InResponse, message: Option<&str>) -> Option<Error> {
    if response.status == 401 {
        let said = message.map_or_else(String::new, |message| format!(" ({message})"));
        return Some(upstream(
            false,
            format!(
                "`{host}` does not know the GitHub App by this key{said}: the client id or app id and the private key \
                 must be of the same app at this host, and the key must not have been deleted there"
            ),
        ));
    }
    explain_suspension(host, response, message)
        .or_else(|| explain_limits_and_permissions(host, response, message, "The GitHub App"))
}

fn explain_suspension(host: &str, response: &InResponse, message: Option<&str>) -> Option<Error> {
    let said = message.unwrap_or_default().to_ascii_lowercase();
    (response.status == 403 && said.contains("suspended")).then(|| {
        Error::new(
            ErrorKind::CredentialRefused,
            format!(
                "The installation of the GitHub App is suspended at `{host}`: whoever owns the account can unsuspend it \
                 there, in the settings of installed GitHub Apps"
            ),
        )
    })
}

/// `who` stands at the beginning of a sentence.
fn explain_limits_and_permissions(
    host: &str,
    response: &InResponse,
    message: Option<&str>,
    who: &str,
) -> Option<Error> {
    if response.status != 403 {
        return None;
    }
    let said = message.unwrap_or_default().to_ascii_lowercase();
    if said.contains("rate limit") || said.contains("abuse detection") {
        return Some(limited_silently(host));
    }
    if let Some(permissions) = response.header("x-accepted-github-permissions")
        && let Some(wanted) = name_permissions(permissions)
    {
        return Some(upstream(
            false,
            format!("{who} lacks a permission at `{host}`: give it {wanted}"),
        ));
    }
    said.contains("not accessible by").then(|| {
        upstream(
            false,
            format!(
                "{who} lacks a permission at `{host}`: give it read access to `Contents` \
                 (and `Metadata`)"
            ),
        )
    })
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
