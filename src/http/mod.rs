//! A request becomes a `Reply`.

mod actor;
pub mod api;
mod app_hooks;
pub mod auth;
pub mod body;
pub mod composer;
pub mod hooks;
mod host_names;
mod observe;
pub mod problem;
pub mod reply;
pub mod request;
pub mod route;
pub mod web;

pub use observe::{SLOW, observe};
pub use reply::{Body, CachePolicy, Reply};
pub use request::{Headers, Request};

use std::future::{Future, ready};
use std::pin::Pin;

use serde_json::json;

use crate::app::App;
use crate::error::{Error, Result};
use crate::http::composer::Door;
use crate::http::host_names::Met;
use crate::http::problem::{Reader, archive_not_found, method_not_allowed, not_found};
use crate::http::route::{NoRoute, Resource, Route};
use crate::ports::note;

/// Whether this program has the API, webhooks and uploads; what has not hands them on.
const HAS_API: bool = cfg!(feature = "api");

/// Answers one request. Never fails: every error becomes a reply.
pub async fn handle(app: &App, request: Request) -> Reply {
    let request = if app.config.own_hosts.has(request.host()) {
        request
    } else {
        match host_names::meet(app, request).await {
            Met::Answered(reply) => return reply,
            Met::Own(request) => request,
        }
    };
    let route = match route::parse(&request.method, request.host(), &request.path) {
        Ok(route) => route,
        Err(NoRoute::NotFound) if request.path.starts_with("/api/") => {
            let error = Error::not_found("The API has nothing at this address");
            return problem::reply(app, Reader::Program, &error);
        }
        Err(no_route) if web::route::is_page(&request.path) => {
            let refused =
                or_elsewhere(|| async move { Ok(web::refuse_route(app, request, &no_route)) })
                    .await;
            return refused.unwrap_or_else(|error| problem::reply(app, Reader::Program, &error));
        }
        Err(NoRoute::NotFound) => return not_found(),
        Err(NoRoute::MethodNotAllowed(allowed)) => {
            return method_not_allowed(reader_of(&request.path), allowed);
        }
    };
    note(|seen| seen.route = Some(route.name()));
    let (reader, result) = match route {
        Route::Elsewhere => return Reply::elsewhere(),
        Route::Web(route) => (
            Reader::Program,
            or_elsewhere(|| web::answer(app, request, route)).await,
        ),
        Route::Asset(file) => (
            Reader::Program,
            or_elsewhere(|| async move { Ok(web::assets::answer(&file)) }).await,
        ),
        Route::Health => (Reader::Program, health(app).await),
        Route::Repository {
            address,
            moment,
            resource,
        } => {
            let door = Door {
                address: &address,
                moment: moment.as_ref(),
                mapped: None,
            };
            return answer_composer(app, request, &door, &resource).await;
        }
        Route::Hook(connection) => (
            Reader::Program,
            or_elsewhere(|| hooks::receive_webhook(app, request, &connection)).await,
        ),
        Route::GenericHook(connection) => (
            Reader::Program,
            or_elsewhere(|| hooks::receive_generic(app, request, &connection)).await,
        ),
        Route::Api(route) => (
            Reader::Program,
            or_elsewhere(|| api::handle(app, request, route)).await,
        ),
    };
    result.unwrap_or_else(|error| problem::reply(app, reader, &error))
}

/// An answer of a handler that only some programs have.
///
/// Behind a pointer: what it waits for is no part of the future of every request, which is moved and dropped with each, and a
/// program without the API has nothing of it, which a condition around the handler's own future would not achieve.
fn or_elsewhere<'a, F>(
    handler: impl FnOnce() -> F,
) -> Pin<Box<dyn Future<Output = Result<Reply>> + 'a>>
where
    F: Future<Output = Result<Reply>> + 'a,
{
    if HAS_API {
        Box::pin(handler())
    } else {
        Box::pin(ready(Ok(Reply::elsewhere())))
    }
}

/// Answers a request for something of a repository, by whichever host it came.
async fn answer_composer(
    app: &App,
    request: Request,
    door: &Door<'_>,
    resource: &Resource,
) -> Reply {
    if !HAS_API && matches!(resource, Resource::Upload(..) | Resource::UploadInParts(_)) {
        return Reply::elsewhere();
    }
    note(|seen| seen.route = Some(resource.name()));
    let reply = composer::handle(app, request, door, resource)
        .await
        .unwrap_or_else(|error| problem::reply(app, Reader::Composer, &error));
    if reply.status == 404 && matches!(resource, Resource::Dist(..)) {
        return archive_not_found();
    }
    reply
}

/// Forgets what a change by another Worker may have made untrue. The edge calls this after it has handed a request on, so
/// that who changed something sees it changed, as by one program for all.
pub fn forget_after(app: &App, method: &str, path: &str, status: u16) {
    // A webhook leads to a job, and changes nothing by itself. Nor does what was refused: else anybody could have an isolate
    // forget whom it knows, and those who read on while the database is down would be known no more.
    if status < 400 && !matches!(method, "GET" | "HEAD") && !path.starts_with("/hooks/") {
        app.memo.forget_what_changes();
    }
}

/// Whether something is left to be done that no answer waits for.
pub fn is_unfinished(app: &App) -> bool {
    app.memo.token_uses.is_waiting() || app.memo.bandwidth.is_waiting(app.now())
}

/// Does it. The edge calls this after the answer.
pub async fn finish(app: &App) {
    crate::jobs::enqueue_token_uses(app).await;
    crate::jobs::enqueue_served(app).await;
}

/// For how many milliseconds archives that were served are to be gathered from now on, before [`tell_gathered`] is called;
/// none where nothing is to be gathered, or somebody does already. The edge calls this after each answer.
pub fn begin_to_gather(app: &App) -> Option<u32> {
    let (archives, now) = (&app.memo.served_archives, app.now());
    if !archives.wants_telling(now) {
        return None;
    }
    let milliseconds = archives.begin(now).saturating_mul(1_000);
    Some(u32::try_from(milliseconds).unwrap_or_default())
}

/// Tells of them.
pub async fn tell_gathered(app: &App) {
    crate::jobs::enqueue_served_archives(app).await;
}

/// Who asks for what lives at such a path.
fn reader_of(path: &str) -> Reader {
    let is_program = ["/api/", "/hooks/", "/healthz"]
        .iter()
        .any(|start| path.starts_with(start));
    if is_program {
        Reader::Program
    } else {
        Reader::Composer
    }
}

/// Healthy is who can read its database.
async fn health(app: &App) -> Result<Reply> {
    crate::store::organisations::is_set_up(app)
        .await
        .map_err(Error::or_unavailable)?;
    Ok(Reply::json(200, &json!({ "status": "ok" })))
}
