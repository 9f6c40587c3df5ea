//! The DNS, asked over HTTPS: TXT records of a name, as a resolver answers in JSON.

use crate::app::App;
use crate::domain::dns::{TxtAnswer, read_txt_answer};
use crate::error::Result;
use crate::ports::OutRequest;
use crate::providers::address::{Address, PrivateAddresses};
use crate::providers::outgoing::{Gateway, read_body};

/// The longest answer that is read. A name with hundreds of records has less.
const ANSWER_LIMIT: usize = 64 * 1024;

/// What became of asking for the TXT records of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TxtLook {
    /// The name has these; none where it does not exist, or has others only.
    Texts(Vec<String>),
    /// Nothing was found out. The sentence says why, and whose move it is.
    Failed(String),
}

/// Asks for the TXT records of a name. CNAMEs are followed by the resolver, which also validates by DNSSEC.
pub async fn find_texts(app: &App, name: &str) -> Result<TxtLook> {
    // The operator chose the resolver, so it may be anywhere.
    let resolver =
        Address::parse(&app.config.dns_resolver, PrivateAddresses::Allowed).map_err(|fault| {
            crate::error::Error::internal(format!("`DNS_RESOLVER` cannot be asked: {fault}"))
        })?;
    let look = match ask(app, &resolver, name, false).await {
        Err(why) => TxtLook::Failed(why),
        Ok(TxtAnswer::Texts(texts)) => TxtLook::Texts(texts),
        Ok(TxtAnswer::NoName) => TxtLook::Texts(Vec::new()),
        // Asked once more without validation, it tells the two kinds of failure apart.
        Ok(TxtAnswer::ServerFailed) => {
            TxtLook::Failed(match ask(app, &resolver, name, true).await {
                Ok(TxtAnswer::Texts(_) | TxtAnswer::NoName) => format!(
                    "What the name servers say of `{name}` fails validation by DNSSEC; mend the signatures of the zone, or \
                 its DS record"
                ),
                _ => format!(
                    "The name servers of `{name}` failed (SERVFAIL); try again later, or ask whoever runs its DNS"
                ),
            })
        }
        Ok(TxtAnswer::Refused(code)) => TxtLook::Failed(format!(
            "The name servers of `{name}` refused to answer ({code}); ask whoever runs its DNS"
        )),
        Ok(TxtAnswer::Unreadable) => TxtLook::Failed(format!(
            "What the resolver `{}` says of `{name}` cannot be read; that is no fault of yours, try again later",
            resolver.host()
        )),
    };
    Ok(look)
}

/// One question. An error is the sentence to show: the resolver is nobody's fault who reads it.
async fn ask(
    app: &App,
    resolver: &Address,
    name: &str,
    without_validation: bool,
) -> Result<TxtAnswer, String> {
    let failed = |what: String| {
        format!(
            "The resolver `{}` {what}; that is no fault of yours, try again later",
            resolver.host()
        )
    };
    let mark = if resolver.has_query() { '&' } else { '?' };
    let check = if without_validation { "&cd=1" } else { "" };
    let url = format!("{}{mark}name={name}&type=TXT{check}", resolver.url());
    let address = Address::parse(&url, PrivateAddresses::Allowed)
        .map_err(|fault| failed(format!("cannot be asked for `{name}`: {fault}")))?;
    let request = OutRequest {
        method: "GET",
        headers: vec![("accept".to_owned(), "application/dns-json".to_owned())],
        ..OutRequest::default()
    };
    let response = Gateway::of(app)
        .send(&address, request)
        .await
        .map_err(|error| {
            app.warn(&format!("The resolver was asked in vain: {error}"));
            failed("did not answer".to_owned())
        })?;
    if response.status != 200 {
        return Err(failed(format!("answered with status {}", response.status)));
    }
    let body = read_body(response, ANSWER_LIMIT, "The answer of the resolver")
        .await
        .map_err(|error| {
            app.warn(&format!("The resolver's answer could not be read: {error}"));
            failed("broke off, or answered too much".to_owned())
        })?;
    Ok(read_txt_answer(&body))
}
