#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows has failed"
)]

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::io::{Cursor, Write};

use async_trait::async_trait;
use pollster::block_on;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::take_in::{Upload, take_in_parts};
use super::*;
use crate::domain::archive::ArchiveFault;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::{Blobs, ByteStream, MultipartBlobs, ObjectFacts, ObjectPage};

const PART: usize = 1000;
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// Objects in memory, with R2's rules for parts. The step with the given number fails.
#[derive(Default)]
pub(super) struct Bucket {
    objects: RefCell<BTreeMap<String, Vec<u8>>>,
    parts: RefCell<Vec<Vec<u8>>>,
    is_open: Cell<bool>,
    pub(super) ranges: RefCell<Vec<(u64, u64)>>,
    steps: Cell<usize>,
    failing: Option<usize>,
}

impl Bucket {
    fn step(&self) -> Result<()> {
        self.steps.set(self.steps.get() + 1);
        match self.failing {
            Some(step) if step == self.steps.get() => Err(Error::internal("bucket down")),
            _ => Ok(()),
        }
    }

    pub(super) fn object(&self) -> Option<Vec<u8>> {
        self.objects.borrow().get("key").cloned()
    }
}

#[async_trait(?Send)]
impl Blobs for Bucket {
    async fn put(&self, key: &str, bytes: &[u8]) -> Result<()> {
        self.step()?;
        self.objects.borrow_mut().insert(key.into(), bytes.into());
        Ok(())
    }

    async fn get(&self, _: &str) -> Result<Option<Vec<u8>>> {
        panic!("an archive is never read whole")
    }

    async fn get_range(&self, key: &str, offset: u64, length: u64) -> Result<Option<Vec<u8>>> {
        self.step()?;
        self.ranges.borrow_mut().push((offset, length));
        Ok(self.objects.borrow().get(key).map(|bytes| {
            let from = usize::try_from(offset).unwrap().min(bytes.len());
            let to = (from + usize::try_from(length).unwrap()).min(bytes.len());
            bytes[from..to].to_vec()
        }))
    }

    async fn head(&self, _: &str) -> Result<Option<ObjectFacts>> {
        panic!("not needed")
    }

    async fn delete(&self, _: &[String]) -> Result<()> {
        panic!("nothing is deleted")
    }

    async fn list(&self, _: &str, _: Option<&str>) -> Result<ObjectPage> {
        panic!("not needed")
    }
}

#[async_trait(?Send)]
impl MultipartBlobs for Bucket {
    async fn create_multipart(&self, _: &str) -> Result<String> {
        self.step()?;
        assert!(!self.is_open.replace(true));
        Ok("upload".into())
    }

    async fn upload_part(
        &self,
        _: &str,
        upload: &str,
        number: u16,
        bytes: &[u8],
    ) -> Result<String> {
        self.step()?;
        assert_eq!(upload, "upload");
        let mut parts = self.parts.borrow_mut();
        assert_eq!(usize::from(number), parts.len() + 1);
        parts.push(bytes.to_vec());
        Ok(format!("tag-{number}"))
    }

    async fn complete_multipart(&self, key: &str, _: &str, tags: &[String]) -> Result<()> {
        self.step()?;
        let parts = self.parts.borrow();
        let expected: Vec<String> = (1..=parts.len()).map(|n| format!("tag-{n}")).collect();
        assert_eq!(tags, expected);
        let (last, equal) = parts.split_last().unwrap();
        assert!(equal.iter().all(|part| part.len() == equal[0].len()));
        assert!(!last.is_empty() && last.len() <= equal[0].len());
        self.objects.borrow_mut().insert(key.into(), parts.concat());
        self.is_open.set(false);
        Ok(())
    }

    async fn abort_multipart(&self, _: &str, _: &str) -> Result<()> {
        assert!(self.is_open.replace(false));
        self.parts.borrow_mut().clear();
        Ok(())
    }
}

/// Chunks, then perhaps a broken connection.
struct Chunks {
    chunks: VecDeque<Vec<u8>>,
    breaks: bool,
}

impl Chunks {
    fn of(bytes: &[u8], size: usize) -> Self {
        Self {
            chunks: bytes.chunks(size).map(<[u8]>::to_vec).collect(),
            breaks: false,
        }
    }
}

#[async_trait(?Send)]
impl ByteStream for Chunks {
    async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        match self.chunks.pop_front() {
            None if self.breaks => Err(Error::new(
                ErrorKind::Upstream { retryable: true },
                "The connection broke",
            )),
            chunk => Ok(chunk),
        }
    }
}

fn content(size: usize) -> Vec<u8> {
    (0..size)
        .map(|at| u8::try_from((at * 31 % 2048) / 8).unwrap())
        .collect()
}

fn take(bucket: &Bucket, body: &mut Chunks, limit: u64) -> Result<StoredArchive> {
    let upload = Upload::new(bucket, "key", PART);
    block_on(take_in_parts(bucket, upload, body, limit))
}

#[test]
fn archives_are_stored_and_hashed_whatever_their_size_and_chunks() {
    for (size, chunk, parts) in [
        (0, 10, 0),
        (1, 10, 0),
        (900, 100, 0),
        (PART - 1, 64, 0),
        (PART, 64, 0),
        (PART, PART, 0),
        (PART + 1, 64, 2),
        (2 * PART, 300, 2),
        (2 * PART + 5, 3 * PART, 3),
    ] {
        let bytes = content(size);
        let bucket = Bucket::default();
        let stored = take(&bucket, &mut Chunks::of(&bytes, chunk), size as u64).unwrap();
        assert!(bucket.object().unwrap() == bytes, "{size}");
        assert_eq!(bucket.parts.borrow().len(), parts, "{size}");
        assert_eq!(
            stored,
            StoredArchive {
                size: size as u64,
                sha1: hex::encode(Sha1::digest(&bytes)),
                sha256: hex::encode(Sha256::digest(&bytes)),
            }
        );
    }
}

#[test]
fn real_parts_are_five_mebibytes() {
    let bucket = Bucket::default();
    let bytes = vec![7; 9 * 1024 * 1024];
    let mut body = Chunks::of(&bytes, 1_000_000);
    block_on(take_in(&bucket, &bucket, "key", &mut body, u64::MAX)).unwrap();
    let sizes: Vec<usize> = bucket.parts.borrow().iter().map(Vec::len).collect();
    assert_eq!(sizes, [5 * 1024 * 1024, 4 * 1024 * 1024]);
}

#[test]
fn one_byte_over_the_limit_is_too_large_and_leaves_nothing() {
    for size in [900, 2 * PART + 900] {
        let bucket = Bucket::default();
        let mut body = Chunks::of(&content(size), 64);
        let error = take(&bucket, &mut body, size as u64 - 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert!(error.message().contains("ARCHIVE_LIMIT"));
        assert!(bucket.object().is_none());
        assert!(!bucket.is_open.get());
    }
}

#[test]
fn a_broken_stream_leaves_nothing() {
    for size in [900, 2 * PART + 900] {
        let bucket = Bucket::default();
        let mut body = Chunks::of(&content(size), 64);
        body.breaks = true;
        let error = take(&bucket, &mut body, u64::MAX).unwrap_err();
        assert!(error.is_retryable());
        assert!(bucket.object().is_none());
        assert!(!bucket.is_open.get());
    }
}

#[test]
fn a_bucket_that_fails_at_any_step_leaves_no_open_upload() {
    let bytes = content(2 * PART + 900);
    for failing in 1..=5 {
        let bucket = Bucket {
            failing: Some(failing),
            ..Bucket::default()
        };
        assert!(take(&bucket, &mut Chunks::of(&bytes, 64), u64::MAX).is_err());
        assert!(bucket.object().is_none());
        assert!(!bucket.is_open.get(), "step {failing}");
    }
}

fn zip_of(entries: &[(&str, &[u8])], comment: &str) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in entries {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.set_comment(comment).unwrap();
    writer.finish().unwrap().into_inner()
}

pub(super) fn bucket_with(bytes: Vec<u8>) -> Bucket {
    let bucket = Bucket::default();
    bucket.objects.borrow_mut().insert("key".into(), bytes);
    bucket
}

fn look(bucket: &Bucket, commit: Option<&str>) -> Result<Result<ArchiveFacts, ArchiveFault>> {
    let size = bucket.object().map_or(100, |bytes| bytes.len() as u64);
    block_on(inspect(bucket, "key", size, commit))
}

#[test]
fn a_small_archive_takes_one_read() {
    let bucket = bucket_with(zip_of(&[("a/composer.json", b"{}"), ("a/b", b"x")], COMMIT));
    let facts = look(&bucket, Some(COMMIT)).unwrap().unwrap();
    assert_eq!(
        facts,
        ArchiveFacts {
            composer_json: Some(b"{}".to_vec()),
            entries: 2,
            comment: COMMIT.into(),
        }
    );
    assert_eq!(bucket.ranges.borrow().len(), 1);
}

#[test]
fn a_large_archive_takes_few_small_reads() {
    let large = content(3_000_000);
    let names: Vec<String> = (0..2000)
        .map(|n| format!("a/some/long/folder/{n}.php"))
        .collect();
    let mut entries: Vec<(&str, &[u8])> = vec![("a/composer.json", b"{\"name\":\"acme/large\"}")];
    entries.push(("a/large.bin", &large));
    entries.extend(
        names
            .iter()
            .map(|name| (name.as_str(), b"<?php".as_slice())),
    );
    let bucket = bucket_with(zip_of(&entries, COMMIT));
    let facts = look(&bucket, None).unwrap().unwrap();
    assert_eq!(facts.composer_json.unwrap(), b"{\"name\":\"acme/large\"}");
    assert_eq!(facts.entries, 2002);
    assert_eq!(bucket.ranges.borrow().len(), 4);
    let read: u64 = bucket
        .ranges
        .borrow()
        .iter()
        .map(|(_, length)| length)
        .sum();
    assert!(read < 400_000, "{read}");
}

#[test]
fn an_archive_without_a_manifest_is_no_fault() {
    let bucket = bucket_with(zip_of(&[("src/a.php", b"")], ""));
    assert_eq!(look(&bucket, None).unwrap().unwrap().composer_json, None);
}

#[test]
fn damage_is_the_providers_to_repeat_and_the_uploaders_to_right() {
    let mut bytes = zip_of(&[("composer.json", b"{}")], "");
    bytes.truncate(60);
    let fault = look(&bucket_with(bytes), None).unwrap().unwrap_err();
    assert_eq!(fault, ArchiveFault::NoEnd);
    assert_eq!(
        refuse_download(&fault).kind(),
        ErrorKind::Upstream { retryable: true }
    );
    assert_eq!(refuse_upload(&fault).kind(), ErrorKind::Invalid);

    let bucket = bucket_with(zip_of(&[("composer.json", b"{}")], COMMIT));
    let fault = look(&bucket, Some(&"f".repeat(40))).unwrap().unwrap_err();
    assert!(refuse_download(&fault).is_retryable());

    let bucket = bucket_with(zip_of(&[("../composer.json", b"{}")], ""));
    let fault = look(&bucket, None).unwrap().unwrap_err();
    assert_eq!(refuse_download(&fault).kind(), ErrorKind::Invalid);

    assert_eq!(
        look(&bucket_with(Vec::new()), None).unwrap().unwrap_err(),
        ArchiveFault::NoEnd
    );
}

#[test]
fn a_store_that_fails_is_not_the_archives_fault() {
    assert_eq!(
        look(&Bucket::default(), None).unwrap_err().kind(),
        ErrorKind::Internal
    );
    let mut bucket = bucket_with(zip_of(&[("composer.json", b"{}")], ""));
    bucket.failing = Some(1);
    assert!(look(&bucket, None).unwrap_err().is_retryable());
}
