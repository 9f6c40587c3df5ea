//! Errors become replies: one table for the status, and a form for each kind of reader.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::error::{Code, Error, ErrorKind, FieldFault};
use crate::http::reply::{Body, CachePolicy, Reply};
use crate::ports::Level;

/// Who will read the error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Composer: a `warning` in plain `application/json` is printed to the person at the terminal.
    Composer,
    /// A program: `application/problem+json` (RFC 9457).
    Program,
}

/// The codes say more than a link would, and are documented with the API.
const ABOUT_BLANK: &str = "about:blank";

/// What went wrong (RFC 9457), with `code` and `errors` of our own.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Problem<'a> {
    /// Always `about:blank`: `code` tells problems apart.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    /// The status.
    status: u16,
    /// What went wrong, for programs.
    code: Code,
    /// What went wrong and what to do, for people.
    detail: &'a str,
    /// Each field that is wrong, on a 422 about fields.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schemars(default)]
    errors: &'a [FieldFault],
}

/// The status of an error, and its title.
fn status(error: &Error) -> (u16, &'static str) {
    match error.kind() {
        ErrorKind::Unauthenticated => (401, "Not authenticated"),
        ErrorKind::Forbidden => (403, "Not allowed"),
        ErrorKind::QuotaExceeded(_) => (403, "Quota exceeded"),
        ErrorKind::NotFound => (404, "Not found"),
        ErrorKind::Invalid => (422, "Invalid input"),
        ErrorKind::Conflict => (409, "Conflict"),
        ErrorKind::PreconditionFailed => (412, "Precondition failed"),
        ErrorKind::TooLarge => (413, "Too large"),
        ErrorKind::RateLimited { .. } | ErrorKind::ArchivesLimited { .. } => {
            (429, "Too many requests")
        }
        ErrorKind::Upstream { .. } | ErrorKind::CredentialRefused | ErrorKind::ProjectWithheld => {
            (502, "Another host failed")
        }
        ErrorKind::Internal if error.code() == Code::Unavailable => (503, "Not available"),
        ErrorKind::Internal => (500, "Internal error"),
    }
}

/// Turns an error into a reply, and logs what its reader must not see.
pub fn reply(app: &App, reader: Reader, error: &Error) -> Reply {
    let (status, title) = status(error);
    tell(app, status, error);
    let reply = match reader {
        // Names and their `~dev` documents are probed all the time: a 404 says nothing, and the same to all.
        Reader::Composer if status == 404 => not_found(),
        // Exactly `application/json`, without a charset: older clients look no further (Composer `CurlDownloader`).
        Reader::Composer => Reply::json(status, &json!({ "warning": error.message() })),
        Reader::Program => program_reply(&Problem {
            kind: ABOUT_BLANK,
            title,
            status,
            code: error.code(),
            detail: error.message(),
            errors: error.fields(),
        }),
    };
    let reply = match error.wait() {
        Some(seconds) => reply.with("retry-after", seconds.to_string()),
        None => reply,
    };
    if error.kind() == ErrorKind::Unauthenticated {
        let realm = "Basic realm=\"Repertoire\", charset=\"UTF-8\"";
        return reply.with("www-authenticate", realm);
    }
    reply
}

/// Logs what the reader of an error must not see, and gives its status, for who shows it in another form.
pub(crate) fn note_failure(app: &App, error: &Error) -> u16 {
    let (status, _) = status(error);
    tell(app, status, error);
    status
}

fn tell(app: &App, status: u16, error: &Error) {
    if status == 503 {
        app.warn_of_outage("storage", error);
    } else if status >= 500 {
        app.log.line(Level::Error, &format!("{status}: {error}"));
    }
}

/// What is not there, and what the caller may not see: the same bytes for both.
pub fn not_found() -> Reply {
    Reply::json(404, &json!({ "error": "Not found" }))
}

/// An archive that is not there, or that the caller may not see: the same bytes for both, and for a repository that the
/// caller may not enter. Nobody probes for archives, so Composer may print why the installation ends here.
pub fn archive_not_found() -> Reply {
    let text = "This archive is not here, or your token may not see it. If composer.lock names it, run `composer update` \
                for its package; if that fails as well, ask the owner of the repository";
    Reply::json(404, &json!({ "warning": text }))
}

/// A method that a resource does not have.
pub fn method_not_allowed(reader: Reader, allowed: &'static str) -> Reply {
    let detail = format!("Only {allowed} is allowed here");
    match reader {
        Reader::Composer => Reply::json(405, &json!({ "warning": detail })),
        Reader::Program => program_reply(&Problem {
            kind: ABOUT_BLANK,
            title: "Method not allowed",
            status: 405,
            code: Code::MethodNotAllowed,
            detail: &detail,
            errors: &[],
        }),
    }
    .with("allow", allowed)
}

fn program_reply(problem: &Problem<'_>) -> Reply {
    let body = serde_json::to_vec(problem).unwrap_or_default();
    Reply::new(problem.status, CachePolicy::NoStore, Body::Bytes(body))
        .with("content-type", "application/problem+json")
}
