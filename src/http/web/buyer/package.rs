//! A package as a customer sees it: the versions that Composer is told of.

use askama::Template;
use serde_json::{Map, Value};

use crate::app::App;
use crate::domain::name::PackageName;
use crate::error::{Error, Result};
use crate::http::api::browse::Seen;
use crate::http::composer::visits_in;
use crate::http::reply::Reply;
use crate::http::web::buyer::Buyer;
use crate::http::web::page::{Moment, page};
use crate::http::web::shell::Shell;
use crate::http::web::visit::Visit;
use crate::http::web::ways::with_query;
use crate::store::landing::load_offer;

/// So many versions are on a page.
const ROWS: usize = 50;

struct ShownVersion {
    version: String,
    released: Option<Moment>,
    requires: Vec<(String, String)>,
    warning: Option<String>,
}

#[derive(Template)]
#[template(path = "buyer/package.html")]
struct PackagePage {
    shell: Shell,
    customer: String,
    here: &'static str,
    description: Option<String>,
    is_abandoned: bool,
    command: String,
    repositories: String,
    total: usize,
    versions: Vec<ShownVersion>,
    first: Option<String>,
    next: Option<String>,
}

fn text<'a>(entry: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    let value = entry.get(key).and_then(Value::as_str);
    value.filter(|value| !value.is_empty())
}

impl ShownVersion {
    fn of(entry: &Map<String, Value>) -> Self {
        let released = text(entry, "time").or_else(|| text(entry, "published-time"));
        let requires = entry.get("require").and_then(Value::as_object);
        Self {
            version: text(entry, "version").unwrap_or_default().to_owned(),
            released: released.map(|time| Moment {
                exact: time.to_owned(),
                text: time.get(..10).unwrap_or(time).to_owned(),
            }),
            requires: requires
                .into_iter()
                .flatten()
                .map(|(name, constraint)| {
                    let constraint = constraint.as_str().unwrap_or_default();
                    (name.clone(), constraint.to_owned())
                })
                .collect(),
            warning: match entry.get("abandoned") {
                Some(Value::String(instead)) if !instead.is_empty() => Some(instead.clone()),
                Some(Value::Bool(true)) => Some("abandoned".to_owned()),
                _ => None,
            },
        }
    }
}

pub(super) async fn show(app: &App, visit: &mut Visit, name: &PackageName) -> Result<Reply> {
    use crate::domain::policy::Abandoned;
    let buyer = Buyer::enter(app, visit).await?;
    let start = visit
        .request
        .query_parameter("from")
        .and_then(|text| text.parse::<usize>().ok())
        .unwrap_or_default();
    let offer = load_offer(app, buyer.login.organisation_id, None).await?;
    let visits = visits_in(app, offer.repositories, &buyer.principal).await?;
    let seen = Seen::of(&visits, name).await?;
    if seen.entries.is_empty() {
        return Err(Error::not_found("There is no such package"));
    }
    let own = format!("/ui/customer/packages/{}", name.as_str());
    let end = start.saturating_add(ROWS);
    page(&PackagePage {
        shell: visit.shell(app, name.as_str())?,
        customer: buyer.login.name,
        here: "packages",
        description: seen.text("description"),
        is_abandoned: seen.abandoned() != Abandoned::No,
        command: format!("composer require {}", name.as_str()),
        repositories: seen.repositories.join(", "),
        total: seen.entries.len(),
        next: (end < seen.entries.len())
            .then(|| with_query(&own, &[("from", end.to_string().as_str())])),
        versions: seen
            .entries
            .iter()
            .skip(start)
            .take(ROWS)
            .map(ShownVersion::of)
            .collect(),
        first: (start > 0).then_some(own),
    })
}
