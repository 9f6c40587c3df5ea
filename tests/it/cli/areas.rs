//! Each area's commands against what the API says.

use serde_json::{Value, json};

use super::Terminal;
use crate::support::{PACKAGE, TestRegistry};

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_version_is_yanked_deprecated_deleted_and_given_back() {
    let registry = TestRegistry::imported();
    let terminal = Terminal::of_owner(&registry);
    let version = |more: &[&str]| terminal.run(&[&["packages"], more].concat());
    let shown =
        |field: &str| terminal.json(&["packages", "version", PACKAGE, "v1.1.0"])[field].clone();
    version(&["yank", PACKAGE, "v1.1.0"]).expect(0);
    assert!(shown("yanked_at").is_string());
    version(&["unyank", PACKAGE, "v1.1.0"]).expect(0);
    assert!(shown("yanked_at").is_null());
    version(&[
        "deprecate",
        PACKAGE,
        "v1.1.0",
        "loses data",
        "--use",
        "^1.2",
    ])
    .expect(0);
    assert_eq!(shown("deprecated")["message"], "loses data");
    version(&["undeprecate", PACKAGE, "v1.1.0"]).expect(0);
    // Nobody is there to type the name again.
    version(&["delete", PACKAGE, "v1.1.0"]).expect(2);
    version(&["delete", PACKAGE, "v1.1.0", "--confirm", "acme/lib v1.0.0"]).expect(1);
    version(&["delete", PACKAGE, "v1.1.0", "--confirm", "acme/lib v1.1.0"]).expect(0);
    let deleted = version(&["version", PACKAGE, "v1.1.0"]).expect(5);
    assert!(
        deleted.err.contains("was deleted by a person"),
        "{}",
        deleted.err
    );
    version(&["restore", PACKAGE, "v1.1.0"]).expect(0);
    registry.run_jobs();
    version(&["version", PACKAGE, "v1.1.0"]).expect(0);
    // A branch has a slash.
    registry.push("refs/heads/feature/x", &json!({"name": PACKAGE}));
    registry.sync(PACKAGE);
    version(&["yank", PACKAGE, "dev-feature/x"]).expect(0);
    registry.run_jobs();
}

#[test]
fn a_person_shows_and_renames_herself() {
    let registry = TestRegistry::new();
    let ada = crate::people::join(&registry, "ada@example.com", "member");
    let terminal = Terminal::new(&registry, Some(&ada.token));
    assert_eq!(terminal.json(&["people", "me"])["name"], "ada");
    let renamed = terminal.json(&["people", "rename", "Ada King"]);
    assert_eq!(renamed["name"], "Ada King");
    assert_eq!(renamed["organisation"]["slug"], "acme");
    terminal.run(&["people", "rename", ""]).expect(1);
    Terminal::of_owner(&registry)
        .run(&["people", "me"])
        .expect(4);
}

#[test]
fn settings_are_shown_and_changed() {
    let registry = TestRegistry::imported();
    let terminal = Terminal::of_owner(&registry);
    let settings = terminal.json(&[
        "packages",
        "settings",
        PACKAGE,
        "--moved-tags",
        "follow",
        "--abandoned",
        "acme/new",
    ]);
    assert_eq!(settings["settings"]["moved_tags"], "follow");
    assert_eq!(settings["abandoned"], "acme/new");
    registry.run_jobs();
    let settings = terminal.json(&["packages", "settings", PACKAGE]);
    assert_eq!(settings["abandoned"], "acme/new");
    terminal
        .run(&["packages", "settings", PACKAGE, "--abandoned-by-itself"])
        .expect(0);
    registry.run_jobs();
    let repository = terminal.json(&["repositories", "create", "internal"]);
    assert_eq!(repository["slug"], "internal");
    let changed = terminal.json(&[
        "repositories",
        "update",
        "internal",
        "--public",
        "true",
        "--composer-1",
        "off",
    ]);
    assert_eq!(
        (&changed["public"], &changed["composer_1"]),
        (&json!(true), &json!("off"))
    );
    terminal
        .run(&["packages", "place", PACKAGE, "internal"])
        .expect(0);
    terminal
        .run(&["packages", "unplace", PACKAGE, "internal"])
        .expect(0);
    registry.run_jobs();
    terminal
        .run(&["repositories", "revisions", "main"])
        .expect(0)
        .assert_says(&["NUMBER", "CAUSE"]);
}

#[test]
fn a_token_is_made_shown_once_rotated_and_revoked() {
    let registry = TestRegistry::imported();
    let terminal = Terminal::of_owner(&registry);
    let made = terminal.json(&[
        "tokens",
        "create",
        "--name",
        "ci",
        "--access",
        "read",
        "--package",
        "acme/*",
    ]);
    let token = made["token"].as_str().unwrap().to_owned();
    registry
        .with_token(&token)
        .get("/r/acme/main/packages.json")
        .expect(200);
    let listed = terminal.run(&["tokens", "list"]).expect(0);
    listed.assert_says(&["ci", "machine", "active", "rptd_"]);
    assert!(!listed.out.contains(&token));
    let abilities = terminal.run(&["tokens", "abilities", &id(&made)]).expect(0);
    abilities.assert_says(&["download archives"]);
    let rotated = terminal.json(&["tokens", "rotate", &id(&made), "--overlap", "0"]);
    assert_ne!(rotated["token"], made["token"]);
    terminal.run(&["tokens", "revoke", &id(&rotated)]).expect(0);
    terminal.run(&["tokens", "revoke", &id(&rotated)]).expect(4);
    let states = terminal.json(&["tokens", "list", "--state", "revoked"]);
    assert_eq!(states[0]["id"], rotated["id"]);
    let own = Terminal::new(
        &registry,
        Some(&registry.make_token(&json!({"name": "reads", "access": "read"}))),
    );
    own.run(&["whoami"])
        .expect(0)
        .assert_says(&["a machine", "It may download archives."]);
}

#[test]
fn what_a_customer_is_granted_is_tried_out_given_shown_and_taken_back() {
    let registry = TestRegistry::imported();
    let terminal = Terminal::of_owner(&registry);
    let customer = terminal.json(&["customers", "create", "Globex", "--external-id", "4711"]);
    let customer = id(&customer);
    let asked = [
        "--customer",
        &customer,
        "--packages",
        "acme/*",
        "--versions",
        "^1.1",
    ];
    let create = |more: &[&'static str]| [&["grants", "create"], &asked[..], more].concat();
    let dry = terminal.run(&create(&["--dry-run"])).expect(0);
    dry.assert_says(&["WOULD SEE", PACKAGE, "v1.1.0"]);
    assert!(!dry.out.contains("v1.0.0"));
    assert_eq!(terminal.json(&["grants", "list"]), json!([]));
    let by_shop = [
        "grants",
        "create",
        "--customer-external-id",
        "4711",
        "--packages",
        "acme/*",
        "--dry-run",
    ];
    terminal
        .run(&by_shop)
        .expect(0)
        .assert_says(&["v1.0.0", "v1.1.0"]);

    let made = terminal.json(&create(&[]));
    let path = format!("/api/v1/orgs/acme/grants/{}", id(&made));
    assert_eq!(made, registry.admin().get(&path).json());
    terminal
        .run(&["grants", "list", "--customer", &customer])
        .expect(0)
        .assert_says(&["acme/*", "^1.1", &format!("customer {customer}")]);
    let access = ["grants", "access", "--customer", &customer];
    terminal
        .run(&access)
        .expect(0)
        .assert_says(&["PACKAGE", PACKAGE, "some"]);
    let versions = terminal
        .run(&[&access[..], &["--versions"]].concat())
        .expect(0);
    versions.assert_says(&["v1.1.0", "yes", "it is not in `^1.1`"]);
    let path = format!("/api/v1/orgs/acme/effective-access?customer={customer}");
    assert_eq!(
        terminal.json(&access),
        registry.admin().get(&path).json()["packages"]
    );

    let token = terminal.json(&["customers", "tokens", "create", &customer, "--name", "ci"]);
    let reader = registry.with_token(token["token"].as_str().unwrap());
    reader.get("/r/acme/main/p2/acme/lib.json").expect(200);
    terminal
        .run(&["customers", "tokens", "list", &customer])
        .expect(0)
        .assert_says(&["ci", "rptc_"]);
    terminal
        .run(&["customers", "tokens", "revoke", &customer, &id(&token)])
        .expect(0);
    terminal.run(&["grants", "delete", &id(&made)]).expect(0);
    terminal.run(&["grants", "show", &id(&made)]).expect(4);
}

#[test]
fn a_customer_is_suspended_frozen_resumed_and_removed() {
    let registry = TestRegistry::new();
    let terminal = Terminal::of_owner(&registry);
    let customer = id(&terminal.json(&["customers", "create", "Globex"]));
    let state = |arguments: &[&str]| {
        let all = [&["customers"], arguments].concat();
        let shown = terminal.json(&all);
        (shown["state"].clone(), shown["reason"].clone())
    };
    assert_eq!(
        state(&["suspend", &customer, "--reason", "Invoice 17"]),
        (json!("suspended"), json!("Invoice 17"))
    );
    assert_eq!(
        state(&["resume", &customer]),
        (json!("active"), Value::Null)
    );
    assert_eq!(state(&["freeze", &customer]).0, json!("frozen"));
    terminal
        .run(&["customers", "list", "--state", "frozen"])
        .expect(0)
        .assert_says(&["Globex"]);
    terminal.run(&["customers", "delete", &customer]).expect(2);
    terminal
        .run(&["customers", "delete", &customer, "--confirm", "Initech"])
        .expect(1);
    terminal
        .run(&["customers", "delete", &customer, "--confirm", "Globex"])
        .expect(0);
    terminal.run(&["customers", "show", &customer]).expect(4);
}

#[test]
fn a_shop_s_list_is_sent_again_and_what_is_wrong_in_it_is_named() {
    let registry = TestRegistry::new();
    let terminal = Terminal::of_owner(&registry);
    let list = json!({"customers": [
        {"external_id": "1", "name": "One"}, {"external_id": "2", "name": "Two", "email": "nonsense"}]});
    let file = terminal.write("list.json", &list.to_string());
    let refused = terminal.run(&["customers", "import", &file]).expect(1);
    assert!(
        refused.err.contains("/customers/1/email"),
        "{}",
        refused.err
    );
    assert_eq!(terminal.json(&["customers", "list"]), json!([]));
    let skipped = terminal
        .run(&["customers", "import", &file, "--skip-wrong"])
        .expect(1);
    skipped.assert_says(&[
        "1 created, 0 updated, 0 unchanged, 1 refused",
        "refused 2: /email",
    ]);
    let text = "[{\"external_id\": \"3\", \"name\": \"Three\"}]";
    let missing = [
        "customers",
        "import",
        "-",
        "--suspend-missing",
        "--missing-reason",
        "Cancelled",
    ];
    let result = terminal.type_in(&missing, text).expect(0);
    result.assert_says(&["1 created", "suspended 1"]);
    let one = terminal.json(&["customers", "list", "--external-id", "1"]);
    assert_eq!(
        (&one[0]["state"], &one[0]["reason"]),
        (&json!("suspended"), &json!("Cancelled"))
    );
}

#[test]
fn a_collection_is_made_changed_and_removed_with_its_grants() {
    let registry = TestRegistry::new();
    let terminal = Terminal::of_owner(&registry);
    let made = terminal.json(&["collections", "create", "Suite", "--package", "acme/*"]);
    let items = terminal.write(
        "items.json",
        "[{\"packages\": [\"acme/a\"], \"versions\": \"^2.0\"}]",
    );
    let changed = terminal.json(&["collections", "update", &id(&made), "--items", &items]);
    assert_eq!(changed["items"][0]["versions"], "^2.0");
    let customer = id(&terminal.json(&["customers", "create", "Globex"]));
    terminal
        .run(&[
            "grants",
            "create",
            "--customer",
            &customer,
            "--collection",
            &id(&made),
        ])
        .expect(0);
    terminal
        .run(&["collections", "list"])
        .expect(0)
        .assert_says(&["Suite", "GRANTS"]);
    terminal
        .run(&["collections", "delete", &id(&made)])
        .expect(5);
    terminal
        .run(&["collections", "delete", &id(&made), "--with-grants"])
        .expect(0);
    assert_eq!(terminal.json(&["collections", "list"]), json!([]));
}

#[test]
fn people_are_asked_in_and_looked_after() {
    let registry = TestRegistry::new();
    let terminal = Terminal::of_owner(&registry);
    let team = id(&terminal.json(&["teams", "create", "Core"]));
    let invited = terminal.json(&[
        "invitations",
        "create",
        "ada@example.com",
        "--role",
        "maintainer",
        "--team",
        &team,
    ]);
    let body = json!({"token": invited["token"], "name": "Ada"});
    let accepted = registry
        .anonymous()
        .post("/api/v1/invitations/accept", &body)
        .expect(201)
        .json();
    let member = accepted["member"].as_str().unwrap();
    terminal.run(&["people", "list"]).expect(0).assert_says(&[
        "ada@example.com",
        "maintainer",
        "Core",
    ]);
    assert_eq!(
        terminal.json(&["people", "role", member, "auditor"])["role"],
        "auditor"
    );
    assert_eq!(
        terminal.json(&["people", "suspend", member])["suspended"],
        true
    );
    assert_eq!(
        terminal.json(&["people", "resume", member])["suspended"],
        false
    );
    terminal.run(&["teams", "take", &team, member]).expect(0);
    terminal.run(&["teams", "add", &team, member]).expect(0);
    terminal
        .run(&["teams", "show", &team])
        .expect(0)
        .assert_says(&["members", "ada@example.com"]);
    terminal
        .run(&["invitations", "list", "--state", "accepted"])
        .expect(0)
        .assert_says(&["ada@example.com"]);
    terminal.run(&["people", "remove", member]).expect(0);
    terminal.run(&["teams", "remove", &team]).expect(0);
    assert_eq!(terminal.json(&["people", "list"]), json!([]));
}

#[test]
fn composer_is_told_where_and_never_with_which_token() {
    let registry = TestRegistry::new();
    let terminal = Terminal::of_owner(&registry);
    let commands = terminal.run(&["composer", "main", "acme/lib"]).expect(0);
    assert_eq!(
        commands.out.lines().collect::<Vec<_>>(),
        [
            "composer config repositories.main composer https://packages.example.com/r/acme/main",
            "composer config http-basic.packages.example.com token \"$TOKEN\"",
            "composer require acme/lib",
        ]
    );
    let made = terminal.json(&["orgs", "create", "globex", "--name", "Globex"]);
    assert_eq!(made["slug"], "globex");
    terminal
        .run(&["orgs", "list"])
        .expect(0)
        .assert_says(&["acme", "globex"]);
}

#[test]
fn a_member_lists_and_shows_what_she_sees() {
    let registry = TestRegistry::shop();
    let ada = crate::people::join(&registry, "ada@example.com", "member");
    let team = registry.make("teams", &json!({"name": "Core"}));
    let place = format!("/api/v1/orgs/acme/teams/{team}/members/{}", ada.account);
    let put = registry.admin().send("PUT", &place, &[], Vec::new());
    put.expect(204);
    let grant = json!({"subject": {"team": team}, "packages": ["acme/lib"], "versions": "^2.0"});
    registry.make("grants", &grant);
    let terminal = Terminal::new(&registry, Some(&ada.token));
    let listed = terminal.json(&["packages", "list"]);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0]["versions"], 2);
    terminal
        .run(&["packages", "list"])
        .expect(0)
        .assert_says(&["acme/lib", "2"]);
    terminal
        .run(&["packages", "show", "acme/lib"])
        .expect(0)
        .assert_says(&["acme/lib", "2.0.0-beta1"]);
    let version = terminal.json(&["packages", "version", "acme/lib", "2.0.0"]);
    assert_eq!(version["version_normalized"], "2.0.0.0");
    terminal
        .run(&["packages", "version", "acme/lib", "3.0.0"])
        .expect(4);
    terminal.run(&["packages", "show", "acme/tool"]).expect(4);
}
