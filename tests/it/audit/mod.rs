//! The audit log: whoever changes whatever, it says so.

pub(crate) mod routes;

use repertoire::domain::audit::Action;
use repertoire::ports::Statement;
use repertoire::store::audit::{AUDITED, AUDITED_WHEN_ASKED};
use serde_json::{Value, json};

use crate::support::faults::with_every_fault;
use crate::support::{ADMIN, PACKAGE, TestRegistry};

const AUDIT: &str = "/api/v1/orgs/acme/audit";

fn lines(registry: &TestRegistry, query: &str) -> Vec<Value> {
    let answer = registry.admin().get(&format!("{AUDIT}?{query}"));
    answer.expect(200).json()["lines"]
        .as_array()
        .unwrap()
        .clone()
}

/// Action and subject of each line, newest first.
fn told(registry: &TestRegistry, query: &str) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let told = |line: &Value| {
        format!(
            "{} {}",
            text(&line["action"]),
            text(&line["subject"]["name"])
        )
    };
    lines(registry, query).iter().map(told).collect()
}

#[test]
fn a_line_says_who_from_where_what_and_what_it_was_before() {
    let registry = TestRegistry::new();
    let path = "/api/v1/orgs/acme/repositories/main";
    let headers = [
        ("cf-connecting-ip", "203.0.113.7".to_owned()),
        ("user-agent", format!("curl/8.9 {}", "x".repeat(300))),
    ];
    let body = json!({"public": true, "description": "Ours"}).to_string();
    let admin = registry.admin();
    admin.send("PATCH", path, &headers, body.into()).expect(200);
    let line = lines(&registry, "").remove(0);
    assert_eq!(line["action"], "repository.updated");
    assert_eq!(line["actor"]["kind"], "token");
    assert_eq!(line["actor"]["name"], "first administrator");
    assert_eq!(line["address"], "203.0.113.7");
    assert_eq!(line["user_agent"].as_str().unwrap().len(), 200);
    assert_eq!(line["request"], format!("PATCH {path}"));
    assert_eq!(line["subject"]["kind"], "repository");
    assert_eq!(line["subject"]["name"], "main");
    assert_eq!(
        line["before"],
        json!({"public": false, "description": null})
    );
    assert_eq!(
        line["after"],
        json!({"public": true, "description": "Ours"})
    );
    assert_eq!(line["time"], "2026-11-21T20:30:00+00:00");
}

#[test]
fn a_change_that_changes_nothing_leaves_no_line() {
    let registry = TestRegistry::imported();
    let count = || registry.world.sqlite.texts("select count(*) from audit");
    let before = count();
    let admin = registry.admin();
    let repository = "/api/v1/orgs/acme/repositories/main";
    admin
        .patch(repository, &json!({"public": false}))
        .expect(200);
    admin
        .post("/api/v1/orgs/acme/repositories", &json!({"slug": "main"}))
        .expect(409);
    admin
        .send("DELETE", "/api/v1/orgs/acme/tokens/none", &[], Vec::new())
        .expect(404);
    registry.set(PACKAGE, &json!({"abandoned": null}));
    assert_eq!(count(), before);
    registry.set(PACKAGE, &json!({"abandoned": "acme/other"}));
    assert_eq!(told(&registry, "")[0], "package.abandoned acme/lib");
    assert_eq!(
        lines(&registry, "")[0]["after"],
        json!({"abandoned": "acme/other"})
    );
}

#[test]
fn what_a_job_changes_is_the_job_s_and_says_what_started_it() {
    let registry = TestRegistry::imported();
    let published = lines(&registry, "action=version");
    assert_eq!(published.len(), 3);
    assert_eq!(published[0]["actor"]["kind"], "job");
    assert_eq!(published[0]["actor"]["name"], "sync (import)");
    registry.push_tag("v1.2.0");
    registry.delete_ref("refs/tags/v1.0.0");
    registry.push("refs/heads/main", &json!({"name": PACKAGE}));
    registry.deliver_webhook("d1").expect(202);
    registry.run_jobs();
    registry.pass_time(60);
    registry.sync(PACKAGE);
    let mut told = told(&registry, "actor=job&action=version");
    told.truncate(told.len() - 3);
    told.sort();
    assert_eq!(
        told,
        [
            "version.moved acme/lib dev-main",
            "version.published acme/lib v1.2.0",
            "version.removed acme/lib v1.0.0"
        ]
    );
    let line = lines(&registry, "subject=acme/lib v1.2.0").remove(0);
    assert_eq!(line["actor"]["name"], "sync (webhook push)");
    assert_eq!(line["after"]["ref"], "refs/tags/v1.2.0");
}

#[test]
fn no_secret_is_ever_in_the_log() {
    let registry = TestRegistry::imported();
    let token = registry.make_token(&json!({"name": "ci", "access": "write"}));
    let (connection, _) = registry.connect();
    let path = format!("/api/v1/orgs/acme/connections/{connection}");
    // Sealed twice, the same text is another one each time; here it would not be.
    registry.change("update connections set sealed_token = 'sealed before'");
    let another = json!({"token": crate::support::github::GITHUB_TOKEN});
    registry.admin().patch(&path, &another).expect(200);
    let line = lines(&registry, "action=connection.updated").remove(0);
    assert_eq!(line["before"], json!({"token": null}));
    assert_eq!(line["after"], json!({"token": "replaced"}));
    let all = registry
        .world
        .sqlite
        .texts("select json_array(a.before_json, a.after_json) from audit a")
        .join("");
    let hashes = registry.world.sqlite.texts("select hash from tokens");
    let sealed = registry
        .world
        .sqlite
        .texts("select sealed_token from connections");
    let plain = [
        token,
        ADMIN.to_owned(),
        crate::support::github::GITHUB_TOKEN.to_owned(),
    ];
    for secret in plain.iter().chain(&hashes).chain(&sealed) {
        assert!(!all.contains(secret.as_str()), "{secret}");
    }
}

#[test]
fn lines_are_found_by_who_what_and_when() {
    let registry = TestRegistry::imported();
    let id = {
        let made = registry.admin().post(
            "/api/v1/orgs/acme/tokens",
            &json!({"name": "release", "access": "admin"}),
        );
        made.expect(201).json()
    };
    registry.pass_time(24 * 60 * 60);
    let release = registry.with_token(id["token"].as_str().unwrap());
    let slug = json!({"slug": "second"});
    release
        .post("/api/v1/orgs/acme/repositories", &slug)
        .expect(201);
    let second = ["repository.created second"];
    assert_eq!(told(&registry, "actor=release"), second);
    assert_eq!(
        told(&registry, &format!("actor={}", id["id"].as_str().unwrap())),
        second
    );
    assert_eq!(told(&registry, "since=2026-11-22"), second);
    assert_eq!(told(&registry, "subject=second"), second);
    assert_eq!(told(&registry, "action=repository")[0], second[0]);
    assert!(!told(&registry, "until=2026-11-21").contains(&second[0].to_owned()));
    assert_eq!(told(&registry, "subject=acme/lib&action=version").len(), 3);
    assert_eq!(
        told(&registry, "action=version.yanked"),
        Vec::<String>::new()
    );
    for wrong in ["since=soon", "until=2026-13-01", "cursor=x"] {
        registry
            .admin()
            .get(&format!("{AUDIT}?{wrong}"))
            .expect(422);
    }
}

#[test]
fn pages_go_on_where_the_last_one_ended() {
    let registry = TestRegistry::new();
    for number in 0..130 {
        let asked = json!({"name": format!("t{number}"), "access": "read"});
        registry.make_token(&asked);
    }
    let first = registry.admin().get(AUDIT).json();
    assert_eq!(first["lines"].as_array().unwrap().len(), 100);
    let second = registry
        .admin()
        .get(&format!(
            "{AUDIT}?cursor={}",
            first["next"].as_str().unwrap()
        ))
        .json();
    // The thirty others, and the repository of the first set-up.
    assert_eq!(second["lines"].as_array().unwrap().len(), 31);
    assert_eq!(second["next"], Value::Null);
    assert_eq!(second["lines"][0]["subject"]["name"], "t29");
}

#[test]
fn the_log_can_be_taken_along() {
    let registry = TestRegistry::new();
    let asked = json!({"name": "=cmd|' /C calc'!A0", "access": "read"});
    registry.make_token(&asked);
    let answer = registry
        .admin()
        .get(&format!("{AUDIT}/export?format=jsonl&action=token"))
        .expect(200);
    assert_eq!(answer.header("content-type"), Some("application/jsonl"));
    let text = String::from_utf8(answer.bytes()).unwrap();
    let parsed: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(parsed, lines(&registry, "action=token"));
    let answer = registry
        .admin()
        .get(&format!("{AUDIT}/export?format=csv"))
        .expect(200);
    assert_eq!(
        answer.header("content-type"),
        Some("text/csv; charset=utf-8")
    );
    let text = String::from_utf8(answer.bytes()).unwrap();
    let rows: Vec<_> = text.lines().collect();
    assert_eq!(rows.len(), 3, "{text}");
    assert!(rows[0].starts_with("id,time,actor_kind,"));
    assert!(rows[1].contains(r#""token.created","token","#));
    assert!(rows[1].contains(r#""'=cmd|' /C calc'!A0""#), "{}", rows[1]);
    registry
        .admin()
        .get(&format!("{AUDIT}/export?format=xml"))
        .expect(422);
}

#[test]
fn a_long_log_is_exported_file_by_file() {
    let registry = TestRegistry::new();
    registry.change(
        "with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 5001)
         insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name)
         select 1, 'job.started', 'job', n, n from numbers",
    );
    let path = format!("{AUDIT}/export?action=job&format=jsonl");
    let first = registry.admin().get(&path).expect(200);
    assert_eq!(
        String::from_utf8(first.bytes()).unwrap().lines().count(),
        5_000
    );
    let link = first.header("link").unwrap();
    let next = link.trim_start_matches('<').split('>').next().unwrap();
    let next = next.strip_prefix(crate::support::ADDRESS).unwrap();
    let second = registry.admin().get(next).expect(200);
    assert_eq!(
        String::from_utf8(second.bytes()).unwrap().lines().count(),
        1
    );
    assert_eq!(second.header("link"), None);
}

#[test]
fn nobody_sees_the_lines_of_another_organisation() {
    let registry = TestRegistry::imported();
    registry
        .admin()
        .post("/api/v1/orgs", &json!({"slug": "globex"}))
        .expect(201);
    let asked = json!({"name": "globex admin", "access": "admin"});
    let made = registry.admin().post("/api/v1/orgs/globex/tokens", &asked);
    let made = made.expect(201).json();
    let globex = registry.with_token(made["token"].as_str().unwrap());
    for path in ["audit", "audit/export", "audit/export?format=csv"] {
        globex.get(&format!("/api/v1/orgs/acme/{path}")).expect(404);
        globex.get(&format!("/api/v1/{path}")).expect(404);
        registry
            .reader("*")
            .get(&format!("/api/v1/orgs/acme/{path}"))
            .expect(403);
        registry
            .reader("*")
            .get(&format!("/api/v1/{path}"))
            .expect(404);
        registry
            .anonymous()
            .get(&format!("/api/v1/orgs/acme/{path}"))
            .expect(401);
    }
    let own = globex.get("/api/v1/orgs/globex/audit").expect(200).json();
    assert_eq!(own["lines"].as_array().unwrap().len(), 1);
    assert_eq!(own["lines"][0]["subject"]["name"], "globex admin");
    let exported = globex.get("/api/v1/orgs/globex/audit/export").expect(200);
    assert!(
        !String::from_utf8(exported.bytes())
            .unwrap()
            .contains("acme")
    );
}

#[test]
fn what_is_about_the_instance_is_its_owner_s_to_see() {
    let registry = TestRegistry::new();
    registry
        .admin()
        .post("/api/v1/orgs", &json!({"slug": "globex"}))
        .expect(201);
    let listed = registry.admin().get("/api/v1/audit").expect(200).json();
    let shown: Vec<_> = listed["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| format!("{} {}", line["actor"]["name"], line["subject"]["name"]))
        .collect();
    assert_eq!(
        shown,
        [
            r#""first administrator" "globex""#,
            r#""set-up" "first administrator""#,
            r#""set-up" "acme""#,
        ]
    );
}

#[test]
fn the_log_is_append_only() {
    let registry = TestRegistry::new();
    let sqlite = &registry.world.sqlite;
    for sql in [
        "delete from audit",
        "update audit set actor_name = 'somebody else'",
    ] {
        let refused = sqlite.rows(&Statement::new(sql)).unwrap_err();
        assert_eq!(refused.cause(), Some("the audit log is append-only"));
    }
    assert_eq!(told(&registry, ""), ["repository.created main"]);
}

#[test]
fn old_lines_go_when_the_operator_says_so_and_not_otherwise() {
    let registry = TestRegistry::new();
    registry.pass_time(400 * 24 * 60 * 60);
    registry.make_token(&json!({"name": "new", "access": "read"}));
    registry.housekeep();
    assert_eq!(told(&registry, "").len(), 2);
    let mut config = (*registry.app.config).clone();
    config.audit_days = Some(365);
    let mut app = registry.app.clone();
    app.config = std::rc::Rc::new(config);
    pollster::block_on(repertoire::jobs::housekeep(&app));
    assert_eq!(told(&registry, ""), ["token.created new"]);
}

#[test]
fn the_program_and_the_triggers_agree() {
    let registry = TestRegistry::new();
    let tables = registry.world.sqlite.texts(
        "select distinct tbl_name from sqlite_schema
         where type = 'trigger' and name like 'audit_%' and tbl_name <> 'audit' order by 1",
    );
    let mut known: Vec<_> = AUDITED.iter().chain(&AUDITED_WHEN_ASKED).copied().collect();
    known.sort_unstable();
    assert_eq!(tables, known);
    // Whatever a trigger calls what happened is in the list that people can read, and the other way round.
    let triggers = registry
        .world
        .sqlite
        .texts("select sql from sqlite_schema where type = 'trigger'")
        .join("\n");
    let program = include_str!("../../../src/store/audit.rs");
    for action in Action::ALL {
        let name = format!("'{}'", action.as_str());
        assert!(
            triggers.contains(&name) || program.contains(&name),
            "{name}"
        );
    }
    for word in triggers.split('\'').skip(1).step_by(2) {
        let is_action = word.split_once('.').is_some_and(|(kind, verb)| {
            [kind, verb].iter().all(|part| {
                !part.is_empty()
                    && part
                        .bytes()
                        .all(|byte| byte == b'_' || byte.is_ascii_lowercase())
            })
        });
        assert!(
            !is_action || Action::ALL.iter().any(|action| action.as_str() == word),
            "{word}"
        );
    }
}

#[test]
fn a_new_column_is_either_in_the_log_or_left_out_on_purpose() {
    // What nobody sets by hand, what is secret, and what other columns say.
    const LEFT_OUT: &[&str] = &[
        "id",
        "organisation_id",
        "created_at",
        "hash",
        "hint",
        "grant_changed_at",
        "head_revision",
        "head_root",
        "head_time",
        "published_address",
        "published_form",
        "form_revision",
        "settings_changes",
        "token_expires_at",
        "token_claimed_until",
        "last_heard_at",
        "checked_at",
        "first_steps_hidden_at",
        "paused_until",
        "trouble",
        "trouble_since",
        "next_try_at",
        "git_refused_at",
        "sealed_old_webhook_secret",
        "old_webhook_secret_until",
        "webhook_secret_changed_at",
        "deletion_active_at",
        "description",
        "folder",
        "notice",
        "web_url",
        "connection_id",
        "hook_id",
        "changed_at",
        "last_used_at",
        "last_used_address",
        "last_used_client",
        "display_name",
        "packages_used",
        "packages_below",
        "storage_used",
        "storage_below",
        // A claim's, which is published in the DNS.
        "token",
        "waiting_since",
        "lost_at",
        "looked_at",
        "next_look_at",
        "misses",
        "missing_since",
        "address_changes",
        "archive_deletions",
    ];
    let registry = TestRegistry::new();
    for table in [
        "tokens",
        "repositories",
        "connections",
        "packages",
        "github_apps",
        "hook_groups",
        "organisations",
        "members",
        "invitations",
        "teams",
        "customers",
        "collections",
        "grants",
        "host_names",
    ] {
        let columns = registry
            .world
            .sqlite
            .rows(&Statement::new("select name from pragma_table_info(?1)").bind(table));
        let triggers = registry.world.sqlite.rows(
            &Statement::new("select group_concat(sql) as sql from sqlite_schema where type = 'trigger' and tbl_name = ?1")
                .bind(table),
        );
        let triggers = triggers.unwrap()[0]
            .get("sql")
            .unwrap()
            .as_str()
            .unwrap()
            .to_owned();
        for column in columns.unwrap() {
            let column = column.get("name").unwrap().as_str().unwrap();
            assert!(
                triggers.contains(&format!("new.{column}")) || LEFT_OUT.contains(&column),
                "{table}.{column} is in no line of the audit log"
            );
        }
    }
}

#[test]
fn there_are_as_many_lines_as_changes_whatever_fails() {
    with_every_fault(
        || {
            let registry = TestRegistry::new();
            registry.make_project();
            registry
        },
        |registry| {
            let body = json!({"provider": "github", "token": crate::support::github::GITHUB_TOKEN});
            let path = "/api/v1/orgs/acme/connections";
            let mut made = registry.admin().post(path, &body);
            if made.status() != 201 {
                made = registry.admin().get(path);
                if made.json()["connections"][0].is_null() {
                    made = registry.admin().post(path, &body).expect(201);
                }
            }
            let id = match &made.json()["connections"][0]["id"] {
                Value::Null => made.json()["id"].clone(),
                id => id.clone(),
            };
            let body =
                json!({"connection": id, "project": crate::support::PROJECT, "repository": "main"});
            let path = "/api/v1/orgs/acme/packages";
            if registry.admin().post(path, &body).status() != 202 {
                registry.admin().post(path, &body).expect(202);
            }
            registry.run_jobs();
            let sqlite = &registry.world.sqlite;
            while sqlite.texts("select count(*) from versions") != ["3"] {
                registry.pass_time(15 * 60);
                registry.housekeep();
                registry.run_jobs();
            }
        },
        |registry, _| {
            let counts = |sql| registry.world.sqlite.texts(sql);
            assert_eq!(
                counts("select count(*) from audit where action = 'version.published'"),
                counts("select count(*) from versions")
            );
            assert_eq!(
                counts("select count(*) from audit where action = 'connection.created'"),
                counts("select count(*) from connections")
            );
            assert_eq!(
                counts("select count(*) from audit where action = 'package.created'"),
                counts("select count(*) from packages")
            );
            assert_eq!(
                counts("select count(*) from audit where actor_kind = 'instance' and id > 4"),
                ["0"]
            );
            assert_eq!(counts("select count(*) from audit_actor"), ["0"]);
        },
    );
}
