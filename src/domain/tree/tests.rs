use proptest::prelude::*;

use super::*;

/// A tree held in memory: what a repository's blobs would be.
#[derive(Default, Clone)]
struct Repository {
    blobs: BTreeMap<BlobHash, Vec<u8>>,
    root: Option<BlobHash>,
}

impl Repository {
    fn root(&self) -> Root {
        self.root.as_ref().map_or_else(Root::default, |hash| {
            Root::decode(&self.blobs[hash]).unwrap()
        })
    }

    fn apply(&mut self, changes: &BTreeMap<String, Change>, time: i64) {
        let root = self.root();
        let buckets = self.buckets(changes);
        let names = match root.names() {
            Some(hash) => Some(read_names(&self.blobs[hash]).unwrap()),
            None if root.package_count() == 0 => Some(Vec::new()),
            None => None,
        };
        let entries = date_entries(&buckets, changes, time);
        let updated = update(&root, buckets, names, &entries, None, Outline::default());
        for blob in updated.blobs {
            self.blobs
                .insert(blob.hash().clone(), blob.bytes().to_vec());
        }
        self.root = Some(updated.root);
    }

    fn buckets(&self, changes: &BTreeMap<String, Change>) -> BTreeMap<u8, Bucket> {
        let root = self.root();
        touched_buckets(changes.keys().map(String::as_str))
            .into_iter()
            .filter_map(|number| {
                let hash = root.bucket(number)?;
                Some((number, decode_bucket(&self.blobs[hash]).unwrap()))
            })
            .collect()
    }

    fn find(&self, name: &str) -> Option<PackageEntry> {
        let root = &self.blobs[self.root.as_ref()?];
        let bucket = find_bucket(root, bucket_number(name)).unwrap()?;
        find_package(&self.blobs[&bucket], name).unwrap()
    }
}

fn put(text: &str) -> Change {
    Change::Put {
        tagged: BlobHash::of(text.as_bytes()),
        dev: None,
    }
}

fn change(name: &str, change: Change) -> BTreeMap<String, Change> {
    BTreeMap::from([(name.to_owned(), change)])
}

#[test]
fn what_was_put_is_found_and_nothing_else() {
    let mut repository = Repository::default();
    repository.apply(&change("acme/lib", put("one")), 100);
    let entry = repository.find("acme/lib").unwrap();
    assert_eq!(entry.tagged.changed_at, 100);
    assert!(entry.dev.is_none());
    assert!(repository.find("acme/li").is_none());
    assert!(repository.find("cme/lib").is_none());
}

#[test]
fn times_move_only_with_their_own_document() {
    let mut repository = Repository::default();
    let both = |tagged: &str, dev: &str| Change::Put {
        tagged: BlobHash::of(tagged.as_bytes()),
        dev: Some(BlobHash::of(dev.as_bytes())),
    };
    repository.apply(&change("acme/lib", both("1", "a")), 100);
    repository.apply(&change("acme/lib", both("1", "b")), 200);
    let entry = repository.find("acme/lib").unwrap();
    assert_eq!(entry.tagged.changed_at, 100);
    assert_eq!(entry.dev.unwrap().changed_at, 200);
}

#[test]
fn nothing_new_gives_the_same_root() {
    let mut repository = Repository::default();
    repository.apply(&change("acme/lib", put("one")), 100);
    let before = repository.root.clone();
    repository.apply(&change("acme/lib", put("one")), 500);
    assert_eq!(repository.root, before);
}

#[test]
fn the_last_package_leaves_an_empty_tree() {
    let mut repository = Repository::default();
    repository.apply(&change("acme/lib", put("one")), 100);
    repository.apply(&change("acme/lib", Change::Remove), 200);
    assert_eq!(repository.root().package_count(), 0);
    assert!(repository.find("acme/lib").is_none());
    assert!(repository.root().names().is_some());
}

#[test]
fn names_are_listed_and_the_list_is_written_when_they_change() {
    let mut repository = Repository::default();
    let many = (0..400)
        .map(|number| (format!("acme/p{number}"), put("x")))
        .collect();
    repository.apply(&many, 100);
    let listed = |repository: &Repository| {
        let root = &repository.blobs[repository.root.as_ref().unwrap()];
        let first = read_first_line(root).unwrap();
        let hash = first.names.unwrap();
        let names = read_names(&repository.blobs[&hash]).unwrap();
        assert_eq!(u64::try_from(names.len()), Ok(first.package_count));
        (hash, names)
    };
    let (hash, names) = listed(&repository);
    assert_eq!(names.len(), 400);
    // A release needs no list to write it anew.
    let root = repository.root();
    let release = change("acme/p7", put("y"));
    let buckets = repository.buckets(&release);
    assert!(!changes_names(&buckets, &release));
    let entries = date_entries(&buckets, &release, 200);
    let updated = update(&root, buckets, None, &entries, None, Outline::default());
    assert!(!updated.has_other_names);
    assert_eq!(
        Root::decode(updated.blobs.last().unwrap().bytes())
            .unwrap()
            .names(),
        Some(&hash)
    );
    for (name, what) in [("acme/new", put("x")), ("acme/p7", Change::Remove)] {
        let one = change(name, what);
        assert!(changes_names(&repository.buckets(&one), &one));
        repository.apply(&one, 300);
    }
    let (_, names) = listed(&repository);
    assert!(names.contains(&"acme/new".to_owned()) && !names.contains(&"acme/p7".to_owned()));
}

#[test]
fn roots_of_earlier_encodings_are_still_read() {
    let bucket = BlobHash::of(b"bucket");
    let names = BlobHash::of(b"names");
    let listings = BlobHash::of(b"listings");
    for (old, composer_1) in [
        (
            format!("repertoire-root 1 0000000002 {names}\n3f {bucket} 00000002\n"),
            None,
        ),
        (
            format!("repertoire-root 2 0000000002 {names} {listings}\n3f {bucket} 00000002\n"),
            Some(&listings),
        ),
    ] {
        let root = Root::decode(old.as_bytes()).unwrap();
        assert_eq!(root.package_count(), 2);
        assert_eq!(root.names(), Some(&names));
        assert_eq!(root.composer_1(), composer_1);
        assert!(root.lacks_outline());
        let found = find_bucket(old.as_bytes(), 0x3f).unwrap();
        assert_eq!(found, Some(bucket.clone()));
        let node = find_outline_node(old.as_bytes(), "acme/lib").unwrap();
        assert_eq!(node, OutlineNode::Unfinished);
        let new = root.encode();
        let composer_1 = composer_1.map_or(NO_HASH, BlobHash::as_str);
        assert_eq!(
            std::str::from_utf8(new.bytes()).unwrap(),
            format!(
                "repertoire-root 3 0000000002 {names} {composer_1} 0000000000 001 000\n3f {bucket} 00000002\n"
            )
        );
        assert_eq!(Root::decode(new.bytes()).unwrap(), root);
    }
}

#[test]
fn a_root_names_what_composer_1_reads() {
    let listings = BlobHash::of(b"listings");
    let entries = date_entries(&BTreeMap::new(), &change("acme/lib", put("one")), 100);
    let updated = update(
        &Root::default(),
        BTreeMap::new(),
        Some(Vec::new()),
        &entries,
        Some(listings.clone()),
        Outline::default(),
    );
    let root = updated.blobs.last().unwrap();
    let first = read_first_line(root.bytes()).unwrap();
    assert_eq!(first.composer_1, Some(listings.clone()));
    let decoded = Root::decode(root.bytes()).unwrap();
    assert_eq!(decoded.composer_1(), Some(&listings));
    assert_eq!(decoded.encode(), *root);
}

#[test]
fn damaged_nodes_are_refused() {
    assert!(Root::decode(b"").is_err());
    assert!(find_bucket(b"repertoire-root 2 ", 0).is_err());
    assert!(find_bucket(b"repertoire-root 4 ", 0).is_err());
    let names = BlobHash::of(b"names");
    for end in [
        "0000000001 003 000",
        "0000000001 512 000",
        "0000000001 001 001",
        "0000000001 001 002",
        "x 001 000",
    ] {
        let root = format!("repertoire-root 3 0000000000 {names} {names} {end}\n");
        assert!(Root::decode(root.as_bytes()).is_err(), "{end}");
    }
    let beyond = format!(
        "repertoire-root 3 0000000000 {names} {names} 0000000001 001 001\n07 {names} 00000001\n"
    );
    assert!(Root::decode(beyond.as_bytes()).is_err());
    assert!(find_package(b"something else", "a/b").is_err());
    assert!(decode_bucket(b"repertoire-bucket 1\nacme/lib zzz\n").is_err());
}

proptest! {
    #[test]
    fn the_order_of_updates_does_not_change_the_root(
        names in prop::collection::btree_set("[a-c]{1,2}/[a-z]{1,3}", 1..40),
        seed in any::<prop::sample::Index>(),
    ) {
        let mut one_by_one = Repository::default();
        let mut shuffled: Vec<_> = names.iter().cloned().collect();
        shuffled.rotate_left(seed.index(names.len()));
        for name in &shuffled {
            one_by_one.apply(&change(name, put(name)), 100);
        }
        let mut at_once = Repository::default();
        at_once.apply(&names.iter().map(|name| (name.clone(), put(name))).collect(), 100);
        prop_assert_eq!(&one_by_one.root, &at_once.root);
        for name in &names {
            prop_assert_eq!(one_by_one.find(name), at_once.find(name));
            prop_assert!(at_once.find(name).is_some());
        }
    }

    #[test]
    fn nodes_survive_encoding(
        entries in prop::collection::btree_map("[a-z]{1,4}/[a-z]{1,4}", (any::<u32>(), any::<Option<u16>>()), 0..20),
    ) {
        let bucket: Bucket = entries.into_iter().map(|(name, (time, dev))| {
            let entry = PackageEntry {
                tagged: DocumentEntry { hash: BlobHash::of(name.as_bytes()), changed_at: i64::from(time) },
                dev: dev.map(|time| DocumentEntry { hash: BlobHash::of(b"dev"), changed_at: i64::from(time) }),
            };
            (name, entry)
        }).collect();
        prop_assert_eq!(decode_bucket(encode_bucket(&bucket).bytes()).unwrap(), bucket);
    }
}
