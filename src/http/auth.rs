//! The Authorization header. None, bad and good are three answers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use std::net::IpAddr;
use std::rc::Rc;

use crate::app::App;
use crate::domain::access::Principal;
use crate::domain::token::{TokenHash, is_mistyped};
use crate::error::{Error, ErrorKind};
use crate::http::request::Request;
use crate::store::token_uses::TokenUse;

/// What a request brought along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing.
    None,
    /// Something that cannot be a token of ours: refused without a look-up.
    Unreadable,
    /// The hash of a token, to be looked up.
    Token(TokenHash),
}

/// The most bytes of the header that are read; tokens of ours, user name and all, have far fewer.
const MAX_LENGTH: usize = 8_192;

/// Reads the header: `Bearer {token}`, or `Basic` with the token as password (any user name), or with the token as
/// user name and no password worth the name, as people and CI systems write it.
pub fn read_credentials(header: Option<&str>) -> Credentials {
    read_credentials_unless(header, |_| false)
}

/// The same where the hashes of some tokens are known: theirs were well written, and are not held against their check again.
pub(crate) fn read_credentials_unless(
    header: Option<&str>,
    is_known: impl FnOnce(&TokenHash) -> bool,
) -> Credentials {
    let Some(header) = header.map(str::trim).filter(|header| !header.is_empty()) else {
        return Credentials::None;
    };
    if header.len() > MAX_LENGTH {
        return Credentials::Unreadable;
    }
    let Some((scheme, rest)) = header.split_once(' ') else {
        return Credentials::Unreadable;
    };
    let is = |name: &str| scheme.eq_ignore_ascii_case(name);
    let token = if is("basic") {
        basic_token(rest.trim())
    } else if is("bearer") || is("token") {
        Some(rest.trim().to_owned())
    } else {
        None
    };
    let Some(token) = token.filter(|token| !token.is_empty()) else {
        return Credentials::Unreadable;
    };
    let hash = TokenHash::of(&token);
    if is_known(&hash) || !is_mistyped(&token) {
        Credentials::Token(hash)
    } else {
        Credentials::Unreadable
    }
}

/// The address that the platform saw. Other headers may say anything.
pub(crate) fn caller_address(request: &Request) -> Option<IpAddr> {
    request.header("cf-connecting-ip")?.trim().parse().ok()
}

/// What a request with bad credentials is answered: why they are bad, or that there were too many from its address.
///
/// Only bad credentials are counted, after they turned out to be bad. So a fleet of machines behind one address asks as
/// often as it likes, and one colleague's mistyped token, or a machine that goes on with a revoked one, locks out nobody:
/// a good token is let in however many bad ones came before. What the limit is for is that guessing fills neither the
/// log nor the database with work; that a token cannot be guessed is the work of its 256 bits.
pub(crate) async fn refuse(app: &App, request: &Request, why: Error) -> Error {
    let Some(address) = caller_address(request) else {
        return why;
    };
    match app.bad_credentials.count(&counted_as(address)).await {
        Ok(true) => why,
        Ok(false) => Error::new(
            ErrorKind::RateLimited {
                retry_after: RETRY_AFTER,
            },
            format!(
                "Too many requests with bad credentials came from your address; try again in a minute. {}",
                why.message()
            ),
        ),
        Err(error) => {
            app.warn(&format!("Bad credentials could not be counted: {error}"));
            why
        }
    }
}

/// The platform counts by the minute.
const RETRY_AFTER: u32 = 60;

/// Of version 6 everybody has a network of 64 bits to choose addresses from, so that one counts as one address.
pub(crate) fn counted_as(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// The longest name of a program that is kept, in characters.
const CLIENT_LIMIT: usize = 100;

/// Notices that a token was used. This costs a look into the isolate's memory: what there is to tell is sent after the
/// answer, and not more often than every few minutes.
pub(crate) fn notice_use(app: &App, request: &Request, principal: &Rc<Principal>) {
    if principal.bar.is_some() {
        return;
    }
    let now = app.now();
    let describe = || TokenUse {
        token: principal.token.clone(),
        at: now,
        address: caller_address(request).map(|address| address.to_canonical().to_string()),
        client: request
            .header("user-agent")
            .and_then(|text| first_product(&text)),
    };
    app.memo.token_uses.notice(&principal.token, now, describe);
}

/// `Composer/2.9.1` of `Composer/2.9.1 (Linux; 6.8.0; PHP 8.3.6; cURL 8.5.0; CI)`.
fn first_product(agent: &str) -> Option<String> {
    let first = agent.split_whitespace().next()?;
    let kept: String = first
        .chars()
        .filter(char::is_ascii_graphic)
        .take(CLIENT_LIMIT)
        .collect();
    (!kept.is_empty()).then_some(kept)
}

fn basic_token(encoded: &str) -> Option<String> {
    let decoded = STANDARD.decode(encoded).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (user, password) = text.split_once(':')?;
    let token = match password {
        "" | "x-oauth-basic" => user,
        password => password,
    };
    Some(token.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn an_address_counts_as_its_network_where_one_has_many() {
        for (address, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ] {
            assert_eq!(counted_as(address.parse().unwrap()), expected);
        }
    }

    #[test]
    fn a_client_is_its_first_product_cut() {
        let agent = "Composer/2.9.1 (Linux; 6.8.0; PHP 8.3.6; cURL 8.5.0; CI)";
        assert_eq!(first_product(agent).unwrap(), "Composer/2.9.1");
        assert_eq!(first_product("  "), None);
        assert_eq!(first_product(&"x".repeat(500)).unwrap().len(), CLIENT_LIMIT);
    }

    #[test]
    fn a_token_comes_in_any_of_its_forms() {
        let expected = Credentials::Token(TokenHash::of("secret-token"));
        for header in [
            "Bearer secret-token".to_owned(),
            "bearer  secret-token ".to_owned(),
            basic("anybody:secret-token"),
            basic("secret-token:"),
            basic("secret-token:x-oauth-basic"),
        ] {
            assert_eq!(read_credentials(Some(&header)), expected, "{header}");
        }
    }

    #[test]
    fn nothing_and_nonsense_are_not_the_same() {
        assert_eq!(read_credentials(None), Credentials::None);
        assert_eq!(read_credentials(Some(" ")), Credentials::None);
        for header in [
            "Bearer",
            "Bearer ",
            "Basic !!!",
            "Digest x",
            "Basic bm9jb2xvbg==",
            "Bearer rptd_short",
            &format!("Bearer {}", "a".repeat(MAX_LENGTH)),
        ] {
            assert_eq!(
                read_credentials(Some(header)),
                Credentials::Unreadable,
                "{header}"
            );
        }
    }
}
