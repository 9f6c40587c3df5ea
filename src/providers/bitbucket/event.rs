//! The webhooks of Bitbucket Cloud.

use serde_json::Value;

use crate::error::{Error, Result};
use crate::providers::payload::{self, ignored, of_another_ref};
use crate::providers::{Event, EventProject, RepositoryChange, header};

use super::is_uuid;

/// The id of a delivery, the same one over all attempts; each attempt counts itself in `X-Attempt-Number`.
pub fn delivery_id(headers: &[(String, String)]) -> Option<&str> {
    header(headers, "x-request-uuid")
}

/// What a webhook says. Names of `headers` are in lower case; `body` is raw and verified.
pub fn parse_event(headers: &[(String, String)], body: &[u8]) -> Result<Event> {
    let event = header(headers, "x-event-key")
        .ok_or_else(|| Error::invalid("The header `X-Event-Key` is missing"))?;
    let kind = match event {
        "repo:push" | "repo:updated" | "repo:transfer" | "repo:deleted" => event,
        _ => {
            return Ok(ignored(format!(
                "`{}` events say nothing about tags or branches",
                event.escape_debug()
            )));
        }
    };
    let payload: Value = payload::read("Bitbucket", headers, body)?;
    let text = |pointer: &str| payload.pointer(pointer).and_then(Value::as_str);
    let uuid = text("/repository/uuid")
        .filter(|uuid| is_uuid(uuid))
        .ok_or_else(|| Error::invalid("The event names no repository"))?;
    let project = EventProject {
        provider_id: uuid.to_owned(),
        full_name: text("/repository/full_name").unwrap_or(uuid).to_owned(),
    };
    Ok(match kind {
        "repo:push" if is_about_others(&payload) => of_another_ref(),
        "repo:push" => Event::Changed(project),
        "repo:transfer" => Event::RepositoryChanged(project, RepositoryChange::Transferred),
        "repo:deleted" => Event::RepositoryChanged(project, RepositoryChange::Deleted),
        _ if is_rename(&payload) => Event::RepositoryChanged(project, RepositoryChange::Renamed),
        _ => Event::RepositoryChanged(project, RepositoryChange::Edited),
    })
}

/// Whether none of the refs of a push is a tag or a branch. One delivery has all of them; one that names none says
/// nothing, and is looked after.
fn is_about_others(payload: &Value) -> bool {
    let changes = payload.pointer("/push/changes").and_then(Value::as_array);
    let is_ours = |change: &Value| {
        // A deletion has no `new`, a creation no `old`.
        ["/new/type", "/old/type"]
            .into_iter()
            .filter_map(|pointer| change.pointer(pointer)?.as_str())
            .any(|kind| matches!(kind, "tag" | "branch" | "named_branch" | "annotated_tag"))
    };
    changes.is_some_and(|changes| !changes.is_empty() && !changes.iter().any(is_ours))
}

fn is_rename(payload: &Value) -> bool {
    ["/changes/full_name", "/changes/name"]
        .into_iter()
        .any(|pointer| payload.pointer(pointer).is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::error::ErrorKind;

    const UUID: &str = "{c75687fb-e99d-4579-9087-190dbd406d30}";

    fn headers(event: &str) -> Vec<(String, String)> {
        vec![
            ("x-event-key".into(), event.into()),
            ("x-request-uuid".into(), "d1".into()),
            ("content-type".into(), "application/json".into()),
        ]
    }

    fn parse(event: &str, body: &Value) -> Result<Event> {
        parse_event(&headers(event), body.to_string().as_bytes())
    }

    fn project() -> EventProject {
        EventProject {
            provider_id: UUID.into(),
            full_name: "acme/hello".into(),
        }
    }

    fn push(changes: &Value) -> Value {
        json!({"repository": {"uuid": UUID, "full_name": "acme/hello"}, "push": {"changes": changes}})
    }

    fn target(kind: &str) -> Value {
        json!({"type": kind, "name": "x", "target": {"hash": "a".repeat(40)}})
    }

    #[test]
    fn every_ref_of_a_push_counts() {
        for changes in [
            json!([{"new": target("branch"), "old": target("branch"), "forced": false}]),
            json!([{"new": target("tag"), "old": null, "created": true}]),
            json!([{"new": null, "old": target("tag"), "closed": true}]),
            // The one that counts comes last.
            json!([{"new": target("bookmark"), "old": null}, {"new": null, "old": target("branch")}]),
            // Bitbucket leaves changes out where there are too many.
            json!([]),
        ] {
            let event = parse("repo:push", &push(&changes)).unwrap();
            assert_eq!(event, Event::Changed(project()), "{changes}");
        }
        let others = push(&json!([{"new": target("bookmark"), "old": null}]));
        let event = parse("repo:push", &others).unwrap();
        assert!(matches!(event, Event::Ignored { .. }), "{event:?}");
    }

    #[test]
    fn changes_of_the_repository_are_told_apart() {
        for (event, changes, expected) in [
            (
                "repo:updated",
                json!({"full_name": {"old": "acme/old", "new": "acme/hello"}}),
                RepositoryChange::Renamed,
            ),
            (
                "repo:updated",
                json!({"name": {"old": "Old", "new": "Hello"}}),
                RepositoryChange::Renamed,
            ),
            (
                "repo:updated",
                json!({"website": {"old": "", "new": "https://a.example"}}),
                RepositoryChange::Edited,
            ),
            ("repo:transfer", json!(null), RepositoryChange::Transferred),
            ("repo:deleted", json!(null), RepositoryChange::Deleted),
        ] {
            let body = json!({"repository": {"uuid": UUID, "full_name": "acme/hello"}, "changes": changes});
            let read = parse(event, &body).unwrap();
            assert_eq!(read, Event::RepositoryChanged(project(), expected));
        }
    }

    #[test]
    fn what_is_not_known_is_ignored_and_what_cannot_be_read_is_invalid() {
        for event in ["repo:fork", "pullrequest:created", "repo:something_new"] {
            let read = parse(event, &json!([])).unwrap();
            assert!(matches!(read, Event::Ignored { .. }), "{read:?}");
        }
        for body in ["", "{", "[]", "null", r#"{"repository":{"uuid":"x/.."}}"#] {
            let error = parse_event(&headers("repo:push"), body.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{body}");
        }
        assert!(parse_event(&[], b"{}").is_err());
    }

    #[test]
    fn an_attempt_has_the_id_of_the_first() {
        let mut headers = headers("repo:push");
        for attempt in ["1", "2"] {
            headers.push(("x-attempt-number".into(), attempt.into()));
            assert_eq!(delivery_id(&headers), Some("d1"));
        }
        assert_eq!(delivery_id(&[]), None);
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_event(&headers("repo:push"), &bytes);
        }
    }
}
