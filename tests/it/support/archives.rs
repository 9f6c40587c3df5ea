//! Archives as the tools make them that people have.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// The formats, by their endings.
pub(crate) const FORMATS: [&str; 4] = ["zip", "tar", "tar.gz", "tar.bz2"];

/// Packs files under `top/`, by `zip` or by `tar` and its compressors.
pub(crate) fn pack(ending: &str, files: &[(&str, &[u8])]) -> Vec<u8> {
    let folder = Folder::new();
    for (name, content) in files {
        let path = folder.0.join("top").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let archive = format!("archive.{ending}");
    let mut command = match ending {
        "zip" => Command::new("zip"),
        _ => Command::new("tar"),
    };
    match ending {
        "zip" => command.args(["--quiet", "--recurse-paths", &archive, "top"]),
        "tar" => command.args(["--create", "--file", &archive, "top"]),
        "tar.gz" => command.args(["--create", "--gzip", "--file", &archive, "top"]),
        "tar.bz2" => command.args(["--create", "--bzip2", "--file", &archive, "top"]),
        other => panic!("no tool packs {other}"),
    };
    let output = command.current_dir(&folder.0).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    std::fs::read(folder.0.join(archive)).unwrap()
}

/// Gone when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("repertoire-pack-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}
