use proptest::prelude::*;

use super::super::{
    DocumentEntry, OutlineNode, Root, bucket_number, decode_bucket, encode_bucket,
    find_outline_node,
};
use super::*;
use crate::domain::access::{Sight, VersionLimit, limit_document};
use crate::domain::constraint::Constraint;
use crate::domain::metadata::build_document;
use crate::domain::name::PackageName;
use crate::domain::stability::Stability;
use crate::domain::time::rfc3339;

fn entry(text: &str) -> PackageEntry {
    PackageEntry {
        tagged: DocumentEntry {
            hash: BlobHash::of(text.as_bytes()),
            changed_at: 1_795_200_000,
        },
        dev: None,
    }
}

/// So many versions that their line has some 16 bytes for each.
fn versions(count: usize) -> OutlinedVersions {
    let tagged = (0..count).map(|number| VersionFacts {
        normalized: format!("1.{number}.0.0"),
        alias: None,
        published_at: 1_795_200_000,
    });
    OutlinedVersions {
        tagged: tagged.collect(),
        dev: Vec::new(),
    }
}

/// An outline with its nodes: what a repository's blobs would be.
#[derive(Default, Clone)]
struct Kept {
    outline: Outline,
    blobs: BTreeMap<BlobHash, Vec<u8>>,
}

impl Kept {
    /// Puts packages, and takes those without versions out. Gives how many nodes were written.
    fn apply(&mut self, changes: &[(String, Option<OutlinedVersions>)]) -> usize {
        let mut draft = OutlineDraft::new(&self.outline);
        for (number, node) in draft.touched(changes.iter().map(|(name, _)| name.as_str())) {
            draft.load(number, &self.blobs[&node]).unwrap();
        }
        for (name, versions) in changes {
            match versions {
                Some(versions) => draft.put(name, &entry(name), versions),
                None => draft.remove(name),
            }
        }
        for (number, node) in draft.missing() {
            draft.load(number, &self.blobs[&node]).unwrap();
        }
        let (outline, blobs) = draft.finish();
        self.outline = outline;
        let written = blobs.len();
        for blob in blobs {
            self.blobs
                .insert(blob.hash().clone(), blob.bytes().to_vec());
        }
        written
    }

    fn root(&self) -> Vec<u8> {
        // The buckets say only how many packages there are.
        let count = u32::try_from(self.outline.package_count()).unwrap();
        let root = Root {
            buckets: BTreeMap::from([(0, (BlobHash::of(b""), count))]),
            outline: self.outline.clone(),
            ..Root::default()
        };
        let bytes = root.encode().bytes().to_vec();
        assert_eq!(Root::decode(&bytes).unwrap(), root);
        bytes
    }

    fn node_of(&self, name: &str) -> &[u8] {
        match find_outline_node(&self.root(), name).unwrap() {
            OutlineNode::At(node) => &self.blobs[&node],
            other => panic!("{name} is in no node: {other:?}"),
        }
    }
}

#[test]
fn every_name_has_a_node_whether_there_is_such_a_package_or_not() {
    let mut kept = Kept::default();
    assert_eq!(
        find_outline_node(&kept.root(), "acme/lib").unwrap(),
        OutlineNode::Empty
    );
    // Few packages of many versions: some nodes would be empty.
    let large: Vec<_> = (0..9)
        .map(|number| (format!("acme/p{number}"), Some(versions(4_000))))
        .collect();
    kept.apply(&large);
    assert_eq!(kept.outline.spread(), 16);
    assert!(kept.outline.nodes().count() < 10);
    for number in 0..9 {
        let name = format!("acme/p{number}");
        let found = find_outlined(kept.node_of(&name), &name).unwrap().unwrap();
        assert_eq!(found.versions, versions(4_000));
    }
    let mut reached = BTreeSet::new();
    for number in 0..1_000 {
        let name = format!("acme/none{number}");
        let node = kept.node_of(&name);
        reached.insert(BlobHash::of(node));
        assert_eq!(find_outlined(node, &name).unwrap(), None);
    }
    assert_eq!(reached.len(), kept.outline.nodes().count());
}

#[test]
fn nodes_are_as_many_as_what_is_in_them_asks_for() {
    let mut kept = Kept::default();
    let mut spreads = Vec::new();
    for number in 0..1_200 {
        let written = kept.apply(&[(format!("acme/p{number}"), Some(versions(300)))]);
        if spreads.last() == Some(&kept.outline.spread()) {
            assert_eq!(written, 1, "a release writes one node");
        } else {
            spreads.push(kept.outline.spread());
        }
    }
    assert_eq!(spreads, [1, 2, 4, 8, 16, 32, 64, 128]);
    for (_, node, length) in kept.outline.nodes() {
        assert_eq!(kept.blobs[node].len(), HEADER.len() + length as usize);
    }
    assert_eq!(spread_for(u64::MAX), MOST_NODES);
    for bucket in 0..=u8::MAX {
        assert_eq!(spread(bucket, 1), 0);
        assert_eq!(spread(bucket, MOST_NODES), bucket);
    }
    // And back.
    let gone: Vec<_> = (1..1_200)
        .map(|number| (format!("acme/p{number}"), None))
        .collect();
    kept.apply(&gone);
    let mut one = Kept::default();
    one.apply(&[("acme/p0".to_owned(), Some(versions(300)))]);
    assert_eq!(kept.outline, one.outline);
    kept.apply(&[("acme/p0".to_owned(), None)]);
    assert_eq!(kept.outline, Outline::default());
}

#[test]
fn an_outline_that_lacks_packages_answers_for_none() {
    let mut kept = Kept::default();
    kept.apply(&[("acme/lib".to_owned(), Some(versions(1)))]);
    let mut root = Root::decode(&kept.root()).unwrap();
    root.buckets.insert(1, (BlobHash::of(b""), 1));
    assert!(!root.lacks_outline(), "it was begun");
    let bytes = root.encode();
    assert_eq!(
        find_outline_node(bytes.bytes(), "acme/lib").unwrap(),
        OutlineNode::Unfinished
    );
}

#[test]
fn damaged_nodes_are_refused() {
    assert!(find_outlined(b"something else", "a/b").is_err());
    for line in ["acme/lib", "acme/lib x 1 - 0 - -", "acme/lib 1.0.0.0@1"] {
        let node = format!("{HEADER}{line}\n");
        assert!(
            find_outlined(node.as_bytes(), "acme/lib").is_err(),
            "{line}"
        );
        assert!(decode_outline_node(node.as_bytes()).is_err(), "{line}");
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]\\.[0-9]",
        "dev-[a-z/#@=,% -]{0,9}",
    ]
}

fn facts() -> impl Strategy<Value = Vec<VersionFacts>> {
    let one = (text(), prop::option::of(text()), any::<i64>()).prop_map(
        |(normalized, alias, published_at)| VersionFacts {
            normalized,
            alias,
            published_at,
        },
    );
    prop::collection::vec(one, 0..5)
}

/// What is written of a version in a document, and what limits look at.
fn version() -> impl Strategy<Value = (String, String, bool, Option<String>, i64)> {
    let tagged = (
        0..4_u8,
        0..3_u8,
        prop::sample::select(vec!["", "-beta1", "-RC1", "-alpha2"]),
    )
        .prop_map(|(major, minor, suffix)| {
            let pretty = format!("{major}.{minor}.0{suffix}");
            (pretty, format!("{major}.{minor}.0.0{suffix}"), false, None)
        });
    let branch = (
        prop::sample::select(vec!["main", "1.x", "feature/a"]),
        any::<bool>(),
        prop::option::of(prop::sample::select(vec![
            "1.x-dev",
            "2.1.x-dev",
            "3.x-dev",
        ])),
    )
        .prop_map(|(name, is_default, alias)| {
            let (pretty, normalized) = match name {
                "1.x" => (
                    "1.x-dev".to_owned(),
                    "1.9999999.9999999.9999999-dev".to_owned(),
                ),
                name => (format!("dev-{name}"), format!("dev-{name}")),
            };
            (pretty, normalized, is_default, alias.map(str::to_owned))
        });
    (prop_oneof![3 => tagged, 2 => branch], 0..6_i64).prop_map(
        |((pretty, normalized, is_default, alias), day)| {
            (pretty, normalized, is_default, alias, day)
        },
    )
}

fn limit() -> impl Strategy<Value = VersionLimit> {
    let constraint = prop::sample::select(vec![
        "^1.0",
        "^2.0",
        "~1.1",
        ">=2",
        "1.0.0",
        "dev-main",
        "3.x-dev",
        "^9",
        "*",
        "1.*@dev || ^3",
    ]);
    (
        prop::collection::vec(constraint, 0..3),
        prop::option::of(0..6_i64),
        prop::option::of(0..6_i64),
        prop::option::of(prop::sample::select(vec![
            Stability::Stable,
            Stability::ReleaseCandidate,
            Stability::Beta,
            Stability::Dev,
        ])),
        any::<bool>(),
    )
        .prop_map(
            |(constraints, until, after, minimum_stability, source)| VersionLimit {
                constraints: constraints
                    .into_iter()
                    .filter_map(|text| Constraint::parse(text).ok())
                    .collect(),
                released_until: until,
                released_after: after,
                minimum_stability,
                source,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12_000))]

    /// The outline decides as the views do, of both documents.
    #[test]
    fn what_the_outline_shows_is_what_is_left_of_the_documents(
        all in prop::collection::vec(version(), 0..7),
        limits in prop::collection::vec(limit(), 1..4),
    ) {
        let Sight::Limited(limits) = Sight::of(limits) else {
            return Ok(());
        };
        let name = PackageName::parse("acme/lib").unwrap();
        let (dev, tagged): (Vec<_>, Vec<_>) = all
            .into_iter()
            .map(|(pretty, normalized, is_default, alias, time)| {
                let mut entry = serde_json::json!({
                    "name": "acme/lib",
                    "version": pretty,
                    "version_normalized": normalized,
                    "source": {"type": "git", "url": "https://git.example/a", "reference": "r"},
                    "published-time": rfc3339(time),
                });
                if is_default {
                    entry["default-branch"] = true.into();
                }
                if let Some(alias) = alias {
                    entry["extra"] = serde_json::json!({"branch-alias": { pretty: alias }});
                }
                entry.as_object().unwrap().clone()
            })
            .partition(|entry| entry["version"].as_str().unwrap().contains("dev"));
        let facts = |entries: &[_]| entries.iter().filter_map(VersionFacts::of_entry).collect();
        let versions = OutlinedVersions { tagged: facts(&tagged), dev: facts(&dev) };
        let mut kept = Kept::default();
        kept.apply(&[("acme/lib".to_owned(), Some(versions))]);
        let found = find_outlined(kept.node_of("acme/lib"), "acme/lib").unwrap().unwrap();
        let is_left = |entries| limit_document(&build_document(&name, entries), &limits).is_some();
        prop_assert_eq!(found.is_seen(&limits), (is_left(tagged), is_left(dev)));
    }
}

proptest! {
    #[test]
    fn lines_survive_encoding(
        packages in prop::collection::btree_map("[a-z]{1,4}/[a-z-]{1,4}", (facts(), facts()), 1..20),
        absent in "[a-z]{1,4}/[a-z-]{5}",
    ) {
        let changes: Vec<_> = packages.iter().map(|(name, (tagged, dev))| {
            let versions = OutlinedVersions { tagged: tagged.clone(), dev: dev.clone() };
            (name.clone(), Some(versions))
        }).collect();
        let mut kept = Kept::default();
        kept.apply(&changes);
        for (name, versions) in &changes {
            let node = kept.node_of(name);
            prop_assert!(node.is_ascii());
            let expected = OutlinedPackage { entry: entry(name), versions: versions.clone().unwrap() };
            prop_assert_eq!(find_outlined(node, name).unwrap(), Some(expected.clone()));
            prop_assert_eq!(&decode_outline_node(node).unwrap()[name], &expected);
        }
        prop_assert_eq!(find_outlined(kept.node_of(&absent), &absent).unwrap(), None);
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn equal_contents_have_equal_outlines_whatever_the_order(
        sizes in prop::collection::btree_map("[a-c]{1,2}/[a-z]{1,3}", 0..3_000_usize, 1..30),
        seed in any::<prop::sample::Index>(),
    ) {
        let all: Vec<_> = sizes.iter().map(|(name, size)| (name.clone(), Some(versions(*size)))).collect();
        let mut at_once = Kept::default();
        at_once.apply(&all);
        let mut shuffled = all.clone();
        shuffled.rotate_left(seed.index(all.len()));
        let mut one_by_one = Kept::default();
        for change in shuffled {
            one_by_one.apply(&[("z/z".to_owned(), Some(versions(5_000)))]);
            one_by_one.apply(&[change]);
        }
        one_by_one.apply(&[("z/z".to_owned(), None)]);
        prop_assert_eq!(&one_by_one.outline, &at_once.outline);
        prop_assert_eq!(at_once.outline.package_count(), u64::try_from(all.len()).unwrap());
    }

}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        near in "(repertoire-outline 1\n)?([a-z/]{1,9} [0-9a-f-]{0,70} ?[0-9]{0,11} [-,@=%.0-9]{0,20}\n?){0,3}",
    ) {
        for bytes in [bytes.as_slice(), near.as_bytes()] {
            let _ = (find_outlined(bytes, "a/b"), decode_outline_node(bytes));
            let _ = OutlineDraft::new(&Outline::default()).load(0, bytes);
            let with_header = [HEADER.as_bytes(), bytes].concat();
            let _ = (find_outlined(&with_header, "a/b"), decode_outline_node(&with_header));
        }
    }
}

#[test]
fn a_bucket_begins_its_lines_as_the_outline_does() {
    let bucket = BTreeMap::from([("acme/lib".to_owned(), entry("acme/lib"))]);
    let bucket = encode_bucket(&bucket);
    let mut kept = Kept::default();
    kept.apply(&[("acme/lib".to_owned(), Some(OutlinedVersions::default()))]);
    let line = |bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).unwrap();
        text.lines().nth(1).unwrap().to_owned()
    };
    let outlined = line(kept.node_of("acme/lib"));
    assert_eq!(outlined, format!("{} - -", line(bucket.bytes())));
    assert!(decode_bucket(bucket.bytes()).is_ok());
    assert_eq!(spread(bucket_number("acme/lib"), 1), 0);
}
