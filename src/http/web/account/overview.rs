//! Who is signed in, and by which browsers.

use askama::Template;

use crate::app::App;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::web::page::{Moment, page};
use crate::http::web::shell::Shell;
use crate::http::web::visit::Visit;
use crate::store::logins::list_logins;

/// A login as the page shows it.
struct ShownLogin {
    id: String,
    what: String,
    address: String,
    began: Moment,
    used: Moment,
    is_this: bool,
    how: &'static str,
}

/// How somebody signed in, for people.
fn told(method: &str) -> &'static str {
    match method {
        "identity" => "by a provider",
        "passkey" => "by a passkey",
        "password" => "by the password",
        "recovery_code" => "by a recovery code",
        "totp" => "by the password and a code",
        _ => "",
    }
}

#[derive(Template)]
#[template(path = "account/overview.html")]
struct Overview {
    shell: Shell,
    name: String,
    email: String,
    logins: Vec<ShownLogin>,
}

pub(super) async fn show(app: &App, visit: &mut Visit) -> Result<Reply> {
    let person = visit.person(app).await?;
    let logins = list_logins(app, &person.account).await?;
    let logins = logins
        .into_iter()
        // Whoever runs an organisation's provider is not to learn where else she is.
        .filter(|login| !person.is_limited() || login.id == person.login)
        .map(|login| ShownLogin {
            is_this: login.id == person.login,
            how: told(&login.method),
            what: login.user_agent.unwrap_or_default(),
            address: login.address.unwrap_or_default(),
            began: Moment::of(login.created_at),
            used: Moment::of(login.last_used_at),
            id: login.id,
        })
        .collect();
    page(&Overview {
        shell: visit.shell(app, "Your account")?,
        name: person.name.clone(),
        email: person.email.clone(),
        logins,
    })
}
