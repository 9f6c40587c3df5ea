//! What becomes of somebody whom a provider has proven. All ways into an account that is there stand here, so that none
//! is opened by an address that anybody can claim.

use serde::{Deserialize, Serialize};

use super::rules::SignInRules;
use crate::domain::email::Email;

/// What a provider says of somebody, once its word is known to be its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proven {
    /// As the provider tells people apart.
    pub subject: String,
    /// Her address, if it gave one.
    pub email: Option<String>,
    /// Whether it says that the address was verified.
    pub is_verified: bool,
    /// What she is called there.
    pub name: Option<String>,
    /// Her groups, where the provider is asked for them.
    pub groups: Option<Vec<String>>,
}

impl Proven {
    /// The address, if it is one.
    pub fn address(&self) -> Option<Email> {
        self.email
            .as_deref()
            .and_then(|text| Email::parse(text).ok())
    }
}

/// Somebody with an account, as far as it matters here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Known {
    /// Whether she is a member of the organisation that is entered.
    pub is_member: bool,
    /// Whether she owns the instance, or is a member of another organisation.
    pub is_elsewhere: bool,
    /// Whether she has another identity at this provider.
    pub has_identity: bool,
    /// Whether she has a password.
    pub has_password: bool,
}

/// What is to be decided.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Whether the provider is that of the organisation that is entered, and not the instance's.
    pub is_organisations: bool,
    /// The rules of the organisation that is entered; none where none was named.
    pub rules: Option<&'a SignInRules>,
    /// The address that the provider gave.
    pub address: Option<&'a Email>,
    /// Whether it is verified.
    pub is_verified: bool,
    /// Whose the identity is already.
    pub by_identity: Option<Known>,
    /// Who has the address here.
    pub by_address: Option<Known>,
}

/// What becomes of her.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The identity is hers, and she is in.
    SignIn {
        /// Whether she becomes a member.
        joins: bool,
    },
    /// The identity becomes that of who has the address.
    Link,
    /// It does, after she has shown that she knows the password.
    Confirm {
        /// Whether she becomes a member.
        joins: bool,
    },
    /// An account is made, and she becomes a member.
    Register,
    /// Nothing.
    Refuse(Refusal),
}

/// Why nothing becomes of it. The words are for her, and stand in the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no address.
    #[error("the provider gave no e-mail address, without which nobody can be told apart here")]
    NoAddress,
    /// There is one that anybody could have typed.
    #[error(
        "the provider does not say that your e-mail address was verified; verify it there, then try again"
    )]
    Unverified,
    /// Whoever has the address has another identity there.
    #[error("the account with your e-mail address is linked to another identity at this provider")]
    OtherIdentity,
    /// There is nothing to confirm by.
    #[error(
        "there is an account with your e-mail address already; sign in to it in the way that you know, and link this one at \"Your account\""
    )]
    NoPassword,
    /// Members come by invitation.
    #[error(
        "nobody becomes a member here without an invitation; ask an owner of the organisation for one"
    )]
    Closed,
    /// Not with this address.
    #[error("people with an e-mail address of this domain are not let in")]
    Domain,
}

/// Decides. See the table in the tests.
///
/// - Who is known by identity is who she is. By a provider of an organisation's own she has to be a member, or may become one.
/// - By the address somebody is known only if it is verified, and even then an organisation's provider speaks for its own
///   members alone: whoever runs it could say any address, and would become who has that. All others know the password.
pub fn decide(question: &Question<'_>) -> Decision {
    let verified = question.address.filter(|_| question.is_verified);
    let may_join = match (question.rules, verified) {
        (Some(rules), Some(email)) => rules.admits(email),
        _ => false,
    };
    if let Some(known) = question.by_identity {
        if known.is_member {
            return Decision::SignIn { joins: false };
        }
        if question.is_organisations && !may_join {
            return Decision::Refuse(outside(question));
        }
        return Decision::SignIn { joins: may_join };
    }
    let Some(email) = question.address else {
        return Decision::Refuse(Refusal::NoAddress);
    };
    if !question.is_verified {
        return Decision::Refuse(Refusal::Unverified);
    }
    let Some(known) = question.by_address else {
        return if may_join {
            Decision::Register
        } else {
            Decision::Refuse(outside(question))
        };
    };
    if known.has_identity {
        return Decision::Refuse(Refusal::OtherIdentity);
    }
    if question.is_organisations {
        if !known.is_member && !may_join {
            return Decision::Refuse(outside(question));
        }
        let is_allowed = question.rules.is_none_or(|rules| rules.allows(email));
        if known.is_member && !known.is_elsewhere && is_allowed {
            return Decision::Link;
        }
    }
    if known.has_password {
        return Decision::Confirm {
            joins: may_join && !known.is_member,
        };
    }
    Decision::Refuse(Refusal::NoPassword)
}

/// Why somebody who is no member does not become one.
fn outside(question: &Question<'_>) -> Refusal {
    match (question.rules, question.address) {
        (Some(rules), Some(email)) if rules.is_open && !rules.allows(email) => Refusal::Domain,
        (Some(rules), _) if rules.is_open && !question.is_verified => Refusal::Unverified,
        _ => Refusal::Closed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(is_open: bool) -> SignInRules {
        SignInRules {
            domains: vec!["example.com".to_owned()],
            is_open,
            ..SignInRules::default()
        }
    }

    const STRANGER: Known = Known {
        is_member: false,
        is_elsewhere: false,
        has_identity: false,
        has_password: true,
    };
    const MEMBER: Known = Known {
        is_member: true,
        ..STRANGER
    };

    #[test]
    #[expect(clippy::too_many_lines, reason = "some lines for each case")]
    fn each_case_has_its_end() {
        let (open, closed) = (rules(true), rules(false));
        let email = Email::parse("ada@example.com").unwrap();
        let other = Email::parse("ada@elsewhere.test").unwrap();
        let asked = Question {
            is_organisations: true,
            rules: Some(&open),
            address: Some(&email),
            is_verified: true,
            by_identity: None,
            by_address: None,
        };
        let refuse = Decision::Refuse;
        let wanderer = Known {
            is_elsewhere: true,
            ..MEMBER
        };
        let table = [
            // Nobody knows her.
            (asked, Decision::Register),
            (
                Question {
                    rules: Some(&closed),
                    ..asked
                },
                refuse(Refusal::Closed),
            ),
            (
                Question {
                    address: Some(&other),
                    ..asked
                },
                refuse(Refusal::Domain),
            ),
            (
                Question {
                    is_verified: false,
                    ..asked
                },
                refuse(Refusal::Unverified),
            ),
            (
                Question {
                    address: None,
                    ..asked
                },
                refuse(Refusal::NoAddress),
            ),
            (
                Question {
                    is_organisations: false,
                    ..asked
                },
                Decision::Register,
            ),
            (
                Question {
                    is_organisations: false,
                    rules: None,
                    ..asked
                },
                refuse(Refusal::Closed),
            ),
            // Somebody has her address.
            (
                Question {
                    by_address: Some(MEMBER),
                    ..asked
                },
                Decision::Link,
            ),
            (
                Question {
                    by_address: Some(MEMBER),
                    rules: Some(&closed),
                    ..asked
                },
                Decision::Link,
            ),
            (
                Question {
                    by_address: Some(MEMBER),
                    is_verified: false,
                    ..asked
                },
                refuse(Refusal::Unverified),
            ),
            (
                Question {
                    by_address: Some(wanderer),
                    ..asked
                },
                Decision::Confirm { joins: false },
            ),
            (
                Question {
                    by_address: Some(MEMBER),
                    address: Some(&other),
                    ..asked
                },
                Decision::Confirm { joins: false },
            ),
            (
                Question {
                    by_address: Some(STRANGER),
                    ..asked
                },
                Decision::Confirm { joins: true },
            ),
            (
                Question {
                    by_address: Some(STRANGER),
                    rules: Some(&closed),
                    ..asked
                },
                refuse(Refusal::Closed),
            ),
            (
                Question {
                    by_address: Some(Known {
                        has_password: false,
                        ..wanderer
                    }),
                    ..asked
                },
                refuse(Refusal::NoPassword),
            ),
            (
                Question {
                    by_address: Some(Known {
                        has_identity: true,
                        ..MEMBER
                    }),
                    ..asked
                },
                refuse(Refusal::OtherIdentity),
            ),
            (
                Question {
                    by_address: Some(MEMBER),
                    is_organisations: false,
                    ..asked
                },
                Decision::Confirm { joins: false },
            ),
            (
                Question {
                    by_address: Some(MEMBER),
                    is_organisations: false,
                    is_verified: false,
                    ..asked
                },
                refuse(Refusal::Unverified),
            ),
            // The identity is somebody's.
            (
                Question {
                    by_identity: Some(MEMBER),
                    ..asked
                },
                Decision::SignIn { joins: false },
            ),
            (
                Question {
                    by_identity: Some(MEMBER),
                    is_verified: false,
                    address: None,
                    ..asked
                },
                Decision::SignIn { joins: false },
            ),
            (
                Question {
                    by_identity: Some(STRANGER),
                    ..asked
                },
                Decision::SignIn { joins: true },
            ),
            (
                Question {
                    by_identity: Some(STRANGER),
                    rules: Some(&closed),
                    ..asked
                },
                refuse(Refusal::Closed),
            ),
            (
                Question {
                    by_identity: Some(STRANGER),
                    is_verified: false,
                    ..asked
                },
                refuse(Refusal::Unverified),
            ),
            (
                Question {
                    by_identity: Some(STRANGER),
                    is_organisations: false,
                    rules: Some(&closed),
                    ..asked
                },
                Decision::SignIn { joins: false },
            ),
        ];
        for (question, decision) in table {
            assert_eq!(decide(&question), decision, "{question:?}");
        }
    }

    #[test]
    fn an_address_that_is_not_verified_never_leads_into_an_account_that_is_there() {
        let (open, closed) = (rules(true), rules(false));
        let email = Email::parse("ada@example.com").unwrap();
        for bits in 0..64_u32 {
            let bit = |at: u32| bits & (1 << at) != 0;
            let known = Known {
                is_member: bit(0),
                is_elsewhere: bit(1),
                has_identity: bit(2),
                has_password: bit(3),
            };
            let decision = decide(&Question {
                is_organisations: bit(4),
                rules: Some(if bit(5) { &open } else { &closed }),
                address: Some(&email),
                is_verified: false,
                by_identity: None,
                by_address: Some(known),
            });
            assert!(matches!(decision, Decision::Refuse(_)), "{known:?}");
        }
    }
}
