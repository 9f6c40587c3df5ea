//! One request to the REST API of a host: where it goes, what it carries, and what a refusal means.

use std::cell::{Cell, RefCell};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::ports::{InResponse, OutRequest};

use super::address::Address;
use super::header;
use super::outgoing::{Gateway, read_body, read_message, upstream};

/// A page of 100 refs takes some 60 KB at GitHub. Others send the messages of commits and the notes of releases along.
const JSON_LIMIT: usize = 16 * 1024 * 1024;

/// Bitbucket Cloud's requests an hour, where an answer near the limit does not say.
const USUAL_ALLOWANCE: u64 = 1_000;

/// Milliseconds in an hour, for which what was asked counts, over the part of an allowance that is spread over it when it is
/// nearly spent. All else may have been asked for a moment ago. It is a sixth and not the fifth that is left, for messages
/// that are under way when the first of them hears of it.
const HOUR_OF_THE_REST: u64 = 6 * 3_600_000;

/// What is wanted of an endpoint.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// The host's JSON.
    Json,
    /// The bytes of a file.
    Raw,
    /// An archive as it is, not packed once more on its way.
    Archive,
}

/// What is a product's own.
pub(super) struct Dialect {
    /// The product's name, for messages.
    pub(super) name: &'static str,
    /// The value of `Accept`.
    pub(super) accept: fn(Want) -> &'static str,
    /// A refusal that means something else than its status says; none for the common meaning.
    pub(super) explain: fn(&str, &InResponse, Option<&str>) -> Option<Error>,
}

pub(super) struct Rest<'a> {
    gateway: Gateway<'a>,
    dialect: &'static Dialect,
    /// Without a trailing slash.
    base: String,
    address: Address,
    /// What goes along with every request.
    headers: Vec<(String, String)>,
    /// What no message may show.
    secret: String,
    renewal: Option<Renewal<'a>>,
    /// Milliseconds for which what was asked of an allowance that is nearly spent has to last.
    owed: Cell<u64>,
    /// Seconds for which the allowance of the REST API is spent, and no other one of the host's.
    spent: Cell<Option<u32>>,
}

/// Where another token comes from once a host takes the one there is no more: some live for an hour.
#[async_trait(?Send)]
pub trait TokenSource {
    /// Another token than this one, which was refused.
    async fn renew(&self, refused: &str) -> Result<String>;
}

struct Renewal<'a> {
    source: Box<dyn TokenSource + 'a>,
    /// What came in place of the first token.
    renewed: RefCell<Option<String>>,
}

/// The answer to one request.
pub(super) enum Asked {
    /// 200, or 304 where it was asked for conditionally; any success of what changes something.
    Answered(InResponse),
    /// Everything else.
    Refused(Refusal),
}

pub(super) struct Refusal {
    pub(super) status: u16,
    /// The host's own sentence.
    pub(super) message: Option<String>,
    pub(super) error: Error,
    headers: Vec<(String, String)>,
}

impl Refusal {
    /// Whether it is the allowance of this resource that is spent, and no other one of the host's.
    pub(super) fn limits_alone(&self, resource: &str) -> bool {
        let has = |name: &str, value: &str| header(&self.headers, name) == Some(value);
        has("x-ratelimit-resource", resource)
            && has("x-ratelimit-remaining", "0")
            && header(&self.headers, "retry-after").is_none()
    }
}

impl Asked {
    /// The answer, or the refusal as an error.
    pub(super) fn or_refusal(self) -> Result<InResponse> {
        match self {
            Self::Answered(response) => Ok(response),
            Self::Refused(refusal) => Err(refusal.error),
        }
    }

    /// The answer, none for a 404, or any other refusal as an error.
    pub(super) fn or_missing(self) -> Result<Option<InResponse>> {
        match self {
            Self::Answered(response) => Ok(Some(response)),
            Self::Refused(refusal) if refusal.status == 404 => Ok(None),
            Self::Refused(refusal) => Err(refusal.error),
        }
    }
}

impl<'a> Rest<'a> {
    /// The API at `base_url`. `authentication` is the header that shows `secret`.
    pub(super) fn new(
        gateway: Gateway<'a>,
        dialect: &'static Dialect,
        base_url: &str,
        authentication: (&str, String),
        secret: &str,
    ) -> Result<Self> {
        let address = gateway.address(base_url)?;
        if address.has_query() {
            return Err(Error::invalid("The base URL must have no query"));
        }
        let (name, value) = authentication;
        Ok(Self {
            gateway,
            dialect,
            base: address.url().trim_end_matches('/').to_owned(),
            address,
            headers: vec![
                (name.to_owned(), value),
                ("user-agent".to_owned(), "Repertoire".to_owned()),
            ],
            secret: secret.to_owned(),
            renewal: None,
            owed: Cell::new(0),
            spent: Cell::new(None),
        })
    }

    /// The same with a source of another bearer token for when the host answers 401.
    pub(super) fn renewing(mut self, source: Box<dyn TokenSource + 'a>) -> Self {
        let renewed = RefCell::default();
        self.renewal = Some(Renewal { source, renewed });
        self
    }

    /// The same with one more header in every request.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Milliseconds for which what was asked since the last call of an allowance that its host says is nearly spent has to
    /// last.
    pub(super) fn take_owed(&self) -> u64 {
        self.owed.take()
    }

    /// Seconds for which the allowance of the REST API is spent, and no other one of the host's, as it said since the last
    /// call.
    pub(super) fn take_spent(&self) -> Option<u32> {
        self.spent.take()
    }

    /// Bitbucket Cloud says when less than a fifth of an allowance is left, and to those alone who come with an access
    /// token.
    fn note_allowance(&self, response: &InResponse) {
        if response.header("x-ratelimit-nearlimit") != Some("true") {
            return;
        }
        let limit = response
            .header("x-ratelimit-limit")
            .and_then(|text| text.parse::<u64>().ok());
        let each = HOUR_OF_THE_REST.checked_div(limit.unwrap_or(USUAL_ALLOWANCE));
        let owed = self.owed.get().saturating_add(each.unwrap_or_default());
        self.owed.set(owed);
    }

    pub(super) fn host(&self) -> &str {
        self.address.host()
    }

    /// The URL of a path below the base.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Asks for a path below the base.
    pub(super) async fn get(&self, path: &str, want: Want) -> Result<Asked> {
        self.get_url(&self.url(path), want, None).await
    }

    /// Asks for a URL that the host itself gave us. The credentials go along, so that it must be on the same host.
    pub(super) async fn get_url(&self, url: &str, want: Want, etag: Option<&str>) -> Result<Asked> {
        let address = self
            .gateway
            .address(url)
            .map_err(|error| self.unreadable().because(error))?;
        if address.origin() != self.address.origin() {
            return Err(upstream(
                false,
                format!(
                    "`{}` sent us to `{}` for the next page; make that the base URL if it is right",
                    self.host(),
                    address.host()
                ),
            ));
        }
        let mut headers = self.headers.clone();
        let accept = (self.dialect.accept)(want);
        headers.push(("accept".to_owned(), accept.to_owned()));
        if want == Want::Archive {
            headers.push(("accept-encoding".to_owned(), "identity".to_owned()));
        }
        if let Some(etag) = etag {
            headers.push(("if-none-match".to_owned(), etag.to_owned()));
        }
        let request = OutRequest {
            method: "GET",
            headers,
            ..OutRequest::default()
        };
        let response = self.send(&address, request).await?;
        if response.status == 200 || (response.status == 304 && etag.is_some()) {
            return Ok(Asked::Answered(response));
        }
        Ok(Asked::Refused(self.refuse(response).await))
    }

    /// Sends JSON to a URL of the host's. What is asked for may be done twice without harm.
    pub(super) async fn post(&self, url: &str, body: &Value) -> Result<Asked> {
        self.write("POST", url, Some(body)).await
    }

    /// Asks for a change at a path below the base. A success of any number is an answer, and it may have no body.
    pub(super) async fn change(
        &self,
        method: &'static str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Asked> {
        self.write(method, &self.url(path), body).await
    }

    async fn write(&self, method: &'static str, url: &str, body: Option<&Value>) -> Result<Asked> {
        let address = self.gateway.address(url)?;
        let mut headers = self.headers.clone();
        let accept = (self.dialect.accept)(Want::Json);
        headers.push(("accept".to_owned(), accept.to_owned()));
        if body.is_some() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        let request = OutRequest {
            method,
            headers,
            body: body.map_or_else(Vec::new, |body| body.to_string().into_bytes()),
            ..OutRequest::default()
        };
        let response = self.send(&address, request).await?;
        if (200..300).contains(&response.status) {
            return Ok(Asked::Answered(response));
        }
        Ok(Asked::Refused(self.refuse(response).await))
    }

    async fn send(&self, address: &Address, request: OutRequest) -> Result<InResponse> {
        let response = self.send_shown(address, request).await?;
        self.note_allowance(&response);
        Ok(response)
    }

    /// Sends a request, and once more with another token when the host refuses the one there is and another can be had.
    async fn send_shown(&self, address: &Address, mut request: OutRequest) -> Result<InResponse> {
        let Some(renewal) = &self.renewal else {
            return self.gateway.send(address, request).await;
        };
        let renewed = renewal.renewed.borrow().clone();
        if let Some(token) = &renewed {
            show(&mut request, token);
        }
        let response = self.gateway.send(address, request.clone()).await?;
        if response.status != 401 || renewed.is_some() {
            return Ok(response);
        }
        let token = renewal.source.renew(&self.secret).await?;
        show(&mut request, &token);
        renewal.renewed.replace(Some(token));
        self.gateway.send(address, request).await
    }

    /// Reads an answer.
    pub(super) async fn json<T: DeserializeOwned>(&self, response: InResponse) -> Result<T> {
        let what = format!("The answer of {}", self.dialect.name);
        let bytes = read_body(response, JSON_LIMIT, &what).await?;
        serde_json::from_slice(&bytes).map_err(|error| self.unreadable().because(error))
    }

    pub(super) fn unreadable(&self) -> Error {
        upstream(
            false,
            format!(
                "`{}` answered with something else than {}'s API does; check the base URL",
                self.host(),
                self.dialect.name
            ),
        )
    }

    /// The date of a commit in UTC.
    pub(super) fn utc(&self, date: &str) -> Result<String> {
        let time: Timestamp = date.parse().map_err(|error| {
            upstream(
                false,
                format!("`{}` gave a commit without a valid date", self.host()),
            )
            .because(error)
        })?;
        // GitLab tells milliseconds, which no commit has.
        let whole = Timestamp::from_second(time.as_second()).unwrap_or(time);
        Ok(whole.to_string())
    }

    /// The bytes of a file of the project that the URL path below the base names; none when there is no such file.
    /// Who may not see the project could not have listed its refs, so that a 404 is about the file.
    pub(super) async fn read_file(
        &self,
        url: &str,
        path: &str,
        limit: usize,
    ) -> Result<Option<Vec<u8>>> {
        match self.get(url, Want::Raw).await?.or_missing()? {
            Some(response) => read_body(response, limit, &format!("The file `{path}`"))
                .await
                .map(Some),
            None => Ok(None),
        }
    }

    /// The archive of a commit at a path below the base. `or` is what else a 404 may mean.
    pub(super) async fn open_archive(
        &self,
        url: &str,
        commit: &str,
        or: &str,
    ) -> Result<InResponse> {
        let asked = self.get(url, Want::Archive).await?;
        asked.or_missing()?.ok_or_else(|| {
            Error::not_found(format!(
                "`{}` has no archive of commit `{commit}`; it may have been pushed over{or}",
                self.host()
            ))
        })
    }

    async fn refuse(&self, mut response: InResponse) -> Refusal {
        let message = read_message(&mut response, &self.secret).await;
        let common = self
            .gateway
            .refusal(self.host(), &response, message.as_deref());
        let own = if common.is_retryable() {
            None
        } else {
            (self.dialect.explain)(self.host(), &response, message.as_deref())
        };
        let wait = match common.kind() {
            ErrorKind::RateLimited { retry_after } => Some(retry_after),
            _ => None,
        };
        let refusal = Refusal {
            status: response.status,
            error: own.unwrap_or(common),
            message,
            headers: response.headers,
        };
        // GitHub's name for it.
        if refusal.limits_alone("core") {
            self.spent.set(wait);
        }
        refusal
    }
}

/// Puts a bearer token in place of the one that goes along.
fn show(request: &mut OutRequest, token: &str) {
    for (name, value) in &mut request.headers {
        if name == "authorization" {
            *value = format!("Bearer {token}");
        }
    }
}
