//! Who is signed in, and where the token is.

use std::os::unix::fs::PermissionsExt;

use super::Terminal;
use crate::support::{ADMIN, TestRegistry};

/// Nobody is signed in, and nothing is in the environment.
fn alone(registry: &TestRegistry) -> Terminal<'_> {
    Terminal::new(registry, None)
}

#[test]
fn a_token_is_checked_kept_for_its_owner_alone_and_forgotten() {
    let registry = TestRegistry::new();
    let terminal = alone(&registry);
    let url = terminal.url();
    let signed_in = terminal
        .type_in(&["login", &url, "--with-token"], &format!("{ADMIN}\n"))
        .expect(0);
    signed_in.assert_says(&[
        "Signed in at http://127.0.0.1",
        "the owner of the instance",
        "organisation acme",
    ]);
    assert!(!format!("{}{}", signed_in.out, signed_in.err).contains(ADMIN));

    let file = terminal.folder.join("profiles.json");
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );

    // From here on nothing has to be said: neither where, nor who, nor which organisation.
    terminal
        .run(&["whoami"])
        .expect(0)
        .assert_says(&["the owner of the instance", "It may download archives."]);
    terminal
        .run(&["repositories", "list"])
        .expect(0)
        .assert_says(&["SLUG", "main"]);
    let profiles = terminal.run(&["profiles", "list", "--json"]).expect(0);
    assert!(!profiles.out.contains(ADMIN));
    assert_eq!(profiles.json()[0]["organisation"], "acme");

    terminal.run(&["logout"]).expect(0);
    assert!(!std::fs::read_to_string(&file).unwrap().contains(ADMIN));
    terminal.take_asked();
    let nobody = terminal.run(&["repositories", "list"]).expect(3);
    assert!(nobody.err.contains("repertoire login"), "{}", nobody.err);
    assert_eq!(terminal.take_asked(), []);
}

#[test]
fn a_token_that_the_registry_does_not_know_is_not_kept() {
    let registry = TestRegistry::new();
    let terminal = alone(&registry);
    let refused = terminal
        .type_in(&["login", &terminal.url()], "wrong-token")
        .expect(3);
    assert!(refused.err.contains("unauthenticated"), "{}", refused.err);
    assert!(!refused.err.contains("wrong-token"));
    assert!(!terminal.folder.join("profiles.json").exists());
}

#[test]
fn a_token_goes_to_the_registry_that_it_is_of_and_to_no_other() {
    let registry = TestRegistry::new();
    let terminal = alone(&registry);
    terminal
        .type_in(&["login", &terminal.url()], ADMIN)
        .expect(0);
    let other = Terminal::new(&registry, None);
    let refused = terminal.run(&["whoami", "--url", &other.url()]).expect(3);
    assert!(refused.err.contains("not signed in at"), "{}", refused.err);
    // And not over a network for everybody to read.
    let plain = terminal
        .run(&["whoami", "--url", "http://packages.example.com"])
        .expect(2);
    assert!(
        plain.err.contains("https://packages.example.com"),
        "{}",
        plain.err
    );
    assert!(other.take_asked().is_empty());
}

#[test]
fn a_redirect_is_told_and_not_followed() {
    let registry = TestRegistry::new();
    let terminal = Terminal::of_owner(&registry);
    let place = ("location", "https://elsewhere.example.com/".to_owned());
    terminal
        .canned
        .borrow_mut()
        .push_back((301, vec![place], String::new()));
    let told = terminal.run(&["orgs", "list"]).expect(1);
    assert!(
        told.err.contains("https://elsewhere.example.com/"),
        "{}",
        told.err
    );
    assert_eq!(terminal.take_asked().len(), 1);
}

#[test]
fn several_registries_are_kept_apart() {
    let (one, other) = (TestRegistry::new(), TestRegistry::new());
    let here = alone(&one);
    let there = Terminal::new(&other, None);
    here.type_in(&["login", &here.url(), "--profile", "first"], ADMIN)
        .expect(0);
    let token = one.make_token(&serde_json::json!({"name": "ci", "access": "read"}));
    here.type_in(&["login", &here.url(), "--profile", "second"], &token)
        .expect(0);
    here.run(&["whoami"])
        .expect(0)
        .assert_says(&["a machine", "Organisation: acme"]);
    here.run(&["whoami", "--profile", "first"])
        .expect(0)
        .assert_says(&["the owner of the instance"]);
    here.run(&["profiles", "use", "first"]).expect(0);
    here.run(&["whoami"])
        .expect(0)
        .assert_says(&["the owner of the instance"]);
    here.run(&["whoami", "--profile", "third"]).expect(2);
    assert!(there.take_asked().is_empty());
}
