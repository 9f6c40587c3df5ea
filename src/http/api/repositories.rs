//! Repositories, their settings and their revisions.

use serde::Deserialize;
use serde_json::json;

use crate::app::App;
use crate::domain::settings::{Composer1, Duplicates, Message, Mirror, SettingsPatch};
use crate::domain::time::rfc3339;
use crate::error::{Error, Result};
use crate::http::api::organisations::{slug, taken};
use crate::http::api::{PAGE, missing};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::jobs::{Job, enqueue};
use crate::store::organisations::Organisation;
use crate::store::repositories::{self as store, Repository, RepositoryChange, find_repository};
use crate::store::revisions;

/// The longest description of a repository, in bytes.
const DESCRIPTION_LIMIT: usize = 500;

/// Lists the repositories of an organisation.
pub async fn list_repositories(app: &App, organisation: &Organisation) -> Result<Reply> {
    let repositories: Vec<_> = store::list_repositories(app, organisation.id)
        .await?
        .iter()
        .map(|repository| show(app, repository))
        .collect::<Result<_>>()?;
    Ok(Reply::json(200, &json!({ "repositories": repositories })))
}

#[derive(Deserialize)]
struct NewRepository {
    slug: String,
    #[serde(default)]
    public: bool,
}

/// Makes a repository.
pub async fn create_repository(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
) -> Result<Reply> {
    let asked: NewRepository = request.json().await?;
    let slug = slug(&asked.slug)?;
    store::insert_repository(app, &organisation.slug, slug.as_str(), asked.public)
        .await
        .map_err(|error| taken(error, "repository", slug.as_str()))?;
    app.memo.repositories.clear();
    let repository = find_repository(app, &organisation.slug, slug.as_str())
        .await?
        .ok_or_else(|| Error::internal("a new repository vanished"))?;
    Ok(Reply::json(201, &show(app, &repository)?))
}

/// Lists the revisions of a repository, newest first; `?before=17` gives the next page.
pub async fn list_revisions(
    app: &App,
    request: &Request,
    organisation: &Organisation,
    repository: &str,
) -> Result<Reply> {
    let repository = find_repository(app, &organisation.slug, repository)
        .await?
        .ok_or_else(|| missing("repository"))?;
    let before = request
        .query_parameter("before")
        .map_or(Ok(i64::MAX >> 11), |text| {
            text.parse()
                .map_err(|_| Error::invalid("`before` must be the number of a revision"))
        })?;
    let revisions: Vec<_> = revisions::list_revisions(app, repository.id, before, PAGE)
        .await?
        .into_iter()
        .map(|revision| {
            json!({
                "number": revision.number,
                "root": revision.root,
                "time": rfc3339(revision.time),
                "cause": revision.cause,
            })
        })
        .collect();
    Ok(Reply::json(200, &json!({ "revisions": revisions })))
}

/// Shows a repository.
pub async fn show_repository(
    app: &App,
    organisation: &Organisation,
    repository: &str,
) -> Result<Reply> {
    let repository = find_repository(app, &organisation.slug, repository)
        .await?
        .ok_or_else(|| missing("repository"))?;
    Ok(Reply::json(200, &show(app, &repository)?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedChange {
    public: Option<bool>,
    description: Option<String>,
    composer_1: Option<Composer1>,
    mirrors: Option<Vec<Mirror>>,
    messages: Option<Vec<Message>>,
    duplicates: Option<Duplicates>,
}

/// Changes a repository: what is absent stays as it is, a list replaces the whole list.
pub async fn update_repository(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
    repository: &str,
) -> Result<Reply> {
    let asked: AskedChange = request.json().await?;
    let repository = find_repository(app, &organisation.slug, repository)
        .await?
        .ok_or_else(|| missing("repository"))?;
    if asked
        .description
        .as_ref()
        .is_some_and(|text| text.len() > DESCRIPTION_LIMIT)
    {
        return Err(Error::invalid(format!(
            "`description` has more than {DESCRIPTION_LIMIT} bytes, shorten it"
        )));
    }
    let settings = SettingsPatch {
        composer_1: asked.composer_1,
        mirrors: asked.mirrors,
        messages: asked.messages,
        duplicates: asked.duplicates,
    };
    settings
        .check()
        .map_err(|error| Error::invalid(error.to_string()))?;
    let change = RepositoryChange {
        is_public: asked.public,
        description: asked.description.as_deref(),
        settings: &settings,
        builds_composer_1: asked.composer_1.map(Composer1::is_built).filter(|builds| {
            repository
                .settings()
                .is_ok_and(|now| now.composer_1.is_built() != *builds)
        }),
    };
    store::update_repository(app, repository.id, &change).await?;
    if change.builds_composer_1.is_some() {
        let repository = repository.id;
        enqueue(app, &[Job::Publish { repository }]).await?;
    }
    let repository = store::load_repository(app, repository.id).await?;
    Ok(Reply::json(200, &show(app, &repository)?))
}

fn show(app: &App, repository: &Repository) -> Result<serde_json::Value> {
    let settings = repository.settings()?;
    Ok(json!({
        "slug": repository.slug,
        "description": repository.description,
        "public": repository.is_public,
        "url": repository.address(&app.config.public_url),
        "revision": repository.head.revision,
        "composer_1": settings.composer_1,
        "mirrors": settings.mirrors,
        "messages": settings.messages,
        "duplicates": settings.duplicates,
    }))
}
