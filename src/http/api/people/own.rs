//! What a person sees and changes of herself, by a token of her own: `/me`.

use deserr::Deserr;
use schemars::JsonSchema;
use serde::Serialize;
use strum_macros::IntoStaticStr;

use super::members::{Shown as ShownMember, show};
use super::read_name;
use crate::app::App;
use crate::domain::access::{Caller, Role};
use crate::error::{Error, ErrorKind, Result};
use crate::http::api::Authorised;
use crate::http::api::shown::ShownOrganisation;
use crate::http::body::{BadValue, Faults};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::http::route::NoRoute;
use crate::store::members::{find_member, rename_member};
use crate::store::organisations::{Organisation, load_organisation};

/// What the API has to offer a person of herself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the variants are the URL table below")]
pub enum OwnRoute {
    Show,
    Update,
}

impl OwnRoute {
    /// Finds the route at `me`.
    pub(crate) fn parse(method: &str) -> Result<Self, NoRoute> {
        match method {
            "GET" | "HEAD" => Ok(Self::Show),
            "PATCH" => Ok(Self::Update),
            _ => Err(NoRoute::MethodNotAllowed("GET, HEAD, PATCH")),
        }
    }
}

/// A person in an organisation, as she sees herself.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OwnMember")]
pub(crate) struct Shown {
    /// The one that the token is of. In another one she may be called otherwise.
    organisation: ShownOrganisation,
    #[serde(flatten)]
    member: ShownMember,
}

/// A change of oneself.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "OwnChange")]
pub(crate) struct AskedChange {
    /// What she wants to be called in this organisation.
    #[deserr(try_from(String) = read_name -> BadValue)]
    #[schemars(length(min = 1, max = 200))]
    name: String,
}

/// Answers a person about herself.
pub(crate) async fn handle_own(
    app: &App,
    request: Request,
    caller: &Authorised,
    route: OwnRoute,
) -> Result<Reply> {
    let (Caller::Person { account, role, .. }, Some(organisation)) =
        (&caller.caller, caller.organisation)
    else {
        return Err(Error::not_found(
            "This token is no person's; `GET /api/v1/token` says whose it is",
        ));
    };
    let organisation = load_organisation(app, organisation).await?;
    match route {
        OwnRoute::Show => show_own(app, &organisation, account).await,
        OwnRoute::Update => update_own(app, request, caller, &organisation, account, *role).await,
    }
}

async fn show_own(app: &App, organisation: &Organisation, account: &str) -> Result<Reply> {
    let member = find_member(app, organisation.id, account)
        .await?
        .ok_or_else(|| Error::not_found("You are no member of this organisation any more"))?;
    let shown = Shown {
        organisation: ShownOrganisation {
            slug: organisation.slug.clone(),
            name: organisation.name.clone(),
        },
        member: show(member),
    };
    Ok(Reply::json(200, &shown))
}

/// Renames her. A token that was given less than she may do herself, for a machine that reads say, does not speak for her.
async fn update_own(
    app: &App,
    mut request: Request,
    caller: &Authorised,
    organisation: &Organisation,
    account: &str,
    role: Role,
) -> Result<Reply> {
    let asked: AskedChange = request.json().await?;
    let lacking = role.abilities().without(caller.abilities).names();
    if !lacking.is_empty() {
        return Err(Error::new(
            ErrorKind::Forbidden,
            format!(
                "This token may less than you, so it does not speak for you: it lacks `{}`",
                lacking.join("`, `")
            ),
        ));
    }
    rename_member(app, organisation.id, account, &asked.name).await?;
    show_own(app, organisation, account).await
}
