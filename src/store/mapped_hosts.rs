//! What a host name stands for: found in one batch with who asks and for which repository, and remembered.

use std::cell::Cell;
use std::rc::Rc;

use crate::app::App;
use crate::domain::host_name::HostName;
use crate::domain::token::TokenHash;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{first_as, row};
use crate::store::admission::{find_principal_stmt, read_principal};
use crate::store::memo::{FRESH, STALE};
use crate::store::repositories::{RepositoryAddress, find_mapped_repository_stmt, read_repository};

row! {
    /// What a verified host name stands for.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct MappedHost {
        /// The organisation's slug.
        pub organisation: String,
        /// The repository's slug; none where the host is the organisation's.
        pub repository: Option<String>,
    }
}

impl MappedHost {
    /// The repository that is asked for, by the slug in the path where the host is the organisation's.
    pub fn address(&self, slug: Option<&str>) -> Option<RepositoryAddress> {
        Some(RepositoryAddress::Path {
            organisation: self.organisation.clone(),
            repository: self.repository.as_deref().or(slug)?.to_owned(),
        })
    }
}

/// What a look came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It stands for this.
    Mapped(MappedHost),
    /// It is nobody's.
    Nobody,
    /// It was not looked up: too many were that nobody had heard of.
    TooMany,
}

/// A budget of looks at host names that an isolate has not heard of: whoever makes up names gets no more out of it.
#[derive(Debug, Default)]
pub struct Looks {
    period: Cell<i64>,
    count: Cell<u32>,
}

/// So many in [`FRESH`] seconds. An isolate that starts amid the traffic of many hosts has this many to learn of at once.
const LOOKS: u32 = 64;

impl Looks {
    /// Counts a look, and says whether it may be.
    fn take(&self, now: i64) -> bool {
        let period = now.div_euclid(FRESH);
        if self.period.replace(period) != period {
            self.count.set(0);
        }
        let count = self.count.get();
        self.count.set(count.saturating_add(1));
        count < LOOKS
    }
}

/// Finds what a host name stands for. It is remembered for [`FRESH`] seconds, and so is that it stands for nothing; what is
/// missing is read in one batch with the repository that it leads to and with who asks, so that admitting the request
/// finds both in memory. When the database cannot be reached, what was remembered within [`STALE`] seconds serves on.
pub async fn find_mapped_host(
    app: &App,
    host: &HostName,
    slug: Option<&str>,
    token: Option<&TokenHash>,
) -> Result<Found> {
    let now = app.now();
    let memo = &app.memo;
    let name = host.as_str();
    if let Some(mapped) = memo.mapped_hosts.recall(name, now, FRESH) {
        return Ok(Found::Mapped(mapped));
    }
    if memo.unmapped_hosts.recall(name, now, FRESH).is_some() {
        return Ok(Found::Nobody);
    }
    let known = memo.mapped_hosts.recall(name, now, STALE);
    if known.is_none() && !memo.host_looks.take(now) {
        return Ok(Found::TooMany);
    }
    let token = token.filter(|token| {
        let principal = memo.principals.recall(token.as_str(), now, FRESH);
        principal.is_none()
    });
    let mut statements = vec![
        find_mapped_host_stmt(name),
        find_mapped_repository_stmt(name, slug),
    ];
    statements.extend(token.map(find_principal_stmt));
    let rows = match (app.db.read_nearby(statements).await, known) {
        (Ok(rows), _) => rows,
        (Err(error), Some(mapped)) => {
            app.warn_of_outage("the database, serving from memory", &error);
            return Ok(Found::Mapped(mapped));
        }
        (Err(error), None) => return Err(error.or_unavailable()),
    };
    let mut rows = rows.into_iter();
    let mapped = first_as::<MappedHost>(rows.next().unwrap_or_default())?;
    let Some(mapped) = mapped else {
        memo.unmapped_hosts.remember(name, (), now);
        // What it stood for is not to come back with the next failure of the database.
        memo.mapped_hosts.forget(name);
        return Ok(Found::Nobody);
    };
    if let Some(address) = mapped.address(slug) {
        let repository = read_repository(rows.next().unwrap_or_default())?;
        memo.repositories
            .remember(&address.memo_key(), repository.map(Rc::new), now);
    } else {
        rows.next();
    }
    if let Some(token) = token {
        let principal = read_principal(rows.next().unwrap_or_default(), now)?.map(Rc::new);
        memo.principals.remember(token.as_str(), principal, now);
    }
    memo.mapped_hosts.remember(name, mapped.clone(), now);
    memo.unmapped_hosts.forget(name);
    Ok(Found::Mapped(mapped))
}

/// Forgets what hosts stand for: whoever changed it in this isolate sees the change at once.
pub(super) fn forget_mapped_hosts(app: &App) {
    app.memo.mapped_hosts.clear();
    app.memo.unmapped_hosts.clear();
    app.memo.repositories.clear();
}

fn find_mapped_host_stmt(host: &str) -> Statement {
    Statement::new(
        "select o.slug as organisation, r.slug as repository
         from host_names h join organisations o on o.id = h.organisation_id
                           left join repositories r on r.id = h.repository_id
         where h.host = ?1 and h.verified_at is not null",
    )
    .bind(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_bounded_and_come_back() {
        let looks = Looks::default();
        assert!((0..LOOKS).all(|_| looks.take(100)));
        assert!(!looks.take(103));
        assert!(looks.take(104));
    }
}
