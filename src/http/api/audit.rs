//! The audit log: looked at, and taken along as JSON lines or CSV.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::app::App;
use crate::domain::access::Principal;
use crate::domain::time::parse_moment;
use crate::error::{Error, Result};
use crate::http::api::is_owner;
use crate::http::api::paging::{Page, cursor};
use crate::http::api::shown::Time;
use crate::http::reply::{Body, CachePolicy, Reply};
use crate::http::request::Request;
use crate::http::route::AuditRoute;
use crate::store::audit::{AuditFilter, AuditLine, list_lines};
use crate::store::organisations::Organisation;

/// Lines in one file: a few hundred bytes each, so it fits into memory many times over.
const EXPORTED: i64 = 5_000;

/// The columns of the CSV.
const COLUMNS: [&str; 14] = [
    "id",
    "time",
    "actor_kind",
    "actor_id",
    "actor_name",
    "address",
    "user_agent",
    "request",
    "action",
    "subject_kind",
    "subject_id",
    "subject_name",
    "before",
    "after",
];

/// Answers what is asked of the log of an organisation, or of the instance's, which its owner alone knows of.
pub(crate) async fn handle(
    app: &App,
    request: &Request,
    principal: &Principal,
    organisation: Option<&Organisation>,
    route: AuditRoute,
) -> Result<Reply> {
    if organisation.is_none() && !is_owner(principal) {
        return Err(Error::not_found("The API has nothing at this address"));
    }
    let organisation = organisation.map(|organisation| organisation.id);
    match route {
        AuditRoute::List => list_audit(app, request, organisation).await,
        AuditRoute::Export => export_audit(app, request, organisation).await,
    }
}

/// Lists lines, newest first. Without an organisation it is the instance's log.
async fn list_audit(app: &App, request: &Request, organisation: Option<i64>) -> Result<Reply> {
    let filter = read_filter(request)?;
    let page = Page::of(request)?;
    let before = page.after_number()?;
    let mut rows = list_lines(app, organisation, &filter, before, page.rows()).await?;
    let next = page.cut(&mut rows, |last| last.id.to_string());
    let lines = rows.iter().map(show).collect::<Result<Vec<_>>>()?;
    Ok(Reply::json(200, &ShownPage { lines, next }))
}

/// The same as a file. One has at most [`EXPORTED`] lines; where there are more, `Link` leads to the next file.
async fn export_audit(app: &App, request: &Request, organisation: Option<i64>) -> Result<Reply> {
    let filter = read_filter(request)?;
    let before = Page::of(request)?.after_number()?;
    let format = request.query_parameter("format");
    let is_csv = match format.as_deref() {
        Some("csv") => true,
        None | Some("jsonl") => false,
        Some(_) => return Err(Error::invalid("`format` must be `jsonl` or `csv`")),
    };
    let lines = list_lines(app, organisation, &filter, before, EXPORTED).await?;
    let mut text = String::new();
    if is_csv {
        text.push_str(&COLUMNS.join(","));
        text.push_str("\r\n");
    }
    for line in &lines {
        let shown = serde_json::to_value(show(line)?).map_err(Error::internal)?;
        if is_csv {
            push_csv(&mut text, &shown);
        } else {
            text.push_str(&shown.to_string());
            text.push('\n');
        }
    }
    let (kind, name) = if is_csv {
        ("text/csv; charset=utf-8", "audit.csv")
    } else {
        ("application/jsonl", "audit.jsonl")
    };
    let reply = Reply::new(200, CachePolicy::NoStore, Body::Bytes(text.into_bytes()))
        .with("content-type", kind)
        .with(
            "content-disposition",
            format!("attachment; filename=\"{name}\""),
        );
    let is_full = i64::try_from(lines.len()).is_ok_and(|count| count >= EXPORTED);
    Ok(match lines.last().filter(|_| is_full) {
        Some(last) => reply.with(
            "link",
            format!("<{}>; rel=\"next\"", next(request, last.id)),
        ),
        None => reply,
    })
}

/// The address of the next file: this one's, going on after its last line.
fn next(request: &Request, last: i64) -> String {
    let others = request
        .query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    let query: Vec<_> = others
        .map(str::to_owned)
        .chain([format!("cursor={}", cursor(&last.to_string()))])
        .collect();
    format!("{}{}?{}", request.origin, request.path, query.join("&"))
}

/// Reads from the query which lines are wanted.
pub(crate) fn read_filter(request: &Request) -> Result<AuditFilter> {
    let text = |name: &str| {
        request
            .query_parameter(name)
            .filter(|text| !text.is_empty())
    };
    let moment = |name: &str, day_begins: bool| {
        text(name)
            .map(|given| {
                let is_day = day_begins && given.len() == "2026-11-21".len();
                let given = if is_day { format!("{given}T00:00:00Z") } else { given };
                parse_moment(&given).ok_or_else(|| {
                    Error::invalid(format!(
                        "`{name}` must be a day or a time, such as `2026-11-21` or `2026-11-21T20:30:00Z`"
                    ))
                })
            })
            .transpose()
    };
    Ok(AuditFilter {
        actor: text("actor"),
        action: text("action"),
        subject: text("subject"),
        since: moment("since", true)?,
        until: moment("until", false)?,
    })
}

/// A line of the audit log.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditLine")]
pub(crate) struct Shown {
    id: i64,
    time: Time,
    /// Who: `person`, `token`, `job`, `webhook` or `instance`.
    actor: Named,
    /// From where.
    address: Option<String>,
    user_agent: Option<String>,
    /// Method and path.
    request: Option<String>,
    /// Such as `token.created`.
    action: String,
    /// What was changed.
    subject: Named,
    /// Of what changed, as it was; null when it was not there.
    before: Option<Map<String, Value>>,
    /// As it is since; null when it is gone.
    after: Option<Map<String, Value>>,
}

/// Somebody or something, called as it was then.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditName")]
pub(crate) struct Named {
    kind: String,
    id: Option<String>,
    name: String,
}

/// A page of the audit log.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditLines")]
pub(crate) struct ShownPage {
    lines: Vec<Shown>,
    next: Option<String>,
}

fn show(line: &AuditLine) -> Result<Shown> {
    Ok(Shown {
        id: line.id,
        time: Time::of(line.time),
        actor: Named {
            kind: line.actor_kind.clone(),
            id: line.actor_id.clone(),
            name: line.actor_name.clone(),
        },
        address: line.address.clone(),
        user_agent: line.user_agent.clone(),
        request: line.request.clone(),
        action: line.action.clone(),
        subject: Named {
            kind: line.subject_kind.clone(),
            id: Some(line.subject_id.clone()),
            name: line.subject_name.clone(),
        },
        before: line.before()?,
        after: line.after()?,
    })
}

fn push_csv(text: &mut String, line: &Value) {
    let nested = |key: &str| line.pointer(&format!("/{}", key.replacen('_', "/", 1)));
    for (index, column) in COLUMNS.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        let value = line.get(*column).or_else(|| nested(column));
        text.push_str(&csv_field(value.unwrap_or(&Value::Null)));
    }
    text.push_str("\r\n");
}

/// One field of a CSV, always in quotes (RFC 4180). A spreadsheet takes what begins with one of these characters for a
/// formula, whoever wrote it; behind an apostrophe it is text.
fn csv_field(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        "'"
    } else {
        ""
    };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_field_is_a_formula_or_ends_its_quotes() {
        for (value, field) in [
            (json!(null), r#""""#),
            (json!(17), r#""17""#),
            (json!("acme/lib"), r#""acme/lib""#),
            (json!("=HYPERLINK(\"x\")"), r#""'=HYPERLINK(""x"")""#),
            (json!("@SUM(A1)"), r#""'@SUM(A1)""#),
            (json!("-1+1"), r#""'-1+1""#),
            (json!({"name": "a"}), r#""{""name"":""a""}""#),
        ] {
            assert_eq!(csv_field(&value), field);
        }
    }
}
