//! `If-Match` on every route that takes it, with another change between the look and the change.

use repertoire::http::handle;
use repertoire::http::route::parse;
use serde_json::{Value, json};

use crate::audit::routes::kind;
use crate::routes::PATHS;
use crate::support::github_app::{add_app, installed};
use crate::support::interleave::Run;
use crate::support::persona::Persona;
use crate::support::{ADMIN, PACKAGE, TestRegistry, isolate};

const ORG: &str = "/api/v1/orgs/acme";

/// Something that can be changed.
struct Scene {
    registry: TestRegistry,
    path: String,
    /// Who changes it.
    token: String,
    /// The changes that there are.
    changes: Vec<(&'static str, Value)>,
    /// What somebody else changes of it meanwhile, and where.
    rival: (&'static str, String, Value),
}

/// The common case: the rival's change is a `PATCH` of the same thing.
fn scene(
    registry: TestRegistry,
    path: String,
    changes: &[(&'static str, Value)],
    rival: Value,
) -> Scene {
    Scene {
        registry,
        rival: ("PATCH", path.clone(), rival),
        path,
        token: ADMIN.to_owned(),
        changes: changes.to_vec(),
    }
}

fn make(registry: &TestRegistry, what: &str, body: &Value) -> String {
    format!("{ORG}/{what}/{}", registry.make(what, body))
}

/// Invites somebody and has her accept; gives the account's id and her token.
fn join(registry: &TestRegistry, name: &str) -> (String, String) {
    let asked = json!({"email": format!("{name}@example.com"), "role": "member"});
    let path = format!("{ORG}/invitations");
    let made = registry.admin().post(&path, &asked).expect(201).json();
    let accepted = json!({"token": made["token"], "name": name});
    let path = "/api/v1/invitations/accept";
    let joined = registry.anonymous().post(path, &accepted).expect(201);
    let text = |key: &str| joined.json()[key].as_str().unwrap().to_owned();
    (text("member"), text("token"))
}

fn repository() -> Scene {
    let registry = TestRegistry::new();
    registry
        .admin()
        .post(&format!("{ORG}/repositories"), &json!({"slug": "second"}))
        .expect(201);
    let changes = [
        ("PATCH", json!({"description": "one"})),
        ("DELETE", json!({"confirm": "second"})),
    ];
    let path = format!("{ORG}/repositories/second");
    scene(registry, path, &changes, json!({"description": "two"}))
}

fn organisation() -> Scene {
    let registry = TestRegistry::new();
    registry
        .admin()
        .post("/api/v1/orgs", &json!({"slug": "globex"}))
        .expect(201);
    let path = "/api/v1/orgs/globex".to_owned();
    let suspended = json!({"state": "suspended"});
    registry.admin().patch(&path, &suspended).expect(200);
    let changes = [
        ("PATCH", json!({"name": "one"})),
        ("DELETE", json!({"confirm": "globex"})),
    ];
    scene(registry, path, &changes, json!({"name": "two"}))
}

fn add_provider(registry: &TestRegistry, path: &str) -> String {
    let asked = json!({"kind": "github", "client_id": "a", "client_secret": "b"});
    registry.admin().post(path, &asked).expect(201);
    format!("{path}/github")
}

fn identity_provider() -> Scene {
    let registry = TestRegistry::new();
    let path = add_provider(&registry, &format!("{ORG}/identity-providers"));
    let changes = [("PATCH", json!({"name": "one"})), ("DELETE", json!({}))];
    scene(registry, path, &changes, json!({"name": "two"}))
}

fn own_identity_provider() -> Scene {
    let registry = TestRegistry::new();
    let path = add_provider(&registry, "/api/v1/identity-providers");
    let changes = [("PATCH", json!({"name": "one"})), ("DELETE", json!({}))];
    scene(registry, path, &changes, json!({"name": "two"}))
}

fn sign_in_rules() -> Scene {
    let registry = TestRegistry::new();
    let path = format!("{ORG}/sign-in-rules");
    let changes = [("PATCH", json!({"role": "auditor"}))];
    scene(registry, path, &changes, json!({"role": "maintainer"}))
}

fn token() -> Scene {
    let registry = TestRegistry::new();
    let path = make(&registry, "tokens", &json!({"name": "a", "access": "read"}));
    let changes = [("PATCH", json!({"name": "one"})), ("DELETE", json!({}))];
    scene(registry, path, &changes, json!({"name": "two"}))
}

fn member() -> Scene {
    let registry = TestRegistry::new();
    let (account, _) = join(&registry, "ada");
    let path = format!("{ORG}/members/{account}");
    let changes = [("PATCH", json!({"role": "auditor"})), ("DELETE", json!({}))];
    scene(registry, path, &changes, json!({"role": "maintainer"}))
}

fn oneself() -> Scene {
    let registry = TestRegistry::new();
    let (account, token) = join(&registry, "ada");
    Scene {
        registry,
        path: "/api/v1/me".to_owned(),
        token,
        changes: vec![("PATCH", json!({"name": "Ada King"}))],
        rival: (
            "PATCH",
            format!("{ORG}/members/{account}"),
            json!({"role": "auditor"}),
        ),
    }
}

fn team() -> Scene {
    let registry = TestRegistry::new();
    let path = make(&registry, "teams", &json!({"name": "Core"}));
    let changes = [("PATCH", json!({"name": "one"})), ("DELETE", json!({}))];
    scene(registry, path, &changes, json!({"name": "two"}))
}

fn invitation() -> Scene {
    let registry = TestRegistry::new();
    let asked = json!({"email": "ada@example.com", "role": "member"});
    let path = make(&registry, "invitations", &asked);
    Scene {
        registry,
        rival: ("DELETE", path.clone(), json!({})),
        path,
        token: ADMIN.to_owned(),
        changes: vec![("DELETE", json!({}))],
    }
}

fn host() -> Scene {
    let registry = TestRegistry::new();
    let asked = json!({"host": "packages.acme.example"});
    registry
        .admin()
        .post(&format!("{ORG}/hosts"), &asked)
        .expect(201);
    let path = format!("{ORG}/hosts/packages.acme.example");
    let changes = [
        ("PATCH", json!({"repository": "main"})),
        ("DELETE", json!({})),
    ];
    registry
        .admin()
        .post(&format!("{ORG}/repositories"), &json!({"slug": "second"}))
        .expect(201);
    scene(registry, path, &changes, json!({"repository": "second"}))
}

fn connection() -> Scene {
    let registry = TestRegistry::new();
    let (id, _) = registry.connect();
    let path = format!("{ORG}/connections/{id}");
    let account = registry.admin().get(&path).json()["account"].clone();
    let name = format!("github {}", account.as_str().unwrap());
    let changes = [
        ("PATCH", json!({"reconcile_hours": 12})),
        ("DELETE", json!({"confirm": name})),
    ];
    scene(registry, path, &changes, json!({"reconcile_hours": 10}))
}

fn github_app() -> Scene {
    let registry = installed();
    let id = add_app(&registry)["id"].as_str().unwrap().to_owned();
    let path = format!("{ORG}/github-apps/{id}");
    let changes = [
        (
            "PATCH",
            json!({"webhook_secret": "another secret of the app"}),
        ),
        ("DELETE", json!({})),
    ];
    Scene {
        registry,
        rival: ("DELETE", path.clone(), json!({})),
        path,
        token: ADMIN.to_owned(),
        changes: changes.to_vec(),
    }
}

fn package() -> Scene {
    let changes = [
        ("PATCH", json!({"abandoned": true})),
        ("PATCH", json!({"moved_tags": "follow"})),
        ("DELETE", json!({"confirm": PACKAGE})),
    ];
    let path = format!("{ORG}/packages/{PACKAGE}");
    let registry = TestRegistry::imported();
    scene(registry, path, &changes, json!({"abandoned": "acme/new"}))
}

fn version() -> Scene {
    let path = format!("{ORG}/packages/{PACKAGE}/versions/v1.0.0");
    Scene {
        registry: TestRegistry::imported(),
        rival: (
            "PUT",
            format!("{path}/deprecation"),
            json!({"message": "old"}),
        ),
        path,
        token: ADMIN.to_owned(),
        changes: vec![("DELETE", json!({"confirm": format!("{PACKAGE} v1.0.0")}))],
    }
}

fn hook() -> Scene {
    let path = format!("{ORG}/packages/{PACKAGE}/hook");
    Scene {
        registry: TestRegistry::imported(),
        rival: ("DELETE", path.clone(), json!({})),
        path,
        token: ADMIN.to_owned(),
        changes: vec![("DELETE", json!({}))],
    }
}

fn definition() -> Scene {
    let registry = TestRegistry::new();
    let define = |version: &str| {
        json!({"repository": "main", "package": {
            "name": "acme/old", "version": version,
            "source": {"type": "git", "url": "https://git.example/old", "reference": version},
        }})
    };
    let path = format!("{ORG}/packages/acme/old/definition");
    let body = define("1.0.0").to_string().into_bytes();
    registry.admin().send("PUT", &path, &[], body).expect(200);
    registry.run_jobs();
    Scene {
        registry,
        rival: ("PUT", path.clone(), define("3.0.0")),
        path,
        token: ADMIN.to_owned(),
        changes: vec![("PUT", define("2.0.0"))],
    }
}

fn project() -> Scene {
    let registry = TestRegistry::imported();
    registry.change("update git_repos set folders = '[\"packages/*\"]'");
    let path = format!("{ORG}/projects/1");
    let changes = [("PATCH", json!({"versions": "all"}))];
    scene(registry, path, &changes, json!({"folders": ["libs/*"]}))
}

fn dead_letter() -> Scene {
    let registry = TestRegistry::new();
    registry.change(
        "insert into dead_letters (organisation_id, message, reason, received_at) values (1, '{}', 'why', 0)",
    );
    let path = format!("{ORG}/dead-letters/1");
    Scene {
        registry,
        rival: ("DELETE", path.clone(), json!({})),
        path,
        token: ADMIN.to_owned(),
        changes: vec![("DELETE", json!({}))],
    }
}

fn customer() -> Scene {
    let registry = TestRegistry::new();
    let path = make(&registry, "customers", &json!({"name": "Globex"}));
    let changes = [
        ("PATCH", json!({"notes": "one"})),
        ("DELETE", json!({"confirm": "Globex"})),
    ];
    scene(registry, path, &changes, json!({"notes": "two"}))
}

fn customers_token() -> Scene {
    let registry = TestRegistry::new();
    let customer = make(&registry, "customers", &json!({"name": "Globex"}));
    let tokens = format!("{customer}/tokens");
    let made = registry.admin().post(&tokens, &json!({"name": "ci"}));
    let id = made.expect(201).json()["id"].as_str().unwrap().to_owned();
    let path = format!("{tokens}/{id}");
    Scene {
        registry,
        rival: ("DELETE", path.clone(), json!({})),
        path,
        token: ADMIN.to_owned(),
        changes: vec![("DELETE", json!({}))],
    }
}

fn collection() -> Scene {
    let registry = TestRegistry::new();
    let asked = json!({"name": "All", "items": [{"packages": ["acme/*"]}]});
    let path = make(&registry, "collections", &asked);
    let changes = [("PATCH", json!({"name": "one"})), ("DELETE", json!({}))];
    scene(registry, path, &changes, json!({"name": "two"}))
}

fn grant() -> Scene {
    let registry = TestRegistry::new();
    let customer = registry.make("customers", &json!({"name": "Globex"}));
    let asked = json!({"subject": {"customer": customer}, "packages": ["acme/*"]});
    let path = make(&registry, "grants", &asked);
    let changes = [
        ("PATCH", json!({"versions": "^1.0"})),
        ("DELETE", json!({})),
    ];
    scene(registry, path, &changes, json!({"versions": "^2.0"}))
}

const SCENES: &[fn() -> Scene] = &[
    repository,
    organisation,
    token,
    member,
    oneself,
    team,
    invitation,
    host,
    connection,
    github_app,
    package,
    version,
    hook,
    definition,
    project,
    dead_letter,
    customer,
    customers_token,
    collection,
    grant,
    identity_provider,
    own_identity_provider,
    sign_in_rules,
];

/// The entity tag of what a person sees at an address; none where nothing is.
fn tag(who: &Persona<'_>, path: &str) -> Option<String> {
    who.get(path).header("etag").map(str::to_owned)
}

/// Plays a change with the tag of what is there, and after some calls of it the rival's. Gives whether there was time for
/// one, and whether it kept the change from being made.
fn play(make: fn() -> Scene, at: usize, calls: usize) -> (bool, bool) {
    let scene = make();
    let (registry, path) = (&scene.registry, &scene.path);
    let (method, body) = &scene.changes[at];
    let who = registry.with_token(&scene.token);
    let seen = tag(&who, path).unwrap();
    let headers = [("if-match", seen.clone())];
    let request = who.request(method, path, &headers, body.to_string().into_bytes());
    registry.world.gives_way.set(true);
    let mut first = Run::new(handle(&registry.app, request));
    let is_through = first.steps(calls);
    registry.world.gives_way.set(false);
    let (mut is_late, mut after) = (false, None);
    if !is_through {
        let elsewhere = isolate(&registry.world);
        let rival = Persona::new(&elsewhere, Some(ADMIN));
        let is_untouched = tag(&who, path).as_ref() == Some(&seen);
        let (method, path_of_rival, body) = &scene.rival;
        let came = rival.send(method, path_of_rival, &[], body.to_string().into_bytes());
        after = tag(&who, path);
        is_late = is_untouched && came.status() < 300 && after.as_ref() != Some(&seen);
    }
    let status = first.finish().status;
    let what = format!("{method} {path}, the rival after {calls} calls: {status}");
    if is_late {
        assert_eq!(status, 412, "{what}");
        assert_eq!(tag(&who, path), after, "{what}");
    } else {
        assert!(status < 300, "{what}");
    }
    registry.run_jobs();
    (!is_through, is_late)
}

#[test]
fn no_change_is_lost_to_one_that_came_between_the_look_and_the_change() {
    for make in SCENES {
        for at in 0..make().changes.len() {
            let mut refused = 0;
            for calls in 1.. {
                let (had_time, was_refused) = play(*make, at, calls);
                refused += usize::from(was_refused);
                if !had_time {
                    break;
                }
            }
            // Before each of: who asks, the last line, the look, and the change.
            assert!(refused > 2, "{refused} of {at}");
        }
    }
}

#[test]
fn every_route_that_can_be_read_and_changed_is_played() {
    let mut played = Vec::new();
    for make in SCENES {
        let scene = make();
        played.extend(
            scene
                .changes
                .iter()
                .map(|(method, _)| kind(method, &scene.path)),
        );
        scene.registry.run_jobs();
    }
    let host = "packages.example.com";
    for path in PATHS.iter().filter(|path| path.starts_with("/api/")) {
        for method in ["PATCH", "PUT", "DELETE"] {
            // A list is sent whole, and what it replaces has no address of its own.
            if parse("GET", host, path).is_ok()
                && parse(method, host, path).is_ok()
                && !path.ends_with("/bulk")
            {
                assert!(played.contains(&kind(method, path)), "{method} {path}");
            }
        }
    }
}

#[test]
fn what_others_change_of_other_things_stops_nobody() {
    let path = format!("{ORG}/repositories/second");
    for calls in 1.. {
        let Scene { registry, .. } = repository();
        let admin = registry.admin();
        let headers = [("if-match", tag(&admin, &path).unwrap())];
        let body = json!({"description": "one"}).to_string().into_bytes();
        let request = admin.request("PATCH", &path, &headers, body);
        registry.world.gives_way.set(true);
        let mut first = Run::new(handle(&registry.app, request));
        let is_through = first.steps(calls);
        registry.world.gives_way.set(false);
        if !is_through {
            let elsewhere = isolate(&registry.world);
            let other = json!({"name": "Core"});
            Persona::new(&elsewhere, Some(ADMIN))
                .post(&format!("{ORG}/teams"), &other)
                .expect(201);
        }
        assert_eq!(first.finish().status, 200, "after {calls} calls");
        if is_through {
            break;
        }
    }
}
