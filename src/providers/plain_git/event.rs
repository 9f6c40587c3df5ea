//! The webhook of a server that has none of its own: whatever can send a request with a bearer secret, such as git's
//! `post-receive` hook with curl, tells that a repository changed.

use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::error::{Error, Result};
use crate::providers::{Event, EventProject};

#[derive(Deserialize)]
struct Body {
    repository: Repository,
}

#[derive(Deserialize)]
struct Repository {
    url: String,
}

/// Whether `Authorization` carries the webhook's secret. Hashes are compared, so that not even the length is told.
pub(in crate::providers) fn verify(secret: &[u8], authorization: Option<&str>) -> bool {
    let shown = authorization
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    let Some(shown) = shown else {
        return false;
    };
    let is_equal = Sha256::digest(secret).ct_eq(&Sha256::digest(shown.as_bytes()));
    !secret.is_empty() && bool::from(is_equal)
}

/// Reads `{"repository": {"url": …}}`; the URL must be below the connection's base URL, as it was when the package was
/// added.
pub(in crate::providers) fn parse(base_url: &str, body: &[u8]) -> Result<Event> {
    let body: Body = serde_json::from_slice(body).map_err(|error| {
        Error::invalid(format!(
            "The body is not `{{\"repository\":{{\"url\":\"https://…\"}}}}`: {error}"
        ))
    })?;
    let url = body.repository.url;
    let path = url
        .strip_prefix(base_url.trim_end_matches('/'))
        .filter(|path| path.starts_with('/'))
        .map(|path| path.trim_matches('/'));
    Ok(match path {
        Some(path) if !path.is_empty() => Event::Changed(EventProject {
            provider_id: path.to_owned(),
            full_name: path.trim_end_matches(".git").to_owned(),
        }),
        _ => Event::Ignored {
            why: "the repository's URL is not below the base URL of this connection".to_owned(),
        },
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BASE: &str = "https://git.example.com/team/";

    #[test]
    fn only_the_secret_opens() {
        assert!(verify(b"secret", Some("Bearer secret")));
        assert!(verify(b"secret", Some("bearer  secret ")));
        for wrong in [
            "Bearer secre",
            "Bearer secret2",
            "Basic secret",
            "secret",
            "Bearer",
            "",
        ] {
            assert!(!verify(b"secret", Some(wrong)), "{wrong}");
        }
        assert!(!verify(b"secret", None));
        assert!(!verify(b"", Some("Bearer ")));
    }

    #[test]
    fn a_url_names_the_project() {
        let parse = |url: &str| {
            parse(
                BASE,
                format!(r#"{{"repository":{{"url":"{url}"}}}}"#).as_bytes(),
            )
        };
        let Event::Changed(project) = parse("https://git.example.com/team/a/lib.git").unwrap()
        else {
            panic!("the repository is known")
        };
        assert_eq!(project.provider_id, "a/lib.git");
        assert_eq!(project.full_name, "a/lib");
        for other in [
            "https://git.example.com/teams/lib",
            "https://git.example.com/team",
            "x",
        ] {
            assert!(
                matches!(parse(other).unwrap(), Event::Ignored { .. }),
                "{other}"
            );
        }
        assert!(super::parse(BASE, b"{}").is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = parse(BASE, &body);
        }
    }
}
