//! The answers of Bitbucket Data Center.

use serde_json::{Value, json};

use super::{
    Asked, Bitbucket, PER_PAGE, Repository, SERVER, STORAGE, below, json_answer, keep_hooks,
};
use crate::support::git_folder::GitRef;
use crate::support::github::{Answer, GitHubDouble};

/// Key and slug of a repository are those of its name here.
pub(super) fn answer(double: &mut Bitbucket, asked: &Asked<'_>) -> Option<Answer> {
    let path = asked.segments();
    if let Some(at) = path.iter().position(|segment| *segment == "webhooks") {
        let place = match path[..at] {
            ["projects", key, "repos", slug] => {
                double.named(&format!("{key}/{slug}"))?.0.to_string()
            }
            ["projects", key] => key.to_owned(),
            _ => return None,
        };
        return keep_hooks(double, asked, place, path.get(at + 1).copied());
    }
    assert_eq!(asked.request.method, "GET");
    Some(match path.as_slice() {
        ["repos"] => {
            let search = asked.parameter("name").unwrap_or_default();
            let all = double.repositories.iter();
            let found = all.filter(|(_, repository)| repository.full_name.contains(&search));
            let values = found.map(|(number, repository)| describe(*number, repository));
            page(asked, values.collect())
        }
        ["projects", key, "repos", slug, rest @ ..] => {
            let (number, repository) = double.named(&format!("{key}/{slug}"))?;
            let git = &repository.git;
            match rest {
                [] => json_answer(&describe(number, repository)),
                ["default-branch"] => match git.resolve("refs/heads/main") {
                    Some(_) => json_answer(&json!({"id": "refs/heads/main", "displayId": "main"})),
                    None => Answer::new(204, ""),
                },
                [kind @ ("tags" | "branches")] => {
                    let (below, strip) = below(kind);
                    let value = |found: GitRef| {
                        // One step far: what it says of a tag of a tag is the inner tag.
                        let commit = found.inner.as_ref().unwrap_or(&found.object);
                        let object = found.inner.as_ref().map(|_| &found.object);
                        json!({"id": found.name, "displayId": &found.name[strip..],
                               "latestCommit": commit, "hash": object})
                    };
                    page(asked, git.refs(below).into_iter().map(value).collect())
                }
                ["raw", file @ ..] => {
                    let at = asked
                        .parameter("at")
                        .unwrap_or_else(|| "refs/heads/main".to_owned());
                    Answer::new(200, git.file(&at, &file.join("/"))?)
                }
                ["commits", commit] => {
                    let id = git.resolve(commit)?;
                    let (author, committer) = git.times(&id);
                    json_answer(&json!({"id": id, "authorTimestamp": author * 1000,
                                        "committerTimestamp": committer * 1000}))
                }
                _ => return None,
            }
        }
        _ => return None,
    })
}

pub(super) fn archive(double: &mut GitHubDouble, asked: &Asked<'_>) -> Option<Answer> {
    let path = asked.segments();
    let ["projects", key, "repos", slug, "archive"] = path.as_slice() else {
        return None;
    };
    let (number, repository) = double.bitbucket.named(&format!("{key}/{slug}"))?;
    assert_eq!(asked.parameter("format").as_deref(), Some("zip"));
    let commit = repository.git.resolve(&asked.parameter("at")?)?;
    if double.bitbucket.sends_archives_elsewhere {
        let link = format!("{STORAGE}{number}/{commit}?signature=x");
        return Some(Answer::new(302, "").with("location", link));
    }
    let prefix = asked.parameter("prefix").unwrap_or_default();
    let archive = repository.git.archive(&commit, &prefix);
    Some(double.send_archive(archive))
}

fn describe(number: u64, repository: &Repository) -> Value {
    let (key, slug) = repository.full_name.split_once('/').unwrap();
    json!({
        "id": number, "slug": slug, "project": {"key": key}, "public": false, "archived": false,
        "links": {
            "self": [{"href": format!("{SERVER}/projects/{key}/repos/{slug}/browse")}],
            "clone": [{"name": "http", "href": format!("{SERVER}/scm/{key}/{slug}.git")}],
        },
    })
}

pub(super) fn page(asked: &Asked<'_>, values: Vec<Value>) -> Answer {
    let start: usize = asked
        .parameter("start")
        .map_or(0, |start| start.parse().unwrap());
    let next = start + PER_PAGE;
    let is_last = values.len() <= next;
    let shown: Vec<Value> = values.into_iter().skip(start).take(PER_PAGE).collect();
    json_answer(&json!({
        "values": shown, "start": start, "isLastPage": is_last,
        "nextPageStart": if is_last { Value::Null } else { next.into() },
    }))
}

pub(super) fn problem(status: u16, message: &str) -> Answer {
    let body = json!({"errors": [{"context": null, "message": message, "exceptionName": "x"}]});
    Answer::new(status, body.to_string())
}
