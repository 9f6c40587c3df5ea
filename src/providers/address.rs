//! Addresses we may send requests to. People give us base URLs and hosts give us redirects; neither may
//! lead into a private network.
//!
//! The parser takes the plainest form of a URL and refuses everything else, so that no other parser
//! can read a different host out of the same text.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::domain::host_name::{is_name, is_public_name, looks_numeric};

/// Whether requests may go to private addresses, and without TLS. Only for a laptop or a closed network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrivateAddresses {
    /// The rule.
    Refused,
    /// `ALLOW_PRIVATE_ADDRESSES=true`.
    Allowed,
}

/// Why an address is refused. The messages name no part of it: a URL may carry a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// Neither `https://` nor, where allowed, `http://`.
    #[error("the address must begin with `https://`")]
    Scheme,
    /// A name and a password, or a fragment, or a character that does not belong into a URL.
    #[error(
        "the address must be a plain URL of ASCII characters, without credentials or a fragment"
    )]
    NotPlain,
    /// No host name.
    #[error("the address has no valid host name")]
    Host,
    /// No port number.
    #[error("the address has no valid port")]
    Port,
    /// It is over [`Address::MAX_LENGTH`].
    #[error("the address has at most 8192 bytes, and this has {length}")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// Inside of some network.
    #[error("the address is private; only public hosts may be asked")]
    Private,
}

/// Scheme, host and port: credentials belong to exactly one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: &'static str,
    host: String,
    port: u16,
}

impl Origin {
    /// The host's name, as it may be shown.
    pub fn host(&self) -> &str {
        &self.host
    }
}

/// A URL that may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    origin: Origin,
    /// Path and query, beginning with `/`; it may be as secret as a signed link.
    target: String,
}

impl Address {
    /// The most bytes; signed links, the longest that hosts give out, have some 2,000.
    pub const MAX_LENGTH: usize = 8_192;

    /// Reads and checks an absolute URL.
    pub fn parse(url: &str, private: PrivateAddresses) -> Result<Self, InvalidAddress> {
        if url.len() > Self::MAX_LENGTH {
            return Err(InvalidAddress::TooLong { length: url.len() });
        }
        let (scheme, rest) = split_scheme(url).ok_or(InvalidAddress::Scheme)?;
        if scheme == "http" && private == PrivateAddresses::Refused {
            return Err(InvalidAddress::Scheme);
        }
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"#\\<>^`{|}".contains(&byte);
        if !rest.bytes().all(is_plain) {
            return Err(InvalidAddress::NotPlain);
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at_checked(end).ok_or(InvalidAddress::NotPlain)?;
        if authority.contains('@') {
            return Err(InvalidAddress::NotPlain);
        }
        let (host, port) = split_port(authority, scheme)?;
        let host = host.to_ascii_lowercase();
        check_host(&host, private)?;
        let target = if target.starts_with('/') {
            target.to_owned()
        } else {
            format!("/{target}")
        };
        Ok(Self {
            origin: Origin { scheme, host, port },
            target,
        })
    }

    /// Reads what a `Location` header says, seen from this address: a URL, or a path on the same host.
    pub fn join(&self, location: &str, private: PrivateAddresses) -> Result<Self, InvalidAddress> {
        let location = location.split_once('#').map_or(location, |(url, _)| url);
        if location.starts_with('/') && !location.starts_with("//") {
            return Self::parse(&format!("{}{location}", self.base()), private);
        }
        Self::parse(location, private)
    }

    /// Where it leads.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The host's name, as it may be shown.
    pub fn host(&self) -> &str {
        &self.origin.host
    }

    /// The host with its port, where that is not the scheme's own: what a person has to look at when nobody answers.
    pub fn authority(&self) -> String {
        let Origin { scheme, host, port } = &self.origin;
        if *port == default_port(scheme) {
            host.clone()
        } else {
            format!("{host}:{port}")
        }
    }

    /// Whether it has a query, as a base URL must not.
    pub fn has_query(&self) -> bool {
        self.target.contains('?')
    }

    /// The URL in its one spelling.
    pub fn url(&self) -> String {
        format!("{}{}", self.base(), self.target)
    }

    fn base(&self) -> String {
        format!("{}://{}", self.origin.scheme, self.authority())
    }
}

fn default_port(scheme: &str) -> u16 {
    if scheme == "https" { 443 } else { 80 }
}

fn split_scheme(url: &str) -> Option<(&'static str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    if scheme.eq_ignore_ascii_case("https") {
        Some(("https", rest))
    } else if scheme.eq_ignore_ascii_case("http") {
        Some(("http", rest))
    } else {
        None
    }
}

fn split_port<'a>(authority: &'a str, scheme: &str) -> Result<(&'a str, u16), InvalidAddress> {
    let host_end = if authority.starts_with('[') {
        authority
            .find(']')
            .and_then(|at| at.checked_add(1))
            .ok_or(InvalidAddress::Host)?
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let (host, rest) = authority
        .split_at_checked(host_end)
        .ok_or(InvalidAddress::Host)?;
    if rest.is_empty() {
        return Ok((host, default_port(scheme)));
    }
    let port = rest
        .strip_prefix(':')
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
        .filter(|port| *port != 0)
        .ok_or(InvalidAddress::Port)?;
    Ok((host, port))
}

fn check_host(host: &str, private: PrivateAddresses) -> Result<(), InvalidAddress> {
    let is_public = if let Some(literal) = host.strip_prefix('[') {
        // No public host needs to be named by such a literal, and the ways to hide an IPv4 address in
        // one are many (mapped, translated, 6to4, Teredo).
        let literal = literal.strip_suffix(']').ok_or(InvalidAddress::Host)?;
        literal
            .parse::<Ipv6Addr>()
            .map_err(|_| InvalidAddress::Host)?;
        false
    } else if looks_numeric(host) {
        // The standard library takes four decimal numbers without leading zeros and nothing else.
        let address = host.parse::<Ipv4Addr>().map_err(|_| InvalidAddress::Host)?;
        is_public_v4(address)
    } else {
        if !is_name(host) {
            return Err(InvalidAddress::Host);
        }
        is_public_name(host)
    };
    if is_public || private == PrivateAddresses::Allowed {
        Ok(())
    } else {
        Err(InvalidAddress::Private)
    }
}

/// Everything the registry of special-purpose addresses does not keep for other uses.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = match a {
        0 | 10 | 127 | 224..=255 => true,
        100 => (64..=127).contains(&b),
        169 => b == 254,
        172 => (16..=31).contains(&b),
        192 => b == 168 || (b == 0 && (c == 0 || c == 2)) || (b == 88 && c == 99),
        198 => b == 18 || b == 19 || (b == 51 && c == 100),
        203 => b == 0 && c == 113,
        _ => false,
    };
    !is_special
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(url: &str) -> Result<Address, InvalidAddress> {
        Address::parse(url, PrivateAddresses::Refused)
    }

    #[test]
    fn plain_public_addresses_pass_in_one_spelling() {
        for (url, expected) in [
            ("https://api.github.com", "https://api.github.com/"),
            (
                "https://API.GitHub.com:443/x?y=1",
                "https://api.github.com/x?y=1",
            ),
            (
                "HTTPS://git.example.com:8443/api/v3/",
                "https://git.example.com:8443/api/v3/",
            ),
            ("https://example.com?a=b", "https://example.com/?a=b"),
            ("https://140.82.112.3/", "https://140.82.112.3/"),
            (
                "https://localhost.example.com/",
                "https://localhost.example.com/",
            ),
            (
                "https://xn--bcher-kva.example/",
                "https://xn--bcher-kva.example/",
            ),
            ("https://10.example.com/", "https://10.example.com/"),
            ("https://a.com/@b/c:d", "https://a.com/@b/c:d"),
        ] {
            assert_eq!(parse(url).unwrap().url(), expected);
        }
    }

    #[test]
    fn private_addresses_are_refused_in_every_spelling() {
        for host in [
            "localhost",
            "LOCALHOST",
            "sub.localhost",
            "printer.local",
            "metadata.google.internal",
            "host.home.arpa",
            "home.arpa",
            "git.corp",
            "nas.lan",
            "intranet",
            "127.0.0.1",
            "127.255.255.254",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.127.255.255",
            "198.18.0.1",
            "192.0.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "[::1]",
            "[::]",
            "[fe80::1]",
            "[fc00::1]",
            "[fd12:3456::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[64:ff9b::7f00:1]",
            "[2606:4700::1111]",
        ] {
            let refused = parse(&format!("https://{host}/"));
            assert_eq!(refused, Err(InvalidAddress::Private), "{host}");
        }
    }

    #[test]
    fn odd_spellings_are_refused_even_where_private_addresses_are_allowed() {
        for url in [
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0x7f.0.0.1/",
            "https://127.1/",
            "https://0177.0.0.1/",
            "https://127.0.0.01/",
            "https://127.0.0.1./",
            "https://1.2.3.4.5/",
            "https://256.1.1.1/",
            "https://0x/",
            "https://example.0x7f/",
            "https://a.1/",
            "https://user@example.com/",
            "https://user:pass@example.com/",
            "https://@example.com/",
            "https://example.com\\@evil.com/",
            "https://example.com#@evil.com/",
            "https://exa mple.com/",
            "https://example.com/\n",
            "https://example.com/\t",
            " https://example.com/",
            "https://ｅxample.com/",
            "https://127。0。0。1/",
            "https://bücher.example/",
            "https://ex%61mple.com/",
            "https:///example.com",
            "https://",
            "https:example.com",
            "https:/example.com",
            "//example.com",
            "example.com",
            "ftp://example.com/",
            "file:///etc/passwd",
            "javascript://x/",
            "https://example.com:0/",
            "https://example.com:65536/",
            "https://example.com:/",
            "https://example.com:+1/",
            "https://example.com:4a/",
            "https://a:1:2/",
            "https://-a.com/",
            "https://a-.com/",
            "https://a..com/",
            "https://.com/",
            "https://a.com./",
            "https://a_b.com/",
            "https://[::1/",
            "https://[::1]x/",
            "https://[v1.x]/",
            "https://[::1%25eth0]/",
            "https://[127.0.0.1]/",
        ] {
            assert!(
                Address::parse(url, PrivateAddresses::Allowed).is_err(),
                "{url}"
            );
        }
    }

    #[test]
    fn a_laptop_may_ask_itself() {
        for url in [
            "http://127.0.0.1:8080/api",
            "http://localhost:3000/",
            "https://[::1]:8443/",
            "http://gitea/",
        ] {
            let address = Address::parse(url, PrivateAddresses::Allowed).unwrap();
            assert_eq!(address.url(), url);
        }
        assert_eq!(parse("http://example.com/"), Err(InvalidAddress::Scheme));
    }

    #[test]
    fn a_location_is_read_from_where_it_was_given() {
        let base = parse("https://api.github.com/repos/a/b?x=1").unwrap();
        let join = |location| base.join(location, PrivateAddresses::Refused);
        assert_eq!(
            join("/repositories/1?y#z").unwrap().url(),
            "https://api.github.com/repositories/1?y"
        );
        assert_eq!(join("https://other.com/").unwrap().host(), "other.com");
        assert_ne!(join("https://other.com/").unwrap().origin(), base.origin());
        assert_ne!(
            join("https://api.github.com:444/").unwrap().origin(),
            base.origin()
        );
        for odd in [
            "//other.com/",
            "next",
            "",
            "?page=2",
            "http://api.github.com/",
            "/\\evil.com",
        ] {
            assert!(join(odd).is_err(), "{odd}");
        }
    }

    proptest! {
        #[test]
        fn what_passes_is_what_was_read(url in "https?://[a-z0-9.@:\\[\\]x/?#\\\\-]{0,30}") {
            if let Ok(address) = parse(&url) {
                let again = parse(&address.url()).unwrap();
                prop_assert_eq!(&again, &address);
                prop_assert!(is_public_name(address.host()) || address.host().parse::<Ipv4Addr>().is_ok());
            }
        }

        #[test]
        fn every_number_is_one_spelling_or_none(number in any::<u32>()) {
            let dotted = Ipv4Addr::from(number);
            prop_assert_eq!(parse(&format!("https://{dotted}/")).is_ok(), is_public_v4(dotted));
            for odd in [
                format!("https://{number}/"),
                format!("https://0x{number:x}/"),
                format!("https://0{number:o}/"),
            ] {
                prop_assert!(parse(&odd).is_err());
            }
        }

        #[test]
        fn no_text_makes_it_panic(url in ".*") {
            let _ = parse(&url);
            let _ = parse(&format!("https://{url}"));
        }
    }
}
