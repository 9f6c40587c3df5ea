//! Signing in by others: which providers there are, what an organisation wants of those who sign in, and what becomes of
//! somebody whom a provider has proven. No I/O and no clock.

mod decide;
pub mod id_token;
mod kind;
mod rules;

pub use decide::{Decision, Known, Proven, Question, Refusal, decide};
pub use kind::IdentityProviderKind;
pub use rules::{Enforced, GroupTeam, InvalidDomain, SignInRules, read_domain};
