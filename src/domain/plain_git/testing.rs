//! Real git in a folder of its own, for the tests of what reads git's bytes.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A repository, gone with the test.
pub(crate) struct Repository(PathBuf);

impl Repository {
    pub(crate) fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("repertoire-git-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let repository = Self(folder);
        repository.git(&["init", "-q", "-b", "main"], b"");
        repository
    }

    /// Runs git, which must succeed; returns what it printed.
    pub(crate) fn git(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let mut child = Command::new("git")
            .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com"])
            .args(arguments)
            .current_dir(&self.0)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let input = input.to_vec();
        // Both ends at once: git may print before it has read all.
        let feeder = std::thread::spawn(move || pipe.write_all(&input));
        let output = child.wait_with_output().unwrap();
        let _ = feeder.join().unwrap();
        assert!(output.status.success(), "git {arguments:?}");
        output.stdout
    }

    /// The same as text, without the line feed at its end.
    pub(crate) fn text(&self, arguments: &[&str]) -> String {
        let output = self.git(arguments, b"");
        String::from_utf8(output).unwrap().trim().to_owned()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"], b"");
        self.git(&["commit", "-q", "--allow-empty", "-m", message], b"");
        self.text(&["rev-parse", "HEAD"])
    }

    /// A pack of everything that these revisions reach.
    pub(crate) fn pack(&self, revisions: &[&str], options: &[&str]) -> Vec<u8> {
        let mut list = vec!["rev-list", "--objects"];
        list.extend(revisions);
        let listed = self.text(&list);
        let names: Vec<_> = listed
            .lines()
            .filter_map(|line| line.split(' ').next())
            .collect();
        let names = names.join("\n") + "\n";
        let mut arguments = vec![
            "pack-objects",
            "--stdout",
            "-q",
            "--window=20",
            "--depth=50",
        ];
        arguments.extend(options);
        self.git(&arguments, names.as_bytes())
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
