//! Whatever fails on the way back: nothing is half done.

use serde_json::json;

use super::*;
use crate::support::faults::with_every_fault;

/// What is there in the end, but for how often somebody tried.
fn state(registry: &TestRegistry) -> Vec<String> {
    registry.world.sqlite.texts(
        "select 'account ' || email || ' ' || name from accounts
         union all select 'identity ' || subject || ' ' || email from identities
         union all select 'member ' || role from members
         union all select 'team ' || t.name from team_members x join teams t on t.id = x.team_id
         union all select 'by group ' || t.name from group_memberships x join teams t on t.id = x.team_id
         order by 1",
    )
}

#[test]
fn a_sign_in_comes_to_the_same_end_whatever_fails() {
    with_every_fault(
        || {
            let registry = with_issuer();
            let core = registry.make("teams", &json!({"name": "Core"}));
            let web = registry.make("teams", &json!({"name": "Web"}));
            let provider = format!("{PROVIDERS}/okta");
            registry
                .admin()
                .patch(&provider, &json!({"groups_claim": "groups"}))
                .expect(200);
            let groups = json!([{"group": "dev", "team": core}]);
            set_rules(&registry, &json!({"group_teams": groups, "teams": [web]}));
            let mut person = ada();
            person["groups"] = json!(["dev"]);
            registry.world.identity.borrow_mut().issuer(ISSUER).person = person;
            registry
        },
        |registry| {
            let browser = registry.browser();
            let is_in = || {
                let page = browser.get("/ui/acme");
                page.status() == 200 && page.path == "/ui/acme"
            };
            for _ in 0..4 {
                let page = browser.ask("GET", ACME, &[], "");
                let action = page.attributes("form[action^='/ui/sign-in/with/']", "action");
                let Some(action) = action.first() else {
                    if is_in() {
                        return;
                    }
                    continue;
                };
                let page = browser.submit(&page, action, &[]);
                let Some(url) = page.attributes("a#onward", "href").into_iter().next() else {
                    continue;
                };
                let back = registry.world.identity.borrow_mut().agree(&url);
                let page = browser.ask("GET", &back, &[], "");
                // Either all of it is there, or nothing.
                let found = state(registry).len();
                assert!(found == 0 || found == 6, "{:?}", state(registry));
                if page.status() == 303 && is_in() {
                    return;
                }
            }
            panic!("nobody is signed in");
        },
        |registry, calm| {
            assert_eq!(state(registry), state(calm));
            let logins = "select count(*) from logins where provider_id is null";
            assert_eq!(count(registry, logins), 0);
        },
    );
}
