//! Repositories, their settings and their revisions.

use deserr::Deserr;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::domain::name::Slug;
use crate::domain::settings::{Composer1, Duplicates, Message, Mirror, SettingsPatch};
use crate::error::{Error, Result};
use crate::http::api::conditions::Conditions;
use crate::http::api::missing;
use crate::http::api::organisations::taken;
use crate::http::api::paging::Page;
use crate::http::api::shown::Time;
use crate::http::body::{BadValue, Faults};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::jobs::{Job, enqueue};
use crate::store::organisations::Organisation;
use crate::store::repositories::{self as store, Repository, RepositoryChange, find_repository};
use crate::store::{revisions, rollback};

/// The longest description of a repository, in bytes.
const DESCRIPTION_LIMIT: usize = 500;

/// The longest text for the page of a repository, in bytes: some eight printed pages. The audit log keeps each.
const LANDING_LIMIT: usize = 16 * 1024;

/// Lists the repositories of an organisation.
pub async fn list_repositories(app: &App, organisation: &Organisation) -> Result<Reply> {
    let repositories: Vec<_> = store::list_repositories(app, organisation.id)
        .await?
        .iter()
        .map(|repository| show(app, repository))
        .collect::<Result<_>>()?;
    Ok(Reply::json(200, &json!({ "repositories": repositories })))
}

/// A repository to be made.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "NewRepository")]
pub(crate) struct NewRepository {
    /// Its name in addresses.
    slug: Slug,
    /// Whether everybody may read it.
    #[deserr(default)]
    #[schemars(default)]
    public: bool,
    /// For people.
    #[deserr(default, try_from(Option<String>) = check_description -> BadValue)]
    #[schemars(length(max = 500))]
    description: Option<String>,
    /// What people read on its page, in Markdown.
    #[deserr(default, try_from(Option<String>) = check_landing -> BadValue)]
    #[schemars(length(max = 16384))]
    landing: Option<String>,
}

/// Makes a repository.
pub async fn create_repository(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
) -> Result<Reply> {
    let asked: NewRepository = request.json().await?;
    let slug = asked.slug;
    let new = store::NewRepository {
        organisation: &organisation.slug,
        slug: slug.as_str(),
        is_public: asked.public,
        description: asked.description.as_deref(),
        landing: asked.landing.as_deref(),
    };
    store::insert_repository(app, &new)
        .await
        .map_err(|error| taken(error, "repository", slug.as_str()))?;
    app.memo.repositories.clear();
    let repository = find_repository(app, &organisation.slug, slug.as_str())
        .await?
        .ok_or_else(|| Error::internal("a new repository vanished"))?;
    Ok(Reply::json(201, &show(app, &repository)?))
}

/// Lists the revisions of a repository, newest first.
pub async fn list_revisions(
    app: &App,
    request: &Request,
    organisation: &Organisation,
    repository: &str,
) -> Result<Reply> {
    let repository = find_repository(app, &organisation.slug, repository)
        .await?
        .ok_or_else(|| missing("repository"))?;
    let page = Page::of(request)?;
    let before = page.after_number()?.unwrap_or(i64::MAX >> 11);
    let mut rows = revisions::list_revisions(app, repository.id, before, page.rows()).await?;
    let next = page.cut(&mut rows, |last| last.number.to_string());
    let revisions: Vec<_> = rows
        .into_iter()
        .map(|revision| ShownRevision {
            number: revision.number,
            root: revision.root,
            time: Time::of(revision.time),
            cause: revision.cause,
        })
        .collect();
    Ok(Reply::json(
        200,
        &json!({ "revisions": revisions, "next": next }),
    ))
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

/// What is to change of a repository; what is absent stays, a list replaces the whole list.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "RepositoryChange")]
pub(crate) struct AskedChange {
    /// Whether everybody may read it.
    #[deserr(default)]
    public: Option<bool>,
    /// For people; an empty text takes it away.
    #[deserr(default, try_from(Option<String>) = check_description -> BadValue)]
    #[schemars(length(max = 500))]
    description: Option<String>,
    /// What people read on its page, in Markdown; an empty text takes it away.
    #[deserr(default, try_from(Option<String>) = check_landing -> BadValue)]
    #[schemars(length(max = 16384))]
    landing: Option<String>,
    /// Who is given the keys of Composer 1.
    #[deserr(default)]
    composer_1: Option<Composer1>,
    /// Other places to download from.
    #[deserr(default)]
    #[schemars(length(max = 8))]
    mirrors: Option<Vec<Mirror>>,
    /// What Composer prints.
    #[deserr(default)]
    #[schemars(length(max = 8))]
    messages: Option<Vec<Message>>,
    /// What becomes of an upload of a stable version that is there with other bytes.
    #[deserr(default)]
    duplicates: Option<Duplicates>,
}

fn check_description(text: Option<String>) -> Result<Option<String>, BadValue> {
    if text
        .as_ref()
        .is_some_and(|text| text.len() > DESCRIPTION_LIMIT)
    {
        return Err(BadValue::new(format!(
            "`description` has more than {DESCRIPTION_LIMIT} bytes, shorten it"
        )));
    }
    Ok(text)
}

fn check_landing(text: Option<String>) -> Result<Option<String>, BadValue> {
    if text.as_ref().is_some_and(|text| text.len() > LANDING_LIMIT) {
        return Err(BadValue::new(format!(
            "`landing` has more than {LANDING_LIMIT} bytes, shorten it"
        )));
    }
    Ok(text)
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
    let conditions = Conditions::of(&request);
    let current = Reply::json(200, &show(app, &repository)?);
    conditions.check(Some(&current))?;
    let settings = SettingsPatch {
        composer_1: asked.composer_1,
        mirrors: asked.mirrors,
        messages: asked.messages,
        duplicates: asked.duplicates,
    };
    settings
        .check()
        .map_err(|fault| Error::bad_value(fault.field, fault.message))?;
    let change = RepositoryChange {
        is_public: asked.public,
        description: asked.description.as_deref(),
        landing: asked.landing.as_deref(),
        settings: &settings,
        builds_composer_1: asked.composer_1.map(Composer1::is_built).filter(|builds| {
            repository
                .settings()
                .is_ok_and(|now| now.composer_1.is_built() != *builds)
        }),
        only_of: (!conditions.is_empty()).then_some(&repository),
    };
    store::update_repository(app, repository.id, &change)
        .await
        .map_err(|error| conditions.lost_race(error))?;
    if change.builds_composer_1.is_some() {
        let repository = repository.id;
        enqueue(app, &[Job::Publish { repository }]).await?;
    }
    let repository = store::load_repository(app, repository.id).await?;
    Ok(Reply::json(200, &show(app, &repository)?))
}

/// Which revision a repository is to show again, and that somebody means it.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "Rollback")]
pub(crate) struct AskedRollback {
    /// Its number.
    revision: i64,
    /// The slug of the repository.
    confirm: String,
}

/// What a repository shows after it was rolled back.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RolledBack")]
pub(crate) struct RolledBack {
    /// The new revision.
    revision: i64,
    /// Packages that stay as they are: they, or versions that they had then, were deleted, yanked or taken out since.
    kept: Vec<String>,
}

/// Has a repository show again what it was at an earlier revision.
pub async fn roll_back(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
    repository: &str,
) -> Result<Reply> {
    let asked: AskedRollback = request.json().await?;
    let repository = find_repository(app, &organisation.slug, repository)
        .await?
        .ok_or_else(|| missing("repository"))?;
    if asked.confirm != repository.slug {
        return Err(Error::bad_value(
            "/confirm",
            format!(
                "Everybody gets what the repository held then: send `\"confirm\": \"{}\"` if you mean that one",
                repository.slug
            ),
        ));
    }
    let done = rollback::roll_back(app, repository.id, asked.revision).await?;
    Ok(Reply::json(
        200,
        &RolledBack {
            revision: done.revision,
            kept: done.kept,
        },
    ))
}

/// A revision of a repository.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Revision")]
pub(crate) struct ShownRevision {
    number: i64,
    /// SHA-256 of the root of its tree.
    root: String,
    time: Time,
    /// The packages of the publish.
    cause: String,
}

/// A repository.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Repository")]
pub(crate) struct Shown {
    slug: String,
    description: Option<String>,
    /// What people read on its page: Markdown as it was written.
    landing: Option<String>,
    /// Whether everybody may read it.
    public: bool,
    /// For Composer.
    url: String,
    /// 0 before the first publish.
    revision: i64,
    composer_1: Composer1,
    mirrors: Vec<Mirror>,
    messages: Vec<Message>,
    duplicates: Duplicates,
}

fn show(app: &App, repository: &Repository) -> Result<Shown> {
    let settings = repository.settings()?;
    Ok(Shown {
        slug: repository.slug.clone(),
        description: repository.description.clone(),
        landing: repository.landing.clone(),
        public: repository.is_public,
        url: repository.address(&app.config.public_url),
        revision: repository.head.revision,
        composer_1: settings.composer_1,
        mirrors: settings.mirrors,
        messages: settings.messages,
        duplicates: settings.duplicates,
    })
}
