//! The list of deliveries: what came, what became of it, and running it once more.

use serde_json::{Value, json};

use crate::support::faults::with_every_fault;
use crate::support::{PACKAGE, PROJECT, TestRegistry};

const DELIVERIES: &str = "/api/v1/orgs/acme/deliveries";

fn list(registry: &TestRegistry, query: &str) -> Value {
    let path = format!("{DELIVERIES}{query}");
    registry.admin().get(&path).expect(200).json()
}

fn newest(registry: &TestRegistry) -> Value {
    list(registry, "")["deliveries"][0].clone()
}

fn replay(registry: &TestRegistry, delivery: &Value) -> crate::support::persona::Answer {
    let path = format!("{DELIVERIES}/{}/replay", delivery["id"]);
    registry.admin().send("POST", &path, &[], Vec::new())
}

fn forge(registry: &TestRegistry, connection: &str) {
    let path = format!("/hooks/{connection}");
    let headers = [("x-github-delivery", "x".to_owned())];
    registry
        .anonymous()
        .send("POST", &path, &headers, b"{}".to_vec())
        .expect(401);
}

#[test]
fn a_delivery_tells_what_became_of_it_and_is_run_once_more() {
    let registry = TestRegistry::imported();
    registry
        .tell_of_push(41, PROJECT, "guid-1")
        .remove(0)
        .expect(202);
    let delivery = newest(&registry);
    assert_eq!(delivery["delivery"], "guid-1");
    assert_eq!(delivery["verdict"], "accepted");
    assert_eq!(delivery["project"], PROJECT);
    assert_eq!(delivery["projects"][0]["job"]["state"], "queued");
    registry.run_jobs();
    assert_eq!(newest(&registry)["projects"][0]["job"]["state"], "done");

    registry.push_tag("v1.2.0");
    let heard = registry.shown(PACKAGE)["project"]["last_heard_at"].clone();
    registry.pass_time(60);
    let answer = replay(&registry, &delivery).expect(202).json();
    let job = answer["job"]["id"].as_str().unwrap().to_owned();
    assert_eq!(answer["job"]["state"], "queued");
    assert_eq!(answer["jobs"], json!([answer["job"]]));
    assert_eq!(newest(&registry)["job"], job.as_str());
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(registry.versions(PACKAGE)[0], "v1.2.0");
    let path = format!("/api/v1/orgs/acme/jobs/{job}");
    let job = registry.admin().get(&path).json();
    assert_eq!(job["cause"], "webhook push (replayed)");
    // Nothing was heard of the host.
    assert_eq!(registry.shown(PACKAGE)["project"]["last_heard_at"], heard);
    let path = format!("{DELIVERIES}/{}", delivery["id"]);
    assert_eq!(
        registry.admin().get(&path).expect(200).json(),
        newest(&registry)
    );
}

#[test]
fn a_replay_comes_to_the_same_end_whatever_fails() {
    let prepare = || {
        let registry = TestRegistry::imported();
        registry
            .tell_of_push(41, PROJECT, "1")
            .remove(0)
            .expect(202);
        registry.run_jobs();
        registry.push_tag("v1.2.0");
        registry
    };
    let play = |registry: &TestRegistry| {
        let delivery = json!({"id": 1});
        if replay(registry, &delivery).status() != 202 {
            replay(registry, &delivery).expect(202);
        }
        registry.run_jobs();
        registry.pass_time(200);
        registry.housekeep();
        registry.run_jobs();
    };
    with_every_fault(prepare, play, |registry, calm| {
        registry.assert_settled();
        assert_eq!(registry.contents(), calm.contents());
        assert_eq!(registry.versions(PACKAGE)[0], "v1.2.0");
    });
}

#[test]
fn what_came_before_its_package_is_run_once_the_package_is_there() {
    let registry = TestRegistry::new();
    registry.make_project();
    let (connection, _) = registry.connect();
    let secret = registry
        .world
        .sqlite
        .texts("select sealed_webhook_secret from connections");
    assert_eq!(secret.len(), 1);
    registry.deliver_webhook("1").expect(202);
    let delivery = newest(&registry);
    assert_eq!(delivery["verdict"], "ignored");
    let refused = replay(&registry, &delivery).expect(409).json();
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("No package here is synced"), "{detail}");
    let asked = json!({"connection": connection, "project": PROJECT, "repository": "main"});
    registry
        .admin()
        .post("/api/v1/orgs/acme/packages", &asked)
        .expect(202);
    registry.run_jobs();
    replay(&registry, &delivery).expect(202);
    registry.run_jobs();
    assert_eq!(newest(&registry)["verdict"], "accepted");
}

#[test]
fn what_was_refused_is_seen_in_one_row_an_hour() {
    let registry = TestRegistry::imported();
    let (other, _) = registry.connect();
    let connection = registry
        .world
        .sqlite
        .texts("select connection_id from git_repos")
        .remove(0);
    registry.world.forget_calls();
    for _ in 0..50 {
        forge(&registry, &connection);
    }
    let writes = registry.world.calls(crate::support::world::Port::Db);
    assert!(writes <= 2, "{writes}: strangers keep the database busy");
    registry.pass_time(10);
    forge(&registry, &connection);
    forge(&registry, &other);
    let listed = list(&registry, &format!("?connection={connection}"));
    let rows = listed["deliveries"].as_array().unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["verdict"], "refused");
    assert_eq!(rows[0]["times"], 51);
    let detail = rows[0]["detail"].as_str().unwrap();
    assert!(detail.contains("signature is missing"), "{detail}");
    let heard = registry.world.sqlite.texts(
        "select coalesce(last_heard_at, 'never') from connections where last_heard_at is not null",
    );
    assert_eq!(heard, Vec::<String>::new(), "a stranger is not the host");
    replay(&registry, &rows[0]).expect(409);
    registry.pass_time(3_600);
    forge(&registry, &connection);
    assert_eq!(
        list(&registry, "")["deliveries"].as_array().unwrap().len(),
        3
    );
}

#[test]
fn the_list_has_pages_and_those_of_one_connection() {
    let registry = TestRegistry::imported();
    let connection = registry
        .world
        .sqlite
        .texts("select connection_id from git_repos")
        .remove(0);
    registry.connect();
    for number in 0..105 {
        let delivery = format!("guid-{number}");
        registry
            .tell_of_push(41, PROJECT, &delivery)
            .remove(0)
            .expect(202);
    }
    registry.run_jobs();
    let first = list(&registry, "");
    assert_eq!(first["deliveries"].as_array().unwrap().len(), 100);
    assert_eq!(first["deliveries"][0]["delivery"], "guid-104");
    let second = list(
        &registry,
        &format!("?cursor={}", first["next"].as_str().unwrap()),
    );
    let second = second["deliveries"].as_array().unwrap();
    assert_eq!(second.len(), 5);
    assert_eq!(second[4]["delivery"], "guid-0");
    let of = |connection: &str| {
        let listed = list(&registry, &format!("?connection={connection}"));
        listed["deliveries"].as_array().unwrap().len()
    };
    assert_eq!(of(&connection), 100);
    assert_eq!(of("another"), 0);
    let path = format!("{DELIVERIES}?cursor=soon");
    registry.admin().get(&path).expect(422);
    let path = format!("{DELIVERIES}/999");
    registry.admin().get(&path).expect(404);
    replay(&registry, &json!({"id": 999})).expect(404);
}

#[test]
fn deliveries_are_forgotten_after_a_month_with_what_they_led_to() {
    let registry = TestRegistry::imported();
    registry
        .tell_of_push(41, PROJECT, "1")
        .remove(0)
        .expect(202);
    registry.run_jobs();
    registry.pass_time(31 * 24 * 60 * 60);
    registry.housekeep();
    registry.run_jobs();
    assert_eq!(list(&registry, "")["deliveries"], json!([]));
    let left = registry
        .world
        .sqlite
        .texts("select provider_id from delivery_projects");
    assert_eq!(left, Vec::<String>::new());
}
