//! Customers as they come in, whole or as a change.
//!
//! A change is laid over what there is and read as a whole: there is one set of rules, and null means what absence means.

use deserr::Deserr;
use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use crate::domain::access::CustomerState;
use crate::domain::time::{parse_rfc3339, rfc3339};
use crate::error::{Error, FieldCode, FieldFault, Result};
use crate::http::body::{BadValue, Faults};
use crate::http::request::Request;
use crate::store::customers::Customer;

/// Names are for people.
pub(super) const NAME_LIMIT: usize = 200;
/// What mail knows (RFC 5321, 4.5.3.1.3).
const EMAIL_LIMIT: usize = 254;
/// Room for what shops make up.
const EXTERNAL_ID_LIMIT: usize = 200;
/// Composer prints it to a terminal.
const REASON_LIMIT: usize = 500;
/// For people.
pub(super) const NOTES_LIMIT: usize = 10_000;

/// A customer, as it is to be.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "NewCustomer")]
pub(crate) struct CustomerInput {
    /// For people.
    #[deserr(try_from(String) = read_name -> BadValue)]
    name: String,
    /// Where it can be written to.
    #[deserr(default, try_from(Option<String>) = read_email -> BadValue)]
    email: Option<String>,
    /// What the shop calls it, once in the organisation.
    #[deserr(default, try_from(Option<String>) = read_external_id -> BadValue)]
    external_id: Option<String>,
    /// `active`, `suspended` or `frozen`.
    #[deserr(default = CustomerState::Active, try_from(Option<String>) = read_state -> BadValue)]
    #[schemars(with = "Option<String>")]
    state: CustomerState,
    /// Why it is suspended, told to it.
    #[deserr(default, try_from(Option<String>) = read_reason -> BadValue)]
    reason: Option<String>,
    /// From when on it sees nothing newer; from now on without it.
    #[deserr(default, try_from(Option<String>) = read_time -> BadValue)]
    #[schemars(with = "Option<String>")]
    frozen_at: Option<i64>,
    /// When its time is over.
    #[deserr(default, try_from(Option<String>) = read_time -> BadValue)]
    #[schemars(with = "Option<String>")]
    expires_at: Option<i64>,
    /// For the people of the organisation.
    #[deserr(default, try_from(Option<String>) = read_notes -> BadValue)]
    notes: Option<String>,
}

#[expect(clippy::needless_pass_by_value, reason = "deserr hands values over")]
pub(super) fn read_name(text: String) -> Result<String, BadValue> {
    let name = text.trim();
    if name.is_empty() || name.len() > NAME_LIMIT || name.chars().any(char::is_control) {
        return Err(BadValue::new("`name` must be 1 to 200 bytes on one line"));
    }
    Ok(name.to_owned())
}

fn read_email(text: Option<String>) -> Result<Option<String>, BadValue> {
    let is_address = |text: &String| {
        let parts = text.split_once('@');
        text.len() <= EMAIL_LIMIT
            && !text.contains(|sign: char| sign.is_whitespace() || sign.is_control())
            && parts.is_some_and(|(local, host)| {
                !local.is_empty() && !host.is_empty() && !host.contains('@')
            })
    };
    match text {
        Some(text) if !is_address(&text) => Err(BadValue::new(
            "`email` must be an address such as `jo@example.com`",
        )),
        text => Ok(text),
    }
}

pub(super) fn read_external_id(text: Option<String>) -> Result<Option<String>, BadValue> {
    match text {
        Some(text)
            if text.trim() != text
                || text.is_empty()
                || text.len() > EXTERNAL_ID_LIMIT
                || text.chars().any(char::is_control) =>
        {
            Err(BadValue::new(
                "`external_id` must be 1 to 200 bytes without space around it",
            ))
        }
        text => Ok(text),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "deserr hands values over")]
fn read_state(text: Option<String>) -> Result<CustomerState, BadValue> {
    match text.as_deref() {
        None => Ok(CustomerState::Active),
        Some("expired") => Err(BadValue::new(
            "`expired` is no state to set: give the end as `expires_at`",
        )),
        Some(text) => CustomerState::parse(text)
            .ok_or_else(|| BadValue::new("`state` must be `active`, `suspended` or `frozen`")),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "deserr hands values over")]
fn read_reason(text: Option<String>) -> Result<Option<String>, BadValue> {
    match text.as_deref().map(str::trim) {
        Some(text) if text.len() > REASON_LIMIT || text.chars().any(char::is_control) => Err(
            BadValue::new("`reason` must be at most 500 bytes on one line: Composer prints it"),
        ),
        text => Ok(text.filter(|text| !text.is_empty()).map(str::to_owned)),
    }
}

pub(super) fn read_notes(text: Option<String>) -> Result<Option<String>, BadValue> {
    match text {
        Some(text) if text.len() > NOTES_LIMIT => {
            Err(BadValue::new("This text must be at most 10,000 bytes"))
        }
        text => Ok(text.filter(|text| !text.is_empty())),
    }
}

pub(super) fn read_time(text: Option<String>) -> Result<Option<i64>, BadValue> {
    text.map(|text| {
        parse_rfc3339(&text)
            .ok_or_else(|| BadValue::new("A time is written as in `2027-01-31T12:00:00Z`"))
    })
    .transpose()
}

/// A field that is of the right type and cannot be used.
pub(super) fn bad(field: &str, detail: impl Into<String>) -> FieldFault {
    FieldFault {
        field: field.to_owned(),
        code: FieldCode::BadValue,
        detail: detail.into(),
    }
}

/// Refuses if there is any fault.
pub(super) fn refuse(faults: Vec<FieldFault>) -> Result<()> {
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Error::invalid_fields(faults))
    }
}

/// Reads a body that is an object of any fields, of at most that many bytes.
pub(super) async fn read_object(request: &mut Request, limit: usize) -> Result<Map<String, Value>> {
    let bytes = request.bytes(limit).await?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Error::invalid(format!("The body is not the JSON expected here: {error}")))
}

/// What there is, with a change laid over it.
pub(super) fn lay_over(mut current: Map<String, Value>, change: Map<String, Value>) -> Value {
    for (key, value) in change {
        current.insert(key, value);
    }
    Value::Object(current)
}

/// A customer as it is after a change, or as it begins. `known` is the one there is; what depends on a state goes with it.
pub(super) fn read_customer(
    known: Option<&Customer>,
    change: Map<String, Value>,
    id: &str,
    now: i64,
) -> Result<Customer> {
    let mut current = known.map(as_input).unwrap_or_default();
    if change
        .get("state")
        .is_some_and(|state| current.get("state") != Some(state))
    {
        current.remove("reason");
        current.remove("frozen_at");
    }
    let asked: CustomerInput = Faults::read(lay_over(current, change))?;
    let mut faults = Vec::new();
    let state = asked.state;
    if asked.reason.is_some() && state != CustomerState::Suspended {
        faults.push(bad(
            "/reason",
            "`reason` is told to a customer that is suspended: set `state` to `suspended` as well",
        ));
    }
    match asked.frozen_at {
        Some(_) if state != CustomerState::Frozen => faults.push(bad(
            "/frozen_at",
            "`frozen_at` is for a customer that is frozen: set `state` to `frozen` as well",
        )),
        Some(at) if at > now => faults.push(bad(
            "/frozen_at",
            "`frozen_at` must not be in the future: what there will be then is not known",
        )),
        _ => {}
    }
    refuse(faults)?;
    Ok(Customer {
        id: known.map_or(id, |known| &known.id).to_owned(),
        name: asked.name,
        email: asked.email,
        external_id: asked.external_id,
        state: state.as_str().to_owned(),
        state_reason: asked.reason,
        frozen_at: asked
            .frozen_at
            .or((state == CustomerState::Frozen).then_some(now)),
        expires_at: asked.expires_at,
        notes: asked.notes,
        created_at: known.map_or(now, |known| known.created_at),
        changed_at: known.map_or(now, |known| known.changed_at),
    })
}

fn as_input(customer: &Customer) -> Map<String, Value> {
    let fields = json!({
        "name": customer.name,
        "email": customer.email,
        "external_id": customer.external_id,
        "state": customer.state,
        "reason": customer.state_reason,
        "frozen_at": customer.frozen_at.map(rfc3339),
        "expires_at": customer.expires_at.map(rfc3339),
        "notes": customer.notes,
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
