//! What a form sends, once it is known to come from a page of ours.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::error::{Error, ErrorKind, FieldFault, Result};
use crate::http::request::{Request, form_pairs};

/// The largest form, in bytes: a list of some thousand names.
pub(crate) const FORM_LIMIT: usize = 64 * 1024;
/// The most fields of a form.
const MOST_FIELDS: usize = 2_000;
/// The name of the field that says that the form is ours.
const CSRF_FIELD: &str = "csrf";
/// What is signed; another text makes all forms that are open somewhere invalid.
const CSRF_TEXT: &[u8] = b"repertoire form 1";

/// What each form carries, derived from the secret of the browser's cookie: who cannot read that cookie cannot know it.
pub(crate) fn csrf_token(secret: &str) -> String {
    // A key of any length is one.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(CSRF_TEXT);
    hex::encode(mac.finalize().into_bytes())
}

/// The fields of a form that was sent.
#[derive(Debug, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads the form of a request, and refuses what no page of ours sent: `csrf` must be what [`csrf_token`] gives for the
    /// browser's secret, and where the browser says from which origin the form was sent, it must be this one.
    pub(crate) async fn read(
        request: &mut Request,
        secret: Option<&str>,
        public_url: &str,
    ) -> Result<Self> {
        if !is_same_site(request, public_url) {
            return Err(stale("This form was sent from another site"));
        }
        let kind = request.header("content-type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Error::invalid(
                "A form is sent as `application/x-www-form-urlencoded`",
            ));
        }
        let bytes = request.bytes(FORM_LIMIT).await?;
        let text = String::from_utf8(bytes)
            .map_err(|error| Error::invalid("The form is no UTF-8").because(error))?;
        let fields: Vec<_> = form_pairs(&text)
            .take(MOST_FIELDS.saturating_add(1))
            .collect();
        if fields.len() > MOST_FIELDS {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("The form has more than {MOST_FIELDS} fields"),
            ));
        }
        let form = Self(fields);
        let given = form.text(CSRF_FIELD);
        let is_ours = secret.is_some_and(|secret| {
            bool::from(csrf_token(secret).as_bytes().ct_eq(given.as_bytes()))
        });
        if is_ours {
            Ok(form)
        } else {
            Err(stale("This form is from before you signed in or out"))
        }
    }

    /// The first value of a field, without white space around it; empty when it is not there.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The same as it was typed: for passwords, of which nothing is cut off.
    pub(crate) fn raw(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// The first value of a field, when there is something in it.
    pub(crate) fn optional(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|value| !value.is_empty())
    }

    /// All values of a field: boxes of one name that were ticked.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| value.trim())
    }

    /// Whether a box was ticked.
    pub(crate) fn is_ticked(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }
}

/// What is wrong with the fields of a form, to be shown beside each; a fault of no field stands above the form.
#[derive(Debug, Default, Clone)]
pub(crate) struct Faults(Vec<(String, String)>);

impl Faults {
    /// None yet.
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// Of an error of a handler, if somebody who filled in a form can do something about it: what is wrong, in conflict or
    /// over a limit. Other errors go on.
    pub(crate) fn of(error: Error) -> Result<Self> {
        match error.kind() {
            ErrorKind::Invalid
            | ErrorKind::Conflict
            | ErrorKind::QuotaExceeded(_)
            | ErrorKind::TooLarge
            | ErrorKind::RateLimited { .. }
            | ErrorKind::CredentialRefused
            | ErrorKind::ProjectWithheld
            | ErrorKind::Upstream { .. } => {}
            _ => return Err(error),
        }
        if error.fields().is_empty() {
            return Ok(Self(vec![(String::new(), error.message().to_owned())]));
        }
        let fault = |fault: &FieldFault| (field_name(&fault.field), fault.detail.clone());
        Ok(Self(error.fields().iter().map(fault).collect()))
    }

    /// The same, where one field of the form stands for all entries of a list: `packages.0` is what is wrong with `packages`.
    #[must_use]
    pub(crate) fn by_list(self) -> Self {
        let first = |(field, message): (String, String)| {
            let list = field.split('.').next().unwrap_or_default().to_owned();
            (list, message)
        };
        Self(self.0.into_iter().map(first).collect())
    }

    /// Notes one.
    pub(crate) fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push((field.to_owned(), message.into()));
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong with a field.
    pub(crate) fn at(&self, field: &str) -> Option<String> {
        let found = self.0.iter().find(|(known, _)| known == field);
        found.map(|(_, message)| message.clone())
    }

    /// The same where a form is about one part of what was sent: what is wrong with `items.0.name` is so with `name`.
    #[must_use]
    pub(crate) fn below(self, part: &str) -> Self {
        let strip = |field: String| {
            let below = field
                .strip_prefix(part)
                .and_then(|rest| rest.strip_prefix('.'));
            below.map_or_else(|| field.clone(), str::to_owned)
        };
        let faults = self.0.into_iter();
        Self(
            faults
                .map(|(field, message)| (strip(field), message))
                .collect(),
        )
    }

    /// What is wrong with none of these fields, so that no fault is lost.
    pub(crate) fn besides(&self, fields: &[&str]) -> Vec<String> {
        self.0
            .iter()
            .filter(|(field, _)| !fields.contains(&field.as_str()))
            .map(|(_, message)| message.clone())
            .collect()
    }
}

/// The name of a field for the JSON pointer of its value: `/terms/name` is `terms.name`.
fn field_name(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

fn stale(why: &str) -> Error {
    Error::new(
        ErrorKind::Forbidden,
        format!("{why}, so nothing was done. Go back, load the page anew and send it again"),
    )
}

/// Whether the browser says that the request is from a page of this host, or says nothing of it.
fn is_same_site(request: &Request, public_url: &str) -> bool {
    let from_here = request
        .header("sec-fetch-site")
        .is_none_or(|site| site == "same-origin");
    let host = |url: &str| url.split_once("://").map(|(_, host)| host.to_owned());
    let of_here = request.header("origin").is_none_or(|origin| {
        // A proxy may speak http to us; the host it cannot change.
        host(&origin).is_some_and(|given| {
            given.eq_ignore_ascii_case(request.host())
                || host(public_url).is_some_and(|own| {
                    let own = own.split('/').next().unwrap_or_default();
                    given.eq_ignore_ascii_case(own)
                })
        })
    });
    from_here && of_here
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::Buffered;

    fn send(headers: &[(&str, &str)], body: &str, secret: Option<&str>) -> Result<Form> {
        let mut all = vec![(
            "content-type".to_owned(),
            "application/x-www-form-urlencoded; charset=utf-8".to_owned(),
        )];
        let given = headers.iter();
        all.extend(given.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let mut request = Request {
            method: "POST".to_owned(),
            origin: "https://a.b".to_owned(),
            path: "/ui/x".to_owned(),
            query: String::new(),
            headers: Box::new(all),
            body: Box::new(Buffered::new(body.as_bytes().to_vec())),
        };
        pollster::block_on(Form::read(&mut request, secret, "https://c.d"))
    }

    #[test]
    fn only_who_knows_the_secret_of_the_cookie_sends_a_form() {
        let body = format!("csrf={}&name=+Ada+&tick=", csrf_token("s"));
        let form = send(&[], &body, Some("s")).unwrap();
        assert_eq!((form.text("name"), form.raw("name")), ("Ada", " Ada "));
        assert!(form.is_ticked("tick") && !form.is_ticked("tock"));
        for (body, secret) in [
            (body.as_str(), None),
            (&body, Some("t")),
            ("name=x", Some("s")),
            ("csrf=&name=x", Some("s")),
        ] {
            let error = send(&[], body, secret).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Forbidden, "{body}");
        }
    }

    #[test]
    fn a_form_of_another_site_is_refused_whatever_it_knows() {
        let body = format!("csrf={}", csrf_token("s"));
        for (name, value, is_let_in) in [
            ("origin", "https://a.b", true),
            ("origin", "http://A.B", true),
            ("origin", "https://c.d", true),
            ("origin", "https://evil.example", false),
            ("origin", "null", false),
            ("sec-fetch-site", "same-origin", true),
            ("sec-fetch-site", "same-site", false),
            ("sec-fetch-site", "cross-site", false),
            ("sec-fetch-site", "none", false),
        ] {
            let sent = send(&[(name, value)], &body, Some("s"));
            assert_eq!(sent.is_ok(), is_let_in, "{name}: {value}");
        }
    }

    #[test]
    fn a_form_has_its_limits() {
        let large = format!("csrf={}&x={}", csrf_token("s"), "y".repeat(FORM_LIMIT));
        let error = send(&[], &large, Some("s")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        let many = "a=&".repeat(MOST_FIELDS + 1);
        let error = send(&[], &many, Some("s")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        let error = send(&[("content-type", "text/plain")], "", Some("s"));
        assert!(error.is_err());
    }

    #[test]
    fn faults_stand_beside_their_fields_and_none_is_lost() {
        let error = Error::invalid_fields(vec![FieldFault {
            field: "/terms/name".to_owned(),
            code: crate::error::FieldCode::BadValue,
            detail: "too long".to_owned(),
        }]);
        let faults = Faults::of(error).unwrap();
        assert_eq!(faults.at("terms.name").as_deref(), Some("too long"));
        assert_eq!(faults.besides(&["other"]), ["too long"]);
        assert!(faults.besides(&["terms.name"]).is_empty());
        assert!(Faults::of(Error::not_found("x")).is_err());
    }
}
