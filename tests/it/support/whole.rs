//! What must hold after every single call of a port: whatever a head names is there, and so is every archive that a
//! row or a document names.

use std::collections::BTreeSet;

use repertoire::domain::blob::BlobHash;
use repertoire::domain::tree::{Root, decode_bucket};
use serde_json::Value;

use super::world::World;

/// What was found to be whole and has not been touched since.
#[derive(Default)]
pub(crate) struct Checked {
    /// How many rows had been changed by then.
    changes: Option<u64>,
    roots: BTreeSet<String>,
    archives: BTreeSet<String>,
}

/// Fails the test when something that is named is not there.
pub(crate) fn check_whole(world: &World, checked: &mut Checked) {
    let changes = Some(world.sqlite.changes());
    if checked.changes == changes {
        return;
    }
    checked.changes = changes;
    let objects = world.objects.borrow();
    for key in world.sqlite.texts("select archive_key from dists") {
        if checked.archives.insert(key.clone()) {
            assert!(
                objects.contains_key(&key),
                "a row names {key}, which is gone"
            );
        }
    }
    drop(objects);
    // Revisions as well as heads: an old one can be opened again at any time.
    let roots = world.sqlite.texts(
        "select root from revisions
         union select head_root from repositories where head_root is not null",
    );
    for root in roots {
        if checked.roots.insert(root.clone()) {
            let root = BlobHash::parse(&root).unwrap();
            for (_, tagged, dev) in read_tree(world, &root) {
                check_archives(world, &tagged);
                if let Some(dev) = dev {
                    check_archives(world, &dev);
                }
            }
        }
    }
}

/// Every package below a root, with its documents.
pub(crate) fn read_tree(world: &World, root: &BlobHash) -> Vec<(String, Value, Option<Value>)> {
    let root = Root::decode(&load(world, root)).unwrap();
    if let Some(names) = root.names() {
        load(world, names);
    }
    let document = |hash: &BlobHash| serde_json::from_slice(&load(world, hash)).unwrap();
    let mut packages = Vec::new();
    for (_, bucket) in root.buckets() {
        for (name, entry) in decode_bucket(&load(world, bucket)).unwrap() {
            let tagged = document(&entry.tagged.hash);
            let dev = entry.dev.as_ref().map(|dev| document(&dev.hash));
            packages.push((name, tagged, dev));
        }
    }
    packages.sort_by(|one, other| one.0.cmp(&other.0));
    packages
}

fn load(world: &World, hash: &BlobHash) -> Vec<u8> {
    let objects = world.objects.borrow();
    let object = objects
        .get(&hash.blob_key())
        .unwrap_or_else(|| panic!("a tree names blob {hash}, which is gone"));
    assert_eq!(BlobHash::of(&object.bytes), *hash);
    object.bytes.clone()
}

fn check_archives(world: &World, document: &Value) {
    let dists = world.sqlite.texts(
        "select p.name || ' ' || d.reference from dists d join packages p on p.id = d.package_id",
    );
    for (package, versions) in document["packages"].as_object().unwrap() {
        for version in versions.as_array().unwrap() {
            // Minified: a version that says nothing of its dist has the same one as the version before.
            if let Some(reference) = version["dist"]["reference"].as_str() {
                assert!(
                    dists.contains(&format!("{package} {reference}")),
                    "a document names the archive {reference} of {package}, which has no row"
                );
            }
        }
    }
}
