//! Packages by the API as those read them who do not manage them: what Composer gets by the same token, and no more.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use repertoire::domain::minify::expand;
use repertoire::domain::time::rfc3339;
use serde_json::{Value, json};

use crate::people::{Joined, ORG, join, text};
use crate::support::persona::Persona;
use crate::support::shop::{DAY, after};
use crate::support::world::Port;
use crate::support::{PACKAGE, TestRegistry};

/// All that the shop of these tests has, and one name that it has not.
const NAMES: [&str; 5] = [
    "acme/lib",
    "acme/next",
    "acme/tool",
    "other/lib",
    "other/secret",
];
const REPOSITORIES: [&str; 2] = ["beta", "main"];

/// The shop with a second repository, a branch that moved, a version that was yanked, and a package in `beta` alone.
fn shop() -> TestRegistry {
    let registry = TestRegistry::shop();
    let writer = registry.writer();
    registry
        .admin()
        .post(&format!("{ORG}/repositories"), &json!({"slug": "beta"}))
        .expect(201);
    writer.upload("other/lib", "1.0.0", "").expect(201);
    writer.upload("acme/lib", "dev-main", "one").expect(201);
    let place = |method: &str, repository: &str, package: &str| {
        let path = format!("{ORG}/repositories/{repository}/packages/{package}");
        let answer = registry.admin().send(method, &path, &[], Vec::new());
        answer.expect(200);
    };
    place("DELETE", "main", "other/lib");
    registry.run_jobs();
    place("PUT", "beta", "other/lib");
    place("PUT", "beta", "acme/tool");
    registry.run_jobs();
    registry.pass_time(DAY);
    writer.upload("acme/lib", "dev-main", "two").expect(201);
    let yank = format!("{ORG}/packages/acme/lib/versions/1.1.0/yank");
    registry.admin().post(&yank, &json!({})).expect(200);
    registry.run_jobs();
    registry.pass_time(10);
    registry
}

/// A member in a team of her own; gives the team.
fn member(registry: &TestRegistry) -> (Joined, String) {
    let ada = join(registry, "ada@example.com", "member");
    let team = registry.make("teams", &json!({"name": "Core"}));
    let place = format!("{ORG}/teams/{team}/members/{}", ada.account);
    let put = registry.admin().send("PUT", &place, &[], Vec::new());
    put.expect(204);
    (ada, team)
}

fn give(registry: &TestRegistry, subject: &Value, terms: &Value) -> String {
    let mut body = terms.clone();
    body["subject"] = subject.clone();
    registry.make("grants", &body)
}

/// What Composer gets of each package: where, and its entries by version.
type Seen = BTreeMap<String, (Vec<String>, BTreeMap<String, Value>)>;

fn by_composer(persona: &Persona<'_>) -> Seen {
    let mut seen = Seen::new();
    for name in NAMES {
        for repository in REPOSITORIES {
            let mut here = Vec::new();
            for suffix in ["", "~dev"] {
                let answer = persona.get(&format!("/r/acme/{repository}/p2/{name}{suffix}.json"));
                if answer.status() == 404 {
                    continue;
                }
                let document = answer.expect(200).json();
                let versions = document["packages"][name].as_array().unwrap().iter();
                here.extend(expand(
                    versions
                        .map(|one| one.as_object().unwrap().clone())
                        .collect(),
                ));
            }
            if here.is_empty() {
                continue;
            }
            let (repositories, versions) = seen.entry(name.to_owned()).or_default();
            repositories.push(repository.to_owned());
            for entry in here {
                let version = text(&entry["version"]);
                versions.entry(version).or_insert(Value::Object(entry));
            }
        }
    }
    seen
}

/// The list, page by page; no cursor says more than the page did.
fn walk(persona: &Persona<'_>, limit: usize, filter: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("{ORG}/packages?limit={limit}{filter}{cursor}");
        let page = persona.get(&path).expect(200).json();
        let here = page["packages"].as_array().unwrap();
        rows.extend(here.iter().cloned());
        let Some(next) = page["next"].as_str() else {
            assert!(here.len() <= limit);
            return rows;
        };
        assert_eq!(here.len(), limit, "a page with another behind it is full");
        let told = String::from_utf8(URL_SAFE_NO_PAD.decode(next).unwrap()).unwrap();
        assert_eq!(json!(told), here.last().unwrap()["name"]);
        cursor = format!("&cursor={next}");
    }
}

fn names(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| text(&row["name"])).collect()
}

/// Holds the list and each package and version by the API against what Composer gets.
fn assert_same(persona: &Persona<'_>, limit: usize, what: &str) {
    let seen = by_composer(persona);
    let listed = walk(persona, limit, "");
    let expected: Vec<_> = seen.keys().cloned().collect();
    assert_eq!(names(&listed), expected, "{what}");
    for row in &listed {
        let (_, versions) = &seen[row["name"].as_str().unwrap()];
        assert_eq!(row["versions"], versions.len(), "{what}: {row}");
    }
    for name in NAMES {
        let path = format!("{ORG}/packages/{name}");
        let Some((repositories, versions)) = seen.get(name) else {
            persona.get(&path).expect(404);
            persona.get(&format!("{path}/versions/1.0.0")).expect(404);
            continue;
        };
        let shown = persona.get(&path).expect(200).json();
        assert_eq!(shown["repositories"], json!(repositories), "{what}");
        let shown: BTreeMap<String, Value> = shown["versions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|version| (text(&version["version"]), version.clone()))
            .collect();
        assert!(shown.keys().eq(versions.keys()), "{what}: {name} {shown:?}");
        for (version, entry) in versions {
            let shown = &shown[version];
            assert_eq!(shown["reference"], entry["dist"]["reference"], "{what}");
            assert_eq!(shown["dist"]["shasum"], entry["dist"]["shasum"], "{what}");
            assert_eq!(shown["published_time"], entry["published-time"], "{what}");
        }
        for version in ["1.0.0", "1.1.0", "2.0.0", "3.0.0", "dev-main"] {
            let answer = persona.get(&format!("{path}/versions/{version}"));
            match shown.get(version) {
                Some(shown) => assert_eq!(answer.expect(200).json(), *shown, "{what}"),
                None => assert_eq!(answer.status(), 404, "{what}: {name} {version}"),
            }
        }
    }
}

/// Throws: the same ones in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    fn terms(&mut self) -> Value {
        let patterns = [
            "*", "acme/*", "acme/lib", "*/lib", "other/*", "acme/t*", "none/*",
        ];
        let mut terms = json!({"packages": [self.one_of(&patterns), self.one_of(&patterns)]});
        let fields = terms.as_object_mut().unwrap();
        let mut set = |key: &str, value: Value| fields.insert(key.to_owned(), value);
        if self.below(2) == 0 {
            let constraints = [
                "^1.0",
                "^2.0",
                ">=3",
                "dev-main",
                "1.0.0 || dev-main",
                "^9.0",
            ];
            set("versions", (*self.one_of(&constraints)).into());
        }
        if self.below(4) == 0 {
            set("repositories", json!([self.one_of(&REPOSITORIES)]));
        }
        match self.below(8) {
            0 | 1 => set("released_until", after(self.below(6)).into()),
            2 | 3 => set("released_after", after(self.below(6)).into()),
            _ => None,
        };
        if self.below(4) == 0 {
            let stabilities = ["stable", "beta", "dev"];
            set("minimum_stability", (*self.one_of(&stabilities)).into());
        }
        if self.below(4) == 0 {
            set("source", false.into());
        }
        terms
    }
}

#[test]
fn over_random_grants_the_api_shows_what_composer_gets() {
    let registry = shop();
    let (ada, team) = member(&registry);
    let buyer = registry.buyer(&json!({"name": "Buyer"}));
    let made = registry.admin().post(
        &format!("{ORG}/tokens"),
        &json!({"name": "robot", "access": "read", "only_granted": true, "packages": ["acme/*", "other/lib"]}),
    );
    let made = made.expect(201).json();
    let subjects = [
        (json!({"team": team}), ada.token),
        (json!({"customer": buyer.id}), buyer.token.clone()),
        (json!({"token": made["id"]}), text(&made["token"])),
    ];
    let path = format!("customers/{}", buyer.id);
    let mut dice = Dice(0x5eed);
    let mut sights = BTreeSet::new();
    for round in 0..240 {
        let (subject, token) = dice.one_of(&subjects);
        let terms: Vec<_> = (0..dice.below(4)).map(|_| dice.terms()).collect();
        let grants: Vec<_> = terms
            .iter()
            .map(|terms| give(&registry, subject, terms))
            .collect();
        let frozen_at = (dice.below(3) == 0).then(|| after(dice.below(6)));
        if let Some(at) = &frozen_at {
            registry.alter(&path, &json!({"state": "frozen", "frozen_at": at}));
        }
        let persona = registry.with_token(token);
        let what = format!("{round}: {subject} {terms:?}, frozen at {frozen_at:?}");
        assert_same(&persona, 1 + dice.below(3), &what);
        sights.insert(format!("{:?}", by_composer(&persona).keys()));
        if frozen_at.is_some() {
            registry.alter(&path, &json!({"state": "active"}));
        }
        for grant in grants {
            registry.remove(&format!("grants/{grant}"));
        }
    }
    assert!(
        sights.len() > 8,
        "the grants were too much alike: {sights:?}"
    );
}

#[test]
fn who_sees_all_and_manages_nothing_reads_what_composer_gets_of_all() {
    let registry = shop();
    let token = registry.make_token(&json!({"name": "ci", "access": "read"}));
    assert_same(&registry.with_token(&token), 2, "a machine");
    let limited =
        json!({"name": "ci", "access": "read", "repositories": ["beta"], "packages": ["*/lib"]});
    let token = registry.make_token(&limited);
    let persona = registry.with_token(&token);
    assert_same(&persona, 2, "a machine of beta");
    assert_eq!(names(&walk(&persona, 9, "")), ["other/lib"]);
    // A repository that everybody may read is there for whoever asks with a good token of the organisation.
    registry.alter("repositories/beta", &json!({"public": true}));
    registry.pass_time(10);
    let (ada, _) = member(&registry);
    let persona = registry.with_token(&ada.token);
    assert_same(&persona, 1, "a member with nothing granted");
    assert_eq!(names(&walk(&persona, 9, "")), ["acme/tool", "other/lib"]);
}

#[test]
fn a_list_is_narrowed_by_pattern_repository_and_words() {
    let registry = shop();
    let (ada, team) = member(&registry);
    give(
        &registry,
        &json!({"team": team}),
        &json!({"packages": ["acme/*", "other/lib"]}),
    );
    let her = registry.with_token(&ada.token);
    let owner = registry.admin();
    for (filter, of_owner, of_her) in [
        (
            "&filter=*/lib",
            &["acme/lib", "other/lib"][..],
            &["acme/lib", "other/lib"][..],
        ),
        (
            "&filter=OTHER/*",
            &["other/lib", "other/secret"],
            &["other/lib"],
        ),
        (
            "&repository=beta",
            &["acme/tool", "other/lib"],
            &["acme/tool", "other/lib"],
        ),
        ("&repository=none", &[], &[]),
        (
            "&search=lib",
            &["acme/lib", "other/lib"],
            &["acme/lib", "other/lib"],
        ),
        (
            "&search=other",
            &["other/lib", "other/secret"],
            &["other/lib"],
        ),
        (
            "&search=acme+lib&repository=main",
            &["acme/lib"],
            &["acme/lib"],
        ),
        ("&search=%26", &[], &[]),
        (
            "&search=",
            &["acme/lib", "acme/tool", "other/lib", "other/secret"],
            &["acme/lib", "acme/tool", "other/lib"],
        ),
    ] {
        assert_eq!(names(&walk(&owner, 1, filter)), of_owner, "{filter}");
        assert_eq!(names(&walk(&her, 1, filter)), of_her, "{filter}");
    }
    for persona in [&owner, &her] {
        let refused = persona
            .get(&format!("{ORG}/packages?filter=%3F"))
            .expect(422);
        assert_eq!(refused.json()["errors"][0]["field"], "?filter");
    }
}

#[test]
fn what_is_for_maintainers_is_left_out() {
    let registry = TestRegistry::imported();
    let (ada, team) = member(&registry);
    let grant = give(
        &registry,
        &json!({"team": team}),
        &json!({"packages": ["acme/*"]}),
    );
    let her = registry.with_token(&ada.token);
    let path = format!("{ORG}/packages/{PACKAGE}");
    let shown = her.get(&path).expect(200).json();
    let keys = |value: &Value| {
        let keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        keys.join(" ")
    };
    assert_eq!(
        keys(&shown),
        "name description type homepage repositories versions abandoned"
    );
    assert_eq!(
        keys(&shown["versions"][0]),
        "version version_normalized reference time published_time abandoned dist"
    );
    // Tags before branches, the newest first; whoever manages reads refs, project and settings as well.
    let versions: Vec<_> = shown["versions"].as_array().unwrap().iter().collect();
    let versions: Vec<_> = versions.iter().map(|one| text(&one["version"])).collect();
    assert_eq!(versions, ["v1.1.0", "v1.0.0", "dev-main"]);
    let whole = registry.admin().get(&path).expect(200).json();
    assert!(
        whole["project"].is_object() && whole["refs"].is_array() && whole["settings"].is_object()
    );
    for (method, what) in [
        ("GET", "/definition"),
        ("GET", "/hook"),
        ("POST", "/sync"),
        ("PATCH", ""),
        ("DELETE", "/versions/v1.1.0"),
        ("POST", "/versions/v1.1.0/yank"),
    ] {
        for package in [PACKAGE, "acme/none"] {
            let path = format!("{ORG}/packages/{package}{what}");
            let refused = her.send(method, &path, &[], b"{}".to_vec()).expect(403);
            assert!(text(&refused.json()["detail"]).contains("This token may not do that"));
        }
    }
    for what in [
        "jobs",
        "connections",
        "deliveries",
        "repositories",
        "repositories/main",
    ] {
        her.get(&format!("{ORG}/{what}")).expect(403);
    }
    // What was yanked or deleted is told to whoever manages alone.
    let yank = format!("{path}/versions/v1.1.0/yank");
    registry.admin().post(&yank, &json!({})).expect(200);
    registry.run_jobs();
    let version = format!("{path}/versions/v1.1.0");
    her.get(&version).expect(404);
    registry.admin().get(&version).expect(200);
    let tag = her
        .get(&path)
        .expect(200)
        .header("etag")
        .unwrap()
        .to_owned();
    her.get_with(&path, "if-none-match", &tag).expect(304);
    registry.remove(&format!("grants/{grant}"));
    her.get_with(&path, "if-none-match", &tag).expect(404);
}

#[test]
fn a_warned_version_is_not_an_abandoned_package() {
    let registry = shop();
    let (ada, team) = member(&registry);
    give(
        &registry,
        &json!({"team": team}),
        &json!({"packages": ["acme/lib"], "versions": "^2.0 || ^3.0"}),
    );
    let her = registry.with_token(&ada.token);
    let path = format!("{ORG}/packages/acme/lib");
    let warning = format!("{path}/versions/3.0.0/deprecation");
    let warned = json!({"message": "loses data", "use": "^2.0"}).to_string();
    let put = registry
        .admin()
        .send("PUT", &warning, &[], warned.into_bytes());
    put.expect(200);
    registry.run_jobs();
    let shown = her.get(&path).expect(200).json();
    assert_eq!(
        shown["versions"][0]["abandoned"],
        "acme/lib ^2.0 (loses data)"
    );
    assert_eq!(shown["versions"][1]["abandoned"], false);
    assert_eq!(shown["abandoned"], false);
    registry
        .admin()
        .patch(&path, &json!({"abandoned": "acme/tool"}))
        .expect(200);
    registry.run_jobs();
    assert_eq!(her.get(&path).json()["abandoned"], "acme/tool");
    assert_eq!(walk(&her, 1, "")[0]["abandoned"], "acme/tool");
}

#[test]
fn who_is_kept_out_is_told_why_and_what_ended_is_gone() {
    let registry = shop();
    let list = format!("{ORG}/packages");
    let lib = format!("{list}/acme/lib");
    let buyer = registry.buyer_with(&json!({"versions": "^2.0"}));
    let customer = registry.with_token(&buyer.token);
    let path = format!("customers/{}", buyer.id);
    customer.get(&lib).expect(200);
    registry.alter(
        &path,
        &json!({"state": "suspended", "reason": "Invoice 17"}),
    );
    for path in [&list, &lib, &format!("{list}/acme/none")] {
        let refused = customer.get(path).expect(403).json();
        assert!(text(&refused["detail"]).contains("Invoice 17"), "{refused}");
    }
    registry.alter(&path, &json!({"state": "active"}));
    assert_same(&customer, 1, "active again");
    // A grant that ends takes away, or keeps what there was.
    let other = registry.buyer(&json!({"name": "Other"}));
    let ends = rfc3339(registry.world.now.get() + 60);
    registry.grant(
        &other,
        &json!({"packages": ["acme/tool"], "expires_at": ends}),
    );
    registry.grant(
        &other,
        &json!({"packages": ["acme/lib"], "expires_at": ends, "keeps": true}),
    );
    let persona = registry.with_token(&other.token);
    assert_eq!(names(&walk(&persona, 1, "")), ["acme/lib", "acme/tool"]);
    registry.pass_time(61);
    registry
        .writer()
        .upload("acme/lib", "4.0.0", "")
        .expect(201);
    registry.run_jobs();
    registry.pass_time(10);
    assert_eq!(names(&walk(&persona, 1, "")), ["acme/lib"]);
    persona.get(&format!("{list}/acme/tool")).expect(404);
    persona.get(&format!("{lib}/versions/4.0.0")).expect(404);
    assert_same(&persona, 1, "after the end");
    // A suspended organisation tells its own why, and strangers nothing.
    let suspended = json!({"state": "suspended", "reason": "the invoice"});
    registry.admin().patch(ORG, &suspended).expect(200);
    for path in [&list, &lib] {
        let refused = customer.get(path).expect(403).json();
        assert_eq!(refused["code"], "organisation_suspended");
    }
}

#[test]
fn what_an_organisation_gave_another_is_read_there_too() {
    let registry = shop();
    let admin = registry.admin();
    let make = |slug: &str, parent: Value| {
        let body = json!({"slug": slug, "parent": parent});
        admin.post("/api/v1/orgs", &body).expect(201);
        let path = format!("/api/v1/orgs/{slug}/tokens");
        let made = admin.post(&path, &json!({"name": "ci", "access": "read"}));
        text(&made.expect(201).json()["token"])
    };
    let client = make("client", json!("acme"));
    let stranger = make("globex", Value::Null);
    let subject = json!({"organisation": "client"});
    give(
        &registry,
        &subject,
        &json!({"packages": ["acme/lib"], "versions": "^2.0"}),
    );
    let given = registry.with_token(&client);
    assert_same(&given, 1, "given");
    assert_eq!(names(&walk(&given, 1, "")), ["acme/lib"]);
    given.get(ORG).expect(404);
    // To others there is no such organisation.
    let stranger = registry.with_token(&stranger);
    for path in [
        "packages",
        "packages/acme/lib",
        "packages/acme/lib/versions/2.0.0",
    ] {
        let here = stranger
            .get(&format!("{ORG}/{path}"))
            .expect(404)
            .transcript();
        let nowhere = stranger
            .get(&format!("/api/v1/orgs/none/{path}"))
            .expect(404);
        assert_eq!(here, nowhere.transcript());
    }
    let uploads = registry.make_token(&json!({"name": "up", "abilities": ["upload"]}));
    let refused = registry
        .with_token(&uploads)
        .get(&format!("{ORG}/packages/acme/lib"));
    assert!(text(&refused.expect(403).json()["detail"]).contains("`read_metadata`"));
}

#[test]
fn nobody_can_tell_by_the_api_what_exists() {
    let registry = TestRegistry::shop();
    registry.fill(500);
    let (ada, team) = member(&registry);
    give(
        &registry,
        &json!({"team": team}),
        &json!({"packages": ["acme/*"], "versions": "^2.0"}),
    );
    // All of the names fit what was granted, and no version of them does.
    let versions = registry.buyer(&json!({"name": "Versions"}));
    registry.grant(
        &versions,
        &json!({"packages": ["bulk/*"], "versions": "^9.0"}),
    );
    let whos = [
        ("member", registry.with_token(&ada.token)),
        ("versions", registry.with_token(&versions.token)),
    ];
    let mut told: BTreeMap<(&str, &str), BTreeSet<(String, usize)>> = BTreeMap::new();
    for number in 0..1_000 {
        // The first half exists.
        for path in [
            "packages/bulk/pN",
            "packages/bulk/pN/versions/1.0.0",
            "packages?filter=bulk/pN",
            "packages?search=bulk/pN",
            "packages?cursor=YnVsay9w&filter=bulk/pN",
        ] {
            // Lists walk all names each time: of these a fifth, of both halves.
            if path.contains('?') && number % 5 > 0 {
                continue;
            }
            let asked = format!("{ORG}/{}", path.replace('N', &number.to_string()));
            for (who, persona) in &whos {
                let before = registry.world.calls(Port::Db);
                let answer = persona.get(&asked);
                let calls = registry.world.calls(Port::Db) - before;
                let answer = (answer.transcript(), calls);
                told.entry((who, path)).or_default().insert(answer);
            }
        }
    }
    assert_eq!(told.len(), 10);
    for (what, told) in told {
        assert_eq!(told.len(), 1, "{what:?}: {told:?}");
    }
    assert_eq!(names(&walk(&whos[0].1, 100, "")), ["acme/lib"]);
}

#[test]
fn pages_of_many_packages_cost_little_and_are_full() {
    let registry = TestRegistry::new();
    registry.fill(1_300);
    let (ada, team) = member(&registry);
    let her = registry.with_token(&ada.token);
    let subject = json!({"team": team});
    // Asks for a page and counts: who she is, the organisation, its repositories, and what the page itself takes.
    let page = |query: &str| {
        her.get(&format!("{ORG}/packages?limit=1{query}"));
        registry.world.forget_calls();
        let page = her.get(&format!("{ORG}/packages?{query}"));
        let reads = registry.world.calls(Port::Blobs) + registry.world.calls(Port::Cache);
        (page, registry.world.calls(Port::Db), reads)
    };
    // Whole packages: their rows, whatever comes before or after them.
    let grant = give(&registry, &subject, &json!({"packages": ["bulk/p1*"]}));
    let mut cursor = String::new();
    let mut seen = Vec::new();
    loop {
        let (answer, calls, reads) = page(&cursor);
        assert_eq!((calls, reads), (4, 0));
        let answer = answer.expect(200).json();
        seen.extend(names(answer["packages"].as_array().unwrap()));
        match answer["next"].as_str() {
            None => break,
            Some(next) => cursor = format!("&cursor={next}"),
        }
        assert_eq!(seen.len() % 100, 0);
    }
    assert_eq!(seen.len(), 411);
    assert!(seen.is_sorted() && seen.iter().all(|name| name.starts_with("bulk/p1")));
    registry.remove(&format!("grants/{grant}"));
    // Some versions of all: the outline tells of which any is seen, and the documents of one page are read.
    let grant = give(
        &registry,
        &subject,
        &json!({"packages": ["bulk/*"], "versions": "^1.0"}),
    );
    let (answer, calls, _) = page("&filter=bulk/p2*");
    assert_eq!(
        answer.expect(200).json()["packages"]
            .as_array()
            .unwrap()
            .len(),
        100
    );
    assert_eq!(calls, 3);
    registry.remove(&format!("grants/{grant}"));
    // None of 1,300: the outline is in memory, and no document is read.
    give(
        &registry,
        &subject,
        &json!({"packages": ["bulk/*"], "versions": "^9.0"}),
    );
    let (answer, calls, reads) = page("");
    assert_eq!(
        answer.expect(200).json(),
        json!({"packages": [], "next": null})
    );
    assert_eq!((calls, reads), (3, 0));
}
