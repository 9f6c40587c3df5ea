//! What an organisation uses, beside what it may; the owner of the instance says how much that is.

use askama::Template;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::domain::access::Ability;
use crate::domain::quota::Nearness;
use crate::domain::time::month;
use crate::error::Result;
use crate::http::api::is_owner;
use crate::http::reply::Reply;
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::page::page_with;
use crate::http::web::place::settings::{Tab, address, tabs};
use crate::http::web::shell::{Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::store::bandwidth::list_served;
use crate::store::quotas::load_usage;

/// Months that are shown.
const MONTHS: i64 = 13;

struct Part {
    label: &'static str,
    used: String,
    below: Option<String>,
    quota: Option<String>,
    /// Of a hundred, for the bar.
    share: i64,
    badge: Option<(&'static str, &'static str)>,
}

fn part(
    label: &'static str,
    (used, below): (i64, i64),
    quota: Option<i64>,
    words: fn(i64) -> String,
) -> Part {
    let all = used.saturating_add(below);
    let share = quota.map_or(0, |quota| {
        let share = all.saturating_mul(100).checked_div(quota);
        share.unwrap_or(100).clamp(0, 100)
    });
    let badge = match Nearness::of(all, quota).as_str() {
        "reached" => Some(("used up", "bad")),
        "near" => Some(("nearly used up", "warn")),
        _ => None,
    };
    Part {
        label,
        used: words(all),
        below: (below > 0).then(|| words(below)),
        quota: quota.map(words),
        share,
        badge,
    }
}

/// Bytes in words: with one digit behind the point, in powers of 1,000.
fn bytes(bytes: i64) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    for (unit, name) in units {
        if bytes >= unit {
            let tenths = bytes
                .saturating_mul(10)
                .checked_div(unit)
                .unwrap_or_default();
            let whole = tenths.checked_div(10).unwrap_or_default();
            let rest = tenths.checked_rem(10).unwrap_or_default();
            return format!("{whole}.{rest} {name}");
        }
    }
    format!("{bytes} B")
}

fn count(number: i64) -> String {
    number.to_string()
}

#[derive(Template)]
#[template(path = "place/settings/usage.html")]
struct UsagePage {
    shell: Shell,
    address: String,
    tabs: Vec<Tab>,
    versions: i64,
    parts: Vec<Part>,
    months: Vec<(String, String)>,
    /// For the owner of the instance.
    fields: Vec<Field>,
    faults: Vec<String>,
}

/// The quotas that the form has: its field, its place in the API, what people read.
const QUOTAS: [(&str, &str, &str, &str); 3] = [
    (
        "packages",
        "quotas.packages",
        "Packages",
        "Without a number there is no limit",
    ),
    ("storage", "quotas.storage", "Bytes of archives stored", ""),
    (
        "bandwidth",
        "quotas.bandwidth",
        "Bytes of archives served in a month",
        "",
    ),
];

pub(super) async fn show(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    sent: Option<(&Form, &Faults)>,
) -> Result<Reply> {
    place.authorise(Ability::Own, true)?;
    let organisation = &place.organisation;
    let usage = load_usage(app, organisation.id, &month(app.now())).await?;
    let months = list_served(app, organisation.id, MONTHS).await?;
    let of_owner = is_owner(&place.principal);
    let known = [
        organisation.quota_packages,
        organisation.quota_storage,
        organisation.quota_bandwidth,
    ];
    let fields: Vec<_> = QUOTAS
        .into_iter()
        .zip(known)
        .filter(|_| of_owner)
        .map(|((name, fault, label, hint), known)| {
            let field = Field {
                kind: "number",
                ..Field::text(name, label)
            };
            let mut field = field
                .optional()
                .value(known.map(|known| known.to_string()).unwrap_or_default());
            if !hint.is_empty() {
                field = field.hint(hint);
            }
            if let Some((form, faults)) = sent {
                field = field.typed(form, faults);
                field.error = field.error.or(faults.at(fault));
            }
            field
        })
        .collect();
    let faults = sent.map_or_else(Vec::new, |(_, faults)| {
        let mut shown: Vec<&str> = QUOTAS.iter().map(|(name, ..)| *name).collect();
        shown.extend(QUOTAS.iter().map(|(_, fault, ..)| *fault));
        faults.besides(&shown)
    });
    page_with(
        if sent.is_some() { 422 } else { 200 },
        &UsagePage {
            shell: visit.shell_at(app, Section::Settings, "Usage", Vec::new())?,
            address: format!("{}/usage", address(place)),
            tabs: tabs(place, "Usage"),
            versions: usage.versions,
            parts: vec![
                part(
                    "Packages",
                    (usage.packages, usage.packages_below),
                    usage.quota_packages,
                    count,
                ),
                part(
                    "Archives stored",
                    (usage.storage, usage.storage_below),
                    usage.quota_storage,
                    bytes,
                ),
                part(
                    "Archives served this month",
                    (usage.bandwidth, usage.bandwidth_below),
                    usage.quota_bandwidth,
                    bytes,
                ),
            ],
            months: months
                .into_iter()
                .map(|one| (one.month, bytes(one.bytes.saturating_add(one.bytes_below))))
                .collect(),
            fields,
            faults,
        },
    )
}

/// Changes the quotas.
pub(super) async fn send(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    let form = visit.form(app).await?;
    let mut faults = Faults::none();
    let mut quotas = Map::new();
    for (name, _, _, _) in QUOTAS {
        let quota = match form.optional(name) {
            None => Value::Null,
            Some(text) => text.parse::<i64>().map_or_else(
                |_| {
                    faults.add(name, "This must be a whole number");
                    Value::Null
                },
                Value::from,
            ),
        };
        quotas.insert(name.to_owned(), quota);
    }
    if !faults.is_empty() {
        return show(app, visit, place, Some((&form, &faults))).await;
    }
    let asked = json!({ "quotas": quotas });
    match place.ask(app, visit, "PATCH", "", Some(&asked)).await {
        Ok(_) => Ok(visit.go_on(&format!("{}/usage", address(place)), "Saved")),
        Err(error) => {
            let faults = Faults::of(error)?;
            show(app, visit, place, Some((&form, &faults))).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_is_told_in_words_and_of_a_hundred() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_250), "1.2 kB");
        assert_eq!(bytes(3_000_000_000), "3.0 GB");
        let near = part("x", (70, 12), Some(100), count);
        assert_eq!((near.share, near.badge.unwrap().1), (82, "warn"));
        let over = part("x", (1, 0), Some(0), count);
        assert_eq!(over.share, 100);
        assert!(part("x", (1, 0), None, count).badge.is_none());
    }
}
