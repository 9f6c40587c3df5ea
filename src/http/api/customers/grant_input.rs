//! Grants as they come in, one or many: read by field, and held against what the organisation has.

use std::collections::{BTreeMap, BTreeSet};

use deserr::Deserr;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::domain::access::{CollectionItem, GrantRecord, Subject};
use crate::domain::constraint::Constraint;
use crate::domain::name::NameGlob;
use crate::domain::stability::Stability;
use crate::error::{Error, FieldFault, Result};
use crate::http::api::customers::input::{
    bad, lay_over, read_external_id, read_notes, read_time, refuse,
};
use crate::http::api::shown::Time;
use crate::http::body::{BadValue, Faults};
use crate::store::collections::known_collections;
use crate::store::grants::Grant;
use crate::store::organisations::Organisation;
use crate::store::repositories::list_repositories;
use crate::store::subjects::{NamedSubject, find_subjects};

/// Each is looked at with each request of whoever has the grant; a longer list is a collection.
pub(super) const MOST_PATTERNS: usize = 100;

/// A grant, as it is to be.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "NewGrant")]
pub(crate) struct GrantInput {
    /// What the shop calls it, once in the organisation.
    #[deserr(default, try_from(Option<String>) = read_external_id -> BadValue)]
    external_id: Option<String>,
    /// Whom it is for.
    #[deserr(default)]
    subject: Option<SubjectInput>,
    /// Names or patterns such as `acme/*`.
    #[deserr(default)]
    packages: Option<Vec<NameGlob>>,
    /// The id of a collection, in place of `packages`.
    #[deserr(default)]
    collection: Option<String>,
    /// Slugs of the repositories in which it holds; all without it.
    #[deserr(default)]
    repositories: Option<Vec<String>>,
    /// A constraint as in composer.json.
    #[deserr(default, try_from(Option<String>) = read_constraint -> BadValue)]
    #[schemars(with = "Option<String>")]
    versions: Option<Constraint>,
    /// What was released until then.
    #[deserr(default, try_from(Option<String>) = read_time -> BadValue)]
    #[schemars(with = "Option<String>")]
    released_until: Option<i64>,
    /// What was released from then on.
    #[deserr(default, try_from(Option<String>) = read_time -> BadValue)]
    #[schemars(with = "Option<String>")]
    released_after: Option<i64>,
    /// What is at least as stable.
    #[deserr(default, try_from(Option<String>) = read_stability -> BadValue)]
    #[schemars(with = "Option<String>")]
    minimum_stability: Option<Stability>,
    /// Whether the address of the source is shown; it is without it.
    #[deserr(default)]
    source: Option<bool>,
    /// When it ends; never without it.
    #[deserr(default, try_from(Option<String>) = read_time -> BadValue)]
    #[schemars(with = "Option<String>")]
    expires_at: Option<i64>,
    /// Whether what was released before its end stays.
    #[deserr(default)]
    keeps: Option<bool>,
    /// For people.
    #[deserr(default, try_from(Option<String>) = read_notes -> BadValue)]
    note: Option<String>,
}

/// Whom a grant is for: one of these.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "Subject")]
pub(crate) struct SubjectInput {
    /// A customer's id.
    #[deserr(default)]
    customer: Option<String>,
    /// What the shop calls a customer.
    #[deserr(default)]
    customer_external_id: Option<String>,
    /// A team's id.
    #[deserr(default)]
    team: Option<String>,
    /// A token's id.
    #[deserr(default)]
    token: Option<String>,
    /// A sub-organisation's slug.
    #[deserr(default)]
    organisation: Option<String>,
}

impl SubjectInput {
    fn named(self) -> Option<NamedSubject> {
        let given = [
            self.customer.map(NamedSubject::Customer),
            self.customer_external_id
                .map(NamedSubject::CustomerByExternalId),
            self.team.map(NamedSubject::Team),
            self.token.map(NamedSubject::Token),
            self.organisation.map(NamedSubject::Organisation),
        ];
        let mut given = given.into_iter().flatten();
        given.next().filter(|_| given.next().is_none())
    }
}

pub(super) fn read_constraint(text: Option<String>) -> Result<Option<Constraint>, BadValue> {
    text.map(|text| {
        Constraint::parse(&text).map_err(|error| {
            BadValue::new(format!(
                "{error}; write a constraint such as `^2.0 || ^3.0`"
            ))
        })
    })
    .transpose()
}

pub(super) fn read_stability(text: Option<String>) -> Result<Option<Stability>, BadValue> {
    text.map(|text| Stability::parse(&text).map_err(|error| BadValue::new(error.to_string())))
        .transpose()
}

/// A grant as it came, each field by itself.
pub(super) struct ReadGrant {
    input: GrantInput,
    /// Whom a known grant is for; that does not change.
    known: Option<Grant>,
    named: Option<NamedSubject>,
}

/// Reads a grant, or a change of a known one. `packages` and `collection` take each other's place.
pub(super) fn read_grant(
    known: Option<Grant>,
    mut change: Map<String, Value>,
) -> Result<ReadGrant> {
    let mut current = known
        .as_ref()
        .map(as_input)
        .transpose()?
        .unwrap_or_default();
    for (given, other) in [("packages", "collection"), ("collection", "packages")] {
        if change.get(given).is_some_and(|value| !value.is_null()) {
            current.remove(other);
        }
    }
    if change.get("subject").is_some_and(Value::is_null) {
        change.remove("subject");
    }
    let mut input: GrantInput = Faults::read(lay_over(current, change))?;
    let mut faults = Vec::new();
    let is_given = input.subject.is_some();
    let named = input.subject.take().and_then(SubjectInput::named);
    if named.is_none() && (is_given || known.is_none()) {
        faults.push(bad(
            "/subject",
            "`subject` must name one of `customer`, `customer_external_id`, `team`, `token` and `organisation`, as in \
             `{\"customer\": \"…\"}`",
        ));
    }
    match (&input.packages, &input.collection) {
        (Some(packages), None) if packages.is_empty() || packages.len() > MOST_PATTERNS => {
            faults.push(bad(
                "/packages",
                format!("`packages` must name 1 to {MOST_PATTERNS} packages or patterns; a collection may have more"),
            ));
        }
        (Some(_), Some(_)) => faults.push(bad(
            "/collection",
            "A grant is of `packages` or of a `collection`, not of both",
        )),
        (None, None) => faults.push(bad(
            "/packages",
            "A grant needs `packages` such as `[\"acme/*\"]`, or a `collection`",
        )),
        _ => {}
    }
    if let (Some(after), Some(until)) = (input.released_after, input.released_until)
        && after > until
    {
        faults.push(bad(
            "/released_after",
            "`released_after` is later than `released_until`: nothing would be seen",
        ));
    }
    refuse(faults)?;
    Ok(ReadGrant {
        input,
        known,
        named,
    })
}

/// Holds grants against what the organisation has, with three questions to the database however many they are.
pub(super) async fn check_grants(
    app: &App,
    organisation: &Organisation,
    read: Vec<ReadGrant>,
) -> Result<Vec<Result<Grant>>> {
    let named: BTreeSet<_> = read.iter().filter_map(|one| one.named.clone()).collect();
    let named: Vec<_> = named.into_iter().collect();
    let subjects = find_subjects(app, organisation.id, &named).await?;
    let collections: BTreeSet<_> = read
        .iter()
        .filter_map(|one| one.input.collection.as_deref())
        .collect();
    let collections: BTreeSet<String> = if collections.is_empty() {
        BTreeSet::new()
    } else {
        let known = known_collections(app, organisation.id, collections.into_iter()).await?;
        known.into_iter().collect()
    };
    let repositories: BTreeSet<String> = if read.iter().any(|one| one.input.repositories.is_some())
    {
        let known = list_repositories(app, organisation.id).await?;
        known.into_iter().map(|one| one.slug).collect()
    } else {
        BTreeSet::new()
    };
    read.into_iter()
        .map(|one| {
            let id = match &one.known {
                Some(known) => known.id.clone(),
                None => app.random_id()?,
            };
            Ok(check_grant(
                one,
                id,
                app.now(),
                &subjects,
                &collections,
                &repositories,
            ))
        })
        .collect()
}

fn check_grant(
    read: ReadGrant,
    id: String,
    now: i64,
    subjects: &BTreeMap<NamedSubject, (Subject, bool)>,
    collections: &BTreeSet<String>,
    repositories: &BTreeSet<String>,
) -> Result<Grant> {
    let ReadGrant {
        input,
        known,
        named,
    } = read;
    let mut faults = Vec::new();
    let subject = match &named {
        None => known.as_ref().map(|known| known.subject.clone()),
        Some(named) => match subjects.get(named) {
            Some((subject, true)) => Some(subject.to_text()),
            found => {
                faults.push(refuse_subject(named, found.is_some()));
                None
            }
        },
    };
    if let (Some(known), Some(subject)) = (&known, &subject)
        && known.subject != *subject
    {
        faults.push(bad(
            "/subject",
            "A grant stays with whom it is for: make another one, and take this one back",
        ));
    }
    if let Some(collection) = &input.collection
        && !collections.contains(collection)
    {
        faults.push(bad(
            "/collection",
            "`collection` is the id of no collection of this organisation",
        ));
    }
    for (index, slug) in input.repositories.iter().flatten().enumerate() {
        if !repositories.contains(slug) {
            faults.push(bad(
                &format!("/repositories/{index}"),
                format!("`repositories` names `{slug}`, which this organisation does not have"),
            ));
        }
    }
    if input.repositories.as_ref().is_some_and(Vec::is_empty) {
        faults.push(bad(
            "/repositories",
            "`repositories` must name at least one; leave it out for all",
        ));
    }
    refuse(faults)?;
    let text = |list: Value| list.to_string();
    Ok(Grant {
        id,
        external_id: input.external_id,
        subject: subject.unwrap_or_default(),
        organisation: None,
        packages: input.packages.map(|packages| text(json!(packages))),
        collection_id: input.collection,
        repositories: input.repositories.map(|slugs| text(json!(slugs))),
        versions: input.versions.map(|versions| versions.as_str().to_owned()),
        released_until: input.released_until,
        released_after: input.released_after,
        minimum_stability: input
            .minimum_stability
            .map(|stability| stability.as_str().to_owned()),
        source: i64::from(input.source.unwrap_or(true)),
        expires_at: input.expires_at,
        keeps: i64::from(input.keeps.unwrap_or(false)),
        note: input.note,
        created_at: known.as_ref().map_or(now, |known| known.created_at),
        changed_at: known.as_ref().map_or(now, |known| known.changed_at),
    })
}

fn refuse_subject(named: &NamedSubject, exists: bool) -> FieldFault {
    let (field, what) = match named {
        NamedSubject::Token(_) if exists => {
            return bad(
                "/subject/token",
                "This token sees all that its own limits leave, so that a grant would add nothing: make one with \
                 `only_granted`, which sees nothing but grants",
            );
        }
        NamedSubject::Customer(_) => ("/subject/customer", "customer of this organisation"),
        NamedSubject::CustomerByExternalId(_) => (
            "/subject/customer_external_id",
            "customer of this organisation by that `external_id`",
        ),
        NamedSubject::Team(_) => ("/subject/team", "team of this organisation"),
        NamedSubject::Token(_) => ("/subject/token", "token in force of this organisation"),
        NamedSubject::Organisation(_) => ("/subject/organisation", "organisation below this one"),
    };
    bad(field, format!("There is no such {what}"))
}

/// A grant.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Grant")]
pub(crate) struct Shown {
    id: String,
    subject: ShownSubject,
    /// What the shop calls it.
    external_id: Option<String>,
    /// Names and patterns, unless it is of a collection.
    packages: Option<Vec<String>>,
    /// A collection's id.
    collection: Option<String>,
    /// Slugs; null for all.
    repositories: Option<Vec<String>>,
    versions: Option<String>,
    released_until: Option<Time>,
    released_after: Option<Time>,
    minimum_stability: Option<String>,
    source: bool,
    expires_at: Option<Time>,
    keeps: bool,
    note: Option<String>,
    created_at: Time,
    changed_at: Time,
}

/// Whom a grant is for: one of these is there.
#[derive(Default, Serialize, JsonSchema)]
#[schemars(rename = "GrantSubject")]
struct ShownSubject {
    /// A customer's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<String>,
    /// A team's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    team: Option<String>,
    /// A token's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// A sub-organisation's slug; null when it is unknown here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[expect(clippy::option_option, reason = "absent and null say two things")]
    organisation: Option<Option<String>>,
}

/// A grant as the API takes it, but for its subject.
fn as_input(grant: &Grant) -> Result<Map<String, Value>> {
    let Value::Object(mut fields) = json!(show(grant)?) else {
        return Ok(Map::new());
    };
    for name in ["id", "subject", "created_at", "changed_at"] {
        fields.remove(name);
    }
    Ok(fields)
}

fn list(text: Option<&str>) -> Result<Option<Vec<String>>> {
    text.map(|text| serde_json::from_str(text).map_err(Error::internal))
        .transpose()
}

/// As the API shows it.
pub(super) fn show(grant: &Grant) -> Result<Shown> {
    let mut subject = ShownSubject::default();
    match grant.subject.split_once(':') {
        Some(("organisation", _)) => subject.organisation = Some(grant.organisation.clone()),
        Some(("customer", id)) => subject.customer = Some(id.to_owned()),
        Some(("team", id)) => subject.team = Some(id.to_owned()),
        Some(("token", id)) => subject.token = Some(id.to_owned()),
        _ => return Err(Error::internal("a grant is for nobody known")),
    }
    Ok(Shown {
        id: grant.id.clone(),
        subject,
        external_id: grant.external_id.clone(),
        packages: list(grant.packages.as_deref())?,
        collection: grant.collection_id.clone(),
        repositories: list(grant.repositories.as_deref())?,
        versions: grant.versions.clone(),
        released_until: grant.released_until.map(Time::of),
        released_after: grant.released_after.map(Time::of),
        minimum_stability: grant.minimum_stability.clone(),
        source: grant.source != 0,
        expires_at: grant.expires_at.map(Time::of),
        keeps: grant.keeps != 0,
        note: grant.note.clone(),
        created_at: Time::of(grant.created_at),
        changed_at: Time::of(grant.changed_at),
    })
}

/// The grant as access is decided from it.
pub(super) fn as_record(
    grant: &Grant,
    organisation: i64,
    items: Option<&[CollectionItem]>,
) -> Result<GrantRecord> {
    let record = json!({
        "id": grant.id,
        "organisation_id": organisation,
        "packages": list(grant.packages.as_deref())?,
        "items": items,
        "repositories": list(grant.repositories.as_deref())?,
        "versions": grant.versions,
        "released_until": grant.released_until,
        "released_after": grant.released_after,
        "minimum_stability": grant.minimum_stability,
        "source": grant.source,
        "expires_at": grant.expires_at,
        "keeps": grant.keeps,
    });
    serde_json::from_value(record).map_err(Error::internal)
}
