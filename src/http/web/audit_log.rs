//! The audit log as a page shows it: an organisation's, or the instance's. Filters and lines are those of the API.

use serde_json::{Map, Value};

use crate::app::App;
use crate::domain::audit::Action;
use crate::error::Result;
use crate::http::api::audit::{handle, read_filter};
use crate::http::api::paging::Page;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::route::AuditRoute;
use crate::http::web::field::Field;
use crate::http::web::form::Faults;
use crate::http::web::page::Moment;
use crate::http::web::visit::Place;
use crate::http::web::ways::with_query;
use crate::store::audit::{AuditFilter, AuditLine, list_lines};

/// The filters, as the API has them.
const FILTERS: [&str; 5] = ["actor", "action", "subject", "since", "until"];

/// What was changed of one thing: before and after.
pub(crate) struct Change {
    pub(crate) what: String,
    /// None where it was not there.
    pub(crate) before: Option<String>,
    /// None where it is gone.
    pub(crate) after: Option<String>,
}

/// A line of the log.
pub(crate) struct ShownLine {
    pub(crate) time: Moment,
    pub(crate) actor_kind: String,
    pub(crate) actor: String,
    pub(crate) action: String,
    pub(crate) subject_kind: String,
    pub(crate) subject: String,
    /// All lines about that subject.
    pub(crate) of_subject: String,
    /// From where, with what, by which request.
    pub(crate) from: Vec<(&'static str, String)>,
    pub(crate) changes: Vec<Change>,
}

/// A page of the log.
pub(crate) struct Log {
    pub(crate) address: String,
    pub(crate) fields: Vec<Field>,
    /// What there is to filter by.
    pub(crate) actions: Vec<&'static str>,
    pub(crate) is_filtered: bool,
    pub(crate) lines: Vec<ShownLine>,
    pub(crate) first: Option<String>,
    pub(crate) next: Option<String>,
    /// The same lines as files.
    pub(crate) csv: String,
    pub(crate) jsonl: String,
    pub(crate) faults: Vec<String>,
}

/// Reads the page of the log that a request asks for, of an organisation or of the instance. Who may is for the caller to
/// have looked at. `address` is where the page is; the files are below it.
pub(crate) async fn read(
    app: &App,
    request: &Request,
    organisation: Option<i64>,
    address: &str,
) -> Result<Log> {
    let at = Page::of(request)?;
    let before = at.after_number()?;
    let (filter, faults) = match read_filter(request) {
        Ok(filter) => (Some(filter), Faults::none()),
        Err(error) => (None, Faults::of(error)?),
    };
    let mut rows = match &filter {
        Some(filter) => list_lines(app, organisation, filter, before, at.rows()).await?,
        None => Vec::new(),
    };
    let next = at.cut(&mut rows, |last| last.id.to_string());
    let given = FILTERS.map(|name| (name, request.query_parameter(name).unwrap_or_default()));
    let query = |more: &[(&str, &str)], below: &str| {
        let filters = given.iter().map(|(name, value)| (*name, value.as_str()));
        let all: Vec<_> = filters.chain(more.iter().copied()).collect();
        with_query(&format!("{address}{below}"), &all)
    };
    let lines = rows.iter().map(|line| show(line, address));
    Ok(Log {
        fields: fields(&given),
        actions: Action::ALL.iter().map(|action| action.as_str()).collect(),
        is_filtered: at.after().is_some() || filter != Some(AuditFilter::default()),
        lines: lines.collect::<Result<_>>()?,
        first: at.after().map(|_| query(&[], "")),
        next: next.map(|cursor| query(&[("cursor", &cursor)], "")),
        csv: query(&[("format", "csv")], "/export"),
        jsonl: query(&[("format", "jsonl")], "/export"),
        faults: faults.besides(&[]),
        address: address.to_owned(),
    })
}

/// The same lines as a file.
pub(crate) async fn export(app: &App, request: &Request, place: &Place) -> Result<Reply> {
    let organisation = Some(place.organisation.as_ref());
    let reply = handle(
        app,
        request,
        &place.principal,
        organisation,
        AuditRoute::Export,
    )
    .await?;
    Ok(as_file(reply))
}

/// A file that no browser takes for a page.
pub(crate) fn as_file(reply: Reply) -> Reply {
    reply.with("x-content-type-options", "nosniff")
}

fn fields(given: &[(&'static str, String); 5]) -> Vec<Field> {
    let about = [
        (
            "Who",
            "text",
            "A name or an id; or person, token, job, webhook",
        ),
        (
            "What",
            "text",
            "Such as token.created, or how it begins: token",
        ),
        ("About", "text", "The name or the id of what was changed"),
        ("From", "date", ""),
        ("To", "date", ""),
    ];
    given
        .iter()
        .zip(about)
        .map(|((name, value), (label, kind, hint))| Field {
            kind,
            hint: (!hint.is_empty()).then(|| hint.to_owned()),
            ..Field::text(name, label).optional().value(value)
        })
        .collect()
}

fn show(line: &AuditLine, address: &str) -> Result<ShownLine> {
    let from = [
        ("Address", line.address.clone()),
        ("Program", line.user_agent.clone()),
        ("Request", line.request.clone()),
        ("Id of who", line.actor_id.clone()),
        ("Id of what", Some(line.subject_id.clone())),
    ];
    Ok(ShownLine {
        time: Moment::of(line.time),
        actor_kind: line.actor_kind.clone(),
        actor: line.actor_name.clone(),
        action: line.action.clone(),
        subject_kind: line.subject_kind.clone(),
        subject: line.subject_name.clone(),
        of_subject: with_query(address, &[("subject", subject_key(line))]),
        from: from
            .into_iter()
            .filter_map(|(label, value)| Some((label, value?)))
            .collect(),
        changes: changes(line.before()?, line.after()?),
    })
}

/// What finds the other lines about a subject. Ids that are numbers are those of things of other kinds too.
fn subject_key(line: &AuditLine) -> &str {
    if line.subject_id.bytes().all(|byte| byte.is_ascii_digit()) {
        &line.subject_name
    } else {
        &line.subject_id
    }
}

/// Each thing that changed, in the order in which the log has them.
fn changes(before: Option<Map<String, Value>>, after: Option<Map<String, Value>>) -> Vec<Change> {
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    let new = after.keys().filter(|key| !before.contains_key(*key));
    before
        .keys()
        .chain(new)
        .map(|key| Change {
            what: key.clone(),
            before: before.get(key).map(in_words),
            after: after.get(key).map(in_words),
        })
        .collect()
}

fn in_words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "none".to_owned(),
        other => other.to_string(),
    }
}
