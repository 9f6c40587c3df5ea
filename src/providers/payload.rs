//! The body of a webhook: JSON as it is, or as a form's field. What is read here was verified as it was sent.

use percent_encoding::percent_decode;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Event, EventProject, RepositoryChange, header};
use crate::error::{Error, Result};

/// Reads JSON, or the form field `payload`: the webhook's settings decide.
pub(super) fn read<T: DeserializeOwned>(
    product: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> Result<T> {
    let kind = header(headers, "content-type")
        .and_then(|value| value.split(';').next())
        .unwrap_or_default()
        .trim();
    let parsed = if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        serde_json::from_slice(&form_payload(body)?)
    } else {
        serde_json::from_slice(body)
    };
    parsed.map_err(|error| {
        Error::invalid(format!("The event is not the JSON that {product} sends")).because(error)
    })
}

fn form_payload(body: &[u8]) -> Result<Vec<u8>> {
    let value = body
        .split(|byte| *byte == b'&')
        .find_map(|pair| pair.strip_prefix(b"payload="))
        .ok_or_else(|| Error::invalid("The form has no field `payload`"))?;
    let spaced: Vec<u8> = value
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    Ok(percent_decode(&spaced).collect())
}

#[derive(Deserialize)]
struct Payload {
    #[serde(default)]
    action: Option<String>,
    #[serde(default, rename = "ref")]
    git_ref: Option<String>,
    #[serde(default)]
    repository: Option<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    id: u64,
    full_name: String,
}

/// What an event of GitHub's form says; Gitea and Forgejo took it over. Names of `headers` are in lower case.
pub(super) fn parse_event(
    product: &str,
    event: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> Result<Event> {
    if !matches!(
        event,
        "push" | "create" | "delete" | "release" | "repository"
    ) {
        return Ok(ignored(format!(
            "`{}` events say nothing about tags or branches",
            event.escape_debug()
        )));
    }
    let payload: Payload = read(product, headers, body)?;
    let repository = payload
        .repository
        .ok_or_else(|| Error::invalid("The event names no repository"))?;
    let project = EventProject {
        provider_id: repository.id.to_string(),
        full_name: repository.full_name,
    };
    if event == "repository" {
        let action = payload.action.unwrap_or_default();
        return Ok(match repository_change(&action) {
            Some(change) => Event::RepositoryChanged(project, change),
            None => ignored(format!(
                "nothing to do for a repository that was `{}`",
                action.escape_debug()
            )),
        });
    }
    if event == "push" && payload.git_ref.is_some_and(|name| !is_tag_or_branch(&name)) {
        return Ok(of_another_ref());
    }
    Ok(Event::Changed(project))
}

/// Whether this full name is that of a tag or a branch. A push may also be of notes, or of refs that tools keep.
pub(super) fn is_tag_or_branch(name: &str) -> bool {
    name.starts_with("refs/heads/") || name.starts_with("refs/tags/")
}

/// A push of something else.
pub(super) fn of_another_ref() -> Event {
    ignored("the pushed ref is neither tag nor branch".to_owned())
}

pub(super) fn ignored(why: String) -> Event {
    Event::Ignored { why }
}

fn repository_change(action: &str) -> Option<RepositoryChange> {
    Some(match action {
        "created" => RepositoryChange::Created,
        "renamed" => RepositoryChange::Renamed,
        "transferred" => RepositoryChange::Transferred,
        "archived" => RepositoryChange::Archived,
        "unarchived" => RepositoryChange::Unarchived,
        "deleted" => RepositoryChange::Deleted,
        "privatized" => RepositoryChange::Privatized,
        "publicized" => RepositoryChange::Publicized,
        "edited" => RepositoryChange::Edited,
        _ => return None,
    })
}
