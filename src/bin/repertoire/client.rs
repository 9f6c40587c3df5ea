//! One call of the API at a time, made again where that does no harm.

use std::io::Read;
use std::thread::sleep;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body, RequestBuilder};

use crate::calls::Method;
use crate::failure::{Failure, Result};
use crate::output::Output;
use crate::secret::Secret;

/// How often a call is made before it is given up.
const ATTEMPTS: u32 = 4;
/// A longer pause is told, and not waited for.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
const CONNECT: Duration = Duration::from_secs(15);
/// Adding a connection has the registry ask a git host a few times, which may take its time.
const ANSWER: Duration = Duration::from_mins(2);
/// More is no answer of the API.
const LONGEST_ANSWER: u64 = 256 * 1024 * 1024;
/// What may stand in a segment of a path as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A text as a segment of a path, or as a value of a query.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// The registry, with a token for it.
pub(crate) struct Client<'a> {
    agent: Agent,
    url: String,
    token: Option<Secret>,
    output: &'a Output,
}

/// What is asked.
pub(crate) struct Question<'a> {
    pub(crate) method: Method,
    /// From the root of the registry, with the query.
    pub(crate) path: String,
    pub(crate) body: Option<(&'a str, Vec<u8>)>,
    /// What it was when it was read: a change is made to that and to nothing else.
    pub(crate) if_match: Option<String>,
}

impl Question<'_> {
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            body: None,
            if_match: None,
        }
    }

    pub(crate) fn with_json(mut self, body: &Value) -> Self {
        self.body = Some(("application/json", body.to_string().into_bytes()));
        self
    }

    /// Whether it may be made again when nobody knows whether the first came through. A `POST` has a key for that.
    fn is_repeatable(&self) -> bool {
        match self.method {
            Method::Get | Method::Post => true,
            Method::Put | Method::Delete => self.if_match.is_none(),
            Method::Patch => false,
        }
    }
}

/// What the registry answered, with a status below 400.
pub(crate) struct Answer {
    pub(crate) response: Response<Body>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// The body as it comes.
    pub(crate) fn reader(&mut self) -> impl Read {
        self.response
            .body_mut()
            .with_config()
            .limit(LONGEST_ANSWER)
            .reader()
    }

    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>> {
        let body = self.response.body_mut().with_config().limit(LONGEST_ANSWER);
        body.read_to_vec()
            .map_err(|error| Failure::unreachable(format!("The answer broke off: {error}")))
    }

    pub(crate) fn json(&mut self) -> Result<Value> {
        let bytes = self.bytes()?;
        serde_json::from_slice(&bytes).map_err(|_| {
            Failure::failed("The answer is no JSON; is this the address of a registry?")
        })
    }
}

impl<'a> Client<'a> {
    pub(crate) fn new(url: &str, token: Option<Secret>, output: &'a Output) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // A token goes to the address that somebody named, and to no other.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER))
            .timeout_recv_body(Some(ANSWER))
            .user_agent(concat!("repertoire/", env!("CARGO_PKG_VERSION")));
        Self {
            agent: config.build().new_agent(),
            url: url.to_owned(),
            token,
            output,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Makes a call, and makes it again after a pause that the registry asks for, or when it could not be reached.
    pub(crate) fn send(&self, question: &Question<'_>) -> Result<Answer> {
        // The same key for all attempts: the registry does the thing once, and answers the same again.
        let key = match question.method {
            Method::Post => Some(random_key()?),
            _ => None,
        };
        let mut was_lost = false;
        let mut attempt = 1;
        loop {
            let (failure, pause) = match self.send_once(question, key.as_deref()) {
                Ok(response) if response.status().is_redirection() => {
                    return Err(elsewhere(&response));
                }
                Ok(response) if response.status().as_u16() < 400 => {
                    return Ok(Answer { response });
                }
                Ok(response) => {
                    let status = response.status().as_u16();
                    let after = retry_after(&response);
                    // It was removed by the attempt whose answer was lost.
                    if status == 404 && was_lost && question.method == Method::Delete {
                        return Ok(Answer {
                            response: response.map(|_| Body::builder().data("")),
                        });
                    }
                    let mut answer = Answer { response };
                    let failure = Failure::of_answer(status, &answer.bytes().unwrap_or_default());
                    let is_busy = failure.code() == Some("idempotency_key_in_use");
                    if !(matches!(status, 429 | 503) || is_busy) {
                        return Err(failure);
                    }
                    (failure, after.unwrap_or(backoff(attempt)))
                }
                Err(error) => {
                    let failure =
                        Failure::unreachable(format!("{} cannot be reached: {error}", self.url));
                    // Nobody is there, or the name is wrong: nothing that passes while somebody waits.
                    if never_left(&error) {
                        return Err(failure);
                    }
                    if !question.is_repeatable() {
                        return Err(Failure {
                            message: format!(
                                "{}\nWhether the change was made is not known; look before you make it again",
                                failure.message
                            ),
                            ..failure
                        });
                    }
                    was_lost = true;
                    (failure, backoff(attempt))
                }
            };
            if attempt >= ATTEMPTS || pause > LONGEST_PAUSE {
                return Err(failure);
            }
            self.output.note(&format!(
                "{}; trying again in {} s",
                failure.message.lines().next().unwrap_or_default(),
                pause.as_secs()
            ));
            sleep(pause);
            attempt = attempt.saturating_add(1);
        }
    }

    fn send_once(
        &self,
        question: &Question<'_>,
        key: Option<&str>,
    ) -> Result<Response<Body>, ureq::Error> {
        let url = format!("{}{}", self.url, question.path);
        let body = question.body.as_ref().map(|(_, bytes)| bytes.as_slice());
        let agent = &self.agent;
        match (question.method, body) {
            (Method::Get, _) => self.dress(agent.get(url), question, key).call(),
            (Method::Delete, None) => self.dress(agent.delete(url), question, key).call(),
            (method, body) => {
                let request = match method {
                    Method::Post => agent.post(url),
                    Method::Put => agent.put(url),
                    Method::Patch => agent.patch(url),
                    // A deletion that is confirmed has a body.
                    Method::Get | Method::Delete => agent.delete(url).force_send_body(),
                };
                let request = self.dress(request, question, key);
                request.send(body.unwrap_or_default())
            }
        }
    }

    fn dress<Kind>(
        &self,
        mut request: RequestBuilder<Kind>,
        question: &Question<'_>,
        key: Option<&str>,
    ) -> RequestBuilder<Kind> {
        let token = self.token.as_ref();
        let headers = [
            (
                "authorization",
                token.map(|token| format!("Bearer {}", token.reveal())),
            ),
            (
                "content-type",
                question.body.as_ref().map(|(kind, _)| (*kind).to_owned()),
            ),
            ("if-match", question.if_match.clone()),
            ("idempotency-key", key.map(str::to_owned)),
        ];
        for (name, value) in headers {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        request
    }
}

/// Whether the registry did not get anything of a call.
fn never_left(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::BadUri(_)
        | ureq::Error::Http(_)
        | ureq::Error::Tls(_)
        | ureq::Error::Rustls(_) => true,
        ureq::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        _ => false,
    }
}

fn elsewhere(response: &Response<Body>) -> Failure {
    let place = response.headers().get("location");
    let place = place
        .and_then(|place| place.to_str().ok())
        .unwrap_or("another address");
    Failure::failed(format!(
        "The registry says that it is at {place}; sign in there, if that is right"
    ))
}

fn retry_after(response: &Response<Body>) -> Option<Duration> {
    let text = response.headers().get("retry-after")?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

/// One second, two, four.
fn backoff(attempt: u32) -> Duration {
    Duration::from_secs(1_u64.checked_shl(attempt.saturating_sub(1)).unwrap_or(1))
}

fn random_key() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::failed(format!("The system gives no random bytes: {error}")))?;
    Ok(hex::encode(bytes))
}
