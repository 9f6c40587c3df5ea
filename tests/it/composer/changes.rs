use serde_json::{Value, json};

use super::ROOT;
use crate::support::TestRegistry;
use crate::support::persona::Persona;

const PATH: &str = "/r/acme/main/metadata/changes.json";

fn ask(persona: &Persona<'_>, since: i64) -> Value {
    let path = format!("{PATH}?since={since}");
    persona.get(&path).expect(200).json()
}

/// Type and package of each action.
fn actions(answer: &Value) -> Vec<String> {
    let actions = answer["actions"].as_array().unwrap().iter();
    actions
        .map(|one| {
            let text = |key: &str| one[key].as_str().unwrap().to_owned();
            format!("{} {}", text("type"), text("package"))
        })
        .collect()
}

#[test]
fn a_mirror_begins_with_a_timestamp_and_is_told_what_changed_after() {
    let registry = TestRegistry::imported();
    registry.pass_time(100);
    registry.push(
        "refs/heads/main",
        &json!({"name": "acme/lib", "description": "Another"}),
    );
    registry.deliver_webhook("zero").expect(202);
    registry.run_jobs();
    let admin = registry.admin();
    let root = admin.get(ROOT).json();
    assert_eq!(
        root["metadata-changes-url"],
        json!("https://packages.example.com/r/acme/main/metadata/changes.json")
    );
    for query in ["", "?since=", "?since=soon", "?since=-1"] {
        let answer = admin.get(&format!("{PATH}{query}")).expect(400).json();
        assert!(answer["error"].as_str().unwrap().contains("since"));
        assert!(answer["timestamp"].as_i64().unwrap() > 0);
    }
    let start = admin.get(PATH).json()["timestamp"].as_i64().unwrap();
    let nothing = json!({"actions": [], "timestamp": start});
    assert_eq!(ask(&admin, start), nothing);
    assert_eq!(ask(&admin, start + 1_000_000), nothing);
    registry.pass_time(100);
    registry.push_tag("v1.2.0");
    registry.deliver_webhook("one").expect(202);
    registry.run_jobs();
    registry
        .writer()
        .upload("acme/tool", "1.0.0", "")
        .expect(201);
    let answer = ask(&admin, start);
    assert_eq!(actions(&answer), ["update acme/lib", "update acme/tool"]);
    let next = answer["timestamp"].as_i64().unwrap();
    let times: Vec<_> = (0..2)
        .map(|index| answer["actions"][index]["time"].as_i64().unwrap())
        .collect();
    assert!(start / 10_000 < times[0] && times[0] < times[1] && times[1] == next / 10_000);
    registry.pass_time(100);
    registry.delete_ref("refs/heads/main");
    registry.deliver_webhook("two").expect(202);
    registry.run_jobs();
    assert_eq!(actions(&ask(&admin, next)), ["delete acme/lib~dev"]);
    for git_ref in ["refs/tags/v1.0.0", "refs/tags/v1.1.0", "refs/tags/v1.2.0"] {
        registry.delete_ref(git_ref);
    }
    registry.deliver_webhook("three").expect(202);
    registry.run_jobs();
    assert_eq!(
        actions(&ask(&admin, next)),
        ["delete acme/lib", "delete acme/lib~dev"]
    );
    assert_eq!(
        actions(&ask(&admin, start)),
        ["update acme/tool", "delete acme/lib", "delete acme/lib~dev"]
    );
}

#[test]
fn what_may_not_be_seen_does_not_change() {
    let registry = TestRegistry::imported();
    let reader = registry.reader("other/*");
    registry.pass_time(10);
    // The second of the grant itself counts as before it.
    let granted = (registry.world.now.get() - 10) * 10_000;
    let start = registry.world.now.get() * 10_000;
    registry.pass_time(10);
    for package in ["acme/tool", "other/tool"] {
        registry.writer().upload(package, "1.0.0", "").expect(201);
    }
    assert_eq!(actions(&ask(&reader, start)), ["update other/tool"]);
    assert_eq!(actions(&ask(&reader, granted)), ["resync *"]);
    registry.anonymous().get(PATH).expect(401);
}

#[test]
fn who_asks_for_a_time_that_is_not_known_reads_everything_anew() {
    let registry = TestRegistry::imported();
    assert_eq!(actions(&ask(&registry.admin(), 0)), ["resync *"]);
    // What somebody could see before his token was made is not known.
    let before = registry.world.now.get() * 10_000;
    registry.pass_time(10);
    let reader = registry.reader("acme/*");
    registry.pass_time(10);
    registry
        .writer()
        .upload("acme/tool", "1.0.0", "")
        .expect(201);
    assert_eq!(actions(&ask(&reader, before)), ["resync *"]);
}
