//! The first hour: five steps to the first installation, each with what to do, and done by itself as soon as it happened.
//! What happened is read from what is counted anyway.

mod commands;

use askama::Template;
use serde_json::{Value, json};
use strum_macros::IntoStaticStr;

use crate::app::App;
use crate::domain::access::Ability;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::route::{NoRoute, get, only};
use crate::http::web::assets;
use crate::http::web::field::Choice;
use crate::http::web::form::Faults;
use crate::http::web::page::page_with;
use crate::http::web::place::connections;
use crate::http::web::place::start::commands::Commands;
use crate::http::web::shell::{Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::store::dashboard::{Counts, Dashboard, hide_first_steps, load_dashboard};

/// What stands where a token belongs.
const NO_TOKEN: &str = "YOUR-TOKEN";

/// What is looked at or done on the way to the first installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum StartRoute {
    /// The page.
    Show,
    /// `…/live`: which steps are done, for the script.
    Live,
    /// `…/token`: makes a token that reads.
    MakeToken,
    /// `…/hide`: has the dashboard lead here no more, or again.
    Hide,
}

impl StartRoute {
    /// Finds the page below `start`.
    pub(super) fn parse(method: &str, segments: &[&str]) -> Result<Self, NoRoute> {
        match segments {
            [] => get(method, Self::Show),
            ["live"] => get(method, Self::Live),
            ["token"] => only(method, "POST", Self::MakeToken),
            ["hide"] => only(method, "POST", Self::Hide),
            _ => Err(NoRoute::NotFound),
        }
    }
}

/// Which of the five steps are done.
pub(super) struct Steps {
    /// By name, in their order.
    done: [(&'static str, bool); 5],
    /// Somebody does not want to see them any more.
    pub(super) are_hidden: bool,
}

impl Steps {
    pub(super) fn of(counts: &Counts) -> Self {
        Self {
            done: [
                ("host", counts.has_connection != 0),
                ("package", counts.packages > 0),
                ("token", counts.has_token != 0),
                ("client", counts.has_client != 0),
                ("install", counts.has_install != 0),
            ],
            are_hidden: counts.hides_first_steps != 0,
        }
    }

    fn is_done(&self, name: &str) -> bool {
        let mut all = self.done.iter();
        all.any(|(known, is_done)| *known == name && *is_done)
    }

    /// How many are done, of five.
    pub(super) fn count(&self) -> usize {
        self.done.iter().filter(|(_, is_done)| *is_done).count()
    }

    /// Whether all are done.
    pub(super) fn are_done(&self) -> bool {
        self.done.iter().all(|(_, is_done)| *is_done)
    }

    /// What is to be done next, in words.
    pub(super) fn next(&self) -> &'static str {
        let next = self.done.iter().find(|(_, is_done)| !is_done);
        match next.map(|(name, _)| *name) {
            Some("host") => "Connect your git host",
            Some("package") => "Import packages",
            Some("token") => "Make a token",
            Some("client") => "Add the repository to a project",
            Some(_) => "Install",
            None => "All is done",
        }
    }

    /// The same for who cannot see what changed.
    fn words(&self) -> String {
        match self.count() {
            5 => "All five steps are done".to_owned(),
            count => format!("{count} of 5 steps are done. Next: {}", self.next()),
        }
    }
}

/// A step as it is shown.
struct Step {
    name: &'static str,
    is_done: bool,
    is_next: bool,
}

#[derive(Template)]
#[template(path = "place/start.html")]
struct StartPage {
    shell: Shell,
    script: &'static str,
    address: String,
    words: String,
    count: usize,
    are_hidden: bool,
    host: Step,
    package: Step,
    token: Step,
    client: Step,
    install: Step,
    connect: Option<String>,
    /// Where projects are chosen.
    choose: String,
    packages: String,
    may_import: bool,
    may_make_token: bool,
    /// Shown once.
    made: Option<String>,
    repositories: Vec<Choice>,
    commands: Option<Commands>,
    faults: Vec<String>,
}

/// Answers for the pages of the first hour.
pub(super) async fn handle(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    route: StartRoute,
) -> Result<Reply> {
    match route {
        StartRoute::Show => {
            place.authorise(Ability::ManagePackages, true)?;
            render(app, visit, place, None, &Faults::none()).await
        }
        StartRoute::Live => live(app, place).await,
        StartRoute::MakeToken => make_token(app, visit, place).await,
        StartRoute::Hide => hide(app, visit, place).await,
    }
}

/// Where the page is.
pub(super) fn address(place: &Place) -> String {
    format!("/ui/{}/start", place.organisation.slug)
}

async fn live(app: &App, place: &Place) -> Result<Reply> {
    place.authorise(Ability::ManagePackages, true)?;
    let known = load_dashboard(app, place.organisation.id).await?;
    let steps = Steps::of(&known.counts);
    let marks: serde_json::Map<_, _> = steps
        .done
        .iter()
        .map(|(name, is_done)| ((*name).to_owned(), Value::from(*is_done)))
        .collect();
    let answer = json!({"words": steps.words(), "marks": marks, "is_over": steps.are_done()});
    Ok(Reply::json(200, &answer).with("x-content-type-options", "nosniff"))
}

/// Makes a token that reads, and shows it in the commands, this once.
async fn make_token(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    visit.form(app).await?;
    let body = json!({"name": "first steps", "access": "read"});
    let answer = place.ask(app, visit, "POST", "/tokens", Some(&body)).await;
    match answer {
        Ok(made) => {
            let token = made.get("token").and_then(Value::as_str);
            render(app, visit, place, token, &Faults::none()).await
        }
        Err(error) => render(app, visit, place, None, &Faults::of(error)?).await,
    }
}

async fn hide(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    let form = visit.form(app).await?;
    place.authorise(Ability::ManagePackages, false)?;
    let hides = form.text("hides") != "no";
    hide_first_steps(app, place.organisation.id, hides).await?;
    if hides {
        let to = format!("/ui/{}", place.organisation.slug);
        return Ok(visit.go_on(&to, "The first steps are put away"));
    }
    Ok(visit.go_on(
        &address(place),
        "The dashboard leads to the first steps again",
    ))
}

async fn render(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    token: Option<&str>,
    faults: &Faults,
) -> Result<Reply> {
    let known = load_dashboard(app, place.organisation.id).await?;
    let steps = Steps::of(&known.counts);
    let step = |name: &'static str| {
        let next = steps.done.iter().find(|(_, is_done)| !is_done);
        Step {
            name,
            is_done: steps.is_done(name),
            is_next: next.is_some_and(|(next, _)| *next == name),
        }
    };
    let chosen = visit
        .request
        .query_parameter("repository")
        .unwrap_or_default();
    let slug = &place.organisation.slug;
    let shell = visit.shell_at(app, Section::Dashboard, "First steps", Vec::new())?;
    let list = connections::list_address(place);
    let choose = known.counts.newest_connection.as_deref().map_or_else(
        || list.clone(),
        |id| format!("{}/projects", connections::address(place, id)),
    );
    page_with(
        if faults.besides(&[]).is_empty() {
            200
        } else {
            422
        },
        &StartPage {
            shell,
            script: assets::address("live.js"),
            address: address(place),
            words: steps.words(),
            count: steps.count(),
            are_hidden: steps.are_hidden,
            host: step("host"),
            package: step("package"),
            token: step("token"),
            client: step("client"),
            install: step("install"),
            connect: place
                .may(Ability::ManageHooks)
                .then(|| format!("{list}/new")),
            packages: format!("/ui/{slug}/packages"),
            may_import: place.may(Ability::ManagePackages),
            may_make_token: place.may(Ability::ManageTokens),
            made: token.map(str::to_owned),
            commands: commands_of(app, &known, &chosen, token),
            repositories: known
                .repositories
                .iter()
                .map(|one| Choice::new(&one.slug, &one.slug, &chosen))
                .collect(),
            choose,
            faults: faults.besides(&[]),
        },
    )
}

/// The commands for the repository that was chosen, or the first one.
fn commands_of(
    app: &App,
    known: &Dashboard,
    chosen: &str,
    token: Option<&str>,
) -> Option<Commands> {
    let found = known.repositories.iter().find(|one| one.slug == chosen);
    let repository = found.or_else(|| known.repositories.first())?;
    let package = known.releases.first().map(|one| one.name.as_str());
    Some(Commands::of(
        &repository.slug,
        &repository.address(&app.config.public_url),
        token.unwrap_or(NO_TOKEN),
        package.unwrap_or("VENDOR/NAME"),
    ))
}
