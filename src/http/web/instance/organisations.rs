//! All organisations and what they use, and the form that makes one.

use askama::Template;
use serde_json::json;

use super::{ADDRESS, shell};
use crate::app::App;
use crate::domain::quota::Nearness;
use crate::domain::time::month;
use crate::error::Result;
use crate::http::api::paging::Page;
use crate::http::reply::Reply;
use crate::http::web::field::{Choice, Field};
use crate::http::web::form::{Faults, Form};
use crate::http::web::lists::bytes_in_words;
use crate::http::web::page::{page, page_with};
use crate::http::web::shell::Shell;
use crate::http::web::visit::Visit;
use crate::http::web::ways::with_query;
use crate::store::quotas::{Usage, UsageOrder, list_usage};

/// What is used of one thing.
pub(super) struct Used {
    pub(super) label: &'static str,
    /// In words, with the limit.
    pub(super) text: String,
    /// `near` or `reached`, where it is.
    pub(super) warning: Option<&'static str>,
}

impl Used {
    fn of(label: &'static str, used: i64, limit: Option<i64>, words: fn(i64) -> String) -> Self {
        let text = limit.map_or_else(
            || words(used),
            |limit| format!("{} of {}", words(used), words(limit)),
        );
        let warning = match Nearness::of(used, limit) {
            Nearness::Within => None,
            near => Some(near.as_str()),
        };
        Self {
            label,
            text,
            warning,
        }
    }
}

/// Packages, storage and bandwidth of an organisation, with those below it.
pub(super) fn used(usage: &Usage) -> [Used; 3] {
    let number: fn(i64) -> String = |number| number.to_string();
    let packages = usage.packages.saturating_add(usage.packages_below);
    let storage = usage.storage.saturating_add(usage.storage_below);
    let bandwidth = usage.bandwidth.saturating_add(usage.bandwidth_below);
    [
        Used::of("Packages", packages, usage.quota_packages, number),
        Used::of("Storage", storage, usage.quota_storage, bytes_in_words),
        Used::of(
            "Served this month",
            bandwidth,
            usage.quota_bandwidth,
            bytes_in_words,
        ),
    ]
}

struct ShownOrganisation {
    href: String,
    name: String,
    slug: String,
    versions: i64,
    used: [Used; 3],
    is_suspended: bool,
}

#[derive(Template)]
#[template(path = "instance/organisations.html")]
struct OrganisationsPage {
    shell: Shell,
    sorts: Vec<Choice>,
    organisations: Vec<ShownOrganisation>,
    first: Option<String>,
    next: Option<String>,
}

pub(super) async fn show(app: &App, visit: &mut Visit) -> Result<Reply> {
    visit.own(app).await?;
    let sort = visit.request.query_parameter("sort").unwrap_or_default();
    let order = UsageOrder::ALL
        .into_iter()
        .find(|(name, _)| *name == sort)
        .map_or(UsageOrder::Slug, |(_, order)| order);
    let at = Page::of(&visit.request)?;
    let after = at.after().and_then(|after| {
        let (key, slug) = after.split_once(' ')?;
        Some((key.parse().ok()?, slug))
    });
    let now = month(app.now());
    let mut rows = list_usage(app, &now, order, after, at.rows()).await?;
    let next = at.cut(&mut rows, |last| {
        format!("{} {}", order.key(last), last.slug)
    });
    let to = |cursor: &str| with_query(ADDRESS, &[("sort", &sort), ("cursor", cursor)]);
    let organisations = rows
        .into_iter()
        .map(|usage| ShownOrganisation {
            href: format!("{ADDRESS}/organisations/{}", usage.slug),
            used: used(&usage),
            name: usage.name,
            slug: usage.slug,
            versions: usage.versions,
            is_suspended: usage.is_suspended != 0,
        })
        .collect();
    page(&OrganisationsPage {
        shell: shell(app, visit, "Organisations", Vec::new())?,
        sorts: vec![
            Choice::new("", "By name in addresses", &sort),
            Choice::new("packages", "Most packages first", &sort),
            Choice::new("storage", "Most stored first", &sort),
            Choice::new("bandwidth", "Most served first", &sort),
        ],
        organisations,
        first: at.after().map(|_| to("")),
        next: next.map(|cursor| to(&cursor)),
    })
}

#[derive(Template)]
#[template(path = "instance/new.html")]
struct NewPage {
    shell: Shell,
    fields: Vec<Field>,
    faults: Vec<String>,
}

pub(super) async fn show_new(app: &App, visit: &mut Visit) -> Result<Reply> {
    visit.own(app).await?;
    render_new(app, visit, &Form::default(), &Faults::none())
}

fn render_new(app: &App, visit: &mut Visit, form: &Form, faults: &Faults) -> Result<Reply> {
    let fields = [
        Field::text("slug", "Name in addresses")
            .hint("Lower case, such as acme: its repositories are at /r/acme/…"),
        Field::text("name", "Name").optional(),
        Field::text("parent", "Below").optional().hint(
            "The name in addresses of the organisation that it belongs to: they share its quotas",
        ),
    ];
    let names = ["slug", "name", "parent"];
    page_with(
        if faults.is_empty() { 200 } else { 422 },
        &NewPage {
            shell: shell(app, visit, "New organisation", Vec::new())?,
            fields: fields
                .into_iter()
                .map(|field| field.typed(form, faults))
                .collect(),
            faults: faults.besides(&names),
        },
    )
}

/// Makes an organisation, and leads to it.
pub(super) async fn make(app: &App, visit: &mut Visit) -> Result<Reply> {
    let form = visit.form(app).await?;
    let owner = visit.own(app).await?;
    let asked = json!({
        "slug": form.text("slug"),
        "name": form.optional("name"),
        "parent": form.optional("parent"),
    });
    match owner.ask(app, visit, "POST", "/orgs", Some(&asked)).await {
        Ok(_) => {
            let to = format!("{ADDRESS}/organisations/{}", form.text("slug"));
            Ok(visit.go_on(
                &to,
                "The organisation is there. Open it to invite its first people",
            ))
        }
        Err(error) => {
            let mut faults = Faults::of(error)?;
            // A slug that is taken is said of no field.
            if let [only] = faults.besides(&["slug", "name", "parent"]).as_slice() {
                let only = only.clone();
                faults = Faults::none();
                faults.add("slug", only);
            }
            render_new(app, visit, &form, &faults)
        }
    }
}
