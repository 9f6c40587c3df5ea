//! One member: what she is, her tokens, and what may be done about her.

use askama::Template;
use serde_json::json;

use super::members::ShownMember;
use super::{address, roles};
use crate::app::App;
use crate::domain::access::{Ability, Role};
use crate::error::Result;
use crate::http::api::missing;
use crate::http::reply::Reply;
use crate::http::web::ask_twice::AskTwice;
use crate::http::web::field::Choice;
use crate::http::web::lists::lead_on;
use crate::http::web::page::page;
use crate::http::web::place::tokens::ShownToken;
use crate::http::web::shell::{Crumb, Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::store::members::{Member, find_member};
use crate::store::tokens::{TokenFilter, list_tokens};

/// So many of her tokens are shown; the list of tokens has them all.
const TOKENS: i64 = 20;

#[derive(Template)]
#[template(path = "place/people/member.html")]
struct MemberPage {
    shell: Shell,
    member: ShownMember,
    may_change: bool,
    roles: Vec<Choice>,
    tokens: Vec<ShownToken>,
    /// The list of all her tokens.
    all_tokens: String,
}

async fn find(app: &App, place: &Place, account: &str) -> Result<Member> {
    find_member(app, place.organisation.id, account)
        .await?
        .ok_or_else(|| missing("member"))
}

fn crumbs(place: &Place) -> Vec<Crumb> {
    vec![Crumb::new("People", address(place))]
}

pub(super) async fn show(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    account: &str,
) -> Result<Reply> {
    place.authorise(Ability::ManageMembers, true)?;
    let member = find(app, place, account).await?;
    let filter = TokenFilter {
        account: Some(account),
        ..TokenFilter::default()
    };
    let sees_tokens = place.may_read(Ability::ManageTokens);
    let tokens = if sees_tokens {
        list_tokens(app, place.organisation.id, &filter, TOKENS).await?
    } else {
        Vec::new()
    };
    let slug = &place.organisation.slug;
    let role = Role::parse(&member.role);
    // Nobody changes those who may more than himself.
    let may_change = place.may(Ability::ManageMembers)
        && role.is_some_and(|role| role.is_named_by(place.principal.abilities));
    page(&MemberPage {
        shell: visit.shell_at(app, Section::People, &member.name, crumbs(place))?,
        may_change,
        roles: roles(place, &member.role),
        tokens: tokens
            .into_iter()
            .map(|row| ShownToken::of(place, row))
            .collect::<Result<_>>()?,
        all_tokens: format!("/ui/{slug}/tokens?person={}", member.account_id),
        member: ShownMember::of(place, member),
    })
}

/// Gives a member another role, suspends her or lets her in again.
pub(super) async fn change(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    account: &str,
) -> Result<Reply> {
    let form = visit.form(app).await?;
    let (asked, said) = match form.text("suspended") {
        "yes" => (
            json!({"suspended": true}),
            "She gets nothing until you let her in again",
        ),
        "no" => (json!({"suspended": false}), "She is let in again"),
        _ => (json!({"role": form.text("role")}), "The role is changed"),
    };
    let path = format!("/members/{account}");
    let answer = place.ask(app, visit, "PATCH", &path, Some(&asked)).await;
    let to = format!("{}/{account}", address(place));
    lead_on(visit, &to, answer, said)
}

/// Asks whether a member is to be removed.
pub(super) async fn ask(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    account: &str,
) -> Result<Reply> {
    place.authorise(Ability::ManageMembers, false)?;
    let member = find(app, place, account).await?;
    let here = format!("{}/{account}", address(place));
    let mut crumbs = crumbs(place);
    crumbs.push(Crumb::new(&member.name, here.clone()));
    let title = format!("Remove {}?", member.name);
    page(&AskTwice {
        shell: visit.shell_at(app, Section::People, &title, crumbs)?,
        consequences: vec![
            "Her place in teams and her personal tokens here end within ten seconds.".to_owned(),
            "Tokens of machines that she made go on. Elsewhere nothing changes for her; an invitation brings her back."
                .to_owned(),
        ],
        action: format!("{here}/remove"),
        fields: Vec::new(),
        faults: Vec::new(),
        button: "Remove".to_owned(),
        back: here,
    })
}

/// Removes a member.
pub(super) async fn remove(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    account: &str,
) -> Result<Reply> {
    visit.form(app).await?;
    let path = format!("/members/{account}");
    let answer = place.ask(app, visit, "DELETE", &path, None).await;
    lead_on(visit, &address(place), answer, "The member is removed")
}
