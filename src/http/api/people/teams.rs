//! Teams: made, renamed, removed, and who is in them. What a team sees is given to it by grants.

use deserr::Deserr;
use schemars::JsonSchema;
use serde::Serialize;

use super::{members, read_name, read_optional_name};
use crate::app::App;
use crate::error::{Code, Error, ErrorKind, Result};
use crate::http::api::missing;
use crate::http::api::paging::Page;
use crate::http::api::shown::Time;
use crate::http::body::{BadValue, Change, Faults};
use crate::http::reply::{CachePolicy, Reply};
use crate::http::request::Request;
use crate::store::members::{MemberFilter, find_member, list_members};
use crate::store::organisations::Organisation;
use crate::store::teams::{self as store, Team};

const DESCRIPTION_LIMIT: usize = 1_000;
/// How many of its members a team is shown with.
const SHOWN: i64 = 100;

/// Lists teams by name.
pub(super) async fn list_teams(
    app: &App,
    request: &Request,
    organisation: &Organisation,
) -> Result<Reply> {
    let page = Page::of(request)?;
    let mut rows = store::list_teams(app, organisation.id, None, page.after(), page.rows()).await?;
    let next = page.cut(&mut rows, |row| row.name.clone());
    let teams = rows.into_iter().map(show).collect();
    Ok(Reply::json(200, &ShownPage { teams, next }))
}

/// A team to be made.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "NewTeam")]
pub(crate) struct AskedTeam {
    /// No other team of the organisation has it.
    #[deserr(try_from(String) = read_name -> BadValue)]
    #[schemars(length(min = 1, max = 200))]
    name: String,
    /// What it is, for people.
    #[deserr(default)]
    #[schemars(length(max = 1000))]
    description: Option<String>,
}

/// Makes a team.
pub(super) async fn create_team(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
) -> Result<Reply> {
    let asked: AskedTeam = request.json().await?;
    let name = asked.name;
    let description = asked
        .description
        .as_deref()
        .map(read_description)
        .transpose()?;
    let id = app.random_id()?;
    store::insert_team(app, organisation.id, &id, &name, description.as_deref())
        .await
        .map_err(|error| taken(error, &name))?;
    let team = find(app, organisation, &id).await?;
    Ok(Reply::json(201, &show(team)))
}

/// Shows a team and who is in it, the first hundred; `members?team=` lists them all.
pub(super) async fn show_team(app: &App, organisation: &Organisation, id: &str) -> Result<Reply> {
    let team = find(app, organisation, id).await?;
    let filter = MemberFilter {
        team: Some(id),
        ..MemberFilter::default()
    };
    let rows = list_members(app, organisation.id, &filter, SHOWN).await?;
    let mut shown = show(team);
    shown.members = Some(rows.into_iter().map(members::show).collect());
    Ok(Reply::json(200, &shown))
}

/// A change of a team: what is absent stays.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "TeamChange")]
pub(crate) struct AskedChange {
    /// No other team of the organisation has it.
    #[deserr(default, try_from(Option<String>) = read_optional_name -> BadValue)]
    #[schemars(length(min = 1, max = 200))]
    name: Option<String>,
    /// What it is, for people; null takes it away.
    #[deserr(default)]
    #[schemars(with = "Option<String>")]
    description: Change<String>,
}

/// Changes a team's name or description.
pub(super) async fn update_team(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
    id: &str,
) -> Result<Reply> {
    let team = find(app, organisation, id).await?;
    let asked: AskedChange = request.json().await?;
    let name = asked.name.unwrap_or(team.name);
    let description = match asked.description {
        Change::Set(text) => Some(read_description(&text)?),
        Change::Clear => None,
        Change::Keep => team.description,
    };
    store::update_team(app, organisation.id, id, &name, description.as_deref())
        .await
        .map_err(|error| taken(error, &name))?;
    let team = find(app, organisation, id).await?;
    Ok(Reply::json(200, &show(team)))
}

/// Removes a team with what was granted to it. Its members stay in the organisation.
pub(super) async fn remove_team(app: &App, organisation: &Organisation, id: &str) -> Result<Reply> {
    if store::remove_team(app, organisation.id, id).await? {
        return Ok(Reply::empty(204, CachePolicy::NoStore));
    }
    Err(missing("team"))
}

/// Puts a member into a team; nothing happens when she is in it already.
pub(super) async fn add_to_team(
    app: &App,
    organisation: &Organisation,
    id: &str,
    account: &str,
) -> Result<Reply> {
    find(app, organisation, id).await?;
    if find_member(app, organisation.id, account).await?.is_none() {
        return Err(missing("member"));
    }
    store::add_to_team(app, organisation.id, id, account).await?;
    Ok(Reply::empty(204, CachePolicy::NoStore))
}

/// Takes a member out of a team.
pub(super) async fn remove_from_team(
    app: &App,
    organisation: &Organisation,
    id: &str,
    account: &str,
) -> Result<Reply> {
    find(app, organisation, id).await?;
    if store::remove_from_team(app, organisation.id, id, account).await? {
        return Ok(Reply::empty(204, CachePolicy::NoStore));
    }
    Err(Error::not_found("No such member in this team"))
}

async fn find(app: &App, organisation: &Organisation, id: &str) -> Result<Team> {
    store::find_team(app, organisation.id, id)
        .await?
        .ok_or_else(|| missing("team"))
}

fn read_description(text: &str) -> Result<String> {
    if text.len() > DESCRIPTION_LIMIT {
        return Err(Error::bad_value(
            "/description",
            format!("`description` may have at most {DESCRIPTION_LIMIT} bytes"),
        ));
    }
    Ok(text.to_owned())
}

fn taken(error: Error, name: &str) -> Error {
    if error.kind() == ErrorKind::Conflict {
        return Error::conflict(format!("There is another team of the name `{name}`"))
            .with_code(Code::Taken);
    }
    error
}

/// A team.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Team")]
pub(crate) struct Shown {
    id: String,
    name: String,
    description: Option<String>,
    /// How many are in it.
    member_count: i64,
    created_at: Time,
    /// The first hundred of them, where one team is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<Vec<members::Shown>>,
}

/// A page of teams.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TeamPage")]
pub(crate) struct ShownPage {
    teams: Vec<Shown>,
    /// The cursor to the next page.
    next: Option<String>,
}

fn show(team: Team) -> Shown {
    Shown {
        id: team.id,
        name: team.name,
        description: team.description,
        member_count: team.members,
        created_at: Time::of(team.created_at),
        members: None,
    }
}
