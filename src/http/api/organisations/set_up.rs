//! The first set-up.

use deserr::Deserr;
use schemars::JsonSchema;
use serde::Serialize;
use subtle::ConstantTimeEq;

use crate::app::App;
use crate::domain::access::Abilities;
use crate::domain::audit::{Actor, ActorKind};
use crate::domain::name::Slug;
use crate::domain::token::{PlainToken, TokenHash, TokenKind};
use crate::error::{Code, Error, ErrorKind, Result};
use crate::http::actor::at_work;
use crate::http::auth::{Credentials, read_credentials, refuse};
use crate::http::body::{BadValue, Faults};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::jobs::{Job, enqueue};
use crate::store::audit::acting;
use crate::store::organisations::is_set_up;
use crate::store::repositories::{self as store, set_up_stmts};
use crate::store::tokens::{Holder, TokenTerms, insert_token_stmt};

/// A token of an operator's own choice has at least this many characters.
const CHOSEN_TOKEN: usize = 8;

/// What the first set-up makes.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "SetUp")]
pub(crate) struct SetUp {
    /// The slug of the organisation.
    organisation: Slug,
    /// The slug of its repository.
    repository: Slug,
    /// A token of one's own for the owner; without it one is made.
    #[deserr(default, try_from(Option<String>) = check_token -> BadValue)]
    #[schemars(length(min = 8))]
    token: Option<String>,
}

/// Whether this is the hash of the set-up secret, compared in constant time. Without a secret nothing is.
pub(crate) fn opens_set_up(app: &App, given: &TokenHash) -> bool {
    let expected = app.config.setup_secret.as_deref().map(TokenHash::of);
    expected.is_some_and(|expected| {
        let (given, expected) = (given.as_str().as_bytes(), expected.as_str().as_bytes());
        bool::from(given.ct_eq(expected))
    })
}

/// Makes the first organisation, its repository and the owner's token, once, for whoever knows the set-up secret.
pub async fn set_up(app: &App, mut request: Request) -> Result<Reply> {
    let given = match read_credentials(request.header("authorization").as_deref()) {
        Credentials::Token(token) => Some(token),
        Credentials::None | Credentials::Unreadable => None,
    };
    if !given.as_ref().is_some_and(|given| opens_set_up(app, given)) {
        let why = Error::new(
            ErrorKind::Unauthenticated,
            "Set-up needs the secret `SETUP_SECRET` as bearer token",
        );
        return Err(match given {
            Some(_) => refuse(app, &request, why).await,
            None => why,
        });
    }
    let actor = at_work(&request, Actor::new(ActorKind::Instance, None, "set-up"));
    let asked: SetUp = request.json().await?;
    let (organisation, repository) = (asked.organisation, asked.repository);
    if is_set_up(app).await? {
        // Whoever starts an instance calls this; it may have another address or be another program than the last time.
        let outdated: Vec<_> = store::list_outdated(app, None)
            .await?
            .into_iter()
            .map(|repository| Job::Publish { repository })
            .collect();
        enqueue(app, &outdated).await?;
        return Err(
            Error::conflict("This instance is set up already").with_code(Code::AlreadySetUp)
        );
    }
    let token = match asked.token {
        None => PlainToken::generate(TokenKind::Admin, |buffer| app.entropy.fill(buffer))?,
        Some(chosen) => PlainToken::chosen(&chosen),
    };
    let terms = TokenTerms {
        name: "first administrator".to_owned(),
        abilities: Abilities::all(),
        repositories: None,
        packages: None,
        networks: None,
        only_granted: false,
        expires_at: None,
    };
    let id = app.random_id()?;
    let app = &acting(app, actor);
    let mut statements = set_up_stmts(organisation.as_str(), repository.as_str(), app.now());
    let now = app.now();
    let statement = insert_token_stmt(&id, None, Holder::Machine, &terms, &token, now);
    statements.push(statement);
    app.db.batch(statements).await?;
    app.memo.repositories.clear();
    app.memo.principals.clear();
    let url = &app.config.public_url;
    Ok(Reply::json(
        201,
        &SetUpDone {
            repository_url: format!("{url}/r/{organisation}/{repository}"),
            token: token.reveal().to_owned(),
            organisation,
            repository,
        },
    ))
}

/// What the set-up made.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SetUpDone")]
pub(crate) struct SetUpDone {
    organisation: Slug,
    repository: Slug,
    /// For Composer.
    repository_url: String,
    /// The owner's, shown this once.
    token: String,
}

fn check_token(token: Option<String>) -> Result<Option<String>, BadValue> {
    let is_usable = |token: &String| {
        token.len() >= CHOSEN_TOKEN
            && token
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b':')
    };
    if token.as_ref().is_none_or(is_usable) {
        return Ok(token);
    }
    Err(BadValue::new(format!(
        "A `token` of your own must have at least {CHOSEN_TOKEN} visible ASCII characters and no colon"
    )))
}
