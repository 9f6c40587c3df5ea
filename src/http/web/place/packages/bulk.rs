//! What is done to many packages at once: a page that names them and asks, then one that says of each what happened. Each is
//! asked of the API by itself, so that one that is refused stops no other.

use askama::Template;
use serde_json::{Value, json};

use crate::app::App;
use crate::domain::access::Ability;
use crate::domain::name::PackageName;
use crate::error::{ErrorKind, Result};
use crate::http::reply::Reply;
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::page::page_with;
use crate::http::web::place::packages::address;
use crate::http::web::shell::{Crumb, Section, Shell};
use crate::http::web::visit::{Place, Visit};

/// So many packages at once: each takes some rounds to the database, and a request may take a thousand.
const MOST: usize = 25;

/// What can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Sync,
    Abandon,
    UseAgain,
    Delete,
}

impl Action {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "sync" => Some(Self::Sync),
            "abandon" => Some(Self::Abandon),
            "use-again" => Some(Self::UseAgain),
            "delete" => Some(Self::Delete),
            _ => None,
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Abandon => "abandon",
            Self::UseAgain => "use-again",
            Self::Delete => "delete",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Sync => "Sync packages",
            Self::Abandon => "Abandon packages",
            Self::UseAgain => "Have packages used again",
            Self::Delete => "Delete packages",
        }
    }

    fn means(self) -> &'static str {
        match self {
            Self::Sync => "Each is compared with its git repository.",
            Self::Abandon => {
                "Composer warns everybody who installs one of them. Their versions stay installable."
            }
            Self::UseAgain => {
                "Composer warns of none of them any more, whatever their git host or composer.json says."
            }
            Self::Delete => {
                "They leave all repositories, and their archives go: what is locked to them cannot be installed any more. \
                 This cannot be undone."
            }
        }
    }

    fn ability(self) -> Ability {
        match self {
            Self::Delete => Ability::Own,
            _ => Ability::ManagePackages,
        }
    }

    async fn ask(self, app: &App, visit: &Visit, place: &Place, name: &str) -> Result<Value> {
        let package = format!("/packages/{name}");
        let (method, path, body) = match self {
            Self::Sync => ("POST", format!("{package}/sync"), None),
            Self::Abandon => ("PATCH", package, Some(json!({"abandoned": true}))),
            Self::UseAgain => ("PATCH", package, Some(json!({"abandoned": false}))),
            Self::Delete => ("DELETE", package, Some(json!({ "confirm": name }))),
        };
        place.ask(app, visit, method, &path, body.as_ref()).await
    }

    fn done(self) -> &'static str {
        match self {
            Self::Sync => "is being compared",
            Self::Abandon => "is abandoned",
            Self::UseAgain => "is used again",
            Self::Delete => "is deleted",
        }
    }
}

/// A package, and what became of it.
struct Shown {
    name: String,
    href: Option<String>,
    is_done: bool,
    said: String,
}

#[derive(Template)]
#[template(path = "place/packages/bulk.html")]
struct BulkPage {
    shell: Shell,
    action: String,
    list: String,
    /// As the form sends it.
    key: &'static str,
    means: &'static str,
    is_danger: bool,
    names: Vec<String>,
    confirm: Option<Field>,
    faults: Vec<String>,
    done: Vec<Shown>,
}

/// Asks, and does it once it is confirmed.
pub(in crate::http::web::place) async fn send(
    app: &App,
    visit: &mut Visit,
    place: &Place,
) -> Result<Reply> {
    let form = visit.form(app).await?;
    let list = format!("/ui/{}/packages", place.organisation.slug);
    let Some(action) = Action::parse(form.text("action")) else {
        return Ok(visit.go_back(&list, "Choose what to do"));
    };
    place.authorise(action.ability(), false)?;
    let mut names: Vec<String> = form
        .all("package")
        .filter_map(|name| PackageName::parse(name).ok())
        .map(|name| name.as_str().to_owned())
        .collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return Ok(visit.go_back(&list, "Choose packages first: tick the boxes beside them"));
    }
    if names.len() > MOST {
        let said = format!(
            "Choose at most {MOST} packages at once; these were {}",
            names.len()
        );
        return Ok(visit.go_back(&list, &said));
    }
    let mut page = BulkPage {
        shell: shell(app, visit, &list, action)?,
        action: format!("{list}/bulk"),
        list,
        key: action.key(),
        means: action.means(),
        is_danger: action == Action::Delete,
        confirm: (action == Action::Delete).then(|| confirm_field(&names)),
        names,
        faults: Vec::new(),
        done: Vec::new(),
    };
    if !form.is_ticked("confirmed") {
        return page_with(200, &page);
    }
    if let Some(field) = page.confirm.take() {
        let faults = check(&form, &page.names);
        if !faults.is_empty() {
            page.confirm = Some(field.typed(&form, &faults));
            return page_with(422, &page);
        }
    }
    for name in std::mem::take(&mut page.names) {
        let answer = action.ask(app, visit, place, &name).await;
        page.done.push(say(place, action, name, answer)?);
    }
    page_with(200, &page)
}

fn say(place: &Place, action: Action, name: String, answer: Result<Value>) -> Result<Shown> {
    let said = match answer {
        Ok(_) => None,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Some("There is no such package any more".to_owned())
        }
        Err(error) => Some(Faults::of(error)?.besides(&[]).join(". ")),
    };
    Ok(Shown {
        href: (action != Action::Delete || said.is_some()).then(|| address(place, &name)),
        is_done: said.is_none(),
        said: said.unwrap_or_else(|| action.done().to_owned()),
        name,
    })
}

/// What is typed to delete them.
fn words(names: &[String]) -> String {
    format!("delete {}", names.len())
}

fn confirm_field(names: &[String]) -> Field {
    Field::text("confirm", "Type this to delete them").hint(words(names))
}

fn check(form: &Form, names: &[String]) -> Faults {
    let mut faults = Faults::none();
    if form.text("confirm") != words(names) {
        faults.add("confirm", format!("Type {}", words(names)));
    }
    faults
}

fn shell(app: &App, visit: &mut Visit, list: &str, action: Action) -> Result<Shell> {
    let crumbs = vec![Crumb::new("Packages", list)];
    visit.shell_at(app, Section::Packages, action.title(), crumbs)
}
