//! What is to be added to the daily sums: gathered over many reports, so that each row is written once.

use std::collections::BTreeMap;

use crate::domain::reader::Reader;
use crate::error::Result;
use crate::ports::Statement;

use super::{Counted, Found, json};

/// Installs, and archives that were downloaded.
pub(super) type Counts = (u64, u64);

/// Additions to each of the tables, by its key.
#[derive(Default)]
pub(super) struct Sums {
    versions: BTreeMap<(i64, String, String), Counts>,
    package_clients: BTreeMap<(i64, String, String, u8), Counts>,
    package_readers: BTreeMap<(i64, i64, Reader, String), Counts>,
    organisation_clients: BTreeMap<(i64, String, String, u8), Counts>,
    reader_days: BTreeMap<(i64, Reader, String), Counts>,
}

impl Sums {
    /// Adds what was found of a report.
    pub(super) fn add(&mut self, counted: &Counted<'_>, found: &Found, counts: Counts) {
        let day = || counted.day.to_owned();
        let (php, composer) = (|| counted.client.php.clone(), counted.client.composer);
        let (package, organisation) = (found.package, found.organisation);
        let reader = || counted.reader.clone();
        let version = found.version.clone();
        plus(&mut self.versions, (package, version, day()), counts);
        plus(
            &mut self.package_clients,
            (package, day(), php(), composer),
            counts,
        );
        plus(
            &mut self.package_readers,
            (organisation, package, reader(), day()),
            counts,
        );
        plus(
            &mut self.organisation_clients,
            (organisation, day(), php(), composer),
            counts,
        );
        plus(
            &mut self.reader_days,
            (organisation, reader(), day()),
            counts,
        );
    }

    /// The statements that write them; none where nothing is to be added.
    pub(super) fn statements(&self) -> Result<Vec<Statement>> {
        if self.versions.is_empty() {
            return Ok(Vec::new());
        }
        let readers: Vec<_> = self
            .reader_days
            .iter()
            .map(|((organisation, reader, day), counts)| {
                let (kind, subject) = reader.parts();
                (organisation, kind, subject, day, counts.0, counts.1)
            })
            .collect();
        let readers = json(&readers)?;
        let package_readers: Vec<_> = self
            .package_readers
            .iter()
            .map(|((organisation, package, reader, day), counts)| {
                let (kind, subject) = reader.parts();
                (
                    organisation,
                    kind,
                    subject,
                    day,
                    counts.0,
                    counts.1,
                    package,
                )
            })
            .collect();
        let versions: Vec<_> = self
            .versions
            .iter()
            .map(|((package, version, day), counts)| (package, version, day, counts.0, counts.1))
            .collect();
        Ok(vec![
            Statement::new(
                "insert into downloads (package_id, version, day, count, archives)
                 select json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
                        json_extract(value, '$[3]'), json_extract(value, '$[4]')
                 from json_each(?1) where true
                 on conflict (package_id, version, day) do update set
                     count = count + excluded.count, archives = archives + excluded.archives",
            )
            .bind(json(&versions)?),
            Statement::new(
                "insert into package_clients (package_id, day, php, composer, installs, archives)
                 select json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
                        json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]')
                 from json_each(?1) where true
                 on conflict (package_id, day, php, composer) do update set
                     installs = installs + excluded.installs, archives = archives + excluded.archives",
            )
            .bind(client_rows(&self.package_clients)?),
            Statement::new(
                "insert into organisation_clients (organisation_id, day, php, composer, installs, archives)
                 select json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
                        json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]')
                 from json_each(?1) where true
                 on conflict (organisation_id, day, php, composer) do update set
                     installs = installs + excluded.installs, archives = archives + excluded.archives",
            )
            .bind(client_rows(&self.organisation_clients)?),
            Statement::new(
                "insert into readers (organisation_id, kind, subject)
                 select json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]')
                 from json_each(?1) where true
                 on conflict (organisation_id, kind, subject) do nothing",
            )
            .bind(readers.as_str()),
            Statement::new(
                "insert into reader_days (reader_id, day, installs, archives)
                 select r.id, json_extract(d.value, '$[3]'), json_extract(d.value, '$[4]'), json_extract(d.value, '$[5]')
                 from json_each(?1) d
                 join readers r on r.organisation_id = json_extract(d.value, '$[0]')
                               and r.kind = json_extract(d.value, '$[1]') and r.subject = json_extract(d.value, '$[2]')
                 where true
                 on conflict (reader_id, day) do update set
                     installs = installs + excluded.installs, archives = archives + excluded.archives",
            )
            .bind(readers),
            Statement::new(
                "insert into package_readers (package_id, reader_id, day, installs, archives)
                 select json_extract(d.value, '$[6]'), r.id, json_extract(d.value, '$[3]'),
                        json_extract(d.value, '$[4]'), json_extract(d.value, '$[5]')
                 from json_each(?1) d
                 join readers r on r.organisation_id = json_extract(d.value, '$[0]')
                               and r.kind = json_extract(d.value, '$[1]') and r.subject = json_extract(d.value, '$[2]')
                 where true
                 on conflict (package_id, reader_id, day) do update set
                     installs = installs + excluded.installs, archives = archives + excluded.archives",
            )
            .bind(json(&package_readers)?),
        ])
    }
}

fn plus<K: Ord>(sums: &mut BTreeMap<K, Counts>, key: K, counts: Counts) {
    let sum = sums.entry(key).or_default();
    *sum = (
        sum.0.saturating_add(counts.0),
        sum.1.saturating_add(counts.1),
    );
}

fn client_rows(sums: &BTreeMap<(i64, String, String, u8), Counts>) -> Result<String> {
    let rows: Vec<_> = sums
        .iter()
        .map(|((of, day, php, composer), counts)| (of, day, php, composer, counts.0, counts.1))
        .collect();
    json(&rows)
}
