//! Bad credentials are counted by address; good ones are never held up.

use serde_json::json;

use crate::support::TestRegistry;
use crate::support::world::{Fault, Flavour};

const TAGGED: &str = "/r/acme/main/p2/acme/lib.json";
const OFFICE: &str = "192.0.2.1";

#[test]
fn above_the_limit_a_bad_credential_waits_and_a_good_one_does_not() {
    let registry = TestRegistry::imported();
    registry.world.bad_credentials.set(3);
    let bad = registry.with_token("unknown-token");
    let from = |address| bad.get_with(TAGGED, "cf-connecting-ip", address);
    for _ in 0..3 {
        from(OFFICE).expect(401);
    }
    let refused = from(OFFICE).expect(429);
    assert_eq!(refused.header("retry-after"), Some("60"));
    let warning = refused.json()["warning"].as_str().unwrap().to_owned();
    assert!(warning.contains("Too many requests with bad credentials"));
    // A colleague in the same office, and anybody elsewhere.
    registry
        .admin()
        .get_with(TAGGED, "cf-connecting-ip", OFFICE)
        .expect(200);
    from("192.0.2.2").expect(401);
}

#[test]
fn a_fleet_with_a_good_token_and_whoever_sends_none_are_not_counted() {
    let registry = TestRegistry::imported();
    registry.world.bad_credentials.set(0);
    for _ in 0..600 {
        registry
            .admin()
            .get_with(TAGGED, "cf-connecting-ip", OFFICE)
            .expect(200);
    }
    registry
        .anonymous()
        .get_with(TAGGED, "cf-connecting-ip", OFFICE)
        .expect(401);
    // A good one that may not see something is good as well.
    registry
        .reader("other/*")
        .get_with(TAGGED, "cf-connecting-ip", OFFICE)
        .expect(404);
    assert!(registry.world.counted.borrow().is_empty());
}

#[test]
fn every_way_in_counts_together() {
    let registry = TestRegistry::imported();
    registry.world.bad_credentials.set(0);
    let headers = [("cf-connecting-ip", "2001:db8:1:2::7".to_owned())];
    for (method, path, token, body) in [
        ("GET", TAGGED, "rptd_mistyped", json!({})),
        ("GET", "/api/v1/token", "unknown-token", json!({})),
        ("GET", "/api/v1/orgs", "rptp_mistyped", json!({})),
        ("POST", "/api/v1/setup", "guessed", json!({})),
        ("GET", "/api/v1/invitation", "guessed", json!({})),
        (
            "POST",
            "/api/v1/invitations/accept",
            "guessed",
            json!({"token": "rpti_x", "name": "Eve"}),
        ),
    ] {
        registry
            .with_token(token)
            .send(method, path, &headers, body.to_string().into_bytes())
            .expect(429);
    }
    let counted = registry.world.counted.borrow();
    assert_eq!(counted["2001:db8:1:2::/64"], 6);
    assert_eq!(counted.len(), 1);
}

#[test]
fn a_count_that_fails_lets_nobody_in_and_nobody_wait() {
    let registry = TestRegistry::imported();
    registry.world.plan_fault(Some(Fault {
        call: 0,
        flavour: Flavour::Before,
    }));
    registry
        .with_token("rptd_mistyped")
        .get_with(TAGGED, "cf-connecting-ip", OFFICE)
        .expect(401);
    assert!(registry.world.warnings()[0].contains("could not be counted"));
}
