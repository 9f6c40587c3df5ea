//! What an organisation wants of those who sign in.

use serde::{Deserialize, Serialize};

use crate::domain::access::Role;
use crate::domain::email::Email;

/// The most bytes of a domain (RFC 1035).
const LONGEST_DOMAIN: usize = 253;

/// By whose provider members have to have signed in to enter the organisation's pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Enforced {
    /// By any way.
    #[default]
    Off,
    /// By a provider of the organisation's own.
    Organisation,
    /// By one of its own or of the instance's.
    Any,
}

impl Enforced {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Off, Self::Organisation, Self::Any];

    /// As stored and as the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Organisation => "organisation",
            Self::Any => "any",
        }
    }

    /// Reads what [`Self::as_str`] gives.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// Who is in the group is in the team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupTeam {
    /// As the provider spells it.
    pub group: String,
    /// The team's id.
    pub team: String,
}

/// What an organisation wants of those who sign in by a provider. The default: nobody becomes a member who was not invited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInRules {
    /// Domains of addresses, in lower case; empty for any.
    pub domains: Vec<String>,
    /// Whether somebody whom nobody invited becomes a member.
    pub is_open: bool,
    /// What she becomes.
    pub role: Role,
    /// The ids of the teams that she comes into, which is how she is granted anything.
    pub teams: Vec<String>,
    /// Groups at the provider that are teams here.
    pub group_teams: Vec<GroupTeam>,
    /// Whether a password suffices.
    pub enforced: Enforced,
}

impl Default for SignInRules {
    fn default() -> Self {
        Self {
            domains: Vec::new(),
            is_open: false,
            role: Role::Member,
            teams: Vec::new(),
            group_teams: Vec::new(),
            enforced: Enforced::Off,
        }
    }
}

impl SignInRules {
    /// Whether people of an address are let in. A domain does not stand for those below it.
    pub fn allows(&self, email: &Email) -> bool {
        let host = email.as_str().rsplit_once('@').map_or("", |(_, host)| host);
        self.domains.is_empty() || self.domains.iter().any(|domain| domain == host)
    }

    /// Whether somebody of an address becomes a member without having been invited. Never where no domain is named: with a
    /// public provider that would be everybody.
    pub fn admits(&self, email: &Email) -> bool {
        self.is_open && !self.domains.is_empty() && self.allows(email)
    }
}

/// Why a text is no domain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no domain: write what stands behind `@`, such as `example.com`")]
pub struct InvalidDomain(String);

/// Reads the domain of addresses.
pub fn read_domain(text: &str) -> Result<String, InvalidDomain> {
    let domain = text.trim().to_lowercase();
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|one| one.is_alphanumeric() || one == '-')
    };
    if domain.len() <= LONGEST_DOMAIN && domain.contains('.') && domain.split('.').all(is_label) {
        return Ok(domain);
    }
    Err(InvalidDomain(text.chars().take(100).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_what_stands_behind_the_sign() {
        assert_eq!(read_domain(" Example.COM ").unwrap(), "example.com");
        for text in [
            "",
            "example",
            "@example.com",
            "a b.com",
            "-a.com",
            ".com",
            "a..b",
            "*.a.com",
        ] {
            assert!(read_domain(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_domain_stands_for_itself_alone() {
        let rules = SignInRules {
            domains: vec!["example.com".to_owned()],
            is_open: true,
            ..SignInRules::default()
        };
        let admits = |email: &str| rules.admits(&Email::parse(email).unwrap());
        assert!(admits("ada@example.com") && admits("ADA@EXAMPLE.com"));
        for email in [
            "ada@sub.example.com",
            "ada@badexample.com",
            "example.com@evil.test",
        ] {
            assert!(!admits(email), "{email}");
        }
        let email = Email::parse("ada@example.com").unwrap();
        let none = SignInRules {
            domains: Vec::new(),
            ..rules.clone()
        };
        assert!(none.allows(&email) && !none.admits(&email));
        let closed = SignInRules {
            is_open: false,
            ..rules
        };
        assert!(closed.allows(&email) && !closed.admits(&email));
    }
}
