//! Archives that were served, gathered in an isolate's memory for some seconds so that one message tells of all that an
//! installation downloads. A message costs as much as three requests, and an archive is a request.
//!
//! Whoever serves the first one waits after its answer and tells of what has come by then; should it be ended before, the
//! next one that sees it takes over. What is lost is what an isolate that ends at once had not told.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::client::Client;
use crate::domain::name::PackageName;
use crate::domain::reader::Reader;
use crate::domain::time::day;

/// How long archives are gathered before they are told of, in seconds. The platform lets work go on for thirty seconds
/// after an answer.
pub const GATHER: i64 = 20;

/// Whoever began to wait this many seconds ago waits no more: the platform ended it.
const ABANDONED: i64 = 30;

/// As many kinds of archives are gathered at most, of some 150 bytes each; more are told of at once.
const MOST: usize = 2_000;

/// Bytes of names and references in one message: the queue takes 128 KB, and each has some twenty beside them.
const MESSAGE: usize = 60_000;

const SECONDS_OF_DAY: i64 = 86_400;

/// What one reader downloaded of a repository, on one day, by one client. A part of the queue's wire format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// The repository's id.
    pub repository: i64,
    /// `2026-11-21`, in UTC.
    pub day: String,
    /// Who.
    pub reader: Reader,
    /// By what.
    pub client: Client,
    /// Packages, references, and how often.
    pub archives: Vec<(PackageName, String, u64)>,
}

/// Day since 1970, repository, reader, client.
type Group = (i64, i64, Reader, Client);

/// How often each was served, by package and reference.
type Archives = BTreeMap<(PackageName, String), u64>;

/// What an isolate has to tell of archives that were served.
#[derive(Default)]
pub struct ServedArchives {
    groups: RefCell<BTreeMap<Group, Archives>>,
    count: Cell<usize>,
    waited_for_since: Cell<Option<i64>>,
}

impl ServedArchives {
    /// Notes that an archive is served.
    pub fn add(
        &self,
        (repository, reader, client): (i64, Reader, Client),
        (name, reference): (&PackageName, &str),
        now: i64,
    ) {
        let group = (now.div_euclid(SECONDS_OF_DAY), repository, reader, client);
        self.plus(group, (name.clone(), reference.to_owned()), 1);
    }

    fn plus(&self, group: Group, archive: (PackageName, String), times: u64) {
        let mut groups = self.groups.borrow_mut();
        let sum = groups
            .entry(group)
            .or_default()
            .entry(archive)
            .or_insert_with(|| {
                self.count.set(self.count.get().saturating_add(1));
                0
            });
        *sum = sum.saturating_add(times);
    }

    /// Whether somebody is to wait, and then to tell.
    pub fn wants_telling(&self, now: i64) -> bool {
        let is_waited_for = self
            .waited_for_since
            .get()
            .is_some_and(|since| now.saturating_sub(since) < ABANDONED);
        self.count.get() >= MOST || self.count.get() > 0 && !is_waited_for
    }

    /// Begins to wait; for how many seconds.
    pub fn begin(&self, now: i64) -> i64 {
        self.waited_for_since.set(Some(now));
        if self.count.get() >= MOST { 0 } else { GATHER }
    }

    /// Takes what there is to tell, a message each.
    pub fn take(&self) -> Vec<Vec<Served>> {
        self.waited_for_since.set(None);
        self.count.set(0);
        let mut messages: Vec<Vec<Served>> = Vec::new();
        let mut bytes = usize::MAX;
        for ((of_day, repository, reader, client), archives) in self.groups.take() {
            let empty = Served {
                repository,
                day: day(of_day.saturating_mul(SECONDS_OF_DAY)),
                reader,
                client,
                archives: Vec::new(),
            };
            let mut served = empty.clone();
            for ((name, reference), times) in archives {
                let more = name.as_str().len().saturating_add(reference.len());
                bytes = bytes.saturating_add(more).saturating_add(20);
                if bytes > MESSAGE {
                    push(&mut messages, std::mem::replace(&mut served, empty.clone()));
                    messages.push(Vec::new());
                    bytes = more;
                }
                served.archives.push((name, reference, times));
            }
            push(&mut messages, served);
            bytes = bytes.saturating_add(100);
        }
        messages
    }

    /// What could not be told is told with what comes next.
    pub fn put_back(&self, served: Vec<Served>, now: i64) {
        for one in served {
            let group = (
                now.div_euclid(SECONDS_OF_DAY),
                one.repository,
                one.reader,
                one.client,
            );
            for (name, reference, times) in one.archives {
                self.plus(group.clone(), (name, reference), times);
            }
        }
    }
}

/// Puts what is something into the last message.
fn push(messages: &mut [Vec<Served>], served: Served) {
    if let Some(last) = messages.last_mut()
        && !served.archives.is_empty()
    {
        last.push(served);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_000_000;

    fn who(token: &str) -> (i64, Reader, Client) {
        use crate::domain::reader::ReaderKind;
        (7, Reader::new(ReaderKind::Token, token), Client::default())
    }

    fn serve(served: &ServedArchives, token: &str, package: &str, reference: &str, now: i64) {
        let name = PackageName::parse(package).unwrap();
        served.add(who(token), (&name, reference), now);
    }

    #[test]
    fn one_waits_and_tells_of_all() {
        let served = ServedArchives::default();
        assert!(!served.wants_telling(NOW));
        serve(&served, "a", "acme/lib", "r1", NOW);
        assert!(served.wants_telling(NOW));
        assert_eq!(served.begin(NOW), GATHER);
        for _ in 0..3 {
            serve(&served, "a", "acme/lib", "r1", NOW);
            serve(&served, "b", "acme/lib", "r2", NOW);
        }
        assert!(!served.wants_telling(NOW + GATHER));
        let messages = served.take();
        assert_eq!(messages.len(), 1);
        let told: Vec<_> = messages[0]
            .iter()
            .map(|one| {
                (
                    one.reader.parts().1,
                    one.archives[0].1.as_str(),
                    one.archives[0].2,
                )
            })
            .collect();
        assert_eq!(told, [("a", "r1", 4), ("b", "r2", 3)]);
        assert!(!served.wants_telling(NOW));
        assert_eq!(served.take(), Vec::<Vec<Served>>::new());
    }

    #[test]
    fn who_was_ended_while_he_waited_is_followed_by_another() {
        let served = ServedArchives::default();
        serve(&served, "a", "acme/lib", "r1", NOW);
        served.begin(NOW);
        assert!(!served.wants_telling(NOW + ABANDONED - 1));
        assert!(served.wants_telling(NOW + ABANDONED));
    }

    #[test]
    fn days_are_kept_apart_and_what_was_not_told_comes_again() {
        let served = ServedArchives::default();
        let midnight = NOW.div_euclid(SECONDS_OF_DAY) * SECONDS_OF_DAY;
        serve(&served, "a", "acme/lib", "r1", midnight - 1);
        serve(&served, "a", "acme/lib", "r1", midnight);
        let mut messages = served.take();
        let days: Vec<_> = messages[0].iter().map(|one| one.day.as_str()).collect();
        assert_eq!(days, [day(midnight - 1), day(midnight)]);
        served.put_back(messages.remove(0), midnight);
        assert_eq!(served.take()[0][0].archives[0].2, 2);
    }

    #[test]
    fn messages_fit_into_the_queue_and_none_is_empty() {
        let served = ServedArchives::default();
        for number in 0..MOST {
            serve(
                &served,
                &format!("token{}", number % 3),
                &format!("acme/p{number}"),
                &"r".repeat(200),
                NOW,
            );
        }
        assert!(served.wants_telling(NOW));
        assert_eq!(served.begin(NOW), 0);
        let messages = served.take();
        let mut told = 0;
        for message in &messages {
            let size = serde_json::to_string(message).unwrap().len();
            assert!((1_000..120_000).contains(&size), "{size}");
            assert!(message.iter().all(|one| !one.archives.is_empty()));
            told += message.iter().map(|one| one.archives.len()).sum::<usize>();
        }
        assert_eq!(told, MOST);
        assert!(messages.len() > 5);
    }
}
