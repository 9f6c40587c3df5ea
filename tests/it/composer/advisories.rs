use serde_json::{Value, json};

use super::ROOT;
use crate::support::persona::{Answer, Persona};
use crate::support::{ADDRESS, ADMIN, TestRegistry, isolate};

const PATH: &str = "/r/acme/main/security-advisories";

/// Asks as Composer does.
fn ask(persona: &Persona<'_>, form: &str) -> Answer {
    let form_type = "application/x-www-form-urlencoded".to_owned();
    let headers = [("content-type", form_type)];
    persona.send("POST", PATH, &headers, form.as_bytes().to_vec())
}

fn advisories(answer: &Answer) -> Value {
    answer.json()["advisories"].clone()
}

#[test]
fn every_name_that_is_here_has_an_empty_list() {
    let registry = TestRegistry::imported();
    registry
        .writer()
        .upload("acme/tool", "1.0.0", "")
        .expect(201);
    let admin = registry.admin();
    let root = admin.get(ROOT).json();
    let url = root["security-advisories"]["api-url"].as_str().unwrap();
    assert_eq!(url.strip_prefix(ADDRESS), Some(PATH));
    let expected = json!({"acme/lib": [], "acme/tool": []});
    let form = "packages%5B0%5D=acme%2Flib&packages%5B1%5D=acme%2Ftool&packages%5B2%5D=acme%2Fnone";
    assert_eq!(advisories(&ask(&admin, form).expect(200)), expected);
    let query = "packages[]=Acme/Lib&packages[]=acme/tool&packages[]=php&packages=acme/none&x=y";
    let answer = admin.get(&format!("{PATH}?{query}")).expect(200);
    assert_eq!(advisories(&answer), expected);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    for form in ["", "packages[0]=", "packages[]=%FF/%FF", "&&=&="] {
        let answer = ask(&admin, form).expect(200);
        assert_eq!(answer.bytes(), br#"{"advisories":{}}"#, "{form}");
    }
}

#[test]
fn a_name_that_is_not_to_be_seen_is_left_out_like_one_that_is_not_there() {
    let registry = TestRegistry::imported();
    let form = "packages[0]=acme/lib";
    let none = ask(&registry.admin(), "packages[0]=acme/none").expect(200);
    let hidden = ask(&registry.reader("other/*"), form).expect(200);
    assert_eq!(hidden.transcript(), none.transcript());
    let seen = ask(&registry.reader("acme/*"), form).expect(200);
    assert_eq!(advisories(&seen), json!({"acme/lib": []}));
    ask(&registry.anonymous(), form).expect(401);
    ask(&registry.with_token("unknown-token"), form).expect(401);
}

#[test]
fn a_moment_answers_for_what_was_there_then() {
    let registry = TestRegistry::imported();
    let (revision, _) = registry.head();
    registry
        .writer()
        .upload("acme/tool", "1.0.0", "")
        .expect(201);
    let path = format!(
        "/r/acme/main@{revision}/security-advisories?packages[]=acme/lib&packages[]=acme/tool"
    );
    let answer = registry.admin().get(&path).expect(200);
    assert_eq!(advisories(&answer), json!({"acme/lib": []}));
}

#[test]
fn too_much_is_refused() {
    let registry = TestRegistry::imported();
    let admin = registry.admin();
    let names = |count: usize| {
        let pairs: Vec<_> = (0..count)
            .map(|index| format!("packages[]=a/p{index}"))
            .collect();
        pairs.join("&")
    };
    ask(&admin, &names(10_000)).expect(200);
    ask(&admin, &names(10_001)).expect(422);
    ask(&admin, &"x".repeat(1024 * 1024 + 1)).expect(413);
}

#[test]
fn a_warm_answer_costs_no_read_of_anything() {
    let registry = TestRegistry::imported();
    let warm = isolate(&registry.world);
    let admin = Persona::new(&warm, Some(ADMIN));
    ask(&admin, "packages[0]=acme/lib").expect(200);
    registry.world.forget_calls();
    ask(&admin, "packages[0]=acme/lib&packages[1]=acme/none").expect(200);
    assert_eq!(registry.world.effects.borrow().len(), 0);
}

#[test]
fn names_are_found_where_they_are_too_many_to_be_listed() {
    let registry = TestRegistry::new();
    registry.fill(301);
    let admin = registry.admin();
    let form = "packages[]=bulk/p0&packages[]=bulk/p300&packages[]=bulk/p301";
    let expected = json!({"bulk/p0": [], "bulk/p300": []});
    assert_eq!(advisories(&ask(&admin, form).expect(200)), expected);
}
