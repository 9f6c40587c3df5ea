//! Errors become replies: one table for the status, and a form for each kind of reader.

use serde_json::json;

use crate::app::App;
use crate::error::{Error, ErrorKind};
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

/// The status of each kind of error, and its title.
fn status(kind: ErrorKind) -> (u16, &'static str) {
    match kind {
        ErrorKind::Unauthenticated => (401, "Not authenticated"),
        ErrorKind::Forbidden => (403, "Not allowed"),
        ErrorKind::NotFound => (404, "Not found"),
        ErrorKind::Invalid => (422, "Invalid input"),
        ErrorKind::Conflict => (409, "Conflict"),
        ErrorKind::TooLarge => (413, "Too large"),
        ErrorKind::RateLimited { .. } | ErrorKind::ArchivesLimited { .. } => {
            (429, "Too many requests")
        }
        ErrorKind::Upstream { .. } | ErrorKind::CredentialRefused | ErrorKind::ProjectWithheld => {
            (502, "Another host failed")
        }
        ErrorKind::Internal => (500, "Internal error"),
    }
}

/// Turns an error into a reply, and logs what its reader must not see.
pub fn reply(app: &App, reader: Reader, error: &Error) -> Reply {
    let (status, title) = status(error.kind());
    if status >= 500 {
        app.log.line(Level::Error, &format!("{status}: {error}"));
    }
    let reply = match reader {
        // Names and their `~dev` documents are probed all the time: a 404 says nothing, and the same to all.
        Reader::Composer if status == 404 => not_found(),
        // Exactly `application/json`, without a charset: older clients look no further (Composer `CurlDownloader`).
        Reader::Composer => Reply::json(status, &json!({ "warning": error.message() })),
        Reader::Program => program_reply(status, title, error.message()),
    };
    match error.kind() {
        ErrorKind::Unauthenticated => reply.with(
            "www-authenticate",
            "Basic realm=\"Repertoire\", charset=\"UTF-8\"",
        ),
        ErrorKind::RateLimited { retry_after } | ErrorKind::ArchivesLimited { retry_after } => {
            reply.with("retry-after", retry_after.to_string())
        }
        _ => reply,
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
        Reader::Program => program_reply(405, "Method not allowed", &detail),
    }
    .with("allow", allowed)
}

fn program_reply(status: u16, title: &str, detail: &str) -> Reply {
    let body = json!({
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
    });
    Reply::new(
        status,
        CachePolicy::NoStore,
        Body::Bytes(serde_json::to_vec(&body).unwrap_or_default()),
    )
    .with("content-type", "application/problem+json")
}
