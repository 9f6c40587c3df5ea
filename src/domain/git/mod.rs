//! What a reconcile has to do: the git refs that were found, held against those that are known.

mod expected;

pub use expected::{ExpectedVersions, expect_versions};

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::policy::{MovedTags, PackagePolicy, TagPrefixes};
use crate::domain::tag_version::version_of_prefixed_tag;

/// How tags are called in full.
pub const TAGS: &str = "refs/tags/";
/// How branches are called in full.
pub const BRANCHES: &str = "refs/heads/";

/// What of a package's settings a ref was refused for, so that a change of them decides anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefRule {
    /// A branch that is not to be imported.
    Transient,
    /// A tag that moved, under a policy that keeps versions where they are.
    Moved,
}

impl RefRule {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Moved => "moved",
        }
    }

    /// As stored; what nobody knows is no rule.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Transient, Self::Moved]
            .into_iter()
            .find(|rule| rule.as_str() == text)
    }
}

/// A git ref as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenRef {
    /// Full name: `refs/tags/v1.0.0`.
    pub name: String,
    /// The commit.
    pub commit: String,
    /// Whether it was decided on; one that failed is tried again.
    pub is_settled: bool,
    /// What it was refused for, if that was a setting of the package.
    pub rule: Option<RefRule>,
    /// The version a tag's name stood for by then ([`tag_number`]), empty for none. None where nobody took a note of it:
    /// Composer's own rule held then.
    pub number: Option<String>,
    /// Why it gave no version.
    pub reason: Option<String>,
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

/// A branch that is not imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exclusion {
    /// Full name.
    pub name: String,
    /// The commit.
    pub commit: String,
    /// Why, for people.
    pub reason: String,
}

/// What is to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// New and moved refs, those that failed before, those that the package's settings decide otherwise now, and tags
    /// that stood back behind one that is gone.
    pub imports: Vec<PlannedImport>,
    /// Branches that are not imported, as far as that is news.
    pub exclusions: Vec<Exclusion>,
    /// Refs that are gone.
    pub removals: Vec<String>,
    /// Refs that are as they were.
    pub unchanged: Vec<CurrentRef>,
}

/// Plans a reconcile by the settings of the package.
pub fn plan(
    known: &[SeenRef],
    found: &[CurrentRef],
    default_branch: &str,
    policy: &PackagePolicy,
) -> Plan {
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
    // Versions that a tag stood for and does no more: another tag may have stood back behind it.
    let freed: BTreeSet<String> = known
        .values()
        .filter_map(|seen| {
            let number = seen.number()?;
            let stays = current.contains_key(seen.name.as_str())
                && tag_number(&seen.name, &policy.tag_prefixes).as_ref() == Some(&number);
            (!stays).then_some(number)
        })
        .collect();
    let mut leaders: BTreeMap<String, Leader<'_>> = BTreeMap::new();
    let mut plan = Plan {
        removals,
        ..Plan::default()
    };
    // Sorted by name, as git sorts refs: the first tag of a number leads.
    for (name, current) in current {
        let seen = known.get(name).copied();
        if let Some(exclusion) = exclude(current, default_branch, policy) {
            if seen.is_some_and(|seen| seen.is_excluded_as(&exclusion)) {
                plan.unchanged.push(current.clone());
            } else {
                plan.exclusions.push(exclusion);
            }
            continue;
        }
        let number = tag_number(name, &policy.tag_prefixes);
        let stays = seen.is_some_and(|seen| {
            seen.is_settled
                && seen.commit == current.commit
                && !seen.is_overruled(number.as_deref(), policy)
        });
        let is_freed = number.as_ref().is_some_and(|number| freed.contains(number));
        let leader = number.map(|number| {
            leaders.entry(number).or_insert(Leader {
                name,
                is_imported: false,
            })
        });
        // What becomes of a tag may decide what becomes of those behind it.
        let follows = leader.as_ref().is_some_and(|leader| leader.is_imported);
        if stays && !is_freed && !follows {
            plan.unchanged.push(current.clone());
            continue;
        }
        let mut yields_to = None;
        if let Some(leader) = leader {
            leader.is_imported = true;
            yields_to = (leader.name != name).then(|| leader.name.to_owned());
        }
        plan.imports.push(PlannedImport {
            name: name.to_owned(),
            commit: current.commit.clone(),
            yields_to,
        });
    }
    plan
}

/// The first tag of a version, and whether one of its tags so far is to be taken in.
struct Leader<'a> {
    name: &'a str,
    is_imported: bool,
}

impl SeenRef {
    /// The version that the name stood for when it was decided on.
    fn number(&self) -> Option<String> {
        match &self.number {
            Some(number) => (!number.is_empty()).then(|| number.clone()),
            None => tag_number(&self.name, &TagPrefixes::of_composer()),
        }
    }

    fn is_excluded_as(&self, exclusion: &Exclusion) -> bool {
        self.rule == Some(RefRule::Transient)
            && self.commit == exclusion.commit
            && self.reason.as_ref() == Some(&exclusion.reason)
    }

    /// Whether the settings decide otherwise now, although the commit is the same.
    fn is_overruled(&self, number: Option<&str>, policy: &PackagePolicy) -> bool {
        match self.rule {
            Some(RefRule::Transient) => return true,
            Some(RefRule::Moved) if policy.moved_tags == MovedTags::Follow => return true,
            Some(RefRule::Moved) | None => {}
        }
        self.name.starts_with(TAGS) && self.number().as_deref() != number
    }
}

/// Why a branch is not imported, if it is not.
fn exclude(
    current: &CurrentRef,
    default_branch: &str,
    policy: &PackagePolicy,
) -> Option<Exclusion> {
    let branch = current.name.strip_prefix(BRANCHES)?;
    let reason = transient_reason(branch, default_branch, policy)?;
    Some(Exclusion {
        name: current.name.clone(),
        commit: current.commit.clone(),
        reason,
    })
}

/// Why a branch is not imported, for people; none for one that is.
pub fn transient_reason(
    branch: &str,
    default_branch: &str,
    policy: &PackagePolicy,
) -> Option<String> {
    let pattern = policy.transient_pattern(branch, default_branch)?.as_str();
    Some(format!(
        "branches like `{pattern}` are not imported; to have this one, take the pattern out of the package's \
         `transient_branches`"
    ))
}

/// The normalized version that a tag's name alone stands for; none for other tags and for branches.
pub fn tag_number(name: &str, prefixes: &TagPrefixes) -> Option<String> {
    let tag = name.strip_prefix(TAGS)?;
    version_of_prefixed_tag(tag, None, prefixes)
        .ok()
        .map(|version| version.normalized().to_owned())
}

#[cfg(test)]
mod tests;
