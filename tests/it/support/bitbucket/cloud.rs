//! The answers of Bitbucket Cloud.

use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use super::{
    Asked, Bitbucket, PER_PAGE, Repository, STORAGE, WEBSITE, below, json_answer, keep_hooks,
    number, uuid,
};
use crate::support::git_folder::GitRef;
use crate::support::github::{Answer, GitHubDouble};

pub(super) fn answer(double: &mut Bitbucket, asked: &Asked<'_>) -> Option<Answer> {
    let path = asked.segments();
    if let Some(at) = path.iter().position(|segment| *segment == "hooks") {
        let place = match path[..at] {
            ["repositories", "{}", id] => double
                .numbered(number(id)?)
                .map(|found| found.0.to_string())?,
            ["workspaces", workspace] => workspace.to_owned(),
            _ => return None,
        };
        return keep_hooks(double, asked, place, path.get(at + 1).copied());
    }
    assert_eq!(asked.request.method, "GET");
    Some(match path.as_slice() {
        ["user"] => json_answer(&json!({"uuid": "{7}", "nickname": "acme-bot"})),
        ["user", "workspaces"] => {
            let mut slugs: Vec<&str> = double
                .repositories
                .values()
                .map(|repository| repository.full_name.split('/').next().unwrap())
                .collect();
            slugs.sort_unstable();
            slugs.dedup();
            let values = slugs
                .iter()
                .map(|slug| json!({"workspace": {"slug": slug}}));
            page(asked, values.collect())
        }
        ["repositories", workspace] => {
            let search = asked.parameter("q").unwrap_or_default();
            let name = search.trim_start_matches("name ~ \"").trim_end_matches('"');
            let found = double.repositories.iter().filter(|(_, repository)| {
                let (owner, slug) = repository.full_name.split_once('/').unwrap();
                owner == *workspace && slug.contains(name)
            });
            let values = found.map(|(number, repository)| describe(*number, repository));
            page(asked, values.collect())
        }
        ["repositories", workspace, id, rest @ ..] => {
            let (number, repository) = if *workspace == "{}" {
                double.numbered(number(id)?)?
            } else {
                double.named(&format!("{workspace}/{id}"))?
            };
            let git = &repository.git;
            match rest {
                [] => json_answer(&describe(number, repository)),
                ["refs", "branches", name @ ..] if !name.is_empty() => {
                    let commit = git.resolve(&format!("refs/heads/{}", name.join("/")))?;
                    json_answer(&json!({"target": {"hash": commit}}))
                }
                ["refs", kind @ ("tags" | "branches")] => {
                    let (below, strip) = below(kind);
                    let value = |found: GitRef| {
                        let name = &found.name[strip..];
                        json!({"name": name, "target": {"hash": found.commit}})
                    };
                    page(asked, git.refs(below).into_iter().map(value).collect())
                }
                ["src", commit, file @ ..] => {
                    assert_eq!(commit.len(), 40, "not asked by commit");
                    Answer::new(200, git.file(commit, &file.join("/"))?)
                }
                ["commit", commit] => {
                    git.resolve(commit)?;
                    let (_, committer) = git.times(commit);
                    let date = Timestamp::from_second(committer).unwrap().to_string();
                    json_answer(&json!({"date": date.replace('Z', "+00:00")}))
                }
                _ => return None,
            }
        }
        _ => return None,
    })
}

fn describe(number: u64, repository: &Repository) -> Value {
    let name = &repository.full_name;
    let head = repository.git.resolve("refs/heads/main");
    json!({
        "uuid": uuid(number), "full_name": name, "is_private": true, "has_issues": true, "website": "",
        "mainbranch": head.map(|_| json!({"name": "main"})),
        "links": {
            "html": {"href": format!("{WEBSITE}{name}")},
            "clone": [{"name": "https", "href": format!("https://ada@bitbucket.org/{name}.git")}],
        },
    })
}

/// The next page is called by a word that says nothing, below an address with braces.
pub(super) fn page(asked: &Asked<'_>, values: Vec<Value>) -> Answer {
    let page = asked.parameter("page").unwrap_or_else(|| "Z0".to_owned());
    let page: usize = page.strip_prefix('Z').unwrap().parse().unwrap();
    let total = values.len();
    let shown: Vec<Value> = values
        .into_iter()
        .skip(page * PER_PAGE)
        .take(PER_PAGE)
        .collect();
    let mut body = json!({"pagelen": 100, "values": shown});
    if total > (page + 1) * PER_PAGE {
        let path = percent_decode_str(asked.url).decode_utf8().unwrap();
        let others = asked
            .query
            .split('&')
            .filter(|pair| !pair.starts_with("page="));
        let others: Vec<&str> = others.collect();
        body["next"] = format!("{path}?{}&page=Z{}", others.join("&"), page + 1).into();
    }
    let text = body.to_string();
    let etag = format!("\"{}\"", hex::encode(Sha1::digest(text.as_bytes())));
    if asked.header("if-none-match") == Some(&etag) {
        return Answer::new(304, "").with("etag", etag);
    }
    Answer::new(200, text).with("etag", etag)
}

pub(super) fn website(double: &mut GitHubDouble, asked: &Asked<'_>) -> Option<Answer> {
    let path = asked.segments();
    let [workspace, slug, "get", file] = path.as_slice() else {
        return None;
    };
    let (number, repository) = double.bitbucket.named(&format!("{workspace}/{slug}"))?;
    let commit = repository.git.resolve(file.strip_suffix(".zip")?)?;
    if double.bitbucket.sends_archives_elsewhere {
        let link = format!("{STORAGE}{number}/{commit}?signature=x");
        return Some(Answer::new(302, "").with("location", link));
    }
    let prefix = format!("{workspace}-{slug}-{}/", &commit[..12]);
    let archive = repository.git.archive(&commit, &prefix);
    Some(
        double
            .send_archive(archive)
            .with("content-type", "application/zip"),
    )
}

pub(super) fn problem(status: u16, message: &str) -> Answer {
    let body = json!({"type": "error", "error": {"message": message}});
    Answer::new(status, body.to_string())
}
