use proptest::prelude::*;

use super::*;

#[test]
fn constraints_have_one_meaning() {
    for (text, meaning) in [
        ("*", "*"),
        ("v*", ">= 0.0.0.0-dev"),
        ("^1.2", "[>= 1.2.0.0-dev < 2.0.0.0-dev]"),
        ("^0.3", "[>= 0.3.0.0-dev < 0.4.0.0-dev]"),
        ("^0.0.3", "[>= 0.0.3.0-dev < 0.0.4.0-dev]"),
        ("^0", "[>= 0.0.0.0-dev < 1.0.0.0-dev]"),
        ("^0.0", "[>= 0.0.0.0-dev < 0.1.0.0-dev]"),
        ("~1.2", "[>= 1.2.0.0-dev < 2.0.0.0-dev]"),
        ("~1.2.3", "[>= 1.2.3.0-dev < 1.3.0.0-dev]"),
        ("~1", "[>= 1.0.0.0-dev < 2.0.0.0-dev]"),
        ("~1.0.x-dev", "[>= 1.0.9999999.9999999-dev < 1.1.0.0-dev]"),
        ("~1.2-beta2", "[>= 1.2.0.0-beta2 < 2.0.0.0-dev]"),
        ("1.2.*", "[>= 1.2.0.0-dev < 1.3.0.0-dev]"),
        ("0.*", "< 1.0.0.0-dev"),
        ("1.0 - 2.0", "[>= 1.0.0.0-dev < 2.1.0.0-dev]"),
        ("1.0 - 2.0.0", "[>= 1.0.0.0-dev <= 2.0.0.0]"),
        (">=1.0,<2.0", "[>= 1.0.0.0-dev < 2.0.0.0-dev]"),
        (">= 1.0  < 2.0", "[>= 1.0.0.0-dev < 2.0.0.0-dev]"),
        (">1.0@beta", "> 1.0.0.0-beta"),
        ("<>1.0", "!= 1.0.0.0"),
        ("1.0@dev", "== 1.0.0.0"),
        ("@dev", "*"),
        ("dev-main#abc", "== dev-main"),
        ("foo-dev", "== dev-foo"),
        ("dev-main as 1.0", "== dev-main"),
        ("^1.0 || ^2.0", "[>= 1.0.0.0-dev < 3.0.0.0-dev]"),
        (
            "^1.0|dev-main",
            "[[>= 1.0.0.0-dev < 2.0.0.0-dev] || == dev-main]",
        ),
        ("^1.0 || 2.0 - 2.5.0", "[>= 1.0.0.0-dev <= 2.5.0.0]"),
        ("~99999", "[>= 99999.0.0.0-dev < 100000.0.0.0-dev]"),
    ] {
        let constraint = Constraint::parse(text).unwrap();
        assert_eq!(constraint.to_string(), meaning, "{text}");
        assert_eq!(constraint.as_str(), text);
    }
}

#[test]
fn a_refusal_says_what_to_write() {
    for (text, message) in [
        (
            "",
            "a version constraint is empty, write `*` for any version",
        ),
        (
            "^1 ||",
            "a version constraint is empty, write `*` for any version",
        ),
        (
            "~>1.2",
            "the operator `~>` in `~>1.2` is unknown to Composer, write `~` instead",
        ),
        (
            "^1.0 latest",
            "`latest` is no version constraint, write one such as `^1.2` or `>=1.0 <2.0`",
        ),
    ] {
        assert_eq!(Constraint::parse(text).unwrap_err().to_string(), message);
    }
}

#[test]
fn versions_are_taken_or_not() {
    for (constraint, version, is_taken) in [
        ("^2.0", "2.0.0.0-beta1", true),
        ("^2.0", "2.0.0.0-dev", true),
        ("^2.0", "2.9999999.9999999.9999999-dev", true),
        ("^2.0", "3.0.0.0-beta1", false),
        ("^2.0", "dev-main", false),
        ("*", "dev-main", true),
        ("v*", "dev-main", false),
        ("!=1.0", "dev-main", true),
        ("!=dev-main", "dev-main", false),
        ("dev-main", "dev-main", true),
        (">dev-main", "dev-main", false),
        ("1.0 || dev-main", "dev-main", true),
    ] {
        let constraint = Constraint::parse(constraint).unwrap();
        assert_eq!(
            constraint.matches(version),
            is_taken,
            "{constraint} {version}"
        );
    }
}

#[test]
fn json_goes_through_the_parser() {
    let constraint: Constraint = serde_json::from_str("\"^1.0\"").unwrap();
    assert_eq!(serde_json::to_string(&constraint).unwrap(), "\"^1.0\"");
    assert!(serde_json::from_str::<Constraint>("\"latest\"").is_err());
}

proptest! {
    #[test]
    fn no_text_breaks_the_parser(text in "[ ,|^~<>=!@#*xv0-9.as+\n-]{0,20}|\\PC{0,12}", version in any::<String>()) {
        if let Ok(constraint) = Constraint::parse(&text) {
            let _ = constraint.matches(&version);
        }
    }
}
