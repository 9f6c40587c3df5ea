//! What is told of a request: its line in the log, its point for the counters, and what is never in either.

use std::collections::BTreeSet;
use std::pin::pin;

use futures_util::future::join;
use pollster::block_on;
use repertoire::http::route::parse;
use repertoire::http::{SLOW, handle, observe};
use repertoire::ports::{DataPoint, RouteName};
use serde_json::{Value, json};

use crate::routes::PATHS;
use crate::support::github::GITHUB_TOKEN;
use crate::support::persona::Persona;
use crate::support::world::World;
use crate::support::{ADMIN, PROJECT, SETUP_SECRET, TestRegistry, isolate, isolate_with};

const TAGGED: &str = "/r/acme/main/p2/acme/lib.json";

/// The lines about requests since the last look.
fn lines(world: &World) -> Vec<Value> {
    let lines = world.request_lines.take();
    lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn each_request_has_a_line_that_says_what_it_was_and_what_it_cost() {
    let registry = TestRegistry::imported();
    let own = registry.admin().get("/api/v1/token").expect(200).json();
    let app = isolate(&registry.world);
    let admin = Persona::new(&app, Some(ADMIN));
    lines(&registry.world);
    admin.get(TAGGED).expect(200);
    admin.get(&format!("{TAGGED}?token=abc")).expect(200);
    let cold = json!({
        "level": "info", "message": "request", "route": "composer.tagged", "method": "GET", "status": 200,
        "principal": own["id"], "organisation": 1, "repository": 1, "from": "kv",
        "d1_calls": 1, "d1_statements": 2, "kv_reads": 2, "r2_reads": 0, "queue_sends": 0, "ms": 0,
    });
    let mut warm = cold.clone();
    warm["from"] = json!("memory");
    for counter in ["d1_calls", "d1_statements", "kv_reads"] {
        warm[counter] = json!(0);
    }
    assert_eq!(lines(&registry.world), [cold, warm]);
}

#[test]
fn nobody_has_no_id_and_nothing_has_no_route() {
    let registry = TestRegistry::imported();
    lines(&registry.world);
    registry.anonymous().get(TAGGED).expect(401);
    registry.with_token("unknown-token").get(TAGGED).expect(401);
    registry.anonymous().get("/nothing/here/at/all").expect(404);
    registry.admin().get("/api/v1/nothing").expect(404);
    let seen = lines(&registry.world);
    let routes: Vec<_> = seen.iter().map(|line| line["route"].clone()).collect();
    assert_eq!(
        routes,
        ["composer.tagged", "composer.tagged", "none", "none"]
    );
    assert!(seen.iter().all(|line| line.get("principal").is_none()));
}

/// Both go on in turns, a call of a port at a time.
#[test]
fn two_requests_at_once_are_counted_apart() {
    let registry = TestRegistry::imported();
    let world = &registry.world;
    let app = isolate(world);
    let answer = |token: Option<&str>, path: &str| {
        let request = Persona::new(&app, token).request("GET", path, &[], Vec::new());
        let app = &app;
        async move {
            let answering = Box::pin(async {
                let reply = handle(app, request).await;
                ((), Some(reply.status))
            });
            observe(app, "GET", pin!(answering)).await;
        }
    };
    lines(world);
    world.gives_way.set(true);
    block_on(join(
        answer(Some(ADMIN), TAGGED),
        answer(Some(ADMIN), "/api/v1/orgs/acme/jobs"),
    ));
    world.gives_way.set(false);
    let together = lines(world);
    let alone: Vec<_> = [TAGGED, "/api/v1/orgs/acme/jobs"]
        .into_iter()
        .map(|path| {
            let cold = isolate(world);
            Persona::new(&cold, Some(ADMIN)).get(path).expect(200);
            lines(world).remove(0)
        })
        .collect();
    assert_eq!(together.len(), 2);
    for line in &alone {
        assert!(together.contains(line), "{line} is not in {together:?}");
    }
    assert_ne!(alone[0]["d1_calls"], alone[1]["d1_calls"]);
}

#[test]
fn an_isolate_logs_what_its_settings_say() {
    let registry = TestRegistry::imported();
    let world = &registry.world;
    let logged = |setting: &str| {
        let app = isolate_with(world, &[("LOG_REQUESTS", setting)]);
        let admin = Persona::new(&app, Some(ADMIN));
        lines(world);
        // One that is well, one that is slow, one that fails.
        admin.get(TAGGED).expect(200);
        *world.before_batch.borrow_mut() = Some(Box::new(|world, _| {
            world.now.set(world.now.get() + SLOW / 1_000);
        }));
        let path = format!(
            "/r/acme/main/upload/acme/tool/9.{}.0",
            setting.bytes().map(u32::from).sum::<u32>()
        );
        let archive = crate::support::github::git_archive(
            "top",
            "",
            &[("composer.json", r#"{"name":"acme/tool"}"#)],
        );
        admin.send("PUT", &path, &[], archive).expect(201);
        *world.before_batch.borrow_mut() = None;
        world.db_is_down.set(true);
        admin.get("/api/v1/orgs").expect(503);
        world.db_is_down.set(false);
        let told = lines(world).into_iter();
        told.map(|line| {
            let text = |key: &str| line[key].as_str().unwrap().to_owned();
            format!("{} {} {}", text("level"), text("route"), line["status"])
        })
        .collect::<Vec<_>>()
    };
    let failed = "warning api.list_organisations 503";
    let slow = "info composer.upload 201";
    assert_eq!(logged("all"), ["info composer.tagged 200", slow, failed]);
    assert_eq!(logged("slow_and_failed"), [slow, failed]);
    assert_eq!(logged("off"), [""; 0]);
    registry.run_jobs();
}

#[test]
fn every_route_has_a_name_of_words_alone() {
    let mut names = BTreeSet::new();
    for path in PATHS {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let Ok(route) = parse(method, "packages.example.com", path) else {
                continue;
            };
            let RouteName(area, name) = route.name();
            let name = [area, name].concat();
            let is_plain = |byte: u8| byte.is_ascii_lowercase() || b"._1".contains(&byte);
            assert!(name.bytes().all(is_plain), "{name} of {method} {path}");
            names.insert(name);
        }
    }
    for expected in [
        "healthz",
        "composer.root",
        "composer.uploads.part",
        "hooks.webhook",
        "api.health",
        "api.tokens.create",
        "api.customers.show",
        "api.delete.organisation",
    ] {
        assert!(names.contains(expected), "{expected} is not in {names:?}");
    }
    assert!(names.len() > 120, "{}", names.len());
}

#[test]
fn a_request_is_one_point_for_the_counters() {
    let registry = TestRegistry::imported();
    let app = isolate(&registry.world);
    registry.world.data_points.take();
    Persona::new(&app, Some(ADMIN)).get(TAGGED).expect(200);
    Persona::new(&app, None)
        .get("/nothing/here/at/all")
        .expect(404);
    let texts = |texts: [&str; 3]| texts.map(str::to_owned);
    assert_eq!(
        registry.world.data_points.take(),
        [
            DataPoint {
                index: "1".to_owned(),
                blobs: texts(["composer.tagged", "2xx", "kv"]),
                doubles: [0.0, 1.0, 2.0, 0.0, 0.0],
            },
            DataPoint {
                index: String::new(),
                blobs: texts(["none", "4xx", ""]),
                doubles: [0.0; 5],
            },
        ]
    );
}

#[test]
fn without_a_dataset_nothing_is_counted() {
    let registry = TestRegistry::imported();
    let mut app = isolate(&registry.world);
    app.counters = None;
    registry.world.data_points.take();
    Persona::new(&app, Some(ADMIN)).get(TAGGED).expect(200);
    assert_eq!(registry.world.data_points.take(), []);
}

/// All that a registry does in its life, with everything failing at its end, and each secret looked for in each line.
#[test]
fn no_secret_is_in_any_line() {
    let registry = TestRegistry::new();
    registry.make_project();
    let (connection, secret, _) = registry.import(PROJECT);
    registry.run_jobs();
    let mut secrets = vec![
        ADMIN.to_owned(),
        SETUP_SECRET.to_owned(),
        GITHUB_TOKEN.to_owned(),
        secret,
        "mistyped-password".to_owned(),
        "of-the-query".to_owned(),
        "of-the-path".to_owned(),
        "of-the-archive".to_owned(),
        "of-a-header".to_owned(),
    ];
    let buyer = registry.buyer(&json!({"name": "Buyer"}));
    let token = registry.make_token(&json!({"name": "ci", "access": "write"}));
    for path in [
        "packages.json",
        "p2/acme/lib.json",
        "search.json?q=of-the-query",
    ] {
        for token in [&token, &buyer.token, "mistyped-password"] {
            let path = format!("/r/acme/main/{path}");
            let persona = registry.with_token(token);
            persona.get_with(&path, "user-agent", "of-a-header");
        }
    }
    secrets.extend([buyer.token.clone(), token.clone()]);
    let writer = registry.with_token(&token);
    writer
        .upload("acme/tool", "9.0.0", "of-the-archive")
        .expect(201);
    registry.anonymous().get("/of-the-path?token=of-the-query");
    registry.deliver_webhook("one").expect(202);
    let path = format!("/hooks/{connection}");
    let forged = [("x-github-event", "push".to_owned())];
    let forged = registry
        .anonymous()
        .send("POST", &path, &forged, b"of-a-header".to_vec());
    assert_eq!(forged.status(), 401);
    let rotated = format!("/api/v1/orgs/acme/connections/{connection}/webhook-secret");
    let made = registry.admin().post(&rotated, &json!({}));
    assert!(made.status() < 300);
    let made = made.json();
    let shown = made.as_object().unwrap().values().filter_map(Value::as_str);
    secrets.extend(shown.filter(|text| text.len() >= 32).map(str::to_owned));
    registry.run_jobs();
    registry.world.db_is_down.set(true);
    registry.world.blobs_are_down.set(true);
    registry.pass_time(3_600);
    registry
        .admin()
        .get("/api/v1/orgs?cursor=of-the-query")
        .expect(503);
    registry.with_token(&token).get(TAGGED).expect(503);
    registry.deliver_webhook("two").expect(503);
    let world = &registry.world;
    let requests = world.request_lines.take();
    assert!(requests.len() > 20, "{}", requests.len());
    let warnings = world.lines.borrow();
    let all = requests.iter().chain(warnings.iter().map(|(_, line)| line));
    for line in all {
        for secret in &secrets {
            assert!(!line.contains(secret.as_str()), "{secret} is in {line}");
        }
    }
    let known = [
        "level",
        "message",
        "route",
        "method",
        "status",
        "principal",
        "organisation",
        "repository",
        "from",
        "d1_calls",
        "d1_statements",
        "kv_reads",
        "r2_reads",
        "queue_sends",
        "ms",
    ];
    for line in &requests {
        let line: Value = serde_json::from_str(line).unwrap();
        for field in line.as_object().unwrap().keys() {
            assert!(known.contains(&field.as_str()), "{line} has `{field}`");
        }
    }
}
