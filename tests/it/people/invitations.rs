use repertoire::domain::token::{TokenHash, is_mistyped};
use serde_json::{Value, json};

use super::{ORG, accept, delete, join, text};
use crate::support::TestRegistry;
use crate::support::faults::with_every_fault;

const ACCEPT: &str = "/api/v1/invitations/accept";

fn invite(registry: &TestRegistry, asked: &Value) -> Value {
    let answer = registry.admin().post(&format!("{ORG}/invitations"), asked);
    answer.expect(201).json()
}

#[test]
fn a_link_is_shown_once_and_has_its_secret_where_no_log_sees_it() {
    let registry = TestRegistry::new();
    let made = invite(
        &registry,
        &json!({"email": "Ada@Example.com", "role": "member"}),
    );
    let secret = text(&made["token"]);
    assert!(secret.starts_with("rpti_") && !is_mistyped(&secret));
    assert_eq!(
        made["link"],
        json!(format!(
            "https://packages.example.com/ui/invitation#{secret}"
        ))
    );
    assert_eq!(made["email"], "ada@example.com");
    let stored = registry.world.sqlite.texts("select hash from invitations");
    assert_eq!(stored, [TokenHash::of(&secret).as_str()]);
    let listed = registry
        .admin()
        .get(&format!("{ORG}/invitations"))
        .expect(200);
    assert!(!String::from_utf8(listed.bytes()).unwrap().contains(&secret));
    assert_eq!(listed.json()["invitations"][0]["state"], "open");
}

#[test]
fn who_has_the_link_sees_what_it_is_to_and_nothing_else() {
    let registry = TestRegistry::new();
    let made = invite(
        &registry,
        &json!({"email": "ada@example.com", "role": "auditor"}),
    );
    let guest = registry.with_token(made["token"].as_str().unwrap());
    let shown = guest.get("/api/v1/invitation").expect(200).json();
    assert_eq!(
        shown,
        json!({
            "organisation": {"slug": "acme", "name": "acme"}, "email": "ada@example.com", "role": "auditor",
            "state": "open", "expires_at": made["expires_at"],
        })
    );
    guest.get("/r/acme/main/packages.json").expect(401);
    guest.get("/api/v1/token").expect(401);
    guest.get(&format!("{ORG}/members")).expect(401);
    registry.anonymous().get("/api/v1/invitation").expect(401);
    registry.admin().get("/api/v1/invitation").expect(401);
}

#[test]
fn an_invitation_makes_a_member_once() {
    let registry = TestRegistry::imported();
    let made = invite(
        &registry,
        &json!({"email": "ada@example.com", "role": "maintainer"}),
    );
    let secret = text(&made["token"]);
    let accepted = accept(&registry, &secret, "Ada");
    assert_eq!(accepted["role"], "maintainer");
    let token = text(&accepted["token"]);
    assert!(token.starts_with("rptp_") && !is_mistyped(&token));
    let own = registry.with_token(&token).get("/api/v1/token").json();
    assert_eq!(own["kind"], "personal");
    assert_eq!(own["person"]["name"], "Ada");
    assert_eq!(own["person"]["role"], "maintainer");
    assert_eq!(own["organisation"]["slug"], "acme");
    let again = json!({"token": secret, "name": "Eve"});
    let refused = registry.anonymous().post(ACCEPT, &again).expect(409).json();
    assert!(text(&refused["detail"]).contains("used already"));
    let listed = registry.admin().get(&format!("{ORG}/members")).json();
    assert_eq!(listed["members"].as_array().unwrap().len(), 1);
    let listed = registry.admin().get(&format!("{ORG}/invitations")).json();
    assert_eq!(listed["invitations"][0]["state"], "accepted");
    assert_eq!(listed["invitations"][0]["member"], accepted["member"]);
}

#[test]
fn an_invitation_ends() {
    let registry = TestRegistry::new();
    let asked = json!({"email": "ada@example.com", "role": "member", "expires_in": 3600});
    let made = invite(&registry, &asked);
    let late = json!({"token": made["token"], "name": "Ada"});
    registry.pass_time(3_600);
    let refused = registry.anonymous().post(ACCEPT, &late).expect(409).json();
    assert!(text(&refused["detail"]).contains("expired"));
    let made = invite(&registry, &asked);
    let path = format!("{ORG}/invitations/{}", text(&made["id"]));
    delete(&registry.admin(), &path).expect(204);
    delete(&registry.admin(), &path).expect(404);
    let late = json!({"token": made["token"], "name": "Ada"});
    let refused = registry.anonymous().post(ACCEPT, &late).expect(409).json();
    assert!(text(&refused["detail"]).contains("withdrawn"));
    let unknown = json!({"token": "rpti_unknown", "name": "Ada"});
    registry.anonymous().post(ACCEPT, &unknown).expect(401);
    assert_eq!(
        registry.world.sqlite.texts("select email from accounts"),
        Vec::<String>::new()
    );
}

#[test]
fn an_invitation_that_makes_no_sense_is_refused() {
    let registry = TestRegistry::new();
    for asked in [
        json!({"email": "ada", "role": "member"}),
        json!({"email": "ada@example.com"}),
        json!({"email": "ada@example.com", "role": "king"}),
        json!({"email": "ada@example.com", "role": "member", "teams": ["none"]}),
        json!({"email": "ada@example.com", "role": "member", "expires_in": 60}),
        json!({"email": "ada@example.com", "role": "member", "expires_in": 31 * 86_400}),
        json!({"email": "ada@example.com", "role": "member", "colour": "red"}),
    ] {
        let path = format!("{ORG}/invitations");
        registry.admin().post(&path, &asked).expect(422);
    }
    let made = invite(
        &registry,
        &json!({"email": "ada@example.com", "role": "member"}),
    );
    for name in ["", " ", "a\nb"] {
        let asked = json!({"token": made["token"], "name": name});
        registry.anonymous().post(ACCEPT, &asked).expect(422);
    }
}

#[test]
fn a_lost_token_is_replaced_by_an_invitation_as_what_one_is() {
    let registry = TestRegistry::new();
    join(&registry, "owner@example.com", "owner");
    let ada = join(&registry, "ada@example.com", "maintainer");
    let again = join(&registry, "ada@example.com", "maintainer");
    assert_eq!(again.account, ada.account);
    registry
        .with_token(&again.token)
        .get("/api/v1/token")
        .expect(200);
    // As something else it is none: a link would let whoever sends it act as somebody mightier.
    let path = format!("{ORG}/invitations");
    let asked = json!({"email": "owner@example.com", "role": "admin"});
    registry.admin().post(&path, &asked).expect(409);
    // Neither does it when the role rose after the link was made.
    let made = invite(
        &registry,
        &json!({"email": "ada@example.com", "role": "maintainer"}),
    );
    let member = format!("{ORG}/members/{}", ada.account);
    registry
        .admin()
        .patch(&member, &json!({"role": "owner"}))
        .expect(200);
    let asked = json!({"token": made["token"], "name": "Eve"});
    let refused = registry.anonymous().post(ACCEPT, &asked).expect(409).json();
    assert!(text(&refused["detail"]).contains("a member already"));
    let tokens = registry
        .world
        .sqlite
        .texts("select id from tokens where kind = 'personal'");
    assert_eq!(tokens.len(), 3);
}

#[test]
fn whatever_fails_nobody_is_half_a_member() {
    with_every_fault(
        || {
            let registry = TestRegistry::new();
            let made = invite(
                &registry,
                &json!({"email": "ada@example.com", "role": "maintainer"}),
            );
            *registry.token.borrow_mut() = text(&made["token"]);
            registry
        },
        |registry| {
            let secret = registry.token.borrow().clone();
            let asked = json!({"token": secret, "name": "Ada"});
            let first = registry.anonymous().post(ACCEPT, &asked).status();
            if first != 201 {
                // The answer is lost, be it that it was done: another link does it in any case.
                assert_eq!(first, 500);
                let asked = json!({"email": "ada@example.com", "role": "maintainer"});
                let made = invite(registry, &asked);
                accept(registry, made["token"].as_str().unwrap(), "Ada");
            }
        },
        |registry, _| {
            let sqlite = &registry.world.sqlite;
            assert_eq!(
                sqlite.texts("select email from accounts"),
                ["ada@example.com"]
            );
            assert_eq!(sqlite.texts("select role from members"), ["maintainer"]);
            let orphans = sqlite.texts(
                "select id from tokens t where kind = 'personal' and not exists (
                     select 1 from invitations i where i.token_id = t.id and i.accepted_at is not null)",
            );
            assert_eq!(orphans, Vec::<String>::new());
        },
    );
}
