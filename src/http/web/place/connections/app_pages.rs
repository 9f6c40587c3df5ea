//! GitHub Apps: one is taken in by its key, and each of its installations becomes a connection.

use askama::Template;
use serde_json::{Value, json};

use crate::app::App;
use crate::domain::access::Ability;
use crate::error::Result;
use crate::http::api::github_apps::{look_at_installations, own};
use crate::http::reply::Reply;
use crate::http::web::field::{Choice, Field};
use crate::http::web::form::{Faults, Form};
use crate::http::web::page::{page, page_with};
use crate::http::web::place::connections::{address, lead, list_address, name_of};
use crate::http::web::shell::{Crumb, Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::encoded;

const FIELDS: [&str; 3] = ["client_id", "private_key", "base_url"];

#[derive(Template)]
#[template(path = "place/connections/app_add.html")]
struct AddAppPage {
    shell: Shell,
    address: String,
    fields: Vec<Field>,
    faults: Vec<String>,
}

/// What is shown once, after the app was known by its key.
#[derive(Template)]
#[template(path = "place/connections/app_added.html")]
struct AddedAppPage {
    shell: Shell,
    app: String,
    webhook: String,
    secret: Option<String>,
    missing: Vec<String>,
}

struct ShownInstallation {
    number: i64,
    account: String,
    /// `all` or `selected`.
    selection: String,
    is_suspended: bool,
    missing: Vec<String>,
    /// The page of its connection.
    connection: Option<String>,
    web_url: Option<String>,
}

#[derive(Template)]
#[template(path = "place/connections/app_show.html")]
struct AppPage {
    shell: Shell,
    address: String,
    web_url: Option<String>,
    webhook: String,
    installations: Vec<ShownInstallation>,
    /// Connections that an installation can take over from a token.
    by_token: Vec<Choice>,
    trouble: Option<String>,
    may_change: bool,
}

#[derive(Template)]
#[template(path = "place/connections/app_remove.html")]
struct RemoveAppPage {
    shell: Shell,
    address: String,
    name: String,
}

pub(super) fn show_form(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    place.authorise(Ability::ManageHooks, false)?;
    render_form(app, visit, place, None)
}

/// Takes an app in, after GitHub knew it by its key.
pub(super) async fn add(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    let form = visit.form(app).await?;
    place.authorise(Ability::ManageHooks, false)?;
    let mut body = json!({
        "client_id": form.text("client_id"),
        "private_key": form.text("private_key"),
    });
    if let (Some(url), Some(fields)) = (form.optional("base_url"), body.as_object_mut()) {
        fields.insert("base_url".to_owned(), Value::from(url));
    }
    let made = match place
        .ask(app, visit, "POST", "/github-apps", Some(&body))
        .await
    {
        Ok(made) => made,
        Err(error) => {
            let faults = Faults::of(error)?;
            return render_form(app, visit, place, Some((&form, &faults)));
        }
    };
    let text = |pointer: &str| {
        let value = made.pointer(pointer).and_then(Value::as_str);
        value.map(str::to_owned)
    };
    let id = text("/id").unwrap_or_default();
    let missing = made.get("missing").and_then(Value::as_array);
    let title = format!("{} is known here", text("/name").unwrap_or_default());
    let shell = visit.shell_at(app, Section::Connections, &title, crumbs(place))?;
    page(&AddedAppPage {
        shell,
        app: app_address(place, &id),
        webhook: text("/webhook/url").unwrap_or_default(),
        secret: text("/webhook/secret"),
        missing: missing
            .into_iter()
            .flatten()
            .filter_map(|one| one.as_str().map(str::to_owned))
            .collect(),
    })
}

fn render_form(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    typed: Option<(&Form, &Faults)>,
) -> Result<Reply> {
    let fields = [
        Field::text("client_id", "Client ID").hint("On the app's page at GitHub: Iv23li…"),
        Field::lines("private_key", "Private key")
            .hint("The whole text of the .pem file. It is kept encrypted, and never shown again"),
        Field::text("base_url", "Address of the API")
            .hint("Leave it empty for github.com. An Enterprise Server's is https://HOST/api/v3")
            .optional(),
    ];
    let fields = fields
        .into_iter()
        .map(|field| match typed {
            Some((form, faults)) => {
                let is_secret = field.name == "private_key";
                let typed = field.typed(form, faults);
                if is_secret { typed.value("") } else { typed }
            }
            None => field,
        })
        .collect();
    let list = list_address(place);
    let shell = visit.shell_at(
        app,
        Section::Connections,
        "Connect by a GitHub App",
        crumbs(place),
    )?;
    page_with(
        if typed.is_some() { 422 } else { 200 },
        &AddAppPage {
            shell,
            address: format!("{list}/apps/new"),
            fields,
            faults: typed.map_or_else(Vec::new, |(_, faults)| faults.besides(&FIELDS)),
        },
    )
}

/// An app with its installations, as GitHub has them now.
pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    place.authorise(Ability::ManageHooks, true)?;
    let organisation = &place.organisation;
    let found = own(app, organisation, id).await?;
    let looked = look_at_installations(app, organisation, &found).await;
    let ((installations, by_token), trouble) = match looked {
        Ok(looked) => (looked, None),
        Err(error) => {
            let faults = Faults::of(error)?.besides(&[]);
            ((Vec::new(), Vec::new()), Some(faults.join(". ")))
        }
    };
    let shell = visit.shell_at(app, Section::Connections, &found.name, crumbs(place))?;
    let may_change = place.may(Ability::ManageHooks);
    let status = if trouble.is_some() { 422 } else { 200 };
    page_with(
        status,
        &AppPage {
            shell,
            address: app_address(place, id),
            web_url: web(found.web_url),
            webhook: format!("{}/hooks/{id}", app.config.public_url),
            installations: installations
                .into_iter()
                .map(|one| ShownInstallation {
                    number: one.installation,
                    account: one.account,
                    selection: one.repository_selection,
                    is_suspended: one.suspended,
                    missing: one.missing,
                    connection: one.connection.map(|id| address(place, &id)),
                    web_url: web(one.web_url),
                })
                .collect(),
            by_token: by_token
                .into_iter()
                .map(|one| {
                    let name = name_of(&one.provider, &one.account, &one.base_url);
                    Choice::new(one.id, format!("in place of the token of {name}"), "")
                })
                .collect(),
            trouble,
            may_change,
        },
    )
}

/// Makes a connection of an installation, or has it take the place of the token of one that there is.
pub(super) async fn connect(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    id: &str,
) -> Result<Reply> {
    let form = visit.form(app).await?;
    place.authorise(Ability::ManageHooks, false)?;
    let number: i64 = form.text("installation").parse().unwrap_or_default();
    if let Some(connection) = form.optional("connection") {
        let body = json!({"github_app": id, "installation": number});
        let path = format!("/connections/{}", encoded(connection));
        let answer = place.ask(app, visit, "PATCH", &path, Some(&body)).await;
        return match answer {
            Ok(_) => {
                let said =
                    "The app has taken the place of the token. You can revoke that at GitHub";
                Ok(visit.go_on(&address(place, connection), said))
            }
            Err(error) => lead(visit, &app_address(place, id), Err(error)),
        };
    }
    let body = json!({"provider": "github", "github_app": id, "installation": number});
    let answer = place
        .ask(app, visit, "POST", "/connections", Some(&body))
        .await;
    match answer {
        Ok(made) => {
            let connection = made.get("id").and_then(Value::as_str).unwrap_or_default();
            let to = format!("{}/projects", address(place, connection));
            Ok(visit.go_on(&to, "It is connected. Choose what to import"))
        }
        Err(error) => lead(visit, &app_address(place, id), Err(error)),
    }
}

pub(super) async fn ask_removal(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    id: &str,
) -> Result<Reply> {
    place.authorise(Ability::ManageHooks, false)?;
    let found = own(app, &place.organisation, id).await?;
    let mut crumbs = crumbs(place);
    crumbs.push(Crumb::new(found.name.clone(), app_address(place, id)));
    let shell = visit.shell_at(app, Section::Connections, "Remove the GitHub App", crumbs)?;
    page(&RemoveAppPage {
        shell,
        address: app_address(place, id),
        name: found.name,
    })
}

pub(super) async fn remove(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    visit.form(app).await?;
    place.authorise(Ability::ManageHooks, false)?;
    let path = format!("/github-apps/{id}");
    let answer = place.ask(app, visit, "DELETE", &path, None).await;
    if answer.is_ok() {
        return Ok(visit.go_on(&list_address(place), "The GitHub App is removed here"));
    }
    let said = answer.map(|_| String::new());
    lead(visit, &app_address(place, id), said)
}

fn app_address(place: &Place, id: &str) -> String {
    format!("{}/apps/{id}", list_address(place))
}

fn crumbs(place: &Place) -> Vec<Crumb> {
    vec![Crumb::new("Connections", list_address(place))]
}

/// An address that a browser may be led to.
fn web(url: String) -> Option<String> {
    Some(url).filter(|url| url.starts_with("https://") || url.starts_with("http://"))
}
