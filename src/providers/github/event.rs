//! GitHub's webhooks.

use crate::error::{Error, Result};
use crate::providers::{Event, header, payload};

/// What a webhook says. Names of `headers` are in lower case; `body` is raw and verified.
pub fn parse_event(headers: &[(String, String)], body: &[u8]) -> Result<Event> {
    let event = header(headers, "x-github-event")
        .ok_or_else(|| Error::invalid("The header `X-GitHub-Event` is missing"))?;
    if event == "ping" {
        return Ok(Event::Ping);
    }
    payload::parse_event("GitHub", event, headers, body)
}

#[cfg(test)]
mod tests {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorKind;
    use crate::providers::{EventProject, RepositoryChange};

    fn headers(event: &str, content_type: &str) -> Vec<(String, String)> {
        vec![
            ("x-github-event".into(), event.into()),
            ("content-type".into(), content_type.into()),
        ]
    }

    fn parse(event: &str, body: &str) -> Result<Event> {
        parse_event(&headers(event, "application/json"), body.as_bytes())
    }

    fn project() -> EventProject {
        EventProject {
            provider_id: "1296269".into(),
            full_name: "acme/hello world".into(),
        }
    }

    fn body(extra: &str) -> String {
        format!(
            r#"{{{extra}"repository":{{"id":1296269,"full_name":"acme/hello world","private":true}}}}"#
        )
    }

    #[test]
    fn pushes_creations_and_deletions_are_changes() {
        for (event, extra) in [
            (
                "push",
                r#""ref":"refs/heads/main","after":"0000000000000000000000000000000000000000","deleted":true,"#,
            ),
            ("push", r#""ref":"refs/tags/v1","#),
            ("create", r#""ref":"v1","ref_type":"tag","#),
            ("delete", r#""ref":"feature/x","ref_type":"branch","#),
            ("release", r#""action":"published","#),
        ] {
            assert_eq!(
                parse(event, &body(extra)).unwrap(),
                Event::Changed(project())
            );
        }
    }

    #[test]
    fn changes_of_the_repository_are_told_apart() {
        for (action, change) in [
            ("created", RepositoryChange::Created),
            ("renamed", RepositoryChange::Renamed),
            ("transferred", RepositoryChange::Transferred),
            ("archived", RepositoryChange::Archived),
            ("unarchived", RepositoryChange::Unarchived),
            ("deleted", RepositoryChange::Deleted),
            ("privatized", RepositoryChange::Privatized),
            ("publicized", RepositoryChange::Publicized),
            ("edited", RepositoryChange::Edited),
        ] {
            let event = parse("repository", &body(&format!(r#""action":"{action}","#))).unwrap();
            assert_eq!(event, Event::RepositoryChanged(project(), change));
        }
    }

    #[test]
    fn what_says_nothing_is_ignored_with_a_reason() {
        assert_eq!(parse("ping", "{}").unwrap(), Event::Ping);
        for (event, extra) in [
            ("issues", r#""action":"opened","#),
            ("repository", ""),
            ("push", r#""ref":"refs/notes/commits","#),
        ] {
            let event = parse(event, &body(extra)).unwrap();
            assert!(matches!(event, Event::Ignored { .. }), "{event:?}");
        }
    }

    #[test]
    fn forms_are_read_like_json() {
        let json = body(r#""ref":"refs/heads/main","#);
        let encoded = utf8_percent_encode(&json, NON_ALPHANUMERIC).to_string();
        for form in [
            format!("payload={encoded}"),
            format!("a=b&payload={}&c", encoded.replace("%20", "+")),
        ] {
            let headers = headers("push", "application/x-www-form-urlencoded; charset=utf-8");
            let event = parse_event(&headers, form.as_bytes()).unwrap();
            assert_eq!(event, Event::Changed(project()));
        }
    }

    #[test]
    fn what_cannot_be_read_is_invalid() {
        for broken in [
            "",
            "{",
            "[]",
            "{}",
            r#"{"repository":null}"#,
            r#"{"repository":{"id":"x"}}"#,
        ] {
            assert_eq!(
                parse("push", broken).unwrap_err().kind(),
                ErrorKind::Invalid
            );
        }
        assert!(parse_event(&[], b"{}").is_err());
        let form = headers("push", "application/x-www-form-urlencoded");
        assert!(parse_event(&form, b"other=1").is_err());
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for kind in ["application/json", "application/x-www-form-urlencoded"] {
                let _ = parse_event(&headers("push", kind), &bytes);
            }
        }
    }
}
