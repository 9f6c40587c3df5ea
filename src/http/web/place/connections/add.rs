//! A new connection: which host, how its token is made, and the token, which is tried before it is kept.

use askama::Template;
use serde_json::{Value, json};

use crate::app::App;
use crate::domain::access::Ability;
use crate::error::{Error, Result};
use crate::http::reply::Reply;
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::page::{page, page_with};
use crate::http::web::place::connections::guide::{self, Address, Guide, Username};
use crate::http::web::place::connections::{address, list_address};
use crate::http::web::shell::{Crumb, Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::providers::ProviderKind;

/// The fields of the form that a fault may stand beside.
const FIELDS: [&str; 3] = ["base_url", "username", "token"];

#[derive(Template)]
#[template(path = "place/connections/choose.html")]
struct ChoosePage {
    shell: Shell,
    address: String,
    guides: Vec<Guide>,
}

#[derive(Template)]
#[template(path = "place/connections/add.html")]
struct AddPage {
    shell: Shell,
    address: String,
    guide: Guide,
    fields: Vec<Field>,
    registers: bool,
    faults: Vec<String>,
}

/// What is shown once, after it worked.
#[derive(Template)]
#[template(path = "place/connections/added.html")]
struct AddedPage {
    shell: Shell,
    connection: String,
    webhook: String,
    generic: String,
    secret: Option<String>,
    signing_token: Option<String>,
    events: String,
    registers: bool,
}

/// Which host, or the form of the one that the query names.
pub(super) fn show(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    place.authorise(Ability::ManageHooks, false)?;
    let asked = visit.request.query_parameter("provider");
    if let Some(kind) = asked.as_deref().and_then(ProviderKind::parse) {
        return render(app, visit, place, kind, None);
    }
    let crumbs = vec![Crumb::new("Connections", list_address(place))];
    let shell = visit.shell_at(app, Section::Connections, "Connect a git host", crumbs)?;
    page(&ChoosePage {
        shell,
        address: list_address(place),
        guides: ProviderKind::ALL.into_iter().map(guide::of).collect(),
    })
}

/// Tries what was typed, and keeps it if the host accepts it.
pub(super) async fn send(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    let form = visit.form(app).await?;
    place.authorise(Ability::ManageHooks, false)?;
    let kind = ProviderKind::parse(form.text("provider"))
        .ok_or_else(|| Error::invalid("Choose one of the git hosts"))?;
    let mut body = json!({"provider": kind.as_str(), "token": form.text("token")});
    for name in ["base_url", "username"] {
        if let (Some(value), Some(fields)) = (form.optional(name), body.as_object_mut()) {
            fields.insert(name.to_owned(), Value::from(value));
        }
    }
    if let Some(fields) = body.as_object_mut() {
        let hooks = if form.is_ticked("hooks") {
            "automatic"
        } else {
            "manual"
        };
        fields.insert("hooks".to_owned(), Value::from(hooks));
    }
    let answer = place
        .ask(app, visit, "POST", "/connections", Some(&body))
        .await;
    match answer {
        Ok(made) => show_added(app, visit, place, kind, &made),
        Err(error) => {
            let faults = Faults::of(error)?;
            render(app, visit, place, kind, Some((&form, &faults)))
        }
    }
}

/// The connection that was just made, with what is shown of it once.
fn show_added(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    kind: ProviderKind,
    made: &Value,
) -> Result<Reply> {
    let text = |pointer: &str| {
        let value = made.pointer(pointer).and_then(Value::as_str);
        value.map(str::to_owned)
    };
    let id = text("/id").unwrap_or_default();
    let crumbs = vec![Crumb::new("Connections", list_address(place))];
    let name = guide::of(kind).name;
    let account = text("/account").unwrap_or_default();
    let title = format!("{name} {account} is connected");
    let shell = visit.shell_at(app, Section::Connections, &title, crumbs)?;
    page(&AddedPage {
        shell,
        connection: address(place, &id),
        webhook: text("/webhook/url").unwrap_or_default(),
        generic: text("/webhook/generic_url").unwrap_or_default(),
        secret: text("/webhook/secret"),
        signing_token: text("/webhook/signing_token"),
        events: kind.webhook_events().join(", "),
        registers: kind.registers_hooks()
            && made.get("hooks").and_then(Value::as_str) == Some("automatic"),
    })
}

/// The fields of a credential, as the host wants them.
pub(super) fn credential_fields(guide: &Guide) -> Vec<Field> {
    let mut fields = Vec::new();
    if let Username::Sometimes(label, hint) = guide.username {
        fields.push(Field::text("username", label).hint(hint).optional());
    }
    let label = if guide.needs_token {
        "Token"
    } else {
        "Password or token"
    };
    let token =
        Field::password("token", label, "off").hint("It is kept encrypted, and never shown again");
    fields.push(if guide.needs_token {
        token
    } else {
        token.optional()
    });
    fields
}

fn render(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    kind: ProviderKind,
    typed: Option<(&Form, &Faults)>,
) -> Result<Reply> {
    let guide = guide::of(kind);
    let mut fields = match guide.address {
        Address::Fixed => Vec::new(),
        Address::Optional(hint) => {
            vec![Field::text("base_url", "Address").hint(hint).optional()]
        }
        Address::Needed(hint) => vec![Field::text("base_url", "Address").hint(hint)],
    };
    fields.extend(credential_fields(&guide));
    if let Some((form, faults)) = typed {
        fields = fields
            .into_iter()
            .map(|field| field.typed(form, faults))
            .collect();
    }
    let shown: Vec<_> = FIELDS
        .into_iter()
        .filter(|name| fields.iter().any(|field| field.name == *name))
        .collect();
    let list = list_address(place);
    let crumbs = vec![
        Crumb::new("Connections", list.clone()),
        Crumb::new("Connect a git host", format!("{list}/new")),
    ];
    let title = format!("Connect {}", guide.name);
    let shell = visit.shell_at(app, Section::Connections, &title, crumbs)?;
    page_with(
        if typed.is_some() { 422 } else { 200 },
        &AddPage {
            shell,
            address: format!("{list}/new"),
            guide,
            fields,
            registers: typed.is_none_or(|(form, _)| form.is_ticked("hooks")),
            faults: typed.map_or_else(Vec::new, |(_, faults)| faults.besides(&shown)),
        },
    )
}
