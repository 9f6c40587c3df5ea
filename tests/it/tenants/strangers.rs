//! Every route, by somebody of another organisation: what is there and what is not are one and the same to him, in the
//! status, in every header, in every byte, and in how often the database is asked.

use std::collections::BTreeMap;

use repertoire::http::route::parse;
use serde_json::{Value, json};

use super::{make_organisation, owner_of, text};
use crate::routes::PATHS;
use crate::support::persona::{Answer, Persona};
use crate::support::world::Port;
use crate::support::{PACKAGE, PROJECT, TestRegistry};

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// Somebody else's things, each by the segment of the path that it stands behind.
fn furnish(registry: &TestRegistry) -> BTreeMap<&'static str, String> {
    let make = |what: &str, body: Value| registry.make(what, &body);
    let customer = make(
        "customers",
        json!({"name": "Globex", "external_id": "order-1"}),
    );
    let app = text(&crate::support::github_app::add_app(registry)["id"]);
    let import = {
        let connection = registry
            .world
            .sqlite
            .texts("select id from connections")
            .remove(0);
        let asked = json!({"projects": [PROJECT], "repository": "main"});
        let path = format!("/api/v1/orgs/acme/connections/{connection}/imports");
        let begun = registry.admin().post(&path, &asked).expect(202).json();
        text(&begun["import"]["id"])
    };
    registry.deliver_webhook("d1").expect(202);
    registry.run_jobs();
    registry.change("insert into dead_letters (organisation_id, message, reason, received_at) values (1, '{}', 'why', 0)");
    let asked = json!({"email": "ada@example.com", "role": "owner"});
    let invited = make("invitations", asked.clone());
    let again = registry
        .admin()
        .post(
            "/api/v1/orgs/acme/invitations",
            &json!({"email": "bob@example.com", "role": "member"}),
        )
        .expect(201)
        .json();
    let accepted = registry
        .anonymous()
        .post(
            "/api/v1/invitations/accept",
            &json!({"token": again["token"], "name": "Bob"}),
        )
        .expect(201)
        .json();
    let provider =
        json!({"kind": "github", "slug": "hub-of-acme", "client_id": "a", "client_secret": "b"});
    registry
        .admin()
        .post("/api/v1/orgs/acme/identity-providers", &provider)
        .expect(201);
    let first = |sql| registry.world.sqlite.texts(sql).remove(0);
    BTreeMap::from([
        ("identity-providers", "hub-of-acme".to_owned()),
        (
            "tokens",
            make("tokens", json!({"name": "t", "access": "read"})),
        ),
        ("members", text(&accepted["member"])),
        ("teams", make("teams", json!({"name": "Core"}))),
        ("invitations", invited),
        ("connections", first("select id from connections")),
        ("github-apps", app),
        ("imports", import),
        ("jobs", first("select id from jobs")),
        ("deliveries", first("select id from deliveries")),
        ("dead-letters", first("select id from dead_letters")),
        ("projects", first("select id from git_repos")),
        (
            "grants",
            make(
                "grants",
                json!({"subject": {"customer": customer}, "packages": ["acme/*"], "external_id": "g-1"}),
            ),
        ),
        (
            "collections",
            make(
                "collections",
                json!({"name": "All", "items": [{"packages": ["acme/*"]}]}),
            ),
        ),
        ("customers", customer),
    ])
}

/// A path of the table with these ids in it; none where it has no place for one.
fn with_ids(path: &str, ids: &BTreeMap<&'static str, String>) -> Option<String> {
    let mut replaced = false;
    let mut before = "";
    let segments: Vec<String> = path
        .split('/')
        .map(|segment| {
            let id = ids.get(before).filter(|_| {
                !["bulk", "accept", "tokens", "imports", "projects"].contains(&segment)
            });
            before = segment;
            match id {
                Some(id) => {
                    replaced = true;
                    id.clone()
                }
                None => segment.to_owned(),
            }
        })
        .collect();
    replaced.then(|| segments.join("/"))
}

/// Ids that nothing has, each of the same form.
fn nobody(ids: &BTreeMap<&'static str, String>) -> BTreeMap<&'static str, String> {
    ids.iter()
        .map(|(kind, id)| {
            let other = if id.parse::<i64>().is_ok() {
                "9".repeat(id.len().max(6))
            } else {
                // Another id of the same length.
                id.chars()
                    .map(|sign| match sign {
                        '0'..='8' => '9',
                        'a'..='e' => 'f',
                        other => other,
                    })
                    .collect()
            };
            assert_ne!(*id, other);
            (*kind, other)
        })
        .collect()
}

/// Bodies that name things: `connection`, a customer, a team and so on of `ids`, in so far as a route reads them.
fn bodies(ids: &BTreeMap<&'static str, String>) -> Vec<(&'static str, &'static str, Value)> {
    let id = |kind: &str| json!(ids[kind]);
    vec![
        (
            "POST",
            "packages",
            json!({"connection": id("connections"), "project": PROJECT, "repository": "main"}),
        ),
        (
            "POST",
            "grants",
            json!({"subject": {"customer": id("customers")}, "packages": ["a/*"]}),
        ),
        (
            "POST",
            "grants",
            json!({"subject": {"team": id("teams")}, "packages": ["a/*"]}),
        ),
        (
            "POST",
            "grants",
            json!({"subject": {"token": id("tokens")}, "packages": ["a/*"]}),
        ),
        (
            "PUT",
            "grants/bulk",
            json!({"grants": [{"external_id": "x", "subject": {"customer": id("customers")}, "packages": ["a/*"]}]}),
        ),
        (
            "POST",
            "invitations",
            json!({"email": "eve@example.com", "role": "member", "teams": [id("teams")]}),
        ),
        (
            "POST",
            "effective-access/dry-run",
            json!({"customer": id("customers")}),
        ),
        (
            "POST",
            "connections",
            json!({"provider": "github", "github_app": id("github-apps"), "installation": 1}),
        ),
    ]
}

struct Asked {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    questions: usize,
}

fn ask(
    registry: &TestRegistry,
    who: &Persona<'_>,
    method: &str,
    path: &str,
    body: &Value,
) -> Asked {
    registry.world.forget_calls();
    let answer: Answer = who.send(method, path, &[], body.to_string().into());
    Asked {
        status: answer.status(),
        headers: answer
            .reply
            .headers
            .iter()
            .map(|(name, value)| (*name, value.clone()))
            .collect(),
        body: String::from_utf8(answer.bytes()).unwrap(),
        questions: registry.world.calls(Port::Db),
    }
}

/// What tells the two apart, where anything does. What a caller wrote himself may stand in the answer.
fn difference(there: &Asked, nowhere: &Asked, said: &[(&str, &str)]) -> Option<String> {
    let plain = |text: &str| {
        said.iter().fold(text.to_owned(), |text, (one, other)| {
            text.replace(one, "?").replace(other, "?")
        })
    };
    if there.status != nowhere.status {
        return Some(format!(
            "{} and {}: {} {}",
            there.status, nowhere.status, there.body, nowhere.body
        ));
    }
    // Where a redirect leads is what was asked for, said in another way: what is there is compared where it leads to, by
    // `web/landing.rs`.
    let headers = |asked: &Asked| -> Vec<(&'static str, String)> {
        let of = asked.headers.iter();
        of.map(|(name, value)| match *name {
            "location" => (*name, value.replacen("/ui/none/", "/ui/acme/", 1)),
            _ => (*name, value.clone()),
        })
        .collect()
    };
    if headers(there) != headers(nowhere) {
        return Some(format!("{:?} and {:?}", there.headers, nowhere.headers));
    }
    if plain(&there.body) != plain(&nowhere.body) {
        return Some(format!("{} and {}", there.body, nowhere.body));
    }
    (there.questions != nowhere.questions)
        .then(|| format!("{} and {} questions", there.questions, nowhere.questions))
}

#[test]
fn another_organisation_and_none_are_one_and_the_same() {
    let registry = TestRegistry::imported();
    let ids = furnish(&registry);
    make_organisation(&registry, &json!({"slug": "globex"}));
    let stranger = owner_of(&registry, "globex");
    let mut walked = 0;
    let mut differences = Vec::new();
    let before = registry.world.sqlite.changes();
    for path in PATHS
        .iter()
        .filter(|path| path.contains("/acme/") || path.ends_with("/orgs/acme"))
    {
        let full = with_ids(path, &ids).unwrap_or_else(|| (*path).to_owned());
        let Some(rest) = ["/api/v1/orgs/acme", "/r/acme"]
            .iter()
            .find_map(|start| full.strip_prefix(start).map(|rest| (*start, rest)))
        else {
            continue;
        };
        for method in METHODS {
            if parse(method, "packages.example.com", &full).is_err() {
                continue;
            }
            let nowhere = format!("{}{}", rest.0.replace("acme", "none"), rest.1);
            for who in [&stranger, &registry.anonymous()] {
                let body = json!({});
                let one = ask(&registry, who, method, &full, &body);
                let other = ask(&registry, who, method, &nowhere, &body);
                if let Some(difference) = difference(&one, &other, &[]) {
                    differences.push(format!("{method} {full}: {difference}"));
                }
                walked += 1;
            }
        }
    }
    assert_eq!(differences, Vec::<String>::new());
    assert!(walked > 200, "{walked}");
    assert_eq!(registry.world.sqlite.changes(), before);
}

#[test]
fn things_of_another_organisation_and_none_are_one_and_the_same() {
    let registry = TestRegistry::imported();
    let ids = furnish(&registry);
    let none = nobody(&ids);
    make_organisation(&registry, &json!({"slug": "globex"}));
    let stranger = owner_of(&registry, "globex");
    let mut walked = 0;
    let mut differences = Vec::new();
    // Short numbers stand anywhere, and nobody is told his own.
    let said: Vec<_> = ids
        .iter()
        .filter(|(_, id)| id.len() > 6)
        .map(|(kind, id)| (id.as_str(), none[kind].as_str()))
        .collect();
    let before = registry.world.sqlite.changes();
    let mut compare =
        |method: &str, one: &str, other: &str, bodies: [&Value; 2], said: &[(&str, &str)]| {
            let there = ask(&registry, &stranger, method, one, bodies[0]);
            let nowhere = ask(&registry, &stranger, method, other, bodies[1]);
            if let Some(difference) = difference(&there, &nowhere, said) {
                differences.push(format!("{method} {one}: {difference}"));
            }
            // A thing that is not there for him can be neither read nor changed.
            if there.status < 400 {
                differences.push(format!(
                    "{method} {one} is answered {}: {}",
                    there.status, there.body
                ));
            }
            walked += 1;
        };
    for path in PATHS
        .iter()
        .filter(|path| path.starts_with("/api/v1/orgs/acme/"))
    {
        let own = path.replacen("acme", "globex", 1);
        for method in METHODS {
            if parse(method, "packages.example.com", &own).is_err() {
                continue;
            }
            let empty = json!({});
            if let (Some(one), Some(other)) = (with_ids(&own, &ids), with_ids(&own, &none)) {
                compare(method, &one, &other, [&empty, &empty], &said);
            }
            // `acme/lib` is there in one organisation, and `acme/nix` in none.
            let is_definition = own.ends_with("/definition") || own.ends_with("/archives");
            if own.contains("/packages/acme/lib") && !is_definition {
                let other = own.replace("acme/lib", "acme/nix");
                compare(
                    method,
                    &own,
                    &other,
                    [&empty, &empty],
                    &[("acme/lib", "acme/nix")],
                );
            }
        }
    }
    for ((method, path, one), (_, _, other)) in bodies(&ids).into_iter().zip(bodies(&none)) {
        let path = format!("/api/v1/orgs/globex/{path}");
        compare(method, &path, &path, [&one, &other], &said);
    }
    for (one, other) in [("acme", "nix"), ("acme-x", "nix-x")] {
        let asked = |parent: &str| json!({"slug": "globex-x", "parent": parent});
        compare(
            "POST",
            "/api/v1/orgs",
            "/api/v1/orgs",
            [&asked(one), &asked(other)],
            &[],
        );
        let asked = |slug: &str| json!({"subject": {"organisation": slug}, "packages": ["a/*"]});
        let path = "/api/v1/orgs/globex/grants";
        compare("POST", path, path, [&asked(one), &asked(other)], &[]);
    }
    assert_eq!(differences, Vec::<String>::new());
    assert!(walked > 70, "{walked}");
    assert_eq!(registry.world.sqlite.changes(), before);
}

#[test]
fn lists_of_one_organisation_hold_nothing_of_another() {
    let registry = TestRegistry::imported();
    let ids = furnish(&registry);
    make_organisation(&registry, &json!({"slug": "globex"}));
    let stranger = owner_of(&registry, "globex");
    for path in PATHS.iter().filter(|path| path.starts_with("/api/v1/")) {
        let own = path.replacen("acme", "globex", 1);
        if parse("GET", "packages.example.com", &own).is_err() {
            continue;
        }
        let body = ask(&registry, &stranger, "GET", &own, &json!({})).body;
        for (kind, id) in &ids {
            // Short numbers stand anywhere.
            assert!(
                id.len() < 6 || !body.contains(id.as_str()),
                "{own} names one of `{kind}`: {body}"
            );
        }
        if own.contains("/orgs/") && !own.contains(PACKAGE) {
            assert!(!body.contains("\"acme"), "{own}: {body}");
        }
    }
}
