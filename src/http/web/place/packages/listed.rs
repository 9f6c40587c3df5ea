//! What the list has for those who manage packages: more to filter by, other orders, and how each package is doing.

use crate::app::App;
use crate::domain::name::NameGlob;
use crate::error::{Error, Result};
use crate::http::api::package_settings::show_abandoned;
use crate::http::api::packages::ListFilter;
use crate::http::api::paging::Page;
use crate::http::request::Request;
use crate::http::web::field::{Choice, Field};
use crate::http::web::page::Moment;
use crate::http::web::place::packages::list::ShownRow;
use crate::http::web::place::packages::{abandoned_words, address};
use crate::http::web::visit::Place;
use crate::store::package_list::{ListedFilter, ListedPackage, Order, list_packages};
use crate::store::packages::read_abandoned;

/// Where packages come from.
const SOURCES: [(&str, &str); 9] = [
    ("", "All sources"),
    ("github", "GitHub"),
    ("gitlab", "GitLab"),
    ("bitbucket", "Bitbucket"),
    ("bitbucket-server", "Bitbucket Data Center"),
    ("gitea", "Gitea"),
    ("forgejo", "Forgejo"),
    ("git", "Plain git"),
    ("upload", "Uploads and definitions"),
];

/// How packages are doing.
const HEALTHS: [(&str, &str); 7] = [
    ("", "Any health"),
    ("good", "In order"),
    ("failed", "Sync failed"),
    ("withheld", "Withheld by its host"),
    ("unconnected", "Without a connection"),
    ("empty", "Without a version"),
    ("abandoned", "Abandoned"),
];

const ORDERS: [(&str, &str); 3] = [
    ("name", "By name"),
    ("released", "Newest release first"),
    ("installs", "Most installs first"),
];

/// What was asked for, besides what everybody may ask for.
pub(super) struct Asked {
    vendor: String,
    kind: String,
    source: String,
    health: String,
    order: Order,
}

/// The fields for it.
pub(super) struct Fields {
    pub(super) vendor: Field,
    pub(super) kind: Field,
    pub(super) sources: Vec<Choice>,
    pub(super) healths: Vec<Choice>,
    pub(super) orders: Vec<Choice>,
    /// Something of it is asked for.
    pub(super) is_used: bool,
}

impl Asked {
    pub(super) fn of(request: &Request) -> Self {
        let given = |name: &str| {
            let value = request.query_parameter(name).unwrap_or_default();
            value.trim().to_owned()
        };
        let sort = given("sort");
        Self {
            vendor: given("vendor").to_ascii_lowercase(),
            kind: given("type"),
            source: given("source"),
            health: given("health"),
            order: Order::ALL
                .into_iter()
                .find(|(key, _)| *key == sort)
                .map_or(Order::Name, |(_, order)| order),
        }
    }

    fn sort(&self) -> &'static str {
        match self.order {
            Order::Name => "",
            Order::Released => "released",
            Order::Installs => "installs",
        }
    }

    /// As addresses have it.
    pub(super) fn query(&self) -> [(&'static str, &str); 5] {
        [
            ("vendor", &self.vendor),
            ("type", &self.kind),
            ("source", &self.source),
            ("health", &self.health),
            ("sort", self.sort()),
        ]
    }

    pub(super) fn fields(&self) -> Fields {
        let choices = |all: &[(&'static str, &'static str)], chosen: &str| {
            all.iter()
                .map(|(value, label)| Choice::new(*value, *label, chosen))
                .collect()
        };
        let order = if self.order == Order::Name {
            "name"
        } else {
            self.sort()
        };
        Fields {
            vendor: Field::text("vendor", "Vendor")
                .optional()
                .value(&self.vendor),
            kind: Field::text("type", "Type").optional().value(&self.kind),
            sources: choices(&SOURCES, &self.source),
            healths: choices(&HEALTHS, &self.health),
            orders: choices(&ORDERS, order),
            is_used: self.query().iter().any(|(_, value)| !value.is_empty()),
        }
    }

    /// A page of the packages that fit, and the cursor to the one after it. By name it goes on after a name, in another
    /// order after so many.
    pub(super) async fn find(
        &self,
        app: &App,
        place: &Place,
        page: &Page,
        filter: &ListFilter,
    ) -> Result<(Vec<ShownRow>, Option<String>)> {
        if filter.finds_nothing {
            return Ok((Vec::new(), None));
        }
        let wanted = ListedFilter {
            pattern: filter.pattern.as_ref().map(NameGlob::as_str),
            repository: filter.repository.as_deref(),
            query: filter.query.as_deref(),
            kind: some(&self.kind),
            vendor: some(&self.vendor),
            source: some(&self.source),
            health: some(&self.health),
        };
        let (after, offset) = match self.order {
            Order::Name => (page.after().unwrap_or_default(), 0),
            _ => ("", page.after_number()?.unwrap_or_default().max(0)),
        };
        let organisation = place.organisation.id;
        let mut rows = list_packages(
            app,
            organisation,
            &wanted,
            self.order,
            after,
            offset,
            page.rows(),
        )
        .await?;
        let shown = i64::try_from(rows.len())
            .unwrap_or(i64::MAX)
            .saturating_sub(1);
        let next = page.cut(&mut rows, |last| match self.order {
            Order::Name => last.name.clone(),
            _ => offset.saturating_add(shown).to_string(),
        });
        let rows = rows.into_iter().map(|row| row_of(place, row));
        Ok((rows.collect::<Result<_>>()?, next))
    }
}

/// Nothing is asked for by an empty field.
fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn row_of(place: &Place, row: ListedPackage) -> Result<ShownRow> {
    let abandoned = show_abandoned(
        read_abandoned(row.abandoned.as_deref())?,
        row.renamed_to.as_deref(),
        row.is_archived.unwrap_or_default() != 0,
    );
    let trouble = match row.health.as_str() {
        "good" => None,
        "failed" => Some("sync failed"),
        "withheld" => Some("withheld"),
        "unconnected" => Some("no connection"),
        other => return Err(Error::internal(format!("a package is `{other}`"))),
    };
    Ok(ShownRow {
        href: address(place, &row.name),
        description: row.description.unwrap_or_default(),
        versions: row.versions,
        abandoned: abandoned_words(&abandoned),
        trouble,
        released: row.released_at.map(Moment::of),
        installs: Some(row.installs),
        name: row.name,
    })
}
