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

use crate::app::App;
use crate::domain::access::{Action, Principal, allows, enters};
use crate::domain::name::{NameGlob, PackageName};
use crate::domain::time::http_date;
use crate::error::{Error, ErrorKind, Result};
use crate::http::actor::actor_of;
use crate::http::auth::{Credentials, read_credentials};
use crate::http::reply::{CachePolicy, Reply};
use crate::http::request::Request;
use crate::http::route::Resource;
use crate::store::admission::admit;
use crate::store::audit::acting;
use crate::store::repositories::{Head, Repository, RepositoryAddress};
use crate::store::revisions::{Moment, find_revision};

/// A request that was let into a repository.
pub struct Visit<'a> {
    /// The ports.
    pub app: &'a App,
    /// The repository.
    pub repository: Repository,
    /// Who asks; none for anybody in a public repository.
    pub principal: Option<Principal>,
    /// The revision that is read.
    pub head: Head,
    /// The repository's address as this client knows it, without a trailing slash.
    pub address: String,
}

impl Visit<'_> {
    /// Whether this caller may know of a package.
    pub fn sees(&self, package: &PackageName) -> bool {
        let place = self.repository.place();
        allows(self.principal.as_ref(), Action::Read, place, package)
    }

    /// The validator of something that changed at `changed_at`: it moves when the thing changes and when what this
    /// caller may see changes. Composer sends it back byte for byte.
    pub fn validator(&self, changed_at: i64) -> String {
        http_date(self.changed_at(changed_at))
    }

    /// When something that changed at `changed_at` last changed for this caller.
    pub fn changed_at(&self, changed_at: i64) -> i64 {
        let granted = self
            .principal
            .as_ref()
            .map_or(0, |principal| principal.grant_changed_at);
        changed_at.max(granted)
    }

    /// The names that this caller is limited to; none for somebody who may know all of them.
    pub fn limits(&self) -> Option<&[NameGlob]> {
        self.principal
            .as_ref()
            .filter(|_| !self.repository.is_public)
            .and_then(|principal| principal.packages.as_deref())
    }
}

/// Answers a request for something of a repository.
pub async fn handle(
    app: &App,
    request: Request,
    address: &RepositoryAddress,
    moment: Option<&Moment>,
    resource: &Resource,
) -> Result<Reply> {
    let visit = enter(app, &request, address, moment).await?;
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
            return upload::in_parts::handle(&visit, request, route).await;
        }
        Resource::Upload(name, version) => {
            let (name, version) = (name.as_ref(), version.as_deref());
            return upload::receive_upload(&visit, request, name, version).await;
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
async fn enter<'a>(
    app: &'a App,
    request: &Request,
    address: &RepositoryAddress,
    moment: Option<&Moment>,
) -> Result<Visit<'a>> {
    let token = match read_credentials(request.header("authorization").as_deref()) {
        Credentials::None => None,
        Credentials::Unreadable => return Err(bad_credentials(request)),
        Credentials::Token(token) => Some(token),
    };
    let admission = admit(app, token.as_ref(), Some(address)).await?;
    if token.is_some() && admission.principal.is_none() {
        return Err(bad_credentials(request));
    }
    let principal = admission.principal;
    let repository = match admission.repository {
        Some(repository) if enters(principal.as_ref(), repository.place()) => repository,
        _ if principal.is_none() => return Err(no_credentials(request)),
        _ => return Err(Error::not_found("Not found")),
    };
    let head = match moment {
        None => repository.head.clone(),
        Some(moment) => find_revision(app, repository.id, moment)
            .await?
            .ok_or_else(|| Error::not_found("Not found"))?,
    };
    let origin = visited_origin(request, &app.config.public_url);
    let address = visited_address(origin, address, moment, &head);
    Ok(Visit {
        app,
        repository,
        principal,
        head,
        address,
    })
}

/// The origin by which the client came, so that what it is told to ask next is on the same host, for which it has
/// credentials. On the instance's own host this is its public address: a proxy before it may speak https to the client
/// and http to us, or cut a path off. Headers like `X-Forwarded-Host` are not looked at: whoever asks can write them.
fn visited_origin<'a>(request: &'a Request, public_url: &'a str) -> &'a str {
    let (_, public) = public_url.split_once("://").unwrap_or(("", public_url));
    let public_host = public.split_once('/').map_or(public, |(host, _)| host);
    if public_host.eq_ignore_ascii_case(request.host()) {
        public_url
    } else {
        &request.origin
    }
}

/// The repository's address under that origin.
fn visited_address(
    origin: &str,
    address: &RepositoryAddress,
    moment: Option<&Moment>,
    head: &Head,
) -> String {
    match address {
        RepositoryAddress::Host(_) => origin.to_owned(),
        RepositoryAddress::Path {
            organisation,
            repository,
        } => match moment {
            None => format!("{origin}/r/{organisation}/{repository}"),
            // A date becomes the revision it stands for, so that all of a run sees the same one.
            Some(_) => format!("{origin}/r/{organisation}/{repository}@{}", head.revision),
        },
    }
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
