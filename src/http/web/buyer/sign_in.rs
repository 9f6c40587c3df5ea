//! A customer shows its token, once, and goes again.

use askama::Template;

use crate::app::App;
use crate::domain::access::{Bar, Caller};
use crate::domain::token::{TokenHash, is_mistyped};
use crate::error::{Error, ErrorKind, Result};
use crate::http::actor::actor_of;
use crate::http::auth::{caller_address, notice_use, refuse};
use crate::http::composer::barred_now;
use crate::http::reply::Reply;
use crate::http::web::buyer::Buyer;
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::page::page_with;
use crate::http::web::shell::Shell;
use crate::http::web::visit::{Visit, random_secret, redirect};
use crate::store::admission::find_principal;
use crate::store::audit::acting;
use crate::store::customer_logins::{NewCustomerLogin, begin_customer_login, end_customer_login};

/// One sentence for whatever is no token of a customer in force.
const WRONG: &str =
    "This is no token of a customer, or it was revoked. Ask the people who gave it to you";

#[derive(Template)]
#[template(path = "buyer/sign_in.html")]
struct SignInPage {
    shell: Shell,
    token: Field,
    faults: Vec<String>,
}

pub(super) fn show(app: &App, visit: &mut Visit) -> Result<Reply> {
    render(app, visit, 200, &Form::default(), &Faults::none())
}

fn render(
    app: &App,
    visit: &mut Visit,
    status: u16,
    form: &Form,
    faults: &Faults,
) -> Result<Reply> {
    page_with(
        status,
        &SignInPage {
            shell: visit.shell(app, "What you may install")?,
            token: Field::password("token", "Your token", "current-password")
                .hint("The one that you have put into auth.json")
                .typed(form, faults),
            faults: faults.besides(&["token"]),
        },
    )
}

pub(super) async fn send(app: &App, visit: &mut Visit) -> Result<Reply> {
    let form = visit.form(app).await?;
    match begin(app, visit, form.text("token")).await {
        Ok(()) => Ok(redirect("/ui/customer")),
        Err(error) => {
            let (kind, wait) = (error.kind(), error.wait());
            let faults = Faults::of(error)?;
            let is_limited = matches!(kind, ErrorKind::RateLimited { .. });
            let status = if is_limited { 429 } else { 422 };
            let reply = render(app, visit, status, &form, &faults)?;
            Ok(match wait {
                Some(seconds) => reply.with("retry-after", seconds.to_string()),
                None => reply,
            })
        }
    }
}

/// Begins a login for whoever shows a token of a customer. What is none is counted as bad credentials are anywhere.
async fn begin(app: &App, visit: &mut Visit, token: &str) -> Result<()> {
    let wrong = |why: &str| Error::bad_value("/token", why);
    if token.is_empty() || is_mistyped(token) {
        let why = wrong("This is not a token of ours: it is mistyped or cut short");
        return Err(refuse(app, &visit.request, why).await);
    }
    let found = find_principal(app, &TokenHash::of(token)).await?;
    let is_customer = |caller: &Caller| matches!(caller, Caller::Customer { .. });
    let Some(principal) = found.filter(|found| is_customer(&found.caller)) else {
        return Err(refuse(app, &visit.request, wrong(WRONG)).await);
    };
    let principal = barred_now(app, &visit.request, principal.into());
    // Who is suspended comes in, and is told why. A token that is not in force here opens nothing.
    if let Some(bar @ (Bar::TokenExpired | Bar::WrongAddress)) = &principal.bar {
        return Err(wrong(&bar.message(principal.contact.as_deref())));
    }
    notice_use(app, &visit.request, &principal);
    // Always a new secret, whatever the browser brought along.
    let secret = random_secret(app)?;
    let on = acting(app, actor_of(&visit.request, &principal));
    let new = NewCustomerLogin {
        id: &app.random_id()?,
        secret: &TokenHash::of(&secret),
        token: &principal.token,
        address: caller_address(&visit.request).map(|address| address.to_canonical().to_string()),
        user_agent: visit.request.header("user-agent"),
    };
    begin_customer_login(&on, &new).await?;
    visit.sign_in_customer(&secret);
    Ok(())
}

/// Ends the login, here and in the browser.
pub(super) async fn sign_out(app: &App, visit: &mut Visit) -> Result<Reply> {
    visit.form(app).await?;
    if let Ok(buyer) = Buyer::enter(app, visit).await {
        let on = acting(app, actor_of(&visit.request, &buyer.principal));
        end_customer_login(&on, &buyer.login.login).await?;
    }
    visit.sign_out_customer();
    Ok(visit.go_on("/ui/customer/sign-in", "You are signed out"))
}
