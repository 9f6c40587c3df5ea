//! Names of hosts: which may be claimed, and which are the instance's own.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A host name that an organisation may claim: lower case, ASCII, two labels or more, without port and trailing dot.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostName(String);

/// Why a text cannot be claimed as a host name. Each says what to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHostName {
    /// Nothing, or what no host is called.
    #[error(
        "`host` must be a host name such as `packages.example.com`: labels of 1 to 63 letters, digits and hyphens"
    )]
    NotAName,
    /// A URL or a path.
    #[error("`host` must be the host name alone, without `https://` and without a path")]
    Url,
    /// It has a port.
    #[error("`host` must have no port: host names are answered on the port that the registry has")]
    Port,
    /// An IP address.
    #[error(
        "`host` must be a name and no IP address: nobody can prove in the DNS that an address is theirs"
    )]
    IpAddress,
    /// It has a `*`.
    #[error("`host` must be one name, without `*`: claim each host by itself")]
    Wildcard,
    /// It is not ASCII.
    #[error(
        "`host` must be written in ASCII: names with other letters in their form that begins with `xn--` (punycode)"
    )]
    NotAscii,
    /// It is one label, such as a public suffix.
    #[error(
        "`host` must have two labels or more, such as `packages.example.com`: nobody can own a suffix"
    )]
    OneLabel,
    /// There would be no room for the name of the TXT record.
    #[error(
        "`host` must have at most 241 bytes, so that there is room for the name of its TXT record"
    )]
    TooLong,
    /// It means something inside of a network only.
    #[error("`host` is a name for use inside of a network, which the public DNS does not know")]
    Private,
    /// The platform gives out names below it.
    #[error(
        "`host` is below a domain of the platform, in which nobody but the platform can set a TXT record"
    )]
    OfThePlatform,
}

/// A name has 253 bytes at most (RFC 1035); the name of the TXT record is twelve longer.
const LONGEST: usize = 241;

/// Where the platform gives out names.
const PLATFORM: [&str; 2] = ["workers.dev", "pages.dev"];

impl HostName {
    /// Reads what somebody claims. `allows_private` lets names pass that only mean something on this machine or in this
    /// network.
    pub fn parse(text: &str, allows_private: bool) -> Result<Self, InvalidHostName> {
        let text = text.trim();
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        if name.contains('/') || name.contains('@') {
            return Err(InvalidHostName::Url);
        }
        let literal = name.trim_matches(['[', ']']);
        if literal.parse::<IpAddr>().is_ok() {
            return Err(InvalidHostName::IpAddress);
        }
        if name.contains(':') {
            return Err(InvalidHostName::Port);
        }
        if name.contains('*') {
            return Err(InvalidHostName::Wildcard);
        }
        if !name.is_ascii() {
            return Err(InvalidHostName::NotAscii);
        }
        if !is_name(&name) {
            return Err(InvalidHostName::NotAName);
        }
        if looks_numeric(&name) {
            return Err(InvalidHostName::IpAddress);
        }
        if !name.contains('.') {
            return Err(InvalidHostName::OneLabel);
        }
        if name.len() > LONGEST {
            return Err(InvalidHostName::TooLong);
        }
        if !allows_private && !is_public_name(&name) {
            return Err(InvalidHostName::Private);
        }
        if PLATFORM.iter().any(|domain| is_at_or_below(&name, domain)) {
            return Err(InvalidHostName::OfThePlatform);
        }
        Ok(Self(name))
    }

    /// Reads the host that a request was sent to, as the platform's URL has it; none where nobody could have claimed it.
    pub fn of_request(host: &str) -> Option<Self> {
        Self::parse(without_port(host), true).ok()
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The hosts by which the instance itself is asked: that of its public address, those the settings list, this machine, and
/// what the platform calls the versions of this very Worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnHosts {
    names: Vec<String>,
    /// Domains of which every name below is meant.
    domains: Vec<String>,
}

impl OwnHosts {
    /// From the public address and a list of names, of which `*.example.com` means all below. Gives back the first that is
    /// none.
    pub fn new(public_url: &str, listed: &str) -> Result<Self, String> {
        let public = host_of(public_url);
        let mut own = Self {
            names: vec![public.clone()],
            domains: Vec::new(),
        };
        // `{version}-{worker}.{account}.workers.dev` beside `{worker}.{account}.workers.dev`.
        if let Some((_, account)) = public.split_once('.')
            && account.ends_with(".workers.dev")
        {
            own.domains.push(account.to_owned());
        }
        let entries = listed.split([',', ' ', '\n']).map(str::trim);
        for entry in entries.filter(|entry| !entry.is_empty()) {
            let name = entry.to_ascii_lowercase();
            let (list, name) = match name.strip_prefix("*.") {
                Some(domain) => (&mut own.domains, domain.to_owned()),
                None => (&mut own.names, name),
            };
            let is_address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
            if !is_name(&name) && !is_address {
                return Err(entry.to_owned());
            }
            list.push(name);
        }
        Ok(own)
    }

    /// Whether a host, with or without a port, is the instance's own.
    pub fn has(&self, host: &str) -> bool {
        let host = without_port(host);
        let host = host.strip_suffix('.').unwrap_or(host);
        is_loopback(host)
            || self
                .names
                .iter()
                .any(|name| name.eq_ignore_ascii_case(host))
            || self
                .domains
                .iter()
                .any(|domain| is_at_or_below(&host.to_ascii_lowercase(), domain))
    }
}

/// The host of a URL, without port and in lower case.
pub fn host_of(url: &str) -> String {
    without_port(authority_of(url)).to_ascii_lowercase()
}

/// The address at which a host name is answered: with the scheme and the port of the instance's own.
pub fn address_of(host: &str, public_url: &str) -> String {
    let (scheme, port) = scheme_and_port(public_url);
    format!("{scheme}{host}{port}")
}

/// What stands before and behind each host name in its address: `https://` and nothing, `http://` and `:8787`.
pub fn scheme_and_port(public_url: &str) -> (&str, &str) {
    let scheme_end = public_url.find("://").map_or(0, |at| at.saturating_add(3));
    let scheme = public_url.get(..scheme_end).unwrap_or_default();
    let authority = authority_of(public_url);
    let port = authority
        .get(without_port(authority).len()..)
        .unwrap_or_default();
    (scheme, port)
}

fn authority_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

/// A host without its port: `packages.example.com` of `packages.example.com:8787`, `[::1]` of `[::1]:8787`.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') =>
        {
            name
        }
        _ => host,
    }
}

/// Whether this machine calls itself so.
fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback())
        || host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .is_some_and(|literal| {
                literal
                    .parse::<Ipv6Addr>()
                    .is_ok_and(|address| address.is_loopback())
            })
}

fn is_at_or_below(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Whether some parser would read the host as an IPv4 address: `127.1`, `2130706433`, `0x7f.1`, `017700000001`.
/// That is decided by the last label alone.
pub fn looks_numeric(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or(host);
    let all = |text: &str, test: fn(&u8) -> bool| text.as_bytes().iter().all(test);
    !last.is_empty() && all(last, u8::is_ascii_digit)
        || last
            .strip_prefix("0x")
            .is_some_and(|digits| all(digits, u8::is_ascii_hexdigit))
}

/// Whether it is made of labels that a host may have.
pub fn is_name(host: &str) -> bool {
    host.len() <= 253
        && host.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
}

/// Names that only mean something inside of a network are not: those reserved for that (RFC 6761, 6762, 8375), and the
/// ones RFC 6762 found in use. A name without a dot is looked up in the network's own domain.
pub fn is_public_name(host: &str) -> bool {
    const PRIVATE: [&str; 12] = [
        "localhost",
        "localdomain",
        "local",
        "internal",
        "intranet",
        "private",
        "corp",
        "home",
        "lan",
        "home.arpa",
        "invalid",
        "onion",
    ];
    host.contains('.') && !PRIVATE.iter().any(|suffix| is_at_or_below(host, suffix))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_has_one_spelling() {
        for text in [
            "packages.example.com",
            " Packages.EXAMPLE.com. ",
            "packages.example.com.",
        ] {
            let name = HostName::parse(text, false).unwrap();
            assert_eq!(name.as_str(), "packages.example.com");
        }
        let name = HostName::parse("xn--bcher-kva.example.com", false).unwrap();
        assert_eq!(name.as_str(), "xn--bcher-kva.example.com");
    }

    #[test]
    fn what_nobody_can_own_is_refused_with_its_reason() {
        use InvalidHostName as Why;
        for (text, why) in [
            ("", Why::NotAName),
            ("a..example.com", Why::NotAName),
            ("-a.example.com", Why::NotAName),
            ("_dmarc.example.com", Why::NotAName),
            ("a b.example.com", Why::NotAName),
            ("https://packages.example.com", Why::Url),
            ("packages.example.com/x", Why::Url),
            ("me@example.com", Why::Url),
            ("packages.example.com:8443", Why::Port),
            ("192.0.2.1", Why::IpAddress),
            ("[2001:db8::1]", Why::IpAddress),
            ("2001:db8::1", Why::IpAddress),
            ("127.1", Why::IpAddress),
            ("example.0x7f", Why::IpAddress),
            ("*.example.com", Why::Wildcard),
            ("bücher.example.com", Why::NotAscii),
            ("com", Why::OneLabel),
            ("localhost", Why::OneLabel),
            ("packages.localhost", Why::Private),
            ("registry.corp", Why::Private),
            ("home.arpa", Why::Private),
            ("repertoire.acme.workers.dev", Why::OfThePlatform),
            ("acme.pages.dev", Why::OfThePlatform),
        ] {
            assert_eq!(HostName::parse(text, false), Err(why), "{text}");
        }
        let long = format!("{0}.{0}.{0}.{1}.com", "a".repeat(63), "b".repeat(46));
        assert_eq!(HostName::parse(&long, false), Err(Why::TooLong));
        assert!(HostName::parse("packages.localhost", true).is_ok());
        assert!(HostName::parse("localhost", true).is_err());
    }

    #[test]
    fn own_hosts_are_the_public_one_this_machine_and_the_listed_ones() {
        let own = OwnHosts::new(
            "https://Packages.Example.com/composer",
            "old.example.com, *.internal.example.com 192.0.2.7",
        )
        .unwrap();
        for host in [
            "packages.example.com",
            "packages.example.com:8443",
            "PACKAGES.example.com.",
            "old.example.com",
            "a.internal.example.com",
            "192.0.2.7:80",
            "localhost:8787",
            "127.0.0.1:8787",
            "127.0.0.9",
            "[::1]:8787",
        ] {
            assert!(own.has(host), "{host}");
        }
        for host in [
            "example.com",
            "evilpackages.example.com",
            "packages.example.com.evil.example",
            "notinternal.example.com",
            "a.localhost",
            "192.0.2.8",
            "[::2]",
            "repertoire.acme.workers.dev",
            "",
        ] {
            assert!(!own.has(host), "{host}");
        }
        assert_eq!(
            OwnHosts::new("https://a.example", "b.example, ht*tp").unwrap_err(),
            "ht*tp"
        );
    }

    #[test]
    fn previews_of_this_worker_are_own_where_the_public_address_is_the_platforms() {
        let own = OwnHosts::new("https://repertoire.acme.workers.dev", "").unwrap();
        assert!(own.has("0a1b2c3d-repertoire.acme.workers.dev"));
        assert!(!own.has("repertoire.globex.workers.dev"));
        assert!(!own.has("evilacme.workers.dev"));
    }

    #[test]
    fn a_host_is_answered_by_the_scheme_and_at_the_port_of_the_instance() {
        for (public, expected) in [
            ("https://example.com/composer", "https://p.example.com"),
            ("http://localhost:8787", "http://p.example.com:8787"),
            ("http://[::1]:8787", "http://p.example.com:8787"),
            ("http://[::1]", "http://p.example.com"),
        ] {
            assert_eq!(address_of("p.example.com", public), expected, "{public}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,300}") {
            if let Ok(name) = HostName::parse(&text, true) {
                prop_assert_eq!(HostName::parse(name.as_str(), true), Ok(name.clone()));
                prop_assert!(name.as_str().len() <= LONGEST);
            }
            let _ = OwnHosts::new(&text, &text).map(|own| own.has(&text));
        }
    }
}
