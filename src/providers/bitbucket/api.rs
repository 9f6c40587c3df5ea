//! How Bitbucket Cloud is asked: which address, which credentials, what its refusals mean.

use crate::error::{Error, Result};
use crate::ports::InResponse;
use crate::providers::Credentials;
use crate::providers::outgoing::{Gateway, upstream};
use crate::providers::rest::{Dialect, Rest, Want};

use super::BASE_URL;

/// The version of the API, and its path.
const API: &str = "/2.0";

/// The website, which also gives the archives.
const WEBSITE: &str = "https://bitbucket.org";

static DIALECT: Dialect = Dialect {
    name: "Bitbucket",
    accept,
    explain,
};

fn accept(want: Want) -> &'static str {
    match want {
        Want::Json => "application/json",
        Want::Raw | Want::Archive => "*/*",
    }
}

/// The API, and the website beside it. Both are shown the same header, as Composer does with its credentials.
pub(super) struct Opened<'a> {
    pub(super) api: Rest<'a>,
    pub(super) website: Rest<'a>,
    /// Whether the token is of a repository, a project or a workspace, and not of a person.
    pub(super) is_access_token: bool,
}

/// Bitbucket at `base_url`, or bitbucket.org when that is empty. Elsewhere API and website have one origin.
pub(super) fn open<'a>(
    gateway: Gateway<'a>,
    base_url: &str,
    credentials: &Credentials,
) -> Result<Opened<'a>> {
    let base = base_url.trim().trim_end_matches('/');
    let base = base.strip_suffix(API).unwrap_or(base);
    let (api, website) = match base {
        // The website is what people paste.
        "" | WEBSITE | "https://api.bitbucket.org" => (BASE_URL.to_owned(), WEBSITE),
        other => (format!("{other}{API}"), other),
    };
    let (authorization, is_access_token) = authorize(credentials)?;
    let open = |base: &str| {
        let header = ("authorization", authorization.clone());
        Rest::new(gateway, &DIALECT, base, header, &credentials.token)
    };
    Ok(Opened {
        api: open(&api)?,
        website: open(website)?,
        is_access_token,
    })
}

/// The value of `Authorization`. An API token goes as Basic with the e-mail address of its account; an access token goes
/// alone, as Bearer. What a token begins with is what Atlassian has secret scanners look for.
fn authorize(credentials: &Credentials) -> Result<(String, bool)> {
    let token = credentials.plain_token()?;
    if token.starts_with("ATBB") {
        return Err(no_app_passwords());
    }
    match credentials.username.as_deref() {
        // What git takes for a name with an access token.
        None | Some("x-token-auth") if token.starts_with("ATATT") => Err(Error::invalid(
            "This is an API token; give the e-mail address of its Atlassian account as `username`",
        )),
        None | Some("x-token-auth") => Ok((format!("Bearer {token}"), true)),
        Some(_) if token.starts_with("ATCTT") => Err(Error::invalid(
            "This is an access token, which goes alone; leave `username` out",
        )),
        Some(name) if !name.contains('@') => Err(Error::invalid(
            "With an API token `username` is the e-mail address of its Atlassian account; with an access token of a \
             repository, project or workspace leave `username` out. App passwords are no longer taken by Bitbucket.",
        )),
        Some(_) => {
            let basic = credentials.basic()?.unwrap_or_default();
            Ok((basic, false))
        }
    }
}

fn no_app_passwords() -> Error {
    Error::invalid(
        "This is an app password, which Bitbucket no longer takes; make an API token with the scope \
         `read:repository:bitbucket`, and give the e-mail address of its account as `username`",
    )
}

/// The sentence about a missing scope. It does not say which one, but only one is needed to read.
pub(super) fn is_missing_scope(message: Option<&str>) -> bool {
    message.is_some_and(|said| said.contains("required privilege scopes"))
}

fn explain(host: &str, response: &InResponse, message: Option<&str>) -> Option<Error> {
    let said = message.unwrap_or_default().to_ascii_lowercase();
    if said.contains("app password") {
        return Some(upstream(
            false,
            format!(
                "`{host}` takes no app passwords any more; store an API token in the connection, with the e-mail \
                 address of its account as `username`"
            ),
        ));
    }
    match response.status {
        403 if is_missing_scope(message) => Some(upstream(
            false,
            format!(
                "The token lacks the scope `read:repository:bitbucket` at `{host}` (an access token: read access to \
                 repositories); make a new one that has it"
            ),
        )),
        410 => Some(upstream(
            false,
            format!("`{host}` has given up this part of its API; look for a newer Repertoire"),
        )),
        _ => None,
    }
}
