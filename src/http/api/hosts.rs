//! Host names of an organisation: claimed, verified by the DNS, made the one that documents carry, given up.

use deserr::Deserr;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use strum_macros::IntoStaticStr;

use crate::app::App;
use crate::connect::host_names::{HostLook, look_at_host};
use crate::domain::host_claim::record_name;
use crate::domain::host_name::{HostName, address_of, host_of};
use crate::domain::name::Slug;
use crate::error::{Code, Error, ErrorKind, Result};
use crate::http::api::missing;
use crate::http::api::paging::Page;
use crate::http::api::shown::Time;
use crate::http::body::{Change, Faults};
use crate::http::reply::{CachePolicy, Reply};
use crate::http::request::{Request, percent_decode};
use crate::http::route::{NoRoute, one_of, only};
use crate::jobs::{Job, enqueue};
use crate::store::host_names::{self as store, HostClaim};
use crate::store::organisations::Organisation;
use crate::store::repositories::{find_repository, list_outdated};

/// How many host names an organisation may claim: each is looked for, by requests that others answer.
const MOST: i64 = 100;

/// Looks by hand at one host name are at least so many seconds apart.
const LOOK_PAUSE: i64 = 10;

/// What the API has to offer of an organisation's host names. The text is the name.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the variants are the URL table below")]
pub enum HostsRoute {
    List,
    Claim,
    Show(String),
    Update(String),
    Remove(String),
    Verify(String),
}

impl HostsRoute {
    /// Finds the route below `hosts`.
    pub(crate) fn parse(method: &str, segments: &[&str]) -> Result<Self, NoRoute> {
        match segments {
            [] => one_of(method, Self::List, Self::Claim),
            [host] => {
                let host = percent_decode(host);
                match method {
                    "GET" | "HEAD" => Ok(Self::Show(host)),
                    "PATCH" => Ok(Self::Update(host)),
                    "DELETE" => Ok(Self::Remove(host)),
                    _ => Err(NoRoute::MethodNotAllowed("GET, HEAD, PATCH, DELETE")),
                }
            }
            [host, "verify"] => only(method, "POST", Self::Verify(percent_decode(host))),
            _ => Err(NoRoute::NotFound),
        }
    }
}

/// Answers a call about host names.
pub(crate) async fn handle(
    app: &App,
    request: Request,
    organisation: &Organisation,
    route: HostsRoute,
) -> Result<Reply> {
    match route {
        HostsRoute::List => list(app, &request, organisation).await,
        HostsRoute::Claim => claim(app, request, organisation).await,
        HostsRoute::Show(host) => {
            let claim = find(app, organisation, &host).await?;
            Ok(Reply::json(200, &show(app, &claim)))
        }
        HostsRoute::Update(host) => update(app, request, organisation, &host).await,
        HostsRoute::Remove(host) => remove(app, organisation, &host).await,
        HostsRoute::Verify(host) => verify(app, organisation, &host).await,
    }
}

async fn list(app: &App, request: &Request, organisation: &Organisation) -> Result<Reply> {
    let page = Page::of(request)?;
    let mut rows = store::list_hosts(app, organisation.id, page.after(), page.rows()).await?;
    let next = page.cut(&mut rows, |row| row.host.clone());
    let hosts: Vec<_> = rows.iter().map(|claim| show(app, claim)).collect();
    Ok(Reply::json(200, &json!({ "hosts": hosts, "next": next })))
}

/// A host name to be claimed.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "NewHost")]
pub(crate) struct NewHost {
    /// `packages.example.com`: in ASCII, without scheme, port and path.
    host: String,
    /// The repository that it is to answer; without, it has all of the organisation below their slugs.
    #[deserr(default)]
    repository: Option<Slug>,
}

/// Claims a host name, and says what is to be set in the DNS and at the platform.
async fn claim(app: &App, mut request: Request, organisation: &Organisation) -> Result<Reply> {
    let asked: NewHost = request.json().await?;
    let host = HostName::parse(&asked.host, app.config.allow_private_addresses)
        .map_err(|why| Error::bad_value("/host", why.to_string()))?;
    if app.config.own_hosts.has(host.as_str()) {
        return Err(Error::bad_value(
            "/host",
            format!("`{host}` is a host of the registry itself, which answers for everybody"),
        ));
    }
    let repository = find_target(app, organisation, asked.repository.as_ref()).await?;
    if store::count_hosts(app, organisation.id).await? >= MOST {
        return Err(Error::conflict(format!(
            "An organisation claims at most {MOST} host names; give up those that nobody uses"
        )));
    }
    let id = app.random_id()?;
    let token = app.random_id()?;
    store::insert_host(app, organisation.id, repository, &host, &id, &token)
        .await
        .map_err(|error| match error.kind() {
            ErrorKind::Conflict => {
                Error::conflict(format!("The organisation claims `{host}` already"))
                    .with_code(Code::Taken)
            }
            _ => error,
        })?;
    let claim = find(app, organisation, host.as_str()).await?;
    Ok(Reply::json(201, &show(app, &claim)))
}

/// The repository that a host name is to answer.
async fn find_target(
    app: &App,
    organisation: &Organisation,
    slug: Option<&Slug>,
) -> Result<Option<i64>> {
    let Some(slug) = slug else {
        return Ok(None);
    };
    let found = find_repository(app, &organisation.slug, slug.as_str()).await?;
    let repository = found.ok_or_else(|| {
        let message = format!("There is no repository `{slug}` in this organisation");
        Error::bad_value("/repository", message)
    })?;
    Ok(Some(repository.id))
}

/// Looks for the record now.
async fn verify(app: &App, organisation: &Organisation, host: &str) -> Result<Reply> {
    let claim = find(app, organisation, host).await?;
    if !store::take_turn(app, &claim, LOOK_PAUSE).await? {
        return Err(Error::new(
            ErrorKind::RateLimited {
                retry_after: u32::try_from(LOOK_PAUSE).unwrap_or_default(),
            },
            format!(
                "The DNS was asked for `{host}` a moment ago; ask again in {LOOK_PAUSE} seconds"
            ),
        ));
    }
    let look = look_at_host(app, &claim).await?;
    // Whoever held it before has other addresses now, too.
    republish(app, None).await?;
    let claim = find(app, organisation, host).await?;
    match look {
        HostLook::Missing(why) if !claim.is_verified() => Err(Error::conflict(why)),
        HostLook::Failed(why) if !claim.is_verified() => {
            Err(Error::new(ErrorKind::Upstream { retryable: true }, why))
        }
        _ => Ok(Reply::json(200, &show(app, &claim))),
    }
}

/// A change of a host name: what is absent stays.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "HostChange")]
pub(crate) struct HostChange {
    /// The repository that it is to answer; null has it answer all of the organisation below their slugs.
    #[deserr(default)]
    #[schemars(with = "Option<Slug>")]
    repository: Change<Slug>,
    /// Whether documents carry it; the one before then does no more.
    #[deserr(default)]
    primary: Option<bool>,
}

/// Has a host name answer something else, or makes it the one that documents carry, or has it be that no more.
async fn update(
    app: &App,
    mut request: Request,
    organisation: &Organisation,
    host: &str,
) -> Result<Reply> {
    let asked: HostChange = request.json().await?;
    let claim = find(app, organisation, host).await?;
    let unverified = || {
        Error::conflict(format!(
            "`{host}` is not verified, so nothing would be found at the addresses that documents carry; verify it first"
        ))
    };
    if asked.primary == Some(true) && !claim.is_verified() {
        return Err(unverified());
    }
    match &asked.repository {
        Change::Keep => {}
        Change::Clear => relocate(app, organisation, &claim, None).await?,
        Change::Set(slug) => relocate(app, organisation, &claim, Some(slug)).await?,
    }
    if let Some(primary) = asked.primary
        && !store::set_primary(app, &claim, primary).await?
    {
        return Err(unverified());
    }
    republish(app, Some(organisation.id)).await?;
    let claim = find(app, organisation, host).await?;
    Ok(Reply::json(200, &show(app, &claim)))
}

/// Has a host name answer another repository, or all of the organisation. What proves it is the same as before, so it
/// stays verified if its record is there; if it is not, nobody waits for it as for one that was left alone.
async fn relocate(
    app: &App,
    organisation: &Organisation,
    claim: &HostClaim,
    to: Option<&Slug>,
) -> Result<()> {
    let host = &claim.host;
    if claim.repository.as_deref() == to.map(Slug::as_str) {
        return Ok(());
    }
    let repository = find_target(app, organisation, to).await?;
    let carried = || {
        Error::conflict(format!(
            "Documents carry `{host}`: make another host name the primary one, or none by `\"primary\": false`, before it \
             answers something else"
        ))
        .with_code(Code::InUse)
    };
    if claim.is_primary != 0 {
        return Err(carried());
    }
    let look = if claim.is_verified() {
        Some(look_at_host(app, claim).await?)
    } else {
        None
    };
    if let Some(HostLook::Failed(why)) = look {
        return Err(Error::new(
            ErrorKind::Upstream { retryable: true },
            format!(
                "It could not be seen whether the host name is still yours, so it stays as it was: {why}"
            ),
        ));
    }
    if !store::move_host(app, claim, repository).await? {
        return Err(carried());
    }
    if let Some(HostLook::Missing(why)) = look {
        store::unverify(app, claim, &why).await?;
    }
    Ok(())
}

/// Gives a host name up: it answers nothing from then on.
async fn remove(app: &App, organisation: &Organisation, host: &str) -> Result<Reply> {
    let claim = find(app, organisation, host).await?;
    if !store::delete_host(app, &claim).await? {
        return Err(Error::conflict(format!(
            "Documents carry `{host}`: make another host name the primary one, or none by `{{\"primary\": false}}`, and \
             let people update their lock files before you remove it"
        ))
        .with_code(Code::InUse));
    }
    Ok(Reply::empty(204, CachePolicy::NoStore))
}

/// Has the repositories published anew whose documents carry another address than they should. Should the messages be
/// lost, housekeeping sends others.
async fn republish(app: &App, organisation: Option<i64>) -> Result<()> {
    let jobs: Vec<_> = list_outdated(app, organisation)
        .await?
        .into_iter()
        .map(|repository| Job::Publish { repository })
        .collect();
    enqueue(app, &jobs).await
}

async fn find(app: &App, organisation: &Organisation, host: &str) -> Result<HostClaim> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    store::find_host(app, organisation.id, &host)
        .await?
        .ok_or_else(|| missing("host name"))
}

/// A host name, and what it needs to answer.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Host")]
pub(crate) struct Shown {
    pub(crate) host: String,
    /// The repository that it answers; null for all of the organisation, each below its slug.
    pub(crate) repository: Option<String>,
    /// `waiting`, `verified` or `given_up`: nobody looks for the record any more until somebody asks for it.
    pub(crate) state: &'static str,
    /// Whether documents carry it.
    pub(crate) primary: bool,
    /// For Composer; `/{repository}` follows where the host is the organisation's.
    pub(crate) url: String,
    /// What the last look has to complain of.
    pub(crate) trouble: Option<String>,
    pub(crate) created_at: Time,
    pub(crate) verified_at: Option<Time>,
    /// Since when the record of a verified host name is missing.
    pub(crate) missing_since: Option<Time>,
    /// When it last ceased to be verified.
    pub(crate) lost_at: Option<Time>,
    pub(crate) looked_at: Option<Time>,
    pub(crate) next_look_at: Option<Time>,
    /// What to set in the DNS.
    pub(crate) dns: Vec<DnsRecord>,
    /// What to do at the platform, one way or the other.
    pub(crate) platform: Vec<Way>,
}

/// A record to be set in the DNS.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "HostDnsRecord")]
pub(crate) struct DnsRecord {
    /// `TXT` or `CNAME`.
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) value: String,
    /// What it is for.
    pub(crate) purpose: &'static str,
}

/// A way in which requests for the host reach the registry.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "HostPlatformWay")]
pub(crate) struct Way {
    /// When it is the one to go.
    pub(crate) when: String,
    pub(crate) steps: Vec<String>,
}

/// As the API shows it.
pub(crate) fn show(app: &App, claim: &HostClaim) -> Shown {
    let host = &claim.host;
    let own = host_of(&app.config.public_url);
    let is_pending = claim.next_look_at.is_some();
    Shown {
        host: host.clone(),
        repository: claim.repository.clone(),
        state: match (claim.is_verified(), is_pending) {
            (true, _) => "verified",
            (false, true) => "waiting",
            (false, false) => "given_up",
        },
        primary: claim.is_primary != 0,
        url: address_of(host, &app.config.public_url),
        trouble: claim.trouble.clone(),
        created_at: Time::of(claim.created_at),
        verified_at: claim.verified_at.map(Time::of),
        missing_since: claim.missing_since.map(Time::of),
        lost_at: claim.lost_at.map(Time::of),
        looked_at: claim.looked_at.map(Time::of),
        next_look_at: claim.next_look_at.map(Time::of),
        dns: vec![
            DnsRecord {
                kind: "TXT",
                name: record_name(host),
                value: claim.record_value(),
                purpose: "Proves that the host name is yours; it has to stay for as long as the host is to answer",
            },
            DnsRecord {
                kind: "CNAME",
                name: host.clone(),
                value: own.clone(),
                purpose: "Leads to the registry; not needed where the platform makes the record itself, see `platform`",
            },
        ],
        platform: vec![
            Way {
                when: format!("The zone of `{host}` is in the Cloudflare account of the registry"),
                steps: vec![
                    format!(
                        "Remove any other record of the name `{host}`: Cloudflare makes its own, with a certificate, and \
                         refuses to beside a CNAME"
                    ),
                    format!(
                        "Deploy with it as a further host, `npm run deploy -- --host {own} --also {host}`, or beside the routes that \
                         are there: `routes = [{{ pattern = \"{host}\", custom_domain = true }}]`"
                    ),
                ],
            },
            Way {
                when: format!("The zone of `{host}` is anywhere else"),
                steps: vec![
                    format!(
                        "The operator of the registry adds `{host}` as a custom hostname to the zone of `{own}` (Cloudflare \
                         for SaaS), whose fallback origin is set and whose Worker route is `*/*`"
                    ),
                    "The owner of the host sets the CNAME, and the TXT records that Cloudflare asks for beside it".to_owned(),
                ],
            },
        ],
    }
}
