//! Whom packages are sold or lent to: customers, collections, grants, and what they come to.

mod bulk;
mod collections;
mod dry_run;
pub(crate) mod explain;
mod grant_input;
mod grants;
mod input;
pub(crate) mod records;
pub(crate) mod route;
mod tokens;

use crate::app::App;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::store::organisations::Organisation;
use route::CustomersRoute;

/// What is read and shown, for the description of the API, which is written natively.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod described {
    pub(crate) use super::bulk::{Shown as BulkResult, asked};
    pub(crate) use super::collections::{
        CollectionInput, Shown as Collection, ShownPage as Collections,
    };
    pub(crate) use super::dry_run::{Asked as DryRunOf, Shown as DryRun};
    pub(crate) use super::explain::Shown as EffectiveAccess;
    pub(crate) use super::grant_input::{GrantInput, Shown as Grant};
    pub(crate) use super::grants::ShownPage as Grants;
    pub(crate) use super::input::CustomerInput;
    pub(crate) use super::records::{Shown as Customer, ShownPage as Customers};
    pub(crate) use super::tokens::{
        Asked as CustomerTokenInput, Shown as CustomerToken, ShownList as CustomerTokens,
        ShownNew as NewCustomerToken,
    };
}

/// Answers a call about customers, collections or grants.
pub async fn handle(
    app: &App,
    request: Request,
    org: &Organisation,
    route: CustomersRoute,
) -> Result<Reply> {
    use CustomersRoute as Route;
    match route {
        Route::List => records::list_customers(app, &request, org).await,
        Route::Create => records::create_customer(app, request, org).await,
        Route::PutAll => bulk::put_customers(app, request, org).await,
        Route::Show(id) => records::show_customer(app, org, &id).await,
        Route::Update(id) => records::update_customer(app, request, org, &id).await,
        Route::Remove(id) => records::remove_customer(app, request, org, &id).await,
        Route::ListTokens(id) => tokens::list_tokens(app, org, &id).await,
        Route::CreateToken(id) => tokens::create_token(app, request, org, &id).await,
        Route::ShowToken(id, token) => tokens::show_token(app, org, &id, &token).await,
        Route::RevokeToken(id, token) => tokens::revoke_token(app, org, &id, &token).await,
        Route::ListCollections => collections::list_collections(app, &request, org).await,
        Route::CreateCollection => collections::create_collection(app, request, org).await,
        Route::ShowCollection(id) => collections::show_collection(app, org, &id).await,
        Route::UpdateCollection(id) => collections::update_collection(app, request, org, &id).await,
        Route::RemoveCollection(id) => {
            collections::remove_collection(app, &request, org, &id).await
        }
        Route::ListGrants => grants::list_grants(app, &request, org).await,
        Route::CreateGrant => grants::create_grant(app, request, org).await,
        Route::PutAllGrants => bulk::put_grants(app, request, org).await,
        Route::ShowGrant(id) => grants::show_grant(app, org, &id).await,
        Route::UpdateGrant(id) => grants::update_grant(app, request, org, &id).await,
        Route::RemoveGrant(id) => grants::remove_grant(app, org, &id).await,
        Route::EffectiveAccess => explain::explain(app, &request, org).await,
        Route::DryRun => dry_run::dry_run(app, request, org).await,
    }
}
