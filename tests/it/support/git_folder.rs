//! A bare git repository of one's own, written and read by the real git.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The committer's time of every commit, `2026-11-01T12:00:00Z`; the author's is an hour before.
const COMMITTED: i64 = 1_793_534_400;

pub(crate) struct GitFolder {
    folder: PathBuf,
}

/// A ref as git has it.
pub(crate) struct GitRef {
    /// In full.
    pub(crate) name: String,
    /// What it points at: a tag object, where there is one.
    pub(crate) object: String,
    /// What a tag object points at: a commit, or the next tag object.
    pub(crate) inner: Option<String>,
    /// The commit in the end.
    pub(crate) commit: String,
}

impl Drop for GitFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl GitFolder {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("git-folder-{}-{number}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let made = Self { folder };
        made.git(&["init", "-q", "--bare", "-b", "main", "."]);
        made
    }

    /// Makes a commit of these files, without a parent, and points a ref at it, whatever it pointed at before.
    pub(crate) fn commit(&self, git_ref: &str, files: &[(&str, &str)]) -> String {
        let mut stream = format!(
            "commit {git_ref}\nauthor Ada <ada@example.org> {} +0000\ncommitter Ada <ada@example.org> {COMMITTED} +0000\ndata 1\nx\n",
            COMMITTED - 3600
        );
        for (path, text) in files {
            let length = text.len();
            writeln!(stream, "M 100644 inline {path}\ndata {length}\n{text}").unwrap();
        }
        let import = ["fast-import", "--quiet", "--force", "--date-format=raw"];
        self.run(&import, &stream);
        self.resolve(git_ref).unwrap()
    }

    /// An annotated tag of whatever that is, be it a tag.
    pub(crate) fn annotate(&self, tag: &str, target: &str) {
        self.git(&["tag", "--force", "--annotate", "--message=x", tag, target]);
    }

    pub(crate) fn delete(&self, git_ref: &str) {
        self.git(&["update-ref", "-d", git_ref]);
    }

    /// The commit of that name.
    pub(crate) fn resolve(&self, name: &str) -> Option<String> {
        let wanted = format!("{name}^{{commit}}");
        let verify = [
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &wanted,
        ];
        let output = self.output(&verify, "");
        let text = String::from_utf8(output.stdout).unwrap();
        output.status.success().then(|| text.trim().to_owned())
    }

    /// All refs below `refs/tags/` or `refs/heads/`, by name.
    pub(crate) fn refs(&self, below: &str) -> Vec<GitRef> {
        let listed = self.git(&[
            "for-each-ref",
            "--format=%(objecttype) %(objectname) %(refname)",
            below,
        ]);
        let lines = String::from_utf8(listed).unwrap();
        let read = |line: &str| {
            let mut words = line.splitn(3, ' ');
            let mut word = || words.next().unwrap().to_owned();
            let (kind, object, name) = (word(), word(), word());
            let inner = (kind == "tag").then(|| {
                let tag = String::from_utf8(self.git(&["cat-file", "tag", &object])).unwrap();
                tag["object ".len()..]
                    .split('\n')
                    .next()
                    .unwrap()
                    .to_owned()
            });
            let commit = self.resolve(&name).unwrap();
            GitRef {
                name,
                object,
                inner,
                commit,
            }
        };
        lines.lines().map(read).collect()
    }

    pub(crate) fn file(&self, commit: &str, path: &str) -> Option<Vec<u8>> {
        let name = format!("{commit}:{path}");
        let output = self.output(&["cat-file", "blob", &name], "");
        output.status.success().then_some(output.stdout)
    }

    /// The seconds of author and committer.
    pub(crate) fn times(&self, commit: &str) -> (i64, i64) {
        let shown = self.git(&["show", "--no-patch", "--format=%at %ct", commit]);
        let text = String::from_utf8(shown).unwrap();
        let (author, committer) = text.trim().split_once(' ').unwrap();
        (author.parse().unwrap(), committer.parse().unwrap())
    }

    pub(crate) fn archive(&self, commit: &str, prefix: &str) -> Vec<u8> {
        let prefix = format!("--prefix={prefix}");
        self.git(&["archive", "--format=zip", &prefix, commit])
    }

    fn git(&self, arguments: &[&str]) -> Vec<u8> {
        self.run(arguments, "")
    }

    fn run(&self, arguments: &[&str], input: &str) -> Vec<u8> {
        let output = self.output(arguments, input);
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
        output.stdout
    }

    fn output(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = Command::new("git")
            .args(arguments)
            .current_dir(&self.folder)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_COMMITTER_NAME", "Ada")
            .env("GIT_COMMITTER_EMAIL", "ada@example.org")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = child.stdin.take().unwrap();
        pipe.write_all(input.as_bytes()).unwrap();
        drop(pipe);
        child.wait_with_output().unwrap()
    }
}
