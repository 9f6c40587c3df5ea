//! Who makes a request, as the audit log names them.

use crate::domain::access::{Caller, Principal};
use crate::domain::audit::{AGENT_LIMIT, Actor, ActorKind, PATH_LIMIT, cut};
use crate::http::request::Request;

/// Whoever a token stands for: a person by name, whichever of her tokens she used; otherwise the token.
pub(crate) fn actor_of(request: &Request, principal: &Principal) -> Actor {
    let actor = match &principal.caller {
        Caller::Person { account, name, .. } => Actor::new(ActorKind::Person, Some(account), name),
        Caller::Instance | Caller::Machine | Caller::Customer { .. } => {
            Actor::new(ActorKind::Token, Some(&principal.token), "a token")
        }
    };
    at_work(request, actor)
}

/// Adds what the request says: from where, with what, and what was asked for.
pub(crate) fn at_work(request: &Request, actor: Actor) -> Actor {
    Actor {
        // The platform sets it; what a client sends under that name does not come through.
        address: request
            .header("cf-connecting-ip")
            .map(|address| cut(&address, 45)),
        user_agent: request
            .header("user-agent")
            .map(|agent| cut(&agent, AGENT_LIMIT)),
        request: Some(cut(
            &format!("{} {}", request.method, request.path),
            PATH_LIMIT,
        )),
        ..actor
    }
}
