//! What is changed of an organisation: by its owners, and what the owner of the instance alone may say.

use deserr::Deserr;
use schemars::JsonSchema;

use super::{show, show_organisation};
use crate::app::App;
use crate::domain::access::Principal;
use crate::error::{Error, ErrorKind, Result};
use crate::http::api::conditions::Conditions;
use crate::http::api::is_owner;
use crate::http::body::{BadValue, Change, Faults};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::jobs::{Job, enqueue};
use crate::store::organisations::{self as store, Organisation, load_organisation};
use crate::store::suspensions::list_queued;

/// Names are for people, and stand on one line.
const NAME_LIMIT: usize = 200;
/// Composer prints them to a terminal.
const TEXT_LIMIT: usize = 500;
/// What a column holds for certain, however it is bound: 2^53.
const MOST: i64 = 1 << 53;

/// What is to change of an organisation; what is absent stays.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "OrganisationChange")]
pub(crate) struct OrganisationChange {
    /// Its name for people.
    #[deserr(default, try_from(Option<String>) = read_name -> BadValue)]
    #[schemars(length(min = 1, max = 200))]
    name: Option<String>,
    /// Whom to ask, as people whose access ends are told; null takes it away.
    #[deserr(default)]
    #[schemars(with = "Option<String>", length(max = 500))]
    contact: Change<Line>,
    /// Whether whoever manages the organisation above it manages it as well.
    #[deserr(default)]
    managed_by_parent: Option<bool>,
    /// `active` or `suspended`; for the owner of the instance.
    #[deserr(default)]
    state: Option<State>,
    /// Why it is suspended, as whoever asks is told; with `"state": "suspended"`.
    #[deserr(default)]
    #[schemars(with = "Option<String>", length(max = 500))]
    reason: Change<Line>,
    /// What it may use, with those below it; for the owner of the instance.
    #[deserr(default)]
    quotas: Option<QuotasChange>,
}

/// What is to change of quotas; null takes a limit away.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "QuotasChange")]
pub(crate) struct QuotasChange {
    /// Packages.
    #[deserr(default)]
    #[schemars(with = "Option<i64>", range(min = 0))]
    packages: Change<Limit>,
    /// Bytes of stored archives.
    #[deserr(default)]
    #[schemars(with = "Option<i64>", range(min = 0))]
    storage: Change<Limit>,
    /// Bytes of archives served in a calendar month (UTC).
    #[deserr(default)]
    #[schemars(with = "Option<i64>", range(min = 0))]
    bandwidth: Change<Limit>,
}

/// A state that can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserr, JsonSchema)]
#[deserr(error = Faults, rename_all = lowercase)]
#[schemars(rename = "OrganisationState", rename_all = "lowercase")]
pub(crate) enum State {
    /// In force.
    Active,
    /// Nobody gets anything.
    Suspended,
}

/// A text on one line.
#[derive(Debug, Clone, PartialEq, Eq, Deserr)]
#[deserr(try_from(String) = Self::read -> BadValue)]
struct Line(String);

impl Line {
    #[expect(clippy::needless_pass_by_value, reason = "deserr hands values over")]
    fn read(text: String) -> Result<Self, BadValue> {
        let text = text.trim();
        if text.is_empty() || text.len() > TEXT_LIMIT || text.chars().any(char::is_control) {
            return Err(BadValue::new(
                "This text must be 1 to 500 bytes on one line, for Composer prints it; null takes it away",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// A limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserr)]
#[deserr(try_from(i64) = Self::read -> BadValue)]
struct Limit(i64);

impl Limit {
    fn read(number: i64) -> Result<Self, BadValue> {
        if (0..=MOST).contains(&number) {
            return Ok(Self(number));
        }
        Err(BadValue::new(
            "A quota must be a number from 0 to 9007199254740992, or null for no limit",
        ))
    }
}

pub(super) fn read_name(text: Option<String>) -> Result<Option<String>, BadValue> {
    let Some(text) = text else {
        return Ok(None);
    };
    let name = text.trim();
    if name.is_empty() || name.len() > NAME_LIMIT || name.chars().any(char::is_control) {
        return Err(BadValue::new("`name` must be 1 to 200 bytes on one line"));
    }
    Ok(Some(name.to_owned()))
}

fn apply<T, U>(change: Change<T>, into: &mut Option<U>, read: impl FnOnce(T) -> U) {
    match change {
        Change::Keep => {}
        Change::Clear => *into = None,
        Change::Set(value) => *into = Some(read(value)),
    }
}

/// Changes an organisation: what is absent stays as it is.
pub(super) async fn update_organisation(
    app: &App,
    mut request: Request,
    principal: &Principal,
    organisation: &Organisation,
) -> Result<Reply> {
    let asked: OrganisationChange = request.json().await?;
    let conditions = Conditions::of(&request);
    conditions.check(Some(&show(organisation)))?;
    let is_for_owner =
        asked.state.is_some() || asked.reason != Change::Keep || asked.quotas.is_some();
    if is_for_owner && !is_owner(principal) {
        return Err(Error::new(
            ErrorKind::Forbidden,
            "`state`, `reason` and `quotas` are for the owner of this instance to say",
        ));
    }
    let changed = changed(app, organisation, asked)?;
    store::update_organisation(app, organisation, &changed, !conditions.is_empty())
        .await
        .map_err(|error| conditions.lost_race(error))?;
    // What a suspension held, or a quota refused, goes on. Housekeeping sends for what is more than fits here.
    let goes_on = organisation.suspended_at.is_some() || organisation.quotas() != changed.quotas();
    if goes_on && changed.suspended_at.is_none() {
        let jobs: Vec<_> = list_queued(app, organisation.id)
            .await?
            .into_iter()
            .map(|(id, kind)| Job::begin(&kind, id))
            .collect();
        enqueue(app, &jobs).await?;
    }
    let organisation = load_organisation(app, organisation.id).await?;
    Ok(Reply::json(200, &show_organisation(&organisation)))
}

/// The organisation as it is to be.
fn changed(app: &App, known: &Organisation, asked: OrganisationChange) -> Result<Organisation> {
    let mut changed = known.clone();
    if let Some(name) = asked.name {
        changed.name = name;
    }
    apply(asked.contact, &mut changed.contact, |line| line.0);
    if let Some(managed) = asked.managed_by_parent {
        if known.parent_id.is_none() {
            return Err(Error::bad_value(
                "/managed_by_parent",
                "`managed_by_parent` is for an organisation below another; this one is below none",
            ));
        }
        changed.managed_by_parent = i64::from(managed);
    }
    match asked.state {
        None => {}
        Some(State::Active) => {
            changed.suspended_at = None;
            changed.suspended_for = None;
        }
        Some(State::Suspended) => {
            changed.suspended_at = known.suspended_at.or(Some(app.now()));
        }
    }
    if matches!(asked.reason, Change::Set(_)) && changed.suspended_at.is_none() {
        return Err(Error::bad_value(
            "/reason",
            "`reason` is told by an organisation that is suspended: set `state` to `suspended` as well",
        ));
    }
    apply(asked.reason, &mut changed.suspended_for, |line| line.0);
    if let Some(quotas) = asked.quotas {
        apply(quotas.packages, &mut changed.quota_packages, |limit| {
            limit.0
        });
        apply(quotas.storage, &mut changed.quota_storage, |limit| limit.0);
        apply(quotas.bandwidth, &mut changed.quota_bandwidth, |limit| {
            limit.0
        });
    }
    Ok(changed)
}
