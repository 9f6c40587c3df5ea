//! Bytes of archives that organisations serve: added up in an isolate's memory, written by the queue.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{row, rows_as};
use crate::store::downloads::note_report_stmt;

/// An isolate tells of an organisation at most this often, in seconds, unless much has gathered. What it has not told when
/// it ends is never told, so that the figures may lag by this and fall short by what one isolate serves in it.
pub const TELL_EVERY: i64 = 300;

/// As many bytes are told at once.
pub const MUCH: u64 = 256 * 1024 * 1024;

/// Of how many organisations an isolate remembers what it served, at some 150 bytes each; with that many it tells of all.
const MOST: usize = 4_096;

/// What an organisation served in a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// The organisation's id.
    pub organisation: i64,
    /// `2026-11`, in UTC.
    pub month: String,
    /// Bytes.
    pub bytes: u64,
}

#[derive(Default)]
struct Gathered {
    /// By month: at its turn there are two for some minutes.
    untold: BTreeMap<String, u64>,
    told_at: Option<i64>,
}

impl Gathered {
    /// From when on there is something to tell.
    fn due_at(&self) -> i64 {
        let bytes = self
            .untold
            .values()
            .fold(0_u64, |sum, one| sum.saturating_add(*one));
        match (bytes, self.told_at) {
            (0, _) => i64::MAX,
            (MUCH.., _) | (_, None) => i64::MIN,
            (_, Some(at)) => at.saturating_add(TELL_EVERY),
        }
    }
}

/// What an isolate has to tell of archives that were served.
pub struct Bandwidth {
    by_organisation: RefCell<BTreeMap<i64, Gathered>>,
    /// The first second at which there is something to tell of some organisation.
    due_at: Cell<i64>,
}

impl Default for Bandwidth {
    fn default() -> Self {
        Self {
            by_organisation: RefCell::default(),
            due_at: Cell::new(i64::MAX),
        }
    }
}

impl Bandwidth {
    /// Adds bytes that an organisation serves in a month.
    pub fn add(&self, organisation: i64, month: &str, bytes: u64) {
        let mut all = self.by_organisation.borrow_mut();
        let gathered = all.entry(organisation).or_default();
        match gathered.untold.get_mut(month) {
            Some(sum) => *sum = sum.saturating_add(bytes),
            None => {
                gathered.untold.insert(month.to_owned(), bytes);
            }
        }
        let due_at = gathered.due_at();
        self.due_at.set(self.due_at.get().min(due_at));
        if all.len() >= MOST {
            self.due_at.set(i64::MIN);
        }
    }

    /// Whether there is something that is to be told by now.
    pub fn is_waiting(&self, now: i64) -> bool {
        self.due_at.get() <= now
    }

    /// Takes what is to be told by now.
    pub fn take(&self, now: i64) -> Vec<Served> {
        if !self.is_waiting(now) {
            return Vec::new();
        }
        let mut all = self.by_organisation.borrow_mut();
        // Who served nothing since it was told of last is forgotten.
        all.retain(|_, one| {
            let told_at = one.told_at.unwrap_or(now);
            !one.untold.is_empty() || told_at.saturating_add(TELL_EVERY) > now
        });
        let mut served = Vec::new();
        let is_full = all.len() >= MOST;
        let is_due = |one: &Gathered| is_full && !one.untold.is_empty() || one.due_at() <= now;
        for (organisation, gathered) in all.iter_mut().filter(|(_, one)| is_due(one)) {
            gathered.told_at = Some(now);
            for (month, bytes) in std::mem::take(&mut gathered.untold) {
                served.push(Served {
                    organisation: *organisation,
                    month,
                    bytes,
                });
            }
        }
        if is_full {
            all.clear();
        }
        let due_at = all.values().map(Gathered::due_at).min();
        self.due_at.set(due_at.unwrap_or(i64::MAX));
        served
    }

    /// What could not be told is told with what comes next.
    pub fn put_back(&self, served: &[Served]) {
        for one in served {
            if let Some(gathered) = self.by_organisation.borrow_mut().get_mut(&one.organisation) {
                gathered.told_at = None;
            }
            self.add(one.organisation, &one.month, one.bytes);
        }
    }
}

/// Writes down what was served, once, however often `report` comes. It counts for the organisation above as well.
pub async fn note_served(app: &App, report: &str, served: &[Served]) -> Result<()> {
    let served = serde_json::to_string(served).map_err(Error::internal)?;
    app.db
        .batch(vec![
            Statement::new(
                "insert into organisation_bandwidth (organisation_id, month, bytes, bytes_below)
                 select t.id, t.month, sum(t.own), sum(t.below)
                 from (select o.id, json_extract(s.value, '$.month') as month,
                              json_extract(s.value, '$.bytes') as own, 0 as below
                       from json_each(?2) s join organisations o on o.id = json_extract(s.value, '$.organisation')
                       union all
                       select o.parent_id, json_extract(s.value, '$.month'), 0, json_extract(s.value, '$.bytes')
                       from json_each(?2) s join organisations o on o.id = json_extract(s.value, '$.organisation')
                       where o.parent_id is not null) t
                 where not exists (select 1 from download_reports where id = ?1)
                 group by t.id, t.month
                 on conflict (organisation_id, month) do update set
                     bytes = bytes + excluded.bytes, bytes_below = bytes_below + excluded.bytes_below",
            )
            .bind(report)
            .bind(served),
            note_report_stmt(report, app.now()),
        ])
        .await
        .map(|_| ())
}

row! {
    /// What was served in one month.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ServedInMonth {
        /// `2026-11`, in UTC.
        pub month: String,
        /// Bytes.
        pub bytes: i64,
        /// Those of the organisations below.
        pub bytes_below: i64,
    }
}

/// What an organisation served in the last months in which it served anything, the newest first.
pub async fn list_served(app: &App, organisation: i64, months: i64) -> Result<Vec<ServedInMonth>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select month, bytes, bytes_below from organisation_bandwidth
                     where organisation_id = ?1 order by month desc limit ?2",
                )
                .bind(organisation)
                .bind(months),
            )
            .await?,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOVEMBER: &str = "2026-11";

    #[test]
    fn the_first_bytes_are_told_at_once_and_the_next_after_minutes() {
        let bandwidth = Bandwidth::default();
        assert!(!bandwidth.is_waiting(1_000));
        bandwidth.add(1, NOVEMBER, 10);
        assert_eq!(bandwidth.take(1_000)[0].bytes, 10);
        bandwidth.add(1, NOVEMBER, 1);
        bandwidth.add(1, NOVEMBER, 2);
        assert!(!bandwidth.is_waiting(1_000 + TELL_EVERY - 1));
        // Another one is told of at once, and has the first wait on.
        bandwidth.add(2, NOVEMBER, 7);
        assert_eq!(bandwidth.take(1_001)[0].organisation, 2);
        assert!(bandwidth.is_waiting(1_000 + TELL_EVERY));
        assert_eq!(bandwidth.take(1_000 + TELL_EVERY)[0].bytes, 3);
        assert!(!bandwidth.is_waiting(i64::MAX - 1));
    }

    #[test]
    fn much_is_told_at_once_and_months_are_kept_apart() {
        let bandwidth = Bandwidth::default();
        bandwidth.add(1, NOVEMBER, 1);
        bandwidth.take(1_000);
        bandwidth.add(1, NOVEMBER, MUCH - 1);
        assert!(!bandwidth.is_waiting(1_001));
        bandwidth.add(1, "2026-12", 1);
        assert!(bandwidth.is_waiting(1_001));
        let months: Vec<_> = bandwidth
            .take(1_001)
            .into_iter()
            .map(|one| one.month)
            .collect();
        assert_eq!(months, [NOVEMBER, "2026-12"]);
    }

    #[test]
    fn as_soon_as_many_organisations_wait_all_are_told_and_forgotten() {
        let bandwidth = Bandwidth::default();
        let most = i64::try_from(MOST).unwrap();
        for organisation in 1..most {
            bandwidth.add(organisation, NOVEMBER, 1);
            bandwidth.take(1_000);
            bandwidth.add(organisation, NOVEMBER, 1);
        }
        assert!(!bandwidth.is_waiting(1_000));
        bandwidth.add(most, NOVEMBER, 1);
        assert_eq!(bandwidth.take(1_000).len(), MOST);
        assert!(bandwidth.by_organisation.borrow().is_empty());
    }

    #[test]
    fn what_could_not_be_told_is_told_with_the_next() {
        let bandwidth = Bandwidth::default();
        bandwidth.add(1, NOVEMBER, 10);
        let served = bandwidth.take(1_000);
        bandwidth.put_back(&served);
        bandwidth.add(1, NOVEMBER, 1);
        assert_eq!(bandwidth.take(1_000)[0].bytes, 11);
    }
}
