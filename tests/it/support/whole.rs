//! What must hold after every single call of a port: whatever a head names is there, and so is every archive that a
//! row or a document names. What Composer 1 reads says the same as the tree beside it.

use std::collections::{BTreeMap, BTreeSet};

use repertoire::domain::access::VersionFacts;
use repertoire::domain::blob::BlobHash;
use repertoire::domain::composer_1::{Includes, decode_listing, is_document, is_listing};
use repertoire::domain::minify::expand;
use repertoire::domain::name::PackageName;
use repertoire::domain::tree::outline::{
    OutlinedPackage, OutlinedVersions, decode_outline_node, find_outlined,
};
use repertoire::domain::tree::{OutlineNode, Root, decode_bucket, find_outline_node};
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
    // An old revision goes on naming what a person deleted since; a head never does.
    let heads = world
        .sqlite
        .texts("select head_root from repositories where head_root is not null");
    let deleted = world.sqlite.texts(
        "select substr(subject_name, 1, instr(subject_name, ' ')) || (before_json ->> 'reference') from audit
         where action = 'version.deleted' and before_json ->> 'reference' is not null",
    );
    let packages_gone = world
        .sqlite
        .texts("select subject_name from audit where action = 'package.deleted'");
    let dists = world.sqlite.texts(
        "select coalesce(p.deleted_name, p.name) || ' ' || d.reference from dists d join packages p on p.id = d.package_id",
    );
    let dists: BTreeSet<_> = dists.into_iter().collect();
    // Revisions as well as heads: an old one can be opened again at any time.
    let roots = world.sqlite.texts(
        "select root from revisions
         union select head_root from repositories where head_root is not null",
    );
    for root in roots {
        if checked.roots.insert(root.clone()) {
            let root = BlobHash::parse(&root).unwrap();
            let packages = read_tree(world, &root);
            let is_head = heads.contains(&root.to_string());
            let excused: &[String] = if is_head { &[] } else { &deleted };
            for (name, tagged, dev) in &packages {
                if !is_head && packages_gone.contains(name) {
                    continue;
                }
                check_archives(tagged, &dists, excused);
                if let Some(dev) = dev {
                    check_archives(dev, &dists, excused);
                }
            }
            check_composer_1(world, &root, &packages);
            check_outline(world, &root);
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

/// The outline says of each package what the bucket says, and of its versions what its documents say. It lacks packages
/// while it is filled, and has none that the tree has not.
fn check_outline(world: &World, root: &BlobHash) {
    let bytes = load(world, root);
    let root = Root::decode(&bytes).unwrap();
    let outline = root.outline();
    let mut outlined = BTreeMap::new();
    for (_, node, length) in outline.nodes() {
        let node = load(world, node);
        assert_eq!(node.len(), "repertoire-outline 1\n".len() + length as usize);
        outlined.extend(decode_outline_node(&node).unwrap());
    }
    assert_eq!(outline.package_count(), outlined.len() as u64);
    for (_, bucket) in root.buckets() {
        for (name, entry) in decode_bucket(&load(world, bucket)).unwrap() {
            let Some(known) = outlined.remove(&name) else {
                assert!(outline.package_count() < root.package_count(), "{name}");
                continue;
            };
            let facts = |hash: &BlobHash| {
                let document: Value = serde_json::from_slice(&load(world, hash)).unwrap();
                let versions = document["packages"][&name].as_array().unwrap();
                let versions = versions.iter().map(|one| one.as_object().unwrap().clone());
                let entries = expand(versions.collect());
                entries.iter().filter_map(VersionFacts::of_entry).collect()
            };
            let versions = OutlinedVersions {
                tagged: facts(&entry.tagged.hash),
                dev: entry
                    .dev
                    .as_ref()
                    .map(|dev| facts(&dev.hash))
                    .unwrap_or_default(),
            };
            let expected = OutlinedPackage { entry, versions };
            assert_eq!(known, expected, "{name}");
            if outline.package_count() == root.package_count() {
                let node = match find_outline_node(&bytes, &name).unwrap() {
                    OutlineNode::At(node) => load(world, &node),
                    other => panic!("{name} is {other:?}"),
                };
                assert_eq!(find_outlined(&node, &name).unwrap(), Some(expected));
            }
        }
    }
    assert!(outlined.is_empty(), "{outlined:?}");
}

/// Every document of Composer 1 below a root, by package; none when they are not built.
pub(crate) fn read_composer_1(world: &World, root: &BlobHash) -> Option<BTreeMap<String, Value>> {
    let root = Root::decode(&load(world, root)).unwrap();
    let includes = load(world, root.composer_1()?);
    let repository = serde_json::from_slice::<Value>(&includes).unwrap()["repository"]
        .as_i64()
        .unwrap();
    assert!(is_listing(&includes, repository));
    let includes = Includes::decode(&includes).unwrap();
    let mut documents = BTreeMap::new();
    for listing in includes.listings() {
        let bytes = load(world, listing);
        assert!(is_listing(&bytes, repository));
        for (name, provider) in decode_listing(&bytes).unwrap() {
            let bytes = load(world, &provider.hash);
            let package = PackageName::parse(&name).unwrap();
            assert!(is_document(&bytes, repository, &package));
            documents.insert(name, serde_json::from_slice(&bytes).unwrap());
        }
    }
    assert_eq!(includes.package_count(), documents.len() as u64);
    Some(documents)
}

/// It names no package that the tree does not, and of each the same versions.
fn check_composer_1(world: &World, root: &BlobHash, packages: &[(String, Value, Option<Value>)]) {
    for (name, document) in read_composer_1(world, root).into_iter().flatten() {
        let (_, tagged, dev) = packages
            .iter()
            .find(|(known, ..)| *known == name)
            .unwrap_or_else(|| panic!("Composer 1 is told of {name}, which the tree has not"));
        let versions = |document: &Value| {
            let versions = document["packages"][&name].as_array().unwrap();
            let versions = versions.iter().map(|one| one.as_object().unwrap().clone());
            expand(versions.collect())
        };
        let expected = versions(tagged)
            .into_iter()
            .chain(dev.iter().flat_map(versions));
        let mut given = document["packages"][&name].as_object().unwrap().clone();
        for expected in expected {
            let version = expected["version"].as_str().unwrap();
            let mut entry = given.remove(version).unwrap();
            entry.as_object_mut().unwrap().remove("uid").unwrap();
            assert_eq!(entry, Value::Object(expected));
        }
        assert_eq!(given, serde_json::Map::new());
    }
}

fn load(world: &World, hash: &BlobHash) -> Vec<u8> {
    let objects = world.objects.borrow();
    let object = objects
        .get(&hash.blob_key())
        .unwrap_or_else(|| panic!("a tree names blob {hash}, which is gone"));
    assert_eq!(BlobHash::of(&object.bytes), *hash);
    object.bytes.clone()
}

fn check_archives(document: &Value, dists: &BTreeSet<String>, excused: &[String]) {
    for (package, versions) in document["packages"].as_object().unwrap() {
        for version in versions.as_array().unwrap() {
            // Minified: a version that says nothing of its dist has the same one as the version before.
            // An archive that a person defined to be elsewhere is none of ours.
            let is_ours = version["dist"]["url"]
                .as_str()
                .is_some_and(|url| url.starts_with(super::ADDRESS));
            if let Some(reference) = version["dist"]["reference"].as_str().filter(|_| is_ours) {
                let named = format!("{package} {reference}");
                assert!(
                    dists.contains(&named) || excused.contains(&named),
                    "a document names the archive {reference} of {package}, which has no row"
                );
            }
        }
    }
}
