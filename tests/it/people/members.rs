use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::{ORG, delete, globex, grant, join, join_at, text};
use crate::support::persona::Persona;
use crate::support::{PACKAGE, TestRegistry, isolate};

const TAGGED: &str = "/r/acme/main/p2/acme/lib.json";
const ROOT: &str = "/r/acme/main/packages.json";

#[test]
fn a_role_says_what_a_person_may() {
    let registry = TestRegistry::imported();
    let may = |role: &str, path: &str| {
        let joined = join(&registry, &format!("{role}@example.com"), role);
        registry.with_token(&joined.token).get(path).status()
    };
    let members = format!("{ORG}/members");
    for (role, of_package, of_members) in [
        ("owner", 200, 200),
        ("admin", 200, 200),
        ("maintainer", 200, 200),
        ("auditor", 200, 200),
        // Nothing was given to a team of hers.
        ("member", 404, 403),
    ] {
        assert_eq!(may(role, TAGGED), of_package, "{role}");
        assert_eq!(may(role, &members), of_members, "{role}");
    }
    let auditor = registry.with_token(&join(&registry, "auditor@example.com", "auditor").token);
    let reference = registry.composer_metadata(PACKAGE)[0]["dist"]["url"].clone();
    let archive = text(&reference).replace("https://packages.example.com", "");
    auditor.get(&archive).expect(404);
}

#[test]
fn teams_give_members_what_they_see() {
    let registry = TestRegistry::imported();
    let admin = registry.admin();
    let made = admin.post(&format!("{ORG}/teams"), &json!({"name": "Core"}));
    let team = text(&made.expect(201).json()["id"]);
    grant(&registry, &format!("team:{team}"), "acme/*");
    let ada = join(&registry, "ada@example.com", "member");
    let reader = registry.with_token(&ada.token);
    reader.get(TAGGED).expect(404);
    let place = format!("{ORG}/teams/{team}/members/{}", ada.account);
    for _ in 0..2 {
        admin.send("PUT", &place, &[], Vec::new()).expect(204);
    }
    let seen = reader.get(TAGGED).expect(200);
    let validator = seen.header("last-modified").unwrap().to_owned();
    reader
        .get_with(TAGGED, "if-modified-since", &validator)
        .expect(304);
    let shown = admin.get(&format!("{ORG}/teams/{team}")).expect(200).json();
    assert_eq!(shown["members"][0]["id"], json!(ada.account));
    assert_eq!(shown["member_count"], 1);
    let member = admin.get(&format!("{ORG}/members/{}", ada.account)).json();
    assert_eq!(member["teams"], json!([{"id": team, "name": "Core"}]));
    let listed = admin.get(&format!("{ORG}/members?team={team}")).json();
    assert_eq!(listed["members"].as_array().unwrap().len(), 1);
    delete(&admin, &place).expect(204);
    delete(&admin, &place).expect(404);
    reader.get(TAGGED).expect(404);
    // In again she sees what she saw before, so that it need not be sent.
    admin.send("PUT", &place, &[], Vec::new()).expect(204);
    reader
        .get_with(TAGGED, "if-modified-since", &validator)
        .expect(304);
    delete(&admin, &format!("{ORG}/teams/{team}")).expect(204);
    reader.get(TAGGED).expect(404);
    assert_eq!(
        registry.world.sqlite.texts("select id from grants"),
        Vec::<String>::new()
    );
}

#[test]
fn teams_are_named_once_and_can_be_renamed() {
    let registry = TestRegistry::new();
    let admin = registry.admin();
    let teams = format!("{ORG}/teams");
    let core = json!({"name": "Core", "description": "who keeps it going"});
    let id = text(&admin.post(&teams, &core).expect(201).json()["id"]);
    admin.post(&teams, &core).expect(409);
    admin.post(&teams, &json!({"name": " "})).expect(422);
    admin.post(&teams, &json!({"name": "Web"})).expect(201);
    let path = format!("{teams}/{id}");
    admin.patch(&path, &json!({"name": "Web"})).expect(409);
    let changed = admin
        .patch(&path, &json!({"name": "Kernel", "description": null}))
        .expect(200)
        .json();
    assert_eq!(changed["name"], "Kernel");
    assert_eq!(changed["description"], json!(null));
    let listed = admin.get(&teams).json();
    let names: Vec<_> = listed["teams"]
        .as_array()
        .unwrap()
        .iter()
        .map(|team| text(&team["name"]))
        .collect();
    assert_eq!(names, ["Kernel", "Web"]);
}

#[test]
fn the_last_owner_stays() {
    let registry = TestRegistry::new();
    let ada = join(&registry, "ada@example.com", "owner");
    let path = format!("{ORG}/members/{}", ada.account);
    let admin = registry.admin();
    admin.patch(&path, &json!({"role": "admin"})).expect(409);
    admin.patch(&path, &json!({"suspended": true})).expect(409);
    let refused = delete(&admin, &path).expect(409).json();
    assert!(text(&refused["detail"]).contains("last owner"));
    let eve = join(&registry, "eve@example.com", "owner");
    let other = format!("{ORG}/members/{}", eve.account);
    admin.patch(&other, &json!({"suspended": true})).expect(200);
    // One who is suspended does not count.
    delete(&admin, &path).expect(409);
    admin
        .patch(&other, &json!({"suspended": false}))
        .expect(200);
    delete(&admin, &path).expect(204);
    registry
        .with_token(&ada.token)
        .get("/api/v1/token")
        .expect(401);
    delete(&admin, &other).expect(409);
}

#[test]
fn nobody_names_or_changes_somebody_mightier() {
    let registry = TestRegistry::new();
    let owner = join(&registry, "owner@example.com", "owner");
    join(&registry, "second@example.com", "owner");
    let bob = join(&registry, "bob@example.com", "maintainer");
    let ada = join(&registry, "ada@example.com", "admin");
    let admin = registry.with_token(&ada.token);
    let member = |joined: &super::Joined| format!("{ORG}/members/{}", joined.account);
    admin
        .patch(&member(&bob), &json!({"role": "owner"}))
        .expect(403);
    admin
        .patch(&member(&ada), &json!({"role": "owner"}))
        .expect(403);
    admin
        .patch(&member(&owner), &json!({"role": "member"}))
        .expect(403);
    admin
        .patch(&member(&owner), &json!({"suspended": true}))
        .expect(403);
    delete(&admin, &member(&owner)).expect(403);
    let asked = json!({"email": "new@example.com", "role": "owner"});
    admin
        .post(&format!("{ORG}/invitations"), &asked)
        .expect(403);
    admin
        .patch(&member(&bob), &json!({"role": "admin"}))
        .expect(200);
    admin
        .patch(&member(&bob), &json!({"role": "king"}))
        .expect(422);
    // A machine that may manage people, and nothing else, names those who see nothing by themselves.
    let token = registry.make_token(&json!({"name": "sync", "abilities": ["manage_members"]}));
    let machine = registry.with_token(&token);
    let invitations = format!("{ORG}/invitations");
    for (role, status) in [("member", 201), ("auditor", 403), ("maintainer", 403)] {
        let asked = json!({"email": format!("{role}@example.org"), "role": role});
        machine.post(&invitations, &asked).expect(status);
    }
}

#[test]
fn a_suspended_member_is_told_so_and_comes_back_as_before() {
    let registry = TestRegistry::imported();
    let ada = join(&registry, "ada@example.com", "maintainer");
    let person = registry.with_token(&ada.token);
    person.get(TAGGED).expect(200);
    let path = format!("{ORG}/members/{}", ada.account);
    let admin = registry.admin();
    let changed = admin.patch(&path, &json!({"suspended": true})).expect(200);
    assert_eq!(changed.json()["suspended"], true);
    person.get(TAGGED).expect(404);
    let root = person.get(ROOT).expect(200).json();
    let words = "Your membership here is suspended. Ask the people who gave you the token";
    assert_eq!(root["warning"], words);
    person.get(&format!("{ORG}/packages")).expect(403);
    let own = person.get("/api/v1/token").expect(200).json();
    assert_eq!(own["bar"], words);
    admin.patch(&path, &json!({"suspended": false})).expect(200);
    person.get(TAGGED).expect(200);
}

#[test]
fn who_is_removed_leaves_teams_and_tokens_behind() {
    let registry = TestRegistry::imported();
    let admin = registry.admin();
    let made = admin.post(&format!("{ORG}/teams"), &json!({"name": "Core"}));
    let team = text(&made.expect(201).json()["id"]);
    globex(&registry);
    let ada = join_at(&registry, "acme", "ada@example.com", "maintainer", &[&team]);
    let elsewhere = join_at(&registry, "globex", "ada@example.com", "maintainer", &[]);
    assert_eq!(ada.account, elsewhere.account);
    let path = format!("{ORG}/members/{}", ada.account);
    delete(&admin, &path).expect(204);
    delete(&admin, &path).expect(404);
    registry.with_token(&ada.token).get(TAGGED).expect(401);
    // What she is elsewhere she stays.
    registry
        .with_token(&elsewhere.token)
        .get("/api/v1/orgs/globex/packages")
        .expect(200);
    assert_eq!(
        registry
            .world
            .sqlite
            .texts("select team_id from team_members"),
        Vec::<String>::new()
    );
    // Asked in again she begins anew: the token of before stays revoked.
    let again = join(&registry, "ada@example.com", "member");
    assert_eq!(again.account, ada.account);
    registry.with_token(&ada.token).get(TAGGED).expect(401);
    registry.with_token(&again.token).get(TAGGED).expect(404);
}

#[test]
fn changes_are_in_force_in_every_isolate_within_ten_seconds() {
    let registry = TestRegistry::imported();
    let admin = registry.admin();
    join(&registry, "owner@example.com", "owner");
    let elsewhere = isolate(&registry.world);
    let change = |change: &dyn Fn(&super::Joined, &str), before: u16, after: u16| {
        let email = format!("p{}@example.com", registry.world.now.get());
        let joined = join(&registry, &email, "maintainer");
        let far = Persona::new(&elsewhere, Some(&joined.token));
        assert_eq!(far.get(TAGGED).status(), before);
        change(&joined, &format!("{ORG}/members/{}", joined.account));
        registry.pass_time(10);
        assert_eq!(far.get(TAGGED).status(), after);
        joined
    };
    change(
        &|_, path| drop(admin.patch(path, &json!({"role": "member"})).expect(200)),
        200,
        404,
    );
    change(
        &|_, path| drop(admin.patch(path, &json!({"suspended": true})).expect(200)),
        200,
        404,
    );
    change(&|_, path| drop(delete(&admin, path).expect(204)), 200, 401);
    change(
        &|joined, _| {
            let own = registry.with_token(&joined.token);
            let id = text(&own.get("/api/v1/token").expect(200).json()["id"]);
            delete(&own, &format!("{ORG}/tokens/{id}")).expect(204);
        },
        200,
        401,
    );
}

#[test]
fn people_of_another_organisation_do_not_exist() {
    let registry = TestRegistry::new();
    let stranger = globex(&registry);
    let stranger = registry.with_token(&stranger);
    let admin = registry.admin();
    let ada = join(&registry, "ada@example.com", "maintainer");
    let theirs = join_at(&registry, "globex", "gus@example.com", "maintainer", &[]);
    let made = admin.post(&format!("{ORG}/teams"), &json!({"name": "Core"}));
    let team = text(&made.expect(201).json()["id"]);
    let asked = json!({"email": "new@example.com", "role": "member"});
    let made = admin.post(&format!("{ORG}/invitations"), &asked);
    let invitation = text(&made.expect(201).json()["id"]);
    let token = registry
        .world
        .sqlite
        .texts("select id from tokens where kind = 'personal'");
    let before = registry.world.sqlite.changes();
    for org in ["acme", "globex", "none"] {
        let base = format!("/api/v1/orgs/{org}");
        for (method, path) in [
            ("GET", format!("members/{}", ada.account)),
            ("PATCH", format!("members/{}", ada.account)),
            ("DELETE", format!("members/{}", ada.account)),
            ("GET", format!("teams/{team}")),
            ("PATCH", format!("teams/{team}")),
            ("DELETE", format!("teams/{team}")),
            ("PUT", format!("teams/{team}/members/{}", ada.account)),
            ("PUT", format!("teams/{team}/members/{}", theirs.account)),
            ("DELETE", format!("teams/{team}/members/{}", ada.account)),
            ("GET", format!("invitations/{invitation}")),
            ("DELETE", format!("invitations/{invitation}")),
            ("GET", format!("tokens/{}", token[0])),
            ("PATCH", format!("tokens/{}", token[0])),
            ("DELETE", format!("tokens/{}", token[0])),
            ("POST", format!("tokens/{}/rotate", token[0])),
            ("GET", format!("tokens/{}/abilities", token[0])),
        ] {
            let path = format!("{base}/{path}");
            let answer = stranger.send(method, &path, &[], b"{}".to_vec());
            assert_eq!(answer.status(), 404, "{method} {path}");
        }
    }
    for list in ["members", "teams", "invitations", "tokens"] {
        stranger.get(&format!("{ORG}/{list}")).expect(404);
    }
    // Not even as what somebody is put into.
    let asked = json!({"email": "x@example.com", "role": "member", "teams": [team]});
    stranger
        .post("/api/v1/orgs/globex/invitations", &asked)
        .expect(422);
    assert_eq!(registry.world.sqlite.changes(), before);
    let listed = stranger.get("/api/v1/orgs/globex/members").json();
    assert_eq!(listed["members"].as_array().unwrap().len(), 1);
    assert_eq!(listed["members"][0]["email"], "gus@example.com");
    let listed = stranger.get(&format!("/api/v1/orgs/globex/members?team={team}"));
    assert_eq!(listed.json()["members"], json!([]));
    for filter in [
        format!("person={}", ada.account),
        format!("cursor={}", URL_SAFE_NO_PAD.encode(&token[0])),
    ] {
        let listed = stranger.get(&format!(
            "/api/v1/orgs/globex/tokens?kind=personal&{filter}"
        ));
        let listed = listed.expect(200).json();
        assert!(!listed.to_string().contains("ada"), "{listed}");
    }
}

#[test]
fn what_somebody_is_called_elsewhere_is_not_told() {
    let registry = TestRegistry::new();
    globex(&registry);
    join(&registry, "ada@example.com", "member");
    let admin = registry.admin();
    let asked = json!({"email": "ADA@example.com", "role": "member"});
    let made = admin.post("/api/v1/orgs/globex/invitations", &asked);
    let secret = text(&made.expect(201).json()["token"]);
    super::accept(&registry, &secret, "Countess");
    let name = |org: &str| {
        let listed = admin.get(&format!("/api/v1/orgs/{org}/members")).json();
        text(&listed["members"][0]["name"])
    };
    assert_eq!(name("acme"), "ada");
    assert_eq!(name("globex"), "Countess");
}
