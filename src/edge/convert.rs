//! The platform's request and response, from and to ours. Bodies that are stored go out as native streams:
//! through wasm they cost several times as much, and an archive would fill the isolate's memory.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};

use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;
use web_sys::{Headers, ReadableStream, Response};
use worker_sys::Context;

use crate::domain::blob::BlobHash;
use crate::edge::archive_cache;
use crate::edge::bindings::Bindings;
use crate::edge::body::NativeBody;
use crate::edge::js;
use crate::edge::kv::Kv;
use crate::edge::log::Console;
use crate::edge::r2::R2;
use crate::error::{Error, Result};
use crate::http::problem::archive_not_found;
use crate::http::{Body, CachePolicy, Reply, Request};
use crate::ports::observed::{Source, note, note_blob_read, note_cache_read};
use crate::ports::{Level, Log};

/// KV takes values of up to 25 MiB.
const LARGEST_COPY: u64 = 25 * 1024 * 1024;
/// How many refills an isolate remembers.
const REMEMBERED_REFILLS: usize = 1_000;
/// How many lists of headers an isolate remembers, of some 300 bytes each.
const REMEMBERED_HEADERS: usize = 1_000;

type OurHeaders = Vec<(&'static str, String)>;

thread_local! {
    static HEADERS: RefCell<HashMap<OurHeaders, Headers>> = RefCell::default();
    /// KV remembers absence as long as presence, so a place may go on denying a copy that was just left.
    /// An isolate refills each copy once, or every reader would pay for another write.
    static REFILLED: RefCell<VecDeque<BlobHash>> = const { RefCell::new(VecDeque::new()) };
}

#[wasm_bindgen(inline_js = r#"
// Neither a URL nor a header can have a line feed in it.
export function describe(request) {
  const { method, url, headers } = request;
  return `${method}\n${url}\n${headers.get("authorization") ?? ""}\n${headers.get("if-modified-since") ?? ""}`;
}
export function respond(status, headers, body) {
  return new Response(body, { status, headers });
}
"#)]
extern "C" {
    /// Method, address, credentials and condition, a line each: what nearly every answer looks at, for one crossing into
    /// JavaScript in place of six.
    fn describe(request: &web_sys::Request) -> String;

    /// A response, for one crossing in place of four.
    #[wasm_bindgen(catch)]
    fn respond(status: u16, headers: &Headers, body: &JsValue) -> Result<Response, JsValue>;
}

/// The platform's request as ours. Other headers and its body stay where they are until someone reads them.
pub(super) fn request(incoming: web_sys::Request) -> Request {
    let described = describe(&incoming);
    let mut lines = described.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (method, url) = (line().to_owned(), line());
    let (origin, path, query) = split(url);
    Request {
        method,
        origin: origin.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        body: Box::new(NativeBody::of_request(&incoming)),
        headers: Box::new(Incoming {
            authorization: line().to_owned(),
            condition: line().to_owned(),
            request: incoming,
        }),
    }
}

struct Incoming {
    /// Empty when there is none, as a header with nothing in it is.
    authorization: String,
    condition: String,
    request: web_sys::Request,
}

impl crate::http::Headers for Incoming {
    fn get(&self, name: &str) -> Option<String> {
        let known = match name {
            "authorization" => &self.authorization,
            "if-modified-since" => &self.condition,
            // It throws for what is no name of a header, and ours are.
            _ => return self.request.headers().get(name).ok().flatten(),
        };
        (!known.is_empty()).then(|| known.clone())
    }

    fn all(&self) -> Result<Vec<(String, String)>> {
        js::headers(&self.request.headers())
    }
}

/// The path of an address.
pub(super) fn path_of(url: &str) -> &str {
    split(url).1
}

/// Cuts `https://host/path?query#fragment` into origin, path and query.
fn split(url: &str) -> (&str, &str, &str) {
    let url = url.split_once('#').map_or(url, |(url, _)| url);
    let (url, query) = url.split_once('?').unwrap_or((url, ""));
    let host_start = url.find("://").map_or(0, |at| at.saturating_add(3));
    let path_start = url
        .get(host_start..)
        .and_then(|rest| rest.find('/'))
        .map_or(url.len(), |at| at.saturating_add(host_start));
    match url.split_at_checked(path_start) {
        Some((origin, path)) if !path.is_empty() => (origin, path, query),
        _ => (url, "/", query),
    }
}

/// Our reply as the platform's response. Never fails: what goes wrong is logged and answered with a 500, or a
/// 503 where storage is in trouble.
pub(super) async fn response(
    reply: Reply,
    method: &str,
    bindings: &Bindings,
    context: &Context,
) -> Result<Response, JsValue> {
    match send(&reply, method, bindings, context).await {
        Ok(response) => Ok(response),
        // Storage in trouble fails one request after the other.
        Err(error) if error.wait().is_some() => {
            bindings.app.warn_of_outage("storage", &error);
            refusal(&error)
        }
        Err(error) => failure(&error),
    }
}

/// Logs an error nobody below could answer, and answers it.
pub(super) fn failure(error: &Error) -> Result<Response, JsValue> {
    Console.line(Level::Error, &error.to_string());
    refusal(error)
}

fn refusal(error: &Error) -> Result<Response, JsValue> {
    // Composer prints the `warning` of a JSON body.
    let body = serde_json::json!({ "warning": error.message() });
    let reply = match error.wait() {
        Some(seconds) => Reply::json(503, &body).with("retry-after", seconds.to_string()),
        None => Reply::json(500, &body),
    };
    with_bytes(&reply)
}

fn with_bytes(reply: &Reply) -> Result<Response, JsValue> {
    let body = match &reply.body {
        Body::Bytes(bytes) => Uint8Array::from(bytes.as_slice()).into(),
        _ => JsValue::NULL,
    };
    make(reply, None, &body)
}

/// A plain 404, for the Worker that answers no requests.
pub(super) fn nothing_here() -> Result<Response, JsValue> {
    empty(&Reply::empty(404, CachePolicy::NoStore), None)
}

async fn send(
    reply: &Reply,
    method: &str,
    bindings: &Bindings,
    context: &Context,
) -> Result<Response> {
    let bodiless = method == "HEAD" || matches!(reply.status, 204 | 205 | 304);
    match &reply.body {
        Body::Bytes(_) if !bodiless => with_bytes(reply),
        Body::Document(hash) if !bodiless => {
            let stream = document(hash, bindings, context).await?;
            native(reply, None, &stream)
        }
        Body::Archive {
            key,
            copy,
            size,
            range,
        } if !bodiless => {
            // Behind a pointer, or the future of every request would have room for it.
            let archive = (key.as_str(), copy.as_str(), *size);
            return Box::pin(send_archive(reply, archive, *range, bindings, context)).await;
        }
        #[cfg(feature = "api")]
        Body::Asset(file) if !bodiless => match asset(file, bindings).await? {
            Some(stream) => native(reply, None, &stream),
            None => nothing_here(),
        },
        Body::Bytes(bytes) if method == "HEAD" => {
            let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            empty(reply, Some(length))
        }
        _ => empty(reply, None),
    }
    .map_err(js::failed("Response"))
}

/// An archive, given by key, by what tells its copies from others, and size: from the data centre's own cache where there is one, else from the blob store.
async fn send_archive(
    reply: &Reply,
    (key, copy, size): (&str, &str, u64),
    range: Option<(u64, u64)>,
    bindings: &Bindings,
    context: &Context,
) -> Result<Response> {
    let config = &bindings.app.config;
    let copy = config
        .caches_archives
        .then(|| archive_cache::address_of(&config.public_url, key, copy));
    if let Some(copy) = &copy {
        match archive_cache::find(copy, range).await {
            Ok(Some(stream)) => {
                note(|seen| seen.found(Source::Nearby));
                let length = range.map_or(size, |(_, length)| length);
                return native(reply, Some(length), &stream).map_err(js::failed("Response"));
            }
            Ok(None) => {}
            Err(error) => bindings.app.warn_of_outage("copies of archives", &error),
        }
    }
    let stored = bindings.blobs.stream(key, range).await;
    note_blob_read(matches!(stored, Ok(Some(_))));
    let Some(stored) = stored.map_err(Error::or_unavailable)? else {
        // Its version was deleted, and a copy of where it was is still about.
        Console.line(
            Level::Warning,
            &format!("The archive `{key}` is not in the blob store: its version was deleted, or it is lost"),
        );
        return with_bytes(&archive_not_found()).map_err(js::failed("Response"));
    };
    if let Some(copy) = copy.filter(|copy| archive_cache::is_to_be_left(copy, size)) {
        let leaving = archive_cache::leave(copy, bindings.blobs.clone(), key.to_owned());
        afterwards(context, leaving)?;
    }
    let length = range.map_or(stored.size, |(offset, length)| {
        length.min(stored.size.saturating_sub(offset))
    });
    native(reply, Some(length), &stored.stream).map_err(js::failed("Response"))
}

fn native(
    reply: &Reply,
    length: Option<u64>,
    stream: &ReadableStream,
) -> Result<Response, JsValue> {
    make(reply, length, stream)
}

fn empty(reply: &Reply, length: Option<u64>) -> Result<Response, JsValue> {
    make(reply, length, &JsValue::NULL)
}

fn make(reply: &Reply, length: Option<u64>, body: &JsValue) -> Result<Response, JsValue> {
    let headers = match length {
        // A cookie is somebody's, and never again the same.
        None if reply.headers.iter().any(|(name, _)| *name == "set-cookie") => {
            headers(&reply.headers)?
        }
        None => remembered_headers(&reply.headers)?,
        Some(length) => {
            let headers = headers(&reply.headers)?;
            headers.set("content-length", &length.to_string())?;
            headers
        }
    };
    respond(reply.status, &headers, body)
}

/// The same few headers go out again and again. A response copies them, so one native list serves all that are equal,
/// and its names and values need not cross into JavaScript each time.
fn remembered_headers(wanted: &OurHeaders) -> Result<Headers, JsValue> {
    if let Some(known) = HEADERS.with_borrow(|known| known.get(wanted).cloned()) {
        return Ok(known);
    }
    let headers = headers(wanted)?;
    HEADERS.with_borrow_mut(|known| {
        if known.len() >= REMEMBERED_HEADERS {
            known.clear();
        }
        known.insert(wanted.clone(), headers.clone());
    });
    Ok(headers)
}

fn headers(wanted: &OurHeaders) -> Result<Headers, JsValue> {
    let headers = Headers::new()?;
    for (name, value) in wanted {
        headers.append(name, value)?;
    }
    Ok(headers)
}

/// A file of the pages, as the build put it where the assets binding finds it.
#[cfg(feature = "api")]
async fn asset(file: &str, bindings: &Bindings) -> Result<Option<ReadableStream>> {
    let Some(assets) = &bindings.assets else {
        return Err(Error::internal(
            "the binding `ASSETS` is missing: deploy all Workers by `npm run deploy`",
        ));
    };
    // The host is not looked at.
    let request = web_sys::Request::new_with_str(&format!("https://assets.invalid/assets/{file}"))
        .map_err(js::failed("Request"))?;
    let response: Response = js::settle(assets.fetch(&request))
        .await
        .map_err(js::failed("ASSETS"))?
        .unchecked_into();
    if response.ok() {
        return Ok(response.body());
    }
    Console.line(
        Level::Error,
        &format!("The file `{file}` of the pages is missing: build and deploy anew"),
    );
    Ok(None)
}

/// A document from the cache, or else from the blob store; the cache is refilled after the answer.
async fn document(
    hash: &BlobHash,
    bindings: &Bindings,
    context: &Context,
) -> Result<ReadableStream> {
    let copy = bindings.cache.stream(&hash.cache_key()).await;
    note_cache_read(matches!(copy, Ok(Some(_))));
    match copy {
        Ok(Some(stream)) => return Ok(stream),
        Ok(None) => {}
        // The truth is elsewhere: a cache in trouble costs time, not the answer.
        Err(error) => bindings.app.warn_of_outage("the cache", &error),
    }
    let stored = bindings.blobs.stream(&hash.blob_key(), None).await;
    note_blob_read(matches!(stored, Ok(Some(_))));
    let stored = stored
        .map_err(Error::or_unavailable)?
        .ok_or_else(|| lost(&format!("the document `{hash}`")))?;
    if stored.size <= LARGEST_COPY && remember_refill(hash) {
        let refill = refill(hash.clone(), bindings.cache.clone(), bindings.blobs.clone());
        afterwards(context, refill)?;
    }
    Ok(stored.stream)
}

/// Has something done after the answer; what goes wrong is logged.
fn afterwards(context: &Context, work: impl Future<Output = Result<()>> + 'static) -> Result<()> {
    let promise = wasm_bindgen_futures::future_to_promise(async move {
        if let Err(error) = work.await {
            Console.line(Level::Warning, &error.to_string());
        }
        Ok(JsValue::UNDEFINED)
    });
    context
        .wait_until(&promise)
        .map_err(js::failed("waitUntil"))
}

/// Reads the blob a second time: splitting the first stream would keep in memory what the slower reader has not read.
async fn refill(hash: BlobHash, cache: Kv, blobs: R2) -> Result<()> {
    match blobs.stream(&hash.blob_key(), None).await? {
        Some(stored) => cache.put_stream(&hash.cache_key(), &stored.stream).await,
        None => Ok(()),
    }
}

/// Whether this isolate has not refilled it yet.
fn remember_refill(hash: &BlobHash) -> bool {
    REFILLED.with_borrow_mut(|refilled| {
        if refilled.contains(hash) {
            return false;
        }
        if refilled.len() >= REMEMBERED_REFILLS {
            refilled.pop_front();
        }
        refilled.push_back(hash.clone());
        true
    })
}

fn lost(what: &str) -> Error {
    Error::internal(format!(
        "{what} is named by the database but is not in the blob store"
    ))
}
