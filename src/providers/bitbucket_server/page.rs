//! One page of any list.

use serde_json::Value;

use crate::error::Result;
use crate::ports::InResponse;
use crate::providers::fields::{flag, items};
use crate::providers::rest::Rest;

/// What a page holds, and where the next one begins; none on the last.
pub(super) struct Page {
    pub(super) values: Vec<Value>,
    pub(super) next: Option<u64>,
}

/// Reads the page that began at `start`. One that is not the last and leads nowhere, or back, is no page: what is
/// behind it would look as if it were gone.
pub(super) async fn read(api: &Rest<'_>, response: InResponse, start: u64) -> Result<Page> {
    let told: Value = api.json(response).await?;
    let values = items(&told, "/values").ok_or_else(|| api.unreadable())?;
    let next = told.get("nextPageStart").and_then(Value::as_u64);
    let next = match next {
        _ if flag(&told, "/isLastPage") => None,
        Some(next) if next > start => Some(next),
        _ => return Err(api.unreadable()),
    };
    Ok(Page {
        values: values.to_vec(),
        next,
    })
}
