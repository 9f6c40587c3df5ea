//! Entity tags: `If-None-Match` on reading, `If-Match` on changing.
//!
//! A tag is a strong one, the SHA-256 of the body as it is sent. Whether a change may be made is decided on what `GET`
//! says of the same address, and held in the transaction of the change by the audit log (`api::change_on_condition`). Where
//! the queue changes a row as well, which leaves no line, the handler decides again by `Conditions::check` on the very
//! state that its guarded statement names.

use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind, Result};
use crate::http::reply::{Body, CachePolicy, Reply};
use crate::http::request::Request;

const CHANGED_MEANWHILE: &str =
    "It is no longer what `If-Match` names; read it again, and decide anew";

/// What a request says that a resource must be, or must not be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Conditions {
    matches: Option<String>,
    matches_none: Option<String>,
}

impl Conditions {
    /// Reads `If-Match` and `If-None-Match`.
    pub(crate) fn of(request: &Request) -> Self {
        Self {
            matches: request.header("if-match"),
            matches_none: request.header("if-none-match"),
        }
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.matches.is_none() && self.matches_none.is_none()
    }

    /// Refuses a change of what is no longer, or not yet, what the caller takes it for. `current` is what `GET` answers
    /// now; none where nothing is there.
    pub(crate) fn check(&self, current: Option<&Reply>) -> Result<()> {
        let tag = current.and_then(tag_of);
        // The comparison is strong: a weak tag says nothing about bytes (RFC 9110, 13.1.1).
        let matches =
            |list: &str, weak: bool| tag.as_ref().is_some_and(|tag| names(list, tag, weak));
        if self
            .matches
            .as_ref()
            .is_some_and(|list| !matches(list, false))
        {
            return Err(Error::new(ErrorKind::PreconditionFailed, CHANGED_MEANWHILE));
        }
        if self
            .matches_none
            .as_ref()
            .is_some_and(|list| matches(list, true))
        {
            return Err(Error::new(
                ErrorKind::PreconditionFailed,
                "It is there already as `If-None-Match` names it",
            ));
        }
        Ok(())
    }

    /// What became of a change whose guard found another state than the one that was checked.
    pub(crate) fn lost_race(&self, error: Error) -> Error {
        if self.is_empty() || error.kind() != ErrorKind::Conflict {
            return error;
        }
        Error::new(ErrorKind::PreconditionFailed, CHANGED_MEANWHILE)
    }

    /// Tags an answer to a `GET`, and leaves its body out where the caller has it already.
    pub(super) fn tag(&self, reply: Reply) -> Reply {
        let Some(tag) = tag_of(&reply) else {
            return reply;
        };
        let known = self.matches_none.as_deref();
        if known.is_some_and(|list| names(list, &tag, true)) {
            return Reply::empty(304, CachePolicy::Revalidate).with("etag", tag);
        }
        let tagged = Reply::new(reply.status, CachePolicy::Revalidate, reply.body);
        let others = reply.headers.into_iter();
        let mut tagged = tagged.with("etag", tag);
        tagged
            .headers
            .extend(others.filter(|(name, _)| *name != "cache-control"));
        tagged
    }
}

/// The tag of an answer that has a representation.
fn tag_of(reply: &Reply) -> Option<String> {
    match &reply.body {
        Body::Bytes(bytes) if reply.status == 200 => {
            let hash = hex::encode(Sha256::digest(bytes));
            Some(format!("\"{}\"", hash.get(..32)?))
        }
        _ => None,
    }
}

/// Whether a list of tags, or `*`, names this one.
fn names(list: &str, tag: &str, weak: bool) -> bool {
    list.split(',').map(str::trim).any(|known| {
        let known = match known.strip_prefix("W/") {
            Some(known) if weak => known,
            _ => known,
        };
        known == "*" || known == tag
    })
}
