//! Composer 1, as far as it asks for metadata: the requests that 1.10.27 makes, in its order, with its checks and its cache
//! (`ComposerRepository`: `loadRootServerFile`, `loadProviderListings`, `whatProvides`, `fetchFile`).

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use repertoire::domain::blob::BlobHash;
use serde_json::{Map, Value};

use super::persona::{Answer, Persona};

pub(crate) const AGENT: &str = "Composer/1.10.27 (Linux; 6.1; PHP 7.4.33)";

pub(crate) struct Composer1<'a> {
    persona: Persona<'a>,
    /// The repository's URL as a user writes it into composer.json, without the host.
    base: String,
    /// Files by the names that Composer gives them, kept between runs.
    cache: RefCell<BTreeMap<String, Vec<u8>>>,
    /// The paths that were asked for, in order.
    asked: RefCell<Vec<String>>,
}

/// The versions of a package, by the `uid` under which Composer 1 knows them.
pub(crate) type Versions = BTreeMap<String, Map<String, Value>>;

impl<'a> Composer1<'a> {
    pub(crate) fn new(persona: Persona<'a>, base: &str) -> Self {
        Self {
            persona,
            base: base.to_owned(),
            cache: RefCell::default(),
            asked: RefCell::default(),
        }
    }

    /// What it asked for since the last look.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.take()
    }

    pub(crate) fn fetch(&self, path: &str, since: Option<&str>) -> Answer {
        self.asked.borrow_mut().push(path.to_owned());
        let mut headers = vec![("user-agent", AGENT.to_owned())];
        headers.extend(since.map(|since| ("if-modified-since", since.to_owned())));
        self.persona.send("GET", path, &headers, Vec::new())
    }

    /// The root, which is asked for anew in each run.
    pub(crate) fn root(&self) -> Value {
        let answer = self.fetch(&format!("{}/packages.json", self.base), None);
        answer.expect(200).json()
    }

    /// A file that is named by its hash: from the cache when it holds that, otherwise asked for and checked.
    fn hashed(&self, path: &str, key: &str, sha256: &str) -> Value {
        let known = self.cache.borrow().get(key).cloned();
        let bytes = known
            .filter(|bytes| BlobHash::of(bytes).as_str() == sha256)
            .unwrap_or_else(|| {
                let answer = self.fetch(&path.replacen('$', "%24", 1), None).expect(200);
                let bytes = answer.bytes();
                assert_eq!(BlobHash::of(&bytes).as_str(), sha256, "{path}");
                self.cache
                    .borrow_mut()
                    .insert(key.to_owned(), bytes.clone());
                bytes
            });
        serde_json::from_slice(&bytes).unwrap()
    }

    /// All names with the hashes of their documents.
    pub(crate) fn listing(&self, root: &Value) -> BTreeMap<String, String> {
        let mut names = BTreeMap::new();
        self.load_listings(root, &mut names);
        names
    }

    fn load_listings(&self, file: &Value, names: &mut BTreeMap<String, String>) {
        for (name, provider) in file["providers"].as_object().into_iter().flatten() {
            let sha256 = provider["sha256"].as_str().unwrap().to_owned();
            assert_eq!(names.insert(name.clone(), sha256), None, "{name} twice");
        }
        for (include, facts) in file["provider-includes"].as_object().into_iter().flatten() {
            let sha256 = facts["sha256"].as_str().unwrap();
            let path = format!("{}/{}", self.base, include.replace("%hash%", sha256));
            let key = include.replace("%hash%", "").replace('$', "");
            self.load_listings(&self.hashed(&path, &key, sha256), names);
        }
    }

    /// What a run gets to know of some names: of each its versions; none for a name that is not there.
    pub(crate) fn run(&self, names: &[&str]) -> BTreeMap<String, Versions> {
        let root = self.root();
        let url = |key: &str| {
            let url = root[key].as_str()?;
            Some(url.strip_prefix(super::ADDRESS).unwrap().to_owned())
        };
        let lazy = url("providers-lazy-url");
        let listed = url("providers-url").map(|url| (url, self.listing(&root)));
        let mut uids = BTreeSet::new();
        let mut found = BTreeMap::new();
        for name in names {
            let key = format!("provider-{}.json", name.replace('/', "$"));
            let document = if let Some(lazy) = &lazy {
                self.lazy(&lazy.replace("%package%", name), &key)
            } else {
                let (url, listing) = listed.as_ref().expect("the root offers nothing");
                listing.get(*name).map(|sha256| {
                    let path = url.replace("%package%", name).replace("%hash%", sha256);
                    self.hashed(&path, &key, sha256)
                })
            };
            let mut versions = Versions::new();
            let packages = document
                .as_ref()
                .and_then(|file| file["packages"].as_object());
            for (_, package) in packages.into_iter().flatten() {
                for (_, version) in package.as_object().unwrap() {
                    let uid = version["uid"].as_str().unwrap().to_owned();
                    for known in [&uid, &format!("{uid}-alias"), &format!("{uid}-root")] {
                        assert!(uids.insert(known.clone()), "{known} twice");
                    }
                    versions.insert(uid, version.as_object().unwrap().clone());
                }
            }
            found.insert((*name).to_owned(), versions);
        }
        found
    }

    /// A document by name, with the date of the cached one.
    fn lazy(&self, path: &str, key: &str) -> Option<Value> {
        let cached = self.cache.borrow().get(key).cloned();
        let cached: Option<Value> = cached.map(|bytes| serde_json::from_slice(&bytes).unwrap());
        let since = cached
            .as_ref()
            .and_then(|file| file["last-modified"].as_str());
        let answer = self.fetch(path, since);
        match answer.status() {
            304 => cached,
            404 => None,
            _ => {
                let date = answer.header("last-modified").unwrap().to_owned();
                let mut file = answer.expect(200).json();
                file["last-modified"] = date.into();
                let bytes = serde_json::to_vec(&file).unwrap();
                self.cache.borrow_mut().insert(key.to_owned(), bytes);
                Some(file)
            }
        }
    }
}
