//! What a reconcile has to do: the git refs that were found, held against those that are known.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::tag_version::version_of_tag;

/// How tags are called in full.
pub const TAGS: &str = "refs/tags/";
/// How branches are called in full.
pub const BRANCHES: &str = "refs/heads/";

/// A git ref as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenRef {
    /// Full name: `refs/tags/v1.0.0`.
    pub name: String,
    /// The commit.
    pub commit: String,
    /// Whether it was decided on; one that failed is tried again.
    pub is_settled: bool,
}

/// A git ref as the host has it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentRef {
    /// Full name.
    pub name: String,
    /// The commit, tags peeled.
    pub commit: String,
}

/// A git ref to be taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedImport {
    /// Full name.
    pub name: String,
    /// The commit.
    pub commit: String,
    /// Another tag that reads as the same version and comes first by name; Composer takes the first that is valid.
    pub yields_to: Option<String>,
}

/// What is to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// New and moved refs, those that failed before, and tags that stood back behind one that is gone.
    pub imports: Vec<PlannedImport>,
    /// Refs that are gone.
    pub removals: Vec<String>,
    /// Refs that are as they were.
    pub unchanged: Vec<CurrentRef>,
}

/// Plans a reconcile.
pub fn plan(known: &[SeenRef], found: &[CurrentRef]) -> Plan {
    let known: BTreeMap<&str, &SeenRef> = known
        .iter()
        .map(|seen| (seen.name.as_str(), seen))
        .collect();
    let current: BTreeMap<&str, &CurrentRef> = found
        .iter()
        .map(|current| (current.name.as_str(), current))
        .collect();
    let removals: Vec<String> = known
        .keys()
        .filter(|name| !current.contains_key(*name))
        .map(|name| (*name).to_owned())
        .collect();
    let freed: BTreeSet<String> = removals
        .iter()
        .filter_map(|name| tag_number(name))
        .collect();
    let mut first_of: BTreeMap<String, &str> = BTreeMap::new();
    let mut plan = Plan {
        removals,
        ..Plan::default()
    };
    // Sorted by name, as git sorts refs: the first tag of a number leads.
    for (name, current) in current {
        let number = tag_number(name);
        let leader = number
            .clone()
            .map(|number| *first_of.entry(number).or_insert(name))
            .filter(|leader| *leader != name);
        let is_freed = number.is_some_and(|number| freed.contains(&number));
        let is_unchanged = known
            .get(name)
            .is_some_and(|seen| seen.is_settled && seen.commit == current.commit);
        if is_unchanged && !is_freed {
            plan.unchanged.push(current.clone());
        } else {
            plan.imports.push(PlannedImport {
                name: name.to_owned(),
                commit: current.commit.clone(),
                yields_to: leader.map(str::to_owned),
            });
        }
    }
    plan
}

/// The normalized version that a tag's name alone stands for.
fn tag_number(name: &str) -> Option<String> {
    let tag = name.strip_prefix(TAGS)?;
    version_of_tag(tag, None)
        .ok()
        .map(|version| version.normalized().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(name: &str, commit: &str) -> SeenRef {
        SeenRef {
            name: name.to_owned(),
            commit: commit.to_owned(),
            is_settled: true,
        }
    }

    fn current(name: &str, commit: &str) -> CurrentRef {
        CurrentRef {
            name: name.to_owned(),
            commit: commit.to_owned(),
        }
    }

    fn names(plan: &Plan) -> Vec<&str> {
        plan.imports
            .iter()
            .map(|import| import.name.as_str())
            .collect()
    }

    #[test]
    fn only_what_changed_is_imported() {
        let known = [
            seen("refs/tags/v1", "a"),
            seen("refs/tags/v2", "b"),
            seen("refs/heads/main", "b"),
        ];
        let found = [
            current("refs/tags/v1", "a"),
            current("refs/heads/main", "c"),
            current("refs/tags/v3", "c"),
        ];
        let plan = plan(&known, &found);
        assert_eq!(names(&plan), ["refs/heads/main", "refs/tags/v3"]);
        assert_eq!(plan.removals, ["refs/tags/v2"]);
        assert_eq!(plan.unchanged, [current("refs/tags/v1", "a")]);
    }

    #[test]
    fn what_failed_is_tried_again() {
        let known = [SeenRef {
            is_settled: false,
            ..seen("refs/tags/v1", "a")
        }];
        assert_eq!(
            names(&plan(&known, &[current("refs/tags/v1", "a")])),
            ["refs/tags/v1"]
        );
    }

    #[test]
    fn of_two_tags_for_one_version_the_first_leads() {
        let plan = plan(
            &[],
            &[
                current("refs/tags/v1.0.0", "b"),
                current("refs/tags/1.0.0", "a"),
            ],
        );
        assert_eq!(names(&plan), ["refs/tags/1.0.0", "refs/tags/v1.0.0"]);
        assert_eq!(plan.imports[0].yields_to, None);
        assert_eq!(
            plan.imports[1].yields_to.as_deref(),
            Some("refs/tags/1.0.0")
        );
    }

    #[test]
    fn a_tag_steps_forward_when_its_leader_goes() {
        let known = [seen("refs/tags/1.0.0", "a"), seen("refs/tags/v1.0.0", "b")];
        let plan = plan(&known, &[current("refs/tags/v1.0.0", "b")]);
        assert_eq!(names(&plan), ["refs/tags/v1.0.0"]);
        assert_eq!(plan.removals, ["refs/tags/1.0.0"]);
    }
}
