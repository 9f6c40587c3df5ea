use serde_json::json;

use crate::support::github::Answer;
use crate::support::{PACKAGE, PROJECT, TestRegistry};

fn job(registry: &TestRegistry, id: &str) -> serde_json::Value {
    registry
        .admin()
        .get(&format!("/api/v1/orgs/acme/jobs/{id}"))
        .expect(200)
        .json()
}

fn act(registry: &TestRegistry, id: &str, verb: &str) -> crate::support::persona::Answer {
    let path = format!("/api/v1/orgs/acme/jobs/{id}/{verb}");
    registry.admin().send("POST", &path, &[], Vec::new())
}

#[test]
fn a_job_shows_its_progress() {
    let registry = TestRegistry::new();
    registry.make_project();
    let (_, _, id) = registry.import(PROJECT);
    assert_eq!(job(&registry, &id)["state"], "queued");
    registry.run_one_job();
    let running = job(&registry, &id);
    assert_eq!(
        (
            &running["state"],
            &running["progress"]["total"],
            &running["progress"]["done"]
        ),
        (&json!("running"), &json!(3), &json!(0))
    );
    registry.run_one_job();
    assert_eq!(job(&registry, &id)["progress"]["done"], 1);
    registry.run_jobs();
    let done = job(&registry, &id);
    assert_eq!(
        (&done["state"], &done["progress"]["imported"]),
        (&json!("done"), &json!(3))
    );
    assert!(done["finished_at"].is_string());
    let listed = registry.admin().get("/api/v1/orgs/acme/jobs").json();
    assert_eq!(listed["jobs"][0]["id"], id);
}

#[test]
fn a_cancelled_job_takes_nothing_more_in_and_can_be_run_again() {
    let registry = TestRegistry::new();
    registry.make_project();
    let (_, _, id) = registry.import(PROJECT);
    registry.run_one_job();
    registry.run_one_job();
    assert_eq!(
        act(&registry, &id, "cancel").expect(200).json()["state"],
        "cancelled"
    );
    act(&registry, &id, "cancel").expect(409);
    registry.run_jobs();
    let cancelled = job(&registry, &id);
    assert_eq!(
        (&cancelled["state"], &cancelled["progress"]["imported"]),
        (&json!("cancelled"), &json!(1))
    );
    act(&registry, &id, "retry").expect(200);
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(registry.versions(PACKAGE), ["v1.1.0", "v1.0.0"]);
    act(&registry, &id, "retry").expect(409);
    act(&registry, &id, "cancel").expect(409);
}

#[test]
fn a_job_cancelled_before_it_began_can_be_run_again() {
    let registry = TestRegistry::new();
    registry.make_project();
    let (_, _, id) = registry.import(PROJECT);
    act(&registry, &id, "cancel").expect(200);
    registry.run_jobs();
    assert_eq!(registry.contents(), Vec::new());
    act(&registry, &id, "retry").expect(200);
    registry.run_jobs();
    registry.assert_settled();
}

#[test]
fn what_failed_for_good_says_why_and_can_be_run_again() {
    let registry = TestRegistry::new();
    registry.make_project();
    let (_, _, id) = registry.import(PROJECT);
    registry.run_one_job();
    let refusal = Answer::new(
        403,
        r#"{"message":"Resource not accessible by personal access token"}"#,
    );
    registry.world.github.borrow_mut().refusals.push(refusal);
    registry.run_jobs();
    let failed = job(&registry, &id);
    assert_eq!(
        (&failed["state"], &failed["progress"]["failed"]),
        (&json!("failed"), &json!(1))
    );
    let refs = failed["refs"].as_array().unwrap();
    let reason = refs.iter().find(|one| one["state"] == "failed").unwrap()["reason"]
        .as_str()
        .unwrap();
    assert!(reason.contains("`Contents`"), "{reason}");
    // The others are there already.
    assert_eq!(registry.contents().len(), 1);
    act(&registry, &id, "retry").expect(200);
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(registry.versions(PACKAGE), ["v1.1.0", "v1.0.0"]);
}

#[test]
fn a_retry_ends_well_whatever_fails() {
    let prepare = || {
        let registry = TestRegistry::new();
        registry.make_project();
        let (_, _, id) = registry.import(PROJECT);
        registry.run_one_job();
        registry
            .world
            .github
            .borrow_mut()
            .refusals
            .push(Answer::new(403, "{}"));
        registry.run_jobs();
        *registry.token.borrow_mut() = id;
        registry
    };
    let play = |registry: &TestRegistry| {
        let id = registry.token.borrow().clone();
        if act(registry, &id, "retry").status() >= 500 {
            // Somebody presses the button again; it may have worked the first time.
            let _ = act(registry, &id, "retry");
        }
        registry.run_jobs();
        for _ in 0..2 {
            registry.pass_time(300);
            registry.housekeep();
            registry.run_jobs();
        }
    };
    crate::support::faults::with_every_fault(prepare, play, |registry, calm| {
        registry.assert_settled();
        assert_eq!(registry.contents(), calm.contents());
    });
}

#[test]
fn a_limit_of_the_host_is_waited_for_and_shown() {
    let registry = TestRegistry::new();
    registry.make_project();
    let (_, _, id) = registry.import(PROJECT);
    registry.run_one_job();
    let limit = Answer::new(429, "{}").with("retry-after", "42");
    registry.world.github.borrow_mut().refusals.push(limit);
    registry.run_one_job();
    let waiting = job(&registry, &id);
    assert_eq!(waiting["state"], "running");
    assert!(waiting["message"].as_str().unwrap().contains("42 seconds"));
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(job(&registry, &id)["message"], json!(null));
}

#[test]
fn while_a_host_wants_to_be_left_alone_nothing_else_is_asked_of_it() {
    let registry = TestRegistry::new();
    registry.make_project();
    registry.import(PROJECT);
    registry.run_one_job();
    let limit = Answer::new(429, "{}").with("retry-after", "42");
    registry.world.github.borrow_mut().refusals.push(limit);
    registry.run_one_job();
    let asked = registry.world.github.borrow().seen.len();
    // The other commit's turn.
    registry.run_one_job();
    assert_eq!(registry.world.github.borrow().seen.len(), asked);
    let limited_at = registry.world.now.get();
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(registry.world.now.get(), limited_at + 43);
    assert_eq!(registry.versions(PACKAGE), ["v1.1.0", "v1.0.0"]);
}

#[test]
fn an_archive_spoiled_on_its_way_is_fetched_again() {
    let registry = TestRegistry::new();
    registry.make_project();
    registry.import(PROJECT);
    registry.run_one_job();
    let calm = TestRegistry::imported();
    {
        let mut github = registry.world.github.borrow_mut();
        github.truncate_archives = 2;
    }
    registry.run_jobs();
    registry.assert_settled();
    assert_eq!(registry.contents(), calm.contents());
    let archives = registry
        .world
        .objects
        .borrow()
        .keys()
        .filter(|key| key.starts_with("archives/"))
        .count();
    assert_eq!(archives, 3);
}

#[test]
fn a_message_that_nobody_can_run_is_kept_for_a_person() {
    let registry = TestRegistry::new();
    registry.make_project();
    let (_, _, id) = registry.import(PROJECT);
    registry.run_jobs();
    let newer = format!(r#"{{"v":2,"job":"reconcile","id":"{id}"}}"#);
    registry
        .world
        .queue
        .borrow_mut()
        .push_back(crate::support::world::Waiting {
            text: newer.clone(),
            attempts: 0,
            due: 0,
        });
    registry.run_jobs();
    let letters = "/api/v1/orgs/acme/dead-letters";
    let listed = registry.admin().get(letters).expect(200).json();
    let letter = &listed["dead_letters"][0];
    assert_eq!(letter["message"], newer);
    assert_eq!(letter["reason"], "a newer version of the program wrote it");
    let path = format!("{letters}/{}", letter["id"]);
    registry
        .admin()
        .send("POST", &format!("{path}/retry"), &[], Vec::new())
        .expect(204);
    registry.run_jobs();
    let again = registry.admin().get(letters).json()["dead_letters"][0]["id"].clone();
    registry
        .admin()
        .send("DELETE", &format!("{letters}/{again}"), &[], Vec::new())
        .expect(204);
    registry
        .admin()
        .send("DELETE", &format!("{letters}/{again}"), &[], Vec::new())
        .expect(404);
    assert_eq!(
        registry.admin().get(letters).json()["dead_letters"],
        json!([])
    );
}

#[test]
fn pages_of_jobs_lose_none() {
    let registry = TestRegistry::imported();
    registry.change(
        "insert into jobs (id, organisation_id, kind, state, cause, created_at)
         with recursive n (i) as (select 1 union all select i + 1 from n where i < 250)
         select 'j' || i, 1, 'sync', 'done', 'test', 1795000000 + i / 3 from n",
    );
    let mut seen = std::collections::BTreeSet::new();
    let mut path = "/api/v1/orgs/acme/jobs".to_owned();
    loop {
        let page = registry.admin().get(&path).expect(200).json();
        for job in page["jobs"].as_array().unwrap() {
            seen.insert(job["id"].as_str().unwrap().to_owned());
        }
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = format!("/api/v1/orgs/acme/jobs?cursor={next}");
    }
    assert_eq!(seen.len(), 251);
}

#[test]
fn what_the_queue_gives_up_on_ends_as_failed_and_can_be_run_again() {
    let registry = TestRegistry::new();
    registry.make_project();
    let (_, _, id) = registry.import(PROJECT);
    registry.run_one_job();
    let message = registry.world.queue.borrow_mut().pop_front().unwrap().text;
    assert!(message.contains("import"), "{message}");
    assert_eq!(
        pollster::block_on(repertoire::jobs::bury(&registry.app, &message)),
        repertoire::jobs::Outcome::Done
    );
    registry.run_jobs();
    let ended = job(&registry, &id);
    assert_eq!(ended["state"], "failed");
    let failed = ended["refs"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["state"] == "failed")
        .unwrap();
    assert!(failed["reason"].as_str().unwrap().contains("gave up"));
    let letters = registry
        .admin()
        .get("/api/v1/orgs/acme/dead-letters")
        .json();
    assert_eq!(letters["dead_letters"][0]["message"], message);
    let path = format!("/api/v1/orgs/acme/jobs/{id}/retry");
    registry
        .admin()
        .send("POST", &path, &[], Vec::new())
        .expect(200);
    registry.run_jobs();
    assert_eq!(job(&registry, &id)["state"], "done");
    assert_eq!(registry.versions(PACKAGE), ["v1.1.0", "v1.0.0"]);
}

#[test]
fn letters_that_nobody_can_read_are_the_instance_owners() {
    let registry = TestRegistry::new();
    let message = "no JSON at all";
    pollster::block_on(repertoire::jobs::bury(&registry.app, message));
    let path = "/api/v1/orgs/acme/dead-letters";
    let letters = registry.admin().get(path).expect(200).json();
    assert_eq!(letters["dead_letters"][0]["message"], message);
    let token = registry.make_token(&json!({"name": "manager", "access": "admin"}));
    let manager = registry.with_token(&token);
    assert_eq!(
        manager.get(path).expect(200).json()["dead_letters"],
        json!([])
    );
    let letter = format!("{path}/{}", letters["dead_letters"][0]["id"]);
    manager.send("DELETE", &letter, &[], Vec::new()).expect(404);
    registry
        .admin()
        .send("DELETE", &letter, &[], Vec::new())
        .expect(204);
}
