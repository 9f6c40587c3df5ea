use pollster::block_on;
use repertoire::jobs::{Message, Outcome, run_counts};
use serde_json::{Value, json};

use super::ROOT;
use crate::support::persona::{Answer, Persona};
use crate::support::{ADDRESS, PACKAGE, TestRegistry};

const PATH: &str = "/r/acme/main/downloads";

/// Reports as Composer does.
fn report(persona: &Persona<'_>, downloads: &[(&str, &str)]) -> Answer {
    let downloads: Vec<_> = downloads
        .iter()
        .map(|(name, version)| json!({"name": name, "version": version}))
        .collect();
    persona.post(PATH, &json!({ "downloads": downloads }))
}

fn counts(registry: &TestRegistry) -> Vec<String> {
    registry.world.sqlite.texts(
        "select p.name || ' ' || d.version || ' ' || d.day || ' ' || d.count
         from downloads d join packages p on p.id = d.package_id order by p.name, d.version, d.day",
    )
}

#[test]
fn downloads_are_counted_per_package_version_and_day() {
    let registry = TestRegistry::imported();
    registry
        .writer()
        .upload("acme/tool", "1.0.0", "")
        .expect(201);
    let admin = registry.admin();
    let root = admin.get(ROOT).json();
    let url = root["notify-batch"].as_str().unwrap();
    assert_eq!(url.strip_prefix(ADDRESS), Some(PATH));
    let both = [("acme/lib", "1.1.0.0"), ("Acme/Tool", "1.0.0.0")];
    let answer = report(&admin, &both).expect(201);
    assert_eq!(answer.json(), json!({"status": "success"}));
    report(&admin, &[("acme/lib", "1.1.0.0"), ("acme/lib", "dev-main")]).expect(201);
    // Nothing is counted before its message comes.
    assert_eq!(counts(&registry), Vec::<String>::new());
    registry.run_jobs();
    registry.pass_time(24 * 60 * 60);
    report(&admin, &[("acme/lib", "1.1.0.0")]).expect(201);
    registry.run_jobs();
    assert_eq!(
        counts(&registry),
        [
            "acme/lib 1.1.0.0 2026-11-21 2",
            "acme/lib 1.1.0.0 2026-11-22 1",
            "acme/lib dev-main 2026-11-21 1",
            "acme/tool 1.0.0.0 2026-11-21 1",
        ]
    );
    let shown = admin
        .get(&format!("/api/v1/orgs/acme/packages/{PACKAGE}"))
        .json();
    let sum = |version: &str| {
        let versions = shown["versions"].as_array().unwrap();
        let found = versions.iter().find(|one| one["version"] == version);
        found.unwrap()["downloads"].clone()
    };
    assert_eq!(
        [sum("v1.1.0"), sum("v1.0.0")],
        [Value::from(3), Value::from(0)]
    );
}

#[test]
fn a_message_that_comes_twice_is_counted_once() {
    let registry = TestRegistry::imported();
    report(&registry.admin(), &[("acme/lib", "1.1.0.0")]).expect(201);
    let message = registry.world.queue.borrow()[0].clone();
    registry.world.queue.borrow_mut().push_back(message.clone());
    registry.run_jobs();
    let expected = ["acme/lib 1.1.0.0 2026-11-21 1"];
    assert_eq!(counts(&registry), expected);
    // What was counted is remembered for longer than any message lives.
    registry.pass_time(13 * 24 * 60 * 60);
    registry.housekeep();
    registry.world.queue.borrow_mut().push_back(message);
    registry.run_jobs();
    assert_eq!(counts(&registry), expected);
    registry.pass_time(2 * 24 * 60 * 60);
    registry.housekeep();
    registry.run_jobs();
    let left = registry
        .world
        .sqlite
        .texts("select id from download_reports");
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn what_may_not_be_seen_or_never_was_is_left_out_without_a_word() {
    let registry = TestRegistry::imported();
    registry
        .writer()
        .upload("other/tool", "1.0.0", "")
        .expect(201);
    let body = json!({"slug": "second"});
    registry
        .admin()
        .post("/api/v1/orgs/acme/repositories", &body)
        .expect(201);
    let downloads = [
        ("acme/lib", "1.1.0.0"),
        ("acme/lib", "9.9.9.9"),
        ("acme/lib", ""),
        ("acme/none", "1.0.0.0"),
        ("php", "8.4.0.0"),
        ("other/tool", "1.0.0.0"),
    ];
    let reader = registry.reader("other/*");
    let answer = report(&reader, &downloads).expect(201);
    assert_eq!(answer.json(), json!({"status": "success"}));
    registry.run_jobs();
    assert_eq!(counts(&registry), ["other/tool 1.0.0.0 2026-11-21 1"]);
    // A package counts in the repositories it is in.
    let elsewhere = json!({"downloads": [{"name": "other/tool", "version": "1.0.0.0"}]});
    registry
        .admin()
        .post("/r/acme/second/downloads", &elsewhere)
        .expect(201);
    registry.run_jobs();
    assert_eq!(counts(&registry), ["other/tool 1.0.0.0 2026-11-21 1"]);
    report(&registry.anonymous(), &downloads).expect(401);
    report(&registry.with_token("unknown-token"), &downloads).expect(401);
    // Where nothing is left, no message is sent.
    report(&registry.reader("none/*"), &downloads).expect(201);
    assert_eq!(registry.world.queue.borrow().len(), 0);
}

#[test]
fn a_report_has_limits_and_a_form() {
    let registry = TestRegistry::imported();
    let admin = registry.admin();
    let many = |count: usize| vec![("acme/lib", "1.1.0.0"); count];
    report(&admin, &many(1_000)).expect(201);
    report(&admin, &many(1_001)).expect(422);
    let send = |body: Vec<u8>| admin.send("POST", PATH, &[], body);
    send(vec![b' '; 100 * 1024 + 1]).expect(413);
    for body in [
        "",
        "[]",
        "{}",
        r#"{"downloads":{}}"#,
        r#"{"downloads":[{"name":"a/b"}]}"#,
    ] {
        send(body.as_bytes().to_vec()).expect(422);
    }
    admin.get(PATH).expect(405);
    // The longest report still fits into a message of the queue.
    let name = format!("acme/{}", "x".repeat(20));
    let downloads: Vec<_> = (0..1_000)
        .map(|index| json!({"name": name, "version": format!("dev-{index:046}")}))
        .collect();
    let body = json!({ "downloads": downloads }).to_string();
    assert!((98_000..102_400).contains(&body.len()), "{}", body.len());
    send(body.into_bytes()).expect(201);
    let longest = registry.world.queue.borrow().back().unwrap().text.len();
    assert!(longest < 128_000, "{longest}");
    registry.run_jobs();
    assert_eq!(counts(&registry), ["acme/lib 1.1.0.0 2026-11-21 1"]);
}

#[test]
fn the_first_clients_report_one_package_at_a_time() {
    let registry = TestRegistry::imported();
    let admin = registry.admin();
    let agent = crate::support::composer_1::AGENT;
    let root = admin.get_with(ROOT, "user-agent", agent).json();
    let url = root["notify"].as_str().unwrap();
    let path = url.strip_prefix(ADDRESS).unwrap();
    let report = |persona: &Persona<'_>, name: &str, form: &str| {
        let kind = [(
            "content-type",
            "application/x-www-form-urlencoded".to_owned(),
        )];
        let path = path.replace("%package%", name);
        persona.send("POST", &path, &kind, form.as_bytes().to_vec())
    };
    let form = "version=v1.1.0&version_normalized=1.1.0.0";
    let answer = report(&admin, "Acme/Lib", form).expect(201);
    assert_eq!(answer.json(), json!({"status": "success"}));
    report(
        &admin,
        "acme/lib",
        "version=dev-main&version_normalized=dev-main",
    )
    .expect(201);
    report(&admin, "acme/none", form).expect(201);
    report(&registry.reader("other/*"), "acme/lib", form).expect(201);
    report(&admin, "acme/lib", "version=v1.1.0").expect(422);
    report(&admin, "acme/lib", &"a".repeat(5_000)).expect(413);
    registry.run_jobs();
    assert_eq!(
        counts(&registry),
        [
            "acme/lib 1.1.0.0 2026-11-21 1",
            "acme/lib dev-main 2026-11-21 1"
        ]
    );
}

/// What is delivered together is written together, each report once, and what is no report is run as ever.
#[test]
fn reports_of_a_batch_are_written_as_one() {
    let registry = TestRegistry::imported();
    let admin = registry.admin();
    for _ in 0..40 {
        report(&admin, &[("acme/lib", "1.1.0.0"), ("acme/lib", "1.0.0.0")]).expect(201);
    }
    report(
        &admin,
        &[("acme/lib", "9.9.9.0"), ("acme/nothing", "1.0.0.0")],
    )
    .expect(201);
    let mut messages: Vec<_> = registry
        .world
        .queue
        .borrow_mut()
        .drain(..)
        .map(|waiting| Message {
            text: waiting.text,
            attempts: 1,
        })
        .collect();
    messages.push(messages[0].clone());
    messages.push(Message {
        text: "nothing of ours".to_owned(),
        attempts: 1,
    });
    let both = [
        "acme/lib 1.0.0.0 2026-11-21 40",
        "acme/lib 1.1.0.0 2026-11-21 40",
    ];
    let rows_before = registry.world.sqlite.changes();
    // They come again, as a queue may have it: first since nothing could be written, then for no reason.
    for (fault, count) in [(true, 0), (false, 2), (false, 2)] {
        registry.world.db_is_down.set(fault);
        let outcomes = block_on(run_counts(&registry.app, &messages));
        registry.world.db_is_down.set(false);
        assert_eq!(outcomes.len(), messages.len());
        let retried = outcomes.iter().filter(|outcome| **outcome != Outcome::Done);
        assert_eq!(retried.count(), if fault { messages.len() } else { 0 });
        assert_eq!(counts(&registry), both[..count]);
    }
    let rows = registry.world.sqlite.changes() - rows_before;
    // Two counts by version, one each by client and by reader, of the package and of all, and who the reader is; what was
    // counted; the two letters that nobody can read.
    assert_eq!(rows, 2 + 4 + 1 + 41 + 2);
    registry.change("delete from dead_letters");
}
