//! The list of members.

use askama::Template;

use super::{Tab, TeamLink, address, tabs, team_links};
use crate::app::App;
use crate::domain::access::{Ability, Role};
use crate::error::Result;
use crate::http::api::paging::Page;
use crate::http::reply::Reply;
use crate::http::web::field::Choice;
use crate::http::web::page::{Moment, page};
use crate::http::web::shell::{Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::with_query;
use crate::store::members::{Member, MemberFilter, list_members};

/// A member as pages show it.
pub(super) struct ShownMember {
    pub(super) href: String,
    pub(super) account: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) role: String,
    pub(super) teams: Vec<TeamLink>,
    pub(super) since: Moment,
    pub(super) seen: Option<Moment>,
    pub(super) suspended: Option<Moment>,
    pub(super) has_second_factor: bool,
}

impl ShownMember {
    pub(super) fn of(place: &Place, member: Member) -> Self {
        Self {
            href: format!("{}/{}", address(place), member.account_id),
            account: member.account_id,
            name: member.name,
            email: member.email,
            role: member.role,
            teams: team_links(place, &member.teams),
            since: Moment::of(member.created_at),
            seen: member.last_seen_at.map(Moment::of),
            suspended: member.suspended_at.map(Moment::of),
            has_second_factor: member.has_second_factor != 0,
        }
    }
}

#[derive(Template)]
#[template(path = "place/people/members.html")]
struct MembersPage {
    shell: Shell,
    tabs: Vec<Tab>,
    address: String,
    roles: Vec<Choice>,
    is_filtered: bool,
    may_change: bool,
    members: Vec<ShownMember>,
    first: Option<String>,
    next: Option<String>,
}

pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    place.authorise(Ability::ManageMembers, true)?;
    let at = Page::of(&visit.request)?;
    let given = |name: &str| visit.request.query_parameter(name).unwrap_or_default();
    let (role, team) = (given("role"), given("team"));
    let filter = MemberFilter {
        role: Some(role.as_str()).filter(|role| !role.is_empty()),
        team: Some(team.as_str()).filter(|team| !team.is_empty()),
        after: at.after(),
        ..MemberFilter::default()
    };
    let mut rows = list_members(app, place.organisation.id, &filter, at.rows()).await?;
    let next = at.cut(&mut rows, |row| row.email.clone());
    let list = address(place);
    let to = |cursor: &str| {
        let query = [("role", role.as_str()), ("team", &team), ("cursor", cursor)];
        with_query(&list, &query)
    };
    let mut roles = vec![Choice::new("", "Any role", &role)];
    roles.extend(
        Role::ALL
            .into_iter()
            .map(|one| Choice::new(one.as_str(), one.as_str(), &role)),
    );
    page(&MembersPage {
        shell: visit.shell_at(app, Section::People, "People", Vec::new())?,
        tabs: tabs(place, "Members"),
        roles,
        is_filtered: at.after().is_some() || !role.is_empty() || !team.is_empty(),
        may_change: place.may(Ability::ManageMembers),
        members: rows
            .into_iter()
            .map(|member| ShownMember::of(place, member))
            .collect(),
        first: at.after().map(|_| to("")),
        next: next.map(|cursor| to(&cursor)),
        address: list,
    })
}
