//! What a git host says about a project beyond its refs: Composer's drivers put it into every version's metadata.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::entry::HostFacts;
use crate::domain::funding::Funding;

/// What stands for the tag, branch or commit in [`ProjectFacts::source_page`].
const REF: &str = "{ref}";

/// What stands for `tag` or `branch` there, at hosts whose pages of the two differ.
const KIND: &str = "{kind}";

/// What stands for the commit there, at hosts whose pages name both.
const COMMIT: &str = "{commit}";

/// The facts of a project. Rows hold it as JSON: never to change in shape without reading the old one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProjectFacts {
    /// The page of its files, with `{ref}` for the tag, branch or commit, and perhaps `{kind}` for `tag` or `branch` and
    /// `{commit}` for the commit that it leads to.
    pub source_page: Option<String>,
    /// The page of its issues, when it has any.
    pub issues_page: Option<String>,
    /// Its website, where the driver of its host tells of one.
    pub homepage: Option<String>,
    /// How to pay for it.
    pub funding: Vec<Funding>,
    /// The commit of the default branch at which that was read: the file is read again when the branch moves.
    pub funding_read_at: Option<String>,
}

impl ProjectFacts {
    /// What is said of a version made of this ref, given in full, at this commit.
    pub fn of_version(&self, git_ref: &str, commit: &str, is_archived: bool) -> HostFacts {
        let label = ["refs/tags/", "refs/heads/"]
            .into_iter()
            .find_map(|start| git_ref.strip_prefix(start))
            .unwrap_or(git_ref);
        let kind = if git_ref.starts_with("refs/tags/") {
            "tag"
        } else {
            "branch"
        };
        HostFacts {
            // The label comes last: it is the one that others choose.
            source_page: self.source_page.as_ref().map(|page| {
                page.replace(KIND, kind)
                    .replace(COMMIT, commit)
                    .replace(REF, label)
            }),
            issues_page: self.issues_page.clone(),
            homepage: self.homepage.clone(),
            funding: (!self.funding.is_empty()).then(|| {
                let funding = self.funding.iter().map(Funding::to_json);
                Value::Array(funding.collect())
            }),
            is_archived,
        }
    }

    /// Whether documents say the same by both.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let said = |facts: &Self| Self {
            funding_read_at: None,
            ..facts.clone()
        };
        said(self) == said(other)
    }
}
