//! Grants as they are kept, and the rules they come to.

use serde::{Deserialize, Deserializer, Serialize};

use super::super::constraint::Constraint;
use super::super::name::{NameGlob, PackageName};
use super::super::stability::Stability;
use super::{Place, VersionLimit};

/// One thing that a collection names, with limits of its own. What is none limits nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionItem {
    /// Names or patterns.
    pub packages: Vec<NameGlob>,
    /// A constraint on versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub versions: Option<Constraint>,
    /// Unix second: what was released at it or before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released_until: Option<i64>,
    /// Unix second: what was released at it or after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released_after: Option<i64>,
    /// What is at least as stable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_stability: Option<Stability>,
    /// Whether the address of the source is shown.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub source: bool,
}

fn yes() -> bool {
    true
}

// The signature is serde's.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_yes(value: &bool) -> bool {
    *value
}

impl CollectionItem {
    fn limit(&self) -> VersionLimit {
        VersionLimit {
            constraints: self.versions.clone().into_iter().collect(),
            released_until: self.released_until,
            released_after: self.released_after,
            minimum_stability: self.minimum_stability,
            source: self.source,
        }
    }
}

/// A grant as it is kept, with the collection it names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct GrantRecord {
    /// Its id.
    pub id: String,
    /// The organisation that gives.
    pub organisation_id: i64,
    /// Names or patterns; none when it is about a collection.
    pub packages: Option<Vec<NameGlob>>,
    /// What the collection names; none when it is about packages.
    pub items: Option<Vec<CollectionItem>>,
    /// The repositories in which it holds, by slug; none for all.
    pub repositories: Option<Vec<String>>,
    /// A constraint on versions.
    pub versions: Option<Constraint>,
    /// Unix second: what was released at it or before.
    pub released_until: Option<i64>,
    /// Unix second: what was released at it or after.
    pub released_after: Option<i64>,
    /// What is at least as stable.
    pub minimum_stability: Option<Stability>,
    /// Whether the address of the source is shown.
    #[serde(deserialize_with = "flag")]
    pub source: bool,
    /// Unix second from which on it ends.
    pub expires_at: Option<i64>,
    /// Whether what was released before it ended stays, or all of it goes.
    #[serde(deserialize_with = "flag")]
    pub keeps: bool,
}

/// SQLite has no truth values.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    i64::deserialize(deserializer).map(|number| number != 0)
}

/// What a grant comes to at a moment: these packages, in these repositories, so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The grant it comes from, to explain what was decided.
    pub grant: String,
    /// The organisation that gives.
    pub organisation: i64,
    /// The repositories, by slug; none for all.
    pub repositories: Option<Vec<String>>,
    /// Names or patterns.
    pub packages: Vec<NameGlob>,
    /// Which versions.
    pub limit: VersionLimit,
}

impl Rule {
    /// Whether it holds in a place.
    pub fn reaches(&self, place: Place<'_>) -> bool {
        self.organisation == place.organisation
            && self
                .repositories
                .as_ref()
                .is_none_or(|slugs| slugs.iter().any(|slug| slug == place.repository))
    }

    /// Whether it is about a package.
    pub fn names(&self, package: &PackageName) -> bool {
        self.packages.iter().any(|glob| glob.matches(package))
    }

    /// The same for rules that let the same through in the same place.
    pub(super) fn spelling(&self) -> String {
        let mut packages: Vec<_> = self.packages.iter().map(NameGlob::as_str).collect();
        packages.sort_unstable();
        packages.dedup();
        format!("{} {}", packages.join(","), self.limit.spelling())
    }
}

/// The rules that grants come to. `ended_at` is when the time of their subject was over, if it is: then only those that
/// keep something still hold.
pub fn resolve_grants(grants: &[GrantRecord], now: i64, ended_at: Option<i64>) -> Vec<Rule> {
    grants
        .iter()
        .filter_map(|grant| {
            let own_end = grant.expires_at.filter(|end| now >= *end);
            if (own_end.is_some() || ended_at.is_some()) && !grant.keeps {
                return None;
            }
            let limit = VersionLimit {
                constraints: grant.versions.clone().into_iter().collect(),
                released_until: grant.released_until,
                released_after: grant.released_after,
                minimum_stability: grant.minimum_stability,
                source: grant.source,
            };
            let limit = match own_end {
                None => limit,
                Some(end) => limit.and(&VersionLimit {
                    released_until: Some(end),
                    ..VersionLimit::default()
                }),
            };
            Some((grant, limit))
        })
        .flat_map(|(grant, limit)| {
            let rule = |packages: &[NameGlob], limit| Rule {
                grant: grant.id.clone(),
                organisation: grant.organisation_id,
                repositories: grant.repositories.clone(),
                packages: packages.to_vec(),
                limit,
            };
            let of_items = grant.items.iter().flatten();
            let mut rules: Vec<Rule> = of_items
                .map(|item| rule(&item.packages, limit.and(&item.limit())))
                .collect();
            if let Some(packages) = &grant.packages {
                rules.push(rule(packages, limit));
            }
            rules
        })
        .collect()
}
