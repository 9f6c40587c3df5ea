//! What Composer speaks. Each request opens one revision and answers from it alone.

pub mod advisories;
pub mod changes;
pub mod composer_1;
pub mod dist;
pub mod metadata;
pub mod notify;
pub mod providers;
pub mod root;
pub mod search;
pub mod upload;
pub(crate) mod visible;

use std::borrow::Cow;
use std::rc::Rc;

use crate::app::App;
use crate::domain::access::{Action, Bar, Principal, Sight, enters, frozen_message, sight};
use crate::domain::metadata::DIST_TEMPLATE;
use crate::domain::name::PackageName;
use crate::domain::reader::Reader;
use crate::domain::root_document::age_of_limits;
use crate::domain::settings::Mirror;
use crate::domain::time::http_date;
use crate::domain::token::TokenHash;
use crate::error::{Code, Error, ErrorKind, Result};
use crate::http::actor::actor_of;
use crate::http::auth::{Credentials, caller_address, notice_use, read_credentials_unless, refuse};
use crate::http::or_elsewhere;
use crate::http::reply::{CachePolicy, Reply};
use crate::http::request::Request;
use crate::http::route::Resource;
use crate::ports::note;
use crate::store::admission::admit;
use crate::store::audit::acting;
use crate::store::repositories::{Head, Repository, RepositoryAddress, list_repositories};
use crate::store::revisions::{Moment, find_revision};

/// A request that was let into a repository.
pub struct Visit<'a> {
    /// The ports.
    pub app: &'a App,
    /// The repository.
    pub repository: Rc<Repository>,
    /// Who asks; none for anybody in a public repository.
    pub principal: Option<Rc<Principal>>,
    /// Why nobody is let in any more who was let in as anybody: the repository is public, and its organisation suspended.
    pub closed: Option<Bar>,
    /// The revision that is read.
    pub head: Head,
    /// The repository's address as this client knows it, where that is not the usual one.
    pub(crate) address: Option<String>,
}

impl Visit<'_> {
    /// The repository's address as this client knows it, without a trailing slash. Few answers have it in them.
    pub fn address(&self) -> Cow<'_, str> {
        match &self.address {
            Some(address) => Cow::Borrowed(address),
            None => Cow::Owned(self.repository.path_address(&self.app.config.public_url)),
        }
    }

    /// What this caller sees of a package.
    pub fn sight(&self, action: Action, package: &PackageName) -> Sight {
        let place = self.repository.place();
        sight(self.principal.as_deref(), action, place, package)
    }

    /// Who this is, to whoever counts.
    pub fn reader(&self) -> Reader {
        Reader::of(self.principal.as_deref(), self.repository.organisation_id)
    }

    /// What tells this caller's view of the repository from those of others; none for whoever sees all of it.
    pub fn view(&self) -> Option<u64> {
        self.principal
            .as_ref()
            .and_then(|principal| principal.view_of(self.repository.place()))
    }

    /// The validator of a list over many packages that changed at `changed_at`. It moves when the list does, and differs
    /// for callers who see different things: Composer sends it back byte for byte, whichever token it has by then.
    pub fn validator(&self, changed_at: i64) -> String {
        http_date(changed_at.saturating_sub(age_of_limits(self.view())))
    }

    /// Whether some package may be seen in some of its versions only.
    pub fn is_limited_by_versions(&self) -> bool {
        self.principal
            .as_ref()
            .is_some_and(|principal| principal.is_limited_by_versions(self.repository.place()))
    }

    /// Where the archives are for this client, when documents name them on another host than the one it asks, or did so
    /// once: clients have credentials for the host that they ask. As Composer fills it in, `%type%` is `tar` for each kind
    /// of tar.
    pub fn mirror(&self) -> Option<Mirror> {
        let published = self.repository.published_address.as_deref()?;
        let address = self.address();
        let is_elsewhere = origin_of(published) != origin_of(&address);
        if !is_elsewhere && self.repository.address_changes == 0 {
            return None;
        }
        Some(Mirror::of_dists(format!("{address}/{DIST_TEMPLATE}")))
    }

    /// Why this caller is kept out of a repository that is not public, or of one that was.
    pub fn bar(&self) -> Option<&Bar> {
        self.principal
            .as_ref()
            .filter(|_| !self.repository.place().is_public)
            .and_then(|principal| principal.bar.as_ref())
            .or(self.closed.as_ref())
    }

    /// Whom this caller is to ask.
    pub fn contact(&self) -> Option<&str> {
        match &self.principal {
            Some(principal) if self.closed.is_none() => principal.contact.as_deref(),
            _ => self.repository.contact.as_deref(),
        }
    }

    /// What Composer is to print for this caller: why it gets nothing, or nothing new.
    pub fn notice(&self) -> Option<String> {
        let contact = self.contact();
        match self.bar() {
            Some(bar) => Some(bar.message(contact)),
            None if self.repository.place().is_public => None,
            None => {
                let frozen_at = self.principal.as_ref()?.frozen_at;
                frozen_at.map(|at| frozen_message(at, contact))
            }
        }
    }
}

/// Where a request for something of a repository came in.
pub struct Door<'a> {
    /// The repository.
    pub address: &'a RepositoryAddress,
    /// As it was then; none for now.
    pub moment: Option<&'a Moment>,
    /// On a host of one's own: the address to which `@{revision}` is put for the past. It is that of the repository itself,
    /// on a host of the repository's own with a slash behind it.
    pub mapped: Option<&'a str>,
}

/// Answers a request for something of a repository.
pub async fn handle(
    app: &App,
    request: Request,
    door: &Door<'_>,
    resource: &Resource,
) -> Result<Reply> {
    let visit = enter(app, &request, door).await?;
    // What an upload changes is its sender's, in the audit log.
    let acting_app = match (resource, &visit.principal) {
        (Resource::Upload(..) | Resource::UploadInParts(_), Some(principal)) => {
            Some(acting(app, actor_of(&request, principal)))
        }
        _ => None,
    };
    let visit = Visit {
        app: acting_app.as_ref().unwrap_or(app),
        ..visit
    };
    let revision = visit.head.revision;
    if let Some(bar) = visit.bar()
        && matches!(
            resource,
            Resource::Dist(..) | Resource::Upload(..) | Resource::UploadInParts(_)
        )
    {
        // Archives alone: after a 403 for metadata Composer would go on with what it has, and ask for a password.
        let contact = visit.contact();
        let code = match bar {
            Bar::OrganisationSuspended(_) => Code::OrganisationSuspended,
            _ => Code::Forbidden,
        };
        return Err(Error::new(ErrorKind::Forbidden, bar.message(contact)).with_code(code));
    }
    if visit.closed.is_some() && *resource != Resource::Root {
        return Err(Error::not_found("Not found"));
    }
    let reply = match resource {
        Resource::Root => root::show_root(&visit, &request).await,
        Resource::Tagged(name) => metadata::show_tagged(&visit, &request, name).await,
        Resource::Dev(name) => metadata::show_dev(&visit, &request, name).await,
        Resource::Advisories => advisories::show_advisories(&visit, request).await,
        Resource::Search => search::search(&visit, &request).await,
        Resource::Providers(name) => providers::show_providers(&visit, name).await,
        Resource::Changes => changes::show_changes(&visit, &request).await,
        Resource::List => search::list_names(&visit, &request).await,
        Resource::Provider(name, None) => composer_1::show_by_name(&visit, &request, name).await,
        Resource::Provider(name, Some(hash)) => composer_1::show_document(&visit, name, hash).await,
        Resource::ProviderListing(hash) => composer_1::show_listing(&visit, hash).await,
        Resource::Download(name) => notify::receive_download(&visit, request, name).await,
        Resource::Downloads => notify::receive_downloads(&visit, request).await,
        Resource::Dist(name, reference, format) => {
            dist::show_dist(&visit, &request, name, reference, *format).await
        }
        Resource::UploadInParts(route) => {
            return or_elsewhere(|| upload::in_parts::handle(&visit, request, route)).await;
        }
        Resource::Upload(name, version) => {
            let (name, version) = (name.as_ref(), version.as_deref());
            return or_elsewhere(|| upload::receive_upload(&visit, request, name, version)).await;
        }
    }?;
    if reply.status >= 400 {
        return Ok(reply);
    }
    // For people and scripts who wonder what they saw; Composer does not look at it.
    Ok(reply.with("x-repertoire-revision", revision.to_string()))
}

/// Lets a request in, or says why not. Nobody and somebody who is not known get a 401, so that Composer asks for
/// credentials; somebody who is known and may not see the repository gets what one gets that does not exist.
async fn enter<'a>(app: &'a App, request: &Request, door: &Door<'_>) -> Result<Visit<'a>> {
    let is_known = |token: &TokenHash| app.memo.principals.has(token.as_str());
    let header = request.header("authorization");
    let token = match read_credentials_unless(header.as_deref(), is_known) {
        Credentials::None => None,
        Credentials::Unreadable => {
            return Err(refuse(app, request, bad_credentials(request)).await);
        }
        Credentials::Token(token) => Some(token),
    };
    let admission = admit(app, token.as_ref(), Some(door.address)).await?;
    note(|seen| {
        seen.principal.clone_from(&admission.principal);
        if let Some(repository) = &admission.repository {
            seen.repository = Some(repository.id);
            seen.organisation = Some(repository.organisation_id);
        }
    });
    if token.is_some() && admission.principal.is_none() {
        return Err(refuse(app, request, bad_credentials(request)).await);
    }
    let principal = admission
        .principal
        .map(|principal| barred_now(app, request, principal));
    if let Some(principal) = &principal {
        notice_use(app, request, principal);
    }
    let mut closed = None;
    let repository = match admission.repository {
        Some(repository) if enters(principal.as_deref(), repository.place()) => repository,
        // It was open to everybody, so that it exists is no secret, and there is a text to be read.
        Some(repository) if repository.bar().is_some() => {
            closed = repository.bar();
            repository
        }
        _ if principal.is_none() => return Err(no_credentials(request)),
        _ => return Err(Error::not_found("Not found")),
    };
    let head = match door.moment {
        None => repository.head.clone(),
        Some(moment) => find_revision(app, repository.id, moment)
            .await?
            .ok_or_else(|| Error::not_found("Not found"))?,
    };
    let head = head_for(app, principal.as_deref(), &repository, head).await?;
    let address = visited_address(request, &app.config.public_url, door, &head);
    Ok(Visit {
        app,
        repository,
        principal,
        closed,
        head,
        address,
    })
}

/// The repositories of an organisation that somebody may enter, by slug, each at the revision that Composer would get.
pub(crate) async fn visits_of<'a>(
    app: &'a App,
    organisation: i64,
    principal: &Rc<Principal>,
) -> Result<Vec<Visit<'a>>> {
    visits_in(app, list_repositories(app, organisation).await?, principal).await
}

/// The same of repositories that are known already.
pub(crate) async fn visits_in<'a>(
    app: &'a App,
    repositories: Vec<Repository>,
    principal: &Rc<Principal>,
) -> Result<Vec<Visit<'a>>> {
    let mut visits = Vec::new();
    for repository in repositories {
        if !enters(Some(principal), repository.place()) {
            continue;
        }
        let head = repository.head.clone();
        visits.push(Visit {
            app,
            head: head_for(app, Some(principal), &repository, head).await?,
            address: Some(repository.address(&app.config.public_url)),
            repository: Rc::new(repository),
            principal: Some(Rc::clone(principal)),
            closed: None,
        });
    }
    Ok(visits)
}

/// The revision that somebody gets who asks for this one: who is frozen gets none that came later.
async fn head_for(
    app: &App,
    principal: Option<&Principal>,
    repository: &Repository,
    head: Head,
) -> Result<Head> {
    let frozen_at = principal
        .filter(|_| !repository.place().is_public)
        .and_then(|principal| principal.frozen_at);
    match frozen_at {
        Some(at) if head.time > at => head_at(app, repository.id, at).await,
        _ => Ok(head),
    }
}

/// The principal with what keeps it out at this moment and from this address.
pub(crate) fn barred_now(app: &App, request: &Request, principal: Rc<Principal>) -> Rc<Principal> {
    if principal.bar.is_some() {
        return principal;
    }
    match principal.bar_at(app.now(), || caller_address(request)) {
        None => principal,
        Some(bar) => Rc::new(Principal {
            bar: Some(bar),
            ..Principal::clone(&principal)
        }),
    }
}

/// The repository as it was at a moment; empty before its first publish.
async fn head_at(app: &App, repository: i64, at: i64) -> Result<Head> {
    let key = format!("{repository}@{at}");
    if let Some(head) = app.memo.past_heads.recall(&key, app.now(), i64::MAX) {
        return Ok(head);
    }
    let head = find_revision(app, repository, &Moment::Time(at))
        .await?
        .unwrap_or_default();
    app.memo.past_heads.remember(&key, head.clone(), app.now());
    Ok(head)
}

/// The origin by which the client came, where that is not the instance's own, so that what it is told to ask next is on the same host, for which it has
/// credentials. On the instance's own host this is its public address: a proxy before it may speak https to the client
/// and http to us, or cut a path off. Headers like `X-Forwarded-Host` are not looked at: whoever asks can write them.
fn foreign_origin<'a>(request: &'a Request, public_url: &str) -> Option<&'a str> {
    let (_, public) = public_url.split_once("://").unwrap_or(("", public_url));
    let public_host = public.split_once('/').map_or(public, |(host, _)| host);
    (!public_host.eq_ignore_ascii_case(request.host())).then_some(&request.origin)
}

/// The repository's address by which the client came; none for its path at the instance's own address.
fn visited_address(
    request: &Request,
    public_url: &str,
    door: &Door<'_>,
    head: &Head,
) -> Option<String> {
    // A date becomes the revision it stands for, so that all of a run sees the same one.
    let at = |address: &str| format!("{address}@{}", head.revision);
    let foreign = foreign_origin(request, public_url);
    let origin = foreign.unwrap_or(public_url);
    Some(match (door.mapped, door.address) {
        (Some(mapped), _) if door.moment.is_some() => at(mapped),
        (Some(mapped), _) => mapped.trim_end_matches('/').to_owned(),
        (None, RepositoryAddress::Host(_)) => origin.to_owned(),
        (None, RepositoryAddress::Path { .. }) if foreign.is_none() && door.moment.is_none() => {
            return None;
        }
        (
            None,
            RepositoryAddress::Path {
                organisation,
                repository,
            },
        ) => {
            let address = format!("{origin}/r/{organisation}/{repository}");
            door.moment
                .map_or_else(|| address.clone(), |_| at(&address))
        }
    })
}

/// Scheme, host and port of an address.
fn origin_of(address: &str) -> &str {
    let start = address.find("://").map_or(0, |at| at.saturating_add(3));
    let end = address
        .get(start..)
        .and_then(|rest| rest.find('/'))
        .map_or(address.len(), |at| at.saturating_add(start));
    address.get(..end).unwrap_or(address)
}

fn no_credentials(request: &Request) -> Error {
    Error::new(
        ErrorKind::Unauthenticated,
        format!(
            "This repository is private: run `composer config http-basic.{} token YOUR-TOKEN` with a token of yours, \
             or ask its owner for one",
            request.host()
        ),
    )
}

fn bad_credentials(request: &Request) -> Error {
    Error::new(
        ErrorKind::Unauthenticated,
        format!(
            "The token sent to {0} is not valid: it was revoked, has expired or is mistyped. Ask the repository's owner for \
             a new one and run `composer config http-basic.{0} token YOUR-TOKEN`",
            request.host()
        ),
    )
}

/// An empty 304, if the client has this state already.
pub fn not_modified(request: &Request, validator: &str) -> Option<Reply> {
    (request.header("if-modified-since").as_deref() == Some(validator))
        .then(|| Reply::empty(304, CachePolicy::Revalidate).with("last-modified", validator))
}
