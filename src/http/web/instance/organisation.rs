//! One organisation as the owner of the instance sees it: what it uses and may use, and whether it is in force.

use askama::Template;
use serde_json::{Map, Value, json};

use super::organisations::{Used, used};
use super::{ADDRESS, shell};
use crate::app::App;
use crate::domain::time::month;
use crate::error::{Error, Result};
use crate::http::reply::Reply;
use crate::http::web::ask_twice::AskTwice;
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::lists::lead_on;
use crate::http::web::page::{Moment, page, page_with};
use crate::http::web::shell::Shell;
use crate::http::web::visit::Visit;
use crate::store::organisations::{Organisation, find_organisation};
use crate::store::quotas::load_usage;

/// The quotas, as the API names them.
const QUOTAS: [&str; 3] = ["packages", "storage", "bandwidth"];
/// Units that people type.
const UNITS: [(&str, i64); 4] = [
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
];

#[derive(Template)]
#[template(path = "instance/organisation.html")]
struct OrganisationPage {
    shell: Shell,
    address: String,
    organisation: Organisation,
    made: Moment,
    suspended: Option<Moment>,
    is_being_deleted: bool,
    used: [Used; 3],
    versions: i64,
    quotas: Vec<Field>,
}

fn address(slug: &str) -> String {
    format!("{ADDRESS}/organisations/{slug}")
}

async fn find(app: &App, slug: &str) -> Result<Organisation> {
    find_organisation(app, slug)
        .await?
        .ok_or_else(|| Error::not_found("There is no such organisation"))
}

pub(super) async fn show(app: &App, visit: &mut Visit, slug: &str) -> Result<Reply> {
    visit.own(app).await?;
    render(app, visit, slug, None).await
}

async fn render(
    app: &App,
    visit: &mut Visit,
    slug: &str,
    typed: Option<(&Form, &Faults)>,
) -> Result<Reply> {
    let organisation = find(app, slug).await?;
    let usage = load_usage(app, organisation.id, &month(app.now())).await?;
    let quota = |name, label, hint, limit: Option<i64>| {
        let field = Field::text(name, label).optional().hint(hint);
        match typed {
            Some((form, faults)) => field.typed(form, faults),
            None => field.value(limit.map(|limit| write(name, limit)).unwrap_or_default()),
        }
    };
    let known = organisation.quotas();
    let quotas = vec![
        quota("packages", "Packages", "Empty for no limit", known.packages),
        quota(
            "storage",
            "Storage",
            "Such as 20 GB; empty for no limit",
            known.storage,
        ),
        quota(
            "bandwidth",
            "Served in a month",
            "Such as 500 GB; empty for no limit",
            known.bandwidth,
        ),
    ];
    page_with(
        if typed.is_some() { 422 } else { 200 },
        &OrganisationPage {
            shell: shell(app, visit, &organisation.name, Vec::new())?,
            address: address(&organisation.slug),
            made: Moment::of(organisation.created_at),
            suspended: organisation.suspended_at.map(Moment::of),
            is_being_deleted: organisation.deleted_at.is_some(),
            used: used(&usage),
            versions: usage.versions,
            quotas,
            organisation,
        },
    )
}

/// A limit as it is typed: by the largest unit that says it exactly.
fn write(name: &str, limit: i64) -> String {
    let unit = UNITS
        .into_iter()
        .rev()
        .filter(|_| name != "packages" && limit > 0)
        .find(|(_, size)| limit.rem_euclid(*size) == 0);
    match unit {
        None => limit.to_string(),
        Some((unit, size)) => {
            format!("{} {}", limit.div_euclid(size), unit.to_uppercase())
        }
    }
}

/// Reads `20 GB`, `20gb` or a plain number.
fn read(text: &str) -> Option<i64> {
    let text = text.to_lowercase();
    let (number, size) = UNITS
        .into_iter()
        .find_map(|(unit, size)| Some((text.strip_suffix(unit)?, size)))
        .unwrap_or((&text, 1));
    number.trim().parse::<i64>().ok()?.checked_mul(size)
}

/// Says what the organisation may use.
pub(super) async fn set_quotas(app: &App, visit: &mut Visit, slug: &str) -> Result<Reply> {
    let form = visit.form(app).await?;
    let owner = visit.own(app).await?;
    let mut faults = Faults::none();
    let mut quotas = Map::new();
    for name in QUOTAS {
        let limit = match form.optional(name) {
            None => Value::Null,
            Some(text) => read(text).map_or_else(
                || {
                    faults.add(name, "Write a number, such as 500 or 20 GB");
                    Value::Null
                },
                |limit| json!(limit),
            ),
        };
        quotas.insert(name.to_owned(), limit);
    }
    if !faults.is_empty() {
        return render(app, visit, slug, Some((&form, &faults))).await;
    }
    let asked = json!({ "quotas": quotas });
    let path = format!("/orgs/{slug}");
    let answer = owner.ask(app, visit, "PATCH", &path, Some(&asked)).await;
    let said = "The quotas are changed; what they held back goes on";
    lead_on(visit, &address(slug), answer, said)
}

/// Asks whether the organisation is to be suspended, and why.
pub(super) async fn ask_suspend(app: &App, visit: &mut Visit, slug: &str) -> Result<Reply> {
    visit.own(app).await?;
    let organisation = find(app, slug).await?;
    let title = format!("Suspend {}?", organisation.name);
    page(&AskTwice {
        shell: shell(app, visit, &title, Vec::new())?,
        consequences: vec![
            "Nobody gets anything from it and nothing of it can be changed, within ten seconds, until you resume it; those \
             below it neither."
                .to_owned(),
            "Nothing is deleted.".to_owned(),
        ],
        action: format!("{}/suspend", address(slug)),
        fields: vec![
            Field::text("reason", "Why")
                .optional()
                .hint("Whoever asks is told: Composer prints it"),
        ],
        faults: Vec::new(),
        button: "Suspend it".to_owned(),
        back: address(slug),
    })
}

/// Suspends the organisation.
pub(super) async fn suspend(app: &App, visit: &mut Visit, slug: &str) -> Result<Reply> {
    let form = visit.form(app).await?;
    let owner = visit.own(app).await?;
    let mut asked = json!({"state": "suspended"});
    if let (Some(reason), Some(asked)) = (form.optional("reason"), asked.as_object_mut()) {
        asked.insert("reason".to_owned(), json!(reason));
    }
    let path = format!("/orgs/{slug}");
    let answer = owner.ask(app, visit, "PATCH", &path, Some(&asked)).await;
    lead_on(
        visit,
        &address(slug),
        answer,
        "The organisation is suspended",
    )
}

/// Has the organisation in force again.
pub(super) async fn resume(app: &App, visit: &mut Visit, slug: &str) -> Result<Reply> {
    visit.form(app).await?;
    let owner = visit.own(app).await?;
    let asked = json!({"state": "active"});
    let path = format!("/orgs/{slug}");
    let answer = owner.ask(app, visit, "PATCH", &path, Some(&asked)).await;
    lead_on(
        visit,
        &address(slug),
        answer,
        "The organisation is in force again",
    )
}

/// Asks whether the organisation is to be deleted, for ever.
pub(super) async fn ask_delete(app: &App, visit: &mut Visit, slug: &str) -> Result<Reply> {
    visit.own(app).await?;
    render_delete(app, visit, slug, None).await
}

async fn render_delete(
    app: &App,
    visit: &mut Visit,
    slug: &str,
    typed: Option<(&Form, &Faults)>,
) -> Result<Reply> {
    let organisation = find(app, slug).await?;
    let title = format!("Delete {} for ever?", organisation.name);
    let field = Field::text("confirm", "Name in addresses")
        .hint(format!("Type {} if you mean that one", organisation.slug));
    let field = match typed {
        Some((form, faults)) => field.typed(form, faults),
        None => field,
    };
    page_with(
        if typed.is_some() { 422 } else { 200 },
        &AskTwice {
            shell: shell(app, visit, &title, Vec::new())?,
            consequences: vec![
                "Its repositories, packages, archives, tokens, people's places and its audit log go with it. Nothing brings \
                 them back."
                    .to_owned(),
                "It must be suspended first, so that whoever still uses it notices in time.".to_owned(),
            ],
            action: format!("{}/delete", address(slug)),
            fields: vec![field],
            faults: typed.map_or_else(Vec::new, |(_, faults)| faults.besides(&["confirm"])),
            button: "Delete it for ever".to_owned(),
            back: address(slug),
        },
    )
}

/// Has the organisation deleted; what it has leaves in portions.
pub(super) async fn delete(app: &App, visit: &mut Visit, slug: &str) -> Result<Reply> {
    let form = visit.form(app).await?;
    let owner = visit.own(app).await?;
    let asked = json!({"confirm": form.text("confirm")});
    let path = format!("/orgs/{slug}");
    match owner.ask(app, visit, "DELETE", &path, Some(&asked)).await {
        Ok(_) => Ok(visit.go_on(ADDRESS, "The organisation is being deleted")),
        Err(error) => {
            let faults = Faults::of(error)?;
            render_delete(app, visit, slug, Some((&form, &faults))).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_they_are_written() {
        for (text, limit) in [
            ("20 GB", 20_000_000_000),
            ("1 TB", 1_000_000_000_000),
            ("1500 MB", 1_500_000_000),
            ("17", 17),
            ("0", 0),
        ] {
            assert_eq!(read(text), Some(limit), "{text}");
            assert_eq!(write("storage", limit), text);
        }
        assert_eq!(read("3gb"), Some(3_000_000_000));
        assert_eq!(write("packages", 5_000), "5000");
        for text in ["many", "1.5 GB", "9999999999 TB", "GB"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
