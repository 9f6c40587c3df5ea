//! What access by versions is decided from: of the versions that there are, and of every archive that was ever served.

use std::rc::Rc;

use serde_json::{Map, Value, json};

use crate::app::App;
use crate::domain::access::{VersionFacts, alias_of};
use crate::domain::branch::BranchRole;
use crate::domain::name::PackageName;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{Row, row, rows_as};

/// How long the versions of a reference are remembered, in seconds: another branch or tag may come to stand for it.
const REMEMBERED: i64 = 60;
/// So many packages are asked about in one statement.
const PACKAGES_AT_ONCE: usize = 500;

row! {
    /// A version as the database has it.
    pub(super) struct FactsRow {
        name: String,
        pretty: String,
        normalized: String,
        published_at: i64,
        is_default_branch: i64,
        /// JSON: extra.branch-alias.
        branch_alias: Option<String>,
    }
}

impl FactsRow {
    /// The version as Composer shows it.
    pub(super) fn pretty(&self) -> &str {
        &self.pretty
    }

    /// What access to it is decided from.
    pub(super) fn facts(self) -> VersionFacts {
        let role = BranchRole::of(self.is_default_branch != 0);
        let aliases = self
            .branch_alias
            .and_then(|text| serde_json::from_str::<Value>(&text).ok());
        let manifest: Map<String, Value> = aliases
            .map(|aliases| ("extra".to_owned(), json!({ "branch-alias": aliases })))
            .into_iter()
            .collect();
        VersionFacts {
            alias: alias_of(&self.pretty, &manifest, role),
            normalized: self.normalized,
            published_at: self.published_at,
        }
    }
}

/// The versions in the metadata of these packages of an organisation, in no order.
pub async fn list_version_facts(
    app: &App,
    organisation: i64,
    names: &[PackageName],
) -> Result<Vec<(PackageName, VersionFacts)>> {
    let mut found = Vec::new();
    for names in in_parts(names) {
        let names = serde_json::to_string(names).map_err(Error::internal)?;
        let rows = app
            .db
            .read_nearby(vec![
                Statement::new(
                    "select p.name, v.pretty, v.normalized, v.published_at, v.is_default_branch,
                            json_extract(v.manifest, '$.extra.\"branch-alias\"') as branch_alias
                     from packages p join versions v on v.package_id = p.id
                     where p.organisation_id = ?1 and p.name in (select value from json_each(?2))
                       and v.removed_at is null and v.yanked_at is null
                     union all
                     select p.name, v.pretty, v.normalized, v.published_at, 0,
                            json_extract(v.definition, '$.extra.\"branch-alias\"')
                     from packages p join defined_versions v on v.package_id = p.id
                     where p.organisation_id = ?1 and p.name in (select value from json_each(?2))
                       and v.removed_at is null and v.yanked_at is null",
                )
                .bind(organisation)
                .bind(names),
            ])
            .await?;
        read_named_facts(rows, &mut found)?;
    }
    Ok(found)
}

/// The versions that these packages of an organisation ever had, each state of a branch for itself, in no order: whoever
/// sees the past sees some of these and no others.
pub async fn list_past_version_facts(
    app: &App,
    organisation: i64,
    names: &[PackageName],
) -> Result<Vec<(PackageName, VersionFacts)>> {
    let mut found = Vec::new();
    for names in in_parts(names) {
        let names = serde_json::to_string(names).map_err(Error::internal)?;
        let rows = app
            .db
            .read_nearby(vec![
                Statement::new(
                    "select p.name, v.pretty, v.normalized, v.published_at, v.is_default_branch, v.branch_alias
                     from packages p join version_references v on v.package_id = p.id
                     where p.organisation_id = ?1 and p.name in (select value from json_each(?2))
                     union all
                     select p.name, v.pretty, v.normalized, v.published_at, 0,
                            json_extract(v.definition, '$.extra.\"branch-alias\"')
                     from packages p join defined_versions v on v.package_id = p.id
                     where p.organisation_id = ?1 and p.name in (select value from json_each(?2))
                       and v.reference is null",
                )
                .bind(organisation)
                .bind(names),
            ])
            .await?;
        read_named_facts(rows, &mut found)?;
    }
    Ok(found)
}

/// Names as they go into statements, into one at least: that none is asked about is told by no call.
fn in_parts(names: &[PackageName]) -> impl Iterator<Item = &[PackageName]> {
    let mut parts = names.chunks(PACKAGES_AT_ONCE);
    let first = parts.next().unwrap_or_default();
    std::iter::once(first).chain(parts)
}

fn read_named_facts(
    rows: Vec<Vec<Row>>,
    found: &mut Vec<(PackageName, VersionFacts)>,
) -> Result<()> {
    for row in rows_as::<FactsRow>(rows.into_iter().next().unwrap_or_default())? {
        if let Ok(name) = PackageName::parse(&row.name) {
            found.push((name, row.facts()));
        }
    }
    Ok(())
}

/// Whether a version that an archive was ever served for, in a repository, is one that somebody sees.
///
/// Versions are remembered for a minute, for those alone who see one of them. Whoever sees none costs one read, as an
/// archive that does not exist does, so that the time it takes tells nothing.
pub async fn is_any_version_seen(
    app: &App,
    repository: i64,
    name: &PackageName,
    reference: &str,
    is_seen: impl Fn(&VersionFacts) -> bool,
) -> Result<bool> {
    let key = format!("{repository}:{name}:{reference}");
    let known = app.memo.references.recall(&key, app.now(), REMEMBERED);
    if known.is_some_and(|versions| versions.iter().any(&is_seen)) {
        return Ok(true);
    }
    let rows = app
        .db
        .read_nearby(vec![
            Statement::new(
                "select p.name, v.pretty, v.normalized, v.published_at, v.is_default_branch, v.branch_alias
                 from packages p
                 join repository_packages m on m.package_id = p.id and m.repository_id = ?1
                 join repositories r on r.id = m.repository_id and r.organisation_id = p.organisation_id
                 join version_references v on v.package_id = p.id and v.reference = ?3
                 where p.name = ?2",
            )
            .bind(repository)
            .bind(name.as_str())
            .bind(reference),
        ])
        .await?;
    let facts: Rc<[VersionFacts]> =
        rows_as::<FactsRow>(rows.into_iter().next().unwrap_or_default())?
            .into_iter()
            .map(FactsRow::facts)
            .collect();
    let is_any_seen = facts.iter().any(is_seen);
    if is_any_seen {
        app.memo.references.remember(&key, facts, app.now());
    }
    Ok(is_any_seen)
}
