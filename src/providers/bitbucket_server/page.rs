//! One page of any list.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::Result;
use crate::ports::InResponse;
use crate::providers::rest::Rest;

#[derive(Deserialize)]
struct Told<T> {
    values: Vec<T>,
    #[serde(rename = "isLastPage", default)]
    is_last: bool,
    #[serde(rename = "nextPageStart")]
    next: Option<u64>,
}

/// What a page holds, and where the next one begins; none on the last.
pub(super) struct Page<T> {
    pub(super) values: Vec<T>,
    pub(super) next: Option<u64>,
}

/// Reads the page that began at `start`. One that is not the last and leads nowhere, or back, is no page: what is
/// behind it would look as if it were gone.
pub(super) async fn read<T: DeserializeOwned>(
    api: &Rest<'_>,
    response: InResponse,
    start: u64,
) -> Result<Page<T>> {
    let told: Told<T> = api.json(response).await?;
    let next = match told.next {
        _ if told.is_last => None,
        Some(next) if next > start => Some(next),
        _ => return Err(api.unreadable()),
    };
    Ok(Page {
        values: told.values,
        next,
    })
}
