//! Bitbucket Cloud and Bitbucket Data Center as far as we ask them, over the same real git repositories: two things a
//! page, archives by `git archive`, webhooks that are kept. Each keeps to what its own API knows a repository by.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use repertoire::ports::OutRequest;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use super::git_folder::{GitFolder, GitRef};
use super::github::{Answer, GitHubDouble};

pub(crate) const API: &str = "https://api.bitbucket.org/2.0";
const WEBSITE: &str = "https://bitbucket.org/";
const STORAGE: &str = "https://storage.example.com/";
const SIGN_IN: &str = "https://id.atlassian.com/login";
/// Of a Data Center that is installed below a path.
pub(crate) const SERVER: &str = "https://git.example.net/bitbucket";

/// An access token of a workspace, and an HTTP access token.
pub(crate) const ACCESS_TOKEN: &str = "ATCTT3xFfGN0";
/// An API token, which goes with [`EMAIL`].
pub(crate) const API_TOKEN: &str = "ATATT3xFfGF0";
pub(crate) const EMAIL: &str = "ada@example.org";

const PER_PAGE: usize = 2;

#[derive(Default)]
pub(crate) struct Bitbucket {
    /// By number; the UUID at Cloud is made of it.
    pub(crate) repositories: BTreeMap<u64, Repository>,
    /// Each with the path of the place that it was registered at, in order.
    pub(crate) hooks: Vec<Hook>,
    /// Whether archives are elsewhere.
    pub(crate) sends_archives_elsewhere: bool,
    /// Whether the website leads everybody to its form.
    pub(crate) asks_to_sign_in: bool,
    last_hook: u64,
}

pub(crate) struct Repository {
    pub(crate) full_name: String,
    pub(crate) git: GitFolder,
}

pub(crate) struct Hook {
    pub(crate) place: String,
    pub(crate) number: u64,
    pub(crate) body: Value,
}

impl Bitbucket {
    pub(crate) fn add(&mut self, number: u64, full_name: &str) {
        let repository = Repository {
            full_name: full_name.to_owned(),
            git: GitFolder::new(),
        };
        self.repositories.insert(number, repository);
    }

    fn named(&self, full_name: &str) -> Option<(u64, &Repository)> {
        let mut all = self.repositories.iter();
        all.find(|(_, repository)| repository.full_name == full_name)
            .map(|(number, repository)| (*number, repository))
    }

    fn numbered(&self, number: u64) -> Option<(u64, &Repository)> {
        Some((number, self.repositories.get(&number)?))
    }
}

/// The UUID of a repository or a webhook at Cloud.
pub(crate) fn uuid(number: u64) -> String {
    format!("{{00000000-0000-4000-8000-{number:012}}}")
}

fn number(uuid: &str) -> Option<u64> {
    uuid.strip_prefix("{00000000-0000-4000-8000-")?
        .strip_suffix('}')?
        .parse()
        .ok()
}

/// One request, taken apart.
struct Asked<'a> {
    request: &'a OutRequest,
    /// Decoded.
    path: Vec<String>,
    url: &'a str,
    query: &'a str,
}

impl<'a> Asked<'a> {
    fn new(request: &'a OutRequest, rest: &str) -> Self {
        let (url, query) = request.url.split_once('?').unwrap_or((&request.url, ""));
        let path = rest.split('?').next().unwrap().trim_start_matches('/');
        let decode = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
        Self {
            request,
            path: path.split('/').map(decode).collect(),
            url,
            query,
        }
    }

    fn segments(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    fn parameter(&self, name: &str) -> Option<String> {
        self.query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            let value = percent_decode_str(value).decode_utf8().unwrap();
            (key == name).then(|| value.into_owned())
        })
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.request.headers.iter();
        headers
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    fn is_signed_in(&self) -> bool {
        let basic = STANDARD.encode(format!("{EMAIL}:{API_TOKEN}"));
        let shown = self.header("authorization");
        shown == Some(&format!("Bearer {ACCESS_TOKEN}")) || shown == Some(&format!("Basic {basic}"))
    }
}

/// The answer of one of the two; none when another host is asked.
pub(crate) fn answer(double: &mut GitHubDouble, request: &OutRequest) -> Option<Answer> {
    let url = request.url.as_str();
    let asked = |rest: &str| Asked::new(request, rest);
    if let Some(rest) = url.strip_prefix(API) {
        let asked = asked(rest);
        if !asked.is_signed_in() {
            return Some(cloud_problem(401, "Token is invalid or not supported."));
        }
        let found = cloud(&mut double.bitbucket, &asked);
        return Some(found.unwrap_or_else(|| cloud_problem(404, "Not found")));
    }
    if let Some(rest) = url.strip_prefix(WEBSITE) {
        let asked = asked(rest);
        if !asked.is_signed_in() || double.bitbucket.asks_to_sign_in {
            return Some(Answer::new(302, "").with("location", SIGN_IN));
        }
        return Some(website(double, &asked).unwrap_or_else(|| Answer::new(404, "<html>")));
    }
    if url == SIGN_IN {
        let form = Answer::new(200, "<html>Log in</html>");
        return Some(form.with("content-type", "text/html; charset=utf-8"));
    }
    if let Some(rest) = url.strip_prefix(STORAGE) {
        let asked = asked(rest);
        assert_eq!(asked.header("authorization"), None, "the token went astray");
        let (_, repository) = double.bitbucket.numbered(asked.path[0].parse().unwrap())?;
        let archive = repository.git.archive(&asked.path[1], "stored/");
        return Some(double.send_archive(archive));
    }
    let rest = url.strip_prefix(SERVER)?.strip_prefix("/rest/api/latest")?;
    let asked = asked(rest);
    if asked.header("authorization") != Some(&format!("Bearer {ACCESS_TOKEN}")) {
        let said = "Authentication failed. Please check your credentials and try again.";
        return Some(server_problem(401, said));
    }
    let answer = match server_archive(double, &asked) {
        Some(answer) => Some(answer),
        None => server(&mut double.bitbucket, &asked),
    };
    let answer = answer.unwrap_or_else(|| server_problem(404, "No such thing exists."));
    Some(answer.with("x-ausername", "acme-bot"))
}

fn cloud_problem(status: u16, message: &str) -> Answer {
    let body = json!({"type": "error", "error": {"message": message}});
    Answer::new(status, body.to_string())
}

fn server_problem(status: u16, message: &str) -> Answer {
    let body = json!({"errors": [{"context": null, "message": message, "exceptionName": "x"}]});
    Answer::new(status, body.to_string())
}

fn json_answer(body: &Value) -> Answer {
    Answer::new(200, body.to_string())
}

// Cloud.

fn cloud(double: &mut Bitbucket, asked: &Asked<'_>) -> Option<Answer> {
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
            cloud_page(asked, values.collect())
        }
        ["repositories", workspace] => {
            let search = asked.parameter("q").unwrap_or_default();
            let name = search.trim_start_matches("name ~ \"").trim_end_matches('"');
            let found = double.repositories.iter().filter(|(_, repository)| {
                let (owner, slug) = repository.full_name.split_once('/').unwrap();
                owner == *workspace && slug.contains(name)
            });
            let values = found.map(|(number, repository)| describe(*number, repository));
            cloud_page(asked, values.collect())
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
                    cloud_page(asked, git.refs(below).into_iter().map(value).collect())
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

/// `refs/tags` or `refs/heads`, and how much of a name that is with the slash behind.
fn below(kind: &str) -> (&'static str, usize) {
    if kind == "tags" {
        ("refs/tags", "refs/tags/".len())
    } else {
        ("refs/heads", "refs/heads/".len())
    }
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
fn cloud_page(asked: &Asked<'_>, values: Vec<Value>) -> Answer {
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

fn website(double: &mut GitHubDouble, asked: &Asked<'_>) -> Option<Answer> {
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

// Data Center.

/// Key and slug of a repository are those of its name here.
fn server(double: &mut Bitbucket, asked: &Asked<'_>) -> Option<Answer> {
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
            let values = found.map(|(number, repository)| server_describe(*number, repository));
            server_page(asked, values.collect())
        }
        ["projects", key, "repos", slug, rest @ ..] => {
            let (number, repository) = double.named(&format!("{key}/{slug}"))?;
            let git = &repository.git;
            match rest {
                [] => json_answer(&server_describe(number, repository)),
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
                    server_page(asked, git.refs(below).into_iter().map(value).collect())
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

fn server_archive(double: &mut GitHubDouble, asked: &Asked<'_>) -> Option<Answer> {
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

fn server_describe(number: u64, repository: &Repository) -> Value {
    let (key, slug) = repository.full_name.split_once('/').unwrap();
    json!({
        "id": number, "slug": slug, "project": {"key": key}, "public": false, "archived": false,
        "links": {
            "self": [{"href": format!("{SERVER}/projects/{key}/repos/{slug}/browse")}],
            "clone": [{"name": "http", "href": format!("{SERVER}/scm/{key}/{slug}.git")}],
        },
    })
}

fn server_page(asked: &Asked<'_>, values: Vec<Value>) -> Answer {
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

// Webhooks of both.

fn keep_hooks(
    double: &mut Bitbucket,
    asked: &Asked<'_>,
    place: String,
    id: Option<&str>,
) -> Option<Answer> {
    let is_cloud = asked.url.starts_with(API);
    let show = |hook: &Hook| {
        let mut shown = json!({"url": hook.body["url"]});
        if is_cloud {
            shown["uuid"] = uuid(hook.number).into();
        } else {
            shown["id"] = hook.number.into();
        }
        shown
    };
    let read = || serde_json::from_slice::<Value>(&asked.request.body).unwrap();
    let id = match id {
        Some(id) if is_cloud => Some(number(id)?),
        Some(id) => Some(id.parse().ok()?),
        None => None,
    };
    let position = double
        .hooks
        .iter()
        .position(|hook| hook.place == place && Some(hook.number) == id);
    Some(match (asked.request.method, id) {
        ("GET", None) => {
            let there = double.hooks.iter().filter(|hook| hook.place == place);
            let values = there.map(show).collect();
            if is_cloud {
                cloud_page(asked, values)
            } else {
                server_page(asked, values)
            }
        }
        ("POST", None) => {
            double.last_hook += 1;
            let hook = Hook {
                place,
                number: double.last_hook,
                body: read(),
            };
            let shown = show(&hook).to_string();
            double.hooks.push(hook);
            Answer::new(201, shown)
        }
        ("PUT", Some(_)) => {
            let hook = &mut double.hooks[position?];
            hook.body = read();
            json_answer(&show(hook))
        }
        ("DELETE", Some(_)) => {
            double.hooks.remove(position?);
            Answer::new(204, "")
        }
        _ => return None,
    })
}
