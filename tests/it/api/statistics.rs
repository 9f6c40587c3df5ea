//! Installs and downloads, as the API tells them.

use pollster::block_on;
use repertoire::http::{begin_to_gather, tell_gathered};
use serde_json::{Value, json};

use crate::support::TestRegistry;
use crate::support::shop::{DAY, report_installs as report};
use crate::support::world::Port;

const STATISTICS: &str = "/api/v1/orgs/acme/statistics";
const OF_LIB: &str = "/api/v1/orgs/acme/packages/acme/lib/statistics";

fn show(registry: &TestRegistry, path: &str) -> Value {
    registry.admin().get(path).expect(200).json()
}

fn numbers(value: &Value) -> Vec<u64> {
    let list = value.as_array().unwrap().iter();
    list.map(|number| number.as_u64().unwrap()).collect()
}

/// A shop at which two customers and a machine installed something on four days.
fn busy() -> (TestRegistry, String) {
    let registry = TestRegistry::shop();
    let [one, two] = ["Globex", "Initech"].map(|name| {
        let buyer = registry.buyer(&json!({"name": name}));
        registry.grant(&buyer, &json!({}));
        buyer
    });
    for day in 0..4 {
        report(
            &registry.with_token(&one.token),
            "8.3",
            &[("acme/lib", "3.0.0.0"), ("acme/tool", "1.0.0.0")],
        );
        if day > 1 {
            report(
                &registry.with_token(&two.token),
                "8.4",
                &[("acme/lib", "1.0.0.0")],
            );
        }
        report(
            &registry.reader("acme/*"),
            "8.3",
            &[("acme/lib", "2.0.0.0")],
        );
        registry.run_jobs();
        registry.pass_time(DAY);
    }
    (registry, one.id)
}

#[test]
fn a_series_has_each_day_and_a_nought_where_nothing_was() {
    let (registry, _) = busy();
    let shown = show(&registry, STATISTICS);
    assert_eq!(
        (&shown["bucket"], &shown["by"], &shown["others"]),
        (&json!("day"), &Value::Null, &Value::Null)
    );
    assert_eq!(shown["buckets"].as_array().unwrap().len(), 30);
    let days = numbers(&shown["installs"]);
    assert_eq!(days[25..], [3, 3, 4, 4, 0]);
    assert_eq!(days[..25].iter().sum::<u64>(), 0);
    assert_eq!(shown["total"], json!({"installs": 14, "downloads": 0}));
    let (from, to) = (
        shown["buckets"][26].as_str().unwrap(),
        shown["buckets"][28].as_str().unwrap(),
    );
    let part = show(&registry, &format!("{STATISTICS}?from={from}&to={to}"));
    assert_eq!(numbers(&part["installs"]), [3, 4, 4]);
    assert_eq!(
        (part["from"].as_str(), part["to"].as_str()),
        (Some(from), Some(to))
    );
    for bucket in ["week", "month"] {
        let shown = show(&registry, &format!("{STATISTICS}?bucket={bucket}"));
        assert_eq!(numbers(&shown["installs"]).iter().sum::<u64>(), 14);
        assert_eq!(shown["buckets"].as_array().unwrap().len(), 30);
    }
}

#[test]
fn a_whole_is_cut_into_its_parts() {
    let (registry, _) = busy();
    let parts = |path: &str| -> Vec<(String, Value, u64)> {
        let shown = show(&registry, path);
        let parts = shown["parts"].as_array().unwrap();
        let installs: u64 = parts
            .iter()
            .map(|part| part["total"]["installs"].as_u64().unwrap())
            .sum();
        assert_eq!(json!(installs), shown["total"]["installs"], "{shown}");
        parts
            .iter()
            .map(|part| {
                let key = part["key"].as_str().unwrap();
                let key = key.split_once(':').map_or(key, |(kind, _)| kind);
                (
                    key.to_owned(),
                    part["name"].clone(),
                    part["total"]["installs"].as_u64().unwrap(),
                )
            })
            .collect()
    };
    let of = |key: &str, name: Value, installs: u64| (key.to_owned(), name, installs);
    assert_eq!(
        parts(&format!("{OF_LIB}?by=version")),
        [
            of("2.0.0.0", json!("2.0.0"), 4),
            of("3.0.0.0", json!("3.0.0"), 4),
            of("1.0.0.0", json!("1.0.0"), 2)
        ]
    );
    assert_eq!(
        parts(&format!("{OF_LIB}?by=php")),
        [of("8.3", Value::Null, 8), of("8.4", Value::Null, 2)]
    );
    assert_eq!(
        parts(&format!("{OF_LIB}?by=composer")),
        [of("2", Value::Null, 10)]
    );
    let readers = parts(&format!("{OF_LIB}?by=reader"));
    assert_eq!(
        readers[..2],
        [
            of("customer", json!("Globex"), 4),
            of("customer", json!("Initech"), 2)
        ]
    );
    assert_eq!(readers[2..], vec![of("token", json!("ci"), 1); 4]);
    let readers = parts(&format!("{STATISTICS}?by=reader"));
    assert_eq!(readers[0], of("customer", json!("Globex"), 8));
    assert_eq!(
        parts(&format!("{STATISTICS}?by=php")),
        [of("8.3", Value::Null, 12), of("8.4", Value::Null, 2)]
    );
    assert_eq!(
        parts(&format!("{STATISTICS}?by=composer")),
        [of("2", Value::Null, 14)]
    );
}

#[test]
fn beyond_eight_parts_the_rest_is_one() {
    let registry = TestRegistry::shop();
    for number in 0..12 {
        let reader = registry.reader("acme/*");
        for _ in 0..=number {
            report(&reader, "8.3", &[("acme/lib", "3.0.0.0")]);
        }
    }
    registry.run_jobs();
    for path in [STATISTICS, OF_LIB] {
        let shown = show(&registry, &format!("{path}?by=reader"));
        let parts = shown["parts"].as_array().unwrap();
        let installs: Vec<_> = parts
            .iter()
            .map(|part| part["total"]["installs"].as_u64().unwrap())
            .collect();
        assert_eq!(installs, [12, 11, 10, 9, 8, 7, 6, 5]);
        assert_eq!(shown["others"]["total"]["installs"], 4 + 3 + 2 + 1);
        assert_eq!(numbers(&shown["others"]["installs"])[29], 10);
    }
}

#[test]
fn the_packages_installed_most_come_first() {
    let (registry, _) = busy();
    let shown = show(&registry, &format!("{STATISTICS}/packages"));
    assert_eq!(
        shown["packages"],
        json!([{"name": "acme/lib", "installs": 10, "downloads": 0}, {"name": "acme/tool", "installs": 4, "downloads": 0}])
    );
    let one = show(&registry, &format!("{STATISTICS}/packages?limit=1"));
    assert_eq!(one["packages"].as_array().unwrap().len(), 1);
    let before = show(&registry, &format!("{STATISTICS}/packages?to=2020-01-01"));
    assert_eq!(before["packages"], json!([]));
}

#[test]
fn a_customer_was_last_seen_and_installed_this() {
    let (registry, customer) = busy();
    let path = format!("/api/v1/orgs/acme/customers/{customer}/statistics");
    let shown = show(&registry, &path);
    assert_eq!(shown["last_seen"], Value::Null);
    assert_eq!(shown["ever"], json!({"installs": 8, "downloads": 0}));
    assert_eq!(shown["first_day"], shown["series"]["buckets"][25]);
    assert_eq!(shown["last_day"], shown["series"]["buckets"][28]);
    assert_eq!(
        numbers(&shown["series"]["installs"])[24..],
        [0, 2, 2, 2, 2, 0]
    );
    assert_eq!(
        shown["packages"],
        json!([{"name": "acme/lib", "installs": 4, "downloads": 0}, {"name": "acme/tool", "installs": 4, "downloads": 0}])
    );
    // That it was here is told by its tokens, some minutes later.
    block_on(repertoire::http::finish(&registry.app));
    registry.run_jobs();
    assert!(show(&registry, &path)["last_seen"].is_string());
    registry
        .admin()
        .get("/api/v1/orgs/acme/customers/none/statistics")
        .expect(404);
    // One who never installed anything.
    let idle = registry.buyer(&json!({"name": "Idle"}));
    let path = format!("/api/v1/orgs/acme/customers/{}/statistics", idle.id);
    let shown = show(&registry, &path);
    assert_eq!(
        (&shown["first_day"], &shown["packages"]),
        (&Value::Null, &json!([]))
    );
}

#[test]
fn a_removed_reader_has_no_name() {
    let (registry, customer) = busy();
    registry.remove_confirmed(&format!("customers/{customer}"), "Globex");
    let shown = show(&registry, &format!("{OF_LIB}?by=reader"));
    assert_eq!(shown["parts"][0]["key"], format!("customer:{customer}"));
    assert_eq!(shown["parts"][0]["name"], Value::Null);
    assert_eq!(shown["total"]["installs"], 10);
}

#[test]
fn downloads_stand_beside_installs() {
    let registry = TestRegistry::imported();
    let path = {
        let versions = registry.composer_metadata("acme/lib");
        let url = versions[0]["dist"]["url"].as_str().unwrap().to_owned();
        url.strip_prefix(crate::support::ADDRESS)
            .unwrap()
            .to_owned()
    };
    registry.admin().get(&path).expect(200);
    begin_to_gather(&registry.app).unwrap();
    block_on(tell_gathered(&registry.app));
    registry.run_jobs();
    let shown = show(&registry, &format!("{OF_LIB}?by=version"));
    assert_eq!(shown["total"], json!({"installs": 0, "downloads": 1}));
    assert_eq!(shown["parts"][0]["name"], "v1.1.0");
}

#[test]
fn only_those_see_it_who_see_the_rest() {
    let (registry, customer) = busy();
    let of_customer = format!("/api/v1/orgs/acme/customers/{customer}/statistics");
    let by_reader = format!("{OF_LIB}?by=reader");
    let paths = [STATISTICS, OF_LIB, by_reader.as_str(), of_customer.as_str()];
    for (abilities, expected) in [
        (["view"], [200, 200, 200, 200]),
        (["manage_packages"], [200, 200, 403, 403]),
        (["manage_customers"], [403, 403, 403, 200]),
        (["read_metadata"], [403, 403, 403, 403]),
    ] {
        let token = registry.make_token(&json!({"name": "t", "abilities": abilities}));
        let caller = registry.with_token(&token);
        let statuses = paths.map(|path| caller.get(path).status());
        assert_eq!(statuses, expected, "{abilities:?}");
    }
}

#[test]
fn what_is_asked_wrongly_is_told() {
    let registry = TestRegistry::imported();
    for (query, field) in [
        ("from=yesterday", "?from"),
        ("to=2026-13-01", "?to"),
        ("from=2026-11-22&to=2026-11-21", "?from"),
        ("from=2001-01-01", "?from"),
        ("bucket=year", "?bucket"),
        ("by=weather", "?by"),
        ("by=version", "?by"),
    ] {
        let answer = registry
            .admin()
            .get(&format!("{STATISTICS}?{query}"))
            .expect(422)
            .json();
        assert_eq!(answer["errors"][0]["field"], field, "{query}");
    }
    let answer = registry
        .admin()
        .get(&format!("{STATISTICS}/packages?limit=0"))
        .expect(422)
        .json();
    assert_eq!(answer["errors"][0]["field"], "?limit");
    registry
        .admin()
        .get("/api/v1/orgs/acme/packages/acme/none/statistics")
        .expect(404);
}

/// Who calls, which organisation, and the sums.
#[test]
fn an_answer_takes_three_questions_to_the_database() {
    let (registry, customer) = busy();
    for path in [
        STATISTICS.to_owned(),
        format!("{STATISTICS}?by=reader"),
        format!("{STATISTICS}/packages"),
        format!("{OF_LIB}?by=version"),
        format!("{OF_LIB}?by=reader"),
        format!("/api/v1/orgs/acme/customers/{customer}/statistics"),
    ] {
        registry.world.forget_calls();
        show(&registry, &path);
        assert_eq!(registry.world.calls(Port::Db), 3, "{path}");
    }
}
