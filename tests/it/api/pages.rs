use serde_json::{Value, json};

use crate::support::TestRegistry;

/// Walks a list to its end, two rows a page; gives what `key` names in each row.
fn walk(registry: &TestRegistry, path: &str, list: &str, key: &str) -> Vec<Value> {
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = format!("{path}?limit=2{cursor}");
        let page = registry.admin().get(&page).expect(200).json();
        let rows = page[list].as_array().unwrap();
        assert!(!rows.is_empty() && rows.len() <= 2, "{page}");
        seen.extend(rows.iter().map(|row| row[key].clone()));
        match &page["next"] {
            Value::Null => return seen,
            next => cursor = format!("&cursor={}", next.as_str().unwrap()),
        }
    }
}

#[test]
fn pages_end_with_the_last_row_and_lose_none() {
    let registry = TestRegistry::new();
    registry.fill(4);
    let org = "/api/v1/orgs/acme";
    let names = ["bulk/p0", "bulk/p1", "bulk/p2", "bulk/p3"];
    assert_eq!(
        walk(&registry, &format!("{org}/packages"), "packages", "name"),
        names
    );
    registry.change(
        "insert into jobs (id, organisation_id, kind, state, cause, created_at)
         with recursive n (i) as (select 1 union all select i + 1 from n where i < 5)
         select 'j' || i, 1, 'sync', 'done', 'test', 1795000000 from n",
    );
    let jobs = ["j1", "j2", "j3", "j4", "j5"];
    assert_eq!(walk(&registry, &format!("{org}/jobs"), "jobs", "id"), jobs);
    registry.change(
        "insert into dead_letters (organisation_id, message, reason, received_at)
         values (1, 'a', '', 0), (null, 'b', '', 0), (1, 'c', '', 0)",
    );
    let letters = walk(
        &registry,
        &format!("{org}/dead-letters"),
        "dead_letters",
        "message",
    );
    assert_eq!(letters, ["c", "b", "a"]);
    for version in ["1.0.0", "2.0.0", "3.0.0"] {
        registry
            .writer()
            .upload("acme/up", version, version)
            .expect(201);
    }
    let path = format!("{org}/repositories/main/revisions");
    let revisions = walk(&registry, &path, "revisions", "number");
    assert_eq!(revisions, [json!(4), json!(3), json!(2), json!(1)]);
}

#[test]
fn a_page_that_makes_no_sense_is_refused() {
    let registry = TestRegistry::new();
    for (query, field) in [
        ("limit=0", "?limit"),
        ("limit=101", "?limit"),
        ("limit=ten", "?limit"),
        ("cursor=%21", "?cursor"),
        // A text where rows go by numbers.
        ("cursor=YWNtZQ", "?cursor"),
    ] {
        let path = format!("/api/v1/orgs/acme/deliveries?{query}");
        let problem = registry.admin().get(&path).expect(422).json();
        assert_eq!(problem["errors"][0]["field"], field, "{query}");
    }
}
