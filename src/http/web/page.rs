//! A template becomes a reply, with the headers that all pages have.

use askama::Template;

use crate::error::{Error, Result};
use crate::http::reply::{Body, CachePolicy, Reply};

/// Nothing from elsewhere, nothing inline, no frame around it.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
                                       font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
                                       frame-ancestors 'none'";

/// A page that went well.
pub(crate) fn page(template: &impl Template) -> Result<Reply> {
    page_with(200, template)
}

/// A page with a status: 422 for a form that is shown again with its faults.
pub(crate) fn page_with(status: u16, template: &impl Template) -> Result<Reply> {
    let html = template.render().map_err(Error::internal)?;
    Ok(html_reply(status, html))
}

fn html_reply(status: u16, html: String) -> Reply {
    Reply::new(status, CachePolicy::Page, Body::Bytes(html.into_bytes()))
        .with("content-type", "text/html; charset=utf-8")
        .with("content-security-policy", CONTENT_SECURITY_POLICY)
        .with("x-content-type-options", "nosniff")
        .with("referrer-policy", "same-origin")
        .with("cross-origin-opener-policy", "same-origin")
}

/// Unix seconds as templates show them: `<time>` in UTC, which a script puts into the reader's own zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    /// RFC 3339.
    pub(crate) exact: String,
    /// `2026-11-21 20:30 UTC`.
    pub(crate) text: String,
}

impl Moment {
    /// Of Unix seconds.
    pub(crate) fn of(seconds: i64) -> Self {
        Self {
            exact: crate::domain::time::rfc3339(seconds),
            text: crate::domain::time::strftime(seconds, 0, "%Y-%m-%d %H:%M UTC"),
        }
    }
}
