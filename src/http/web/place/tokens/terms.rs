//! The form that says what a token may do: for a new one, and for one that is there.

use askama::Template;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::domain::access::{Ability, Access};
use crate::domain::time::{day, parse_rfc3339, rfc3339};
use crate::error::{Error, ErrorKind, Result};
use crate::http::api::tokens::find_readable;
use crate::http::reply::Reply;
use crate::http::web::field::{Choice, Field};
use crate::http::web::form::{Faults, Form};
use crate::http::web::lists::{Tick, lines_of};
use crate::http::web::page::page_with;
use crate::http::web::place::tokens::show::{may, show_made};
use crate::http::web::place::tokens::{address, caller, is_person_here};
use crate::http::web::shell::{Crumb, Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::store::repositories::list_repositories;
use crate::store::tokens::TokenRow;

/// The fields of the form whose faults stand beside them.
const FIELDS: [&str; 4] = ["name", "packages", "networks", "expires_at"];
/// For how many days a token is made unless somebody says otherwise.
const USUAL_DAYS: &str = "365";

#[derive(Template)]
#[template(path = "place/tokens/terms.html")]
struct TermsPage {
    shell: Shell,
    action: String,
    back: String,
    button: &'static str,
    /// For whom it can be; with one choice there is nothing to ask.
    kinds: Vec<Choice>,
    name: Field,
    access: Vec<Choice>,
    abilities: Vec<Tick>,
    lasts: Vec<Choice>,
    expires: Field,
    repositories: Vec<Tick>,
    packages: Field,
    networks: Field,
    only_granted: Vec<Tick>,
    faults: Vec<String>,
}

/// What the form begins with.
#[derive(Default)]
struct Terms {
    kind: String,
    name: String,
    access: String,
    abilities: Vec<String>,
    lasts: String,
    expires: String,
    repositories: Vec<String>,
    packages: String,
    networks: String,
    only_granted: bool,
}

impl Terms {
    fn new() -> Self {
        Self {
            access: "read".to_owned(),
            lasts: USUAL_DAYS.to_owned(),
            ..Self::default()
        }
    }

    /// Of a token that is there.
    fn of_row(row: &TokenRow) -> Result<Self> {
        let abilities = row.abilities()?;
        let list = |text: &Option<String>| -> Vec<String> {
            let text = text.as_deref();
            text.and_then(|text| serde_json::from_str(text).ok())
                .unwrap_or_default()
        };
        Ok(Self {
            kind: row.kind.clone(),
            name: row.name.clone(),
            access: Access::of(abilities)
                .map_or("chosen", Access::as_str)
                .to_owned(),
            abilities: abilities.names().into_iter().map(str::to_owned).collect(),
            lasts: "keep".to_owned(),
            expires: row.expires_at.map(day).unwrap_or_default(),
            repositories: list(&row.repositories),
            packages: list(&row.packages).join("\n"),
            networks: list(&row.networks).join("\n"),
            only_granted: row.only_granted != 0,
        })
    }

    /// What somebody typed.
    fn of_form(form: &Form) -> Self {
        let all = |name| form.all(name).map(str::to_owned).collect();
        Self {
            kind: form.text("kind").to_owned(),
            name: form.raw("name").to_owned(),
            access: form.text("access").to_owned(),
            abilities: all("abilities"),
            lasts: form.text("lasts").to_owned(),
            expires: form.text("expires_at").to_owned(),
            repositories: all("repositories"),
            packages: form.raw("packages").to_owned(),
            networks: form.raw("networks").to_owned(),
            only_granted: form.is_ticked("only_granted"),
        }
    }

    /// What the API could only say of times, and not of days.
    fn check_day(&self) -> Faults {
        let mut faults = Faults::none();
        if self.lasts == "day" && parse_rfc3339(&self.last_moment()).is_none() {
            faults.add("expires_at", "Choose the last day, such as 2027-01-31");
        }
        faults
    }

    fn last_moment(&self) -> String {
        format!("{}T23:59:59Z", self.expires)
    }

    /// What the API is asked for. Lists that are empty are no limit.
    fn to_json(&self, app: &App) -> Map<String, Value> {
        let mut asked = Map::new();
        let mut add = |key: &str, value: Value| asked.insert(key.to_owned(), value);
        let list = |list: Vec<String>| {
            if list.is_empty() {
                Value::Null
            } else {
                json!(list)
            }
        };
        add("name", json!(self.name));
        match self.access.as_str() {
            "mine" => None,
            "chosen" => add("abilities", json!(self.abilities)),
            access => add("access", json!(access)),
        };
        add("repositories", list(self.repositories.clone()));
        add("packages", list(lines_of(&self.packages)));
        add("networks", list(lines_of(&self.networks)));
        add("only_granted", json!(self.only_granted));
        match self.lasts.as_str() {
            "keep" => None,
            "never" => add("expires_at", Value::Null),
            days => match days.parse::<i64>() {
                Ok(days) => {
                    let end = app.now().saturating_add(days.saturating_mul(86_400));
                    add("expires_at", json!(rfc3339(end)))
                }
                // Until the end of that day.
                Err(_) => add("expires_at", json!(self.last_moment())),
            },
        };
        asked
    }
}

/// Shows the form for a new token.
pub(super) async fn show_new(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    refuse_who_makes_none(place)?;
    render(app, visit, place, None, &Terms::new(), Faults::none()).await
}

fn refuse_who_makes_none(place: &Place) -> Result<()> {
    if !is_person_here(place) {
        place.authorise(Ability::ManageTokens, false)?;
    }
    Ok(())
}

/// Makes the token and shows it once.
pub(super) async fn make(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    let form = visit.form(app).await?;
    refuse_who_makes_none(place)?;
    let terms = Terms::of_form(&form);
    let faults = terms.check_day();
    if !faults.is_empty() {
        return render(app, visit, place, None, &terms, faults).await;
    }
    let mut asked = terms.to_json(app);
    asked.insert("kind".to_owned(), json!(terms.kind));
    let asked = Value::Object(asked);
    match place.ask(app, visit, "POST", "/tokens", Some(&asked)).await {
        Ok(made) => show_made(app, visit, place, &made).await,
        Err(error) => render(app, visit, place, None, &terms, Faults::of(error)?).await,
    }
}

/// Shows the form for a token that is there.
pub(super) async fn show_change(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    id: &str,
) -> Result<Reply> {
    let row = find_changeable(app, place, id).await?;
    let terms = Terms::of_row(&row)?;
    render(app, visit, place, Some(&row), &terms, Faults::none()).await
}

async fn find_changeable(app: &App, place: &Place, id: &str) -> Result<TokenRow> {
    let row = find_readable(app, &caller(place, true), &place.organisation, id).await?;
    if may(place, &row).0 {
        return Ok(row);
    }
    Err(Error::new(
        ErrorKind::Forbidden,
        "This token was revoked, or is not yours to change: a personal one is changed by its person alone",
    ))
}

/// Changes the token.
pub(super) async fn change(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    let form = visit.form(app).await?;
    let row = find_changeable(app, place, id).await?;
    let terms = Terms::of_form(&form);
    let faults = terms.check_day();
    if !faults.is_empty() {
        return render(app, visit, place, Some(&row), &terms, faults).await;
    }
    let asked = Value::Object(terms.to_json(app));
    let path = format!("/tokens/{id}");
    match place.ask(app, visit, "PATCH", &path, Some(&asked)).await {
        Ok(_) => Ok(visit.go_on(&format!("{}/{id}", address(place)), "The token is changed")),
        Err(error) => render(app, visit, place, Some(&row), &terms, Faults::of(error)?).await,
    }
}

async fn render(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    row: Option<&TokenRow>,
    terms: &Terms,
    faults: Faults,
) -> Result<Reply> {
    let faults = faults.by_list();
    let repositories = list_repositories(app, place.organisation.id).await?;
    let list = address(place);
    let mut crumbs = vec![Crumb::new("Tokens", list.clone())];
    let (title, action, back, button) = match row {
        None => ("New token", format!("{list}/new"), list.clone(), "Make it"),
        Some(row) => {
            let here = format!("{list}/{}", row.id);
            crumbs.push(Crumb::new(&row.name, here.clone()));
            (
                "Change the token",
                format!("{here}/change"),
                here,
                "Change it",
            )
        }
    };
    let field = |field: Field, value: &str| Field {
        error: faults.at(field.name),
        value: value.to_owned(),
        ..field
    };
    let status = if faults.is_empty() { 200 } else { 422 };
    page_with(
        status,
        &TermsPage {
            shell: visit.shell_at(app, Section::Tokens, title, crumbs)?,
            action,
            back,
            button,
            kinds: kinds(place, row, &terms.kind),
            name: field(
                Field::text("name", "Name").hint("What it is for, such as: deploy of the shop"),
                &terms.name,
            ),
            access: accesses(place, row, &terms.access),
            abilities: Ability::ALL
                .into_iter()
                .filter(|ability| place.principal.abilities.has(*ability))
                .map(|ability| Tick {
                    value: ability.as_str().to_owned(),
                    label: ability.in_words().to_owned(),
                    is_ticked: terms.abilities.iter().any(|one| one == ability.as_str()),
                })
                .collect(),
            lasts: lasts(row, &terms.lasts),
            expires: field(
                Field {
                    kind: "date",
                    ..Field::text("expires_at", "Last day").optional()
                }
                .hint("Where it ends on a day of your choice, in UTC"),
                &terms.expires,
            ),
            repositories: repositories
                .iter()
                .map(|one| Tick {
                    value: one.slug.clone(),
                    label: one.slug.clone(),
                    is_ticked: terms.repositories.contains(&one.slug),
                })
                .collect(),
            packages: field(
                Field::lines("packages", "Packages")
                    .optional()
                    .hint("One a line: names, or patterns such as acme/*. With none it is not limited to any"),
                &terms.packages,
            ),
            networks: field(
                Field::lines("networks", "Networks")
                    .optional()
                    .hint("One a line: addresses or networks such as 10.0.0.0/8. With none it works from anywhere"),
                &terms.networks,
            ),
            only_granted: vec![Tick {
                value: "yes".to_owned(),
                label: "It sees only what is granted to it".to_owned(),
                is_ticked: terms.only_granted,
            }],
            faults: faults.besides(&FIELDS),
        },
    )
}

fn kinds(place: &Place, row: Option<&TokenRow>, chosen: &str) -> Vec<Choice> {
    if let Some(row) = row {
        return vec![Choice::new(&row.kind, "", &row.kind)];
    }
    let mut kinds = Vec::new();
    if place.may(Ability::ManageTokens) {
        kinds.push(Choice::new("machine", "A machine: a server, CI", chosen));
    }
    if is_person_here(place) {
        kinds.push(Choice::new(
            "personal",
            "Yourself: it sees what you see",
            chosen,
        ));
    }
    kinds
}

/// What can be given to a token: nobody gives more than he has.
fn accesses(place: &Place, row: Option<&TokenRow>, chosen: &str) -> Vec<Choice> {
    let usual = [
        (Access::Read, "Read: see and install packages"),
        (Access::Write, "Write: upload versions as well"),
        (
            Access::Admin,
            "Admin: all of the API but what only an owner may",
        ),
    ];
    let own = place.principal.abilities;
    let mut choices: Vec<_> = usual
        .into_iter()
        .filter(|(access, _)| own.covers(access.abilities()) || access.as_str() == chosen)
        .map(|(access, label)| Choice::new(access.as_str(), label, chosen))
        .collect();
    if row.is_none() && is_person_here(place) {
        choices.push(Choice::new(
            "mine",
            "All that you may (for yourself)",
            chosen,
        ));
    }
    choices.push(Choice::new("chosen", "What is ticked below", chosen));
    choices
}

fn lasts(row: Option<&TokenRow>, chosen: &str) -> Vec<Choice> {
    let keep = row.map(|row| {
        let label = row.expires_at.map_or_else(
            || "As it is: never".to_owned(),
            |end| format!("As it is: on {}", day(end)),
        );
        Choice::new("keep", label, chosen)
    });
    keep.into_iter()
        .chain([
            Choice::new("30", "In 30 days", chosen),
            Choice::new("90", "In 90 days", chosen),
            Choice::new(USUAL_DAYS, "In a year", chosen),
            Choice::new("day", "After the day below", chosen),
            Choice::new("never", "Never", chosen),
        ])
        .collect()
}
