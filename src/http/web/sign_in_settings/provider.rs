//! One provider: set up, changed, removed.

use askama::Template;
use serde_json::{Map, Value, json};

use super::Whose;
use crate::app::App;
use crate::domain::sign_in::IdentityProviderKind;
use crate::error::{Error, Result};
use crate::http::api::sign_in::{
    AskedProvider, ProviderChange, change_provider, create_provider, find_provider,
    redirect_address, remove_provider,
};
use crate::http::body;
use crate::http::reply::Reply;
use crate::http::web::field::{Choice, Field};
use crate::http::web::form::{Faults, Form};
use crate::http::web::page::{page, page_with};
use crate::http::web::shell::Shell;
use crate::http::web::visit::Visit;
use crate::store::audit::acting;
use crate::store::identity_providers::IdentityProvider;

/// The fields of the form, which are those of the API.
const FIELDS: [&str; 6] = [
    "slug",
    "name",
    "base_url",
    "client_id",
    "client_secret",
    "groups_claim",
];

#[derive(Template)]
#[template(path = "sign_in_settings/provider.html")]
struct ProviderPage {
    shell: Shell,
    action: String,
    /// To be entered at the provider.
    redirect: String,
    /// Where it can be removed; none for one that is not set up yet.
    remove: Option<String>,
    kinds: Vec<Choice>,
    /// What it is and where, of one that is set up.
    facts: Vec<(&'static str, String)>,
    fields: Vec<Field>,
    faults: Vec<String>,
    button: &'static str,
}

#[derive(Template)]
#[template(path = "sign_in_settings/remove.html")]
struct RemovePage {
    shell: Shell,
    action: String,
    back: String,
    name: String,
    people: i64,
}

fn on(app: &App, visit: &Visit, person: &crate::store::logins::Visitor) -> App {
    acting(app, visit.actor(Some(&person.account), &person.name))
}

/// The form's words as the API reads them; what is empty is not there.
fn asked(form: &Form, names: &[&str]) -> Value {
    let mut fields = Map::new();
    for name in names {
        if let Some(text) = form.optional(name) {
            fields.insert((*name).to_owned(), json!(text));
        }
    }
    Value::Object(fields)
}

pub(super) fn new(app: &App, visit: &mut Visit, whose: Whose<'_>) -> Result<Reply> {
    let kind = visit.request.query_parameter("kind").unwrap_or_default();
    render_new(app, visit, whose, 200, &kind, None)
}

fn render_new(
    app: &App,
    visit: &mut Visit,
    whose: Whose<'_>,
    status: u16,
    kind: &str,
    sent: Option<(&Form, &Faults)>,
) -> Result<Reply> {
    let fields = vec![
        Field::text("slug", "Short name")
            .optional()
            .hint("It stands in the redirect address above; without one it is that of the kind, such as `github`"),
        Field::text("name", "Name")
            .optional()
            .hint("What the button says: \"Continue with …\""),
        Field::text("base_url", "Address")
            .optional()
            .hint("Of OpenID Connect the issuer, exactly as it calls itself; of a GitLab or a GitHub Enterprise of your own where it is"),
        Field::text("client_id", "Client id"),
        Field::password("client_secret", "Client secret", "off"),
        Field::text("groups_claim", "Claim with the groups")
            .optional()
            .hint("For teams by groups, such as `groups`; OpenID Connect and GitLab (`groups_direct`) have one"),
    ];
    let fields = fields.into_iter().map(|field| match sent {
        Some((form, faults)) => field.typed(form, faults),
        None => field,
    });
    let kinds = IdentityProviderKind::ALL
        .into_iter()
        .map(|one| Choice::new(one.as_str(), one.label(), kind))
        .collect();
    page_with(
        status,
        &ProviderPage {
            shell: whose.shell(app, visit, "New provider")?,
            action: format!("{}/new", whose.address()),
            redirect: redirect_address(app, &whose.side().segment(), "{short name}"),
            remove: None,
            kinds,
            facts: Vec::new(),
            fields: fields.collect(),
            faults: sent.map_or_else(Vec::new, |(_, faults)| faults.besides(&FIELDS)),
            button: "Set it up",
        },
    )
}

pub(super) async fn create(
    app: &App,
    visit: &mut Visit,
    whose: Whose<'_>,
    form: &Form,
) -> Result<Reply> {
    let person = visit.person(app).await?;
    let on = on(app, visit, &person);
    let mut names = vec!["kind"];
    names.extend(FIELDS);
    let made = match body::Faults::read::<AskedProvider>(asked(form, &names)) {
        Ok(asked) => create_provider(&on, whose.side(), asked).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(made) => {
            let to = format!("{}/providers/{}", whose.address(), made.slug);
            Ok(visit.go_on(
                &to,
                "It is set up. Enter the redirect address there, then try it",
            ))
        }
        Err(error) => {
            let faults = faults_of(error)?;
            render_new(
                app,
                visit,
                whose,
                422,
                form.text("kind"),
                Some((form, &faults)),
            )
        }
    }
}

/// What a person can right stands beside the form, also that something is there already.
fn faults_of(error: Error) -> Result<Faults> {
    if error.kind() == crate::error::ErrorKind::Conflict {
        let mut faults = Faults::none();
        faults.add("", error.message());
        return Ok(faults);
    }
    Faults::of(error)
}

pub(super) async fn show(
    app: &App,
    visit: &mut Visit,
    whose: Whose<'_>,
    slug: &str,
) -> Result<Reply> {
    let found = find_provider(app, whose.side(), slug).await?;
    render(app, visit, whose, 200, &found, None)
}

fn render(
    app: &App,
    visit: &mut Visit,
    whose: Whose<'_>,
    status: u16,
    provider: &IdentityProvider,
    sent: Option<(&Form, &Faults)>,
) -> Result<Reply> {
    let kind = IdentityProviderKind::parse(&provider.kind);
    let mut fields = vec![
        Field::text("name", "Name").value(&provider.name),
        Field::text("client_id", "Client id").value(&provider.client_id),
        Field::password("client_secret", "Client secret", "off")
            .optional()
            .hint("The one that is stored is never shown; write another one to replace it"),
    ];
    if kind.is_some_and(IdentityProviderKind::is_oidc) {
        fields.push(
            Field::text("groups_claim", "Claim with the groups")
                .optional()
                .value(provider.groups_claim.clone().unwrap_or_default()),
        );
    }
    let fields = fields.into_iter().map(|field| match sent {
        Some((form, faults)) => field.typed(form, faults),
        None => field,
    });
    let address = format!("{}/providers/{}", whose.address(), provider.slug);
    let facts = vec![
        (
            "Kind",
            kind.map_or_else(|| provider.kind.clone(), |kind| kind.label().to_owned()),
        ),
        ("Address", provider.base_url.clone()),
        ("Short name", provider.slug.clone()),
        ("People", provider.people.to_string()),
    ];
    page_with(
        status,
        &ProviderPage {
            shell: whose.shell(app, visit, &provider.name)?,
            redirect: redirect_address(app, &provider.owner, &provider.slug),
            remove: Some(format!("{address}/remove")),
            action: address,
            kinds: Vec::new(),
            facts,
            fields: fields.collect(),
            faults: sent.map_or_else(Vec::new, |(_, faults)| faults.besides(&FIELDS)),
            button: "Save",
        },
    )
}

pub(super) async fn change(
    app: &App,
    visit: &mut Visit,
    whose: Whose<'_>,
    slug: &str,
    form: &Form,
) -> Result<Reply> {
    let person = visit.person(app).await?;
    let on = on(app, visit, &person);
    let mut change = asked(
        form,
        &["name", "client_id", "client_secret", "groups_claim"],
    );
    let found = find_provider(app, whose.side(), slug).await?;
    if let Some(fields) = change.as_object_mut()
        && found.groups_claim.is_some()
    {
        // What was emptied is to go.
        fields.entry("groups_claim").or_insert(Value::Null);
    }
    let changed = match body::Faults::read::<ProviderChange>(change) {
        Ok(asked) => change_provider(&on, whose.side(), slug, asked).await,
        Err(error) => Err(error),
    };
    match changed {
        Ok(_) => Ok(visit.go_on(&whose.address(), "Saved")),
        Err(error) => {
            let faults = faults_of(error)?;
            render(app, visit, whose, 422, &found, Some((form, &faults)))
        }
    }
}

pub(super) async fn ask(
    app: &App,
    visit: &mut Visit,
    whose: Whose<'_>,
    slug: &str,
) -> Result<Reply> {
    let found = find_provider(app, whose.side(), slug).await?;
    let back = format!("{}/providers/{}", whose.address(), found.slug);
    page(&RemovePage {
        shell: whose.shell(app, visit, &format!("Remove {}", found.name))?,
        action: format!("{back}/remove"),
        back,
        name: found.name,
        people: found.people,
    })
}

pub(super) async fn remove(
    app: &App,
    visit: &mut Visit,
    whose: Whose<'_>,
    slug: &str,
) -> Result<Reply> {
    let person = visit.person(app).await?;
    let on = on(app, visit, &person);
    match remove_provider(&on, whose.side(), slug).await {
        Ok(()) => Ok(visit.go_on(&whose.address(), "It is removed")),
        Err(error) if error.kind() == crate::error::ErrorKind::Conflict => {
            let message = "Members have to sign in by a provider, and this is the last one: allow any way first";
            Ok(visit.go_back(&whose.address(), message))
        }
        Err(error) => Err(error),
    }
}
