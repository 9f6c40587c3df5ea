//! The description of the API: it is made of the types of the handlers, has every route, and is what is served.

use std::path::Path;

use repertoire::http::api::openapi::document;
use repertoire::http::route::{NoRoute, Route, parse};
use serde_json::json;

use crate::support::TestRegistry;

const FILE: &str = "src/http/api/openapi.json";

#[test]
fn the_description_is_of_these_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let made = format!("{}\n", serde_json::to_string_pretty(&document()).unwrap());
    if std::env::var_os("OPENAPI_UPDATE").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    assert!(
        kept == made,
        "{FILE} is stale; `OPENAPI_UPDATE=1 cargo test --test it openapi` writes it anew"
    );
}

#[test]
fn every_route_is_described_and_every_description_has_a_route() {
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    let methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];
    let example = |path: &str| {
        path.replace("{vendor}", "acme")
            .replace("{name}", "lib")
            .replace(['{', '}'], "")
    };
    let mut described = std::collections::BTreeSet::new();
    for (path, operations) in paths {
        let path = path.replace("{number}", "7");
        let by_number = ["/deliveries/{id}", "/dead-letters/{id}"];
        let path = by_number.into_iter().fold(path, |path, ids| {
            if path.contains("/github-apps/") {
                path
            } else {
                path.replace(ids, &ids.replace("{id}", "7"))
            }
        });
        for method in methods {
            let route = parse(method, "packages.example.com", &example(&path));
            let is_described = operations.get(method.to_lowercase()).is_some();
            assert_eq!(route.is_ok(), is_described, "{method} {path}");
            if let Ok(Route::Api(route)) = route {
                described.insert(variant(&route));
            }
        }
    }
    // The recorded table has every route that there is.
    let table = include_str!("snapshots/it__routes__the_routes_are_as_recorded.snap");
    let lines: Vec<_> = table.lines().collect();
    for pair in lines.windows(2) {
        let Some((method, path)) = pair[0].split_once(' ') else {
            continue;
        };
        let path = path.trim();
        if method == "HEAD" || !path.starts_with("/api/v1/") {
            continue;
        }
        match parse(method, "packages.example.com", path) {
            Ok(Route::Api(route)) => assert!(
                described.contains(&variant(&route)),
                "{method} {path} is not described in src/http/api/openapi.rs"
            ),
            other => assert!(matches!(other, Err(NoRoute::NotFound)), "{method} {path}"),
        }
    }
}

/// The names of a route's variants, without what they hold.
fn variant(route: &impl std::fmt::Debug) -> String {
    let text = format!("{route:?}");
    let words = text.split(|character: char| !character.is_ascii_alphanumeric());
    words
        .filter(|word| word.starts_with(|first: char| first.is_ascii_uppercase()))
        .filter(|word| *word != "PackageName")
        .collect::<Vec<_>>()
        .join(" ")
}

/// In a change null takes away and absence keeps, so what may be null has to be allowed to be absent.
#[test]
fn no_change_requires_what_may_be_null() {
    let described = serde_json::to_value(document()).unwrap();
    let schemas = &described["components"]["schemas"];
    let mut looked_at = 0;
    for (path, methods) in described["paths"].as_object().unwrap() {
        let body = &methods["patch"]["requestBody"]["content"]["application/json"]["schema"];
        let Some(name) = body["$ref"].as_str() else {
            continue;
        };
        let schema = &schemas[name.rsplit('/').next().unwrap()];
        for required in schema["required"].as_array().into_iter().flatten() {
            let property = &schema["properties"][required.as_str().unwrap()];
            let is_nullable = property["type"]
                .as_array()
                .is_some_and(|types| types.contains(&json!("null")));
            assert!(!is_nullable, "{path}: {required}");
        }
        looked_at += 1;
    }
    assert!(looked_at > 10, "{looked_at}");
}

#[test]
fn it_is_served_to_everybody() {
    let registry = TestRegistry::bare();
    let served = registry.anonymous().get("/api/v1/openapi.json").expect(200);
    assert_eq!(served.json(), document());
    assert_eq!(served.header("content-type"), Some("application/json"));
    let tag = served.header("etag").unwrap().to_owned();
    registry
        .anonymous()
        .get_with("/api/v1/openapi.json", "if-none-match", &tag)
        .expect(304);
}
