use super::dist_path;
use crate::support::{PACKAGE, TestRegistry};

#[test]
fn an_archive_is_what_the_document_says() {
    let registry = TestRegistry::imported();
    let version = registry.composer_metadata(PACKAGE).remove(0);
    let answer = registry.admin().get(&dist_path(&registry)).expect(200);
    let bytes = answer.bytes();
    let sha1 = hex::encode(<sha1::Sha1 as sha1::Digest>::digest(&bytes));
    assert_eq!(version["dist"]["shasum"], sha1.as_str());
    assert_eq!(version["dist"]["reference"], version["source"]["reference"]);
    assert_eq!(
        answer.header("content-length"),
        Some(bytes.len().to_string().as_str())
    );
    assert_eq!(answer.header("content-type"), Some("application/zip"));
    assert_eq!(answer.header("accept-ranges"), Some("bytes"));
    assert_eq!(answer.header("content-encoding"), None);
    assert_eq!(
        answer.header("cache-control"),
        Some("private, max-age=31536000, immutable")
    );
    let sha256 = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&bytes));
    assert_eq!(
        answer.header("etag"),
        Some(format!("\"{sha256}\"").as_str())
    );
}

#[test]
fn a_part_is_given_and_none_past_the_end() {
    let registry = TestRegistry::imported();
    let path = dist_path(&registry);
    let admin = registry.admin();
    let whole = admin.get(&path).bytes();
    let size = whole.len();
    let part = admin.get_with(&path, "range", "bytes=10-19").expect(206);
    assert_eq!(part.bytes(), whole[10..20]);
    assert_eq!(
        part.header("content-range"),
        Some(format!("bytes 10-19/{size}").as_str())
    );
    assert_eq!(part.header("content-length"), Some("10"));
    let tail = admin.get_with(&path, "range", "bytes=-5").expect(206);
    assert_eq!(tail.bytes(), whole[size - 5..]);
    let beyond = admin
        .get_with(&path, "range", &format!("bytes={size}-"))
        .expect(416);
    assert_eq!(
        beyond.header("content-range"),
        Some(format!("bytes */{size}").as_str())
    );
    assert_eq!(beyond.bytes(), b"");
    let tag = admin.get(&path).header("etag").unwrap().to_owned();
    let fresh = [("range", "bytes=0-0".to_owned()), ("if-range", tag)];
    admin.send("GET", &path, &fresh, Vec::new()).expect(206);
    let stale = [
        ("range", "bytes=0-0".to_owned()),
        ("if-range", "\"other\"".to_owned()),
    ];
    assert_eq!(
        admin
            .send("GET", &path, &stale, Vec::new())
            .expect(200)
            .bytes(),
        whole
    );
}

#[test]
fn an_archive_that_the_client_has_is_not_sent_again() {
    let registry = TestRegistry::imported();
    let path = dist_path(&registry);
    let admin = registry.admin();
    let tag = admin.get(&path).header("etag").unwrap().to_owned();
    for known in [
        tag.clone(),
        format!("W/{tag}"),
        format!("\"x\", {tag}"),
        "*".to_owned(),
    ] {
        let answer = admin.get_with(&path, "if-none-match", &known).expect(304);
        assert_eq!(answer.bytes(), b"");
        assert_eq!(answer.header("etag"), Some(tag.as_str()));
    }
    admin
        .get_with(&path, "if-none-match", "\"other\"")
        .expect(200);
    registry
        .reader("other/*")
        .get_with(&path, "if-none-match", &tag)
        .expect(404);
}

#[test]
fn archives_outlive_their_tags_and_branches() {
    let registry = TestRegistry::imported();
    let path = dist_path(&registry);
    let dev = registry.composer_metadata("acme/lib~dev").remove(0);
    let reference = dev["dist"]["reference"].as_str().unwrap().to_owned();
    let dev = format!("/r/acme/main/dist/acme/lib/{reference}.zip");
    let before = [
        registry.admin().get(&path).bytes(),
        registry.admin().get(&dev).bytes(),
    ];
    registry.delete_ref("refs/tags/v1.1.0");
    registry.push(
        "refs/heads/main",
        &serde_json::json!({"name": PACKAGE, "description": "Newer"}),
    );
    registry.deliver_webhook("one").expect(202);
    registry.run_jobs();
    registry.pass_time(10 * 24 * 60 * 60);
    registry.housekeep();
    registry.run_jobs();
    assert_eq!(registry.versions(PACKAGE), ["v1.0.0"]);
    assert_eq!(
        [
            registry.admin().get(&path).bytes(),
            registry.admin().get(&dev).bytes()
        ],
        before
    );
}
