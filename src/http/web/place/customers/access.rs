//! What a customer sees and why not the rest, as it is decided for Composer (`http/api/customers/explain.rs`).

use std::collections::BTreeMap;

use askama::Template;

use crate::app::App;
use crate::domain::access::{Ability, Caller};
use crate::error::Result;
use crate::http::api::customers::explain::{
    ShownPackage, ShownVersion, explain_page, principal_now,
};
use crate::http::api::paging::Page;
use crate::http::reply::Reply;
use crate::http::web::field::Field;
use crate::http::web::page::page;
use crate::http::web::place::customers::{address, list_address};
use crate::http::web::place::terms::Terms;
use crate::http::web::shell::{Crumb, Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::with_query;
use crate::store::admission::Looked;

/// So many packages are on a page.
const ROWS: i64 = 25;
/// So many versions of which the same is to be said are named.
const NAMED: usize = 30;

/// Versions of which the same is to be said.
struct Verdict {
    is_seen: bool,
    versions: String,
    more: usize,
    because: Vec<String>,
}

struct ShownRow {
    name: String,
    repository: String,
    word: &'static str,
    class: &'static str,
    reason: Option<String>,
    verdicts: Vec<Verdict>,
}

#[derive(Template)]
#[template(path = "place/customers/access.html")]
struct AccessPage {
    shell: Shell,
    address: String,
    name: String,
    package: Field,
    is_asked: bool,
    barred: Option<String>,
    has_grants: bool,
    rows: Vec<ShownRow>,
    first: Option<String>,
    next: Option<String>,
}

pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    place.authorise(Ability::ManageCustomers, true)?;
    let cut = Page::of(&visit.request)?.at_most(ROWS);
    let typed = visit.request.query_parameter("package").unwrap_or_default();
    let asked = typed.trim().to_lowercase();
    let looked = Looked::Customer(id.to_owned());
    let about = Some(asked.as_str()).filter(|asked| !asked.is_empty());
    let (shown, facts) = explain_page(app, &place.organisation, &looked, about, None, &cut).await?;
    let words: BTreeMap<String, String> = facts
        .grants
        .iter()
        .map(|record| (record.id.clone(), Terms::of_record(record).words()))
        .collect();
    let name = match principal_now(app, &facts)?.caller {
        Caller::Customer { name, .. } => name,
        _ => String::new(),
    };
    let own = address(place, id);
    let list = format!("{own}/access");
    let to = |cursor: &str| with_query(&list, &[("package", &asked), ("cursor", cursor)]);
    let crumbs = vec![
        Crumb::new("Customers", list_address(place)),
        Crumb::new(name.clone(), own),
    ];
    let shell = visit.shell_at(app, Section::Customers, "What it sees", crumbs)?;
    page(&AccessPage {
        shell,
        name,
        first: cut.after().map(|_| to("")),
        next: shown.next.map(|cursor| to(&cursor)),
        is_asked: about.is_some(),
        package: Field::text("package", "Package")
            .optional()
            .value(typed)
            .hint("Its whole name, such as acme/lib"),
        address: list,
        barred: shown.barred,
        has_grants: !facts.grants.is_empty(),
        rows: shown
            .packages
            .into_iter()
            .map(|package| show_row(package, &words))
            .collect(),
    })
}

fn show_row(package: ShownPackage, words: &BTreeMap<String, String>) -> ShownRow {
    let (word, class) = match package.sees {
        "all" => ("sees all versions", "good"),
        "some" => ("sees some versions", "warn"),
        _ => ("sees nothing", "bad"),
    };
    let mut verdicts: Vec<(bool, Vec<String>, Vec<String>)> = Vec::new();
    for version in package.versions {
        let because = because(&version, words);
        match verdicts.last_mut() {
            Some((is_seen, names, known)) if *is_seen == version.seen && *known == because => {
                names.push(version.version);
            }
            _ => verdicts.push((version.seen, vec![version.version], because)),
        }
    }
    ShownRow {
        name: package.package.as_str().to_owned(),
        repository: package.repository,
        word,
        class,
        reason: package.reason,
        verdicts: verdicts
            .into_iter()
            .map(|(is_seen, names, because)| Verdict {
                is_seen,
                more: names.len().saturating_sub(NAMED),
                versions: names.into_iter().take(NAMED).collect::<Vec<_>>().join(", "),
                because,
            })
            .collect(),
    }
}

/// Why a version is seen, or why not, by the grants in words.
fn because(version: &ShownVersion, words: &BTreeMap<String, String>) -> Vec<String> {
    let named = |id: &String| words.get(id).cloned().unwrap_or_else(|| id.clone());
    let by = version.grants.iter().flatten();
    let mut because: Vec<String> = by.map(|id| format!("granted: {}", named(id))).collect();
    let against = version.reasons.iter().flatten();
    because.extend(against.map(|one| match &one.grant {
        Some(grant) => format!("{} (granted: {})", one.reason, named(grant)),
        None => one.reason.clone(),
    }));
    because
}
