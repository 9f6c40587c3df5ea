//! `HttpClient` over fetch. It sends one request and gives the answer as it is; redirects are the asker's to judge.

use async_trait::async_trait;
use js_sys::{Function, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::{AbortController, Headers, RequestCache, RequestInit, RequestRedirect, Response};

use crate::edge::body::{NativeBody, Sender};
use crate::edge::js;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::{HttpClient, InResponse, OutRequest};

/// Who we are when the asker does not say; GitHub refuses requests without it.
const USER_AGENT: &str = concat!("Repertoire/", env!("CARGO_PKG_VERSION"));

/// How long a host may take until its headers are here. fetch has no limit of its own,
/// and a silent host must not use up the 15 minutes of a queue batch.
const HEADERS_WITHIN_MS: u32 = 60_000;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch)]
    fn fetch(url: &str, init: &RequestInit) -> Result<Promise, JsValue>;

    #[wasm_bindgen(catch, js_name = setTimeout)]
    fn set_timeout(callback: &Function, milliseconds: u32) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, js_name = clearTimeout)]
    fn clear_timeout(timer: &JsValue) -> Result<(), JsValue>;
}

/// The network.
pub(super) struct Fetch;

#[async_trait(?Send)]
impl HttpClient for Fetch {
    async fn send(&self, request: OutRequest) -> Result<InResponse> {
        let host = host_of(&request.url).to_owned();
        let response = exchange(&request)
            .await
            .map_err(|thrown| unreachable_host(&host, &thrown))?;
        let mut headers = js::headers(&response.headers())?;
        if headers.iter().any(|(name, _)| name == "content-encoding") {
            // The body is decoded on its way to us: its encoding is gone and its length is another one.
            headers.retain(|(name, _)| name != "content-encoding" && name != "content-length");
        }
        Ok(InResponse {
            status: response.status(),
            headers,
            body: Box::new(NativeBody::new(response.body(), Sender::Host(host))),
        })
    }
}

async fn exchange(request: &OutRequest) -> Result<Response, JsValue> {
    let init = RequestInit::new();
    init.set_method(request.method);
    init.set_redirect(RequestRedirect::Manual);
    // Without it Cloudflare's own cache may answer for the host, and a list of refs would be of yesterday.
    init.set_cache(RequestCache::NoStore);
    let headers = Headers::new()?;
    for (name, value) in &request.headers {
        headers.append(name, value)?;
    }
    if !headers.has("user-agent")? {
        headers.set("user-agent", USER_AGENT)?;
    }
    init.set_headers_headers(&headers);
    if !request.body.is_empty() {
        init.set_body(&Uint8Array::from(request.body.as_slice()));
    }
    let controller = AbortController::new()?;
    init.set_signal(Some(&controller.signal()));
    let abort: Function = js::field(&controller, "abort").dyn_into()?;
    let timer = set_timeout(&abort.bind0(&controller), HEADERS_WITHIN_MS)?;
    let answer = js::settle(fetch(&request.url, &init)).await;
    clear_timeout(&timer)?;
    answer.map(JsCast::unchecked_into)
}

/// The host without credentials: `api.github.com` or `git.example.com:8443`.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host)
}

/// Names the host and never more of the address: the rest may hold a token, and so may what the platform says of it.
fn unreachable_host(host: &str, thrown: &JsValue) -> Error {
    let cause = js::describe(thrown);
    let cause = if cause.contains("://") {
        "the platform refused the request; its words hold the address"
    } else {
        cause.as_str()
    };
    Error::new(
        ErrorKind::Upstream { retryable: true },
        format!("`{host}` could not be reached"),
    )
    .because(cause)
}
