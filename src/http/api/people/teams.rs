//! Teams: made, renamed, removed, and who is in them. What a team sees is given to it by grants.

use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::{ROWS, cut, members, read_name};
use crate::app::App;
use crate::domain::time::rfc3339;
use crate::error::{Error, ErrorKind, Result};
use crate::http::api::missing;
use crate::http::reply::{CachePolicy, Reply};
use crate::http::request::Request;
use crate::store::members::{MemberFilter, find_member, list_members};
use crate::store::organisations::Organisation;
use crate::store::teams::{self as store, Team};

const DESCRIPTION_LIMIT: usize = 1_000;

/// Lists teams by name.
pub(super) async fn list_teams(
    app: &App,
    request: &Request,
    organisation: &Organisation,
) -> Result<Reply> {
    let after = request.query_parameter("after");
    let mut rows = store::list_teams(app, organisation.id, None, after.as_deref(), ROWS).await?;
    let next = cut(&mut rows, |row| row.name.clone());
    let teams: Vec<_> = rows.iter().map(show).collect();
    Ok(Reply::json(200, &json!({ "teams": teams, "next": next })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedTeam {
    name: String,
    description: Option<String>,
}

/// Makes a team.
pub(super) async fn create_team(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
) -> Result<Reply> {
    let asked: AskedTeam = request.json().await?;
    let name = read_name(&asked.name)?;
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
    Ok(Reply::json(201, &show(&team)))
}

/// Shows a team and who is in it, the first hundred; `members?team=` lists them all.
pub(super) async fn show_team(app: &App, organisation: &Organisation, id: &str) -> Result<Reply> {
    let team = find(app, organisation, id).await?;
    let filter = MemberFilter {
        team: Some(id),
        ..MemberFilter::default()
    };
    let mut rows = list_members(app, organisation.id, &filter, ROWS).await?;
    cut(&mut rows, |_| String::new());
    let people: Vec<_> = rows.iter().map(members::show).collect();
    let mut shown = show(&team);
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("members".to_owned(), people.into());
    }
    Ok(Reply::json(200, &shown))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedChange {
    name: Option<String>,
    /// Null takes it away.
    #[serde(default, deserialize_with = "given")]
    description: Option<Option<String>>,
}

/// Tells null from absence.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
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
    let name = match &asked.name {
        Some(name) => read_name(name)?,
        None => team.name,
    };
    let description = match asked.description {
        Some(asked) => asked.as_deref().map(read_description).transpose()?,
        None => team.description,
    };
    store::update_team(app, organisation.id, id, &name, description.as_deref())
        .await
        .map_err(|error| taken(error, &name))?;
    let team = find(app, organisation, id).await?;
    Ok(Reply::json(200, &show(&team)))
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
        return Err(Error::invalid(format!(
            "`description` may have at most {DESCRIPTION_LIMIT} bytes"
        )));
    }
    Ok(text.to_owned())
}

fn taken(error: Error, name: &str) -> Error {
    if error.kind() == ErrorKind::Conflict {
        return Error::conflict(format!("There is another team of the name `{name}`"));
    }
    error
}

fn show(team: &Team) -> Value {
    json!({
        "id": team.id,
        "name": team.name,
        "description": team.description,
        "member_count": team.members,
        "created_at": rfc3339(team.created_at),
    })
}
