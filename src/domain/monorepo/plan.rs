//! Which refs of a git repository with many packages are to be looked at.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::git::{BRANCHES, CurrentRef, Exclusion, RefRule, SeenRef, transient_reason};
use crate::domain::policy::PackagePolicy;

/// What is to be done.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LookPlan {
    /// Refs that are new, moved, failed before, or at a commit that was not looked at.
    pub looks: Vec<CurrentRef>,
    /// Branches that no package wants, as far as that is news.
    pub exclusions: Vec<Exclusion>,
    /// Refs that are gone.
    pub removals: Vec<String>,
    /// Refs that are as they were.
    pub unchanged: Vec<CurrentRef>,
}

/// Holds the refs that were found against what is known. `looked` has the commits that were looked at. A branch is left
/// out when the settings of all packages leave it out.
pub fn plan_looks(
    known: &[SeenRef],
    found: &[CurrentRef],
    looked: &BTreeSet<String>,
    default_branch: &str,
    policies: &[PackagePolicy],
) -> LookPlan {
    let known: BTreeMap<&str, &SeenRef> = known
        .iter()
        .map(|seen| (seen.name.as_str(), seen))
        .collect();
    let there: BTreeSet<&str> = found.iter().map(|current| current.name.as_str()).collect();
    let mut plan = LookPlan {
        removals: known
            .keys()
            .filter(|name| !there.contains(*name))
            .map(|name| (*name).to_owned())
            .collect(),
        ..LookPlan::default()
    };
    for current in found {
        let seen = known.get(current.name.as_str());
        let is_transient = seen.is_some_and(|seen| seen.rule == Some(RefRule::Transient));
        let is_same = seen.is_some_and(|seen| seen.commit == current.commit);
        if let Some(reason) = reason_to_leave_out(current, default_branch, policies) {
            let is_known = seen.is_some_and(|seen| seen.reason.as_ref() == Some(&reason));
            if is_transient && is_same && is_known {
                plan.unchanged.push(current.clone());
            } else {
                plan.exclusions.push(Exclusion {
                    name: current.name.clone(),
                    commit: current.commit.clone(),
                    reason,
                });
            }
            continue;
        }
        let is_settled = seen.is_some_and(|seen| seen.is_settled);
        if is_settled && is_same && !is_transient && looked.contains(&current.commit) {
            plan.unchanged.push(current.clone());
        } else {
            plan.looks.push(current.clone());
        }
    }
    plan
}

fn reason_to_leave_out(
    current: &CurrentRef,
    default_branch: &str,
    policies: &[PackagePolicy],
) -> Option<String> {
    let branch = current.name.strip_prefix(BRANCHES)?;
    let mut reasons = policies
        .iter()
        .map(|policy| transient_reason(branch, default_branch, policy));
    let first = reasons.next()??;
    reasons.all(|reason| reason.is_some()).then_some(first)
}
