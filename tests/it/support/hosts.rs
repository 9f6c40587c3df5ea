//! GitLab and Forgejo as far as we ask them, over the projects that GitHub's double has: two refs a page.

use repertoire::ports::OutRequest;
use serde_json::{Value, json};

use super::github::{Answer, GitHubDouble, Project};

/// What both take for a token.
pub(crate) const HOST_TOKEN: &str = "glpat-0123456789";
const GITLAB: &str = "https://gitlab.com/api/v4/";
const FORGEJO: &str = "https://codeberg.org/api/v1/";
const PER_PAGE: usize = 2;

/// How many archives GitLab gives in one minute, and how many it gave in which.
#[derive(Default)]
pub(crate) struct ArchiveLimit {
    pub(crate) a_minute: Option<usize>,
    minute: i64,
    given: usize,
}

impl ArchiveLimit {
    fn is_reached(&mut self, now: i64) -> bool {
        if self.minute != now / 60 {
            self.minute = now / 60;
            self.given = 0;
        }
        self.given += 1;
        self.a_minute.is_some_and(|most| self.given > most)
    }
}

struct Asked<'a> {
    path: Vec<&'a str>,
    query: &'a str,
    now: i64,
}

impl Asked<'_> {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            (key == name).then_some(value)
        })
    }
}

/// The answer of one of the two; none when another host is asked.
pub(crate) fn answer(double: &mut GitHubDouble, request: &OutRequest, now: i64) -> Option<Answer> {
    let has = |name: &str, value: &str| {
        let mut headers = request.headers.iter();
        headers.any(|(known, text)| known == name && text == value)
    };
    let (url, query) = request.url.split_once('?').unwrap_or((&request.url, ""));
    let (rest, is_signed_in, answer): (_, _, fn(&mut GitHubDouble, &Asked<'_>) -> Option<Answer>) =
        if let Some(rest) = url.strip_prefix(GITLAB) {
            (rest, has("private-token", HOST_TOKEN), gitlab)
        } else {
            let rest = url.strip_prefix(FORGEJO)?;
            let token = format!("token {HOST_TOKEN}");
            (rest, has("authorization", &token), forgejo)
        };
    if !is_signed_in {
        return Some(Answer::new(401, r#"{"message":"401 Unauthorized"}"#));
    }
    let path: Vec<_> = rest.split('/').collect();
    let hooks = match path.as_slice() {
        [
            kind @ ("projects" | "groups" | "orgs"),
            place,
            "hooks",
            hook @ ..,
        ] => Some((format!("{kind} {place}"), hook)),
        ["repos", owner, name, "hooks", hook @ ..] => Some((format!("repos {owner}/{name}"), hook)),
        _ => None,
    };
    if let Some((place, hook)) = hooks {
        let host = if url.starts_with(GITLAB) {
            "gitlab"
        } else {
            "forgejo"
        };
        let place = format!("{host} {place}");
        return Some(double.hooks.answer(&place, hook.first().copied(), request));
    }
    let asked = Asked { path, query, now };
    let missing = || Answer::new(404, r#"{"message":"404 Not Found"}"#);
    Some(answer(double, &asked).unwrap_or_else(missing))
}

/// GitLab keeps a listing of branches for 30 seconds, apart for each set of parameters.
fn gitlab(double: &mut GitHubDouble, asked: &Asked<'_>) -> Option<Answer> {
    if !asked.path.ends_with(&["repository", "branches"]) {
        return gitlab_now(double, asked);
    }
    let key = format!("{}?{}", asked.path.join("/"), asked.query);
    let kept = double.kept_branches.get(&key);
    if let Some((_, body)) = kept.filter(|(made, _)| made + 30 > asked.now) {
        return Some(Answer::new(200, body.clone()));
    }
    let answer = gitlab_now(double, asked)?;
    let kept = (asked.now, answer.body.clone());
    double.kept_branches.insert(key, kept);
    Some(answer)
}

fn gitlab_now(double: &mut GitHubDouble, asked: &Asked<'_>) -> Option<Answer> {
    Some(match asked.path.as_slice() {
        ["personal_access_tokens", "self"] => Answer::json(&json!({"scopes": ["read_api"]})),
        ["user"] => Answer::json(&json!({"id": 7, "username": "acme-bot"})),
        ["projects"] => {
            let after: u64 = asked
                .parameter("id_after")
                .map_or(0, |id| id.parse().unwrap());
            let search = asked.parameter("search").unwrap_or_default();
            let search = search.replace("%2F", "/");
            let found = double
                .projects
                .iter()
                .filter(|(id, project)| **id > after && project.full_name.contains(&search));
            let shown: Vec<_> = found.take(PER_PAGE).collect();
            let body = shown
                .iter()
                .map(|(id, project)| show_at_gitlab(**id, project));
            let answer = Answer::json(&body.collect());
            match shown.last() {
                Some((last, _)) if shown.len() == PER_PAGE => answer.with(
                    "link",
                    format!("<http://inside/x?id_after={last}&per_page=100>; rel=\"next\""),
                ),
                _ => answer,
            }
        }
        ["projects", id] => {
            let (id, project) = find(double, &id.replace("%2F", "/"))?;
            Answer::json(&show_at_gitlab(id, project))
        }
        ["projects", id, "repository", kind @ ("tags" | "branches")] => {
            let (_, project) = find(double, id)?;
            let after = asked.parameter("page_token");
            let refs = project.list(kind);
            let skipped = refs
                .iter()
                .filter(|(name, _)| after.is_some_and(|after| *name <= after));
            let first = skipped.count();
            let shown: Vec<_> = refs.iter().skip(first).take(PER_PAGE).collect();
            let body = shown.iter().map(
                |(name, commit)| json!({"name": name, "target": "x", "commit": {"id": commit}}),
            );
            let answer = Answer::json(&body.collect());
            match shown.last() {
                Some((last, _)) if shown.len() == PER_PAGE => answer.with(
                    "link",
                    format!("<http://inside/x?page_token={last}&per_page=100>; rel=\"next\""),
                ),
                _ => answer,
            }
        }
        [
            "projects",
            id,
            "repository",
            "files",
            "composer.json",
            "raw",
        ] => {
            let (_, project) = find(double, id)?;
            let reference = asked.parameter("ref").filter(|name| *name != "HEAD");
            Answer::new(200, project.manifest(reference)?)
        }
        ["projects", id, "repository", "commits", commit] => {
            let (_, project) = find(double, id)?;
            project.archive(commit)?;
            Answer::json(&json!({"committed_date": "2026-11-01T12:00:00.000+00:00"}))
        }
        ["projects", id, "repository", "archive.zip"] => {
            if double.archive_limit.is_reached(asked.now) {
                let body = r#"{"message":{"error":"This archive has been requested too many times. Try again later."}}"#;
                return Some(Answer::new(429, body));
            }
            let (id, project) = find(double, id)?;
            let archive = project.archive(asked.parameter("sha")?)?;
            let elsewhere = double.archive_elsewhere(id, asked.parameter("sha")?);
            elsewhere.unwrap_or_else(|| double.send_archive(archive))
        }
        _ => return None,
    })
}

fn show_at_gitlab(id: u64, project: &Project) -> Value {
    let name = &project.full_name;
    json!({
        "id": id, "path_with_namespace": name, "default_branch": project.default_branch,
        "web_url": format!("https://gitlab.com/{name}"), "visibility": "private",
        "http_url_to_repo": format!("https://gitlab.com/{name}.git"),
        "archived": project.is_archived, "empty_repo": project.refs.is_empty(),
    })
}

fn show_at_forgejo(id: u64, project: &Project) -> Value {
    let name = &project.full_name;
    json!({
        "id": id, "full_name": name, "default_branch": project.default_branch, "private": true,
        "html_url": format!("https://codeberg.org/{name}"), "archived": project.is_archived,
        "clone_url": format!("https://codeberg.org/{name}.git"), "empty": project.refs.is_empty(),
    })
}

fn forgejo(double: &mut GitHubDouble, asked: &Asked<'_>) -> Option<Answer> {
    let describe = |(id, project): (u64, &Project)| Answer::json(&show_at_forgejo(id, project));
    Some(match asked.path.as_slice() {
        ["user"] => Answer::json(&json!({"id": 7, "login": "acme-bot"})),
        ["user", "repos"] => {
            let page: usize = asked.parameter("page")?.parse().unwrap();
            let shown = double
                .projects
                .iter()
                .skip((page - 1) * PER_PAGE)
                .take(PER_PAGE);
            let body = shown.map(|(id, project)| show_at_forgejo(*id, project));
            let answer = Answer::json(&body.collect());
            let answer = answer.with("x-total-count", double.projects.len().to_string());
            // As Gitea has it: no `Link` at all where one page is all there is.
            if double.projects.len() <= PER_PAGE {
                return Some(answer);
            }
            let is_last = double.projects.len() <= page * PER_PAGE;
            let (page, kind) = if is_last {
                (1, "first")
            } else {
                (page + 1, "next")
            };
            let link = format!("<http://inside/x?limit=50&page={page}>; rel=\"{kind}\"");
            answer.with("link", link)
        }
        ["repos", "search"] => Answer::json(&json!({"ok": true, "data": []})),
        ["repositories", id] => describe(find(double, id)?),
        ["repos", owner, name, rest @ ..] => {
            let found = find(double, &format!("{owner}/{name}"))?;
            let project = found.1;
            match rest {
                [] => describe(found),
                [kind @ ("tags" | "branches")] => {
                    let page: usize = asked.parameter("page")?.parse().unwrap();
                    let refs = project.list(kind);
                    let key = if *kind == "tags" { "sha" } else { "id" };
                    let shown = refs.iter().skip((page - 1) * PER_PAGE).take(PER_PAGE).map(
                        |(name, commit)| json!({"name": name, "id": "x", "commit": {key: commit}}),
                    );
                    Answer::json(&shown.collect()).with("x-total-count", refs.len().to_string())
                }
                ["raw", "composer.json"] => {
                    Answer::new(200, project.manifest(asked.parameter("ref"))?)
                }
                ["git", "commits", commit] => {
                    project.archive(commit)?;
                    let date = json!({"date": "2026-11-01T13:00:00+01:00"});
                    Answer::json(&json!({"commit": {"committer": date}}))
                }
                ["archive", file] => {
                    let commit = file.strip_suffix(".zip")?;
                    let archive = project.archive(commit)?;
                    let elsewhere = double.archive_elsewhere(found.0, commit);
                    elsewhere.unwrap_or_else(|| double.send_archive(archive))
                }
                _ => return None,
            }
        }
        _ => return None,
    })
}

impl Answer {
    fn json(body: &Value) -> Self {
        Self::new(200, body.to_string())
    }
}

/// By id or by name.
fn find<'a>(double: &'a GitHubDouble, named: &str) -> Option<(u64, &'a Project)> {
    let mut projects = double.projects.iter();
    projects
        .find(|(id, project)| id.to_string() == named || project.full_name == named)
        .map(|(id, project)| (*id, project))
}
