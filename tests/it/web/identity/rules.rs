//! What an organisation wants of those who sign in.

use serde_json::json;

use super::*;
use crate::support::browser::OWNER;

#[test]
fn registration_is_closed_unless_somebody_opens_it_for_a_domain() {
    let registry = with_issuer();
    set_rules(&registry, &json!({"registration": "closed"}));
    let page = walk(&registry, &registry.browser(), ACME).expect(403);
    assert!(
        page.text().contains("without an invitation"),
        "{}",
        page.text()
    );
    set_rules(
        &registry,
        &json!({"registration": "open", "domains": ["other.example"]}),
    );
    let page = walk(&registry, &registry.browser(), ACME).expect(403);
    assert!(page.text().contains("of this domain"), "{}", page.text());
    assert_eq!(count(&registry, "select count(*) from accounts"), 0);
    let refused = registry
        .admin()
        .patch(RULES, &json!({"domains": []}))
        .expect(422);
    assert_eq!(refused.json()["errors"][0]["field"], "/domains");
}

#[test]
fn who_is_new_comes_in_as_what_the_rules_say_and_into_their_teams() {
    let registry = with_issuer();
    let team = registry.make("teams", &json!({"name": "Core"}));
    let grant = json!({"subject": {"team": team}, "packages": ["acme/*"]});
    registry.make("grants", &grant);
    set_rules(&registry, &json!({"role": "maintainer", "teams": [team]}));
    walk(&registry, &registry.browser(), ACME).expect(200);
    let shown = registry.admin().get("/api/v1/orgs/acme/members").json();
    assert_eq!(shown["members"][0]["role"], "maintainer");
    assert_eq!(shown["members"][0]["teams"][0]["name"], "Core");
    // Who has another role by now keeps it.
    registry.change("update members set role = 'auditor'");
    walk(&registry, &registry.browser(), ACME).expect(200);
    let shown = registry.admin().get("/api/v1/orgs/acme/members").json();
    assert_eq!(shown["members"][0]["role"], "auditor");
}

#[test]
fn a_member_who_was_removed_does_not_come_back_where_registration_is_closed() {
    let registry = with_issuer();
    let browser = registry.browser();
    walk(&registry, &browser, ACME).expect(200);
    set_rules(&registry, &json!({"registration": "closed"}));
    walk(&registry, &registry.browser(), ACME).expect(200);
    let account = registry
        .world
        .sqlite
        .texts("select id from accounts")
        .remove(0);
    let path = format!("/api/v1/orgs/acme/members/{account}");
    registry
        .admin()
        .send("DELETE", &path, &[], Vec::new())
        .expect(204);
    browser.ask("GET", "/ui/acme", &[], "").expect(404);
    let page = walk(&registry, &registry.browser(), ACME).expect(403);
    assert!(page.text().contains("without an invitation"));
    assert_eq!(count(&registry, "select count(*) from members"), 0);
    set_rules(&registry, &json!({"registration": "open"}));
    walk(&registry, &registry.browser(), ACME).expect(200);
    assert_eq!(count(&registry, "select count(*) from members"), 1);
}

#[test]
fn nobody_joins_an_organisation_that_is_suspended() {
    let registry = with_issuer();
    registry.change("update organisations set suspended_at = 1, suspended_for = 'unpaid'");
    let page = walk(&registry, &registry.browser(), ACME).expect(403);
    assert!(page.text().contains("without an invitation"));
    assert_eq!(count(&registry, "select count(*) from accounts"), 0);
}

fn teams_of(registry: &TestRegistry, email: &str) -> Vec<String> {
    let path = format!("/api/v1/orgs/acme/members?email={email}");
    let shown = registry.admin().get(&path).json();
    let teams = shown["members"][0]["teams"].as_array().unwrap().iter();
    let mut names: Vec<_> = teams
        .map(|team| team["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn groups_are_teams_anew_at_each_sign_in_and_what_was_given_by_hand_stays() {
    let registry = with_issuer();
    let make = |name: &str| registry.make("teams", &json!({"name": name}));
    let (core, web, ops) = (make("Core"), make("Web"), make("Ops"));
    let provider = format!("{PROVIDERS}/okta");
    registry
        .admin()
        .patch(&provider, &json!({"groups_claim": "groups"}))
        .expect(200);
    let groups = json!([
        {"group": "dev", "team": core}, {"group": "dev", "team": web}, {"group": "ops", "team": ops},
    ]);
    set_rules(&registry, &json!({"group_teams": groups}));
    let sign_in = |groups: &Value| {
        let mut person = ada();
        person["groups"] = groups.clone();
        registry.world.identity.borrow_mut().issuer(ISSUER).person = person;
        walk(&registry, &registry.browser(), ACME).expect(200);
        teams_of(&registry, "ada@acme.example")
    };
    assert_eq!(sign_in(&json!(["dev", "unknown"])), ["Core", "Web"]);
    let changed = || count(&registry, "select grant_changed_at from members");
    let before = changed();
    assert_eq!(sign_in(&json!(["dev"])), ["Core", "Web"]);
    assert_eq!(changed(), before);
    // Somebody puts her into one by hand.
    let account = registry
        .world
        .sqlite
        .texts("select id from accounts")
        .remove(0);
    let put = |team: &str| {
        let path = format!("/api/v1/orgs/acme/teams/{team}/members/{account}");
        registry
            .admin()
            .send("PUT", &path, &[], Vec::new())
            .expect(204);
    };
    put(&core);
    assert_eq!(sign_in(&json!("ops")), ["Core", "Ops"]);
    assert!(changed() > before);
    assert_eq!(sign_in(&json!(null)), ["Core"]);
    // Also where that came first.
    put(&ops);
    assert_eq!(sign_in(&json!(["ops"])), ["Core", "Ops"]);
    assert_eq!(sign_in(&json!([])), ["Core", "Ops"]);
    // What a group gave goes with the provider.
    assert_eq!(sign_in(&json!(["dev"])), ["Core", "Ops", "Web"]);
    registry
        .admin()
        .send("DELETE", &provider, &[], Vec::new())
        .expect(204);
    assert_eq!(teams_of(&registry, "ada@acme.example"), ["Core", "Ops"]);
    assert_eq!(
        count(&registry, "select count(*) from group_memberships"),
        0
    );
}

#[test]
fn who_has_to_sign_in_by_a_provider_is_not_let_in_by_a_password() {
    let registry = with_issuer();
    let owner = registry.owner_browser();
    let bob = registry.member_browser("bob@acme.example", "owner");
    bob.get("/ui/acme").expect(200);
    set_rules(&registry, &json!({"enforced": "organisation"}));
    let page = bob.get("/ui/acme/packages").expect(200);
    assert_eq!(
        page.path,
        "/ui/sign-in?organisation=acme&next=%2Fui%2Facme%2Fpackages"
    );
    assert!(
        page.text().contains("in a way that does not open"),
        "{}",
        page.text()
    );
    // The sign-in of before changes nothing.
    let (bob, page) = registry.sign_in("bob@acme.example", PASSWORD);
    assert!(
        page.path.starts_with("/ui/sign-in?organisation=acme"),
        "{}",
        page.path
    );
    let here = page.path.clone();
    registry.world.identity.borrow_mut().issuer(ISSUER).person =
        json!({"sub": "bob-1", "email": "bob@acme.example", "email_verified": true});
    let page = walk(&registry, &bob, &here).expect(200);
    assert_eq!(page.path, "/ui/acme");
    // The owner of the instance gets in by a password: that is the way back.
    owner.get("/ui/acme/settings/sign-in").expect(200);
    assert_eq!(registry.sign_in(OWNER, PASSWORD).1.path, "/ui/acme");
    // The provider that everything hangs on is not removed.
    let removed = registry
        .admin()
        .send("DELETE", &format!("{PROVIDERS}/okta"), &[], Vec::new());
    removed.expect(409);
    // Tokens of machines and of people are for Composer and the API, and are as before.
    registry
        .admin()
        .get("/api/v1/orgs/acme/packages")
        .expect(200);
    set_rules(&registry, &json!({"enforced": "off"}));
    assert_eq!(
        registry.sign_in("bob@acme.example", PASSWORD).1.path,
        "/ui/acme"
    );
}

#[test]
fn the_instances_providers_suffice_where_any_does() {
    let registry = with_issuer();
    drop(registry.owner_browser());
    drop(registry.member_browser("carol@example.com", "member"));
    registry.world.identity.borrow_mut().add_github(
        "https://github.com",
        9,
        "carol@example.com",
        true,
    );
    set_up(&registry, OWN, json!({"kind": "github"}));
    let browser = registry.browser();
    let page = walk(&registry, &browser, "/ui/sign-in").expect(200);
    browser
        .submit(&page, "/ui/sign-in/confirm", &[("password", PASSWORD)])
        .expect(200);
    for (enforced, is_let_in) in [("organisation", false), ("any", true), ("off", true)] {
        set_rules(&registry, &json!({"enforced": enforced}));
        let page = browser.get("/ui/acme").expect(200);
        assert_eq!(
            page.path == "/ui/acme",
            is_let_in,
            "{enforced}: {}",
            page.path
        );
    }
}

#[test]
fn rules_are_looked_at_before_they_hold() {
    let registry = TestRegistry::new();
    for (field, rules) in [
        ("/domains", json!({"domains": ["@acme.example"]})),
        ("/domains", json!({"registration": "open"})),
        ("/registration", json!({"registration": "ajar"})),
        ("/role", json!({"role": "owner"})),
        ("/role", json!({"role": "admin"})),
        ("/teams", json!({"teams": ["nowhere"]})),
        (
            "/group_teams",
            json!({"group_teams": [{"group": "a", "team": "nowhere"}]}),
        ),
        (
            "/group_teams",
            json!({"group_teams": [{"group": "", "team": "nowhere"}]}),
        ),
        ("/enforced", json!({"enforced": "any"})),
        ("/enforced", json!({"enforced": "always"})),
    ] {
        let refused = registry.admin().patch(RULES, &rules).expect(422).json();
        assert_eq!(refused["errors"][0]["field"], field, "{rules}: {refused}");
    }
    let shown = registry.admin().get(RULES).expect(200).json();
    assert_eq!(
        shown,
        json!({"domains": [], "registration": "closed", "role": "member", "teams": [], "group_teams": [], "enforced": "off"})
    );
    let before = count(&registry, "select count(*) from audit");
    set_rules(&registry, &json!({"role": "member"}));
    assert_eq!(count(&registry, "select count(*) from audit"), before);
}

#[test]
fn only_owners_say_how_people_sign_in() {
    let registry = with_issuer();
    let admin = registry.member_browser("eve@acme.example", "admin");
    admin
        .ask("GET", "/ui/instance/sign-in", &[], "")
        .expect(404);
    let page = admin.get("/ui/acme").expect(200);
    let csrf = page.fields("/ui/sign-out").remove(0);
    for path in [
        "/ui/acme/settings/sign-in",
        "/ui/acme/settings/sign-in/new",
        "/ui/acme/settings/sign-in/providers/okta",
        "/ui/acme/settings/sign-in/providers/okta/remove",
    ] {
        admin.post(path, std::slice::from_ref(&csrf)).expect(403);
    }
    for path in [
        "/ui/instance/sign-in/new",
        "/ui/instance/sign-in/providers/okta/remove",
    ] {
        admin.post(path, std::slice::from_ref(&csrf)).expect(404);
    }
    let body = json!({"kind": "github", "client_id": "a", "client_secret": "b"});
    let token = registry.make_token(&json!({"name": "t", "access": "write"}));
    let machine = registry.with_token(&token);
    machine.post(PROVIDERS, &body).expect(403);
    machine
        .patch(RULES, &json!({"role": "auditor"}))
        .expect(403);
    machine.post(OWN, &body).expect(404);
}
