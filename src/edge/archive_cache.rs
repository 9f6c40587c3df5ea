//! Copies of archives near the reader, in the platform's Cache API, where the operator wants them (`CACHE_ARCHIVES`).
//!
//! What is kept are an archive's bytes, never an answer to somebody: who may have them was decided before they are looked for
//! here, and no header of an answer is kept. They lie in a cache of its own, which no request from outside is matched against,
//! below a name with the archive's SHA-256 in it, and with the number of deletions that its organisation has seen: a copy from
//! before a deletion is not looked for any more.
//!
//! Source: Cloudflare docs, Workers runtime APIs, Cache. On an address of `workers.dev` the platform keeps nothing.

use std::cell::RefCell;
use std::collections::VecDeque;

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use web_sys::{ReadableStream, Response};

use crate::edge::js;
use crate::edge::r2::R2;
use crate::error::{Error, Result};

/// The platform keeps nothing that is larger.
const LARGEST: u64 = 512 * 1024 * 1024;
/// How many archives an isolate remembers to have left a copy of.
const REMEMBERED: usize = 1_000;

thread_local! {
    /// A place may drop a copy at once, or keep none at all. An isolate leaves each once, or every reader would pay for
    /// another read of the blob store.
    static LEFT: RefCell<VecDeque<String>> = const { RefCell::new(VecDeque::new()) };
}

#[wasm_bindgen(inline_js = r#"
const name = "repertoire-archives";
export async function findCopy(address, range) {
  const cache = await caches.open(name);
  return cache.match(new Request(address, range ? { headers: { range } } : {}));
}
export async function leaveCopy(address, body) {
  const cache = await caches.open(name);
  // Thirty days: so long what was deleted may still lie there, out of anybody's reach.
  await cache.put(address, new Response(body, { headers: { "cache-control": "public, max-age=2592000" } }));
}
"#)]
extern "C" {
    #[wasm_bindgen(js_name = findCopy)]
    fn find_copy(address: &str, range: &str) -> Promise;

    #[wasm_bindgen(js_name = leaveCopy)]
    fn leave_copy(address: &str, body: &ReadableStream) -> Promise;
}

/// The address of a copy: on the registry's own host, since the platform looks up the host of whatever it is asked for.
pub(super) fn address_of(public_url: &str, key: &str, copy: &str) -> String {
    format!("{public_url}/.archives/{key}?{copy}")
}

/// The copy of an archive, or `(offset, length)` of it, as a native stream.
pub(super) async fn find(
    address: &str,
    range: Option<(u64, u64)>,
) -> Result<Option<ReadableStream>> {
    let (header, expected) = match range {
        None => (String::new(), 200),
        // The blob store answers it as it answers an empty range.
        Some((_, 0)) => return Ok(None),
        Some((offset, length)) => {
            let last = offset.saturating_add(length).saturating_sub(1);
            (format!("bytes={offset}-{last}"), 206)
        }
    };
    let found = js::settle(Ok(find_copy(address, &header)))
        .await
        .map_err(js::unavailable("Cache match"))?;
    if found.is_undefined() {
        return Ok(None);
    }
    let response: Response = found.unchecked_into();
    // A copy that is not told in parts is of no use to whoever wants one.
    if response.status() != expected {
        return Ok(None);
    }
    Ok(response.body())
}

/// Whether this isolate is to leave a copy, which it does once.
pub(super) fn is_to_be_left(address: &str, size: u64) -> bool {
    if size > LARGEST {
        return false;
    }
    LEFT.with_borrow_mut(|left| {
        if left.iter().any(|known| known == address) {
            return false;
        }
        if left.len() >= REMEMBERED {
            left.pop_front();
        }
        left.push_back(address.to_owned());
        true
    })
}

/// Leaves a copy. The archive is read a second time: splitting the stream that goes to the client would keep in memory
/// whatever the slower of the two has not read.
pub(super) async fn leave(address: String, blobs: R2, key: String) -> Result<()> {
    let Some(stored) = blobs.stream(&key, None).await? else {
        return Ok(());
    };
    js::settle(Ok(leave_copy(&address, &stored.stream)))
        .await
        .map(drop)
        .map_err(|thrown| Error::unavailable(format!("Cache put: {}", js::describe(&thrown))))
}
