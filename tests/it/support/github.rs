//! GitHub as far as we ask it: projects with refs and commits, two refs a page, entity tags, archives by way of a
//! redirect to another host.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};

use hmac::{Hmac, KeyInit, Mac};
use repertoire::ports::OutRequest;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use sha2::Sha256;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::bitbucket::Bitbucket;
use super::git_server::GitFaults;
use super::github_app::{AppDouble, GraphQl, Odd, Reach};
use super::hooks::HookBook;
use super::hosts::ArchiveLimit;

/// The token that GitHub knows.
pub(crate) const GITHUB_TOKEN: &str = "ghp_0123456789";
const API: &str = "https://api.github.com";
const ARCHIVES: &str = "https://codeload.github.com/";
const PER_PAGE: usize = 2;

#[derive(Default)]
pub(crate) struct GitHubDouble {
    pub(crate) projects: BTreeMap<u64, Project>,
    pub(crate) app: AppDouble,
    pub(crate) graphql: GraphQl,
    /// How many refs a page has; two where nobody says otherwise.
    pub(crate) per_page: Option<usize>,
    /// `METHOD URL status` of each request, in order, the URL without its query.
    pub(crate) seen: Vec<String>,
    /// Answers for the next requests, before anything else is looked at.
    pub(crate) refusals: Vec<Answer>,
    /// Webhooks, of all hosts.
    pub(crate) hooks: HookBook,
    /// The one token that GitHub takes; none for [`GITHUB_TOKEN`].
    pub(crate) token: Option<String>,
    /// Of GitLab.
    pub(crate) archive_limit: ArchiveLimit,
    /// Of GitLab: when which listing was made, and what it said.
    pub(crate) kept_branches: BTreeMap<String, (i64, Vec<u8>)>,
    /// How many of the next archives break off half way.
    pub(crate) truncate_archives: usize,
    /// How long each chunk of an answer takes, in seconds.
    pub(crate) seconds_a_chunk: i64,
    /// What is in the addresses of projects that are withheld, and the status with which they are. GraphQL names them apart.
    pub(crate) withheld: Option<(Vec<String>, u16)>,
    /// Whether GitLab and Forgejo leave their archives with another host.
    pub(crate) keeps_archives_elsewhere: bool,
    /// Of the server that speaks git alone.
    pub(crate) git_faults: GitFaults,
    /// Of both Bitbuckets.
    pub(crate) bitbucket: Bitbucket,
    /// The status with which every question about funding is refused.
    pub(crate) fail_funding: Option<u16>,
    /// The status with which git refuses its list of refs.
    pub(crate) refuse_git: Option<u16>,
    /// The FUNDING.yml of an owner's `.github` project.
    pub(crate) owner_funding: Option<String>,
}

#[derive(Default)]
pub(crate) struct Project {
    pub(crate) full_name: String,
    pub(crate) default_branch: String,
    pub(crate) is_archived: bool,
    pub(crate) is_fork: bool,
    pub(crate) has_issues: bool,
    /// The project's own `.github/FUNDING.yml`.
    pub(crate) funding: Option<String>,
    /// Full name to commit.
    pub(crate) refs: BTreeMap<String, String>,
    commits: BTreeMap<String, Commit>,
}

struct Commit {
    composer_json: Option<String>,
    archive: Vec<u8>,
    /// How GraphQL has its composer.json.
    odd: Option<Odd>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// An archive as a git host makes it: one folder, and the commit as comment.
pub(crate) fn git_archive(folder: &str, commit: &str, files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.set_comment(commit).unwrap();
    for (path, text) in files {
        writer
            .start_file(format!("{folder}/{path}"), SimpleFileOptions::default())
            .unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// The header by which GitHub signs a webhook.
pub(crate) fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

impl GitHubDouble {
    pub(crate) fn add_project(&mut self, id: u64, full_name: &str) {
        let project = Project {
            full_name: full_name.to_owned(),
            default_branch: "main".to_owned(),
            ..Project::default()
        };
        self.projects.insert(id, project);
    }

    pub(crate) fn project(&mut self, full_name: &str) -> &mut Project {
        self.projects
            .values_mut()
            .find(|project| project.full_name == full_name)
            .unwrap()
    }

    /// An archive, which may break off half way.
    pub(crate) fn send_archive(&mut self, mut archive: Vec<u8>) -> Answer {
        if self.truncate_archives > 0 {
            self.truncate_archives -= 1;
            archive.truncate(archive.len() / 2);
        }
        Answer::new(200, archive)
    }

    /// Where the archive is that a host keeps elsewhere, if it does.
    pub(crate) fn archive_elsewhere(&self, id: u64, commit: &str) -> Option<Answer> {
        let location = format!("{ARCHIVES}{id}/{commit}");
        self.keeps_archives_elsewhere
            .then(|| Answer::new(302, "").with("location", location))
    }

    /// How often GitLab was asked for an archive.
    pub(crate) fn archives_asked(&self) -> usize {
        let seen = self.seen.iter();
        seen.filter(|one| one.contains("/archive.zip")).count()
    }

    pub(crate) fn project_id(&self, full_name: &str) -> u64 {
        let mut projects = self.projects.iter();
        let found = projects.find(|(_, project)| project.full_name == full_name);
        *found.unwrap().0
    }

    pub(crate) fn answer(&mut self, request: &OutRequest, now: i64) -> Answer {
        let answer = if let Some(withheld) = self.withhold(request) {
            withheld
        } else if self.refusals.is_empty() {
            let elsewhere = super::git_server::answer(&mut self.git_faults, request)
                .or_else(|| super::smart_git::answer(self, request))
                .or_else(|| super::bitbucket::answer(self, request, now))
                .or_else(|| super::hosts::answer(self, request, now));
            elsewhere.unwrap_or_else(|| self.find_answer(request, now))
        } else {
            self.refusals.remove(0)
        };
        let (path, _) = request.url.split_once('?').unwrap_or((&request.url, ""));
        let seen = format!("{} {path} {}", request.method, answer.status);
        self.seen.push(seen);
        answer
    }

    /// The answer for a project that is withheld.
    fn withhold(&self, request: &OutRequest) -> Option<Answer> {
        let (needles, status) = self.withheld.as_ref()?;
        let has = |text: &str| needles.iter().any(|needle| text.contains(needle.as_str()));
        if has(&request.url) {
            return Some(Answer::new(*status, r#"{"message":"Not Found"}"#));
        }
        let names = String::from_utf8_lossy(&request.body).replace(r#"","name":""#, "/");
        let is_named = request.url.ends_with("/graphql") && has(&names);
        let body = r#"{"data":{"repository":null,"commits":null},"errors":[{"message":"Could not resolve"}]}"#;
        is_named.then(|| Answer::new(200, body))
    }

    fn find_answer(&mut self, request: &OutRequest, now: i64) -> Answer {
        let (path, query) = request.url.split_once('?').unwrap_or((&request.url, ""));
        let header = |name: &str| {
            let mut headers = request.headers.iter();
            headers
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.as_str())
        };
        if let Some(archive) = path.strip_prefix(ARCHIVES) {
            assert_eq!(header("authorization"), None, "the token went astray");
            assert_eq!(header("private-token"), None, "the token went astray");
            let (id, commit) = archive.split_once('/').unwrap();
            let project = &self.projects[&id.parse().unwrap()];
            let archive = project.commits[commit].archive.clone();
            return self.send_archive(archive);
        }
        let path = path.strip_prefix(API).expect("a host nobody should ask");
        if let Some(answer) = self.answer_app(request, path, now) {
            return answer;
        }
        let reach = match self.reach(request, now) {
            Ok(reach) => reach,
            Err(answer) => return answer,
        };
        if let Some(status) = self.fail_funding
            && path.ends_with("/FUNDING.yml")
        {
            return Answer::new(status, r#"{"message":"no"}"#);
        }
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        if let [kind @ ("repositories" | "orgs"), place, "hooks", rest @ ..] = segments.as_slice() {
            let place = format!("github {kind} {place}");
            return self.hooks.answer(&place, rest.first().copied(), request);
        }
        match segments.as_slice() {
            ["graphql"] => self.answer_graphql(request, &reach),
            ["installation", "repositories"] => self.list_given(&reach),
            ["user"] if matches!(reach, Reach::Projects(_)) => {
                let message = r#"{"message":"Resource not accessible by integration"}"#;
                Answer::new(403, message)
            }
            ["user"] => Answer::new(200, r#"{"id":7,"login":"acme-bot"}"#)
                .with("x-oauth-scopes", "repo, workflow"),
            ["user", "repos"] => list_projects(&self.projects, query),
            ["repos", _, ".github", "contents", "FUNDING.yml"] => file(self.owner_funding.as_ref()),
            ["repos", owner, name] => {
                let full_name = format!("{owner}/{name}");
                let mut projects = self.projects.iter().filter(|(id, _)| reach.has(**id));
                match projects.find(|(_, project)| project.full_name == full_name) {
                    Some((id, project)) => describe(*id, project),
                    None => not_found(),
                }
            }
            ["repositories", id, rest @ ..] => {
                let id: u64 = id.parse().unwrap();
                let Some(project) = self.projects.get(&id).filter(|_| reach.has(id)) else {
                    return not_found();
                };
                let per_page = self.per_page.unwrap_or(PER_PAGE);
                let known = header("if-none-match");
                match rest {
                    [] => describe(id, project),
                    [kind @ ("tags" | "branches")] => {
                        list(id, project, kind, query, known, per_page)
                    }
                    ["contents", ".github", "FUNDING.yml"] => file(project.funding.as_ref()),
                    ["contents", "composer.json"] => read_manifest(project, query),
                    ["git", "commits", commit] if project.commits.contains_key(*commit) => {
                        let body =
                            json!({"sha": commit, "committer": {"date": "2026-11-01T12:00:00Z"}});
                        Answer::new(200, body.to_string())
                    }
                    ["zipball", commit] if project.commits.contains_key(*commit) => {
                        Answer::new(302, "").with("location", format!("{ARCHIVES}{id}/{commit}"))
                    }
                    _ => not_found(),
                }
            }
            _ => not_found(),
        }
    }
}

impl Project {
    /// Short names and commits of all tags or branches, by name.
    pub(crate) fn list(&self, kind: &str) -> Vec<(&str, &str)> {
        let prefix = if kind == "tags" {
            "refs/tags/"
        } else {
            "refs/heads/"
        };
        let refs = self.refs.iter();
        refs.filter_map(|(name, commit)| Some((name.strip_prefix(prefix)?, commit.as_str())))
            .collect()
    }

    /// The composer.json of a commit, or at the head.
    pub(crate) fn manifest(&self, commit: Option<&str>) -> Option<String> {
        let head = format!("refs/heads/{}", self.default_branch);
        let commit = match commit {
            Some(commit) => commit,
            None => self.refs.get(&head)?,
        };
        self.commits.get(commit)?.composer_json.clone()
    }

    /// The composer.json of each commit, and how GraphQL has it.
    pub(crate) fn manifests(&self) -> BTreeMap<&str, (Option<String>, Option<Odd>)> {
        let commits = self.commits.iter();
        commits
            .map(|(id, commit)| (id.as_str(), (commit.composer_json.clone(), commit.odd)))
            .collect()
    }

    /// From now on GraphQL has the composer.json of a commit so.
    pub(crate) fn make_odd(&mut self, commit: &str, odd: Odd) {
        self.commits.get_mut(commit).unwrap().odd = Some(odd);
    }

    /// The archive of a commit.
    pub(crate) fn archive(&self, commit: &str) -> Option<Vec<u8>> {
        Some(self.commits.get(commit)?.archive.clone())
    }

    /// Makes a commit and points a ref at it; the commit's id follows from its contents.
    pub(crate) fn push(&mut self, git_ref: &str, composer_json: Option<&str>) -> String {
        let seed = format!("{} {git_ref} {composer_json:?}", self.full_name);
        let commit = hex::encode(Sha1::digest(seed.as_bytes()));
        let mut files = vec![("src/code.php", git_ref)];
        files.extend(composer_json.map(|text| ("composer.json", text)));
        self.keep(git_ref, commit, &files, composer_json)
    }

    /// The same with these files.
    pub(crate) fn push_files(&mut self, git_ref: &str, files: &[(&str, &str)]) -> String {
        let seed = format!("{} {files:?}", self.full_name);
        let commit = hex::encode(Sha1::digest(seed.as_bytes()));
        let root = files.iter().find(|(path, _)| *path == "composer.json");
        self.keep(git_ref, commit, files, root.map(|(_, text)| *text))
    }

    /// The same with an archive that was made elsewhere.
    pub(crate) fn push_archive(&mut self, git_ref: &str, commit: &str, archive: Vec<u8>) {
        let made = Commit {
            odd: None,
            composer_json: None,
            archive,
        };
        self.commits.insert(commit.to_owned(), made);
        self.refs.insert(git_ref.to_owned(), commit.to_owned());
    }

    fn keep(
        &mut self,
        git_ref: &str,
        commit: String,
        files: &[(&str, &str)],
        composer_json: Option<&str>,
    ) -> String {
        let archive = git_archive("top", &commit, files);
        let made = Commit {
            composer_json: composer_json.map(str::to_owned),
            archive,
            odd: None,
        };
        self.commits.insert(commit.clone(), made);
        self.refs.insert(git_ref.to_owned(), commit.clone());
        commit
    }
}

impl Project {
    /// From now on the commit's archive consists of other bytes, as after a change of the host's zip program.
    pub(crate) fn repack(&mut self, commit: &str) {
        let made = self.commits.get_mut(commit).unwrap();
        let text = made.composer_json.clone().unwrap();
        let files = [("composer.json", text.as_str()), ("repacked", "")];
        made.archive = git_archive("repacked", commit, &files);
    }
}

fn file(text: Option<&String>) -> Answer {
    text.map_or_else(not_found, |text| Answer::new(200, text.as_str()))
}

fn not_found() -> Answer {
    Answer::new(404, r#"{"message":"Not Found"}"#)
}

fn list_projects(projects: &BTreeMap<u64, Project>, query: &str) -> Answer {
    let page: usize = parameter(query, "page").map_or(1, |page| page.parse().unwrap());
    let shown: Vec<_> = projects
        .iter()
        .skip((page - 1) * PER_PAGE)
        .take(PER_PAGE)
        .map(|(id, project)| show(*id, project))
        .collect();
    let answer = Answer::new(200, Value::from(shown).to_string());
    if projects.len() <= page * PER_PAGE {
        return answer;
    }
    let next = format!("<{API}/user/repos?per_page=100&page={}>", page + 1);
    answer.with("link", format!("{next}; rel=\"next\""))
}

fn describe(id: u64, project: &Project) -> Answer {
    Answer::new(200, show(id, project).to_string())
}

fn show(id: u64, project: &Project) -> Value {
    let name = &project.full_name;
    json!({
        "id": id,
        "full_name": name,
        "default_branch": project.default_branch,
        "html_url": format!("https://github.com/{name}"),
        "clone_url": format!("https://github.com/{name}.git"),
        "private": true,
        "archived": project.is_archived,
        "fork": project.is_fork,
        "has_issues": project.has_issues,
    })
}

fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key == name).then_some(value)
    })
}

fn list(
    id: u64,
    project: &Project,
    kind: &str,
    query: &str,
    known: Option<&str>,
    per_page: usize,
) -> Answer {
    let prefix = if kind == "tags" {
        "refs/tags/"
    } else {
        "refs/heads/"
    };
    let page: usize = parameter(query, "page").map_or(1, |page| page.parse().unwrap());
    let refs: Vec<_> = project
        .refs
        .iter()
        .filter_map(|(name, commit)| Some((name.strip_prefix(prefix)?, commit)))
        .collect();
    let shown: Vec<Value> = refs
        .iter()
        .skip((page - 1) * per_page)
        .take(per_page)
        .map(|(name, commit)| json!({"name": name, "commit": {"sha": commit}}))
        .collect();
    let body = Value::from(shown).to_string();
    let etag = format!("\"{}\"", hex::encode(Sha1::digest(body.as_bytes())));
    let mut answer = if known == Some(&etag) {
        Answer::new(304, "")
    } else {
        Answer::new(200, body)
    };
    if refs.len() > page * per_page {
        let next = format!(
            "<{API}/repositories/{id}/{kind}?per_page=100&page={}>",
            page + 1
        );
        answer = answer.with("link", format!("{next}; rel=\"next\""));
    }
    answer.with("etag", etag)
}

/// GitHub takes a commit or the name of a ref.
fn read_manifest(project: &Project, query: &str) -> Answer {
    let asked = parameter(query, "ref").unwrap_or(&project.default_branch);
    let head = project.refs.get(&format!("refs/heads/{asked}"));
    let commit = head.map_or(asked, String::as_str);
    let commit = project.commits.get(commit);
    match commit.and_then(|commit| commit.composer_json.clone()) {
        Some(text) => Answer::new(200, text),
        None => not_found(),
    }
}
