//! A shop's whole list at once: customers or grants, each known by what the shop calls it.
//!
//! The list may be sent again and again: what is as it should be is left alone. It takes a handful of statements, however
//! long it is.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::app::App;
use crate::domain::access::CustomerState;
use crate::error::{Error, ErrorKind, FieldFault, Result};
use crate::http::api::customers::grant_input::{check_grants, read_grant};
use crate::http::api::customers::grants::is_same;
use crate::http::api::customers::input::{bad, read_customer, read_object};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::store::customers::{
    Customer, list_customers_by_external_id, list_missing, save_customers,
};
use crate::store::grants::{Grant, list_grants_by_external_id, list_missing_grants, save_grants};
use crate::store::organisations::Organisation;

/// Entries in one list.
const MOST_ENTRIES: usize = 1_000;
/// A thousand entries of a kilobyte and a half.
const BULK_LIMIT: usize = 1_536 * 1024;
/// How often a list is gone through when another one was faster.
const ATTEMPTS: u8 = 3;

/// A list as it came.
struct List {
    entries: Vec<Map<String, Value>>,
    /// Whether entries that are wrong are left out, or nothing is done.
    skips: bool,
    /// What becomes of those that are not in the list.
    missing: Missing,
    reason: Option<String>,
}

/// What becomes of those that are not in a list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Keep,
    /// Customers are suspended.
    Suspend,
    /// Grants end now, and leave behind what they are to keep.
    End,
    /// Grants are taken back, as if by hand.
    Remove,
}

impl Missing {
    /// Reads it in a list of such things; none for what is not to be had there.
    fn parse(what: &str, text: &str) -> Option<Self> {
        match (what, text) {
            (_, "keep") => Some(Self::Keep),
            ("customers", "suspend") => Some(Self::Suspend),
            ("grants", "end") => Some(Self::End),
            ("grants", "remove") => Some(Self::Remove),
            _ => None,
        }
    }
}

/// What became of an entry.
enum Outcome {
    Created(String),
    Updated(String),
    Unchanged(String),
    Refused(Error),
}

impl List {
    async fn read(request: &mut Request, what: &str) -> Result<Self> {
        let mut body = read_object(request, BULK_LIMIT).await?;
        let mut faults = Vec::new();
        let entries = match body.remove(what) {
            Some(Value::Array(entries)) if entries.len() <= MOST_ENTRIES => entries,
            Some(Value::Array(_)) => {
                let detail = format!("`{what}` may have {MOST_ENTRIES} entries at most");
                faults.push(bad(&format!("/{what}"), detail));
                Vec::new()
            }
            _ => {
                let detail = format!("`{what}` must be a list, the whole of it");
                faults.push(bad(&format!("/{what}"), detail));
                Vec::new()
            }
        };
        let skips = match body.remove("on_error").as_ref().map(Value::as_str) {
            None | Some(Some("refuse")) => false,
            Some(Some("skip")) => true,
            Some(_) => {
                faults.push(bad("/on_error", "`on_error` must be `refuse` or `skip`"));
                false
            }
        };
        let is_of_customers = what == "customers";
        let missing = match body.remove("missing") {
            None => Some(Missing::Keep),
            Some(text) => text.as_str().and_then(|text| Missing::parse(what, text)),
        };
        if missing.is_none() {
            let detail = if is_of_customers {
                "`missing` must be `keep` or `suspend`"
            } else {
                "`missing` must be `keep`, `end` or `remove`"
            };
            faults.push(bad("/missing", detail));
        }
        let missing = missing.unwrap_or(Missing::Keep);
        let reason = is_of_customers
            .then(|| body.remove("missing_reason"))
            .flatten();
        let reason = match reason {
            None | Some(Value::Null) => None,
            Some(Value::String(reason)) if reason.len() <= 500 => Some(reason),
            Some(_) => {
                let detail = "`missing_reason` must be a text of at most 500 bytes";
                faults.push(bad("/missing_reason", detail));
                None
            }
        };
        for name in body.keys() {
            let detail = format!("`{name}` is no field here");
            faults.push(bad(&format!("/{name}"), detail));
        }
        let mut objects = Vec::with_capacity(entries.len());
        for (index, entry) in entries.into_iter().enumerate() {
            match entry {
                Value::Object(entry) => objects.push(entry),
                _ => faults.push(bad(
                    &format!("/{what}/{index}"),
                    "An entry must be an object",
                )),
            }
        }
        if missing != Missing::Keep && objects.is_empty() {
            let detail = if is_of_customers {
                "An empty list would suspend every customer: suspend them one by one, if that is meant"
            } else {
                "An empty list would end every grant: take them back one by one, if that is meant"
            };
            faults.push(bad(&format!("/{what}"), detail));
        }
        if !faults.is_empty() {
            return Err(Error::invalid_fields(faults));
        }
        Ok(Self {
            entries: objects,
            skips,
            missing,
            reason,
        })
    }

    /// What the shop calls each entry, once; an error where that cannot be told.
    fn keys(&self, what: &str) -> Vec<Result<String>> {
        let mut seen = BTreeMap::new();
        let keys = self.entries.iter().enumerate().map(|(index, entry)| {
            let key = entry.get("external_id").and_then(Value::as_str);
            let key = key.filter(|key| !key.is_empty()).ok_or_else(|| {
                Error::bad_value(
                    "/external_id",
                    "An entry needs an `external_id`, by which it is known",
                )
            })?;
            match seen.insert(key.to_owned(), index) {
                None => Ok(key.to_owned()),
                Some(first) => {
                    seen.insert(key.to_owned(), first);
                    Err(Error::bad_value(
                        "/external_id",
                        format!("`{what}[{first}]` has this `external_id` as well"),
                    ))
                }
            }
        });
        keys.collect()
    }

    /// Refuses a list by which others would go that are not in it, while it does not say of each entry which one it is.
    fn refuse_nameless(&self, what: &str, keys: &[Result<String>]) -> Result<()> {
        let nameless = keys.iter().position(Result::is_err);
        let Some(at) = nameless.filter(|_| self.missing != Missing::Keep) else {
            return Ok(());
        };
        let consequence = match self.missing {
            Missing::Suspend => "the wrong customer might be suspended",
            _ => "the wrong grant might end",
        };
        Err(Error::bad_value(
            format!("/{what}/{at}/external_id"),
            format!(
                "With `missing` every entry needs an `external_id` of its own: without it {consequence}"
            ),
        ))
    }

    fn refuses(&self, outcomes: &[Outcome]) -> bool {
        let is_refused = |outcome: &Outcome| matches!(outcome, Outcome::Refused(_));
        !self.skips && outcomes.iter().any(is_refused)
    }
}

/// Makes and changes customers until they are as a list has them.
pub(super) async fn put_customers(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
) -> Result<Reply> {
    let list = List::read(&mut request, "customers").await?;
    let keys = list.keys("customers");
    list.refuse_nameless("customers", &keys)?;
    let mut attempts = ATTEMPTS;
    loop {
        match try_customers(app, organisation, &list, &keys).await {
            // Another list made one of these in between: it is known now.
            Err(error) if error.kind() == ErrorKind::Conflict && attempts > 1 => {
                attempts = attempts.saturating_sub(1);
            }
            result => return result,
        }
    }
}

async fn try_customers(
    app: &App,
    organisation: &Organisation,
    list: &List,
    keys: &[Result<String>],
) -> Result<Reply> {
    let named = || keys.iter().flatten().map(String::as_str);
    let known: BTreeMap<String, Customer> =
        list_customers_by_external_id(app, organisation.id, named())
            .await?
            .into_iter()
            .filter_map(|customer| Some((customer.external_id.clone()?, customer)))
            .collect();
    let now = app.now();
    let (mut new, mut changed, mut seeing_otherwise) = (Vec::new(), Vec::new(), Vec::new());
    let mut outcomes = Vec::with_capacity(list.entries.len());
    for (entry, key) in list.entries.iter().zip(keys) {
        let known = key.as_ref().ok().and_then(|key| known.get(key));
        let read = match key {
            Ok(_) => read_customer(known, entry.clone(), &app.random_id()?, now),
            Err(error) => Err(copy(error)),
        };
        outcomes.push(match (read, known) {
            (Err(error), _) => Outcome::Refused(error),
            (Ok(customer), None) => {
                let id = customer.id.clone();
                new.push(customer);
                Outcome::Created(id)
            }
            (Ok(customer), Some(known)) if customer == *known => Outcome::Unchanged(customer.id),
            (Ok(customer), Some(known)) => {
                if !customer.sees_as(known) {
                    seeing_otherwise.push(customer.id.clone());
                }
                let id = customer.id.clone();
                changed.push(customer);
                Outcome::Updated(id)
            }
        });
    }
    if list.refuses(&outcomes) {
        return Err(refusal("customers", outcomes));
    }
    let mut suspended = Vec::new();
    if list.missing == Missing::Suspend {
        for mut customer in list_missing(app, organisation.id, named()).await? {
            CustomerState::Suspended
                .as_str()
                .clone_into(&mut customer.state);
            customer.state_reason.clone_from(&list.reason);
            customer.frozen_at = None;
            suspended.push(customer.external_id.clone());
            seeing_otherwise.push(customer.id.clone());
            changed.push(customer);
        }
    }
    save_customers(app, organisation.id, &new, &changed, &seeing_otherwise).await?;
    let mut shown = show(&list.entries, outcomes);
    shown.suspended = Some(suspended);
    Ok(Reply::json(200, &shown))
}

/// Makes and changes grants until they are as a list has them. Those that are not in it stay, end, or are taken back.
pub(super) async fn put_grants(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
) -> Result<Reply> {
    let list = List::read(&mut request, "grants").await?;
    let keys = list.keys("grants");
    list.refuse_nameless("grants", &keys)?;
    let mut attempts = ATTEMPTS;
    loop {
        match try_grants(app, organisation, &list, &keys).await {
            Err(error) if error.kind() == ErrorKind::Conflict && attempts > 1 => {
                attempts = attempts.saturating_sub(1);
            }
            result => return result,
        }
    }
}

async fn try_grants(
    app: &App,
    organisation: &Organisation,
    list: &List,
    keys: &[Result<String>],
) -> Result<Reply> {
    let named = || keys.iter().flatten().map(String::as_str);
    let known: BTreeMap<String, Grant> = list_grants_by_external_id(app, organisation.id, named())
        .await?
        .into_iter()
        .filter_map(|grant| Some((grant.external_id.clone()?, grant)))
        .collect();
    let mut read = Vec::new();
    let mut faults: BTreeMap<usize, Error> = BTreeMap::new();
    for (index, (entry, key)) in list.entries.iter().zip(keys).enumerate() {
        let one = match key {
            Ok(key) => read_grant(known.get(key).cloned(), entry.clone()),
            Err(error) => Err(copy(error)),
        };
        match one {
            Ok(one) => read.push(one),
            Err(error) => {
                faults.insert(index, error);
            }
        }
    }
    let mut checked = check_grants(app, organisation, read).await?.into_iter();
    let (mut new, mut changed) = (Vec::new(), Vec::new());
    let mut outcomes = Vec::with_capacity(list.entries.len());
    for (index, key) in keys.iter().enumerate() {
        let grant = match faults.remove(&index) {
            Some(error) => Err(error),
            None => checked
                .next()
                .unwrap_or_else(|| Err(Error::internal("a grant was lost on the way"))),
        };
        let known = key.as_ref().ok().and_then(|key| known.get(key));
        outcomes.push(match (grant, known) {
            (Err(error), _) => Outcome::Refused(error),
            (Ok(grant), None) => {
                let id = grant.id.clone();
                new.push(grant);
                Outcome::Created(id)
            }
            (Ok(grant), Some(known)) if is_same(&grant, known) => Outcome::Unchanged(grant.id),
            (Ok(grant), Some(_)) => {
                let id = grant.id.clone();
                changed.push(grant);
                Outcome::Updated(id)
            }
        });
    }
    if list.refuses(&outcomes) {
        return Err(refusal("grants", outcomes));
    }
    let now = app.now();
    let mut shown = show(&list.entries, outcomes);
    let called = |grants: &[Grant]| grants.iter().map(|one| one.external_id.clone()).collect();
    let mut gone = Vec::new();
    match list.missing {
        Missing::Keep | Missing::Suspend => {}
        Missing::End => {
            let mut ended = list_missing_grants(app, organisation.id, named(), Some(now)).await?;
            for grant in &mut ended {
                grant.expires_at = Some(now);
            }
            shown.ended = Some(called(&ended));
            changed.append(&mut ended);
        }
        Missing::Remove => {
            gone = list_missing_grants(app, organisation.id, named(), None).await?;
            shown.removed = Some(called(&gone));
        }
    }
    save_grants(app, organisation.id, &new, &changed, &gone, &[]).await?;
    Ok(Reply::json(200, &shown))
}

/// An error of an entry again: it belongs to the entry as often as the list is gone through.
fn copy(error: &Error) -> Error {
    Error::invalid_fields(error.fields().to_vec())
}

/// All that is wrong with a list of which nothing is taken, each fault with its place in the whole.
fn refusal(what: &str, outcomes: Vec<Outcome>) -> Error {
    let mut faults: Vec<FieldFault> = Vec::new();
    for (index, outcome) in outcomes.into_iter().enumerate() {
        if let Outcome::Refused(error) = outcome {
            faults.extend(error.fields().iter().map(|fault| FieldFault {
                field: format!("/{what}/{index}{}", fault.field),
                ..fault.clone()
            }));
        }
    }
    Error::invalid_fields(faults)
}

/// What became of a list.
#[derive(Default, Serialize, JsonSchema)]
#[schemars(rename = "BulkResult")]
pub(crate) struct Shown {
    created: u64,
    updated: u64,
    unchanged: u64,
    refused: u64,
    /// In the order of the entries.
    results: Vec<ShownOutcome>,
    /// What the shop calls those customers that were suspended because they are not in the list; of customers alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    suspended: Option<Vec<Option<String>>>,
    /// What the shop calls those grants that ended because they are not in the list; of grants with `"missing": "end"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<Vec<Option<String>>>,
    /// The same of those that were taken back, with `"missing": "remove"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<Vec<Option<String>>>,
}

/// What became of an entry.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "BulkOutcome")]
struct ShownOutcome {
    /// As the entry has it.
    external_id: Value,
    /// `created`, `updated`, `unchanged` or `refused`.
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// What is wrong with an entry that was refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    errors: Vec<FieldFault>,
}

/// The bodies, for the description of the API, which is written natively: they are read entry by entry, since of one that is
/// known already some fields are enough.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod asked {
    #![expect(dead_code, reason = "only their schemas are of use")]

    use schemars::JsonSchema;
    use serde_json::{Map, Value};

    /// A shop's whole list of customers.
    #[derive(JsonSchema)]
    #[schemars(deny_unknown_fields)]
    pub(crate) struct CustomerList {
        /// Each has the fields of a customer, and is known by its `external_id`. What it does not name stays.
        #[schemars(length(max = 1000))]
        customers: Vec<Map<String, Value>>,
        /// With `refuse`, which is the default, one wrong entry refuses all; with `skip` the others are taken.
        on_error: Option<String>,
        /// With `suspend`, customers who are not in the list are; with `keep`, which is the default, they stay.
        missing: Option<String>,
        /// What those are told who are suspended.
        missing_reason: Option<String>,
    }

    /// A shop's whole list of grants.
    #[derive(JsonSchema)]
    #[schemars(deny_unknown_fields)]
    pub(crate) struct GrantList {
        /// Each has the fields of a grant, and is known by its `external_id`. What it does not name stays.
        #[schemars(length(max = 1000))]
        grants: Vec<Map<String, Value>>,
        /// With `refuse`, which is the default, one wrong entry refuses all; with `skip` the others are taken.
        on_error: Option<String>,
        /// What becomes of the shop's grants that are not in the list: with `end` they end now and leave what they are to
        /// keep, with `remove` they are taken back, with `keep`, which is the default, they stay. Grants without
        /// `external_id` are not the shop's, and stay.
        missing: Option<String>,
    }
}

/// What became of each entry, and how many there are of each kind.
fn show(entries: &[Map<String, Value>], outcomes: Vec<Outcome>) -> Shown {
    let mut shown = Shown::default();
    for (entry, outcome) in entries.iter().zip(outcomes) {
        let (result, count, id, errors) = match outcome {
            Outcome::Created(id) => ("created", &mut shown.created, Some(id), Vec::new()),
            Outcome::Updated(id) => ("updated", &mut shown.updated, Some(id), Vec::new()),
            Outcome::Unchanged(id) => ("unchanged", &mut shown.unchanged, Some(id), Vec::new()),
            Outcome::Refused(error) => {
                let errors = error.fields().to_vec();
                ("refused", &mut shown.refused, None, errors)
            }
        };
        *count = count.saturating_add(1);
        shown.results.push(ShownOutcome {
            external_id: entry.get("external_id").cloned().unwrap_or_default(),
            result,
            id,
            errors,
        });
    }
    shown
}
