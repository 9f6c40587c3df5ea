//! Bitbucket Cloud and Bitbucket Data Center as far as we ask them, over the same real git repositories: two things a
//! page, archives by `git archive`, webhooks that are kept. Each keeps to what its own API knows a repository by.

mod cloud;
mod server;

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use repertoire::ports::OutRequest;
use serde_json::{Value, json};

use super::git_folder::GitFolder;
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
    /// What Cloud lets be asked in an hour, if it counts.
    pub(crate) allowance: Option<Allowance>,
}

/// Requests of the hour that has just passed.
pub(crate) struct Allowance {
    pub(crate) limit: usize,
    pub(crate) asked_at: Vec<i64>,
    /// How often more was asked than that.
    pub(crate) exceeded: usize,
}

impl Allowance {
    pub(crate) fn of(limit: usize) -> Self {
        Self {
            limit,
            asked_at: Vec::new(),
            exceeded: 0,
        }
    }

    /// Counts a request, and says of the answer what is left.
    fn count(&mut self, now: i64, answer: Answer) -> Answer {
        self.asked_at.retain(|at| *at > now - 3_600);
        if self.asked_at.len() >= self.limit {
            self.exceeded += 1;
            return cloud::problem(429, "Rate limit for this resource has been exceeded");
        }
        self.asked_at.push(now);
        let is_near = self.asked_at.len() * 5 > self.limit * 4;
        answer
            .with("x-ratelimit-limit", self.limit.to_string())
            .with("x-ratelimit-resource", "api-request")
            .with(
                "x-ratelimit-nearlimit",
                if is_near { "true" } else { "false" },
            )
    }
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
pub(crate) fn answer(double: &mut GitHubDouble, request: &OutRequest, now: i64) -> Option<Answer> {
    let url = request.url.as_str();
    let asked = |rest: &str| Asked::new(request, rest);
    if let Some(rest) = url.strip_prefix(API) {
        let asked = asked(rest);
        if !asked.is_signed_in() {
            return Some(cloud::problem(401, "Token is invalid or not supported."));
        }
        let found = cloud::answer(&mut double.bitbucket, &asked);
        let found = found.unwrap_or_else(|| cloud::problem(404, "Not found"));
        return Some(match &mut double.bitbucket.allowance {
            Some(allowance) => allowance.count(now, found),
            None => found,
        });
    }
    if let Some(rest) = url.strip_prefix(WEBSITE) {
        let asked = asked(rest);
        if !asked.is_signed_in() || double.bitbucket.asks_to_sign_in {
            return Some(Answer::new(302, "").with("location", SIGN_IN));
        }
        return Some(cloud::website(double, &asked).unwrap_or_else(|| Answer::new(404, "<html>")));
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
        return Some(server::problem(401, said));
    }
    let answer = match server::archive(double, &asked) {
        Some(answer) => Some(answer),
        None => server::answer(&mut double.bitbucket, &asked),
    };
    let answer = answer.unwrap_or_else(|| server::problem(404, "No such thing exists."));
    Some(answer.with("x-ausername", "acme-bot"))
}

fn json_answer(body: &Value) -> Answer {
    Answer::new(200, body.to_string())
}

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
                cloud::page(asked, values)
            } else {
                server::page(asked, values)
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

/// `refs/tags` or `refs/heads`, and how much of a name that is with the slash behind.
fn below(kind: &str) -> (&'static str, usize) {
    if kind == "tags" {
        ("refs/tags", "refs/tags/".len())
    } else {
        ("refs/heads", "refs/heads/".len())
    }
}
