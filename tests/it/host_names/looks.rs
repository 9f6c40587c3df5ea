//! What the DNS says of a host name, and what follows.

use serde_json::{Value, json};

use super::{
    AT, HOST, add_globex, assert_nothing, claim, make_primary, map, remove_records, set_records,
    shown, text, verify,
};
use crate::support::TestRegistry;
use crate::support::dns::Illness;
use crate::support::faults::with_every_fault;

const HOUR: i64 = 60 * 60;

fn detail(value: &Value) -> String {
    text(&value["detail"])
}

/// Lets so many days pass, with the scheduled work every so many hours.
fn days_by(registry: &TestRegistry, days: i64, hours: i64) {
    for _ in 0..days * 24 / hours {
        registry.pass_time(hours * HOUR);
        registry.housekeep();
        registry.run_jobs();
    }
}

fn days(registry: &TestRegistry, days: i64) {
    days_by(registry, days, 6);
}

#[test]
fn only_the_very_text_of_the_claim_verifies() {
    let registry = TestRegistry::imported();
    let claimed = claim(&registry, "acme", HOST, Some("main"));
    let value = text(&claimed["dns"][0]["value"]);
    let name = text(&claimed["dns"][0]["name"]);
    for wrong in [
        &value[..value.len() - 1],
        &format!("{value}0"),
        &value.to_uppercase(),
        "repertoire-verification=",
        "v=spf1 -all",
        "",
    ] {
        registry
            .world
            .dns
            .borrow_mut()
            .set(&name, &["v=spf1 -all", wrong]);
        let answer = verify(&registry, "acme", HOST).expect(409).json();
        assert!(
            detail(&answer).contains(&format!("2 of them, and none says `{value}`")),
            "{answer}"
        );
        let shown = shown(&registry, HOST);
        assert_eq!(shown["state"], "waiting");
        assert_eq!(shown["trouble"], answer["detail"]);
        assert_nothing(&registry.admin().at(AT), "/packages.json");
    }
    registry
        .world
        .dns
        .borrow_mut()
        .set(&name, &["v=spf1 -all", &value]);
    let verified = verify(&registry, "acme", HOST).expect(200).json();
    assert_eq!(verified["state"], "verified");
    assert_eq!(verified["trouble"], json!(null));
    registry.admin().at(AT).get("/packages.json").expect(200);
}

#[test]
fn each_way_to_find_out_nothing_is_told_apart() {
    let registry = TestRegistry::new();
    claim(&registry, "acme", HOST, None);
    let answer = verify(&registry, "acme", HOST).expect(409).json();
    assert!(
        detail(&answer).contains("There is no TXT record at `_repertoire.packages.acme.example`")
    );
    for (illness, words) in [
        (Illness::ServersFail, "failed (SERVFAIL)"),
        (Illness::Forged, "fails validation by DNSSEC"),
        (Illness::Code(5), "refused to answer (REFUSED)"),
        (Illness::Silent, "`cloudflare-dns.com` did not answer"),
        (Illness::Status(503), "answered with status 503"),
        (Illness::Status(400), "answered with status 400"),
        (Illness::Says(b"<html>".to_vec()), "cannot be read"),
        (Illness::Says(vec![b' '; 70_000]), "answered too much"),
    ] {
        registry.world.dns.borrow_mut().illness = Some(illness.clone());
        let answer = verify(&registry, "acme", HOST).expect(502).json();
        assert!(detail(&answer).contains(words), "{illness:?}: {answer}");
        assert_eq!(shown(&registry, HOST)["trouble"], answer["detail"]);
    }
}

#[test]
fn by_hand_the_dns_is_asked_once_in_ten_seconds() {
    let registry = TestRegistry::new();
    claim(&registry, "acme", HOST, None);
    verify(&registry, "acme", HOST).expect(409);
    let path = "/api/v1/orgs/acme/hosts/packages.acme.example/verify";
    for _ in 0..3 {
        let answer = registry
            .admin()
            .send("POST", path, &[], Vec::new())
            .expect(429);
        assert_eq!(answer.header("retry-after"), Some("10"));
    }
    assert_eq!(registry.world.dns.borrow().asked.len(), 1);
    verify(&registry, "acme", HOST).expect(409);
    assert_eq!(registry.world.dns.borrow().asked.len(), 2);
}

#[test]
fn a_claim_is_looked_for_with_growing_pauses_and_verified_by_itself() {
    let registry = TestRegistry::new();
    let claimed = claim(&registry, "acme", HOST, Some("main"));
    days_by(&registry, 3, 1);
    let looks = registry.world.dns.borrow().asked.len();
    // Hourly at first, then every six hours.
    assert!((12..40).contains(&looks), "{looks}");
    set_records(&registry, &[&claimed]);
    days(&registry, 1);
    assert_eq!(shown(&registry, HOST)["state"], "verified");
    registry.admin().at(AT).get("/packages.json").expect(200);
}

#[test]
fn a_claim_is_given_up_after_two_weeks_and_taken_up_by_hand() {
    let registry = TestRegistry::new();
    let claimed = claim(&registry, "acme", HOST, None);
    days(&registry, 16);
    let given_up = shown(&registry, HOST);
    assert_eq!(given_up["state"], "given_up");
    assert_eq!(given_up["next_look_at"], json!(null));
    assert!(
        text(&given_up["trouble"]).starts_with("Given up after 14 days. There is no TXT record")
    );
    let looks = registry.world.dns.borrow().asked.len();
    days(&registry, 2);
    assert_eq!(registry.world.dns.borrow().asked.len(), looks);
    // Who asks begins anew.
    verify(&registry, "acme", HOST).expect(409);
    assert_eq!(shown(&registry, HOST)["state"], "waiting");
    set_records(&registry, &[&claimed]);
    days(&registry, 1);
    assert_eq!(shown(&registry, HOST)["state"], "verified");
}

#[test]
fn a_record_that_is_gone_for_a_week_takes_the_host_along_and_says_so() {
    let registry = TestRegistry::imported();
    let claimed = map(&registry, HOST, Some("main"));
    make_primary(&registry, HOST, true);
    let dist = |registry: &TestRegistry| {
        let versions = registry.composer_metadata("acme/lib");
        text(&versions[0]["dist"]["url"])
    };
    assert!(dist(&registry).starts_with(AT));
    remove_records(&registry, HOST);
    days(&registry, 6);
    // A bad week of a resolver is no reason to let go.
    let missing = shown(&registry, HOST);
    assert_eq!(missing["state"], "verified");
    assert!(missing["missing_since"].is_string());
    assert!(text(&missing["trouble"]).contains("There is no TXT record"));
    registry.admin().at(AT).get("/packages.json").expect(200);
    days(&registry, 3);
    let lost = shown(&registry, HOST);
    assert_eq!(lost["state"], "waiting");
    assert!(lost["lost_at"].is_string());
    assert_eq!(lost["primary"], false);
    assert_nothing(&registry.admin().at(AT), "/packages.json");
    let lines = registry
        .admin()
        .get("/api/v1/orgs/acme/audit?action=host.lost");
    let line = lines.expect(200).json()["lines"][0].clone();
    assert!(
        text(&line["after"]["trouble"]).contains("It answers nothing any more"),
        "{line}"
    );
    assert_eq!(line["actor"]["name"], "housekeeping");
    // Documents carry an address that answers.
    assert!(dist(&registry).starts_with("https://packages.example.com/r/acme/main/dist/"));
    // It comes back as it came.
    set_records(&registry, &[&claimed]);
    days(&registry, 1);
    assert_eq!(shown(&registry, HOST)["state"], "verified");
    assert_eq!(shown(&registry, HOST)["primary"], false);
}

#[test]
fn a_record_that_comes_back_starts_the_week_anew_and_servers_that_fail_count_for_nothing() {
    let registry = TestRegistry::new();
    let claimed = map(&registry, HOST, None);
    for _ in 0..3 {
        remove_records(&registry, HOST);
        days(&registry, 5);
        set_records(&registry, &[&claimed]);
        days(&registry, 2);
        assert_eq!(shown(&registry, HOST)["missing_since"], json!(null));
    }
    registry.world.dns.borrow_mut().illness = Some(Illness::ServersFail);
    days(&registry, 20);
    let shown = shown(&registry, HOST);
    assert_eq!(shown["state"], "verified");
    assert!(text(&shown["trouble"]).contains("SERVFAIL"));
}

#[test]
fn a_verified_host_is_looked_at_once_a_day() {
    let registry = TestRegistry::new();
    map(&registry, HOST, None);
    let before = registry.world.dns.borrow().asked.len();
    days(&registry, 10);
    let looks = registry.world.dns.borrow().asked.len() - before;
    assert!((9..=10).contains(&looks), "{looks}");
}

#[test]
fn of_two_who_claim_a_name_it_is_the_ones_who_proves_it() {
    let registry = TestRegistry::imported();
    let theirs = add_globex(&registry);
    let ours = claim(&registry, "acme", HOST, Some("main"));
    let other = claim(&registry, "globex", HOST, Some("main"));
    set_records(&registry, &[&other]);
    verify(&registry, "acme", HOST).expect(409);
    verify(&registry, "globex", HOST).expect(200);
    registry
        .with_token(&theirs)
        .at(AT)
        .get("/packages.json")
        .expect(200);
    registry.admin().at(AT).get("/packages.json").expect(200);
    assert_eq!(shown(&registry, HOST)["state"], "waiting");
    let _ = ours;
}

#[test]
fn nobody_is_ousted_while_his_record_is_there() {
    let registry = TestRegistry::imported();
    add_globex(&registry);
    let ours = map(&registry, HOST, Some("main"));
    make_primary(&registry, HOST, true);
    let other = claim(&registry, "globex", HOST, Some("main"));
    // Beside ours theirs does nothing, however often it is looked at.
    set_records(&registry, &[&ours, &other]);
    let answer = verify(&registry, "globex", HOST).expect(409).json();
    assert!(detail(&answer).contains(&format!(
        "`{}` is still there",
        text(&ours["dns"][0]["value"])
    )));
    days(&registry, 2);
    assert_eq!(shown(&registry, HOST)["state"], "verified");
    // In its place it takes the host over, with one answer of the DNS.
    set_records(&registry, &[&other]);
    verify(&registry, "globex", HOST).expect(200);
    registry.run_jobs();
    let lost = shown(&registry, HOST);
    assert_eq!(lost["state"], "given_up");
    assert_eq!(lost["primary"], false);
    assert!(text(&lost["trouble"]).contains("Somebody else proved that this host name is theirs"));
    let versions = registry.composer_metadata("acme/lib");
    assert!(text(&versions[0]["dist"]["url"]).starts_with("https://packages.example.com/"));
    // And back the same way.
    set_records(&registry, &[&ours]);
    verify(&registry, "acme", HOST).expect(200);
    let holders = registry
        .world
        .sqlite
        .texts("select o.slug from host_names h join organisations o on o.id = h.organisation_id where verified_at is not null");
    assert_eq!(holders, ["acme"]);
}

#[test]
fn a_takeover_comes_to_the_same_end_whatever_fails() {
    with_every_fault(
        || {
            let registry = TestRegistry::imported();
            add_globex(&registry);
            map(&registry, HOST, Some("main"));
            make_primary(&registry, HOST, true);
            let other = claim(&registry, "globex", HOST, Some("main"));
            set_records(&registry, &[&other]);
            registry
        },
        |registry| {
            for _ in 0..3 {
                if verify(registry, "globex", HOST).status() == 200 {
                    break;
                }
            }
            registry.run_jobs();
            let sqlite = &registry.world.sqlite;
            let carried = "select count(*) from repositories where published_address like '%packages.acme.example'";
            while sqlite.texts(carried) != ["0"] {
                registry.pass_time(HOUR);
                registry.housekeep();
                registry.run_jobs();
            }
        },
        |registry, _| {
            let states = registry.world.sqlite.texts(
                "select o.slug || ' ' || (h.verified_at is not null) || ' ' || h.is_primary
                 from host_names h join organisations o on o.id = h.organisation_id order by 1",
            );
            assert_eq!(states, ["acme 0 0", "globex 1 0"]);
            let addresses = registry.world.sqlite.texts(
                "select published_address from repositories where published_address is not null",
            );
            assert_eq!(addresses, ["https://packages.example.com/r/acme/main"]);
        },
    );
}
