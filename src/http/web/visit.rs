//! One request for a page: who looks, at which organisation, and what goes back beside the page.

use std::rc::Rc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::app::App;
use crate::domain::access::{Ability, Principal, manages};
use crate::domain::audit::{Actor, ActorKind};
use crate::domain::token::TokenHash;
use crate::error::{Error, ErrorKind, Result};
use crate::http::actor::at_work;
use crate::http::api::{self, Authorised};
use crate::http::reply::{CachePolicy, Reply};
use crate::http::request::{Headers, Request};
use crate::http::web::cookies::{Cookie, Cookies};
use crate::http::web::form::{Form, csrf_token};
use crate::http::web::shell::{Crumb, Section, Shell, Theme};
use crate::ports::{Buffered, note};
use crate::store::customer_logins;
use crate::store::logins::{self, IDLE, Visitor};
use crate::store::organisations::Organisation;
use crate::store::sign_in_flows::LASTS;

/// How long what is said once waits for the next page, in seconds.
const FLASH_AGE: i64 = 60;
/// The longest text that is said once, in bytes: it travels in a cookie.
const FLASH_LIMIT: usize = 500;
/// The theme is remembered for a year.
const THEME_AGE: i64 = 365 * 86_400;

/// What is said once, on the next page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flash {
    /// Whether it went well.
    pub(crate) is_good: bool,
    /// The sentence.
    pub(crate) text: String,
}

/// A request for a page while it is answered.
pub(crate) struct Visit {
    /// The request; its body is read by [`Visit::form`].
    pub(crate) request: Request,
    cookies: Cookies,
    /// The secret that forms are bound to, if the browser has one.
    form_secret: Option<String>,
    flash: Option<Flash>,
    theme: Theme,
    set_cookies: Vec<String>,
    person: Option<Rc<Visitor>>,
    place: Option<Place>,
}

/// The organisation that a page is about, and what the visitor is there.
#[derive(Clone)]
pub(crate) struct Place {
    /// The organisation.
    pub(crate) organisation: Rc<Organisation>,
    /// What the visitor may do there: as any token's, it is decided by `domain::access`.
    pub(crate) principal: Rc<Principal>,
    /// Who looks.
    pub(crate) person: Rc<Visitor>,
}

/// Who owns the instance.
#[derive(Clone)]
pub(crate) struct Owner {
    /// What she may do everywhere.
    pub(crate) principal: Rc<Principal>,
    /// Who looks.
    pub(crate) person: Rc<Visitor>,
}

impl Owner {
    /// Asks the API what a program would ask it, as the owner. `path` is what stands behind `/api/v1`.
    pub(crate) async fn ask(
        &self,
        app: &App,
        visit: &Visit,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value> {
        let path = format!("/api/v1{path}");
        ask(app, visit, &self.principal, method, &path, body).await
    }
}

impl Visit {
    /// Looks at the cookies. No I/O.
    pub(crate) fn begin(app: &App, request: Request) -> Self {
        let cookies = Cookies::of(&request, &app.config.public_url);
        let secret = cookies
            .get(Cookie::Login)
            .or_else(|| cookies.get(Cookie::Customer))
            .or_else(|| cookies.get(Cookie::Form));
        Self {
            form_secret: secret.map(str::to_owned),
            flash: cookies.get(Cookie::Flash).and_then(read_flash),
            theme: Theme::read(cookies.get(Cookie::Theme)),
            set_cookies: Vec::new(),
            person: None,
            place: None,
            cookies,
            request,
        }
    }

    /// Who is signed in. One batch of the database.
    pub(crate) async fn person(&mut self, app: &App) -> Result<Rc<Visitor>> {
        if let Some(person) = &self.person {
            return Ok(Rc::clone(person));
        }
        let hash = self.login_hash()?;
        let found = logins::find_visitor(app, &hash).await?;
        self.keep_person(app, found).await
    }

    /// Who is signed in, if somebody is.
    pub(crate) async fn find_person(&mut self, app: &App) -> Result<Option<Rc<Visitor>>> {
        match self.person(app).await {
            Ok(person) => Ok(Some(person)),
            Err(error) if error.kind() == ErrorKind::Unauthenticated => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The organisation of a slug, for somebody who belongs to it, manages it or owns the instance; to others it does not
    /// exist. One batch of the database, with who is signed in.
    pub(crate) async fn enter(&mut self, app: &App, slug: &str) -> Result<Place> {
        let hash = self.login_hash()?;
        let (visitor, found) = logins::find_visitor_at(app, &hash, slug).await?;
        let person = self.keep_person(app, visitor).await?;
        let (principal, organisation) =
            found.ok_or_else(|| Error::not_found("There is no such organisation"))?;
        let place = Place {
            organisation: Rc::new(organisation),
            principal: Rc::new(principal),
            person,
        };
        note(|seen| {
            seen.principal = Some(Rc::clone(&place.principal));
            seen.organisation = Some(place.organisation.id);
        });
        self.place = Some(place.clone());
        api::refuse_barred(&place.principal)?;
        Ok(place)
    }

    /// Who owns the instance, for its own pages; anybody else is refused. One batch of the database, with who is signed in.
    pub(crate) async fn own(&mut self, app: &App) -> Result<Owner> {
        let hash = self.login_hash()?;
        let (visitor, principal) = logins::find_owner(app, &hash).await?;
        let person = self.keep_person(app, visitor).await?;
        let principal = principal
            .filter(|principal| person.is_owner() && principal.organisation.is_none())
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::Forbidden,
                    "Only who owns this instance sees its pages",
                )
            })?;
        let owner = Owner {
            principal: Rc::new(principal),
            person,
        };
        note(|seen| seen.principal = Some(Rc::clone(&owner.principal)));
        Ok(owner)
    }

    fn login_hash(&self) -> Result<TokenHash> {
        self.held_login().ok_or_else(signed_out)
    }

    /// The hash of the secret of a login that the browser holds, whatever that is good for: a login, half of one, or none.
    pub(crate) fn held_login(&self) -> Option<TokenHash> {
        self.cookies.get(Cookie::Login).map(TokenHash::of)
    }

    /// What tells this browser from others, as long as its cookies stay: a hash, which opens nothing. Empty where it has no
    /// cookies yet; [`Visit::shell`] gives it one.
    pub(crate) fn browser(&self) -> String {
        let secret = self.form_secret.as_deref();
        secret.map_or_else(String::new, |secret| {
            TokenHash::of(&format!("browser {secret}"))
                .as_str()
                .to_owned()
        })
    }

    async fn keep_person(&mut self, app: &App, found: Option<Visitor>) -> Result<Rc<Visitor>> {
        let person = Rc::new(found.ok_or_else(signed_out)?);
        self.person = Some(Rc::clone(&person));
        // Once an hour at most, so that hardly any look at a page writes.
        if app.now().saturating_sub(person.last_used_at) >= logins::NOTED_EVERY {
            logins::note_use(app, &person.login).await?;
        }
        Ok(person)
    }

    /// The form that was sent, if a page of ours sent it.
    pub(crate) async fn form(&mut self, app: &App) -> Result<Form> {
        let secret = self.form_secret.as_deref();
        Form::read(&mut self.request, secret, &app.config.public_url).await
    }

    /// What surrounds a page. Makes the secret that its forms are bound to, if the browser has none.
    pub(crate) fn shell(&mut self, app: &App, title: &str) -> Result<Shell> {
        let secret = if let Some(secret) = &self.form_secret {
            secret.clone()
        } else {
            let secret = random_secret(app)?;
            self.set_cookies
                .push(self.cookies.set(Cookie::Form, &secret, None));
            self.form_secret = Some(secret.clone());
            secret
        };
        Ok(Shell::new(
            title,
            csrf_token(&secret),
            self.theme,
            self.take_flash(),
            &self.request.path,
            self.person.as_ref(),
            self.place.as_ref(),
        ))
    }

    /// What surrounds a page of an organisation's section. `crumbs` are the pages above it, the nearest last.
    pub(crate) fn shell_at(
        &mut self,
        app: &App,
        section: Section,
        title: &str,
        crumbs: Vec<Crumb>,
    ) -> Result<Shell> {
        let shell = self.shell(app, title)?;
        Ok(shell.at(section, crumbs))
    }

    fn take_flash(&mut self) -> Option<Flash> {
        let flash = self.flash.take()?;
        self.set_cookies.push(self.cookies.clear(Cookie::Flash));
        Some(flash)
    }

    /// Sends the browser on after a form, to a page of ours that says once that it went well.
    pub(crate) fn go_on(&mut self, to: &str, said: &str) -> Reply {
        self.say(true, said);
        redirect(to)
    }

    /// The same where it did not go well.
    pub(crate) fn go_back(&mut self, to: &str, said: &str) -> Reply {
        self.say(false, said);
        redirect(to)
    }

    /// Never a secret: cookies are kept on disks.
    fn say(&mut self, is_good: bool, text: &str) {
        let text: String = text.chars().take(FLASH_LIMIT / 4).collect();
        let mark = if is_good { '+' } else { '-' };
        let value = URL_SAFE_NO_PAD.encode(format!("{mark}{text}"));
        let cookie = self.cookies.set(Cookie::Flash, &value, Some(FLASH_AGE));
        self.set_cookies.push(cookie);
    }

    /// Has the browser hold the secret of a new login, and forget what forms were bound to before.
    pub(crate) fn sign_in(&mut self, secret: &str) {
        // The row ends sooner when it is not used, see `store/logins.rs`.
        let age = logins::LONGEST;
        debug_assert!(age > IDLE);
        self.hold(secret, age);
    }

    /// The same for a login that waits for a second factor: it opens nothing but the page that asks for it.
    pub(crate) fn sign_in_half(&mut self, secret: &str) {
        self.hold(secret, logins::HALF);
    }

    fn hold(&mut self, secret: &str, age: i64) {
        self.set_cookies
            .push(self.cookies.set(Cookie::Login, secret, Some(age)));
        if self.cookies.get(Cookie::Form).is_some() {
            self.set_cookies.push(self.cookies.clear(Cookie::Form));
        }
        self.form_secret = Some(secret.to_owned());
    }

    /// What sign-ins at providers are bound to in this browser; made if there is nothing yet.
    pub(crate) fn begin_sign_in(&mut self, app: &App) -> Result<String> {
        if let Some(secret) = self.sign_in_secret() {
            return Ok(secret);
        }
        let secret = random_secret(app)?;
        let cookie = self.cookies.set(Cookie::SignIn, &secret, Some(LASTS));
        self.set_cookies.push(cookie);
        Ok(secret)
    }

    /// The same, if this browser began any.
    pub(crate) fn sign_in_secret(&self) -> Option<String> {
        let secret = self.cookies.get(Cookie::SignIn);
        secret
            .filter(|secret| secret.len() >= 40)
            .map(str::to_owned)
    }

    /// Has the browser forget it.
    pub(crate) fn end_sign_in(&mut self) {
        self.set_cookies.push(self.cookies.clear(Cookie::SignIn));
    }

    /// Whether somebody belongs to an organisation, and its pages are nevertheless not opened by the way in which she signed
    /// in. `error` is what entering it came to.
    pub(crate) fn is_kept_out(&self, error: &Error, slug: &str) -> bool {
        error.kind() == ErrorKind::NotFound
            && self.person.as_ref().is_some_and(|person| {
                let memberships = person.memberships();
                memberships.iter().any(|one| one.slug == slug)
            })
    }

    /// Has the browser forget its login.
    pub(crate) fn sign_out(&mut self) {
        self.set_cookies.push(self.cookies.clear(Cookie::Login));
        self.form_secret = None;
        self.person = None;
        self.place = None;
    }

    /// Whether the browser brought a login along, be it in force or not.
    pub(crate) fn has_login(&self) -> bool {
        self.cookies.get(Cookie::Login).is_some()
    }

    /// The secret of a customer's login, if the browser has one.
    pub(crate) fn customer_secret(&self) -> Option<&str> {
        self.cookies.get(Cookie::Customer)
    }

    /// Has the browser hold the secret of a customer's new login. A login of a person beside it is left as it is.
    pub(crate) fn sign_in_customer(&mut self, secret: &str) {
        let age = customer_logins::LASTS;
        self.set_cookies
            .push(self.cookies.set(Cookie::Customer, secret, Some(age)));
        if self.cookies.get(Cookie::Form).is_some() {
            self.set_cookies.push(self.cookies.clear(Cookie::Form));
        }
        if !self.has_login() {
            self.form_secret = Some(secret.to_owned());
        }
    }

    /// Has the browser forget a customer's login.
    pub(crate) fn sign_out_customer(&mut self) {
        self.set_cookies.push(self.cookies.clear(Cookie::Customer));
        if !self.has_login() {
            self.form_secret = None;
        }
    }

    /// Has the browser remember a theme.
    pub(crate) fn set_theme(&mut self, theme: Theme) {
        self.theme = theme;
        let cookie = match theme.attribute() {
            Some(value) => self.cookies.set(Cookie::Theme, value, Some(THEME_AGE)),
            None => self.cookies.clear(Cookie::Theme),
        };
        self.set_cookies.push(cookie);
    }

    /// Adds the cookies that came up on the way.
    pub(crate) fn finish(self, mut reply: Reply) -> Reply {
        for cookie in self.set_cookies {
            reply = reply.with("set-cookie", cookie);
        }
        reply
    }

    /// Whoever has no account yet, or did not prove it: in the audit log by what is known.
    pub(crate) fn actor(&self, account: Option<&str>, name: &str) -> Actor {
        at_work(&self.request, Actor::new(ActorKind::Person, account, name))
    }
}

impl Place {
    /// Whether the visitor may use a part of the organisation, to change something there.
    pub(crate) fn may(&self, ability: Ability) -> bool {
        let managed_by = self.organisation.managed_by();
        manages(&self.principal, ability, self.organisation.id, managed_by)
    }

    /// Whether the visitor may read that part.
    pub(crate) fn may_read(&self, ability: Ability) -> bool {
        self.may(ability) || (ability != Ability::Audit && self.may(Ability::View))
    }

    /// The visitor as a caller of a part of the API, for functions that ask for one. Refuses who may not use it.
    pub(crate) fn authorise(&self, ability: Ability, reads: bool) -> Result<Authorised> {
        let caller = Authorised::on_page(Rc::clone(&self.principal), ability, reads);
        api::require(&caller, &self.organisation, ability)?;
        api::stand_still(&caller, &self.organisation)?;
        Ok(caller)
    }

    /// Asks the API what a program would ask it, as the visitor: same access, same rules, same audit log. `path` is what
    /// stands behind `/api/v1/orgs/{org}`, with a query if one is needed. Gives the answer's JSON; null where it has none.
    pub(crate) async fn ask(
        &self,
        app: &App,
        visit: &Visit,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value> {
        let path = format!("/api/v1/orgs/{}{path}", self.organisation.slug);
        ask(app, visit, &self.principal, method, &path, body).await
    }
}

/// Asks the API as somebody; `path` begins with `/api/v1/`.
pub(crate) async fn ask(
    app: &App,
    visit: &Visit,
    principal: &Rc<Principal>,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Result<Value> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let kept = ["cf-connecting-ip", "user-agent"];
    let headers: Vec<(String, String)> = kept
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), visit.request.header(name)?)))
        .collect();
    let bytes = match body {
        Some(body) => serde_json::to_vec(body).map_err(Error::internal)?,
        None => Vec::new(),
    };
    let request = Request {
        method: method.to_owned(),
        origin: visit.request.origin.clone(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: Box::new(headers) as Box<dyn Headers>,
        body: Box::new(Buffered::new(bytes)),
    };
    let reply = api::call(app, request, principal).await?;
    match &reply.body {
        crate::http::Body::Bytes(bytes) if !bytes.is_empty() => {
            serde_json::from_slice(bytes).map_err(Error::internal)
        }
        _ => Ok(Value::Null),
    }
}

/// A redirect after a form (303): the browser asks for the page by `GET`. `to` is a path of ours.
pub(crate) fn redirect(to: &str) -> Reply {
    Reply::empty(303, CachePolicy::Page).with("location", own_path(to).unwrap_or("/ui"))
}

/// A path of this host that may be gone to, whoever wrote it: no other host, no scheme, nothing a browser reads as one.
pub(crate) fn own_path(text: &str) -> Option<&str> {
    let is_path = text == "/" || text == "/ui" || text.starts_with("/ui/");
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    (is_path && is_plain && !text.contains("//")).then_some(text)
}

/// A secret of 256 bits for a cookie.
pub(crate) fn random_secret(app: &App) -> Result<String> {
    let mut bytes = [0_u8; 32];
    app.entropy.fill(&mut bytes)?;
    if bytes.iter().all(|byte| *byte == 0) {
        return Err(Error::internal("the source of randomness gave only zeros"));
    }
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn read_flash(value: &str) -> Option<Flash> {
    let bytes = URL_SAFE_NO_PAD.decode(value).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let is_good = text.starts_with('+');
    let text = text.strip_prefix(['+', '-'])?;
    (text.len() <= FLASH_LIMIT).then(|| Flash {
        is_good,
        text: text.to_owned(),
    })
}

fn signed_out() -> Error {
    Error::new(ErrorKind::Unauthenticated, "Sign in to see this page")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_host() {
        for path in ["/", "/ui", "/ui/acme/packages?after=a%2Fb&x=1"] {
            assert_eq!(own_path(path), Some(path));
        }
        for path in [
            "",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "/ui//evil.example",
            "/ui/\\evil",
            "/ui/\u{9}/evil",
            "/ui/a\nlocation: b",
            "/evil",
            "/uix",
            "javascript:alert(1)",
        ] {
            assert_eq!(own_path(path), None, "{path:?}");
        }
    }

    #[test]
    fn what_is_said_once_is_read_back() {
        let value = URL_SAFE_NO_PAD.encode("+Saved: <b>");
        let flash = read_flash(&value).unwrap();
        assert!(flash.is_good && flash.text == "Saved: <b>");
        assert_eq!(read_flash("!"), None);
        assert_eq!(read_flash(&URL_SAFE_NO_PAD.encode("plain")), None);
    }
}
