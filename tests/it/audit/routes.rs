//! Every route that changes something leaves a line.

use std::collections::BTreeMap;

use repertoire::http::route::{NoRoute, parse};
use serde_json::{Value, json};

use crate::routes::PATHS;
use crate::support::browser::{Browser, OWNER, PASSWORD};
use crate::support::devices::{Algorithm, Device, PASSKEYS, SECOND_FACTOR};
use crate::support::github::git_archive;
use crate::support::github_app::{add_app, installed, text};
use crate::support::persona::Persona;
use crate::support::{PACKAGE, PROJECT, TestRegistry};

/// What needs no line, and why.
const WITHOUT: &[(&str, &str)] = &[
    (
        "Hook",
        "the delivery is listed; what comes of it is a job's",
    ),
    ("GenericHook", "the same"),
    ("Preview", "it only reads"),
    ("DryRun", "it only reads"),
    ("Advisories", "it only reads"),
    ("Download", "it is counted"),
    ("Downloads", "it is counted"),
    ("Part", "the upload has lines of its own"),
    ("Theme", "it is a cookie"),
    (
        "ConnectionPages",
        "each asks the API, whose line it is; `web/connections.rs` has the person in it",
    ),
    (
        "DeliveryPages",
        "the same; `web/deliveries.rs` has the person in it",
    ),
    ("JobPages", "the same; `web/jobs.rs` has the person in it"),
    (
        "StartPages",
        "a token's line is the API's; that a hint is put away changes nothing of what anybody may do or install",
    ),
    (
        "SignInWith",
        "it leads to a provider; what comes back has its line",
    ),
    ("LinkIdentity", "the same"),
    (
        "PackagePage",
        "each asks the API, whose line it is; `web/packages.rs` has the person in it",
    ),
    (
        "Instance",
        "the same; `web/instance.rs` has the person in it",
    ),
    ("PeoplePages", "the same; `web/people.rs`"),
    ("TokenPages", "the same; `web/tokens.rs`"),
    ("CustomerPage", "the same, by `web/customers.rs`"),
    ("CollectionPage", "the same, by `web/collections.rs`"),
    ("SettingsPage", "the same, by `web/settings.rs`"),
    ("PackagesTogether", "the same"),
    ("Revisions", "the same; `web/revisions.rs`"),
];

/// The words of a route, without what is different in each request.
pub(crate) fn kind(method: &str, path: &str) -> Option<String> {
    let path = path.split('?').next().unwrap_or_default();
    match parse(method, "packages.example.com", path) {
        Ok(route) => {
            let text = format!("{route:?}");
            let text = text
                .split("resource: ")
                .last()
                .unwrap_or_default()
                .to_owned();
            let outside: Vec<_> = text.split('"').step_by(2).collect();
            let words: Vec<_> = outside
                .concat()
                .split(|character: char| !character.is_ascii_alphabetic())
                .filter(|word| !word.is_empty() && !["Some", "None", "PackageName"].contains(word))
                .map(str::to_owned)
                .collect();
            Some(words.join(" "))
        }
        Err(NoRoute::MethodNotAllowed(_) | NoRoute::NotFound) => None,
    }
}

/// The changing routes there are: each by its words, with an address.
fn changing() -> BTreeMap<String, String> {
    let methods = ["POST", "PUT", "PATCH", "DELETE"];
    let all = PATHS
        .iter()
        .flat_map(|path| methods.map(|method| (method, path)));
    all.filter_map(|(method, path)| Some((kind(method, path)?, format!("{method} {path}"))))
        .filter(|(words, _)| {
            !WITHOUT.iter().any(|(without, _)| {
                words
                    .split(' ')
                    .any(|word| word == *without && !words.starts_with("Api Hook"))
            })
        })
        .collect()
}

struct Scene<'a> {
    registry: &'a TestRegistry,
    admin: Persona<'a>,
}

impl Scene<'_> {
    fn ask(&self, method: &str, path: &str, body: &Value, status: u16) -> Value {
        let path = format!("/api/v1/orgs/acme/{path}");
        let answer = self.admin.send(method, &path, &[], body.to_string().into());
        let answer = answer.expect(status);
        serde_json::from_slice(&answer.bytes()).unwrap_or_default()
    }

    fn first(&self, sql: &'static str) -> String {
        self.registry.world.sqlite.texts(sql).remove(0)
    }
}

#[test]
fn no_route_changes_anything_without_a_line() {
    let registry = installed();
    let scene = Scene {
        registry: &registry,
        admin: registry.admin(),
    };
    play(&scene);
    let seen = registry
        .world
        .sqlite
        .texts("select distinct request from audit where request is not null");
    let told: Vec<_> = seen
        .iter()
        .filter_map(|request| kind(request.split_once(' ')?.0, request.split_once(' ')?.1))
        .collect();
    for (words, address) in changing() {
        assert!(
            told.contains(&words),
            "`{address}` ({words}) left no line in the audit log"
        );
    }
}

/// The routes about tokens and people.
fn play_people(scene: &Scene<'_>) {
    let none = json!({});
    let token = scene.ask(
        "POST",
        "tokens",
        &json!({"name": "b", "access": "read"}),
        201,
    );
    let token = format!("tokens/{}", text(&token["id"]));
    scene.ask("PATCH", &token, &json!({"name": "c"}), 200);
    scene.ask("POST", &format!("{token}/rotate"), &none, 201);
    let team = scene.ask("POST", "teams", &json!({"name": "Core"}), 201);
    let team = format!("teams/{}", text(&team["id"]));
    scene.ask("PATCH", &team, &json!({"name": "Web"}), 200);
    let asked = json!({"email": "ada@example.com", "role": "member"});
    let withdrawn = scene.ask("POST", "invitations", &asked, 201);
    let path = format!("invitations/{}", text(&withdrawn["id"]));
    scene.ask("DELETE", &path, &none, 204);
    let made = scene.ask("POST", "invitations", &asked, 201);
    let accepted = scene
        .registry
        .anonymous()
        .post(
            "/api/v1/invitations/accept",
            &json!({"token": made["token"], "name": "Ada"}),
        )
        .expect(201)
        .json();
    let account = text(&accepted["member"]);
    let herself = scene.registry.with_token(&text(&accepted["token"]));
    let renamed = herself.patch("/api/v1/me", &json!({"name": "Ada King"}));
    renamed.expect(200);
    let member = format!("members/{account}");
    scene.ask("PATCH", &member, &json!({"role": "auditor"}), 200);
    scene.ask("PUT", &format!("{team}/members/{account}"), &none, 204);
    scene.ask("DELETE", &format!("{team}/members/{account}"), &none, 204);
    scene.ask("DELETE", &member, &none, 204);
    scene.ask("DELETE", &team, &none, 204);
}

/// The pages of people's own affairs.
fn play_pages(scene: &Scene<'_>) {
    let registry = scene.registry;
    let browser = registry.owner_browser();
    let member = registry.member_browser("bob@example.com", "member");
    let (other, _) = registry.sign_in(OWNER, PASSWORD);
    let page = browser.get("/ui/account").expect(200);
    browser.submit(&page, "/ui/account/logins", &[]).expect(200);
    let path = "/ui/account/password";
    let page = browser.get(path).expect(200);
    let values = [("current", PASSWORD), ("password", "another long one")];
    browser.submit(&page, path, &values).expect(200);
    let bob = scene.first("select id from accounts where email = 'bob@example.com'");
    let csrf = browser.get("/ui/account").fields("/ui/sign-out").remove(0);
    let made = browser
        .post(&format!("/ui/acme/people/{bob}/reset"), &[csrf])
        .expect(200);
    let page = other.get("/ui/reset").expect(200);
    let page = other.submit(&page, "/ui/reset", &[("token", &made.one(".code"))]);
    other
        .submit(&page, "/ui/reset", &[("password", "another long one")])
        .expect(200);
    drop(member);
    let (member, _) = registry.sign_in("bob@example.com", "another long one");
    registry.set_up_codes(&member, "another long one");
    let csrf = browser.get("/ui/account").fields("/ui/sign-out").remove(0);
    let path = format!("/ui/acme/people/{bob}/second-factor/remove");
    browser.post(&path, &[csrf]).expect(303);
    play_second_factors(registry, &browser, "another long one");
    let page = browser.get("/ui/account").expect(200);
    browser.submit(&page, "/ui/sign-out", &[]).expect(200);
    let buyer = registry.buyer(&json!({"name": "Shopper"}));
    let customer = registry.buyer_browser(&buyer.token);
    let page = customer.get("/ui/customer/rotate").expect(200);
    customer
        .submit(&page, "/ui/customer/rotate", &[])
        .expect(200);
    let page = customer.get("/ui/customer").expect(200);
    customer
        .submit(&page, "/ui/customer/sign-out", &[])
        .expect(200);
}

/// How people sign in.
fn play_sign_in(scene: &Scene<'_>) {
    let registry = scene.registry;
    let asked = json!({"kind": "github", "client_id": "a", "client_secret": "b"});
    let none = json!({});
    scene.ask("POST", "identity-providers", &asked, 201);
    let path = "identity-providers/github";
    scene.ask("PATCH", path, &json!({"name": "Hub"}), 200);
    scene.ask("DELETE", path, &none, 204);
    scene.ask("PATCH", "sign-in-rules", &json!({"role": "auditor"}), 200);
    let own = "/api/v1/identity-providers";
    registry.admin().post(own, &asked).expect(201);
    let path = format!("{own}/github");
    registry
        .admin()
        .patch(&path, &json!({"name": "Hub"}))
        .expect(200);
    registry
        .admin()
        .send("DELETE", &path, &[], Vec::new())
        .expect(204);
    let browser = registry.sign_in(OWNER, "another long one").0;
    let values = [
        ("kind", "github"),
        ("client_id", "a"),
        ("client_secret", "b"),
    ];
    for here in ["/ui/instance/sign-in", "/ui/acme/settings/sign-in"] {
        let new = format!("{here}/new");
        let page = browser.get(&new).expect(200);
        browser.submit(&page, &new, &values).expect(200);
        let one = format!("{here}/providers/github");
        let page = browser.get(&one).expect(200);
        browser.submit(&page, &one, &[("name", "Hub")]).expect(200);
        if here.contains("instance") {
            crate::web::identity::walk_to_the_end(registry, &browser);
        }
        let remove = format!("{one}/remove");
        let page = browser.get(&remove).expect(200);
        browser.submit(&page, &remove, &[]).expect(200);
    }
    let here = "/ui/acme/settings/sign-in";
    let page = browser.get(here).expect(200);
    browser
        .submit(&page, here, &[("role", "member")])
        .expect(200);
}

/// Codes and passkeys of somebody who is signed in.
fn play_second_factors(registry: &TestRegistry, browser: &Browser<'_>, password: &str) {
    let (app, _) = registry.set_up_codes(browser, password);
    registry.pass_time(30);
    let (other, page) = registry.sign_in(OWNER, password);
    let code = registry.code(&app);
    let path = "/ui/sign-in/code";
    other.submit(&page, path, &[("code", &code)]).expect(200);
    for (part, status) in [("recovery-codes", 200), ("off", 303)] {
        let page = browser.get("/ui/account").expect(200);
        let csrf = page.fields("/ui/sign-out").remove(0);
        let current = ("current".to_owned(), password.to_owned());
        let path = format!("{SECOND_FACTOR}/{part}");
        browser.post(&path, &[csrf, current]).expect(status);
    }
    let device = Device::new(1, Algorithm::Es256);
    device.add_to(browser, "Laptop", password);
    device.sign_in(registry).1.expect(200);
    let page = browser.get(PASSKEYS).expect(200);
    let action = page.attributes("td.end form", "action").remove(0);
    browser.submit(&page, &action, &[]).expect(200);
}

/// Every changing route, each with something to change.
fn play(scene: &Scene<'_>) {
    let registry = scene.registry;
    let none = json!({});
    registry
        .admin()
        .post("/api/v1/orgs", &json!({"slug": "globex"}))
        .expect(201);
    let changed = registry
        .admin()
        .patch("/api/v1/orgs/acme", &json!({"contact": "Ask Ada"}));
    changed.expect(200);
    scene.ask("POST", "repositories", &json!({"slug": "second"}), 201);
    scene.ask(
        "PATCH",
        "repositories/second",
        &json!({"public": true}),
        200,
    );
    let token = scene.ask(
        "POST",
        "tokens",
        &json!({"name": "a", "access": "read"}),
        201,
    );
    scene.ask(
        "DELETE",
        &format!("tokens/{}", text(&token["id"])),
        &none,
        204,
    );
    play_people(scene);
    play_pages(scene);
    play_sign_in(scene);
    let host = scene.ask(
        "POST",
        "hosts",
        &json!({"host": "packages.acme.example"}),
        201,
    );
    let value = text(&host["dns"][0]["value"]);
    registry
        .world
        .dns
        .borrow_mut()
        .set(&text(&host["dns"][0]["name"]), &[&value]);
    let path = "hosts/packages.acme.example";
    scene.ask("POST", &format!("{path}/verify"), &none, 200);
    scene.ask("PATCH", path, &json!({"primary": true}), 200);
    scene.ask("PATCH", path, &json!({"primary": false}), 200);
    scene.ask("DELETE", path, &none, 204);
    let app = text(&add_app(registry)["id"]);
    let secret = json!({"webhook_secret": "another secret of the app"});
    scene.ask("PATCH", &format!("github-apps/{app}"), &secret, 200);
    scene.ask("DELETE", &format!("github-apps/{app}"), &none, 204);

    // A project and its package.
    let (connection, _) = registry.connect();
    let settings = json!({"reconcile_hours": 12});
    scene.ask(
        "PATCH",
        &format!("connections/{connection}"),
        &settings,
        200,
    );
    let project = json!({"connection": connection, "project": PROJECT, "repository": "main"});
    scene.ask("POST", "packages", &project, 202);
    registry.run_jobs();
    let package = format!("packages/{PACKAGE}");
    scene.ask("PATCH", &package, &json!({"moved_tags": "follow"}), 200);
    registry.run_jobs();
    scene.ask("DELETE", &format!("{package}/hook"), &none, 200);
    scene.ask("POST", &format!("{package}/hook"), &none, 200);
    let job = text(&scene.ask("POST", &format!("{package}/sync"), &none, 202)["job"]["id"]);
    scene.ask("POST", &format!("jobs/{job}/cancel"), &none, 200);
    scene.ask("POST", &format!("jobs/{job}/retry"), &none, 200);
    registry.run_jobs();
    registry.deliver_webhook("d1").expect(202);
    registry.run_jobs();
    let delivery = scene.first("select id from deliveries");
    scene.ask("POST", &format!("deliveries/{delivery}/replay"), &none, 202);
    registry.run_jobs();
    let asked = json!({"projects": [PROJECT], "repository": "second"});
    let import = scene.ask(
        "POST",
        &format!("connections/{connection}/imports"),
        &asked,
        202,
    );
    let import = text(&import["import"]["id"]);
    scene.ask("POST", &format!("imports/{import}/cancel"), &none, 200);
    registry.run_jobs();
    registry.change("update git_repos set folders = '[\"packages/*\"]'");
    let number = scene.first("select id from git_repos");
    scene.ask(
        "PATCH",
        &format!("projects/{number}"),
        &json!({"versions": "all"}),
        200,
    );
    registry.change("update git_repos set folders = null");
    registry.run_jobs();

    // Versions, memberships and the owner's tokens.
    let version = format!("{package}/versions/v1.0.0");
    scene.ask("POST", &format!("{version}/yank"), &none, 200);
    scene.ask("DELETE", &format!("{version}/yank"), &none, 200);
    let message = json!({"message": "old"});
    scene.ask("PUT", &format!("{version}/deprecation"), &message, 200);
    registry.run_jobs();
    let before =
        scene.first("select cast(head_revision - 1 as text) from repositories where slug = 'main'");
    let rollback = json!({"revision": before.parse::<i64>().unwrap(), "confirm": "main"});
    scene.ask("POST", "repositories/main/rollback", &rollback, 200);
    scene.ask("DELETE", &format!("{version}/deprecation"), &none, 200);
    let confirmed = json!({"confirm": format!("{PACKAGE} v1.0.0")});
    scene.ask("DELETE", &version, &confirmed, 204);
    scene.ask("POST", &format!("{version}/restore"), &none, 202);
    let membership = format!("repositories/second/packages/{PACKAGE}");
    scene.ask("PUT", &membership, &none, 200);
    scene.ask("DELETE", &membership, &none, 200);
    registry.run_jobs();
    let made = registry
        .admin()
        .post("/api/v1/tokens", &json!({"name": "b"}));
    let path = format!("/api/v1/tokens/{}", text(&made.expect(201).json()["id"]));
    registry
        .admin()
        .send("DELETE", &path, &[], Vec::new())
        .expect(204);

    // What the queue gave up on.
    for _ in 0..2 {
        registry.change(
            "insert into dead_letters (organisation_id, message, reason, received_at) values (1, '{}', 'why', 0)",
        );
    }
    let letter = |at| {
        scene
            .registry
            .world
            .sqlite
            .texts("select id from dead_letters order by id")
            .remove(at)
    };
    scene.ask("DELETE", &format!("dead-letters/{}", letter(0)), &none, 204);
    scene.ask(
        "POST",
        &format!("dead-letters/{}/retry", letter(0)),
        &none,
        204,
    );
    registry.run_jobs();

    // Uploads and definitions.
    let manifest = json!({"name": "acme/upload"}).to_string();
    let archive = git_archive("top", "", &[("composer.json", &manifest)]);
    let admin = &scene.admin;
    let put = |method: &str, path: &str, status: u16| {
        admin
            .send(method, path, &[], archive.clone())
            .expect(status)
            .json()
    };
    put("PUT", "/upload/acme/upload/1.0.0", 201);
    put("PUT", "/upload/acme/upload?version=2.0.0", 201);
    put("PUT", "/upload?version=3.0.0", 201);
    scene.admin.upload("acme/other", "1.0.0", "x").expect(201);
    let begun = json!({"name": "acme/large", "version": "1.0.0", "size": archive.len()});
    let give_up = admin.post("/uploads", &begun).expect(201).json();
    let path = format!("/uploads/{}", text(&give_up["id"]));
    admin.send("DELETE", &path, &[], Vec::new()).expect(204);
    let manifest = json!({"name": "acme/large"}).to_string();
    let large = git_archive("top", "", &[("composer.json", &manifest)]);
    let begun = json!({"name": "acme/large", "version": "1.0.0", "size": large.len()});
    let begun = admin.post("/uploads", &begun).expect(201).json();
    let path = format!("/uploads/{}", text(&begun["id"]));
    admin
        .send("PUT", &format!("{path}/1"), &[], large)
        .expect(200);
    admin
        .send("POST", &format!("{path}/complete"), &[], Vec::new())
        .expect(200);
    let archive = put(
        "POST",
        "/api/v1/orgs/acme/packages/acme/defined/archives",
        201,
    );
    let dist = json!({"sha256": archive["sha256"]});
    let version = json!({"name": "acme/defined", "version": "1.0.0", "dist": dist});
    let definition = json!({"repository": "main", "package": version});
    scene.ask("PUT", "packages/acme/defined/definition", &definition, 200);
    registry.run_jobs();
    play_customers(scene);
    play_deletions(scene);
}

/// Secrets that are replaced, and what is deleted as a whole.
fn play_deletions(scene: &Scene<'_>) {
    let registry = scene.registry;
    let none = json!({});
    let connection = scene.first("select id from connections where github_app_id is null");
    let of_connection = format!("connections/{connection}");
    let secret = format!("{of_connection}/webhook-secret");
    scene.ask("POST", &secret, &none, 200);
    scene.ask("DELETE", &format!("{secret}/old"), &none, 204);
    let app = text(&add_app(registry)["id"]);
    let secret = format!("github-apps/{app}/webhook-secret");
    scene.ask("POST", &secret, &none, 200);
    scene.ask("DELETE", &format!("{secret}/old"), &none, 204);
    registry.run_jobs();
    let named = registry
        .admin()
        .get(&format!("/api/v1/orgs/acme/{of_connection}"))
        .json();
    let name = format!("github {}", text(&named["account"]));
    let confirmed = json!({"confirm": name, "packages": "keep"});
    scene.ask("DELETE", &of_connection, &confirmed, 204);
    let package = json!({"confirm": PACKAGE});
    scene.ask("DELETE", &format!("packages/{PACKAGE}"), &package, 204);
    let repository = json!({"confirm": "second"});
    scene.ask("DELETE", "repositories/second", &repository, 204);
    registry.change("update organisations set suspended_at = 1 where slug = 'globex'");
    registry
        .admin()
        .send(
            "DELETE",
            "/api/v1/orgs/globex",
            &[],
            b"{\"confirm\":\"globex\"}".to_vec(),
        )
        .expect(202);
    registry.run_jobs();
}

/// Customers, collections and grants, one by one and in lists.
fn play_customers(scene: &Scene<'_>) {
    let none = json!({});
    let make = |what: &str, body: &Value| text(&scene.ask("POST", what, body, 201)["id"]);
    let customer = make("customers", &json!({"name": "Globex"}));
    let path = format!("customers/{customer}");
    scene.ask("PATCH", &path, &json!({"state": "suspended"}), 200);
    let token = make(&format!("{path}/tokens"), &json!({"name": "ci"}));
    scene.ask("DELETE", &format!("{path}/tokens/{token}"), &none, 204);
    let items = json!([{"packages": ["acme/*"]}]);
    let collection = make("collections", &json!({"name": "All", "items": items}));
    let collection = format!("collections/{collection}");
    scene.ask("PATCH", &collection, &json!({"name": "Suite"}), 200);
    let terms = json!({"subject": {"customer": customer}, "packages": ["acme/*"]});
    let grant = format!("grants/{}", make("grants", &terms));
    scene.ask("PATCH", &grant, &json!({"versions": "^2.0"}), 200);
    scene.ask("DELETE", &grant, &none, 204);
    scene.ask("DELETE", &collection, &none, 204);
    scene.ask("DELETE", &path, &json!({"confirm": "Globex"}), 204);
    let customers = json!([{"external_id": "1", "name": "Ada"}]);
    let customers = json!({ "customers": customers });
    scene.ask("PUT", "customers/bulk", &customers, 200);
    let subject = json!({"customer_external_id": "1"});
    let grants = json!([{"external_id": "1", "subject": subject, "packages": ["acme/*"]}]);
    scene.ask("PUT", "grants/bulk", &json!({ "grants": grants }), 200);
}
