//! The DNS as a resolver tells it over HTTPS: TXT records, and what can be wrong with them.

use std::collections::BTreeMap;

use repertoire::error::{Error, ErrorKind, Result};
use repertoire::ports::OutRequest;
use serde_json::json;

use super::github::Answer;

const RESOLVER: &str = "https://cloudflare-dns.com/dns-query?";

/// What is wrong with the resolver or with the servers behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Illness {
    /// The servers of the name fail.
    ServersFail,
    /// What they say is not what was signed.
    Forged,
    /// They give this code.
    Code(u16),
    /// The resolver does not answer.
    Silent,
    /// It answers with this status.
    Status(u16),
    /// Its answer is this.
    Says(Vec<u8>),
}

#[derive(Default)]
pub(crate) struct DnsDouble {
    /// Texts by name.
    texts: BTreeMap<String, Vec<String>>,
    pub(crate) illness: Option<Illness>,
    /// The names that were asked for.
    pub(crate) asked: Vec<String>,
}

impl DnsDouble {
    /// Has a name have these TXT records and no others.
    pub(crate) fn set(&mut self, name: &str, texts: &[&str]) {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        self.texts.insert(name.to_owned(), texts);
    }

    /// Has a name not exist.
    pub(crate) fn forget(&mut self, name: &str) {
        self.texts.remove(name);
    }

    /// None when another host is asked.
    pub(crate) fn answer(&mut self, request: &OutRequest) -> Option<Result<Answer>> {
        let query = request.url.strip_prefix(RESOLVER)?;
        let accept = ("accept".to_owned(), "application/dns-json".to_owned());
        assert!(request.headers.contains(&accept), "{request:?}");
        let mut parameters = query.split('&').filter_map(|pair| pair.split_once('='));
        let (_, name) = parameters.next().unwrap();
        assert_eq!(parameters.next(), Some(("type", "TXT")));
        let validates = parameters.next() != Some(("cd", "1"));
        self.asked.push(name.to_owned());
        let code = |code: u16| Ok(Answer::new(200, json!({ "Status": code }).to_string()));
        Some(match &self.illness {
            Some(Illness::ServersFail) => code(2),
            Some(Illness::Forged) if validates => code(2),
            Some(Illness::Code(number)) => code(*number),
            Some(Illness::Silent) => Err(Error::new(
                ErrorKind::Upstream { retryable: true },
                "nobody there",
            )),
            Some(Illness::Status(status)) => Ok(Answer::new(*status, "{}")),
            Some(Illness::Says(body)) => Ok(Answer::new(200, body.clone())),
            Some(Illness::Forged) | None => match self.texts.get(name) {
                None => code(3),
                Some(texts) => {
                    // As if the name were another one's: the CNAME is in the answer as well.
                    let alias =
                        json!({"name": name, "type": 5, "TTL": 60, "data": "proof.example."});
                    let records = texts.iter().map(|text| {
                        let data = format!("\"{text}\"");
                        json!({"name": "proof.example.", "type": 16, "TTL": 60, "data": data})
                    });
                    let records: Vec<_> = std::iter::once(alias).chain(records).collect();
                    let answer = json!({"Status": 0, "TC": false, "Answer": records});
                    Ok(Answer::new(200, answer.to_string()))
                }
            },
        })
    }
}
