//! A second factor of one's own: setting it up, other recovery codes, switching it off.
//!
//! A secret that nobody has confirmed by a code lies in the form alone, sealed: nothing is kept of who goes away.

use askama::Template;

use crate::app::App;
use crate::domain::one_time_code::{CodeSecret, SECRET, read_code};
use crate::domain::recovery_code::{COUNT, RecoveryCode};
use crate::error::{Error, ErrorKind, Result};
use crate::http::reply::Reply;
use crate::http::web::account::proof::{self, CURRENT, refuse_wrong_password};
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::page::{Moment, page, page_with};
use crate::http::web::qr::Qr;
use crate::http::web::shell::{Crumb, Shell};
use crate::http::web::visit::Visit;
use crate::store::audit::acting;
use crate::store::logins::{Ending, Visitor};
use crate::store::passwords::find_password;
use crate::store::second_factors::{
    NewSecondFactor, find_second_factor, insert_second_factor, remove_second_factor, replace_codes,
};

const PATH: &str = "/ui/account/second-factor";
const TITLE: &str = "Second factor";

/// What there is to do.
enum State {
    /// She signs in without a password, so nothing asks for a code.
    NoPassword,
    /// To set it up.
    Off(Box<SetUp>),
    /// To have other codes, or to switch it off.
    On {
        since: Moment,
        codes_left: i64,
        password: Field,
    },
}

struct SetUp {
    /// What codes are made of, sealed: it comes back with the first code.
    sealed: String,
    /// In groups of four, for who types it.
    secret: String,
    qr: Qr,
    fields: [Field; 2],
}

#[derive(Template)]
#[template(path = "account/second_factor.html")]
struct SecondFactorPage {
    shell: Shell,
    state: State,
    faults: Vec<String>,
}

#[derive(Template)]
#[template(path = "account/recovery_codes.html")]
struct CodesPage {
    shell: Shell,
    /// In one text, a line each.
    codes: String,
}

/// What the secret is sealed for until it is confirmed: this account, this login.
fn context(person: &Visitor) -> String {
    format!("second-factor:{}:{}", person.account, person.login)
}

fn crumbs() -> Vec<Crumb> {
    vec![Crumb::new("Your account", "/ui/account")]
}

pub(super) async fn show(app: &App, visit: &mut Visit) -> Result<Reply> {
    render(app, visit, 200, None, &Faults::none()).await
}

/// The page; `secret` is the one that she was shown before.
async fn render(
    app: &App,
    visit: &mut Visit,
    status: u16,
    secret: Option<CodeSecret>,
    faults: &Faults,
) -> Result<Reply> {
    let person = visit.person(app).await?;
    let nothing = Form::default();
    let password = proof::field().typed(&nothing, faults);
    let state = match find_second_factor(app, &person.account).await? {
        Some(known) => State::On {
            since: Moment::of(known.created_at),
            codes_left: known.codes_left,
            password,
        },
        None if find_password(app, &person.account).await?.is_none() => State::NoPassword,
        None => {
            let secret = secret.map_or_else(|| make_secret(app), Ok)?;
            let issuer = app.config.public_url.split("://").last();
            let address = secret.address(issuer.unwrap_or_default(), &person.email);
            let text = secret.reveal();
            let sealed = app.vault.seal(&context(&person), &text).await?;
            let code = Field::text("code", "First code")
                .autocomplete("one-time-code")
                .hint("The six digits that your app shows now")
                .typed(&nothing, faults);
            State::Off(Box::new(SetUp {
                sealed,
                secret: in_fours(&text),
                qr: Qr::of(&address)?,
                fields: [code, password],
            }))
        }
    };
    let mut shell = visit.shell(app, TITLE)?;
    shell.crumbs = crumbs();
    page_with(
        status,
        &SecondFactorPage {
            shell,
            state,
            faults: faults.besides(&["code", CURRENT]),
        },
    )
}

fn in_fours(text: &str) -> String {
    let mut shown = String::new();
    for (at, one) in text.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            shown.push(' ');
        }
        shown.push(one);
    }
    shown
}

fn make_secret(app: &App) -> Result<CodeSecret> {
    let mut bytes = [0_u8; SECRET];
    app.entropy.fill(&mut bytes)?;
    if bytes.iter().all(|byte| *byte == 0) {
        return Err(Error::internal("the source of randomness gave only zeros"));
    }
    Ok(CodeSecret::new(bytes))
}

/// New recovery codes, and what is stored of them.
fn generate_codes(app: &App, account: &str) -> Result<(String, Vec<String>)> {
    let codes = (0..COUNT)
        .map(|_| RecoveryCode::generate(|buffer| app.entropy.fill(buffer)))
        .collect::<Result<Vec<_>>>()?;
    let shown: Vec<_> = codes.iter().map(RecoveryCode::reveal).collect();
    let mut hashes: Vec<_> = codes.iter().map(|code| code.hash(account)).collect();
    hashes.sort_unstable();
    hashes.dedup();
    if hashes.len() < COUNT {
        return Err(Error::internal("the source of randomness repeats itself"));
    }
    Ok((shown.join("\n"), hashes))
}

fn show_codes(app: &App, visit: &mut Visit, title: &str, codes: String) -> Result<Reply> {
    let mut shell = visit.shell(app, title)?;
    shell.crumbs = crumbs();
    page(&CodesPage { shell, codes })
}

pub(super) async fn set_up(app: &App, visit: &mut Visit) -> Result<Reply> {
    let form = visit.form(app).await?;
    let person = visit.person(app).await?;
    let mut faults = Faults::none();
    // What is sealed for something else opens for nobody.
    let opened = app.vault.open(&context(&person), form.text("sealed")).await;
    let secret = opened.ok().and_then(|text| CodeSecret::parse(&text));
    let Some(secret) = secret else {
        faults.add(
            "",
            "This page is from before you signed in. Scan the code anew",
        );
        return render(app, visit, 422, None, &faults).await;
    };
    let refused = refuse_wrong_password(app, visit, &person, &form, &mut faults).await?;
    if let Some(status) = refused {
        return render(app, visit, status, Some(secret), &faults).await;
    }
    let step = match read_code(form.text("code")) {
        Some(code) => secret.step_of(&code, app.now())?,
        None => None,
    };
    let Some(step) = step else {
        faults.add(
            "code",
            "This is not the code that the app shows now. Is the clock of your device right?",
        );
        return render(app, visit, 422, Some(secret), &faults).await;
    };
    let (shown, codes) = generate_codes(app, &person.account)?;
    let on = acting(app, visit.actor(Some(&person.account), &person.name));
    let new = NewSecondFactor {
        account: &person.account,
        secret: &secret,
        step,
        codes: &codes,
        login: &person.login,
    };
    match insert_second_factor(&on, &new).await {
        Ok(()) => show_codes(app, visit, "Keep your recovery codes", shown),
        Err(error) if error.kind() == ErrorKind::Conflict => {
            faults.add("", "There is a second factor already; switch it off first");
            render(app, visit, 409, None, &faults).await
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn make_codes(app: &App, visit: &mut Visit) -> Result<Reply> {
    let form = visit.form(app).await?;
    let person = visit.person(app).await?;
    let mut faults = Faults::none();
    if find_second_factor(app, &person.account).await?.is_none() {
        return Ok(visit.go_back(PATH, "There is no second factor"));
    }
    let refused = refuse_wrong_password(app, visit, &person, &form, &mut faults).await?;
    if let Some(status) = refused {
        return render(app, visit, status, None, &faults).await;
    }
    let (shown, codes) = generate_codes(app, &person.account)?;
    let on = acting(app, visit.actor(Some(&person.account), &person.name));
    replace_codes(&on, &person.account, &codes).await?;
    show_codes(app, visit, "Your new recovery codes", shown)
}

pub(super) async fn switch_off(app: &App, visit: &mut Visit) -> Result<Reply> {
    let form = visit.form(app).await?;
    let person = visit.person(app).await?;
    let mut faults = Faults::none();
    if find_second_factor(app, &person.account).await?.is_none() {
        return Ok(visit.go_back(PATH, "There is no second factor"));
    }
    let refused = refuse_wrong_password(app, visit, &person, &form, &mut faults).await?;
    if let Some(status) = refused {
        return render(app, visit, status, None, &faults).await;
    }
    let on = acting(app, visit.actor(Some(&person.account), &person.name));
    remove_second_factor(&on, &person.account, Ending::AllBut(&person.login)).await?;
    Ok(visit.go_on(
        PATH,
        "The second factor is off, and all other browsers are signed out",
    ))
}
