//! Databases of earlier versions of the program, with what those wrote into them, brought to the schema of today.
//!
//! `tests/fixtures/deployments` has three: database and blob store as the programs of that schema left them, after an
//! import, a moved tag, a deleted tag, uploads, tokens of every sort and two organisations. What came in between is
//! added by hand, in the form that the program of that schema wrote.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use repertoire::ports::{Row, Statement};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::persona::Persona;
use crate::support::sqlite::{Sqlite, migrations};
use crate::support::world::{Object, World};
use crate::support::{PACKAGE, PROJECT, TestRegistry};

/// The schemas of which there is a whole deployment.
const KEPT: [&str; 3] = ["0009", "0017", "0022"];

/// What was written by whoever was there with that migration, and not before.
const WRITTEN_SINCE: [(&str, &[&str]); 9] = [
    (
        "0010",
        &[
            r#"update packages set tag_prefixes = '["lib-"]', moved_tags = 'keep', abandoned = '"acme/new"'
               where name = 'tools/hammer'"#,
        ],
    ),
    (
        "0011",
        &[
            r#"update repositories set description = 'Ours', settings = '{"composer_1":false}' where slug = 'second'"#,
        ],
    ),
    (
        "0018",
        &[
            "insert into imports (id, organisation_id, connection_id, repository_id, with_archived, state, due_at,
                                  created_at, finished_at)
             select 'import', 1, id, 1, 0, 'done', 0, created_at, created_at from connections limit 1",
            "insert into import_projects (import_id, project, full_name, state, package_id)
             select 'import', '41', 'acme/lib-source', 'known', id from packages where name = 'acme/lib' limit 1",
        ],
    ),
    (
        "0019",
        &[
            "insert into hook_groups (connection_id, name, repository_id, hook_id, hook_url, created_at)
             select id, 'acme', 1, '7', 'https://packages.example.com/hooks/' || id, created_at from connections",
        ],
    ),
    (
        "0020",
        &[
            "insert into packages (id, organisation_id, name, created_at) values (77, 1, 'acme/written', 5)",
            "insert into repository_packages (repository_id, package_id) values (1, 77)",
            r#"insert into defined_versions (package_id, pretty, normalized, is_dev, definition, time, published_at)
               values (77, '1.0.0', '1.0.0.0', 0,
                       '{"name":"acme/written","version":"1.0.0","dist":{"type":"zip","url":"https://a.example/b.zip"}}',
                       '2026-11-21T00:00:00+00:00', 5)"#,
            "insert into pending_publications (repository_id, package_id, sequence, asked_at) values (1, 77, 1, 5)",
            "insert into uploads (id, repository_id, name, size, part_size, archive_key, multipart_id, state,
                                  created_at, touched_at)
             values ('upload', 1, 'tools/saw', 9, 9, 'archives/saw', 'm', 'failed', 1795293000, 1795293000)",
        ],
    ),
    (
        "0021",
        &[
            "insert into github_apps (id, organisation_id, base_url, issuer, app_id, slug, name, web_url,
                                      sealed_private_key, sealed_webhook_secret, created_at)
             values ('app-1', 1, 'https://api.github.com', '9', 9, 'ours', 'Ours', '', '', '', 5)",
        ],
    ),
    (
        "0023",
        &[
            "insert into accounts (id, email, name, created_at) values ('ann', 'ann@acme.example', 'Ann', 5)",
            "insert into members (organisation_id, account_id, role, created_at, grant_changed_at)
             values (1, 'ann', 'member', 5, 5)",
            "insert into teams (id, organisation_id, name, created_at) values ('team', 1, 'Buyers', 5)",
            "insert into team_members (team_id, account_id) values ('team', 'ann')",
            "insert into customers (id, organisation_id, name, external_id, created_at, changed_at, grant_changed_at)
             values ('customer', 1, 'Shop', '17', 5, 5, 5)",
            r#"insert into collections (id, organisation_id, name, items, created_at, changed_at)
               values ('collection', 1, 'Tools', '[{"packages":["tools/*"]}]', 5, 5)"#,
            r#"insert into grants (id, organisation_id, subject, packages, versions, created_at, changed_at)
               values ('grant', 1, 'customer:customer', '["acme/*"]', '~1.0.0', 5, 5)"#,
            "insert into grants (id, organisation_id, subject, collection_id, created_at, changed_at)
             values ('grant-2', 1, 'customer:customer', 'collection', 5, 5)",
            // The SHA-256 of `customer-token`.
            "insert into tokens (id, organisation_id, name, access, hash, hint, created_at, grant_changed_at, kind,
                                 customer_id)
             values ('sold', 1, 'shop', 'read', 'e771018d44b6443eef1443347f7cbbf6f90906871a5d8421027c090b051141c4',
                     'customer-', 5, 5, 'customer', 'customer')",
        ],
    ),
    (
        "0025",
        &[
            "insert into audit (organisation_id, time, actor_kind, actor_name, action, subject_kind, subject_id,
                                subject_name)
             values (1, 5, 'token', 'release', 'version.yanked', 'version', '1', 'tools/hammer 1.0.0')",
        ],
    ),
    (
        "0026",
        &[
            "insert into invitations (id, organisation_id, email, role, teams, hash, created_at, expires_at)
             values ('invitation', 1, 'bob@acme.example', 'member', '[]', 'h', 5, 6)",
        ],
    ),
];

/// A deployment as it was left.
#[derive(Deserialize)]
struct Deployment {
    now: i64,
    tokens: BTreeMap<String, String>,
    tables: BTreeMap<String, Vec<Row>>,
    objects: BTreeMap<String, Kept>,
}

#[derive(Deserialize)]
struct Kept {
    hex: String,
    uploaded: i64,
}

impl Deployment {
    fn of(schema: &str) -> Self {
        let file = format!("tests/fixtures/deployments/{schema}.json");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    /// Its database at a schema, with what was written since, and then at that of today.
    fn upgraded(&self, schema: &str) -> Sqlite {
        let next = format!("{:04}", schema.parse::<u32>().unwrap() + 1);
        let sqlite = Sqlite::migrated_below(&next);
        sqlite.load(&self.tables);
        for (since, written) in WRITTEN_SINCE {
            if since <= schema {
                for sql in written {
                    sqlite.change(&Statement::new(sql));
                }
            }
        }
        let before = sqlite.contents();
        sqlite.migrate_from(&next);
        assert_kept(schema, &before, &sqlite.contents());
        assert_eq!(
            sqlite.texts("select \"table\" from pragma_foreign_key_check"),
            Vec::<String>::new(),
            "{schema}"
        );
        sqlite
    }
}

/// Every row is there, and every column has the value it had.
fn assert_kept(
    schema: &str,
    before: &BTreeMap<String, Vec<Row>>,
    after: &BTreeMap<String, Vec<Row>>,
) {
    for (table, rows) in before {
        for row in rows {
            let is_kept = after[table].iter().any(|now| {
                row.iter()
                    .all(|(column, value)| now.get(column) == Some(value))
            });
            // Who asks for a publication asks once more; and a rule is noted of tags that moved.
            let is_changed = matches!(table.as_str(), "pending_publications" | "git_refs");
            assert!(is_kept || is_changed, "{schema}, {table}: {row:?}");
        }
        assert!(after[table].len() >= rows.len(), "{schema}, {table}");
    }
}

/// The schemas that there were, from one on.
fn schemas_from(first: &str) -> Vec<String> {
    migrations()
        .into_iter()
        .map(|(name, _)| name.chars().take(4).collect::<String>())
        .filter(|number| number.as_str() >= first)
        .collect()
}

#[test]
fn what_earlier_programs_wrote_is_served_after_the_upgrade() {
    for kept in KEPT {
        let deployment = Deployment::of(kept);
        for schema in schemas_from(kept) {
            let registry = open(&deployment, deployment.upgraded(&schema));
            registry.housekeep();
            registry.run_jobs();
            serves(&registry, &deployment, &schema);
            goes_on(&registry, &deployment);
        }
    }
}

/// The program of today over what was left.
fn open(deployment: &Deployment, sqlite: Sqlite) -> TestRegistry {
    let world = World::over(sqlite);
    world.now.set(deployment.now + 86_400);
    let objects = deployment.objects.iter().map(|(key, kept)| {
        let object = Object {
            bytes: hex::decode(&kept.hex).unwrap(),
            uploaded: kept.uploaded,
        };
        (key.clone(), object)
    });
    world.objects.borrow_mut().extend(objects);
    TestRegistry::over(Rc::clone(&world))
}

fn serves(registry: &TestRegistry, deployment: &Deployment, schema: &str) {
    let with = |name: &str| registry.with_token(&deployment.tokens[name]);
    let (reader, tools, globex) = (with("reader"), with("tools"), with("globex"));
    assert_eq!(versions(&reader, "main", PACKAGE), ["v1.1.0", "v1.0.0"]);
    let branches = versions(&reader, "main", "acme/lib~dev");
    assert_eq!(branches, ["dev-main", "dev-topic"], "{schema}");
    assert_eq!(versions(&tools, "main", "tools/hammer"), ["2.0.0", "1.0.0"]);
    let path = "/r/globex/main/p2/acme/lib.json";
    let theirs = globex.get(path).expect(200).json();
    assert_eq!(theirs["packages"][PACKAGE][0]["version"], "9.0.0");
    // Nobody sees more than before.
    reader.get("/r/acme/main/p2/tools/hammer.json").expect(404);
    tools.get("/r/acme/main/p2/acme/lib.json").expect(404);
    tools.get("/r/acme/second/packages.json").expect(404);
    globex.get("/r/acme/main/p2/acme/lib.json").expect(404);
    with("revoked")
        .get("/r/acme/main/packages.json")
        .expect(401);
    // What lock files name, the commit of a tag that moved and of a tag that is gone among it.
    for row in &deployment.tables["dists"] {
        let package = deployment.tables["packages"]
            .iter()
            .find(|package| package.get("id") == row.get("package_id"))
            .unwrap();
        let organisation = if package.get("organisation_id").unwrap() == 1 {
            "acme"
        } else {
            "globex"
        };
        let name = package.get("name").unwrap().as_str().unwrap();
        let reference = row.get("reference").unwrap().as_str().unwrap();
        let path = format!("/r/{organisation}/main/dist/{name}/{reference}.zip");
        let archive = with("owner").get(&path).expect(200).bytes();
        assert_eq!(
            hex::encode(Sha256::digest(&archive)),
            row.get("sha256").unwrap().as_str().unwrap()
        );
    }
    // The past.
    let first = "/r/acme/main@1/p2/acme/lib.json";
    let first = with("owner").get(first).expect(200).json();
    assert!(!first["packages"][PACKAGE].as_array().unwrap().is_empty());
    let found = with("owner")
        .get("/r/acme/main/search.json?q=library")
        .json();
    assert_eq!(found["results"][0]["name"], PACKAGE);
    let shown = with("owner").get("/api/v1/orgs/acme/packages/acme/lib");
    let shown = shown.expect(200).json();
    let shown = shown["versions"].as_array().unwrap();
    let version = shown.iter().find(|one| one["version"] == "v1.1.0");
    assert_eq!(version.unwrap()["downloads"], 1);
    if schema >= "0020" {
        assert_eq!(versions(&reader, "main", "acme/written"), ["1.0.0"]);
    }
    if schema >= "0023" {
        let shop = registry.with_token("customer-token");
        assert_eq!(versions(&shop, "main", PACKAGE), ["v1.0.0"]);
        assert_eq!(versions(&shop, "main", "tools/hammer"), ["2.0.0", "1.0.0"]);
    }
}

/// The deployment takes in what comes: by upload, by webhook, by hand.
fn goes_on(registry: &TestRegistry, deployment: &Deployment) {
    let writer = registry.with_token(&deployment.tokens["writer"]);
    writer.upload("tools/hammer", "3.0.0", "three").expect(201);
    // The number of a version stays taken.
    writer.upload("tools/hammer", "2.0.0", "others").expect(409);
    registry.run_jobs();
    let tools = registry.with_token(&deployment.tokens["tools"]);
    assert_eq!(
        versions(&tools, "main", "tools/hammer"),
        ["3.0.0", "2.0.0", "1.0.0"]
    );
    registry.make_project();
    registry.push("refs/tags/not-a-version", &json!({"name": PACKAGE}));
    registry.push("refs/heads/topic", &json!({"name": PACKAGE}));
    let moved = json!({"name": PACKAGE, "extra": {"moved": true}});
    registry.push("refs/tags/v1.0.0", &moved);
    registry.push_tag("v1.3.0");
    registry.deliver_webhook("after the upgrade").expect(202);
    registry.run_jobs();
    registry.assert_settled();
    let reader = registry.with_token(&deployment.tokens["reader"]);
    assert_eq!(
        versions(&reader, "main", PACKAGE),
        ["v1.3.0", "v1.1.0", "v1.0.0"]
    );
    let first = json!(
        deployment.tables["versions"]
            .iter()
            .find(|row| row.get("pretty").unwrap() == "v1.0.0")
            .unwrap()
            .get("reference")
            .unwrap()
    );
    let document = reader.get("/r/acme/main/p2/acme/lib.json").json();
    let entries = document["packages"][PACKAGE].as_array().unwrap();
    assert_eq!(entries[2]["dist"]["reference"], first, "{PROJECT}");
    // Who did it is in the log from now on.
    let owner = registry.with_token(&deployment.tokens["owner"]);
    let yank = "/api/v1/orgs/acme/packages/tools/hammer/versions/3.0.0/yank";
    owner.send("POST", yank, &[], Vec::new()).expect(200);
    registry.run_jobs();
    let log = "/api/v1/orgs/acme/audit?action=version.yanked";
    let line = owner.get(log).expect(200).json()["lines"][0].clone();
    assert_eq!(line["subject"]["name"], "tools/hammer 3.0.0");
    assert_eq!(line["actor"]["name"], "first administrator");
}

/// The versions of a document, newest first.
fn versions(persona: &Persona<'_>, repository: &str, package: &str) -> Vec<String> {
    let path = format!("/r/acme/{repository}/p2/{package}.json");
    let document = persona.get(&path).expect(200).json();
    let name = package.trim_end_matches("~dev");
    let entries = document["packages"][name].as_array().unwrap().iter();
    entries
        .map(|entry: &Value| entry["version"].as_str().unwrap().to_owned())
        .collect()
}
