//! A server that speaks git and nothing else: `git http-backend`, run for each request as a web server would, over
//! repositories that are made once and never change, and such as a test makes for itself.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use repertoire::ports::OutRequest;

use super::github::Answer;

/// The base URL of the server.
pub(crate) const GIT_SERVER: &str = "https://git.example.org";

/// What a git server does that git itself does not.
#[derive(Default)]
pub(crate) struct GitFaults {
    /// How many of the next packs break off half way.
    pub(crate) truncate_packs: usize,
    /// The path of a repository before it moved, and now.
    pub(crate) moved: Option<(String, String)>,
}

impl GitFaults {
    /// Where this request is redirected to.
    fn redirect(&self, target: &str) -> Option<Answer> {
        let (from, to) = self.moved.as_ref()?;
        let rest = target.strip_prefix(from.as_str())?;
        let location = format!("{GIT_SERVER}{to}{rest}");
        Some(Answer::new(301, "").with("location", location))
    }

    fn spoil(&mut self, mut answer: Answer) -> Answer {
        let is_pack = answer.body.windows(4).any(|four| four == b"PACK");
        if is_pack && self.truncate_packs > 0 {
            self.truncate_packs -= 1;
            answer.body.truncate(answer.body.len() / 2);
        }
        answer
    }
}

/// The answer of the git server; none when another host is asked. `few.git` has three tags, `many.git` 45, each of them at
/// a commit of its own.
pub(crate) fn answer(faults: &mut GitFaults, request: &OutRequest) -> Option<Answer> {
    let target = request.url.strip_prefix(GIT_SERVER)?;
    if let Some(moved) = faults.redirect(target) {
        return Some(moved);
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let header = |name: &str| {
        let mut headers = request.headers.iter();
        let found = headers.find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let mut child = git(repositories())
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", repositories())
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", request.method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", header("content-type"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(&request.body).unwrap();
    drop(pipe);
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
    Some(faults.spoil(Answer::new(status, &output[end + 4..])))
}

/// A new repository without a commit, below the server's URL at this path.
pub(crate) fn create(path: &str) -> PathBuf {
    let folder = repositories().join(path);
    let _ = std::fs::remove_dir_all(&folder);
    run(
        repositories(),
        &["init", "-q", "--bare", "-b", "main", path],
        "",
    );
    folder
}

/// Runs git in a repository; gives what it printed.
pub(crate) fn change(folder: &Path, arguments: &[&str], input: &str) -> String {
    let output = run(folder, arguments, input);
    String::from_utf8(output).unwrap().trim().to_owned()
}

fn repositories() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("git-server");
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        make(&folder, "few.git", 3);
        make(&folder, "many.git", 45);
        folder
    })
}

/// A repository whose releases each change one file of two.
fn make(folder: &Path, name: &str, tags: usize) {
    run(folder, &["init", "-q", "--bare", "-b", "main", name], "");
    let mut stream = String::new();
    for number in 0..tags {
        let manifest = format!(r#"{{"name":"acme/plain","description":"Release {number}"}}"#);
        let (mark, time) = (number + 1, 1_700_000_000 + number * 60);
        let length = manifest.len();
        let release = format!(
            "commit refs/heads/main\nmark :{mark}\ncommitter Ada <ada@example.com> {time} +0000\ndata 1\nx\n\
             M 100644 inline composer.json\ndata {length}\n{manifest}\n\
             M 100644 inline src/same.php\ndata 6\n<?php\n\n\
             reset refs/tags/v1.{number}.0\nfrom :{mark}\n\n"
        );
        stream.push_str(&release);
    }
    run(
        &folder.join(name),
        &["fast-import", "--quiet", "--date-format=raw"],
        &stream,
    );
}

fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null");
    for who in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{who}_NAME"), "Ada")
            .env(format!("GIT_{who}_EMAIL"), "ada@example.com");
    }
    command
}

fn run(folder: &Path, arguments: &[&str], input: &str) -> Vec<u8> {
    let mut child = git(folder)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(input.as_bytes()).unwrap();
    drop(pipe);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "git {arguments:?}");
    output.stdout
}
