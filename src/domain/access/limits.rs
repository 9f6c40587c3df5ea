//! Which versions of a package somebody sees.

use sha2::{Digest, Sha256};

use super::super::branch::{BranchRole, branch_alias};
use super::super::constraint::Constraint;
use super::super::stability::{Stability, parse_stability};
use super::super::time::parse_rfc3339;
use serde_json::{Map, Value};

/// What is known of a version when access to it is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionFacts {
    /// `1.2.0.0`, `dev-main`.
    pub normalized: String,
    /// The normalized alias that clients give it, of a branch alias or of the default branch.
    pub alias: Option<String>,
    /// Unix second at which this registry first made it installable; of a branch, in this state.
    pub published_at: i64,
}

impl VersionFacts {
    /// Reads them from an entry of a document, not minified. What has no version in it, or no time, is none.
    pub fn of_entry(entry: &Map<String, Value>) -> Option<Self> {
        let text = |key: &str| entry.get(key).and_then(Value::as_str);
        let role = BranchRole::of(entry.get("default-branch") == Some(&Value::Bool(true)));
        Some(Self {
            normalized: text("version_normalized")?.to_owned(),
            alias: alias_of(text("version")?, entry, role),
            published_at: parse_rfc3339(text("published-time")?)?,
        })
    }
}

/// The alias of a version whose manifest could be read; a wrong entry stops the client, so there is nothing to choose.
pub fn alias_of(pretty: &str, manifest: &Map<String, Value>, role: BranchRole) -> Option<String> {
    branch_alias(pretty, manifest, role).ok().flatten()
}

/// What one grant lets through of a package it names. What is none limits nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionLimit {
    /// All of them must take the version, or its alias.
    pub constraints: Vec<Constraint>,
    /// Unix second: what was published at it or before.
    pub released_until: Option<i64>,
    /// Unix second: what was published at it or after.
    pub released_after: Option<i64>,
    /// What is at least as stable.
    pub minimum_stability: Option<Stability>,
    /// Whether the address of the source is shown too.
    pub source: bool,
}

impl Default for VersionLimit {
    fn default() -> Self {
        Self {
            constraints: Vec::new(),
            released_until: None,
            released_after: None,
            minimum_stability: None,
            source: true,
        }
    }
}

impl VersionLimit {
    /// Whether it lets a version through.
    pub fn shows(&self, version: &VersionFacts) -> bool {
        let is_in = |constraint: &Constraint| {
            constraint.matches(&version.normalized)
                || version
                    .alias
                    .as_deref()
                    .is_some_and(|alias| constraint.matches(alias))
        };
        self.constraints.iter().all(is_in)
            && self
                .released_until
                .is_none_or(|until| version.published_at <= until)
            && self
                .released_after
                .is_none_or(|after| version.published_at >= after)
            && self
                .minimum_stability
                .is_none_or(|minimum| parse_stability(&version.normalized) <= minimum)
    }

    /// Why it does not let a version through, in words for a person; none when it does.
    pub fn reason_against(&self, version: &VersionFacts) -> Option<String> {
        use crate::domain::time::rfc3339;
        if self.shows(version) {
            return None;
        }
        let mut reasons = Vec::new();
        for constraint in &self.constraints {
            let one = Self {
                constraints: vec![constraint.clone()],
                ..Self::default()
            };
            if !one.shows(version) {
                reasons.push(format!("it is not in `{}`", constraint.as_str()));
            }
        }
        if let Some(until) = self.released_until
            && version.published_at > until
        {
            reasons.push(format!("it was released after {}", rfc3339(until)));
        }
        if let Some(after) = self.released_after
            && version.published_at < after
        {
            reasons.push(format!("it was released before {}", rfc3339(after)));
        }
        if let Some(minimum) = self.minimum_stability
            && parse_stability(&version.normalized) > minimum
        {
            reasons.push(format!("it is less stable than `{minimum}`"));
        }
        Some(reasons.join(", and "))
    }

    /// What lets through only what both do.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut constraints = self.constraints.clone();
        constraints.extend(other.constraints.iter().cloned());
        Self {
            constraints,
            released_until: lesser(self.released_until, other.released_until),
            released_after: self.released_after.max(other.released_after),
            // The order of stabilities begins with `stable`: the lesser one lets less through.
            minimum_stability: lesser(self.minimum_stability, other.minimum_stability),
            source: self.source && other.source,
        }
    }

    fn limits_versions(&self) -> bool {
        !self.constraints.is_empty()
            || self.released_until.is_some()
            || self.released_after.is_some()
            || self.minimum_stability.is_some()
    }

    /// One spelling for one meaning, as far as can be told without comparing constraints.
    pub(super) fn spelling(&self) -> String {
        let mut constraints: Vec<_> = self.constraints.iter().map(Constraint::as_str).collect();
        constraints.sort_unstable();
        constraints.dedup();
        serde_json::json!([
            constraints,
            self.released_until,
            self.released_after,
            self.minimum_stability,
            self.source
        ])
        .to_string()
    }
}

/// The lesser of two bounds, of which none is no bound.
fn lesser<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Several limits that add up: a version is seen that any of them lets through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    limits: Vec<VersionLimit>,
    spelling: String,
}

impl Limits {
    /// Whether a version is seen.
    pub fn shows(&self, version: &VersionFacts) -> bool {
        self.limits.iter().any(|limit| limit.shows(version))
    }

    /// Whether the address of its source is seen: by a limit that lets the version through.
    pub fn shows_source(&self, version: &VersionFacts) -> bool {
        self.limits
            .iter()
            .any(|limit| limit.source && limit.shows(version))
    }

    /// The same for the same limits, whoever has them and in whichever order they were given.
    pub fn spelling(&self) -> &str {
        &self.spelling
    }

    /// The first eight bytes of the SHA-256 of the spelling: to spread what depends on limits.
    pub fn number(&self) -> u64 {
        Sha256::digest(self.spelling.as_bytes())
            .first_chunk::<8>()
            .map_or(0, |bytes| u64::from_be_bytes(*bytes))
    }
}

/// What somebody sees of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// Nothing: it is as if the package did not exist.
    Nothing,
    /// All versions, with their sources.
    Everything,
    /// The versions that limits let through. That may be none: then it is as if the package did not exist.
    Limited(Limits),
}

impl Sight {
    /// What several grants add up to.
    pub fn of(limits: Vec<VersionLimit>) -> Self {
        if limits.is_empty() {
            return Self::Nothing;
        }
        if limits
            .iter()
            .any(|limit| limit.source && !limit.limits_versions())
        {
            return Self::Everything;
        }
        let mut spelled: Vec<_> = limits
            .into_iter()
            .map(|limit| (limit.spelling(), limit))
            .collect();
        spelled.sort_by(|one, other| one.0.cmp(&other.0));
        spelled.dedup_by(|one, other| one.0 == other.0);
        let (spellings, limits): (Vec<_>, Vec<_>) = spelled.into_iter().unzip();
        Self::Limited(Limits {
            limits,
            spelling: format!("[{}]", spellings.join(",")),
        })
    }

    /// Whether a version is seen.
    pub fn shows(&self, version: &VersionFacts) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Limited(limits) => limits.shows(version),
        }
    }

    /// Whether there may be anything to see.
    pub fn is_something(&self) -> bool {
        *self != Self::Nothing
    }
}
