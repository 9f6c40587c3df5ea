//! GitLab's webhooks: of a project, of a group, and of a whole instance (system hooks).

use serde_json::Value;

use crate::domain::signature::{SignedHeaders, verify_signed, verify_token};
use crate::error::{Error, Result};
use crate::providers::payload::{self, ignored, is_tag_or_branch, of_another_ref};
use crate::providers::{Event, EventProject, RepositoryChange, header};

/// Whether the headers (names in lower case) show the secret, or sign the body with it.
///
/// A delivery that is signed counts by its signature alone. The key is the 32 bytes that the secret spells in hex;
/// GitLab is given it as `whsec_` and their base64.
pub fn verify(secret: &[u8], headers: &[(String, String)], body: &[u8], now: i64) -> bool {
    let Some(signature) = header(headers, "webhook-signature") else {
        return header(headers, "x-gitlab-token").is_some_and(|token| verify_token(secret, token));
    };
    let (Some(id), Some(timestamp)) = (
        header(headers, "webhook-id"),
        header(headers, "webhook-timestamp"),
    ) else {
        return false;
    };
    let signed = SignedHeaders {
        id,
        timestamp,
        signature,
    };
    hex::decode(secret).is_ok_and(|key| verify_signed(&key, &signed, body, now))
}

/// The id of a delivery. The first two stay the same over retries; the older ones are an attempt's.
pub fn delivery_id(headers: &[(String, String)]) -> Option<&str> {
    [
        "webhook-id",
        "idempotency-key",
        "x-gitlab-webhook-uuid",
        "x-gitlab-event-uuid",
    ]
    .into_iter()
    .find_map(|name| header(headers, name))
}

/// What a webhook says. Names of `headers` are in lower case; `body` is raw and verified.
pub fn parse_event(headers: &[(String, String)], body: &[u8]) -> Result<Event> {
    let named = header(headers, "x-gitlab-event")
        .ok_or_else(|| Error::invalid("The header `X-Gitlab-Event` is missing"))?;
    let payload: Value = payload::read("GitLab", headers, body)?;
    if !payload.is_object() {
        return Err(Error::invalid(
            "The event is not the JSON that GitLab sends",
        ));
    }
    let text = |pointer: &str| payload.pointer(pointer).and_then(Value::as_str);
    // System hooks have no kind, and those of a project or a group may have both.
    let kind = text("/object_kind")
        .or_else(|| text("/event_name"))
        .unwrap_or_default();
    let change = match kind {
        "push" | "tag_push" | "release" | "repository_update" => None,
        "project_rename" => Some(RepositoryChange::Renamed),
        "project_transfer" => Some(RepositoryChange::Transferred),
        "project_destroy" => Some(RepositoryChange::Deleted),
        "project_update" => Some(RepositoryChange::Edited),
        _ => {
            return Ok(ignored(format!(
                "`{}` events say nothing about tags or branches",
                named.escape_debug()
            )));
        }
    };
    let id = payload
        .pointer("/project_id")
        .or_else(|| payload.pointer("/project/id"))
        .and_then(Value::as_u64)
        .ok_or_else(|| Error::invalid("The event names no project"))?;
    let full_name = text("/project/path_with_namespace").or_else(|| text("/path_with_namespace"));
    let project = EventProject {
        provider_id: id.to_string(),
        full_name: full_name.map_or_else(|| id.to_string(), str::to_owned),
    };
    if let Some(change) = change {
        return Ok(Event::RepositoryChanged(project, change));
    }
    // A release names its tag, a push its ref in full; several refs of one push may come in a list.
    let is_push = matches!(kind, "push" | "tag_push");
    if is_push && text("/ref").is_some_and(|name| !is_tag_or_branch(name)) {
        return Ok(of_another_ref());
    }
    Ok(Event::Changed(project))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::error::ErrorKind;

    fn headers(event: &str) -> Vec<(String, String)> {
        vec![
            ("x-gitlab-event".into(), event.into()),
            ("content-type".into(), "application/json".into()),
        ]
    }

    fn parse(event: &str, body: &Value) -> Result<Event> {
        parse_event(&headers(event), body.to_string().as_bytes())
    }

    fn project() -> EventProject {
        EventProject {
            provider_id: "15".into(),
            full_name: "acme/sub/hello".into(),
        }
    }

    #[test]
    fn pushes_of_tags_and_branches_are_changes_and_so_are_deletions() {
        let about = json!({"id": 15, "path_with_namespace": "acme/sub/hello"});
        for (event, body) in [
            (
                "Push Hook",
                json!({"object_kind": "push", "event_name": "push", "ref": "refs/heads/main",
                       "after": "da1560886d4f094c3e6c9ef40349f7d38b5d27d7", "project_id": 15, "project": about}),
            ),
            (
                "Push Hook",
                json!({"object_kind": "push", "ref": "refs/heads/main", "after": "0".repeat(64),
                       "checkout_sha": null, "project_id": 15, "project": about}),
            ),
            (
                // An annotated tag: `after` is the tag object.
                "Tag Push Hook",
                json!({"object_kind": "tag_push", "ref": "refs/tags/v1", "after": "1".repeat(40),
                       "checkout_sha": "2".repeat(40), "project_id": 15, "project": about}),
            ),
            (
                "Tag Push Hook",
                json!({"object_kind": "tag_push", "ref": "refs/tags/v1", "after": "0".repeat(40),
                       "checkout_sha": null, "project": about}),
            ),
            (
                "Release Hook",
                json!({"object_kind": "release", "tag": "v1", "action": "create", "project": about}),
            ),
            (
                "System Hook",
                json!({"event_name": "repository_update", "project_id": 15, "project": about,
                       "changes": [{"ref": "refs/heads/a"}, {"ref": "refs/tags/b"}],
                       "refs": ["refs/heads/a", "refs/tags/b"]}),
            ),
        ] {
            assert_eq!(parse(event, &body).unwrap(), Event::Changed(project()));
        }
    }

    #[test]
    fn changes_of_the_project_come_by_system_hooks() {
        for (name, change) in [
            ("project_rename", RepositoryChange::Renamed),
            ("project_transfer", RepositoryChange::Transferred),
            ("project_destroy", RepositoryChange::Deleted),
            ("project_update", RepositoryChange::Edited),
        ] {
            let body = json!({"event_name": name, "project_id": 15, "name": "hello",
                              "path_with_namespace": "acme/sub/hello"});
            let event = parse("System Hook", &body).unwrap();
            assert_eq!(event, Event::RepositoryChanged(project(), change));
        }
    }

    #[test]
    fn what_says_nothing_is_ignored_with_a_reason() {
        for (event, body) in [
            (
                "Issue Hook",
                json!({"object_kind": "issue", "project_id": 15}),
            ),
            (
                "System Hook",
                json!({"event_name": "user_create", "user_id": 41}),
            ),
            (
                "System Hook",
                json!({"event_name": "project_create", "project_id": 15}),
            ),
            ("Something New Hook", json!({})),
            (
                "Push Hook",
                json!({"object_kind": "push", "ref": "refs/keep-around/x", "project_id": 15}),
            ),
        ] {
            let event = parse(event, &body).unwrap();
            assert!(matches!(event, Event::Ignored { .. }), "{event:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_invalid() {
        for body in ["", "{", "[]", "null", r#"{"object_kind":"push"}"#] {
            let error = parse_event(&headers("Push Hook"), body.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{body}");
        }
        assert!(parse_event(&[], b"{}").is_err());
    }

    #[test]
    fn the_id_that_outlives_a_retry_comes_first() {
        let mut headers = vec![("x-gitlab-event-uuid".to_owned(), "shared".to_owned())];
        assert_eq!(delivery_id(&headers), Some("shared"));
        headers.push(("x-gitlab-webhook-uuid".to_owned(), "attempt".to_owned()));
        assert_eq!(delivery_id(&headers), Some("attempt"));
        headers.push(("idempotency-key".to_owned(), "key".to_owned()));
        assert_eq!(delivery_id(&headers), Some("key"));
        headers.push(("webhook-id".to_owned(), "id".to_owned()));
        assert_eq!(delivery_id(&headers), Some("id"));
        assert_eq!(delivery_id(&[]), None);
    }

    #[test]
    fn a_token_counts_where_there_is_no_signature() {
        let secret = "ab".repeat(32);
        let token = |value: &str| vec![("x-gitlab-token".to_owned(), value.to_owned())];
        assert!(verify(secret.as_bytes(), &token(&secret), b"{}", 0));
        assert!(!verify(secret.as_bytes(), &token(&secret[1..]), b"{}", 0));
        assert!(!verify(secret.as_bytes(), &token(""), b"{}", 0));
        assert!(!verify(secret.as_bytes(), &[], b"{}", 0));
        let mut both = token(&secret);
        both.push(("webhook-signature".to_owned(), "v1,AAAA".to_owned()));
        assert!(!verify(secret.as_bytes(), &both, b"{}", 0));
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_event(&headers("Push Hook"), &bytes);
        }
    }
}
