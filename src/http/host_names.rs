//! Requests by other hosts than the instance's own. A verified host name has its repository, or its organisation's
//! repositories, and nothing else; any other has nothing: an empty 404, after no more than a look whether it is somebody's.
//!
//! Why a 404 and no 421 (Misdirected Request): a 421 says that another connection would help, and that this server knows
//! other hosts. And Composer goes on with its cache after most refusals, but believes a 404.
//!
//! The host is the one of the URL, as the platform gives it. `X-Forwarded-Host` and the like are not looked at.

use crate::app::App;
use crate::domain::host_name::{HostName, address_of};
use crate::http::answer_composer;
use crate::http::auth::{Credentials, read_credentials};
use crate::http::composer::Door;
use crate::http::problem::{Reader, method_not_allowed};
use crate::http::reply::{CachePolicy, Reply};
use crate::http::request::Request;
use crate::http::route::{
    MappedRoute, NoRoute, parse_on_host_of_organisation, parse_on_host_of_repository,
};
use crate::ports::Level;
use crate::store::mapped_hosts::{Found, MappedHost, find_mapped_host};

/// When a host could not be looked up, it may be asked for again after so many seconds.
const RETRY_AFTER: u32 = 5;

/// What becomes of a request by another host.
pub(super) enum Met {
    /// It is answered.
    Answered(Reply),
    /// Its host is nobody's, and the settings say that such a host is the instance's own.
    Own(Request),
}

/// Meets a request that came by another host than the instance's own.
pub(super) async fn meet(app: &App, request: Request) -> Met {
    let other = |request: Request| {
        if app.config.answers_any_host {
            Met::Own(request)
        } else {
            Met::Answered(nothing())
        }
    };
    // What no host can be called is nobody's, and a path that leads nowhere on any host needs no look.
    let Some(host) = HostName::of_request(request.host()) else {
        return other(request);
    };
    let of_repository = parse_on_host_of_repository(&request.method, &request.path);
    let of_organisation = parse_on_host_of_organisation(&request.method, &request.path);
    let leads_nowhere = [&of_repository, &of_organisation]
        .iter()
        .all(|route| matches!(route, Err(NoRoute::NotFound)));
    if leads_nowhere && !app.config.answers_any_host {
        return Met::Answered(nothing());
    }
    let slug = of_organisation
        .as_ref()
        .ok()
        .and_then(|route| route.repository.as_deref());
    let token = match read_credentials(request.header("authorization").as_deref()) {
        Credentials::Token(token) => Some(token),
        Credentials::None | Credentials::Unreadable => None,
    };
    let mapped = match find_mapped_host(app, &host, slug, token.as_ref()).await {
        Ok(Found::Mapped(mapped)) => mapped,
        Ok(Found::Nobody) => return other(request),
        Ok(Found::TooMany) => return Met::Answered(unavailable()),
        Err(error) => {
            app.log
                .line(Level::Error, &format!("A host was not looked up: {error}"));
            return Met::Answered(unavailable());
        }
    };
    let route = if mapped.repository.is_some() {
        of_repository
    } else {
        of_organisation
    };
    Met::Answered(match route {
        Ok(route) => answer(app, request, &host, &mapped, &route).await,
        Err(NoRoute::NotFound) => nothing(),
        Err(NoRoute::MethodNotAllowed(allowed)) => method_not_allowed(Reader::Composer, allowed),
    })
}

async fn answer(
    app: &App,
    request: Request,
    host: &HostName,
    mapped: &MappedHost,
    route: &MappedRoute,
) -> Reply {
    let Some(address) = mapped.address(route.repository.as_deref()) else {
        return nothing();
    };
    // As published documents have it, whatever a proxy speaks to us.
    let at = address_of(host.as_str(), &app.config.public_url);
    let slug = route.repository.as_deref().unwrap_or_default();
    let door = Door {
        address: &address,
        moment: route.moment.as_ref(),
        mapped: Some(&format!("{at}/{slug}")),
    };
    answer_composer(app, request, &door, &route.resource).await
}

/// What a host has that is nobody's.
fn nothing() -> Reply {
    Reply::empty(404, CachePolicy::NoStore)
}

/// Whether the host is somebody's is not known.
fn unavailable() -> Reply {
    Reply::empty(503, CachePolicy::NoStore).with("retry-after", RETRY_AFTER.to_string())
}
