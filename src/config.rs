//! Configuration: read once through a `get(name)` function and validated. No secret has a default.

use crate::domain::host_name::OwnHosts;
use crate::domain::quota::Quotas;
use crate::error::{Error, Result};

/// What one deployment is set to.
#[derive(Clone)]
pub struct Config {
    /// The instance's own address, without a trailing slash: `https://packages.example.com`.
    pub public_url: String,
    /// What guards the first set-up; none when set-up is closed.
    pub setup_secret: Option<String>,
    /// Whether outgoing requests may go to private addresses. Only for a laptop or a closed network.
    pub allow_private_addresses: bool,
    /// The largest archive that is taken in, in bytes.
    pub archive_limit: u64,
    /// What an organisation that is made from now on may use, unless the owner of the instance says otherwise.
    pub quotas: Quotas,
    /// For how many days the audit log is kept; none for ever.
    pub audit_days: Option<u32>,
    /// The hosts by which the instance itself is asked.
    pub own_hosts: OwnHosts,
    /// Whether a host that is nobody's is answered as if it were the instance's own.
    pub answers_any_host: bool,
    /// Which requests leave a line in the log.
    pub logged_requests: LoggedRequests,
    /// Whether archives are also kept in the data centre that they are asked for in.
    pub caches_archives: bool,
    /// Whom to ask for TXT records: the URL of a resolver that speaks JSON over HTTPS.
    pub dns_resolver: String,
}

/// Which requests leave a line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoggedRequests {
    /// All of them.
    All,
    /// Those that took long, and those that failed on our side.
    SlowAndFailed,
    /// None.
    Off,
}

/// Cloudflare's, which is next door to where this runs.
const DNS_RESOLVER: &str = "https://cloudflare-dns.com/dns-query";

/// 500 MB: more than any sane package, less than what hurts.
const DEFAULT_ARCHIVE_LIMIT: u64 = 500_000_000;

impl Config {
    /// Reads and checks all settings. `get` gives a variable or a secret by name.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let text = |name: &str| get(name).filter(|value| !value.trim().is_empty());
        let public_url = text("PUBLIC_URL").ok_or_else(|| missing("PUBLIC_URL"))?;
        let public_url = public_url.trim().trim_end_matches('/').to_owned();
        if !(public_url.starts_with("https://") || public_url.starts_with("http://")) {
            return Err(misconfigured(
                "`PUBLIC_URL` must begin with `https://` or `http://`",
            ));
        }
        let archive_limit = match text("ARCHIVE_LIMIT") {
            None => DEFAULT_ARCHIVE_LIMIT,
            Some(value) => value
                .trim()
                .parse()
                .map_err(|_| misconfigured("`ARCHIVE_LIMIT` must be a number of bytes"))?,
        };
        let quota = |name: &str| {
            text(name)
                .map(|value| {
                    let limit = value.trim().parse().ok().filter(|limit| *limit >= 0);
                    limit.ok_or_else(|| {
                        misconfigured(&format!("`{name}` must be a number from 0 on"))
                    })
                })
                .transpose()
        };
        let quotas = Quotas {
            packages: quota("QUOTA_PACKAGES")?,
            storage: quota("QUOTA_STORAGE")?,
            bandwidth: quota("QUOTA_BANDWIDTH")?,
        };
        let audit_days = text("AUDIT_DAYS")
            .map(|value| {
                let days = value.trim().parse().ok().filter(|days| *days > 0);
                days.ok_or_else(|| misconfigured("`AUDIT_DAYS` must be a number of days from 1 on"))
            })
            .transpose()?;
        let listed = text("OWN_HOSTS").unwrap_or_default();
        let own_hosts = OwnHosts::new(&public_url, &listed).map_err(|entry| {
            misconfigured(&format!(
                "`OWN_HOSTS` must be host names without ports, separated by commas, and `{entry}` is none"
            ))
        })?;
        let answers_any_host = match text("OTHER_HOSTS").as_deref().map(str::trim) {
            None | Some("nothing") => false,
            Some("own") => true,
            Some(_) => return Err(misconfigured("`OTHER_HOSTS` must be `nothing` or `own`")),
        };
        let logged_requests = match text("LOG_REQUESTS").as_deref().map(str::trim) {
            Some("all") => LoggedRequests::All,
            None | Some("slow_and_failed") => LoggedRequests::SlowAndFailed,
            Some("off") => LoggedRequests::Off,
            Some(_) => {
                return Err(misconfigured(
                    "`LOG_REQUESTS` must be `all`, `slow_and_failed` or `off`",
                ));
            }
        };
        let caches_archives = match text("CACHE_ARCHIVES").as_deref().map(str::trim) {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(misconfigured("`CACHE_ARCHIVES` must be `true` or `false`")),
        };
        let dns_resolver = text("DNS_RESOLVER").unwrap_or_else(|| DNS_RESOLVER.to_owned());
        Ok(Self {
            public_url,
            own_hosts,
            answers_any_host,
            logged_requests,
            caches_archives,
            dns_resolver: dns_resolver.trim().to_owned(),
            setup_secret: text("SETUP_SECRET"),
            allow_private_addresses: matches!(
                text("ALLOW_PRIVATE_ADDRESSES").as_deref(),
                Some("1" | "true")
            ),
            archive_limit,
            quotas,
            audit_days,
        })
    }
}

fn missing(name: &str) -> Error {
    misconfigured(&format!("`{name}` is not set"))
}

fn misconfigured(problem: &str) -> Error {
    Error::new(
        crate::error::ErrorKind::Internal,
        "This registry is not configured completely; its operator finds the reason in the log",
    )
    .because(problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &[(&str, &str)]) -> Result<Config> {
        Config::read(|name| {
            settings
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_address_loses_its_trailing_slash() {
        let config = read(&[("PUBLIC_URL", "https://packages.example.com/")]).unwrap();
        assert_eq!(config.public_url, "https://packages.example.com");
        assert!(!config.allow_private_addresses);
        assert!(config.setup_secret.is_none());
    }

    #[test]
    fn a_missing_address_is_named_in_the_cause_only() {
        let error = read(&[]).err().unwrap();
        assert_eq!(error.cause(), Some("`PUBLIC_URL` is not set"));
        assert!(!error.message().contains("PUBLIC_URL"));
    }

    #[test]
    fn the_audit_log_is_kept_for_ever_or_for_days() {
        let days = |value| read(&[("PUBLIC_URL", "https://a.b"), ("AUDIT_DAYS", value)]);
        assert_eq!(days("").unwrap().audit_days, None);
        assert_eq!(days("730").unwrap().audit_days, Some(730));
        assert!(days("0").is_err());
        assert!(days("a year").is_err());
    }

    #[test]
    fn quotas_of_new_organisations_are_numbers() {
        let quota = |value| read(&[("PUBLIC_URL", "https://a.b"), ("QUOTA_STORAGE", value)]);
        assert_eq!(quota("").unwrap().quotas, Quotas::default());
        assert_eq!(quota("1073741824").unwrap().quotas.storage, Some(1 << 30));
        assert!(quota("-1").is_err());
        assert!(quota("1 GB").is_err());
    }

    #[test]
    fn own_hosts_are_listed_and_others_are_answered_nothing_unless_it_is_said() {
        let read = |name, value| read(&[("PUBLIC_URL", "https://a.b"), (name, value)]);
        let config = read("OWN_HOSTS", "c.d, *.e.f").unwrap();
        assert!(config.own_hosts.has("a.b") && config.own_hosts.has("x.e.f"));
        assert!(!config.answers_any_host);
        assert!(read("OTHER_HOSTS", "own").unwrap().answers_any_host);
        assert!(!read("OTHER_HOSTS", "nothing").unwrap().answers_any_host);
        let wrong = read("OTHER_HOSTS", "all").err().unwrap();
        assert_eq!(
            wrong.cause(),
            Some("`OTHER_HOSTS` must be `nothing` or `own`")
        );
        let wrong = read("OWN_HOSTS", "https://c.d").err().unwrap();
        assert!(wrong.cause().unwrap().contains("`https://c.d` is none"));
        assert_eq!(config.dns_resolver, DNS_RESOLVER);
    }

    #[test]
    fn requests_are_logged_as_it_is_said_and_otherwise_where_something_is_wrong() {
        let logged = |value| {
            let config = read(&[("PUBLIC_URL", "https://a.b"), ("LOG_REQUESTS", value)]);
            config.map(|config| config.logged_requests).ok()
        };
        assert_eq!(logged(""), Some(LoggedRequests::SlowAndFailed));
        assert_eq!(logged("slow_and_failed"), logged(""));
        assert_eq!(logged("all"), Some(LoggedRequests::All));
        assert_eq!(logged("off"), Some(LoggedRequests::Off));
        assert_eq!(logged("some"), None);
    }

    #[test]
    fn archives_are_kept_nearby_where_it_is_said() {
        let kept = |value| {
            let config = read(&[("PUBLIC_URL", "https://a.b"), ("CACHE_ARCHIVES", value)]);
            config.map(|config| config.caches_archives).ok()
        };
        assert_eq!(kept(""), Some(false));
        assert_eq!(kept("false"), Some(false));
        assert_eq!(kept("true"), Some(true));
        assert_eq!(kept("yes"), None);
    }

    #[test]
    fn a_limit_that_is_no_number_is_refused() {
        assert!(read(&[("PUBLIC_URL", "https://a.b"), ("ARCHIVE_LIMIT", "1 GB")]).is_err());
    }
}
