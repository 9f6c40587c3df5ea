//! How calls are made, made again and refused: exit codes, pauses, keys, entity tags, pages.

use serde_json::{Value, json};

use super::Terminal;
use crate::support::TestRegistry;

fn paused(seconds: &str) -> super::Canned {
    let body = json!({"type": "about:blank", "title": "Too many requests", "status": 429,
        "code": "rate_limited", "detail": "GitHub asks for a pause"});
    (
        429,
        vec![("retry-after", seconds.to_owned())],
        body.to_string(),
    )
}

#[test]
fn exit_codes_say_what_went_wrong_and_every_fault_is_told() {
    let registry = TestRegistry::new();
    let terminal = Terminal::of_owner(&registry);
    terminal.run(&["customers", "show", "nobody"]).expect(4);
    terminal.run(&["customers", "no-such-command"]).expect(2);
    terminal.run(&["repositories", "create", "main"]).expect(5);
    let faults = terminal
        .run(&["tokens", "create", "--name", "", "--access", "god"])
        .expect(1);
    for word in ["invalid_input", "/name", "/access", "bad_value"] {
        assert!(faults.err.contains(word), "no {word} in {}", faults.err);
    }
    let problem = terminal.run(&[
        "tokens", "create", "--name", "", "--access", "god", "--json",
    ]);
    let problem: Value =
        serde_json::from_str(problem.expect(1).err.lines().last().unwrap()).unwrap();
    assert_eq!(problem["code"], "invalid_input");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 2);

    let token = registry.make_token(&json!({"name": "ci", "access": "read"}));
    let reader = Terminal::new(&registry, Some(&token));
    reader.run(&["customers", "list"]).expect(3);
    let stranger = Terminal::new(&registry, Some("rptd_nothing"));
    stranger.run(&["customers", "list"]).expect(3);
}

#[test]
fn a_registry_that_is_not_there_is_told_as_such() {
    let registry = TestRegistry::new();
    let terminal = Terminal::of_owner(&registry);
    let gone = Terminal::of_owner(&registry).url();
    let told = terminal.run(&["orgs", "list", "--url", &gone]).expect(6);
    assert!(told.err.contains("cannot be reached"), "{}", told.err);
}

#[test]
fn a_pause_is_obeyed_and_the_thing_is_done_once() {
    let registry = TestRegistry::new();
    let terminal = Terminal::of_owner(&registry);
    terminal
        .canned
        .borrow_mut()
        .extend([paused("0"), paused("0")]);
    let made = terminal.json(&["customers", "create", "Globex"]);
    assert_eq!(made["name"], "Globex");
    let asked = terminal.take_asked();
    assert_eq!(asked.len(), 3);
    assert!(asked[0].key.as_ref().is_some_and(|key| key.len() == 32));
    assert!(asked.iter().all(|one| one == &asked[0]));
    assert_eq!(
        terminal
            .json(&["customers", "list"])
            .as_array()
            .unwrap()
            .len(),
        1
    );

    // The same command again is another request.
    terminal.take_asked();
    terminal.json(&["customers", "create", "Initech"]);
    assert_ne!(terminal.take_asked()[0].key, asked[0].key);
}

#[test]
fn pauses_have_an_end() {
    let registry = TestRegistry::new();
    let terminal = Terminal::of_owner(&registry);
    terminal
        .canned
        .borrow_mut()
        .extend([paused("0"), paused("0"), paused("0"), paused("0")]);
    terminal.run(&["customers", "list"]).expect(6);
    assert_eq!(terminal.take_asked().len(), 4);
    terminal.canned.borrow_mut().push_back(paused("3600"));
    let told = terminal.run(&["customers", "list"]).expect(6);
    assert!(told.err.contains("GitHub asks for a pause"), "{}", told.err);
    assert_eq!(terminal.take_asked().len(), 1);
}

#[test]
fn of_two_who_change_the_same_thing_the_later_is_told() {
    let registry = TestRegistry::new();
    let (registry, terminal) = (&registry, Terminal::of_owner(&registry));
    let id = terminal.json(&["customers", "create", "Globex"])["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/api/v1/orgs/acme/customers/{id}");
    *terminal.meanwhile.borrow_mut() = Box::new(move |line| {
        if line.starts_with("PATCH") {
            registry
                .admin()
                .patch(&path, &json!({"notes": "by somebody else"}))
                .expect(200);
        }
    });
    let told = terminal
        .run(&["customers", "update", &id, "--notes", "mine"])
        .expect(5);
    assert!(told.err.contains("precondition_failed"), "{}", told.err);
    *terminal.meanwhile.borrow_mut() = Box::new(|_| {});
    assert_eq!(
        terminal.json(&["customers", "show", &id])["notes"],
        "by somebody else"
    );
    terminal
        .run(&["customers", "update", &id, "--notes", "mine"])
        .expect(0);
    let cleared = terminal.json(&["customers", "update", &id, "--clear", "notes"]);
    assert_eq!(cleared["notes"], Value::Null);
}

#[test]
fn a_list_is_whole_or_as_long_as_asked() {
    let registry = TestRegistry::new();
    let terminal = Terminal::of_owner(&registry);
    let rows: Vec<_> = (0..230)
        .map(|number| format!("c{number},Customer {number:03}\n"))
        .collect();
    let file = terminal.write(
        "customers.csv",
        &format!("external_id,name\n{}", rows.concat()),
    );
    terminal
        .run(&["customers", "import", &file])
        .expect(0)
        .assert_says(&["230 created"]);
    let all = terminal.json(&["customers", "list"]);
    let names: Vec<_> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["name"].clone())
        .collect();
    assert_eq!(names.len(), 230);
    assert_eq!(names[229], "Customer 229");
    // As the API has them.
    let first = registry.admin().get("/api/v1/orgs/acme/customers").json();
    assert_eq!(
        all.as_array().unwrap()[..100],
        first["customers"].as_array().unwrap()[..]
    );
    terminal.take_asked();
    let some = terminal.json(&["customers", "list", "--limit", "7"]);
    assert_eq!(some.as_array().unwrap()[..], all.as_array().unwrap()[..7]);
    assert_eq!(terminal.take_asked().len(), 1);
    let gathered = terminal.json(&["api", "GET", "orgs/{org}/customers", "--paginate"]);
    assert_eq!(gathered, all);
}

#[test]
fn the_audit_log_is_taken_out_whole_and_from_this_registry_alone() {
    let registry = TestRegistry::new();
    let terminal = Terminal::of_owner(&registry);
    let csv = |id: u32| format!("id,time\r\n\"{id}\",\"then\"\r\n");
    let next = "<https://elsewhere.example.com/api/v1/orgs/acme/audit/export?format=csv&cursor=MTc>; rel=\"next\"";
    let (kind, link) = (
        ("content-type", "text/csv".to_owned()),
        ("link", next.to_owned()),
    );
    terminal.canned.borrow_mut().extend([
        (200, vec![kind.clone(), link], csv(18)),
        (200, vec![kind], csv(17)),
    ]);
    let file = terminal.folder.join("audit.csv");
    let path = file.display().to_string();
    terminal
        .run(&[
            "audit", "export", "--format", "csv", "--action", "token", "--output", &path,
        ])
        .expect(0);
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        "id,time\r\n\"18\",\"then\"\r\n\"17\",\"then\"\r\n"
    );
    assert_eq!(
        terminal.lines_asked(),
        [
            "GET /api/v1/orgs/acme/audit/export?action=token&format=csv",
            "GET /api/v1/orgs/acme/audit/export?action=token&format=csv&cursor=MTc",
        ]
    );

    // The real one, to standard output.
    registry.make_token(&json!({"name": "ci", "access": "read"}));
    let lines = terminal.run(&["audit", "export"]).expect(0);
    let actions: Vec<_> = lines
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["action"].clone())
        .collect();
    assert_eq!(actions[0], "token.created");
    assert_eq!(
        json!(actions.len()),
        terminal.json(&["audit", "list"]).as_array().unwrap().len()
    );

    // One that breaks off leaves no file that looks whole.
    std::fs::remove_file(&file).unwrap();
    terminal
        .canned
        .borrow_mut()
        .push_back((500, Vec::new(), "{}".to_owned()));
    terminal
        .run(&["audit", "export", "--output", &path])
        .expect(1);
    assert!(!file.exists());
}

#[test]
fn any_call_can_be_made() {
    let registry = TestRegistry::new();
    let terminal = Terminal::of_owner(&registry);
    let made = terminal
        .run(&[
            "api",
            "POST",
            "orgs/{org}/repositories",
            "-f",
            "slug=internal",
            "-F",
            "public=true",
        ])
        .expect(0)
        .json();
    assert_eq!(made["public"], true);
    let shown = terminal
        .run(&["api", "get", "/api/v1/orgs/acme/repositories/internal"])
        .expect(0)
        .json();
    assert_eq!(shown, made);
    terminal
        .run(&["api", "GET", "orgs/{org}/jobs", "-f", "limit=1"])
        .expect(0);
    assert!(
        terminal
            .lines_asked()
            .contains(&"GET /api/v1/orgs/acme/jobs?limit=1".to_owned())
    );
    let body = json!({"description": "from standard input"}).to_string();
    let changed = terminal
        .type_in(
            &[
                "api",
                "PATCH",
                "orgs/acme/repositories/internal",
                "--input",
                "-",
            ],
            &body,
        )
        .expect(0);
    assert_eq!(changed.json()["description"], "from standard input");
    terminal
        .run(&[
            "api",
            "PATCH",
            "orgs/acme/repositories/internal",
            "-F",
            "public=no",
        ])
        .expect(2);
    terminal
        .run(&["api", "GET", "orgs/{org}/nothing"])
        .expect(4);
}

#[test]
fn shells_and_man_are_given_what_they_read() {
    let registry = TestRegistry::new();
    let terminal = Terminal::new(&registry, None);
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = terminal.run(&["completions", shell]).expect(0);
        script.assert_says(&["repertoire", "customers"]);
    }
    terminal
        .run(&["man"])
        .expect(0)
        .assert_says(&[".TH repertoire", "Exit codes"]);
    let folder = terminal.folder.join("man");
    terminal
        .run(&["man", &folder.display().to_string()])
        .expect(0);
    assert!(folder.join("repertoire-grants-create.1").exists());
    terminal
        .run(&["--help"])
        .expect(0)
        .assert_says(&["Exit codes", "REPERTOIRE_TOKEN"]);
    assert!(terminal.take_asked().is_empty());
}
