//! Pages of lists: `?limit=` rows, and `next`, an opaque cursor that leads to the page after.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{Error, Result};
use crate::http::request::Request;

/// Rows in a page that is not asked to be shorter; no page is longer.
const LONGEST: i64 = 100;

/// The page that a request asks for.
pub(crate) struct Page {
    /// The key of the row before it.
    after: Option<String>,
    limit: i64,
}

impl Page {
    /// Reads `cursor` and `limit` of the query.
    pub(crate) fn of(request: &Request) -> Result<Self> {
        let limit = match request.query_parameter("limit") {
            None => LONGEST,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=LONGEST).contains(limit))
                .ok_or_else(|| {
                    Error::bad_value(
                        "?limit",
                        format!("`limit` must be a number from 1 to {LONGEST}"),
                    )
                })?,
        };
        let after = match request.query_parameter("cursor") {
            None => None,
            Some(cursor) => Some(decode(&cursor).ok_or_else(foreign)?),
        };
        Ok(Self { after, limit })
    }

    /// The same page with so many rows at most.
    #[must_use]
    pub(crate) fn at_most(self, limit: i64) -> Self {
        Self {
            limit: self.limit.min(limit),
            ..self
        }
    }

    /// The first page, of so many rows.
    pub(crate) fn first(limit: usize) -> Self {
        Self {
            after: None,
            limit: i64::try_from(limit).unwrap_or(LONGEST).min(LONGEST),
        }
    }

    /// The key of the row before the page, where the list goes by texts.
    pub(crate) fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// The same where it goes by numbers.
    pub(crate) fn after_number(&self) -> Result<Option<i64>> {
        let after = self.after.as_deref();
        after
            .map(|text| text.parse().map_err(|_| foreign()))
            .transpose()
    }

    /// The same where it goes by Unix seconds and then ids. A key that is none of these begins anew.
    pub(crate) fn after_moment(&self) -> Option<(i64, &str)> {
        let (time, id) = self.after()?.split_once('\n')?;
        Some((time.parse().ok()?, id))
    }

    /// How many rows to look for: one more than there will be, which tells whether there is another page.
    pub(crate) fn rows(&self) -> i64 {
        self.limit.saturating_add(1)
    }

    /// Takes the row too many away, and gives the cursor to the page after this one, if there is one.
    pub(crate) fn cut<T>(
        &self,
        rows: &mut Vec<T>,
        key: impl FnOnce(&T) -> String,
    ) -> Option<String> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        if rows.len() <= limit {
            return None;
        }
        rows.truncate(limit);
        rows.last().map(|row| cursor(&key(row)))
    }
}

/// The key of a row of a list that goes by Unix seconds and then ids.
pub(crate) fn moment_key(time: i64, id: &str) -> String {
    format!("{time}\n{id}")
}

/// The cursor to what comes after the row with that key.
pub(crate) fn cursor(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(key)
}

fn decode(cursor: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    String::from_utf8(bytes).ok()
}

fn foreign() -> Error {
    Error::bad_value(
        "?cursor",
        "`cursor` is none of ours; give the `next` of the answer before, or none to begin with",
    )
}
