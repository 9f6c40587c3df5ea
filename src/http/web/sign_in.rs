//! Signing in by a password, and out. The buttons of providers stand here too; what they lead to is in `identity/`.

use askama::Template;

use crate::app::App;
use crate::domain::email::Email;
use crate::domain::name::Slug;
use crate::domain::password;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::login::{Beginning, counted_address};
use crate::http::web::page::page_with;
use crate::http::web::passkey_form::{PasskeyForm, Purpose};
use crate::http::web::second_step;
use crate::http::web::shell::Shell;
use crate::http::web::visit::{Visit, own_path, redirect};
use crate::store::audit::acting;
use crate::store::identity_providers::{Offered, list_offered};
use crate::store::logins::{Ending, end_logins};
use crate::store::passwords::{WINDOW, begin_attempt, end_attempt, note_refused};

/// One sentence for a wrong password and for an address that nobody has.
const WRONG: &str = "The address or the password is wrong";

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    shell: Shell,
    /// What a browser needs to ask for a passkey; none where there can be none.
    passkey: Option<PasskeyForm>,
    next: String,
    /// The slug of the organisation whose sign-in page this is; empty for none.
    organisation: String,
    offered: Vec<Offered>,
    note: Option<String>,
    email: Field,
    password: Field,
    faults: Vec<String>,
}

/// Where to go afterwards.
pub(super) fn next_of(text: &str) -> String {
    own_path(text).unwrap_or_default().to_owned()
}

/// Where that is, when it was not said.
pub(super) fn after(next: &str) -> &str {
    if next.is_empty() { "/ui" } else { next }
}

pub(super) async fn show(app: &App, visit: &mut Visit) -> Result<Reply> {
    let wish = Wish {
        next: next_of(&visit.request.query_parameter("next").unwrap_or_default()),
        organisation: slug_of(
            &visit
                .request
                .query_parameter("organisation")
                .unwrap_or_default(),
        ),
    };
    if wish.organisation.is_empty() {
        if visit.find_person(app).await?.is_some() {
            return Ok(redirect(after(&wish.next)));
        }
    } else if visit.enter(app, &wish.organisation).await.is_ok() {
        let home = format!("/ui/{}", wish.organisation);
        let next = if wish.next.is_empty() {
            &home
        } else {
            &wish.next
        };
        return Ok(redirect(next));
    }
    render(app, visit, 200, &Form::default(), &Faults::none(), wish).await
}

/// Where somebody wants to go.
pub(super) struct Wish {
    /// A path of our own; empty for none.
    pub(super) next: String,
    /// The slug of the organisation whose way in it is to be; empty for none.
    pub(super) organisation: String,
}

impl Wish {
    /// To a path, by whichever way.
    pub(super) fn to(next: String) -> Self {
        Self {
            next,
            organisation: String::new(),
        }
    }
}

/// A slug, or nothing.
fn slug_of(text: &str) -> String {
    Slug::parse(text).map_or_else(|_| String::new(), |slug| slug.as_str().to_owned())
}

/// Leads somebody to the sign-in of an organisation that is not opened by the way in which she signed in.
pub(super) fn lead(visit: &Visit, slug: &str) -> Reply {
    let request = &visit.request;
    let next = match request.method.as_str() {
        "GET" | "HEAD" => own_path(&request.path).unwrap_or_default(),
        _ => "",
    };
    let next = percent_encoding::utf8_percent_encode(next, percent_encoding::NON_ALPHANUMERIC);
    redirect(&format!("/ui/sign-in?organisation={slug}&next={next}"))
}

/// The page; `form` is what was typed.
pub(super) async fn render(
    app: &App,
    visit: &mut Visit,
    status: u16,
    form: &Form,
    faults: &Faults,
    wish: Wish,
) -> Result<Reply> {
    let (offered, name) = list_offered(app, &wish.organisation).await?;
    let person = visit.find_person(app).await?;
    let note = person.zip(name.as_ref()).map(|(person, name)| {
        format!(
            "You are signed in as {}, in a way that does not open {name}. Sign in once more, by its own provider",
            person.email
        )
    });
    let next = match &name {
        Some(_) if wish.next.is_empty() => format!("/ui/{}", wish.organisation),
        _ => wish.next,
    };
    let title = name.map_or_else(|| "Sign in".to_owned(), |name| format!("Sign in to {name}"));
    let shell = visit.shell(app, &title)?;
    page_with(
        status,
        &SignInPage {
            shell,
            passkey: PasskeyForm::make(app, visit, Purpose::SignIn).await,
            next,
            organisation: wish.organisation,
            offered,
            note,
            email: Field::email("email", "E-mail").typed(form, faults),
            password: Field::password("password", "Password", "current-password")
                .typed(form, faults),
            faults: faults.besides(&["email", "password"]),
        },
    )
}

pub(super) async fn send(app: &App, visit: &mut Visit) -> Result<Reply> {
    let form = visit.form(app).await?;
    let wish = Wish {
        next: next_of(form.text("next")),
        organisation: slug_of(form.text("organisation")),
    };
    let mut faults = Faults::none();
    let email = match Email::parse(form.text("email")) {
        Ok(email) => email,
        Err(error) => {
            faults.add("email", error.to_string());
            return render(app, visit, 422, &form, &faults, wish).await;
        }
    };
    let attempt = begin_attempt(app, email.as_str(), &counted_address(visit)).await?;
    if attempt.is_too_many {
        let minutes = WINDOW / 60;
        faults.add(
            "",
            format!("There were too many attempts. Wait {minutes} minutes, then try again"),
        );
        let reply = render(app, visit, 429, &form, &faults, wish).await?;
        return Ok(reply.with("retry-after", WINDOW.to_string()));
    }
    let account = attempt.account.as_ref();
    let hash = account.and_then(|account| account.hash.as_deref());
    let is_right = password::verify(form.raw("password"), hash)?;
    let Some(account) = account.filter(|_| is_right) else {
        let on = acting(app, visit.actor(None, email.as_str()));
        note_refused(&on, email.as_str(), "password").await?;
        faults.add("", WRONG);
        return render(app, visit, 422, &form, &faults, wish).await;
    };
    let beginning = Beginning::of(app, visit)?;
    let on = acting(app, visit.actor(Some(&account.id), &account.name));
    let is_half = account.has_second_factor != 0;
    let login = beginning.login(&account.id, "password", is_half);
    end_attempt(&on, &attempt, &login).await?;
    if is_half {
        visit.sign_in_half(&beginning.secret);
        return Ok(redirect(&second_step::address(&wish.next)));
    }
    visit.sign_in(&beginning.secret);
    Ok(redirect(after(&wish.next)))
}

/// Ends the login, here and in the browser.
pub(super) async fn sign_out(app: &App, visit: &mut Visit) -> Result<Reply> {
    visit.form(app).await?;
    if let Some(person) = visit.find_person(app).await? {
        let on = acting(app, visit.actor(Some(&person.account), &person.name));
        end_logins(&on, &person.account, Ending::One(&person.login)).await?;
    }
    visit.sign_out();
    Ok(visit.go_on("/ui/sign-in", "You are signed out"))
}
