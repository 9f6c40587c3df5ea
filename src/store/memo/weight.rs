//! What a remembered value takes of memory, in bytes: near enough to bound it, and rather more than less.

use std::mem::{size_of, size_of_val};
use std::rc::Rc;

use crate::domain::access::{Bar, Caller, Principal, Rule, VersionFacts};
use crate::domain::name::{NameGlob, PackageName};
use crate::store::connections::Connection;
use crate::store::dists::DistPointer;
use crate::store::github_apps::GitHubApp;
use crate::store::mapped_hosts::MappedHost;
use crate::store::repositories::{Head, Repository};

/// What the allocator keeps beside each piece, and what it rounds up.
const PIECE: usize = 24;

/// What a parsed version constraint takes for each byte of its text: at most a test of a few characters each.
const CONSTRAINT: usize = 24;

/// A value with pieces of memory elsewhere.
pub trait Weigh {
    /// Bytes that it takes beside itself.
    fn beside(&self) -> usize;
}

/// What an entry of a map takes: a table has up to twice as many places as entries.
pub(super) fn entry_bytes<V: Weigh>(key: &String, value: &V) -> usize {
    let places = size_of::<(String, V)>().saturating_add(1).saturating_mul(2);
    sum(&[places, key.beside(), value.beside()])
}

fn sum(parts: &[usize]) -> usize {
    parts.iter().fold(0, |sum, part| sum.saturating_add(*part))
}

impl Weigh for () {
    fn beside(&self) -> usize {
        0
    }
}

impl Weigh for i64 {
    fn beside(&self) -> usize {
        0
    }
}

impl Weigh for u32 {
    fn beside(&self) -> usize {
        0
    }
}

impl Weigh for str {
    fn beside(&self) -> usize {
        self.len().saturating_add(PIECE)
    }
}

impl Weigh for Rc<str> {
    fn beside(&self) -> usize {
        self.len().saturating_add(PIECE)
    }
}

impl Weigh for String {
    fn beside(&self) -> usize {
        self.capacity().saturating_add(PIECE)
    }
}

impl Weigh for NameGlob {
    fn beside(&self) -> usize {
        self.as_str().beside()
    }
}

impl Weigh for PackageName {
    fn beside(&self) -> usize {
        self.as_str().beside()
    }
}

impl<A: Weigh, B: Weigh> Weigh for (A, B) {
    fn beside(&self) -> usize {
        sum(&[self.0.beside(), self.1.beside()])
    }
}

impl<T: Weigh> Weigh for Option<T> {
    fn beside(&self) -> usize {
        self.as_ref().map_or(0, Weigh::beside)
    }
}

fn items<T: Weigh>(items: &[T]) -> usize {
    let own = size_of_val(items).saturating_add(PIECE);
    items
        .iter()
        .fold(own, |sum, item| sum.saturating_add(item.beside()))
}

impl<T: Weigh> Weigh for Vec<T> {
    fn beside(&self) -> usize {
        let spare = self.capacity().saturating_sub(self.len());
        items(self).saturating_add(spare.saturating_mul(size_of::<T>()))
    }
}

impl Weigh for Rc<[u8]> {
    fn beside(&self) -> usize {
        self.len().saturating_add(PIECE)
    }
}

impl Weigh for Rc<[PackageName]> {
    fn beside(&self) -> usize {
        items(self)
    }
}

impl Weigh for Rc<[VersionFacts]> {
    fn beside(&self) -> usize {
        items(self)
    }
}

impl Weigh for VersionFacts {
    fn beside(&self) -> usize {
        sum(&[self.normalized.beside(), self.alias.beside()])
    }
}

impl Weigh for Head {
    fn beside(&self) -> usize {
        self.root.as_ref().map_or(0, |root| root.as_str().beside())
    }
}

impl Weigh for MappedHost {
    fn beside(&self) -> usize {
        sum(&[self.organisation.beside(), self.repository.beside()])
    }
}

impl Weigh for DistPointer {
    fn beside(&self) -> usize {
        sum(&[self.archive_key.beside(), self.sha256.beside()])
    }
}

impl Weigh for Rc<Repository> {
    fn beside(&self) -> usize {
        let own = sum(&[size_of::<Repository>(), PIECE, self.head.beside()]);
        self.texts()
            .into_iter()
            .flatten()
            .fold(own, |sum, text| sum.saturating_add(text.beside()))
    }
}

impl Weigh for Rc<Principal> {
    fn beside(&self) -> usize {
        let networks = self.networks.as_ref();
        sum(&[
            size_of::<Principal>(),
            PIECE,
            self.token.beside(),
            self.caller.beside(),
            self.repositories.beside(),
            self.packages.beside(),
            networks.map_or(0, |networks| size_of_val(networks.as_slice())),
            self.rules.beside(),
            self.bar.beside(),
            self.contact.beside(),
        ])
    }
}

impl Weigh for Caller {
    fn beside(&self) -> usize {
        match self {
            Self::Instance | Self::Machine => 0,
            Self::Person { account, name, .. } => sum(&[account.beside(), name.beside()]),
            Self::Customer { id, name } => sum(&[id.beside(), name.beside()]),
        }
    }
}

impl Weigh for Bar {
    fn beside(&self) -> usize {
        match self {
            Self::CustomerSuspended(reason) | Self::OrganisationSuspended(reason) => {
                reason.beside()
            }
            Self::TokenExpired
            | Self::WrongAddress
            | Self::CustomerExpired
            | Self::MemberSuspended => 0,
        }
    }
}

impl Weigh for Rule {
    fn beside(&self) -> usize {
        let constraints = self.limit.constraints.iter().map(|constraint| {
            let text = constraint.as_str().len();
            size_of_val(constraint)
                .saturating_add(text.saturating_mul(CONSTRAINT))
                .saturating_add(PIECE)
        });
        sum(&[
            self.grant.beside(),
            self.repositories.beside(),
            self.packages.beside(),
            constraints.fold(0, usize::saturating_add),
        ])
    }
}

impl Weigh for Connection {
    fn beside(&self) -> usize {
        sum(&[
            self.id.beside(),
            self.provider.beside(),
            self.base_url.beside(),
            self.account.beside(),
            self.username.beside(),
            self.sealed_token.beside(),
            self.sealed_webhook_secret.beside(),
            self.trouble.beside(),
            self.hooks.beside(),
            self.hook_mapping.beside(),
            self.github_app_id.beside(),
            self.sealed_old_webhook_secret.beside(),
        ])
    }
}

impl Weigh for GitHubApp {
    fn beside(&self) -> usize {
        sum(&[
            self.id.beside(),
            self.base_url.beside(),
            self.issuer.beside(),
            self.slug.beside(),
            self.name.beside(),
            self.web_url.beside(),
            self.sealed_private_key.beside(),
            self.sealed_webhook_secret.beside(),
            self.sealed_old_webhook_secret.beside(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::access::VersionLimit;
    use crate::domain::constraint::Constraint;

    #[test]
    fn what_is_longer_weighs_more() {
        let rule = |packages: usize, versions: &str| Rule {
            grant: "g".repeat(30),
            organisation: 1,
            repositories: None,
            packages: vec![NameGlob::parse("acme/*").unwrap(); packages],
            limit: VersionLimit {
                constraints: vec![Constraint::parse(versions).unwrap()],
                ..VersionLimit::default()
            },
        };
        let one = rule(1, "^1.0").beside();
        let per_name = size_of::<NameGlob>() + "acme/*".len();
        assert!(rule(1_001, "^1.0").beside() >= one + 1_000 * per_name);
        let long = vec!["^1.0"; 100].join(" || ");
        assert!(rule(1, &long).beside() >= one + long.len());
    }
}
