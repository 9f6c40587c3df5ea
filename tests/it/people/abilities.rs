//! Each ability against each route of the API: a token with one ability can use the routes of its area and no others.

use repertoire::domain::access::Ability;
use serde_json::json;

use super::{ORG, text};
use crate::support::TestRegistry;

/// What there is below an organisation, each with the ability that it is about. Who has `view` reads them all.
const ROUTES: [(&str, &str, Ability); 60] = [
    ("GET", "repositories", Ability::ManagePackages),
    ("POST", "repositories", Ability::ManagePackages),
    ("GET", "repositories/none", Ability::ManagePackages),
    ("PATCH", "repositories/none", Ability::ManagePackages),
    (
        "GET",
        "repositories/none/revisions",
        Ability::ManagePackages,
    ),
    ("GET", "packages", Ability::ManagePackages),
    ("POST", "packages", Ability::ManagePackages),
    ("GET", "packages/acme/none", Ability::ManagePackages),
    ("PATCH", "packages/acme/none", Ability::ManagePackages),
    (
        "GET",
        "packages/acme/none/definition",
        Ability::ManagePackages,
    ),
    (
        "PUT",
        "packages/acme/none/definition",
        Ability::ManagePackages,
    ),
    (
        "POST",
        "packages/acme/none/archives",
        Ability::ManagePackages,
    ),
    ("POST", "packages/acme/none/sync", Ability::ManagePackages),
    ("GET", "projects/7", Ability::ManagePackages),
    ("PATCH", "projects/7", Ability::ManagePackages),
    ("GET", "imports", Ability::ManagePackages),
    ("GET", "imports/none", Ability::ManagePackages),
    ("POST", "imports/none/cancel", Ability::ManagePackages),
    ("GET", "connections/none/projects", Ability::ManagePackages),
    ("POST", "connections/none/imports", Ability::ManagePackages),
    ("GET", "jobs", Ability::ManagePackages),
    ("GET", "jobs/none", Ability::ManagePackages),
    ("POST", "jobs/none/cancel", Ability::ManagePackages),
    ("POST", "jobs/none/retry", Ability::ManagePackages),
    ("GET", "dead-letters", Ability::ManagePackages),
    ("DELETE", "dead-letters/7", Ability::ManagePackages),
    ("GET", "connections", Ability::ManageHooks),
    ("POST", "connections", Ability::ManageHooks),
    ("PATCH", "connections/none", Ability::ManageHooks),
    ("GET", "github-apps", Ability::ManageHooks),
    ("POST", "github-apps", Ability::ManageHooks),
    ("PATCH", "github-apps/none", Ability::ManageHooks),
    ("DELETE", "github-apps/none", Ability::ManageHooks),
    ("POST", "packages/acme/none/hook", Ability::ManageHooks),
    ("DELETE", "packages/acme/none/hook", Ability::ManageHooks),
    ("GET", "deliveries", Ability::ManageHooks),
    ("GET", "deliveries/7", Ability::ManageHooks),
    ("POST", "deliveries/7/replay", Ability::ManageHooks),
    ("GET", "tokens", Ability::ManageTokens),
    ("POST", "tokens", Ability::ManageTokens),
    ("GET", "tokens/TOKEN", Ability::ManageTokens),
    ("GET", "tokens/TOKEN/abilities", Ability::ManageTokens),
    ("PATCH", "tokens/TOKEN", Ability::ManageTokens),
    ("POST", "tokens/TOKEN/rotate", Ability::ManageTokens),
    ("GET", "members", Ability::ManageMembers),
    ("GET", "members/none", Ability::ManageMembers),
    ("PATCH", "members/none", Ability::ManageMembers),
    ("DELETE", "members/none", Ability::ManageMembers),
    ("GET", "teams", Ability::ManageMembers),
    ("POST", "teams", Ability::ManageMembers),
    ("PATCH", "teams/none", Ability::ManageMembers),
    ("DELETE", "teams/none", Ability::ManageMembers),
    ("PUT", "teams/none/members/none", Ability::ManageMembers),
    ("DELETE", "teams/none/members/none", Ability::ManageMembers),
    ("GET", "invitations", Ability::ManageMembers),
    ("POST", "invitations", Ability::ManageMembers),
    ("GET", "invitations/none", Ability::ManageMembers),
    ("GET", "teams/none", Ability::ManageMembers),
    ("GET", "connections/none", Ability::ManageHooks),
    ("DELETE", "invitations/none", Ability::ManageMembers),
];

/// Whether a route is open to whoever may read metadata: what is seen of packages is read by everybody.
fn shows_packages(method: &str, path: &str) -> bool {
    method == "GET" && ["packages", "packages/acme/none"].contains(&path)
}

/// Whether an answer says that the token lacks the ability for the route, and not something of what is asked for.
fn is_closed(answer: &crate::support::persona::Answer) -> bool {
    answer.status() == 403 && text(&answer.json()["detail"]).contains("This token may not do that")
}

#[test]
fn one_ability_opens_its_own_routes_and_no_others() {
    let registry = TestRegistry::new();
    let target = registry
        .admin()
        .post(
            &format!("{ORG}/tokens"),
            &json!({"name": "target", "access": "read"}),
        )
        .expect(201)
        .json();
    let target = text(&target["id"]);
    for ability in Ability::ALL {
        let asked = json!({"name": ability.as_str(), "abilities": [ability.as_str()]});
        let token = registry.make_token(&asked);
        let caller = registry.with_token(&token);
        for (method, path, area) in ROUTES {
            let path = path.replace("TOKEN", &target);
            let answer = caller.send(method, &format!("{ORG}/{path}"), &[], b"{}".to_vec());
            let opens = ability == area
                || (method == "GET" && ability == Ability::View)
                || (ability == Ability::ReadMetadata && shows_packages(method, &path));
            assert_eq!(
                !is_closed(&answer),
                opens,
                "{ability}: {method} {path} gave {}",
                answer.status()
            );
        }
    }
    registry.world.queue.borrow_mut().clear();
}

#[test]
fn a_person_has_the_abilities_of_her_role_on_each_route() {
    use repertoire::domain::access::Role;
    let registry = TestRegistry::new();
    super::join(&registry, "first@example.com", "owner");
    for role in Role::ALL {
        let joined = super::join(
            &registry,
            &format!("{}@example.com", role.as_str()),
            role.as_str(),
        );
        let caller = registry.with_token(&joined.token);
        for (method, path, area) in ROUTES {
            // A person sees her own tokens whatever she is.
            if path.starts_with("tokens") {
                continue;
            }
            let answer = caller.send(method, &format!("{ORG}/{path}"), &[], b"{}".to_vec());
            let may = role.abilities();
            let opens = may.has(area)
                || (method == "GET" && may.has(Ability::View))
                || (may.has(Ability::ReadMetadata) && shows_packages(method, path));
            assert_eq!(
                !is_closed(&answer),
                opens,
                "{}: {method} {path} gave {}",
                role.as_str(),
                answer.status()
            );
        }
    }
    registry.world.queue.borrow_mut().clear();
}
