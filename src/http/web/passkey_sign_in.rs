//! Signing in by a passkey: the device has made sure of who it is, so this is both factors at once.

use crate::app::App;
use crate::domain::passkey::verify;
use crate::error::{Error, ErrorKind, Result};
use crate::http::auth::refuse;
use crate::http::reply::Reply;
use crate::http::web::form::{Faults, Form};
use crate::http::web::login::Beginning;
use crate::http::web::passkey_form::{Asked, Purpose, bytes_of, text_of};
use crate::http::web::sign_in::{Wish, after, next_of, render};
use crate::http::web::visit::{Visit, redirect};
use crate::store::audit::acting;
use crate::store::passkeys::{SignInPasskey, find_passkey, sign_in_by_passkey};
use crate::store::passwords::note_refused;

pub(super) async fn send(app: &App, visit: &mut Visit) -> Result<Reply> {
    let form = visit.form(app).await?;
    let next = next_of(form.text("next"));
    let Some(asked) = Asked::read(app, visit, Purpose::SignIn, &form).await else {
        return fail(app, visit, 422, STALE.to_owned(), next).await;
    };
    let credential = text_of(&bytes_of(&form, "credential"));
    let found = find_passkey(app, &credential).await?;
    let (passkey, count) = match check(&form, &asked, found.as_ref())? {
        Ok(checked) => checked,
        Err(why) => {
            let why = Error::new(ErrorKind::Forbidden, why);
            let why = refuse(app, &visit.request, why).await;
            let status = if why.wait().is_some() { 429 } else { 422 };
            if let Some(passkey) = found.as_ref().filter(|_| status == 422) {
                let on = acting(app, visit.actor(None, &passkey.email));
                note_refused(&on, &passkey.email, "passkey").await?;
            }
            return fail(app, visit, status, why.message().to_owned(), next).await;
        }
    };
    let beginning = Beginning::of(app, visit)?;
    let on = acting(
        app,
        visit.actor(Some(&passkey.account), &passkey.account_name),
    );
    let login = beginning.login(&passkey.account, "passkey", false);
    let begun = sign_in_by_passkey(&on, &passkey.id, count, asked.answered(), &login).await;
    match begun {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::Conflict => {
            return fail(app, visit, 422, STALE.to_owned(), next).await;
        }
        Err(error) => return Err(error),
    }
    visit.sign_in(&beginning.secret);
    Ok(redirect(after(&next)))
}

const STALE: &str = "This page was open for too long, or was used already. Try again";

type Checked<'a> = (&'a SignInPasskey, u32);

/// Whose passkey it is and what it has counted, or why it is refused.
fn check<'a>(
    form: &Form,
    asked: &Asked,
    found: Option<&'a SignInPasskey>,
) -> Result<Result<Checked<'a>, String>> {
    let unknown = || "This passkey is not known here: it was removed, or never added".to_owned();
    let Some(passkey) = found else {
        return Ok(Err(unknown()));
    };
    // The device says whose it takes the key to be; without a name typed, it must.
    if bytes_of(form, "user") != passkey.account.as_bytes() {
        return Ok(Err(unknown()));
    }
    let verified = verify(
        &asked.site,
        asked.challenge(),
        &bytes_of(form, "client"),
        &bytes_of(form, "authenticator"),
        &bytes_of(form, "signature"),
        &passkey.known()?,
    );
    Ok(match verified {
        Ok(count) => Ok((passkey, count)),
        Err(refused) => Err(format!("The passkey was refused: {refused}")),
    })
}

async fn fail(
    app: &App,
    visit: &mut Visit,
    status: u16,
    why: String,
    next: String,
) -> Result<Reply> {
    let mut faults = Faults::none();
    faults.add("", why);
    render(
        app,
        visit,
        status,
        &Form::default(),
        &faults,
        Wish::to(next),
    )
    .await
}
