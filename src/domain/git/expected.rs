//! What the refs of a project would come to, as far as their names tell.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::branch::branch_version;
use crate::domain::policy::PackagePolicy;

use super::{BRANCHES, CurrentRef, TAGS, plan, tag_number};

/// How many versions there would be by the names of refs alone. The composer.json at each commit has the last word: it may
/// be missing or broken, or give another version than its tag.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ExpectedVersions {
    /// Tags that read as a version, one for each version.
    pub tags: usize,
    /// Branches that become a development version.
    pub branches: usize,
    /// Refs that become none: tags that are no version or the same one as another, branches that are not imported.
    pub others: usize,
}

/// Counts what the refs of a project would come to by the settings of its package.
pub fn expect_versions(
    found: &[CurrentRef],
    default_branch: &str,
    policy: &PackagePolicy,
) -> ExpectedVersions {
    let planned = plan(&[], found, default_branch, policy);
    let mut expected = ExpectedVersions::default();
    for import in &planned.imports {
        let is_version = match import.name.strip_prefix(BRANCHES) {
            Some(branch) => branch_version(branch).is_ok(),
            None => {
                import.yields_to.is_none()
                    && tag_number(&import.name, &policy.tag_prefixes).is_some()
            }
        };
        let count = if !is_version {
            &mut expected.others
        } else if import.name.starts_with(TAGS) {
            &mut expected.tags
        } else {
            &mut expected.branches
        };
        *count = count.saturating_add(1);
    }
    expected.others = expected.others.saturating_add(planned.exclusions.len());
    expected
}
