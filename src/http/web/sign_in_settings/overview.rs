//! The providers, and the rules of an organisation.

use askama::Template;

use super::{TITLE, Whose};
use crate::app::App;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::web::form::{Faults, Form};
use crate::http::web::page::page_with;
use crate::http::web::shell::Shell;
use crate::http::web::sign_in_settings::rules::RulesForm;
use crate::http::web::visit::Visit;
use crate::store::identity_providers::{IdentityProvider, list_providers};
use crate::store::sign_in_rules::{SignInSettings, load_settings};

#[derive(Template)]
#[template(path = "sign_in_settings/overview.html")]
struct OverviewPage {
    shell: Shell,
    here: String,
    /// Where members sign in; none for the instance.
    page: Option<String>,
    providers: Vec<IdentityProvider>,
    rules: Option<RulesForm>,
    may_change: bool,
}

pub(super) async fn show(app: &App, visit: &mut Visit, whose: Whose<'_>) -> Result<Reply> {
    let settings = match whose {
        Whose::Instance => None,
        Whose::Place(place) => Some(load_settings(app, place.organisation.id).await?),
    };
    let providers = match whose {
        Whose::Instance => list_providers(app, None).await?,
        Whose::Place(_) => Vec::new(),
    };
    render(app, visit, 200, whose, settings, providers, None)
}

/// Shows the page; `sent` is the form of the rules with what is wrong with it.
pub(super) fn render(
    app: &App,
    visit: &mut Visit,
    status: u16,
    whose: Whose<'_>,
    settings: Option<SignInSettings>,
    providers: Vec<IdentityProvider>,
    sent: Option<(&Form, &Faults)>,
) -> Result<Reply> {
    let rules = settings
        .as_ref()
        .map(|settings| RulesForm::of(settings, sent));
    let (page, may_change) = match whose {
        Whose::Instance => (None, true),
        Whose::Place(place) => (
            Some(format!(
                "{}/ui/sign-in?organisation={}",
                app.config.public_url, place.organisation.slug
            )),
            place.may(crate::domain::access::Ability::Own),
        ),
    };
    page_with(
        status,
        &OverviewPage {
            shell: whose.shell(app, visit, TITLE)?,
            here: whose.address(),
            page,
            providers: settings.map_or(providers, |settings| settings.providers),
            rules,
            may_change,
        },
    )
}
