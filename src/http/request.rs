//! A request as the edge hands it over: parsed enough to route, its body still a stream.

use deserr::Deserr;

use crate::error::{Code, Error, ErrorKind, Result};
use crate::http::body::Faults;
use crate::ports::ByteStream;
use crate::ports::outbound::read_to_end;

/// The largest JSON body the API reads: requests are small, imports name things and do not carry them.
pub(crate) const JSON_LIMIT: usize = 256 * 1024;

/// The headers of a request, left where the platform has them until a handler asks: most answers look at two of them.
pub trait Headers {
    /// The header of that name, given in lower case.
    fn get(&self, name: &str) -> Option<String>;

    /// All of them, names in lower case.
    fn all(&self) -> Result<Vec<(String, String)>>;
}

impl Headers for Vec<(String, String)> {
    fn get(&self, name: &str) -> Option<String> {
        self.iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
    }

    fn all(&self) -> Result<Vec<(String, String)>> {
        Ok(self.clone())
    }
}

/// An incoming request.
pub struct Request {
    /// `GET`, `PUT`, … in upper case.
    pub method: String,
    /// Scheme and host as the client used them: `https://packages.example.com`.
    pub origin: String,
    /// The path as sent, still percent-encoded, beginning with `/`.
    pub path: String,
    /// What follows `?`, undecoded; empty when there is none.
    pub query: String,
    /// The headers.
    pub headers: Box<dyn Headers>,
    /// The body.
    pub body: Box<dyn ByteStream>,
}

impl Request {
    /// The header of that name, given in lower case.
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name)
    }

    /// The host without scheme: `packages.example.com` or `localhost:8787`.
    pub fn host(&self) -> &str {
        self.origin
            .split_once("://")
            .map_or(self.origin.as_str(), |(_, host)| host)
    }

    /// A query parameter, decoded.
    pub fn query_parameter(&self, name: &str) -> Option<String> {
        form_pairs(&self.query).find_map(|(key, value)| (key == name).then_some(value))
    }

    /// Reads the whole body, at most `limit` bytes. A declared length above it is refused without reading.
    pub async fn bytes(&mut self, limit: usize) -> Result<Vec<u8>> {
        let declared = self
            .header("content-length")
            .and_then(|text| text.parse::<usize>().ok());
        if declared.is_some_and(|length| length > limit) {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("The body is larger than {limit} bytes"),
            ));
        }
        read_to_end(self.body.as_mut(), limit).await
    }

    /// Reads the body as JSON of the given shape. An error names each field that is wrong.
    pub async fn json<T: Deserr<Faults>>(&mut self) -> Result<T> {
        self.json_up_to(JSON_LIMIT).await
    }

    /// The same of at most `limit` bytes.
    pub async fn json_up_to<T: Deserr<Faults>>(&mut self, limit: usize) -> Result<T> {
        let bytes = self.bytes(limit).await?;
        let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(|error| {
            Error::invalid(format!("The body is no JSON: {error}")).with_code(Code::InvalidJson)
        })?;
        Faults::read(value)
    }
}

/// The keys and values of a query or of a form, decoded, in order.
pub fn form_pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    let decode = |part: &str| percent_decode(&part.replace('+', " "));
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(move |pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        })
}

/// Decodes `%XX`; what is no valid escape stays as it is, bytes that are no UTF-8 become U+FFFD.
pub fn percent_decode(text: &str) -> String {
    // Nearly always there is none.
    if !text.as_bytes().contains(&b'%') {
        return text.to_owned();
    }
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_and_strays_kept() {
        assert_eq!(percent_decode("dev-feature%2Fx"), "dev-feature/x");
        assert_eq!(percent_decode("100%"), "100%");
        assert_eq!(percent_decode("%zz%41"), "%zzA");
    }

    #[test]
    fn a_form_is_pairs_in_order() {
        let pairs: Vec<_> = form_pairs("packages%5B0%5D=acme%2Flib&&a+b=c+d%2B&flag").collect();
        let expected = [("packages[0]", "acme/lib"), ("a b", "c d+"), ("flag", "")];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(pairs, expected);
    }
}
