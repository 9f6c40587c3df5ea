//! Connections to git hosts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use deserr::Deserr;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::connect::{self, open_app};
use crate::domain::generic_hook::HookMapping;
use crate::error::{Error, ErrorKind, Result};
use crate::http::api::hook_groups::{AskedGroup, ShownGroup, show_groups, update_groups};
use crate::http::api::missing;
use crate::http::api::shown::Time;
use crate::http::body::{BadValue, Change, Faults};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::jobs::enqueue_waiting;
use crate::providers::outgoing::{Gateway, limited};
use crate::providers::{Credentials, GitHost, ProviderKind};
use crate::store::connections::{self as store, Connection, token_context, webhook_context};
use crate::store::github_apps::{GitHubApp, find_connection_of_installation, find_github_app};
use crate::store::hooks::forget_refused_hooks;
use crate::store::host_pages::claim_check;
use crate::store::organisations::Organisation;
use crate::store::refusals::{note_acceptance, note_refusal};
use crate::store::schedule::RECONCILE_HOURS;

/// A week: what is compared less often is better switched off.
pub(crate) const LONGEST_HOURS: i64 = 7 * 24;

/// Who registers the webhooks of new projects.
#[derive(Clone, Copy, PartialEq, Eq, Deserr, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[deserr(rename_all = lowercase)]
pub(crate) enum Hooks {
    /// We do, where the token may.
    Automatic,
    /// That is left to you.
    Manual,
}

impl Hooks {
    fn as_str(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::Manual => "manual",
        }
    }
}

/// A connection to be made: by a token, or by an installation of a GitHub App.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "NewConnection")]
pub(crate) struct Asked {
    /// What kind of host it is.
    #[deserr(try_from(&String) = read_provider -> BadValue)]
    provider: ProviderKind,
    /// Where the host is, if it is not the best known of its kind.
    #[deserr(default)]
    base_url: Option<String>,
    /// For hosts that want a name beside the token.
    #[deserr(default)]
    username: Option<String>,
    /// Left out where nobody has to show one, as at a public git server, and by an installation of a GitHub App.
    #[deserr(default)]
    #[schemars(default)]
    token: String,
    /// The id of a GitHub App here; goes with `installation`.
    #[deserr(default)]
    github_app: Option<String>,
    /// The number of an installation of that app.
    #[deserr(default)]
    installation: Option<i64>,
    /// Who registers the webhooks of new projects; `automatic` without it.
    #[deserr(default)]
    hooks: Option<Hooks>,
}

fn read_provider(text: &str) -> Result<ProviderKind, BadValue> {
    ProviderKind::parse(text)
        .ok_or_else(|| BadValue::new(format!("`provider` must be {}", providers())))
}

/// Connects a git host, after its token was tried. The webhook's secret is shown once.
pub async fn create_connection(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
) -> Result<Reply> {
    let asked: Asked = request.json().await?;
    let kind = asked.provider;
    let base_url = asked
        .base_url
        .as_deref()
        .map(|url| url.trim().trim_end_matches('/').to_owned())
        .filter(|url| !url.is_empty());
    let id = app.random_id()?;
    let (base_url, shown) = if asked.github_app.is_some() || asked.installation.is_some() {
        if kind != ProviderKind::GitHub {
            return Err(Error::bad_value(
                "/github_app",
                "`github_app` and `installation` go with the provider `github`",
            ));
        }
        if asked.username.is_some() || !asked.token.is_empty() {
            return Err(Error::invalid(
                "An installation has tokens of its own; leave `username` and `token` out",
            ));
        }
        let wanted = Wanted {
            github_app: asked.github_app.as_deref(),
            installation: asked.installation,
            base_url: base_url.as_deref(),
        };
        let (github_app, shown) = try_installation(app, organisation, &id, &wanted).await?;
        (github_app.base_url, shown)
    } else {
        let base_url = base_url.unwrap_or_else(|| kind.default_base_url().to_owned());
        let credentials = Credentials::new(asked.username.as_deref(), &asked.token);
        let shown = try_credentials(app, kind, &base_url, &id, credentials).await?;
        (base_url, shown)
    };
    let mut secret = [0_u8; 32];
    app.entropy.fill(&mut secret)?;
    let secret_text = hex::encode(secret);
    let connection = Connection {
        organisation_id: organisation.id,
        provider: kind.as_str().to_owned(),
        base_url,
        account: shown.account,
        username: shown.username,
        sealed_token: shown.sealed,
        sealed_webhook_secret: app.vault.seal(&webhook_context(&id), &secret_text).await?,
        created_at: app.now(),
        last_heard_at: None,
        paused_until: None,
        trouble: None,
        trouble_since: None,
        refused_at: None,
        hooks: asked.hooks.unwrap_or(Hooks::Automatic).as_str().to_owned(),
        hook_mapping: None,
        reconcile_hours: None,
        installation_id: shown.installation.as_ref().map(|one| one.number),
        token_expires_at: shown.installation.as_ref().map(|one| one.expires_at),
        github_app_id: shown.installation.map(|one| one.github_app),
        sealed_old_webhook_secret: None,
        old_webhook_secret_until: None,
        webhook_secret_changed_at: None,
        id,
    };
    store::insert_connection(app, &connection).await?;
    let mut shown = show(app, &connection).await?;
    // The app's address serves all of its installations, and has a secret of its own.
    if connection.github_app_id.is_none() {
        if kind == ProviderKind::GitLab {
            let key = format!("whsec_{}", STANDARD.encode(secret));
            shown.webhook.signing_token = Some(key);
        }
        shown.webhook.secret = Some(secret_text);
    }
    Ok(Reply::json(201, &shown))
}

/// The hosts there are, in words: `a`, `b` or `c`.
fn providers() -> String {
    let names: Vec<_> = ProviderKind::ALL
        .iter()
        .map(|kind| format!("`{}`", kind.as_str()))
        .collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// What a connection shows to its host, after it was tried.
struct Shown {
    account: String,
    username: Option<String>,
    /// The token, sealed for the connection.
    sealed: String,
    installation: Option<OfInstallation>,
}

struct OfInstallation {
    github_app: String,
    number: i64,
    /// Unix second at which the token ends.
    expires_at: i64,
}

/// Asks the host whose token it is, and whether it can do what is needed.
async fn try_credentials(
    app: &App,
    kind: ProviderKind,
    base_url: &str,
    id: &str,
    credentials: Credentials,
) -> Result<Shown> {
    let host = kind.connect(Gateway::of(app), base_url, &credentials)?;
    let account = host
        .check_access()
        .await
        .map_err(|error| beside_field(&error))?;
    if !account.missing.is_empty() {
        return Err(Error::bad_value(
            "/token",
            format!(
                "The token works, but cannot do all that is needed. {}",
                account.missing.join(" ")
            ),
        ));
    }
    let context = token_context(id);
    Ok(Shown {
        account: account.login,
        sealed: app.vault.seal(&context, &credentials.token).await?,
        username: credentials.username,
        installation: None,
    })
}

/// What a host says of a token that was just given, at the field that is to be mended: a refusal is about the token, and no
/// answer, or none of such a host, about the address.
fn beside_field(error: &Error) -> Error {
    match error.kind() {
        ErrorKind::CredentialRefused | ErrorKind::Upstream { retryable: false } => {
            Error::bad_value("/token", error.message())
        }
        ErrorKind::Invalid | ErrorKind::NotFound | ErrorKind::Upstream { retryable: true } => {
            Error::bad_value("/base_url", error.message())
        }
        _ => as_input(error),
    }
}

/// Asks the host of a connection now whether it answers and lets us do all that is needed, whatever it said before. A
/// credential that works again wakes what waited for it. Gives the account it belongs to.
pub(crate) async fn check_connection(
    app: &App,
    organisation: &Organisation,
    id: &str,
) -> Result<String> {
    let connection = find_own(app, organisation, id).await?;
    if !claim_check(app, id).await? {
        return Err(Error::conflict(
            "The host was asked just now; wait some seconds before it is asked again",
        ));
    }
    let tried = match open_host(app, &connection).await {
        Ok(host) => host.check_access().await,
        Err(error) => Err(error),
    };
    let fault = match tried {
        Ok(account) if account.missing.is_empty() => {
            if connection.refused_at.is_some() {
                note_acceptance(app, id).await?;
                enqueue_waiting(app, id).await?;
            } else {
                store::note_trouble(app, id, None).await?;
            }
            return Ok(account.login);
        }
        Ok(account) => Error::invalid(format!(
            "The token works, but cannot do all that is needed. {}",
            account.missing.join(" ")
        )),
        // A limit says nothing of the credential.
        Err(error) if matches!(error.kind(), ErrorKind::RateLimited { .. }) => {
            return Err(host_refused(app, &connection, &error).await);
        }
        Err(error) if error.kind() == ErrorKind::CredentialRefused => {
            note_refusal(app, id, error.message()).await?;
            return Err(as_input(&error));
        }
        Err(error) => as_input(&error),
    };
    store::note_trouble(app, id, Some(fault.message())).await?;
    Err(fault)
}

/// An installation as somebody names it.
struct Wanted<'a> {
    github_app: Option<&'a str>,
    installation: Option<i64>,
    /// Left out, or the app's.
    base_url: Option<&'a str>,
}

/// Asks the host for an installation and for a first token of it.
async fn try_installation(
    app: &App,
    organisation: &Organisation,
    id: &str,
    wanted: &Wanted<'_>,
) -> Result<(GitHubApp, Shown)> {
    let (Some(github_app), Some(number)) = (wanted.github_app, wanted.installation) else {
        return Err(Error::invalid(
            "`github_app` and `installation` go together: the id of an app here, and the number of its installation",
        ));
    };
    let github_app = find_github_app(app, github_app)
        .await?
        .filter(|found| found.organisation_id == organisation.id)
        .ok_or_else(|| {
            Error::bad_value(
                "/github_app",
                "`github_app` names no GitHub App of this organisation",
            )
        })?;
    if wanted
        .base_url
        .is_some_and(|url| url != github_app.base_url)
    {
        return Err(Error::bad_value(
            "/base_url",
            format!(
                "The GitHub App is one of `{}`; leave `base_url` out",
                github_app.base_url
            ),
        ));
    }
    let other = find_connection_of_installation(app, &github_app.id, number).await?;
    if let Some(other) = other.filter(|other| other.id != id) {
        return Err(Error::conflict(format!(
            "The installation is connected already, as `{}`",
            other.id
        )));
    }
    let api = open_app(app, &github_app)
        .await
        .map_err(|error| as_input(&error))?;
    let installation = api
        .find_installation(number)
        .await
        .map_err(|error| as_input(&error))?
        .ok_or_else(|| {
            Error::invalid(format!(
                "The GitHub App `{}` has no installation {number}; its `installations` are listed beside it",
                github_app.name
            ))
        })?;
    if !installation.missing.is_empty() {
        return Err(Error::invalid(format!(
            "The installation cannot do all that is needed. {}",
            installation.missing.join(" ")
        )));
    }
    let given = api
        .create_token(number)
        .await
        .map_err(|error| as_input(&error))?;
    let shown = Shown {
        account: installation.account,
        username: None,
        sealed: app.vault.seal(&token_context(id), &given.token).await?,
        installation: Some(OfInstallation {
            github_app: github_app.id.clone(),
            number,
            expires_at: given.expires_at,
        }),
    };
    Ok((github_app, shown))
}

/// The host of a connection, ready to be asked; refused while it wants to be left alone.
pub(crate) async fn open_host<'a>(
    app: &'a App,
    connection: &Connection,
) -> Result<Box<dyn GitHost + 'a>> {
    let gateway = Gateway::of(app);
    let pause = connection
        .paused_until
        .unwrap_or_default()
        .saturating_sub(app.now());
    if let Ok(retry_after @ 1..) = u32::try_from(pause) {
        let address = gateway.address(&connection.base_url)?;
        return Err(limited(address.host(), retry_after));
    }
    connect::open_host(app, connection).await
}

/// What the host of a connection refuses is for the caller to mend; a limit is obeyed by all.
pub(crate) async fn host_refused(app: &App, connection: &Connection, error: &Error) -> Error {
    if let ErrorKind::RateLimited { retry_after } = error.kind()
        && let Err(fault) = store::note_connection_pause(app, &connection.id, retry_after).await
    {
        app.warn(&format!("A pause could not be noted: {fault}"));
    }
    if error.is_retryable() {
        return Error::new(error.kind(), error.message())
            .because(error.cause().unwrap_or_default());
    }
    as_input(error)
}

/// A connection of this organisation.
pub(crate) async fn find_own(
    app: &App,
    organisation: &Organisation,
    id: &str,
) -> Result<Connection> {
    store::find_connection(app, id)
        .await?
        .filter(|connection| connection.organisation_id == organisation.id)
        .ok_or_else(|| missing("connection"))
}

/// What somebody wants changed; what is left out stays.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "ConnectionChange")]
pub(crate) struct AskedChange {
    /// Goes with `token`; an empty one takes the name away.
    #[deserr(default)]
    username: Option<String>,
    /// Another token.
    #[deserr(default)]
    token: Option<String>,
    /// The id of a GitHub App here; goes with `installation`.
    #[deserr(default)]
    github_app: Option<String>,
    /// The number of an installation of that app, in place of a token.
    #[deserr(default)]
    installation: Option<i64>,
    /// Who registers the webhooks of new projects.
    #[deserr(default)]
    hooks: Option<Hooks>,
    /// Where the generic webhook's body has what we look for; null for none.
    #[deserr(default)]
    #[schemars(default)]
    hook_mapping: Change<HookMapping>,
    /// Hours between two scheduled comparisons of a project, 1 to 168; null for the default.
    #[deserr(default)]
    #[schemars(default, range(min = 1, max = 168))]
    reconcile_hours: Change<i64>,
    /// Groups whose one webhook tells of all projects below; the list takes the place of the one before.
    #[deserr(default)]
    #[schemars(length(max = 20))]
    groups: Option<Vec<AskedGroup>>,
}

impl AskedChange {
    fn names_installation(&self) -> bool {
        self.github_app.is_some() || self.installation.is_some()
    }
}

/// Changes settings of a connection. Another token, or an installation of a GitHub App in place of one, is tried first:
/// the one before has expired or was revoked, and what waited for it goes on.
pub async fn update_connection(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
    id: &str,
) -> Result<Reply> {
    let asked: AskedChange = request.json().await?;
    let before = find_own(app, organisation, id).await?;
    let leaves_app = before.github_app_id.is_some() && asked.token.is_some();
    if leaves_app && asked.groups.is_none() && !show_groups(app, &before).await?.is_empty() {
        return Err(Error::bad_value(
            "/groups",
            "So far the webhook of the GitHub App told of the connection's groups; give `groups` as well, so that they \
             get webhooks of their own, or an empty list for none",
        ));
    }
    let shown = try_change(app, organisation, &before, &asked).await?;
    let mapping = read_mapping(&asked.hook_mapping)?;
    let hours = read_hours(&asked.reconcile_hours)?;
    if let Some(shown) = &shown {
        update_token(app, id, shown).await?;
    }
    let hooks = asked.hooks.map(Hooks::as_str);
    store::update_settings(app, id, hooks, mapping.as_deref(), hours).await?;
    let connection = find_own(app, organisation, id).await?;
    // An installation's connection is remembered by its app as well.
    app.memo.connections.clear();
    if let Some(groups) = asked.groups {
        update_groups(app, organisation, &connection, groups).await?;
    }
    let mut view = show(app, &connection).await?;
    // From now on it hears at an address of its own, whose secret nobody has seen yet.
    if before.github_app_id.is_some() && connection.github_app_id.is_none() {
        view.webhook.secret = Some(connection.open_webhook_secret(app).await?);
    }
    Ok(Reply::json(200, &view))
}

/// Tries the token or the installation that a change brings; none when it brings neither.
async fn try_change(
    app: &App,
    organisation: &Organisation,
    connection: &Connection,
    asked: &AskedChange,
) -> Result<Option<Shown>> {
    let kind = kind_of(connection)?;
    let shown = match &asked.token {
        Some(token) if !asked.names_installation() => {
            // Without a name the one before stays; an empty one takes it away.
            let username = asked.username.as_deref().or(connection.username.as_deref());
            let credentials = Credentials::new(username, token);
            try_credentials(app, kind, &connection.base_url, &connection.id, credentials).await?
        }
        None if !asked.names_installation() && asked.username.is_none() => return Ok(None),
        None if !asked.names_installation() => {
            return Err(Error::bad_value(
                "/username",
                "`username` goes together with `token`; give both",
            ));
        }
        None if asked.username.is_none() && kind == ProviderKind::GitHub => {
            let wanted = Wanted {
                github_app: asked.github_app.as_deref(),
                installation: asked.installation,
                base_url: Some(&connection.base_url),
            };
            try_installation(app, organisation, &connection.id, &wanted)
                .await?
                .1
        }
        _ => {
            return Err(Error::invalid(
                "Send a `token`, with its `username` where the host wants one, or the `github_app` and `installation` of \
                 a GitHub connection",
            ));
        }
    };
    Ok(Some(shown))
}

async fn update_token(app: &App, id: &str, shown: &Shown) -> Result<()> {
    let new = store::NewToken {
        account: &shown.account,
        username: shown.username.as_deref(),
        sealed: &shown.sealed,
        installation: shown
            .installation
            .as_ref()
            .map(|one| (one.github_app.as_str(), one.number, one.expires_at)),
    };
    store::update_token(app, id, &new).await?;
    forget_refused_hooks(app, id).await?;
    enqueue_waiting(app, id).await
}

fn kind_of(connection: &Connection) -> Result<ProviderKind> {
    ProviderKind::parse(&connection.provider)
        .ok_or_else(|| Error::internal(format!("unknown provider `{}`", connection.provider)))
}

/// A mapping as it is stored; empty for none. None when it is to stay.
fn read_mapping(asked: &Change<HookMapping>) -> Result<Option<String>> {
    let mapping = match asked {
        Change::Keep => return Ok(None),
        Change::Clear => return Ok(Some(String::new())),
        Change::Set(mapping) => mapping,
    };
    mapping
        .check()
        .map_err(|fault| Error::bad_value("/hook_mapping", fault.to_string()))?;
    serde_json::to_string(mapping)
        .map(Some)
        .map_err(Error::internal)
}

/// Hours as they are stored; 0 for the default. None when they are to stay.
fn read_hours(asked: &Change<i64>) -> Result<Option<i64>> {
    match asked {
        Change::Keep => Ok(None),
        Change::Clear => Ok(Some(0)),
        Change::Set(hours) if (1..=LONGEST_HOURS).contains(hours) => Ok(Some(*hours)),
        Change::Set(_) => Err(Error::bad_value(
            "/reconcile_hours",
            format!(
                "`reconcile_hours` must be a number from 1 to {LONGEST_HOURS}, or null for {RECONCILE_HOURS}"
            ),
        )),
    }
}

/// Lists connections, without their secrets.
pub async fn list_connections(app: &App, organisation: &Organisation) -> Result<Reply> {
    let mut connections = Vec::new();
    for connection in store::list_connections(app, organisation.id).await? {
        connections.push(show(app, &connection).await?);
    }
    Ok(Reply::json(200, &json!({ "connections": connections })))
}

/// Shows a connection, without its secrets.
pub async fn show_connection(app: &App, organisation: &Organisation, id: &str) -> Result<Reply> {
    let connection = find_own(app, organisation, id).await?;
    Ok(Reply::json(200, &show(app, &connection).await?))
}

/// What the host says of a token or a project that somebody just gave us is that person's to mend.
pub(crate) fn as_input(error: &Error) -> Error {
    match error.kind() {
        ErrorKind::RateLimited { .. } | ErrorKind::Internal => {
            Error::new(error.kind(), error.message()).because(error.cause().unwrap_or_default())
        }
        _ => Error::invalid(error.message()),
    }
}

/// A connection to a git host.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Connection")]
pub(crate) struct ShownConnection {
    id: String,
    provider: String,
    base_url: String,
    account: String,
    username: Option<String>,
    /// The id of the GitHub App it is made by.
    github_app: Option<String>,
    installation: Option<i64>,
    /// `automatic` or `manual`.
    hooks: String,
    groups: Vec<ShownGroup>,
    webhook: ShownWebhook,
    hook_mapping: Option<HookMapping>,
    reconcile_hours: i64,
    created_at: Time,
    /// The last genuine webhook.
    last_heard_at: Option<Time>,
    /// Why the host failed or refused the token when a project was last compared.
    trouble: Option<String>,
    trouble_since: Option<Time>,
    /// Whether the host accepts the token no more.
    waits_for_credential: bool,
}

/// Where and how a host is to tell of what happens.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ConnectionWebhook")]
pub(crate) struct ShownWebhook {
    url: String,
    content_type: &'static str,
    events: &'static [&'static str],
    generic_url: String,
    /// At GitLab, the secret in the form that GitLab signs with; shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    signing_token: Option<String>,
    /// Shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

async fn show(app: &App, connection: &Connection) -> Result<ShownConnection> {
    let kind = ProviderKind::parse(&connection.provider);
    let mapping = connection.hook_mapping.as_deref();
    let mapping = mapping
        .map(serde_json::from_str)
        .transpose()
        .map_err(Error::internal)?;
    let url = connection.webhook_url(app);
    Ok(ShownConnection {
        id: connection.id.clone(),
        provider: connection.provider.clone(),
        base_url: connection.base_url.clone(),
        account: connection.account.clone(),
        username: connection.username.clone(),
        github_app: connection.github_app_id.clone(),
        installation: connection.installation_id,
        hooks: connection.hooks.clone(),
        groups: show_groups(app, connection).await?,
        webhook: ShownWebhook {
            url,
            content_type: "application/json",
            events: kind.map_or(&[][..], ProviderKind::webhook_events),
            generic_url: connection.generic_hook_url(app),
            signing_token: None,
            secret: None,
        },
        hook_mapping: mapping,
        reconcile_hours: connection.reconcile_hours.unwrap_or(RECONCILE_HOURS),
        created_at: Time::of(connection.created_at),
        last_heard_at: connection.last_heard_at.map(Time::of),
        trouble: connection.trouble.clone(),
        trouble_since: connection.trouble_since.map(Time::of),
        waits_for_credential: connection.refused_at.is_some(),
    })
}
