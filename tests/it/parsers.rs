//! Every reader of outside text: none panics, whatever comes; what can be written again reads as the same; and what is far
//! too long is refused by a limit that the error names, or read in one pass.
//!
//! No time is measured. Where a text of a megabyte is read at all, a reader that took quadratic time would need some
//! 10^12 steps, which is hours: such a test would not come to its end. `docs/CONTRIBUTING.md` lists the readers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pollster::block_on;
use proptest::prelude::*;
use repertoire::domain::branch::{
    BranchRole, branch_alias, branch_version, normalize_branch, parse_numeric_alias_prefix,
};
use repertoire::domain::constraint::{Constraint, MAX_CONSTRAINT_LENGTH};
use repertoire::domain::funding::parse_funding;
use repertoire::domain::manifest::{Manifest, dump};
use repertoire::domain::minify::expand;
use repertoire::domain::name::{NameGlob, PackageName, Slug};
use repertoire::domain::search::full_text_query;
use repertoire::domain::stability::parse_stability;
use repertoire::domain::tag_version::{version_of_branch, version_of_tag};
use repertoire::domain::time::{http_date, parse_moment, parse_rfc3339, rfc3339};
use repertoire::domain::token::{TokenHash, is_mistyped};
use repertoire::domain::tree::outline::{decode_outline_node, find_outlined};
use repertoire::domain::tree::{
    Root, decode_bucket, encode_bucket, find_bucket, find_outline_node, find_package,
    read_bucket_names, read_first_line, read_names,
};
use repertoire::domain::version::{MAX_VERSION_LENGTH, compare_normalized, normalize};
use repertoire::http::auth::{Credentials, read_credentials};
use repertoire::http::request::{form_pairs, percent_decode};
use repertoire::http::route;
use repertoire::providers::ProviderKind;
use repertoire::providers::address::{Address, PrivateAddresses};
use serde_json::{Map, Value, json};

use crate::support::github::Answer;
use crate::support::{PROJECT, TestRegistry};

const MEGABYTE: usize = 1024 * 1024;

/// Anything, and texts made of what versions and constraints are made of.
fn version_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "(dev-|v|V|release-)?[0-9]{0,3}([.-][0-9x*]{1,3}){0,4}([._-]?(alpha|beta|RC|p|dev|stable)[.-]?[0-9]{0,2}){0,2}(@dev|\\+b| as 1)?\n?",
        "[ ,|^~<>=!@#*xvV0-9.asdevbtRC+\n/-]{0,30}",
    ]
}

/// JSON as it may stand under a key of composer.json.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-9.0..9.0_f64).prop_map(Value::from),
        "[a-z0-9./@^~* :-]{0,12}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z/-]{1,8}|[0-2]", inner, 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// A composer.json with keys that Composer knows.
fn manifest() -> impl Strategy<Value = Map<String, Value>> {
    let key = prop::sample::select(vec![
        "name",
        "version",
        "type",
        "target-dir",
        "extra",
        "bin",
        "source",
        "dist",
        "suggest",
        "require",
        "conflict",
        "autoload",
        "include-path",
        "php-ext",
        "time",
        "archive",
        "scripts",
        "description",
        "homepage",
        "keywords",
        "license",
        "authors",
        "support",
        "funding",
        "abandoned",
        "x-unknown",
        "installation-source",
    ]);
    prop::collection::vec((key, json_value()), 1..6).prop_map(|entries| {
        let entries = entries.into_iter();
        entries
            .map(|(key, value)| (key.to_owned(), value))
            .collect()
    })
}

/// A pattern tried against a name in every way there is.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some((b'*', rest)) => (0..=name.len()).any(|at| fits(rest, &name[at..])),
        Some((first, rest)) => name
            .split_first()
            .is_some_and(|(other, name)| first == other && fits(rest, name)),
    }
}

proptest! {
    #[test]
    fn versions_branches_and_aliases(text in version_text(), other in version_text(), is_default in any::<bool>()) {
        let role = if is_default { BranchRole::Default } else { BranchRole::Other };
        let _ = parse_numeric_alias_prefix(&text);
        let _ = parse_stability(&text);
        let _ = normalize_branch(&text);
        let _ = version_of_tag(&text, Some(&other));
        if let Ok(version) = version_of_tag(&text, None) {
            prop_assert!(!version.is_dev());
        }
        let aliases = json!({"branch-alias": {(text.clone()): other.clone(), "dev-x": 1}});
        let manifest = Map::from_iter([("extra".to_owned(), aliases)]);
        let _ = version_of_branch(&text, &manifest, role);
        let _ = branch_alias(&other, &manifest, role);
        if let Ok(version) = branch_version(&text) {
            prop_assert!(version.is_dev());
            prop_assert!(Constraint::parse(version.normalized()).is_ok());
        }
        let _ = compare_normalized(&text, &other);
        if let (Ok(one), Ok(two)) = (normalize(&text), normalize(&other)) {
            prop_assert_eq!(compare_normalized(&one, &two), compare_normalized(&two, &one).reverse());
        }
    }

    #[test]
    fn constraints(text in version_text(), version in version_text()) {
        if let Ok(constraint) = Constraint::parse(&text) {
            let _ = constraint.matches(&version);
            prop_assert_eq!(constraint.as_str(), text.as_str());
        }
    }

    #[test]
    fn names_patterns_and_slugs(
        text in any::<String>(),
        name in "[a-b]{1,3}([-._][a-b]{1,2}){0,2}/[a-b]{1,3}(-{0,2}[a-b]){0,2}",
        pattern in "[ab*/.-]{1,9}",
    ) {
        if let Ok(parsed) = PackageName::parse(&text) {
            prop_assert_eq!(PackageName::parse(parsed.as_str()), Ok(parsed));
        }
        if let Ok(slug) = Slug::parse(&text) {
            prop_assert_eq!(slug.as_str(), text.as_str());
        }
        let _ = NameGlob::parse(&text);
        let _ = full_text_query(&text);
        let parsed = PackageName::parse(&name).unwrap();
        prop_assert_eq!(PackageName::parse(&name.to_uppercase()), Ok(parsed.clone()));
        let glob = NameGlob::parse(&pattern).unwrap();
        prop_assert_eq!(glob.matches(&parsed), fits(pattern.as_bytes(), name.as_bytes()));
    }

    #[test]
    fn manifests(bytes in prop::collection::vec(any::<u8>(), 0..60), fields in manifest()) {
        let _ = Manifest::parse(&bytes);
        // Whatever its keys hold, it becomes an entry, and an entry is a manifest that becomes itself.
        let dumped = dump(&fields, "1.0");
        prop_assert_eq!(dump(&dumped, "1.0"), dumped);
        if let Ok(manifest) = Manifest::parse(Value::Object(fields.clone()).to_string().as_bytes()) {
            prop_assert_eq!(manifest.fields(), &fields);
            let _ = manifest.version();
            let _ = manifest.check_version("dev-x y");
        }
    }

    #[test]
    fn minified_documents(entries in prop::collection::vec(manifest(), 0..5)) {
        let count = entries.len();
        prop_assert_eq!(expand(entries).len(), count);
    }

    #[test]
    fn funding(text in "([a-z_]{0,8} ?:? ?[\\[\\]\"',#/:.a-z0-9@ -]{0,20}\r?\n){0,5}|\\PC{0,40}") {
        for found in parse_funding(&text) {
            prop_assert!(!found.kind.is_empty());
        }
    }

    #[test]
    fn times(seconds in 0..4_000_000_000_i64, text in "[0-9TZ:+. -]{0,30}|\\PC{0,20}") {
        prop_assert_eq!(parse_rfc3339(&rfc3339(seconds)), Some(seconds));
        prop_assert_eq!(parse_moment(&rfc3339(seconds)), Some(seconds));
        prop_assert_eq!(http_date(seconds).len(), "Sat, 21 Nov 2026 20:30:00 GMT".len());
        let _ = parse_moment(&text);
        let fields = Map::from_iter([("time".to_owned(), Value::from(text))]);
        if let Some(time) = dump(&fields, "1").get("time") {
            prop_assert!(parse_rfc3339(time.as_str().unwrap()).is_some());
        }
    }

    #[test]
    fn tree_nodes(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        near in "(repertoire-(root|bucket) [123]( [0-9]{10} [0-9a-f-]{64}( [0-9a-f-]{64})?( [0-9]{10} 0(01|02|00) 00[012])?)?\n)?([a-z/]{1,9} [0-9a-f-]{0,70} ?[0-9]{0,11}\n?){0,3}",
    ) {
        for bytes in [bytes.as_slice(), near.as_bytes()] {
            if let Ok(root) = Root::decode(bytes) {
                let encoded = root.encode();
                prop_assert!(Root::decode(encoded.bytes()).is_ok_and(|again| again == root));
            }
            if let Ok(bucket) = decode_bucket(bytes) {
                let encoded = encode_bucket(&bucket);
                prop_assert!(decode_bucket(encoded.bytes()).is_ok());
            }
            let _ = (find_bucket(bytes, 7), find_outline_node(bytes, "a/b"), read_first_line(bytes), read_names(bytes));
            let _ = (find_package(bytes, "a/b"), read_bucket_names(bytes));
        }
    }

    #[test]
    fn credentials(header in "\\PC{0,60}", token in "[a-zA-Z0-9_.-]{1,40}") {
        let _ = read_credentials(Some(&header));
        let basic = STANDARD.encode(format!("user:{token}"));
        let expected = if is_mistyped(&token) {
            Credentials::Unreadable
        } else {
            Credentials::Token(TokenHash::of(&token))
        };
        for header in [format!("Bearer {token}"), format!("basic {basic}")] {
            // The one password that stands for none.
            prop_assume!(token != "x-oauth-basic");
            prop_assert_eq!(read_credentials(Some(&header)), expected.clone());
        }
    }

    #[test]
    fn paths_and_queries(
        method in "GET|POST|PUT|DELETE|[A-Z]{0,6}",
        path in "(/(r|api|v1|p2|acme|main@?[0-9-]{0,10}|lib(~dev)?\\.json|%2[fF]|dist|\\PC{0,6}))*|\\PC{0,40}",
        text in any::<String>(),
    ) {
        let _ = route::parse(&method, "packages.example.com", &path);
        for (key, value) in form_pairs(&path) {
            prop_assert!(key.len() + value.len() <= 3 * path.len());
        }
        let escaped: String = percent_encoding::percent_encode(text.as_bytes(), percent_encoding::NON_ALPHANUMERIC).to_string();
        prop_assert_eq!(percent_decode(&escaped), text);
    }

    #[test]
    fn webhooks(header in "(sha256=)?[0-9a-f]{0,70}|\\PC{0,40}", body in prop::collection::vec(any::<u8>(), 0..100)) {
        let kinds = ["push", "create", "repository", "ping", "repo:push", "repo:updated", "repo:refs_changed", "repo:modified", "unheard-of"];
        let signatures = ["x-hub-signature-256", "x-hub-signature", "x-gitlab-token", "webhook-signature", "x-gitea-signature", "webhook-timestamp"];
        let signed = signatures.map(|name| (name.to_owned(), header.clone()));
        for provider in ProviderKind::ALL {
            prop_assert!(!provider.verify_webhook(b"secret", &signed, &body, 0));
            for kind in kinds {
                let names = ["x-github-event", "x-gitlab-event", "x-event-key"].map(|name| (name.to_owned(), kind.to_owned()));
                let _ = provider.parse_event("https://git.example.com", &names, &body);
            }
        }
    }

    #[test]
    fn addresses(url in "(https?://)?[a-z0-9.@:\\[\\]%/?#\\\\-]{0,40}|\\PC{0,40}") {
        let _ = Address::parse(&url, PrivateAddresses::Refused);
    }
}

proptest! {
    // Each builds a registry of its own.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn messages_of_the_queue(text in "\\PC{0,40}|\\{\"v\":[0-9],\"job\":(\"[a-z]{0,9}\"|\\{\"[a-z]{1,9}\":[0-9]\\})\\}") {
        let registry = TestRegistry::new();
        // Nothing is lost: what cannot be read is kept for a person to see, and never runs.
        block_on(repertoire::jobs::run(&registry.app, &text, 1));
        prop_assert_eq!(registry.world.sqlite.texts("select message from dead_letters"), vec![text]);
    }

    #[test]
    fn answers_of_github(
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..60),
            json_value().prop_map(|value| value.to_string().into_bytes()),
        ],
        at in 0..6_usize,
    ) {
        let registry = TestRegistry::new();
        registry.make_project();
        registry.import(PROJECT);
        for _ in 0..at {
            registry.run_one_job();
        }
        registry.world.github.borrow_mut().refusals.push(Answer::new(200, body));
        for _ in 0..300 {
            if !registry.run_one_job() {
                break;
            }
        }
        registry.world.github.borrow_mut().refusals.clear();
        registry.run_jobs();
    }
}

#[test]
fn what_is_far_too_long_is_refused_by_a_limit_that_the_error_names() {
    let long = |piece: &str| piece.repeat(MEGABYTE / piece.len());
    for piece in ["1", "1.", "v1.0-alpha1.1", "dev-a", "a@", " ", "-a1"] {
        let text = long(piece);
        let limit = format!("a version has at most {MAX_VERSION_LENGTH} bytes");
        assert!(
            normalize(&text)
                .unwrap_err()
                .to_string()
                .starts_with(&limit),
            "{piece}"
        );
        let refusal = version_of_tag(&text, None).unwrap_err();
        assert!(refusal.to_string().len() < 1_000, "{refusal}");
        let declared = version_of_tag("1.0", Some(&text)).unwrap_err();
        assert!(declared.to_string().contains(&limit), "{declared}");
    }
    for piece in [
        "^1.0",
        " ",
        ",",
        "|",
        "1 ",
        ">=1 ",
        "1.0 - 2.0 ",
        "@dev",
        "#",
        "x.",
        "-",
        "a as b ",
    ] {
        let text = long(piece);
        let limit = format!("a version constraint has at most {MAX_CONSTRAINT_LENGTH} bytes");
        assert!(
            Constraint::parse(&text)
                .unwrap_err()
                .to_string()
                .starts_with(&limit),
            "{piece}"
        );
        let branch = branch_version(&text).unwrap_err().to_string();
        assert_eq!(
            branch,
            format!(
                "a branch name has at most 1024 bytes, and this has {}",
                text.len()
            )
        );
        let manifest = json!({"require": {"a/b": text}}).to_string();
        let fault = Manifest::parse(manifest.as_bytes())
            .unwrap_err()
            .to_string();
        assert!(
            fault.starts_with("`require.a/b`") && fault.len() < 1_000,
            "{fault}"
        );
    }
    for piece in ["a", "a/", "a-", "*", "*a", "/"] {
        let text = long(piece);
        let name = PackageName::parse(&text).unwrap_err().to_string();
        assert_eq!(
            name,
            format!(
                "a package name has at most 255 bytes, and this has {}",
                text.len()
            )
        );
        let glob = NameGlob::parse(&text).unwrap_err().to_string();
        assert_eq!(
            glob,
            format!(
                "a package pattern has at most 255 bytes, and this has {}",
                text.len()
            )
        );
    }
    let slug = Slug::parse(&long("a")).unwrap_err().to_string();
    assert!(
        slug.contains("longer than 63 characters") && slug.len() < 500,
        "{slug}"
    );
    let url = format!("https://{}", long("a."));
    let address = Address::parse(&url, PrivateAddresses::Refused)
        .unwrap_err()
        .to_string();
    assert!(
        address.starts_with("the address has at most 8192 bytes"),
        "{address}"
    );
    for header in [
        long("a"),
        format!("Bearer {}", long("a")),
        format!("Basic {}", long("QUFB")),
    ] {
        assert_eq!(read_credentials(Some(&header)), Credentials::Unreadable);
    }
}

#[test]
fn what_is_just_short_enough_is_read_whatever_it_repeats() {
    for piece in [
        " ",
        ",",
        "|",
        "1 ",
        " ,",
        ">=1 ",
        "1.0 - 2.0 ",
        "@dev",
        "#",
        "x.",
        "-",
        "1-a",
        "a as b ",
        "^1 || ",
    ] {
        let text = piece.repeat(MAX_CONSTRAINT_LENGTH / piece.len());
        if let Ok(constraint) = Constraint::parse(&text) {
            assert!(!constraint.matches("dev-none"));
        }
    }
    for piece in [
        "1", "1.", "a1", "-a", ".alpha1", "dev-", "@dev", "x.", "9999999.",
    ] {
        let text = piece.repeat(MAX_VERSION_LENGTH / piece.len());
        let _ = version_of_tag(&text, None);
        let _ = branch_version(&text);
    }
    // With a step back at every star this would take some 2^80 steps.
    let name = PackageName::parse(&format!("a/{}", "a".repeat(250))).unwrap();
    let glob = NameGlob::parse(&format!("{}b", "*a".repeat(120))).unwrap();
    assert!(!glob.matches(&name));
    let glob = NameGlob::parse(&"*a".repeat(120)).unwrap();
    assert!(glob.matches(&name));
}

#[test]
fn a_megabyte_of_anything_else_is_read_in_one_pass() {
    let long = |piece: &str| piece.repeat(MEGABYTE / piece.len());
    for piece in [
        "1", "1.", "v1.x-", "dev-", "9999999.", "#", "a1", "-a1", "+",
    ] {
        let text = long(piece);
        let _ = normalize_branch(&text);
        let _ = parse_numeric_alias_prefix(&text);
        let _ = compare_normalized(&text, &text);
    }
    for piece in ["../", "./", "//", "..\\", "a/../", "a"] {
        let dumped = dump(
            &Map::from_iter([("target-dir".to_owned(), long(piece).into())]),
            "1",
        );
        assert!(
            dumped["target-dir"].as_str().unwrap().len() <= MEGABYTE,
            "{piece}"
        );
    }
    for piece in ["[", "{\"a\":", "\"", "[],", "1", "\\u00", " "] {
        assert!(Manifest::parse(long(piece).as_bytes()).is_err(), "{piece}");
    }
    let keywords: Vec<String> = (0..100_000)
        .map(|number| (number % 977).to_string())
        .collect();
    let sorted = dump(
        &Map::from_iter([("keywords".to_owned(), keywords.into())]),
        "1",
    );
    assert_eq!(sorted["keywords"].as_array().unwrap().len(), 100_000);
    for piece in [
        "a: [",
        "a: x #",
        "a: #",
        ",",
        "- a, # b\n",
        "]",
        "a:[]]",
        "a: b,c",
    ] {
        let _ = parse_funding(&long(piece));
        let _ = parse_funding(&format!("a: [\n{}", long(piece)));
        let _ = parse_funding(&format!("custom: {}", long(piece)));
    }
    for piece in ["%", "%2", "%41", "&", "=", "&=", "+", "a=b&"] {
        assert!(percent_decode(&long(piece)).len() <= MEGABYTE);
        let _ = form_pairs(&long(piece)).count();
    }
    for piece in ["/", "/r", "/r/a/b", "/p2/", "@"] {
        assert!(
            route::parse(
                "GET",
                "packages.example.com",
                &format!("/r/a/b{}", long(piece))
            )
            .is_err()
        );
    }
    for piece in ["0", "2026-", "T", ":", "+"] {
        assert_eq!(parse_moment(&long(piece)), None);
    }
    for piece in ["\n", "a/b ", "repertoire-bucket 1\n"] {
        let node = format!("repertoire-bucket 1\n{}", long(piece));
        let _ = (
            find_package(node.as_bytes(), "a/b"),
            decode_bucket(node.as_bytes()).is_ok(),
        );
        assert!(Root::decode(node.as_bytes()).is_err());
        let node = format!("repertoire-outline 1\n{}", long(piece));
        let _ = (
            find_outlined(node.as_bytes(), "a/b"),
            decode_outline_node(node.as_bytes()).is_ok(),
        );
    }
    for body in ["[", "{\"ref\":", "payload=%7B"] {
        let headers = [("x-github-event".to_owned(), "push".to_owned())];
        assert!(
            ProviderKind::GitHub
                .parse_event("", &headers, long(body).as_bytes())
                .is_err()
        );
        for (provider, event) in [
            (ProviderKind::Bitbucket, "repo:push"),
            (ProviderKind::BitbucketServer, "repo:refs_changed"),
        ] {
            let headers = [("x-event-key".to_owned(), event.to_owned())];
            let read = provider.parse_event("", &headers, long(body).as_bytes());
            assert!(read.is_err(), "{event}");
        }
    }
}
