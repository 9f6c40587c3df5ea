//! The webhooks of Gitea, Forgejo and Gogs, which have GitHub's form and headers of their own.

use crate::domain::signature::{verify_github, verify_hex};
use crate::error::{Error, Result};
use crate::providers::{Event, header, payload};

/// The headers by which each of them signs, in bare hex digits. They come along with one another, all over the same bytes.
const SIGNATURES: [&str; 3] = [
    "x-forgejo-signature",
    "x-gitea-signature",
    "x-gogs-signature",
];

/// Whether one of the signatures is right. Without a secret they are there but empty, which is no signature.
pub fn verify(secret: &[u8], headers: &[(String, String)], body: &[u8]) -> bool {
    let bare = SIGNATURES
        .into_iter()
        .filter_map(|name| header(headers, name))
        .any(|digits| verify_hex(secret, digits, body));
    bare || header(headers, "x-hub-signature-256")
        .is_some_and(|value| verify_github(secret, value, body))
}

/// The id of a delivery.
pub fn delivery_id(headers: &[(String, String)]) -> Option<&str> {
    first(headers, "delivery")
}

/// The name of an event.
pub fn event_name(headers: &[(String, String)]) -> Option<&str> {
    first(headers, "event")
}

/// Forgejo sends Gitea's headers too, and both send those of Gogs and GitHub.
fn first<'a>(headers: &'a [(String, String)], what: &str) -> Option<&'a str> {
    ["forgejo", "gitea", "gogs", "github"]
        .into_iter()
        .find_map(|product| header(headers, &format!("x-{product}-{what}")))
}

/// What a webhook says. Names of `headers` are in lower case; `body` is raw and verified.
pub fn parse_event(product: &str, headers: &[(String, String)], body: &[u8]) -> Result<Event> {
    let event = event_name(headers)
        .ok_or_else(|| Error::invalid(format!("The header `X-{product}-Event` is missing")))?;
    payload::parse_event(product, event, headers, body)
}

#[cfg(test)]
mod tests {
    use hmac::{Hmac, KeyInit, Mac};
    use serde_json::json;
    use sha2::Sha256;

    use super::*;
    use crate::providers::{EventProject, RepositoryChange};

    const SECRET: &[u8] = b"secret";

    fn digits(body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).unwrap();
        mac.update(body);
        hex::encode(mac.finalize().into_bytes())
    }

    fn one(name: &str, value: &str) -> Vec<(String, String)> {
        vec![(name.to_owned(), value.to_owned())]
    }

    #[test]
    fn each_signature_counts_and_an_empty_one_does_not() {
        let good = digits(b"{}");
        for name in SIGNATURES {
            assert!(verify(SECRET, &one(name, &good), b"{}"), "{name}");
            assert!(!verify(SECRET, &one(name, &good), b"[]"), "{name}");
            assert!(!verify(SECRET, &one(name, ""), b"{}"), "{name}");
            assert!(!verify(b"", &one(name, ""), b"{}"), "{name}");
        }
        let hub = "x-hub-signature-256";
        assert!(verify(SECRET, &one(hub, &format!("sha256={good}")), b"{}"));
        assert!(!verify(SECRET, &one(hub, &good), b"{}"));
        assert!(!verify(SECRET, &one(hub, "sha256="), b"{}"));
        assert!(!verify(SECRET, &[], b"{}"));
    }

    #[test]
    fn the_names_of_the_product_come_before_those_it_copies() {
        let headers: Vec<_> = ["github", "gogs", "gitea", "forgejo"]
            .into_iter()
            .map(|product| (format!("x-{product}-event"), product.to_owned()))
            .collect();
        assert_eq!(event_name(&headers), Some("forgejo"));
        assert_eq!(event_name(&headers[..3]), Some("gitea"));
        assert_eq!(event_name(&headers[..2]), Some("gogs"));
        assert_eq!(delivery_id(&headers), None);
    }

    #[test]
    fn events_are_read_as_json_and_as_forms() {
        let project = EventProject {
            provider_id: "7".into(),
            full_name: "acme/hello".into(),
        };
        let about = json!({"id": 7, "full_name": "acme/hello"});
        for (event, body, expected) in [
            (
                "push",
                json!({"ref": "refs/tags/v1", "after": "0".repeat(40), "repository": about}),
                Some(Event::Changed(project.clone())),
            ),
            (
                "delete",
                json!({"ref": "v1", "ref_type": "tag", "repository": about}),
                Some(Event::Changed(project.clone())),
            ),
            (
                "repository",
                json!({"action": "deleted", "repository": about}),
                Some(Event::RepositoryChanged(
                    project.clone(),
                    RepositoryChange::Deleted,
                )),
            ),
            ("issues", json!({}), None),
            (
                "repository",
                json!({"action": "created", "repository": about}),
                Some(Event::RepositoryChanged(
                    project.clone(),
                    RepositoryChange::Created,
                )),
            ),
        ] {
            let mut headers = one("x-gitea-event", event);
            let read = parse_event("Gitea", &headers, body.to_string().as_bytes()).unwrap();
            let form = percent_encoding::utf8_percent_encode(
                &body.to_string(),
                percent_encoding::NON_ALPHANUMERIC,
            )
            .to_string();
            headers.extend(one("content-type", "application/x-www-form-urlencoded"));
            let form = format!("payload={form}");
            let from_form = parse_event("Gitea", &headers, form.as_bytes()).unwrap();
            assert_eq!(read, from_form);
            match expected {
                Some(expected) => assert_eq!(read, expected),
                None => assert!(matches!(read, Event::Ignored { .. }), "{read:?}"),
            }
        }
        assert!(parse_event("Gitea", &[], b"{}").is_err());
        assert!(parse_event("Gitea", &one("x-gitea-event", "push"), b"[]").is_err());
    }
}
