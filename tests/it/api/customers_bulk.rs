//! A shop's whole list at once.

use serde_json::{Value, json};

use super::customers::refused;
use crate::support::TestRegistry;
use crate::support::faults::with_every_fault;
use crate::support::persona::Answer;
use crate::support::shop::{Buyer, seen};
use crate::support::world::Port;

fn put(registry: &TestRegistry, what: &str, body: &Value) -> Answer {
    let path = format!("/api/v1/orgs/acme/{what}/bulk");
    registry
        .admin()
        .send("PUT", &path, &[], body.to_string().into_bytes())
}

fn results(answer: &Value) -> Vec<String> {
    let results = answer["results"].as_array().unwrap().iter();
    results
        .map(|one| {
            format!(
                "{} {}",
                one["external_id"].as_str().unwrap_or("-"),
                one["result"].as_str().unwrap()
            )
        })
        .collect()
}

fn states(registry: &TestRegistry) -> Vec<String> {
    registry.world.sqlite.texts(
        "select external_id || ' ' || name || ' ' || state || ' ' || coalesce(state_reason, '-') from customers order by external_id",
    )
}

#[test]
fn a_list_is_taken_over_and_sent_again_changes_nothing() {
    let registry = TestRegistry::shop();
    let list = json!({"customers": [
        {"external_id": "1", "name": "Ada"},
        {"external_id": "2", "name": "Bob", "state": "frozen"},
    ]});
    let first = put(&registry, "customers", &list).expect(200).json();
    assert_eq!(results(&first), ["1 created", "2 created"]);
    registry.pass_time(60);
    let before = registry.world.sqlite.changes();
    let second = put(&registry, "customers", &list).expect(200).json();
    assert_eq!(results(&second), ["1 unchanged", "2 unchanged"]);
    assert_eq!(registry.world.sqlite.changes(), before);
    let list = json!({"customers": [{"external_id": "2", "name": "Bob", "state": "active"}, {"external_id": "3", "name": "Cy"}]});
    let third = put(&registry, "customers", &list).expect(200).json();
    assert_eq!(results(&third), ["2 updated", "3 created"]);
    assert_eq!(
        states(&registry),
        ["1 Ada active -", "2 Bob active -", "3 Cy active -"]
    );
}

#[test]
fn who_is_missing_is_suspended_when_that_is_said() {
    let registry = TestRegistry::shop();
    let all = json!({"customers": [{"external_id": "1", "name": "Ada"}, {"external_id": "2", "name": "Bob"}]});
    put(&registry, "customers", &all).expect(200);
    registry.make("customers", &json!({"name": "By hand"}));
    let less = json!({"customers": [{"external_id": "2", "name": "Bob"}], "missing": "suspend", "missing_reason": "Cancelled"});
    let answer = put(&registry, "customers", &less).expect(200).json();
    assert_eq!(answer["suspended"], json!(["1"]));
    assert_eq!(
        states(&registry)[1..],
        ["1 Ada suspended Cancelled", "2 Bob active -"]
    );
    let by_hand = registry
        .world
        .sqlite
        .texts("select state from customers where external_id is null");
    assert_eq!(by_hand, ["active"]);
    assert_eq!(
        put(&registry, "customers", &less).expect(200).json()["suspended"],
        json!([])
    );
    // What could suspend the wrong ones is refused.
    for (entries, field) in [
        (json!([]), "/customers"),
        (json!([{"name": "Nameless"}]), "/customers/0/external_id"),
        (
            json!([{"external_id": "1", "name": "A"}, {"external_id": "1", "name": "B"}]),
            "/customers/1/external_id",
        ),
    ] {
        let body = json!({"customers": entries, "missing": "suspend", "on_error": "skip"});
        assert_eq!(
            refused(&put(&registry, "customers", &body).expect(422).json()),
            [field]
        );
    }
}

#[test]
fn what_is_wrong_is_told_by_entry_and_refuses_all_or_is_skipped() {
    let registry = TestRegistry::shop();
    let entries = json!([
        {"external_id": "1", "name": "Ada"},
        {"external_id": "2", "name": "", "email": "x"},
        {"name": "Nameless"},
        {"external_id": "1", "name": "Again"},
    ]);
    let answer = put(&registry, "customers", &json!({"customers": entries}))
        .expect(422)
        .json();
    assert_eq!(
        refused(&answer),
        [
            "/customers/1/name",
            "/customers/1/email",
            "/customers/2/external_id",
            "/customers/3/external_id"
        ]
    );
    assert_eq!(states(&registry), Vec::<String>::new());
    let answer = put(
        &registry,
        "customers",
        &json!({"customers": entries, "on_error": "skip"}),
    )
    .expect(200)
    .json();
    assert_eq!(
        results(&answer),
        ["1 created", "2 refused", "- refused", "1 refused"]
    );
    assert_eq!(answer["results"][1]["errors"][0]["field"], "/name");
    assert_eq!(states(&registry), ["1 Ada active -"]);
}

#[test]
fn grants_come_in_a_list_as_well() {
    let registry = TestRegistry::shop();
    put(
        &registry,
        "customers",
        &json!({"customers": [{"external_id": "1", "name": "Ada"}]}),
    )
    .expect(200);
    let entry = |versions: &str| json!({"external_id": "o1", "subject": {"customer_external_id": "1"}, "packages": ["acme/*"], "versions": versions});
    let wrong = json!({"external_id": "o2", "subject": {"customer_external_id": "9"}, "packages": ["acme/*"]});
    let list = json!({"grants": [entry("^1.0"), wrong], "on_error": "skip"});
    let answer = put(&registry, "grants", &list).expect(200).json();
    assert_eq!(results(&answer), ["o1 created", "o2 refused"]);
    assert_eq!(
        answer["results"][1]["errors"][0]["field"],
        "/subject/customer_external_id"
    );
    assert_eq!(
        results(&put(&registry, "grants", &list).expect(200).json()),
        ["o1 unchanged", "o2 refused"]
    );
    registry.pass_time(60);
    let answer = put(&registry, "grants", &json!({"grants": [entry("^2.0")]}))
        .expect(200)
        .json();
    assert_eq!(results(&answer), ["o1 updated"]);
    let moved = registry
        .world
        .sqlite
        .texts("select grant_changed_at from customers")
        .remove(0);
    assert_eq!(moved, registry.world.now.get().to_string());
    assert_eq!(
        registry.world.sqlite.texts("select versions from grants"),
        ["^2.0"]
    );
    put(
        &registry,
        "grants",
        &json!({"grants": [], "missing": "suspend"}),
    )
    .expect(422);
}

/// Name and end of each grant.
fn grants(registry: &TestRegistry) -> Vec<String> {
    registry.world.sqlite.texts(
        "select coalesce(external_id, '-') || ' ' || coalesce(expires_at, 'open') from grants order by external_id",
    )
}

/// `lib` is granted to a buyer as `o1`, `tool` as `o2`, and by hand once more.
fn granted() -> (TestRegistry, Buyer) {
    let registry = TestRegistry::shop();
    let buyer = registry.buyer(&json!({"name": "Ada", "external_id": "1"}));
    let list = json!({"grants": [order("o1", "acme/lib"), order("o2", "acme/tool")]});
    put(&registry, "grants", &list).expect(200);
    registry.grant(
        &buyer,
        &json!({"packages": ["other/secret"], "versions": "^9.0"}),
    );
    (registry, buyer)
}

fn order(id: &str, package: &str) -> Value {
    json!({"external_id": id, "subject": {"customer_external_id": "1"}, "packages": [package]})
}

#[test]
fn what_is_missing_ends_or_is_taken_back_when_that_is_said() {
    for (missing, left) in [("end", true), ("remove", false)] {
        let (registry, buyer) = granted();
        let sees = |package: &str| {
            registry.pass_time(10);
            !seen(&registry.with_token(&buyer.token), package).is_empty()
        };
        assert!(sees("acme/lib") && sees("acme/tool"));
        let kept = json!({"grants": [order("o2", "acme/tool")]});
        put(&registry, "grants", &kept).expect(200);
        assert!(sees("acme/lib"), "without a word nothing ends");
        let mut less = kept.clone();
        less["missing"] = missing.into();
        let answer = put(&registry, "grants", &less).expect(200).json();
        assert_eq!(results(&answer), ["o2 unchanged"]);
        let field = if left { "ended" } else { "removed" };
        assert_eq!(answer[field], json!(["o1"]));
        assert!(!sees("acme/lib") && sees("acme/tool"));
        let found: Vec<_> = grants(&registry)
            .iter()
            .map(|one| one[..2].to_owned())
            .collect();
        assert_eq!(found.contains(&"o1".to_owned()), left);
        assert_eq!(found[0], "- ", "what was granted by hand stays");
        // Said again it changes nothing.
        let before = registry.world.sqlite.changes();
        let again = put(&registry, "grants", &less).expect(200).json();
        assert_eq!(again[field], json!([]));
        assert_eq!(registry.world.sqlite.changes(), before);
        // Who comes back is there again.
        let mut back = order("o1", "acme/lib");
        back["expires_at"] = Value::Null;
        let list = json!({"grants": [back, order("o2", "acme/tool")], "missing": missing});
        put(&registry, "grants", &list).expect(200);
        assert!(sees("acme/lib"));
        // What could end the wrong ones is refused.
        for (entries, field) in [
            (json!([]), "/grants"),
            (
                json!([{"subject": {"customer_external_id": "1"}, "packages": ["acme/*"]}]),
                "/grants/0/external_id",
            ),
        ] {
            let body = json!({"grants": entries, "missing": missing, "on_error": "skip"});
            let answer = put(&registry, "grants", &body).expect(422).json();
            assert_eq!(refused(&answer), [field]);
        }
        let customers = json!({"customers": [], "missing": missing});
        put(&registry, "customers", &customers).expect(422);
    }
}

#[test]
fn a_grant_that_ends_by_its_absence_keeps_what_it_was_to_keep() {
    let registry = TestRegistry::shop();
    let buyer = registry.buyer(&json!({"name": "Ada", "external_id": "1"}));
    let mut keeping = order("o1", "acme/lib");
    keeping["keeps"] = true.into();
    let list = json!({"grants": [keeping, order("o2", "acme/tool")]});
    put(&registry, "grants", &list).expect(200);
    let less = json!({"grants": [order("o2", "acme/tool")], "missing": "end"});
    put(&registry, "grants", &less).expect(200);
    registry.pass_time(60);
    registry
        .writer()
        .upload("acme/lib", "4.0.0", "4")
        .expect(201);
    registry.run_jobs();
    registry.pass_time(10);
    let versions = seen(&registry.with_token(&buyer.token), "acme/lib");
    assert_eq!(versions[0], "3.0.0");
}

#[test]
fn a_list_of_grants_comes_to_the_same_end_whatever_fails() {
    for missing in ["end", "remove"] {
        let list =
            json!({"grants": [order("o2", "acme/*"), order("o3", "acme/lib")], "missing": missing});
        with_every_fault(
            || granted().0,
            |registry| {
                if put(registry, "grants", &list).status() != 200 {
                    put(registry, "grants", &list).expect(200);
                }
            },
            |registry, calm| assert_eq!(grants(registry), grants(calm)),
        );
    }
}

#[test]
fn a_thousand_entries_take_a_handful_of_statements() {
    let registry = TestRegistry::shop();
    let entries: Vec<_> = (0..1_000).map(|number| json!({"external_id": number.to_string(), "name": "A", "email": "a@b.example"})).collect();
    registry.world.forget_calls();
    put(
        &registry,
        "customers",
        &json!({"customers": entries, "missing": "suspend"}),
    )
    .expect(200);
    // Who asks, the organisation, who is known, who is missing, and one batch.
    assert!(
        registry.world.calls(Port::Db) <= 5,
        "{}",
        registry.world.calls(Port::Db)
    );
    let mut more = entries;
    more.push(json!({"external_id": "1001", "name": "A"}));
    let answer = put(&registry, "customers", &json!({"customers": more}))
        .expect(422)
        .json();
    assert_eq!(refused(&answer), ["/customers"]);
}

#[test]
fn a_list_comes_to_the_same_end_whatever_fails() {
    let list = json!({"customers": [{"external_id": "1", "name": "Ada"}, {"external_id": "2", "name": "Bob"}], "missing": "suspend"});
    with_every_fault(
        || {
            let registry = TestRegistry::new();
            let known = json!({"customers": [{"external_id": "0", "name": "Gone"}, {"external_id": "2", "name": "Rob"}]});
            put(&registry, "customers", &known).expect(200);
            registry
        },
        |registry| {
            for _ in 0..2 {
                if put(registry, "customers", &list).status() == 200 {
                    return;
                }
            }
            panic!("it failed twice");
        },
        |registry, calm| assert_eq!(states(registry), states(calm)),
    );
}
