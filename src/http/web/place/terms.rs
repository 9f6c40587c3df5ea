//! What a grant gives, or an item of a collection, in words and as fields of a form.

use serde_json::{Map, Value, json};

use crate::domain::access::{CollectionItem, GrantRecord};
use crate::domain::time::day;
use crate::error::{Error, Result};
use crate::http::web::ask::Asking;
use crate::http::web::field::Field;
use crate::http::web::form::Form;
use crate::http::web::ways::{list_typed, moment_typed};
use crate::store::grant_pages::NamedGrant;

/// What is given. What is none limits nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Terms {
    /// Names and patterns; none where it is a collection.
    pub(super) packages: Vec<String>,
    /// The id and the name of a collection.
    pub(super) collection: Option<(String, String)>,
    /// Slugs; none for all.
    pub(super) repositories: Option<Vec<String>>,
    /// A constraint.
    pub(super) versions: Option<String>,
    /// Unix seconds.
    pub(super) released_until: Option<i64>,
    /// Unix seconds.
    pub(super) released_after: Option<i64>,
    /// As Composer spells it.
    pub(super) minimum_stability: Option<String>,
    /// The address of the source is not shown.
    pub(super) hides_source: bool,
    /// Unix seconds.
    pub(super) expires_at: Option<i64>,
    /// What was released before the end stays.
    pub(super) keeps: bool,
}

fn list(text: Option<&str>) -> Result<Option<Vec<String>>> {
    text.map(|text| serde_json::from_str(text).map_err(Error::internal))
        .transpose()
}

impl Terms {
    /// Of a grant.
    pub(super) fn of(named: &NamedGrant) -> Result<Self> {
        let grant = &named.grant;
        Ok(Self {
            packages: list(grant.packages.as_deref())?.unwrap_or_default(),
            collection: grant
                .collection_id
                .clone()
                .map(|id| (id, named.collection.clone().unwrap_or_default())),
            repositories: list(grant.repositories.as_deref())?,
            versions: grant.versions.clone(),
            released_until: grant.released_until,
            released_after: grant.released_after,
            minimum_stability: grant.minimum_stability.clone(),
            hides_source: grant.source == 0,
            expires_at: grant.expires_at,
            keeps: grant.keeps != 0,
        })
    }

    /// Of a grant as access is decided from it.
    pub(super) fn of_record(record: &GrantRecord) -> Self {
        let of_items = record
            .items
            .iter()
            .flatten()
            .flat_map(|item| &item.packages);
        let packages = record.packages.iter().flatten().chain(of_items);
        Self {
            packages: packages.map(|glob| glob.as_str().to_owned()).collect(),
            collection: None,
            repositories: record.repositories.clone(),
            versions: record.versions.as_ref().map(|one| one.as_str().to_owned()),
            released_until: record.released_until,
            released_after: record.released_after,
            minimum_stability: record.minimum_stability.map(|one| one.as_str().to_owned()),
            hides_source: !record.source,
            expires_at: record.expires_at,
            keeps: record.keeps,
        }
    }

    /// Of an item of a collection.
    pub(super) fn of_item(item: &CollectionItem) -> Self {
        Self {
            packages: item
                .packages
                .iter()
                .map(|glob| glob.as_str().to_owned())
                .collect(),
            versions: item.versions.as_ref().map(|one| one.as_str().to_owned()),
            released_until: item.released_until,
            released_after: item.released_after,
            minimum_stability: item.minimum_stability.map(|one| one.as_str().to_owned()),
            hides_source: !item.source,
            ..Self::default()
        }
    }

    /// What it is about: `acme/*, other/lib`, or a collection.
    pub(super) fn what(&self) -> String {
        const MOST: usize = 5;
        if let Some((_, name)) = &self.collection {
            return format!("the collection {name}");
        }
        let shown: Vec<_> = self
            .packages
            .iter()
            .take(MOST)
            .map(String::as_str)
            .collect();
        let more = self.packages.len().saturating_sub(MOST);
        match more {
            0 => shown.join(", "),
            more => format!("{} and {more} more", shown.join(", ")),
        }
    }

    /// What limits it, each in words.
    pub(super) fn limits(&self) -> Vec<String> {
        let mut limits = Vec::new();
        limits.extend(
            self.versions
                .as_ref()
                .map(|versions| format!("in {versions}")),
        );
        limits.extend(
            self.released_after
                .map(|at| format!("released from {} on", day(at))),
        );
        limits.extend(
            self.released_until
                .map(|at| format!("released until {}", day(at))),
        );
        limits.extend(
            self.minimum_stability
                .as_ref()
                .map(|stability| format!("{stability} or more stable")),
        );
        limits.extend(
            self.repositories
                .as_ref()
                .map(|slugs| format!("from {} alone", slugs.join(", "))),
        );
        if self.hides_source {
            limits.push("without the address of the source".to_owned());
        }
        limits.extend(self.expires_at.map(|at| {
            let after = if self.keeps {
                ", and what there is by then stays"
            } else {
                ""
            };
            format!("until {}{after}", day(at))
        }));
        limits
    }

    /// All of it in a line.
    pub(super) fn words(&self) -> String {
        let mut words = vec![self.what()];
        words.extend(self.limits());
        words.join(", ")
    }

    /// The fields that packages and their limits have.
    pub(super) fn ask<'a>(&self, asking: Asking<'a>) -> Asking<'a> {
        let date = |at: Option<i64>| at.map(day).unwrap_or_default();
        asking
            .part("Which versions")
            .field(
                Field::text("versions", "Versions")
                    .optional()
                    .value(self.versions.clone().unwrap_or_default())
                    .hint("A constraint as in composer.json, such as ^2.0; all without it"),
            )
            .field(
                Field {
                    kind: "date",
                    ..Field::text("released_until", "Updates until")
                }
                .optional()
                .value(date(self.released_until))
                .hint("What was released until the end of this day (UTC)"),
            )
            .field(
                Field {
                    kind: "date",
                    ..Field::text("released_after", "Released from")
                }
                .optional()
                .value(date(self.released_after))
                .hint("Nothing from before this day"),
            )
            .select(
                "minimum_stability",
                "At least as stable as",
                &[
                    ("", "anything"),
                    ("stable", "stable"),
                    ("RC", "RC"),
                    ("beta", "beta"),
                    ("alpha", "alpha"),
                    ("dev", "dev"),
                ],
                self.minimum_stability.as_deref().unwrap_or_default(),
            )
            .tick(
                "source",
                "Show where the source is",
                "Without it nobody is told the address of the git repository",
                !self.hides_source,
            )
    }

    /// The field with the packages.
    pub(super) fn packages_field(&self) -> Field {
        Field::lines("packages", "Packages")
            .value(self.packages.join("\n"))
            .hint("Names or patterns such as acme/*, one a line")
    }
}

/// What was typed into those fields, as the API takes it. `known` is what there is already.
pub(super) fn read_limits(form: &Form, known: &Terms) -> Map<String, Value> {
    let fields = json!({
        "versions": form.optional("versions"),
        "released_until": moment_typed(form.optional("released_until"), known.released_until, true),
        "released_after": moment_typed(form.optional("released_after"), known.released_after, false),
        "minimum_stability": form.optional("minimum_stability"),
        "source": form.is_ticked("source"),
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// The packages that were typed.
pub(super) fn read_packages(form: &Form) -> Value {
    json!(list_typed(form.raw("packages")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_told_in_words() {
        let mut terms = Terms {
            packages: vec!["acme/*".to_owned(), "other/lib".to_owned()],
            ..Terms::default()
        };
        assert_eq!(terms.words(), "acme/*, other/lib");
        terms.versions = Some("^2.0".to_owned());
        terms.released_until = Some(1_800_000_000);
        terms.expires_at = Some(1_800_000_000);
        terms.keeps = true;
        assert_eq!(
            terms.words(),
            "acme/*, other/lib, in ^2.0, released until 2027-01-15, until 2027-01-15, and what there is by then stays"
        );
        terms.collection = Some(("k".to_owned(), "Pro".to_owned()));
        assert_eq!(terms.what(), "the collection Pro");
        terms.collection = None;
        terms.packages = (0..8).map(|at| format!("a/p{at}")).collect();
        assert_eq!(terms.what(), "a/p0, a/p1, a/p2, a/p3, a/p4 and 3 more");
    }
}
