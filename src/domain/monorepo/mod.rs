//! One git repository that holds many packages, each in a folder of its own.
//!
//! What a commit holds is a fact: the folders with a composer.json, and a digest of each. What of it becomes a version
//! follows from the facts of all refs together and is decided anew whenever one of them changes; so the outcome does
//! not depend on the order in which refs are looked at.

mod decide;
mod digest;
mod patterns;
mod plan;
mod unchanged;

use deserr::Deserr;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::manifest::Manifest;

pub use decide::{
    DELETED, KnownDeleted, KnownPackage, KnownVersion, Outcome, Question, Verdict, decide,
};
pub use digest::{FolderDigest, list_members};
pub use patterns::{FolderPatterns, InvalidFolders};
pub use plan::{LookPlan, plan_looks};

/// The most folders of one commit that are packages: each costs some rows and an archive for each version.
pub const MOST_FOLDERS: usize = 200;

/// The longest path of a folder: it is part of a key in the blob store, which has 1,024 bytes.
pub const LONGEST_FOLDER: usize = 512;

/// The top of the git repository, as a folder.
pub const ROOT: &str = ".";

/// Of which packages a tag is a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Deserr, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[deserr(rename_all = lowercase)]
pub enum FolderVersions {
    /// Of those whose folder is another than in the tag before.
    Changed,
    /// Of all that are there.
    All,
}

impl FolderVersions {
    /// As stored and as the API has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::All => "all",
        }
    }

    /// Reads it; none for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Changed, Self::All]
            .into_iter()
            .find(|versions| versions.as_str() == text)
    }
}

/// A folder with a composer.json, as it is at one commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFolder {
    /// `packages/a`, or [`ROOT`].
    pub path: String,
    /// The package's name, in lower case; none where composer.json has none that is valid.
    pub name: Option<String>,
    /// What it holds, in 64 hex digits: equal for equal paths, modes and contents below it.
    pub digest: String,
    /// What composer.json says that decides about versions.
    pub facts: ManifestFacts,
}

/// What a composer.json says that decides about versions. Rows hold it as JSON: never to change in shape without reading
/// the old one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ManifestFacts {
    /// Why no version can be made of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Its `version`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whether a link stands for its own version, so that this has to be one that can be required.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub links_itself: bool,
    /// Its `extra.branch-alias`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch_alias: Option<Value>,
}

impl ManifestFacts {
    /// No version can be made of it, for this reason.
    pub fn refused(fault: String) -> Self {
        Self {
            fault: Some(fault),
            ..Self::default()
        }
    }

    /// Reads them out of a manifest.
    pub fn of(manifest: &Manifest) -> Self {
        let version = match manifest.version() {
            Ok(version) => version,
            Err(fault) => return Self::refused(fault.to_string()),
        };
        let extra = manifest.fields().get("extra");
        Self {
            fault: None,
            version,
            links_itself: manifest.links_itself(),
            branch_alias: extra.and_then(|extra| extra.get("branch-alias")).cloned(),
        }
    }

    /// As much of a manifest as a branch's version depends on.
    pub(super) fn for_branch(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        if let Some(alias) = &self.branch_alias {
            let extra = Map::from_iter([("branch-alias".to_owned(), alias.clone())]);
            fields.insert("extra".to_owned(), extra.into());
        }
        fields
    }
}

#[cfg(test)]
mod tests;
