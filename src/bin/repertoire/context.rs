//! What every command has: the registry, the organisation, and the ways in which calls are made and answers are shown.

use std::env;
use std::fmt::Write;

use serde_json::{Map, Value};

use crate::arguments::Global;
use crate::calls::{Call, List, Method};
use crate::client::{Answer, Client, Question, encode};
use crate::failure::{Failure, Result};
use crate::output::Output;
use crate::profiles::Profiles;
use crate::secret::Secret;

/// A registry that somebody is signed in at.
pub(crate) struct Context<'a> {
    pub(crate) client: Client<'a>,
    pub(crate) output: &'a Output,
    organisation: Option<String>,
}

impl<'a> Context<'a> {
    /// By what was said on the command line and in the environment, else by the profile.
    pub(crate) fn new(global: &Global, output: &'a Output) -> Result<Self> {
        let profiles = Profiles::load()?;
        let named = profiles.find(global.profile.as_deref())?;
        let url = global.url.as_deref().map(normalize_url).transpose()?;
        let profile = match &url {
            None => named,
            // A token goes to the registry that it is of, and to no other.
            Some(url) => named
                .filter(|(_, profile)| profile.url == *url)
                .or_else(|| {
                    let all = profiles
                        .profiles
                        .iter()
                        .map(|(name, profile)| (name.as_str(), profile));
                    all.into_iter().find(|(_, profile)| profile.url == *url)
                }),
        };
        let profile = profile.map(|(_, profile)| profile);
        let given = match env::var("REPERTOIRE_TOKEN") {
            Ok(token) if !token.is_empty() => Some(Secret::parse(&token)?),
            _ => None,
        };
        let Some(url) = url.or_else(|| profile.map(|profile| profile.url.clone())) else {
            return Err(Failure::not_signed_in(
                "You are not signed in: `repertoire login`, or set REPERTOIRE_URL and REPERTOIRE_TOKEN",
            ));
        };
        let Some(token) = given.or_else(|| profile.map(|profile| profile.token.clone())) else {
            return Err(Failure::not_signed_in(format!(
                "You are not signed in at {url}: `repertoire login {url}`, or set REPERTOIRE_TOKEN"
            )));
        };
        let kept = profile.and_then(|profile| profile.organisation.clone());
        Ok(Self {
            client: Client::new(&url, Some(token), output),
            output,
            organisation: global.org.clone().or(kept),
        })
    }

    /// The organisation that this is about.
    pub(crate) fn organisation(&self) -> Result<&str> {
        self.organisation.as_deref().ok_or_else(|| {
            Failure::usage(
                "Say which organisation this is about by `--org`, or set REPERTOIRE_ORG; `repertoire orgs list` has them",
            )
        })
    }

    /// A call with these values in its path, behind the organisation where there is one.
    pub(crate) fn question(&self, call: Call, values: &[&str]) -> Result<Question<'static>> {
        let path = if call.is_of_organisation() {
            let mut all = vec![self.organisation()?];
            all.extend(values);
            call.path(&all)
        } else {
            call.path(values)
        };
        Ok(Question::new(call.method, path))
    }

    /// Makes a call without a body.
    pub(crate) fn call(&self, call: Call, values: &[&str]) -> Result<Answer> {
        self.client.send(&self.question(call, values)?)
    }

    /// Makes a call with a body.
    pub(crate) fn call_with(&self, call: Call, values: &[&str], body: &Value) -> Result<Answer> {
        let question = self.question(call, values)?.with_json(body);
        self.client.send(&question)
    }

    /// Makes a call and shows what is answered.
    pub(crate) fn run(&self, call: Call, values: &[&str]) -> Result {
        self.show(self.call(call, values)?)
    }

    /// Makes a call with a body and shows what is answered.
    pub(crate) fn run_with(&self, call: Call, values: &[&str], body: &Value) -> Result {
        self.show(self.call_with(call, values, body)?)
    }

    /// Reads what there is, and changes exactly that: who comes too late is told.
    pub(crate) fn change(&self, call: Call, values: &[&str], body: &Value) -> Result {
        if body.as_object().is_some_and(Map::is_empty) {
            return Err(Failure::usage(
                "Say what is to be changed; `--help` has the options",
            ));
        }
        let tag = self.tag(call, values)?;
        let mut question = self.question(call, values)?.with_json(body);
        question.if_match = tag;
        self.show(self.client.send(&question)?)
    }

    /// The entity tag of what is at the address of a call.
    fn tag(&self, call: Call, values: &[&str]) -> Result<Option<String>> {
        let answer = self.call(call.by(Method::Get), values)?;
        Ok(answer.header("etag").map(str::to_owned))
    }

    /// Shows an answer: as it came, or its fields.
    pub(crate) fn show(&self, mut answer: Answer) -> Result {
        let bytes = answer.bytes()?;
        if bytes.is_empty() {
            self.output.note("Done.");
            return Ok(());
        }
        if self.output.json {
            self.output.raw(&bytes)?;
            return self.output.raw(b"\n");
        }
        match serde_json::from_slice(&bytes) {
            Ok(value) => self.output.fields(&value),
            Err(_) => self.output.raw(&bytes),
        }
    }

    /// Shows a list, all of its pages or as many rows as are asked for.
    pub(crate) fn list(
        &self,
        list: &List,
        values: &[&str],
        query: &[(&str, Option<&str>)],
        limit: Option<usize>,
    ) -> Result {
        let rows = self.rows(list, values, query, limit)?;
        if self.output.json {
            return self.output.value(&Value::from(rows));
        }
        self.output.table(list.columns, &rows)
    }

    /// The rows of a list, page by page.
    pub(crate) fn rows(
        &self,
        list: &List,
        values: &[&str],
        query: &[(&str, Option<&str>)],
        limit: Option<usize>,
    ) -> Result<Vec<Value>> {
        let question = self.question(list.call, values)?;
        self.gather(question, list.rows, query, limit)
    }

    /// The rows of all pages of a question.
    pub(crate) fn gather(
        &self,
        question: Question<'_>,
        name: &str,
        query: &[(&str, Option<&str>)],
        limit: Option<usize>,
    ) -> Result<Vec<Value>> {
        let mut rows = Vec::new();
        let mut next: Option<String> = None;
        let path = question.path.clone();
        let mut question = question;
        loop {
            let mut all = query.to_vec();
            all.push(("cursor", next.as_deref()));
            question.path = format!("{path}{}", query_of(&all, path.contains('?')));
            let mut page = self.client.send(&question)?.json()?;
            let Some(Value::Array(found)) = page.get_mut(name).map(Value::take) else {
                return Err(Failure::failed(format!(
                    "The answer has no `{name}`; is this client older than the registry?"
                )));
            };
            rows.extend(found);
            let is_enough = limit.is_some_and(|limit| rows.len() >= limit);
            next = page.get("next").and_then(Value::as_str).map(str::to_owned);
            if is_enough || next.is_none() {
                break;
            }
        }
        rows.truncate(limit.unwrap_or(usize::MAX));
        Ok(rows)
    }
}

/// A query with what was given.
pub(crate) fn query_of(pairs: &[(&str, Option<&str>)], goes_on: bool) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        if let Some(value) = value {
            let sign = if text.is_empty() && !goes_on {
                '?'
            } else {
                '&'
            };
            let _ = write!(text, "{sign}{}={}", encode(name), encode(value));
        }
    }
    text
}

/// A body with what was given, and null for what is to be taken away.
pub(crate) fn body(given: Vec<(&str, Option<Value>)>, cleared: &[String]) -> Value {
    let given = given
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let cleared = cleared
        .iter()
        .map(|name| (name.replace('-', "_"), Value::Null));
    Value::Object(given.chain(cleared).collect())
}

/// A list that was given, if any of it was.
pub(crate) fn some_list(items: &[String]) -> Option<Value> {
    (!items.is_empty()).then(|| Value::from(items))
}

/// The address of a registry, without what stands behind it. `http://` is for this machine alone: a token would go over
/// the network for everybody to read.
pub(crate) fn normalize_url(text: &str) -> Result<String> {
    let text = text.trim().trim_end_matches('/');
    let text = text
        .strip_suffix("/api/v1")
        .unwrap_or(text)
        .trim_end_matches('/');
    let with_scheme = if text.contains("://") {
        text.to_owned()
    } else {
        format!("https://{text}")
    };
    let url: ureq::http::Uri = with_scheme.parse().map_err(|_| no_address(text))?;
    let host = url.host().unwrap_or_default();
    let is_here = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
    match url.scheme_str() {
        _ if host.is_empty() || url.query().is_some() => Err(no_address(text)),
        _ if url
            .authority()
            .is_some_and(|authority| authority.as_str().contains('@')) =>
        {
            Err(Failure::usage(
                "The address must hold no credentials; the token is asked for",
            ))
        }
        Some("https") => Ok(with_scheme),
        Some("http") if is_here => Ok(with_scheme),
        Some("http") => Err(Failure::usage(format!(
            "`{text}` is http, by which everybody on the way could read the token; write https://{host}"
        ))),
        _ => Err(no_address(text)),
    }
}

fn no_address(text: &str) -> Failure {
    Failure::usage(format!(
        "`{text}` is no address of a registry; write one such as https://packages.example.com"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_or_refused() {
        for (text, url) in [
            ("packages.example.com", Some("https://packages.example.com")),
            (
                "https://packages.example.com/api/v1/",
                Some("https://packages.example.com"),
            ),
            ("http://localhost:8787/", Some("http://localhost:8787")),
            ("http://127.0.0.1:8787", Some("http://127.0.0.1:8787")),
            ("http://packages.example.com", None),
            ("ftp://packages.example.com", None),
            ("https://user:secret@packages.example.com", None),
            ("", None),
        ] {
            assert_eq!(normalize_url(text).ok().as_deref(), url, "{text}");
        }
    }

    #[test]
    fn a_query_has_what_was_given() {
        let pairs = [("state", Some("a&b")), ("email", None), ("x", Some("1"))];
        assert_eq!(query_of(&pairs, false), "?state=a%26b&x=1");
        assert_eq!(query_of(&pairs, true), "&state=a%26b&x=1");
    }
}
