//! Against `git http-backend`, the server that git itself has, run for each request as a web server would.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use zip::ZipArchive;

use super::*;
use crate::domain::plain_git::testing::Repository;
use crate::ports::{ByteStream, HttpClient, OutRequest};
use crate::providers::address::PrivateAddresses;
use crate::providers::replay::StoppedClock;

const BASE: &str = "https://git.example.com/team";

type Instead = (&'static str, u16, Vec<(String, String)>, Vec<u8>);

/// Serves the repositories of a folder below `/team/`.
struct Server {
    folder: PathBuf,
    seen: RefCell<Vec<String>>,
    /// What is answered instead of the repository: by the end of the URL, once each.
    instead: RefCell<Vec<Instead>>,
    /// Bytes after which every answer breaks off.
    cut: Option<usize>,
}

impl Server {
    fn of(repository: &Repository) -> Self {
        Self {
            folder: repository.path(""),
            seen: RefCell::default(),
            instead: RefCell::default(),
            cut: None,
        }
    }

    fn instead(
        self,
        end: &'static str,
        status: u16,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Self {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        self.instead
            .borrow_mut()
            .push((end, status, headers, body.to_vec()));
        self
    }

    fn connect(&self) -> PlainGit<'_> {
        self.connect_with(&Credentials::new(None, ""))
    }

    fn connect_with(&self, credentials: &Credentials) -> PlainGit<'_> {
        let gateway = Gateway::new(self, &StoppedClock, PrivateAddresses::Refused);
        PlainGit::new(gateway, BASE, credentials).unwrap()
    }

    fn seen(&self) -> Vec<String> {
        self.seen.borrow().clone()
    }
}

/// In chunks of an odd size.
struct Pieces(Vec<u8>, usize);

#[async_trait(?Send)]
impl ByteStream for Pieces {
    async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let rest = &self.0[self.1..];
        let piece = rest[..rest.len().min(977)].to_vec();
        self.1 += piece.len();
        Ok((!piece.is_empty()).then_some(piece))
    }
}

#[async_trait(?Send)]
impl HttpClient for Server {
    async fn send(&self, request: OutRequest) -> Result<InResponse> {
        let url = request.url.trim_start_matches("https://");
        let (host, target) = url.split_once('/').unwrap();
        let header = |name: &str| {
            let found = request.headers.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let who = header("authorization");
        self.seen.borrow_mut().push(
            format!("{} {host}/{path} {who}", request.method)
                .trim()
                .to_owned(),
        );
        let at = self
            .instead
            .borrow()
            .iter()
            .position(|(end, ..)| path.ends_with(end));
        if let Some(at) = at {
            let (_, status, headers, body) = self.instead.borrow_mut().remove(at);
            return Ok(InResponse {
                status,
                headers,
                body: Box::new(Pieces(body, 0)),
            });
        }
        let mut child = Command::new("git")
            .arg("http-backend")
            .env("GIT_PROJECT_ROOT", &self.folder)
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("REQUEST_METHOD", request.method)
            .env(
                "PATH_INFO",
                format!("/{}", path.strip_prefix("team/").unwrap()),
            )
            .env("QUERY_STRING", query)
            .env("CONTENT_TYPE", header("content-type"))
            .env("GIT_PROTOCOL", header("git-protocol"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(&request.body)
            .unwrap();
        let output = child.wait_with_output().unwrap().stdout;
        let end = output
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap();
        let head = String::from_utf8_lossy(&output[..end]).into_owned();
        let status = head
            .lines()
            .find_map(|line| line.strip_prefix("Status: ")?.get(..3)?.parse().ok())
            .unwrap_or(200);
        let mut body = output[end..].trim_ascii_start().to_vec();
        body.truncate(self.cut.unwrap_or(usize::MAX));
        Ok(InResponse {
            status,
            headers: Vec::new(),
            body: Box::new(Pieces(body, 0)),
        })
    }
}

/// Three releases; the first two share a tag's commit with a branch or have an annotated tag.
fn library(name: &str) -> (Repository, Vec<String>) {
    let repository = Repository::new(name);
    let commits = ["1.0.0", "1.1.0", "2.0.0"]
        .iter()
        .map(|version| {
            repository.write(
                "composer.json",
                format!(r#"{{"name":"acme/lib","x":"{version}"}}"#).as_bytes(),
            );
            repository.write(
                "src/Library.php",
                format!("<?php // {version}\n").repeat(300).as_bytes(),
            );
            repository.write("tests/Test.php", b"<?php\n");
            repository.write(".gitattributes", b"/tests export-ignore\n");
            let commit = repository.commit(version);
            repository.git(&["tag", "-a", "-m", version, &format!("v{version}")], b"");
            commit
        })
        .collect();
    repository.git(&["branch", "1.x", "v1.1.0"], b"");
    (repository, commits)
}

fn now<T>(future: impl Future<Output = T>) -> T {
    pollster::block_on(future)
}

fn read(response: &mut InResponse) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(chunk) = now(response.body.next()).unwrap() {
        bytes.extend(chunk);
    }
    bytes
}

fn files(bytes: Vec<u8>) -> BTreeMap<String, Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut file = archive.by_index(index).unwrap();
            let mut content = Vec::new();
            file.read_to_end(&mut content).unwrap();
            (file.name().unwrap().into_owned(), content)
        })
        .collect()
}

#[test]
fn a_project_and_its_refs_take_one_request() {
    let (repository, commits) = library("refs");
    let server = Server::of(&repository);
    let host = server.connect();
    let project = now(host.describe_project(".git")).unwrap();
    assert_eq!(project.default_branch.as_deref(), Some("main"));
    assert_eq!(project.clone_url, "https://git.example.com/team/.git");
    let listing = now(host.list_refs(&project.provider_id, &HashMap::new())).unwrap();
    let refs: Vec<_> = listing
        .refs
        .iter()
        .map(|found| (found.name.as_str(), found.commit.as_str()))
        .collect();
    // Annotated tags lead to their commits.
    assert_eq!(
        refs,
        [
            ("refs/tags/v1.0.0", commits[0].as_str()),
            ("refs/tags/v1.1.0", &commits[1]),
            ("refs/tags/v2.0.0", &commits[2]),
            ("refs/heads/1.x", &commits[1]),
            ("refs/heads/main", &commits[2]),
        ]
    );
    assert_eq!(
        server.seen(),
        ["POST git.example.com/team/.git/git-upload-pack"]
    );
    // Somebody wants to be sure.
    now(host.list_refs(&project.provider_id, &HashMap::new())).unwrap();
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn all_releases_come_in_one_request() {
    let (repository, commits) = library("fetch");
    let server = Server::of(&repository);
    let host = server.connect();
    assert_eq!(now(host.prepare(".git", &commits)).unwrap(), 3);
    for (commit, version) in commits.iter().zip(["1.0.0", "1.1.0", "2.0.0"]) {
        let manifest = now(host.read_file(".git", "composer.json", Some(commit), 1000)).unwrap();
        assert_eq!(
            manifest.unwrap(),
            format!(r#"{{"name":"acme/lib","x":"{version}"}}"#).as_bytes()
        );
        let none = now(host.read_file(".git", "src/missing.php", Some(commit), 1000)).unwrap();
        assert_eq!(none, None);
        let time = now(host.commit_time(".git", commit)).unwrap();
        let expected: i64 = repository
            .text(&["show", "-s", "--format=%at", commit])
            .parse()
            .unwrap();
        assert_eq!(time, rfc3339(expected));
        let ours = files(read(&mut now(host.open_archive(".git", commit)).unwrap()));
        let theirs = repository.git(
            &["archive", "--format=zip", "--prefix=package/", commit],
            b"",
        );
        assert_eq!(ours, files(theirs));
        assert!(!ours.contains_key("package/tests/Test.php"));
    }
    assert_eq!(
        server.seen(),
        ["POST git.example.com/team/.git/git-upload-pack"]
    );
}

#[test]
fn what_does_not_fit_is_fetched_in_portions_and_says_so_when_one_commit_alone_does_not() {
    let repository = Repository::new("portions");
    let mut commits = Vec::new();
    let mut noise = 7_u32;
    for number in 0..6 {
        let content: Vec<u8> = (0..40_000)
            .map(|_| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                noise.to_be_bytes()[0]
            })
            .collect();
        repository.write("noise", &content);
        commits.push(repository.commit(&number.to_string()));
    }
    let server = Server::of(&repository);
    let mut host = server.connect();
    host.remote.pack_limit = 100_000;
    assert_eq!(now(host.prepare(".git", &commits)).unwrap(), 2);
    assert!(
        now(host.read_file(".git", "noise", Some(&commits[1]), 50_000))
            .unwrap()
            .is_some()
    );
    assert_eq!(server.seen().len(), 2);
    host.remote.pack_limit = 30_000;
    let error = now(host.prepare(".git", &commits[..1])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(
        error
            .message()
            .contains("leave large files out of the repository"),
        "{error}"
    );
}

#[test]
fn a_commit_that_is_gone_does_not_take_the_others_along() {
    let (repository, commits) = library("gone");
    let server = Server::of(&repository);
    let host = server.connect();
    let gone = "1".repeat(40);
    let wanted: Vec<_> = commits
        .iter()
        .take(1)
        .cloned()
        .chain([gone.clone()])
        .collect();
    assert_eq!(now(host.prepare(".git", &wanted)).unwrap(), 1);
    let error = now(host.prepare(".git", &[gone])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn an_answer_that_breaks_off_is_tried_again_later() {
    let (repository, commits) = library("cut");
    let mut server = Server::of(&repository);
    server.cut = Some(400);
    let error = now(server.connect().prepare(".git", &commits[..1])).unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(error.message().contains("cut short"), "{error}");
}

#[test]
fn an_empty_repository_has_no_refs_and_another_object_format_is_refused() {
    let repository = Repository::new("odd");
    let server = Server::of(&repository);
    let host = server.connect();
    let listing = now(host.list_refs(".git", &HashMap::new())).unwrap();
    assert_eq!(listing.refs, []);
    assert_eq!(
        now(host.read_file(".git", "composer.json", None, 10)).unwrap(),
        None
    );
    repository.git(&["init", "-q", "--object-format=sha256", "other"], b"");
    let error = now(host.describe_project("other/.git")).unwrap_err();
    assert!(
        error.message().contains("object format `sha256`"),
        "{error}"
    );
}

#[test]
fn a_server_that_redirects_is_followed_once_and_without_the_credential() {
    let (repository, commits) = library("redirect");
    let credentials = Credentials::new(Some("ada"), "secret");
    let server = Server::of(&repository)
        .instead("lib/git-upload-pack", 404, &[], b"")
        .instead(
            "lib/info/refs",
            301,
            &[(
                "location",
                "https://elsewhere.example.com/team/.git/info/refs?service=git-upload-pack",
            )],
            b"",
        )
        .instead("lib/git-upload-pack", 404, &[], b"")
        .instead(
            "lib/info/refs",
            301,
            &[(
                "location",
                "https://git.example.com/team/.git/info/refs?service=git-upload-pack",
            )],
            b"",
        );
    let host = server.connect_with(&credentials);
    let listing = now(host.list_refs("lib", &HashMap::new())).unwrap();
    assert_eq!(listing.refs.len(), 5);
    assert_eq!(now(host.prepare("lib", &commits[..1])).unwrap(), 1);
    let basic = "Basic YWRhOnNlY3JldA==";
    assert_eq!(
        server.seen(),
        [
            format!("POST git.example.com/team/lib/git-upload-pack {basic}"),
            format!("GET git.example.com/team/lib/info/refs {basic}"),
            "GET elsewhere.example.com/team/.git/info/refs".to_owned(),
            "POST elsewhere.example.com/team/.git/git-upload-pack".to_owned(),
            format!("POST git.example.com/team/lib/git-upload-pack {basic}"),
            format!("GET git.example.com/team/lib/info/refs {basic}"),
            format!("GET git.example.com/team/.git/info/refs {basic}"),
            format!("POST git.example.com/team/.git/git-upload-pack {basic}"),
        ]
    );
}

#[test]
fn refusals_say_what_to_do() {
    let (repository, _) = library("refusals");
    let refused = |status, headers: &[(&str, &str)], body: &[u8]| {
        let server = Server::of(&repository)
            .instead("git-upload-pack", status, headers, b"")
            .instead("info/refs", status, headers, body);
        let host = server.connect();
        now(host.describe_project("lib.git")).unwrap_err()
    };
    let error = refused(401, &[], b"");
    assert!(
        error.message().contains("wants a user name and a token"),
        "{error}"
    );
    assert_eq!(refused(404, &[], b"").kind(), ErrorKind::ProjectWithheld);
    let limit = refused(429, &[("retry-after", "30")], b"");
    assert_eq!(limit.kind(), ErrorKind::RateLimited { retry_after: 30 });
    assert!(refused(503, &[], b"").is_retryable());
    let error = refused(200, &[], b"<html>Welcome</html>");
    assert!(
        error
            .message()
            .contains("no git repository at this address"),
        "{error}"
    );
    let old = b"001e# service=git-upload-pack\n0000003c1111111111111111111111111111111111111111 HEAD\0multi_ack\n0000";
    let error = refused(200, &[], old);
    assert!(error.message().contains("version 2 is needed"), "{error}");
}

#[test]
fn a_repository_is_named_by_its_path_or_its_url() {
    let repository = Repository::new("names");
    let server = Server::of(&repository);
    let remote = &server.connect().remote;
    assert_eq!(
        remote
            .project("https://git.example.com/team/a/b.git")
            .unwrap(),
        "a/b.git"
    );
    assert_eq!(remote.project("/a/b.git/").unwrap(), "a/b.git");
    for bad in [
        "https://other.example.com/a",
        "../a",
        "a//b",
        "",
        "a?b",
        "a b",
        "a/%2e%2e/../b",
    ] {
        assert!(remote.project(bad).is_err(), "{bad}");
    }
}
