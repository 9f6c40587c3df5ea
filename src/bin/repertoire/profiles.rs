//! Where somebody is signed in: a file that its owner alone may read.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Result};
use crate::secret::Secret;

/// All that is kept.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Profiles {
    /// The one that counts where none is named.
    pub(crate) current: Option<String>,
    #[serde(default)]
    pub(crate) profiles: BTreeMap<String, Profile>,
}

/// A registry that somebody signed in at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) url: String,
    pub(crate) token: Secret,
    /// The organisation that commands are about unless they say another.
    pub(crate) organisation: Option<String>,
}

impl Profiles {
    /// What is kept; nothing where nobody signed in yet.
    pub(crate) fn load() -> Result<Self> {
        let path = file()?;
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(cannot("read", &path, &error)),
        };
        serde_json::from_slice(&text).map_err(|_| {
            Failure::failed(format!(
                "{} cannot be understood; remove it and sign in again",
                path.display()
            ))
        })
    }

    /// Writes the whole file beside and puts it in place, so that it is the old one or the new one.
    pub(crate) fn save(&self) -> Result<PathBuf> {
        let path = file()?;
        let folder = path.parent().unwrap_or(Path::new("."));
        make_folder(folder).map_err(|error| cannot("make", folder, &error))?;
        let beside = path.with_extension(format!("{}.part", std::process::id()));
        let text =
            serde_json::to_vec_pretty(self).map_err(|error| Failure::failed(error.to_string()))?;
        let written = open_private(&beside)
            .and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&beside, &path));
        written.map_err(|error| {
            let _ = fs::remove_file(&beside);
            cannot("write", &path, &error)
        })?;
        Ok(path)
    }

    /// The profile of this name, or the current one.
    pub(crate) fn find(&self, name: Option<&str>) -> Result<Option<(&str, &Profile)>> {
        match name.or(self.current.as_deref()) {
            None => Ok(None),
            Some(wanted) => match self.profiles.get_key_value(wanted) {
                Some((name, profile)) => Ok(Some((name, profile))),
                None if name.is_some() => Err(Failure::usage(format!(
                    "There is no profile `{wanted}`; `repertoire profiles list` shows those there are"
                ))),
                None => Ok(None),
            },
        }
    }
}

/// `profiles.json` in the folder that the platform has for settings.
pub(crate) fn file() -> Result<PathBuf> {
    let from = |name: &str| {
        env::var_os(name)
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
    };
    let folder = from("REPERTOIRE_CONFIG_DIR")
        .or_else(|| from("XDG_CONFIG_HOME").map(|folder| folder.join("repertoire")))
        .or_else(|| {
            from("APPDATA")
                .filter(|_| cfg!(windows))
                .map(|folder| folder.join("repertoire"))
        })
        .or_else(|| from("HOME").map(|folder| folder.join(".config").join("repertoire")));
    folder
        .map(|folder| folder.join("profiles.json"))
        .ok_or_else(|| {
            Failure::failed("There is no folder for settings; set HOME or REPERTOIRE_CONFIG_DIR")
        })
}

fn cannot(verb: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::failed(format!("Cannot {verb} {}: {error}", path.display()))
}

#[cfg(unix)]
fn make_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

#[cfg(not(unix))]
fn make_folder(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)
}

/// A new file that nobody else may read, from its first moment on.
#[cfg(unix)]
fn open_private(path: &Path) -> std::io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn open_private(path: &Path) -> std::io::Result<fs::File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}
