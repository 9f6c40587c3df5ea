use super::*;

fn name(text: &str) -> PackageName {
    PackageName::parse(text).unwrap()
}

fn entry(version: &str, normalized: &str) -> Map<String, Value> {
    let entry = json!({"name": "acme/lib", "version": version, "version_normalized": normalized});
    entry.as_object().unwrap().clone()
}

#[test]
fn a_document_holds_whole_entries_with_names_of_their_own() {
    let entries = [entry("v1.0", "1.0.0.0"), entry("dev-x", "dev-x")];
    let blob = build_document(7, &name("acme/lib"), entries);
    assert_eq!(
        std::str::from_utf8(blob.bytes()).unwrap(),
        concat!(
            r#"{"repository":7,"packages":{"acme/lib":{"#,
            r#""v1.0":{"name":"acme/lib","version":"v1.0","version_normalized":"1.0.0.0","uid":"acme/lib 1.0.0.0."},"#,
            r#""dev-x":{"name":"acme/lib","version":"dev-x","version_normalized":"dev-x","uid":"acme/lib dev-x."}}}}"#,
        )
    );
    assert!(is_document(blob.bytes(), 7, &name("acme/lib")));
    assert!(!is_document(blob.bytes(), 70, &name("acme/lib")));
    assert!(!is_document(blob.bytes(), 7, &name("acme/li")));
    assert!(!is_listing(blob.bytes(), 7));
}

#[test]
fn only_what_changed_is_written() {
    let mut draft = Draft::new(7, Includes::default(), BTreeMap::new());
    for index in 0..1_000 {
        draft.put(&format!("acme/p{index}"), BlobHash::of(b"one"), 100);
    }
    let (first, blobs) = draft.finish();
    assert!(blobs.len() > 200);
    let includes = Includes::decode(blobs.last().unwrap().bytes()).unwrap();
    assert_eq!(includes.package_count(), 1_000);
    let stored: BTreeMap<_, _> = blobs
        .iter()
        .map(|blob| (blob.hash().clone(), blob.bytes().to_vec()))
        .collect();
    let open = |text: &str| {
        let number = bucket_number(text);
        let hash = includes.listing(number).unwrap();
        let listing = decode_listing(&stored[hash]).unwrap();
        Draft::new(7, includes.clone(), BTreeMap::from([(number, listing)]))
    };

    let mut same = open("acme/p1");
    assert_eq!(same.find("acme/p1").unwrap().changed_at, 100);
    same.put("acme/p1", BlobHash::of(b"one"), 200);
    assert_eq!(same.finish(), (first.clone(), Vec::new()));

    let mut other = open("acme/p1");
    other.put("acme/p1", BlobHash::of(b"two"), 200);
    let (second, blobs) = other.finish();
    assert_ne!(second, first);
    assert_eq!(blobs.len(), 2);
    assert!(is_listing(blobs[0].bytes(), 7) && is_listing(blobs[1].bytes(), 7));
    assert!(!is_listing(blobs[0].bytes(), 8));
    let listing = decode_listing(blobs[0].bytes()).unwrap();
    assert_eq!(listing["acme/p1"].changed_at, 200);

    let mut gone = open("acme/p1");
    gone.remove("acme/p1");
    let (_, blobs) = gone.finish();
    let includes = Includes::decode(blobs.last().unwrap().bytes()).unwrap();
    assert_eq!(includes.package_count(), 999);
}

#[test]
fn one_of_fifty_thousand_packages_writes_kilobytes() {
    let mut draft = Draft::new(7, Includes::default(), BTreeMap::new());
    for index in 0..50_000 {
        draft.put(
            &format!("some-vendor/some-package-{index}"),
            BlobHash::of(b"one"),
            100,
        );
    }
    let (_, blobs) = draft.finish();
    let includes = Includes::decode(blobs.last().unwrap().bytes()).unwrap();
    let name = "some-vendor/some-package-7";
    let number = bucket_number(name);
    let known = includes.listing(number).unwrap();
    let listing = blobs.iter().find(|blob| blob.hash() == known).unwrap();
    let listing = decode_listing(listing.bytes()).unwrap();
    let mut draft = Draft::new(7, includes, BTreeMap::from([(number, listing)]));
    draft.put(name, BlobHash::of(b"two"), 200);
    let (_, blobs) = draft.finish();
    let sizes: Vec<_> = blobs.iter().map(|blob| blob.bytes().len()).collect();
    assert_eq!(sizes.len(), 2);
    assert!(sizes.iter().sum::<usize>() < 80_000, "{sizes:?}");
}

#[test]
fn the_last_package_leaves_an_empty_file() {
    let (empty, blobs) = Draft::new(7, Includes::default(), BTreeMap::new()).finish();
    assert_eq!(blobs.len(), 1);
    let mut draft = Draft::new(7, Includes::default(), BTreeMap::new());
    draft.put("acme/lib", BlobHash::of(b"one"), 100);
    let (_, blobs) = draft.finish();
    let includes = Includes::decode(blobs[1].bytes()).unwrap();
    let listing = decode_listing(blobs[0].bytes()).unwrap();
    let touched = BTreeMap::from([(bucket_number("acme/lib"), listing)]);
    let mut draft = Draft::new(7, includes, touched);
    draft.remove("acme/lib");
    let (hash, blobs) = draft.finish();
    assert_eq!(hash, empty);
    assert_eq!(blobs.len(), 1);
}

#[test]
fn damaged_files_are_refused() {
    for bytes in [
        "",
        "{}",
        r#"{"repository":7,"provider-includes":{"p/listing-zz$%hash%.json":{"sha256":"","count":1}}}"#,
    ] {
        Includes::decode(bytes.as_bytes()).unwrap_err();
    }
    decode_listing(br#"{"repository":7,"providers":{"a/b":{"sha256":"x","time":1}}}"#).unwrap_err();
}
