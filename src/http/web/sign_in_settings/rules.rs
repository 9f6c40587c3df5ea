//! The form of an organisation's rules.

use serde_json::json;

use super::{Whose, overview};
use crate::app::App;
use crate::domain::access::Role;
use crate::domain::sign_in::Enforced;
use crate::error::Result;
use crate::http::api::sign_in::{RulesChange, change_rules};
use crate::http::body;
use crate::http::reply::Reply;
use crate::http::web::field::{Choice, Field};
use crate::http::web::form::{Faults, Form};
use crate::http::web::visit::{Place, Visit};
use crate::store::audit::acting;
use crate::store::sign_in_rules::{NamedTeam, SignInSettings, load_settings};

/// A box for a team.
pub(super) struct TeamBox {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) is_ticked: bool,
}

/// The form as the page shows it.
pub(super) struct RulesForm {
    pub(super) faults: Vec<String>,
    pub(super) domains: Field,
    pub(super) registration: Vec<Choice>,
    pub(super) role: Vec<Choice>,
    pub(super) teams: Vec<TeamBox>,
    pub(super) groups: Field,
    pub(super) enforced: Vec<Choice>,
}

impl RulesForm {
    pub(super) fn of(settings: &SignInSettings, sent: Option<(&Form, &Faults)>) -> Self {
        let rules = &settings.rules;
        let chosen = |name: &str, own: &str| match sent {
            Some((form, _)) => form.text(name).to_owned(),
            None => own.to_owned(),
        };
        let registration = chosen(
            "registration",
            if rules.is_open { "open" } else { "closed" },
        );
        let role = chosen("role", rules.role.as_str());
        let enforced = chosen("enforced", rules.enforced.as_str());
        let groups: Vec<_> = rules
            .group_teams
            .iter()
            .filter_map(|one| {
                let team = settings.teams.iter().find(|team| team.id == one.team)?;
                Some(format!("{} = {}", one.group, team.name))
            })
            .collect();
        let mut domains = Field::lines("domains", "E-mail domains")
            .optional()
            .hint("One a line, such as `example.com`. Only people with such an address become members by signing in, or are linked to their account by it")
            .value(rules.domains.join("\n"));
        let mut group_field = Field::lines("group_teams", "Groups that are teams")
            .optional()
            .hint("One a line: the group as the provider spells it, `=`, and the team. It is looked at anew at each sign-in; whoever was put into a team by hand stays")
            .value(groups.join("\n"));
        if let Some((form, faults)) = sent {
            domains = domains.typed(form, faults);
            group_field = group_field.typed(form, faults);
        }
        Self {
            faults: sent.map_or_else(Vec::new, |(_, faults)| {
                faults.besides(&["domains", "group_teams"])
            }),
            domains,
            registration: vec![
                Choice::new("closed", "Closed: people are invited", &registration),
                Choice::new(
                    "open",
                    "Open to everybody with such an address",
                    &registration,
                ),
            ],
            role: [Role::Member, Role::Maintainer, Role::Auditor]
                .map(|one| Choice::new(one.as_str(), one.as_str(), &role))
                .into(),
            teams: settings
                .teams
                .iter()
                .map(|team| TeamBox {
                    id: team.id.clone(),
                    name: team.name.clone(),
                    is_ticked: match sent {
                        Some((form, _)) => form.all("teams").any(|id| id == team.id),
                        None => rules.teams.contains(&team.id),
                    },
                })
                .collect(),
            groups: group_field,
            enforced: [
                (Enforced::Off, "In any way"),
                (
                    Enforced::Organisation,
                    "By a provider of this organisation only",
                ),
                (
                    Enforced::Any,
                    "By a provider of this organisation or of the instance only",
                ),
            ]
            .map(|(one, label)| Choice::new(one.as_str(), label, &enforced))
            .into(),
        }
    }
}

/// The groups that somebody typed, as the API reads them.
fn read_groups(text: &str, teams: &[NamedTeam], faults: &mut Faults) -> Vec<serde_json::Value> {
    let mut read = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let found = line.rsplit_once('=').and_then(|(group, team)| {
            let team = team.trim();
            let team = teams
                .iter()
                .find(|one| one.name == team || one.id == team)?;
            Some(json!({"group": group.trim(), "team": team.id}))
        });
        match found {
            Some(one) => read.push(one),
            None => faults.add(
                "group_teams",
                format!("`{line}` names no team of this organisation: write `group = team`"),
            ),
        }
    }
    read
}

pub(super) async fn send(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    form: &Form,
) -> Result<Reply> {
    let settings = load_settings(app, place.organisation.id).await?;
    let mut faults = Faults::none();
    let domains: Vec<_> = form
        .text("domains")
        .split([',', '\n', ' '])
        .map(str::trim)
        .filter(|domain| !domain.is_empty())
        .collect();
    let asked = json!({
        "domains": domains,
        "registration": form.text("registration"),
        "role": form.text("role"),
        "teams": form.all("teams").collect::<Vec<_>>(),
        "group_teams": read_groups(form.text("group_teams"), &settings.teams, &mut faults),
        "enforced": form.text("enforced"),
    });
    if faults.is_empty() {
        let on = acting(
            app,
            visit.actor(Some(&place.person.account), &place.person.name),
        );
        let changed = match body::Faults::read::<RulesChange>(asked) {
            Ok(asked) => change_rules(&on, &place.organisation, asked).await,
            Err(error) => Err(error),
        };
        match changed {
            Ok(_) => return Ok(visit.go_on(&Whose::Place(place).address(), "Saved")),
            Err(error) => faults = Faults::of(error)?,
        }
    }
    overview::render(
        app,
        visit,
        422,
        Whose::Place(place),
        Some(settings),
        Vec::new(),
        Some((form, &faults)),
    )
}
