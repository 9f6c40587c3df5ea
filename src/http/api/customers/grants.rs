//! Grants: listed, made, shown, changed, taken back.

use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::domain::access::CollectionItem;
use crate::domain::name::{NameGlob, PackageName};
use crate::error::{Error, ErrorKind, Result};
use crate::http::api::customers::grant_input::{ReadGrant, Shown, check_grants, read_grant, show};
use crate::http::api::customers::input::read_object;
use crate::http::api::customers::records::BODY_LIMIT;
use crate::http::api::missing;
use crate::http::api::paging::Page;
use crate::http::reply::{CachePolicy, Reply};
use crate::http::request::Request;
use crate::store::grants::{
    self as store, Grant, GrantFilter, ListedGrant, delete_grant, find_grant, save_grants,
};
use crate::store::organisations::Organisation;
use crate::store::subjects::{NamedSubject, find_subjects};

/// Lists grants, the oldest first; of one subject, of one collection, or those that reach a package. These last are looked
/// for page by page, so that a page may have few of them and still be followed by another.
pub(super) async fn list_grants(
    app: &App,
    request: &Request,
    organisation: &Organisation,
) -> Result<Reply> {
    let page = Page::of(request)?;
    let named = [
        (
            "customer",
            NamedSubject::Customer as fn(String) -> NamedSubject,
        ),
        ("customer_external_id", NamedSubject::CustomerByExternalId),
        ("team", NamedSubject::Team),
        ("token", NamedSubject::Token),
        ("organisation", NamedSubject::Organisation),
    ];
    let mut named = named
        .into_iter()
        .filter_map(|(name, make)| request.query_parameter(name).map(make));
    let subject = match (named.next(), named.next()) {
        (None, _) => None,
        (Some(named), None) => {
            let found = find_subjects(app, organisation.id, std::slice::from_ref(&named)).await?;
            let Some((subject, _)) = found.get(&named) else {
                return Err(missing("subject"));
            };
            Some(subject.to_text())
        }
        _ => {
            return Err(Error::invalid(
                "Name one of `customer`, `customer_external_id`, `team`, `token` and `organisation`",
            ));
        }
    };
    let package = request
        .query_parameter("package")
        .map(|name| PackageName::parse(&name))
        .transpose()
        .map_err(|error| Error::bad_value("?package", error.to_string()))?;
    let collection = request.query_parameter("collection");
    let after = page.after().and_then(|after| {
        let (time, id) = after.split_once('\n')?;
        Some((time.parse().ok()?, id))
    });
    let filter = GrantFilter {
        subject: subject.as_deref(),
        collection: collection.as_deref(),
        after,
    };
    let mut rows = store::list_grants(app, organisation.id, &filter, page.rows()).await?;
    let next = page.cut(&mut rows, |row| {
        format!("{}\n{}", row.grant.created_at, row.grant.id)
    });
    let mut grants = Vec::new();
    for row in &rows {
        let is_meant = match &package {
            None => true,
            Some(package) => reaches(row, package)?,
        };
        if is_meant {
            grants.push(show(&row.grant)?);
        }
    }
    Ok(Reply::json(200, &ShownPage { grants, next }))
}

/// A page of grants.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "GrantPage")]
pub(crate) struct ShownPage {
    grants: Vec<Shown>,
    /// The cursor to the next page.
    next: Option<String>,
}

fn reaches(row: &ListedGrant, package: &PackageName) -> Result<bool> {
    let packages: Vec<NameGlob> = match (&row.grant.packages, &row.items) {
        (Some(packages), _) => serde_json::from_str(packages).map_err(Error::internal)?,
        (None, Some(items)) => {
            let items: Vec<CollectionItem> =
                serde_json::from_str(items).map_err(Error::internal)?;
            items.into_iter().flat_map(|item| item.packages).collect()
        }
        (None, None) => Vec::new(),
    };
    Ok(packages.iter().any(|glob| glob.matches(package)))
}

/// Makes a grant. It is in force within ten seconds.
pub(super) async fn create_grant(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
) -> Result<Reply> {
    let asked = read_object(&mut request, BODY_LIMIT).await?;
    let grant = check_one(app, organisation, read_grant(None, asked)?).await?;
    let new = std::slice::from_ref(&grant);
    save_grants(app, organisation.id, new, &[], &[], &[])
        .await
        .map_err(taken)?;
    let made = load(app, organisation, &grant.id).await?;
    Ok(Reply::json(201, &show(&made)?))
}

/// Shows a grant.
pub(super) async fn show_grant(app: &App, organisation: &Organisation, id: &str) -> Result<Reply> {
    Ok(Reply::json(
        200,
        &show(&load(app, organisation, id).await?)?,
    ))
}

/// Changes a grant, all of it but whom it is for.
pub(super) async fn update_grant(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
    id: &str,
) -> Result<Reply> {
    let asked = read_object(&mut request, BODY_LIMIT).await?;
    let known = load(app, organisation, id).await?;
    let read = read_grant(Some(known.clone()), asked)?;
    let mut grant = check_one(app, organisation, read).await?;
    grant.organisation.clone_from(&known.organisation);
    if !is_same(&grant, &known) {
        grant.changed_at = app.now();
        let changed = std::slice::from_ref(&grant);
        save_grants(app, organisation.id, &[], changed, &[], &[])
            .await
            .map_err(taken)?;
    }
    Ok(Reply::json(200, &show(&grant)?))
}

/// Takes a grant back. Within ten seconds nothing is seen by it.
pub(super) async fn remove_grant(
    app: &App,
    organisation: &Organisation,
    id: &str,
) -> Result<Reply> {
    let grant = load(app, organisation, id).await?;
    if delete_grant(app, organisation.id, &grant).await? {
        Ok(Reply::empty(204, CachePolicy::NoStore))
    } else {
        Err(missing("grant"))
    }
}

/// A grant of this organisation.
pub(super) async fn load(app: &App, organisation: &Organisation, id: &str) -> Result<Grant> {
    find_grant(app, organisation.id, id)
        .await?
        .ok_or_else(|| missing("grant"))
}

/// Holds one grant against what the organisation has.
pub(super) async fn check_one(
    app: &App,
    organisation: &Organisation,
    read: ReadGrant,
) -> Result<Grant> {
    let checked = check_grants(app, organisation, vec![read]).await?;
    checked
        .into_iter()
        .next()
        .unwrap_or_else(|| Err(Error::internal("a grant was lost on the way")))
}

fn taken(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Conflict => Error::conflict(
            "There is a grant with this `external_id` already, or what it names was removed meanwhile",
        )
        .because(error),
        _ => error,
    }
}

/// Whether two grants are the same but for when they were made and changed.
pub(super) fn is_same(one: &Grant, other: &Grant) -> bool {
    let strip = |grant: &Grant| Grant {
        organisation: None,
        created_at: 0,
        changed_at: 0,
        ..grant.clone()
    };
    strip(one) == strip(other)
}
