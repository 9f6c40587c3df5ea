//! The addresses of customers, collections, grants and of what they come to.

use strum_macros::IntoStaticStr;

use crate::http::request::percent_decode;
use crate::http::route::{NoRoute, get, one_of, only};

/// What the API has to offer of whom packages are sold to. A text is an id.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum CustomersRoute {
    List,
    Create,
    PutAll,
    Show(String),
    Update(String),
    Remove(String),
    ListTokens(String),
    CreateToken(String),
    ShowToken(String, String),
    RevokeToken(String, String),
    ListCollections,
    CreateCollection,
    ShowCollection(String),
    UpdateCollection(String),
    RemoveCollection(String),
    ListGrants,
    CreateGrant,
    PutAllGrants,
    ShowGrant(String),
    UpdateGrant(String),
    RemoveGrant(String),
    EffectiveAccess,
    DryRun,
}

/// Finds the route below `orgs/{org}`; none when this is about something else.
pub(crate) fn parse(method: &str, segments: &[&str]) -> Option<Result<CustomersRoute, NoRoute>> {
    use CustomersRoute as Route;
    let own = |text: &str| percent_decode(text);
    let route = match segments {
        ["customers"] => one_of(method, Route::List, Route::Create),
        ["customers", "bulk"] => only(method, "PUT", Route::PutAll),
        ["customers", id] => {
            let routes = [Route::Show, Route::Update, Route::Remove];
            one(method, own(id), routes)
        }
        ["customers", id, "tokens"] => one_of(
            method,
            Route::ListTokens(own(id)),
            Route::CreateToken(own(id)),
        ),
        ["customers", id, "tokens", token] => {
            let (id, token) = (own(id), own(token));
            match method {
                "GET" | "HEAD" => Ok(Route::ShowToken(id, token)),
                "DELETE" => Ok(Route::RevokeToken(id, token)),
                _ => Err(NoRoute::MethodNotAllowed("GET, HEAD, DELETE")),
            }
        }
        ["collections"] => one_of(method, Route::ListCollections, Route::CreateCollection),
        ["collections", id] => {
            let routes = [
                Route::ShowCollection,
                Route::UpdateCollection,
                Route::RemoveCollection,
            ];
            one(method, own(id), routes)
        }
        ["grants"] => one_of(method, Route::ListGrants, Route::CreateGrant),
        ["grants", "bulk"] => only(method, "PUT", Route::PutAllGrants),
        ["grants", id] => {
            let routes = [Route::ShowGrant, Route::UpdateGrant, Route::RemoveGrant];
            one(method, own(id), routes)
        }
        ["effective-access"] => get(method, Route::EffectiveAccess),
        ["effective-access", "dry-run"] => only(method, "POST", Route::DryRun),
        _ => return None,
    };
    Some(route)
}

/// One thing, to be shown, changed or removed.
fn one(
    method: &str,
    id: String,
    [show, update, remove]: [fn(String) -> CustomersRoute; 3],
) -> Result<CustomersRoute, NoRoute> {
    match method {
        "GET" | "HEAD" => Ok(show(id)),
        "PATCH" => Ok(update(id)),
        "DELETE" => Ok(remove(id)),
        _ => Err(NoRoute::MethodNotAllowed("GET, HEAD, PATCH, DELETE")),
    }
}
