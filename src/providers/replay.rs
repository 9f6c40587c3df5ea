//! An `HttpClient` for tests that answers from a script and fails the test on an unknown request.

use std::cell::RefCell;

use async_trait::async_trait;
use pollster::block_on;
use serde_json::{Value, json};

use crate::error::Result;
use crate::ports::{Buffered, Clock, HttpClient, InResponse, OutRequest};

use super::address::PrivateAddresses;
use super::outgoing::Gateway;
use super::{Credentials, GitHost, RefListing};

/// The time of all scripted tests.
pub(crate) const NOW: i64 = 1_790_000_000;

/// A clock that stands at [`NOW`].
pub(crate) struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> i64 {
        NOW
    }

    fn milliseconds(&self) -> i64 {
        NOW.saturating_mul(1_000)
    }
}

/// One scripted answer.
#[derive(Clone)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// An answer of that status with a body.
pub(crate) fn answer(status: u16, body: impl AsRef<[u8]>) -> Answer {
    Answer {
        status,
        headers: Vec::new(),
        body: body.as_ref().to_vec(),
    }
}

impl Answer {
    /// The same with a header.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// As a client gives it.
    pub(crate) fn response(self) -> InResponse {
        InResponse {
            status: self.status,
            headers: self.headers,
            body: Box::new(Buffered::new(self.body)),
        }
    }
}

/// 200 with JSON.
pub(crate) fn ok(value: &Value) -> Answer {
    answer(200, value.to_string())
}

/// A refusal with a sentence.
pub(crate) fn refused(status: u16, message: &str) -> Answer {
    answer(status, json!({ "message": message }).to_string())
}

/// A commit's id, a different one for each number.
pub(crate) fn commit(number: usize) -> String {
    format!("{number:040x}")
}

/// Credentials of a token alone.
pub(crate) fn token(text: &str) -> Credentials {
    Credentials::new(None, text)
}

/// The way out to a script.
pub(crate) fn gateway(client: &ReplayClient) -> Gateway<'_> {
    Gateway::new(client, &StoppedClock, PrivateAddresses::Refused)
}

/// Lists the refs of project 42, with the pages of an earlier listing; all of the script must be asked for.
pub(crate) fn list_refs(
    host: &dyn GitHost,
    client: &ReplayClient,
    known: &RefListing,
) -> Result<RefListing> {
    let known = known
        .pages
        .iter()
        .map(|page| (page.url.clone(), page.clone()))
        .collect();
    let listing = block_on(host.list_refs("42", &known));
    client.assert_done();
    listing
}

/// Answers each expected request once, in any order; the same URL twice in the order given.
#[derive(Default)]
pub(crate) struct ReplayClient {
    script: RefCell<Vec<(String, Result<Answer>)>>,
    seen: RefCell<Vec<OutRequest>>,
}

impl ReplayClient {
    /// Expects `GET <url>` and answers so.
    pub(crate) fn on(self, url: &str, answer: Answer) -> Self {
        self.script.borrow_mut().push((url.into(), Ok(answer)));
        self
    }

    /// Expects `GET <url>` and fails so.
    pub(crate) fn failing(self, url: &str, error: crate::error::Error) -> Self {
        self.script.borrow_mut().push((url.into(), Err(error)));
        self
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<OutRequest> {
        self.seen.borrow().clone()
    }

    /// One header of the request with that number.
    pub(crate) fn header(&self, request: usize, name: &str) -> Option<String> {
        self.seen()[request]
            .headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
    }

    /// Fails the test when an expected request was not sent.
    pub(crate) fn assert_done(&self) {
        let left: Vec<String> = self
            .script
            .borrow()
            .iter()
            .map(|(url, _)| url.clone())
            .collect();
        assert!(left.is_empty(), "never asked: {left:?}");
    }
}

#[async_trait(?Send)]
impl HttpClient for ReplayClient {
    async fn send(&self, request: OutRequest) -> Result<InResponse> {
        let mut script = self.script.borrow_mut();
        let Some(at) = script.iter().position(|(url, _)| *url == request.url) else {
            panic!("unexpected request: {} {}", request.method, request.url);
        };
        self.seen.borrow_mut().push(request);
        let (_, answer) = script.remove(at);
        answer.map(Answer::response)
    }
}
