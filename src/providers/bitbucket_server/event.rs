//! The webhooks of Bitbucket Data Center.

use serde_json::Value;

use crate::error::{Error, Result};
use crate::providers::payload::{self, ignored, is_tag_or_branch, of_another_ref};
use crate::providers::{Event, EventProject, RepositoryChange, header};

/// The id of a delivery.
pub fn delivery_id(headers: &[(String, String)]) -> Option<&str> {
    header(headers, "x-request-id")
}

/// What a webhook says. Names of `headers` are in lower case; `body` is raw and verified.
pub fn parse_event(headers: &[(String, String)], body: &[u8]) -> Result<Event> {
    let event = header(headers, "x-event-key")
        .ok_or_else(|| Error::invalid("The header `X-Event-Key` is missing"))?;
    if event == "diagnostics:ping" {
        return Ok(Event::Ping);
    }
    // A mirror tells when it has what the repository has.
    let is_push = matches!(event, "repo:refs_changed" | "mirror:repo_synchronized");
    if !is_push && event != "repo:modified" {
        return Ok(ignored(format!(
            "`{}` events say nothing about tags or branches",
            event.escape_debug()
        )));
    }
    let payload: Value = payload::read("Bitbucket Data Center", headers, body)?;
    let repository = |pointer: &str| {
        let repository = payload.pointer(pointer)?;
        let id = repository.pointer("/id")?.as_u64()?;
        let key = repository.pointer("/project/key").and_then(Value::as_str);
        let slug = repository.pointer("/slug").and_then(Value::as_str);
        Some((id, key.unwrap_or_default(), slug.unwrap_or_default()))
    };
    let place = if is_push { "/repository" } else { "/new" };
    let (id, key, slug) =
        repository(place).ok_or_else(|| Error::invalid("The event names no repository"))?;
    let project = EventProject {
        provider_id: id.to_string(),
        full_name: format!("{key}/{slug}"),
    };
    if is_push {
        return Ok(if is_about_others(&payload) {
            of_another_ref()
        } else {
            Event::Changed(project)
        });
    }
    let change = match repository("/old") {
        Some((_, old, _)) if old != key => RepositoryChange::Transferred,
        Some((_, _, old)) if old != slug => RepositoryChange::Renamed,
        _ => RepositoryChange::Edited,
    };
    Ok(Event::RepositoryChanged(project, change))
}

/// Whether none of the refs of a push is a tag or a branch. One delivery has all of them; one that names none says
/// nothing, and is looked after.
fn is_about_others(payload: &Value) -> bool {
    let changes = payload.pointer("/changes").and_then(Value::as_array);
    let name = |change: &Value| {
        let id = change
            .pointer("/ref/id")
            .or_else(|| change.pointer("/refId"));
        id.and_then(Value::as_str).map(is_tag_or_branch)
    };
    changes.is_some_and(|changes| {
        !changes.is_empty() && changes.iter().all(|change| name(change) == Some(false))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::error::ErrorKind;

    fn headers(event: &str) -> Vec<(String, String)> {
        vec![
            ("x-event-key".into(), event.into()),
            ("x-request-id".into(), "r1".into()),
        ]
    }

    fn parse(event: &str, body: &Value) -> Result<Event> {
        parse_event(&headers(event), body.to_string().as_bytes())
    }

    fn about(key: &str, slug: &str) -> Value {
        json!({"id": 84, "slug": slug, "name": "Hello", "project": {"key": key, "id": 2}})
    }

    fn project() -> EventProject {
        EventProject {
            provider_id: "84".into(),
            full_name: "ACME/hello".into(),
        }
    }

    fn change(name: &str, kind: &str) -> Value {
        json!({"ref": {"id": name, "displayId": "x", "type": "TAG"}, "refId": name,
               "fromHash": "0".repeat(40), "toHash": "0".repeat(40), "type": kind})
    }

    #[test]
    fn every_ref_of_a_push_counts() {
        for changes in [
            json!([change("refs/heads/main", "UPDATE")]),
            json!([change("refs/tags/v1", "ADD")]),
            json!([change("refs/tags/v1", "DELETE")]),
            json!([change("refs/notes/x", "ADD"), change("refs/tags/v1", "ADD")]),
            json!([]),
        ] {
            for event in ["repo:refs_changed", "mirror:repo_synchronized"] {
                let body = json!({"repository": about("ACME", "hello"), "changes": changes});
                assert_eq!(parse(event, &body).unwrap(), Event::Changed(project()));
            }
        }
        let body = json!({"repository": about("ACME", "hello"),
                          "changes": [change("refs/notes/x", "ADD")]});
        let event = parse("repo:refs_changed", &body).unwrap();
        assert!(matches!(event, Event::Ignored { .. }), "{event:?}");
    }

    #[test]
    fn a_move_is_told_from_a_rename_and_both_from_an_edit() {
        for (old, expected) in [
            (about("ACME", "old"), RepositoryChange::Renamed),
            (about("OTHER", "hello"), RepositoryChange::Transferred),
            (about("ACME", "hello"), RepositoryChange::Edited),
        ] {
            let body = json!({"old": old, "new": about("ACME", "hello")});
            let event = parse("repo:modified", &body).unwrap();
            assert_eq!(event, Event::RepositoryChanged(project(), expected));
        }
    }

    #[test]
    fn a_test_is_a_ping_and_the_rest_is_ignored_or_invalid() {
        let ping = parse("diagnostics:ping", &json!({"test": true})).unwrap();
        assert_eq!(ping, Event::Ping);
        for event in ["repo:forked", "pr:opened", "project:modified", "new:one"] {
            let read = parse(event, &json!([])).unwrap();
            assert!(matches!(read, Event::Ignored { .. }), "{read:?}");
        }
        for body in ["", "{", "[]", "null", r#"{"repository":{"id":"x"}}"#] {
            for event in ["repo:refs_changed", "repo:modified"] {
                let error = parse_event(&headers(event), body.as_bytes()).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Invalid, "{body}");
            }
        }
        assert!(parse_event(&[], b"{}").is_err());
        assert_eq!(delivery_id(&headers("x")), Some("r1"));
        assert_eq!(delivery_id(&[]), None);
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_event(&headers("repo:refs_changed"), &bytes);
        }
    }
}
