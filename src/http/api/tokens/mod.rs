//! Tokens of machines, of people and of customers: made, shown, changed, rotated, revoked. A token is shown once.
//!
//! Who may do what to which: tokens of machines are the business of whoever has `manage_tokens`, those of customers of
//! whoever has `manage_customers`, and a person's are her own: others can revoke them, with `manage_members`, and not
//! have them.

mod effective;
mod owners;
mod shown;
mod terms;

use deserr::Deserr;
use schemars::JsonSchema;
use strum_macros::IntoStaticStr;

use crate::app::App;
use crate::domain::access::{Ability, Caller, Role};
use crate::domain::token::{PlainToken, TokenKind};
use crate::error::{Code, Error, ErrorKind, Result};
use crate::http::api::paging::Page;
use crate::http::api::{Authorised, missing, require};
use crate::http::body::{BadValue, Faults};
use crate::http::reply::{CachePolicy, Reply};
use crate::http::request::Request;
use crate::http::request::percent_decode;
use crate::http::route::{NoRoute, get, one_of, only};
use crate::store::organisations::Organisation;
use crate::store::tokens::{self as store, Holder, TokenFilter, TokenRow, insert_token_stmt};

pub(crate) use effective::{in_words, show_own};
pub(crate) use owners::handle_owners;
// For the description of the API, which is written natively.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use effective::{Shown as ShownAbilities, ShownOwn};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use owners::{AskedByOwner, Shown as ShownOwners, ShownList as ShownOwnersList};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use shown::Shown;
pub(crate) use shown::ShownPage;
use shown::show;
use terms::check_giver;
pub(crate) use terms::{AskedChange, AskedToken};

/// How long a token that was rotated lasts, in hours, unless somebody says otherwise; and at most.
const OVERLAP: i64 = 24;
const LONGEST_OVERLAP: i64 = 168;

/// What the API has to offer of an organisation's tokens. The text is a token's id.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the variants are the URL table below")]
pub enum TokensRoute {
    List,
    Create,
    Show(String),
    Update(String),
    Revoke(String),
    Rotate(String),
    Abilities(String),
}

impl TokensRoute {
    /// Finds the route below `tokens`.
    pub(crate) fn parse(method: &str, segments: &[&str]) -> Result<Self, NoRoute> {
        match segments {
            [] => one_of(method, Self::List, Self::Create),
            [id] => {
                let id = percent_decode(id);
                match method {
                    "GET" | "HEAD" => Ok(Self::Show(id)),
                    "PATCH" => Ok(Self::Update(id)),
                    "DELETE" => Ok(Self::Revoke(id)),
                    _ => Err(NoRoute::MethodNotAllowed("GET, HEAD, PATCH, DELETE")),
                }
            }
            [id, "rotate"] => only(method, "POST", Self::Rotate(percent_decode(id))),
            [id, "abilities"] => get(method, Self::Abilities(percent_decode(id))),
            _ => Err(NoRoute::NotFound),
        }
    }
}

/// Answers a call about tokens of an organisation that the caller belongs to.
pub(crate) async fn handle(
    app: &App,
    request: Request,
    caller: &Authorised,
    organisation: &Organisation,
    route: TokensRoute,
) -> Result<Reply> {
    match route {
        TokensRoute::List => list_tokens(app, &request, caller, organisation).await,
        TokensRoute::Create => create_token(app, request, caller, organisation).await,
        TokensRoute::Show(id) => {
            let row = find_readable(app, caller, organisation, &id).await?;
            Ok(Reply::json(200, &show(row)?))
        }
        TokensRoute::Update(id) => update_token(app, request, caller, organisation, &id).await,
        TokensRoute::Revoke(id) => revoke_token(app, caller, organisation, &id).await,
        TokensRoute::Rotate(id) => rotate_token(app, request, caller, organisation, &id).await,
        TokensRoute::Abilities(id) => {
            let row = find_readable(app, caller, organisation, &id).await?;
            effective::show_abilities(app, organisation, &row).await
        }
    }
}

/// The account of the caller, where it is a person of this organisation.
pub(crate) fn person_of<'a>(
    caller: &'a Authorised,
    organisation: &Organisation,
) -> Option<&'a str> {
    match &caller.caller {
        Caller::Person { account, .. } if caller.organisation == Some(organisation.id) => {
            Some(account)
        }
        _ => None,
    }
}

pub(crate) fn is_hers(caller: &Authorised, organisation: &Organisation, row: &TokenRow) -> bool {
    row.account_id.is_some() && row.account_id.as_deref() == person_of(caller, organisation)
}

/// Finds a token that the caller may look at: any with `manage_tokens`, a person her own.
pub(crate) async fn find_readable(
    app: &App,
    caller: &Authorised,
    organisation: &Organisation,
    id: &str,
) -> Result<TokenRow> {
    let sees_all = require(caller, organisation, Ability::ManageTokens);
    if person_of(caller, organisation).is_none() {
        sees_all?;
        return find(app, organisation, id).await;
    }
    let row = find(app, organisation, id).await?;
    if sees_all.is_ok() || is_hers(caller, organisation, &row) {
        return Ok(row);
    }
    Err(missing("token"))
}

async fn find(app: &App, organisation: &Organisation, id: &str) -> Result<TokenRow> {
    store::find_token(app, organisation.id, id)
        .await?
        .ok_or_else(|| missing("token"))
}

/// Whether the caller may do something to a token that takes more than looking at it.
fn check_keeper(caller: &Authorised, organisation: &Organisation, row: &TokenRow) -> Result<()> {
    if is_hers(caller, organisation, row) {
        return Ok(());
    }
    match row.kind.as_str() {
        "personal" => {
            require(caller, organisation, Ability::ManageMembers)?;
            let role = row.role.as_deref().and_then(Role::parse);
            if role.is_some_and(|role| !role.is_named_by(caller.abilities)) {
                return Err(Error::new(
                    ErrorKind::Forbidden,
                    "This is a token of somebody who may more than your token",
                ));
            }
            Ok(())
        }
        "customer" => require(caller, organisation, Ability::ManageCustomers),
        _ => require(caller, organisation, Ability::ManageTokens),
    }
}

/// Lists tokens, without the tokens themselves. Who may not see those of others sees his own.
/// Which tokens a list is to have; what is none does not matter.
#[derive(Default)]
pub(crate) struct Wanted {
    kind: Option<String>,
    state: Option<String>,
    person: Option<String>,
    customer: Option<String>,
}

impl Wanted {
    /// Reads it from the query; what is empty is not asked for.
    pub(crate) fn of(request: &Request) -> Result<Self> {
        let given = |name: &str| {
            request
                .query_parameter(name)
                .filter(|text| !text.is_empty())
        };
        let one_of = |name: &str, known: &[&str]| match given(name) {
            Some(text) if !known.contains(&text.as_str()) => Err(Error::bad_value(
                format!("?{name}"),
                format!("`{name}` must be one of `{}`", known.join("`, `")),
            )),
            other => Ok(other),
        };
        Ok(Self {
            kind: one_of("kind", &["machine", "personal", "customer"])?,
            state: one_of("state", &["active", "expired", "revoked"])?,
            person: given("person"),
            customer: given("customer"),
        })
    }
}

async fn list_tokens(
    app: &App,
    request: &Request,
    caller: &Authorised,
    organisation: &Organisation,
) -> Result<Reply> {
    let (wanted, page) = (Wanted::of(request)?, Page::of(request)?);
    let (rows, next) = find_tokens(app, caller, organisation, &wanted, &page).await?;
    let tokens = rows.into_iter().map(show).collect::<Result<_>>()?;
    Ok(Reply::json(200, &ShownPage { tokens, next }))
}

/// A page of the tokens that the caller may know of, which of a person without `manage_tokens` are her own; and the cursor to
/// the page after it.
pub(crate) async fn find_tokens(
    app: &App,
    caller: &Authorised,
    organisation: &Organisation,
    wanted: &Wanted,
    page: &Page,
) -> Result<(Vec<TokenRow>, Option<String>)> {
    let own = match require(caller, organisation, Ability::ManageTokens) {
        Ok(()) => None,
        Err(refusal) => Some(person_of(caller, organisation).ok_or(refusal)?),
    };
    let person = wanted.person.as_deref();
    if own.is_some() && person.is_some_and(|person| Some(person) != own) {
        return Ok((Vec::new(), None));
    }
    let filter = TokenFilter {
        id: None,
        kind: wanted.kind.as_deref(),
        account: own.or(person),
        customer: wanted.customer.as_deref(),
        state: wanted.state.as_deref(),
        after: page.after(),
    };
    let mut rows = store::list_tokens(app, organisation.id, &filter, page.rows()).await?;
    let next = page.cut(&mut rows, |row| row.id.clone());
    Ok((rows, next))
}

async fn create_token(
    app: &App,
    mut request: Request,
    caller: &Authorised,
    organisation: &Organisation,
) -> Result<Reply> {
    // Who may make none at all hears that first, and not what is wrong with what he asks for.
    let person = person_of(caller, organisation);
    if person.is_none() {
        require(caller, organisation, Ability::ManageTokens)?;
    }
    let asked: AskedToken = request.json().await?;
    let holder = match asked.kind.as_deref() {
        None | Some("machine") => {
            require(caller, organisation, Ability::ManageTokens)?;
            Holder::Machine
        }
        Some("personal") => Holder::Person(person.ok_or_else(|| {
            Error::bad_value(
                "/kind",
                "A person makes her personal tokens herself, by one that she has; an invitation gives her the first",
            )
        })?),
        Some("customer") => {
            return Err(Error::bad_value(
                "/kind",
                "Tokens of a customer are made at `customers/{id}/tokens`",
            ));
        }
        Some(_) => return Err(Error::bad_value("/kind", "`kind` must be `machine` or `personal`")),
    };
    make_token(app, caller, organisation, holder, &asked).await
}

/// Makes a token and shows it, once. The caller may make tokens of this kind; that the token may not do more than he is
/// checked here, for all kinds.
pub(crate) async fn make_token(
    app: &App,
    caller: &Authorised,
    organisation: &Organisation,
    holder: Holder<'_>,
    asked: &AskedToken,
) -> Result<Reply> {
    let terms = asked.read(app, caller, organisation, holder).await?;
    check_giver(caller, holder, &terms)?;
    let kind = match holder {
        Holder::Machine => TokenKind::Deploy,
        Holder::Person(_) => TokenKind::Personal,
        Holder::Customer(_) => TokenKind::Customer,
    };
    let token = PlainToken::generate(kind, |buffer| app.entropy.fill(buffer))?;
    let id = app.random_id()?;
    let statement = insert_token_stmt(
        &id,
        Some(organisation.id),
        holder,
        &terms,
        &token,
        app.now(),
    );
    app.db.rows(statement).await?;
    app.memo.principals.forget(token.hash().as_str());
    show_once(app, organisation, &id, &token, 201).await
}

/// A token as lists show it, and the token itself.
async fn show_once(
    app: &App,
    organisation: &Organisation,
    id: &str,
    token: &PlainToken,
    status: u16,
) -> Result<Reply> {
    let mut shown = show(find(app, organisation, id).await?)?;
    shown.token = Some(token.reveal().to_owned());
    Ok(Reply::json(status, &shown))
}

/// Changes a token: what is absent stays as it is.
async fn update_token(
    app: &App,
    mut request: Request,
    caller: &Authorised,
    organisation: &Organisation,
    id: &str,
) -> Result<Reply> {
    let (row, holder) = find_changeable(app, caller, organisation, id).await?;
    let asked: AskedChange = request.json().await?;
    if caller.token == row.id {
        return Err(Error::new(
            ErrorKind::Forbidden,
            "A token does not change itself: whoever found it could make it last. Use another one",
        ));
    }
    let before = terms::of_row(&row)?;
    let terms = asked
        .apply(app, organisation, holder.as_holder(), &before)
        .await?;
    check_giver(caller, holder.as_holder(), &terms)?;
    let is_renamed_only = asked.is_renaming_only();
    if !store::update_token(app, organisation.id, id, &terms, is_renamed_only).await? {
        return Err(ended());
    }
    let row = find(app, organisation, id).await?;
    Ok(Reply::json(200, &show(row)?))
}

/// Whose a token that is there is.
enum Kept {
    Machine,
    Person(String),
    Customer(String),
}

impl Kept {
    fn as_holder(&self) -> Holder<'_> {
        match self {
            Self::Machine => Holder::Machine,
            Self::Person(account) => Holder::Person(account),
            Self::Customer(customer) => Holder::Customer(customer),
        }
    }
}

/// Finds a token in force that the caller may change or have anew: of people only their own.
async fn find_changeable(
    app: &App,
    caller: &Authorised,
    organisation: &Organisation,
    id: &str,
) -> Result<(TokenRow, Kept)> {
    let row = find_keepable(app, caller, organisation, id).await?;
    if row.kind == "personal" && !is_hers(caller, organisation, &row) {
        return Err(Error::new(
            ErrorKind::Forbidden,
            "A personal token is changed by its person alone; you may revoke it",
        ));
    }
    if row.state == "revoked" {
        return Err(ended());
    }
    let kept = match (row.account_id.clone(), row.customer_id.clone()) {
        (Some(account), _) => Kept::Person(account),
        (None, Some(customer)) => Kept::Customer(customer),
        (None, None) => Kept::Machine,
    };
    Ok((row, kept))
}

/// Finds a token that the caller may end. A person who may not know of it is told that there is none.
async fn find_keepable(
    app: &App,
    caller: &Authorised,
    organisation: &Organisation,
    id: &str,
) -> Result<TokenRow> {
    let areas = [
        Ability::ManageTokens,
        Ability::ManageMembers,
        Ability::ManageCustomers,
    ];
    let keeps_some = areas
        .iter()
        .any(|area| require(caller, organisation, *area).is_ok());
    if !keeps_some && person_of(caller, organisation).is_none() {
        require(caller, organisation, Ability::ManageTokens)?;
    }
    let row = find(app, organisation, id).await?;
    if !keeps_some && !is_hers(caller, organisation, &row) {
        return Err(missing("token"));
    }
    check_keeper(caller, organisation, &row)?;
    Ok(row)
}

fn ended() -> Error {
    Error::conflict("This token was revoked; make a new one").with_code(Code::Ended)
}

/// Revokes a token; within ten seconds it is refused everywhere.
async fn revoke_token(
    app: &App,
    caller: &Authorised,
    organisation: &Organisation,
    id: &str,
) -> Result<Reply> {
    find_keepable(app, caller, organisation, id).await?;
    if store::revoke_token(app, organisation.id, id).await? {
        Ok(Reply::empty(204, CachePolicy::NoStore))
    } else {
        Err(missing("token"))
    }
}

/// How a token is to be replaced.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "TokenRotation")]
pub(crate) struct AskedRotation {
    /// For how many hours the token of before goes on.
    #[deserr(default = OVERLAP, try_from(i64) = check_overlap -> BadValue)]
    #[schemars(range(min = 0, max = 168), extend("default" = OVERLAP))]
    overlap_hours: i64,
}

fn check_overlap(hours: i64) -> Result<i64, BadValue> {
    if (0..=LONGEST_OVERLAP).contains(&hours) {
        return Ok(hours);
    }
    Err(BadValue::new(format!(
        "`overlap_hours` must be a number from 0 to {LONGEST_OVERLAP}"
    )))
}

/// Puts a new token in the place of one, which goes on for a while. Asked for again because the answer was lost, it shows
/// the same new token with another secret, as long as nobody used it.
async fn rotate_token(
    app: &App,
    mut request: Request,
    caller: &Authorised,
    organisation: &Organisation,
    id: &str,
) -> Result<Reply> {
    let (row, holder) = find_changeable(app, caller, organisation, id).await?;
    let asked: AskedRotation = request.json().await?;
    let hours = asked.overlap_hours;
    // Who is shown a secret can do all that it can.
    check_giver(caller, holder.as_holder(), &terms::of_row(&row)?)?;
    let kind = match holder {
        Kept::Machine => TokenKind::Deploy,
        Kept::Person(_) => TokenKind::Personal,
        Kept::Customer(_) => TokenKind::Customer,
    };
    let token = PlainToken::generate(kind, |buffer| app.entropy.fill(buffer))?;
    if let Some(successor) = &row.replaced_by {
        if store::renew_secret(app, organisation.id, successor, &token).await? {
            return show_once(app, organisation, successor, &token, 201).await;
        }
        return Err(Error::conflict(format!(
            "This token was replaced by `{successor}` already; rotate that one"
        )));
    }
    if row.state == "expired" {
        return Err(Error::conflict(
            "This token has expired; make a new one, or give it a later `expires_at` first",
        )
        .with_code(Code::Ended));
    }
    let new = app.random_id()?;
    let ends_at = app.now().saturating_add(hours.saturating_mul(3_600));
    if !store::rotate_token(app, organisation.id, id, &new, &token, ends_at).await? {
        return Err(Error::conflict(
            "Somebody else changed this token at the same time; look at it and try again",
        ));
    }
    show_once(app, organisation, &new, &token, 201).await
}
