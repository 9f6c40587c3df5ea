//! The second factor: whose password was right comes here, half signed in, and goes nowhere else.

use askama::Template;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::app::App;
use crate::domain::one_time_code::read_code;
use crate::domain::recovery_code::RecoveryCode;
use crate::domain::token::TokenHash;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::login::{Beginning, counted_address};
use crate::http::web::page::page_with;
use crate::http::web::shell::Shell;
use crate::http::web::sign_in::{after, next_of};
use crate::http::web::visit::{Visit, redirect};
use crate::store::audit::acting;
use crate::store::passwords::{WINDOW, begin_code_attempt, note_refused};
use crate::store::second_factors::{HalfLogin, Proof, complete_login, find_half_login};

#[derive(Template)]
#[template(path = "second_step.html")]
struct SecondStepPage {
    shell: Shell,
    next: String,
    code: Field,
    faults: Vec<String>,
}

/// Where it is, for who wants to go to `next` afterwards.
pub(super) fn address(next: &str) -> String {
    if next.is_empty() {
        return "/ui/sign-in/code".to_owned();
    }
    let next = utf8_percent_encode(next, NON_ALPHANUMERIC);
    format!("/ui/sign-in/code?next={next}")
}

/// Who waits for it, with the hash by which she was found.
async fn find_waiting(app: &App, visit: &Visit) -> Result<Option<(TokenHash, HalfLogin)>> {
    let Some(hash) = visit.held_login() else {
        return Ok(None);
    };
    let found = find_half_login(app, &hash).await?;
    Ok(found.map(|half| (hash, half)))
}

pub(super) async fn show(app: &App, visit: &mut Visit) -> Result<Reply> {
    let next = visit.request.query_parameter("next").unwrap_or_default();
    let next = next_of(&next);
    if find_waiting(app, visit).await?.is_none() {
        return Ok(redirect("/ui/sign-in"));
    }
    render(app, visit, 200, &Faults::none(), next)
}

fn render(
    app: &App,
    visit: &mut Visit,
    status: u16,
    faults: &Faults,
    next: String,
) -> Result<Reply> {
    page_with(
        status,
        &SecondStepPage {
            shell: visit.shell(app, "Second factor")?,
            next,
            code: Field::text("code", "Code")
                .autocomplete("one-time-code")
                .hint("The six digits that your app shows, or one of your recovery codes")
                .typed(&Form::default(), faults),
            faults: faults.besides(&["code"]),
        },
    )
}

pub(super) async fn send(app: &App, visit: &mut Visit) -> Result<Reply> {
    let form = visit.form(app).await?;
    let next = next_of(form.text("next"));
    let Some((hash, half)) = find_waiting(app, visit).await? else {
        return Ok(visit.go_back(
            "/ui/sign-in",
            "That took too long, or was done already. Begin anew",
        ));
    };
    let mut faults = Faults::none();
    let attempt = begin_code_attempt(app, &half.account, &counted_address(visit)).await?;
    if attempt.is_too_many {
        let minutes = WINDOW / 60;
        faults.add(
            "code",
            format!("There were too many attempts. Wait {minutes} minutes, then try again"),
        );
        let reply = render(app, visit, 429, &faults, next)?;
        return Ok(reply.with("retry-after", WINDOW.to_string()));
    }
    let typed = form.text("code");
    let recovery = RecoveryCode::read(typed).map(|code| code.hash(&half.account));
    let (proof, method) = match (read_code(typed), &recovery) {
        (Some(code), _) => {
            let secret = half.open_secret(app).await?;
            let step = secret.step_of(&code, app.now())?;
            (step.map(Proof::Step), "totp")
        }
        (None, Some(hash)) => (Some(Proof::RecoveryCode(hash)), "recovery_code"),
        (None, None) => (None, "totp"),
    };
    if let Some(proof) = proof {
        let beginning = Beginning::of(app, visit)?;
        let login = beginning.login(&half.account, method, false);
        let on = acting(app, visit.actor(Some(&half.account), &half.name));
        if complete_login(&on, &hash, proof, &attempt, &login).await? {
            visit.sign_in(&beginning.secret);
            return Ok(redirect(after(&next)));
        }
    }
    let on = acting(app, visit.actor(None, &half.email));
    note_refused(&on, &half.email, "second factor").await?;
    faults.add(
        "code",
        "This code is wrong, or was used already. Wait for the next one that the app shows",
    );
    render(app, visit, 422, &faults, next)
}
