//! One revision of a repository, opened for reading: all it hands out belongs together.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::app::App;
use crate::domain::blob::BlobHash;
use crate::domain::name::PackageName;
use crate::domain::tree::{
    Bucket, Changed, DamagedTree, NAMED_PACKAGES, NameLines, PackageEntry, Root, bucket_number,
    compare_buckets, decode_bucket, find_bucket, find_package, read_bucket_names, read_first_line,
    read_names, write_names,
};
use crate::error::{Error, Result};
use crate::store::blobs::load_blob;
use crate::store::repositories::Head;

/// A revision opened for reading.
pub struct Snapshot<'a> {
    pub(super) app: &'a App,
    pub(super) head: &'a Head,
}

impl<'a> Snapshot<'a> {
    /// Opens a revision.
    pub fn open(app: &'a App, head: &'a Head) -> Self {
        Self { app, head }
    }

    /// What the tree says of one package.
    pub async fn find_entry(&self, name: &str) -> Result<Option<PackageEntry>> {
        let Some(root) = &self.head.root else {
            return Ok(None);
        };
        let root = load_blob(self.app, root).await?;
        let Some(bucket) = find_bucket(&root, bucket_number(name)).map_err(damaged)? else {
            return Ok(None);
        };
        let bucket = load_blob(self.app, &bucket).await?;
        find_package(&bucket, name).map_err(damaged)
    }

    /// How many packages there are.
    pub async fn package_count(&self) -> Result<usize> {
        let Some(root) = &self.head.root else {
            return Ok(0);
        };
        let root = load_blob(self.app, root).await?;
        let first = read_first_line(&root).map_err(damaged)?;
        Ok(usize::try_from(first.package_count).unwrap_or(usize::MAX))
    }

    /// All names, sorted, from their list; none where an older program wrote no list, which it did not above 300.
    pub async fn listed_names(&self) -> Result<Option<Vec<String>>> {
        let Some(root) = &self.head.root else {
            return Ok(Some(Vec::new()));
        };
        let root = load_blob(self.app, root).await?;
        let first = read_first_line(&root).map_err(damaged)?;
        match first.names {
            Some(names) => {
                let bytes = load_blob(self.app, &names).await?;
                read_names(&bytes).map(Some).map_err(damaged)
            }
            None if first.package_count == 0 => Ok(Some(Vec::new())),
            None => Ok(None),
        }
    }

    /// The bytes of the list of all names, for who looks at some of them ([`NameLines`]). Where there is no list it is made,
    /// from every bucket.
    pub async fn name_bytes(&self) -> Result<Rc<[u8]>> {
        let Some(root) = &self.head.root else {
            return Ok(Rc::default());
        };
        let root = load_blob(self.app, root).await?;
        if let Some(names) = read_first_line(&root).map_err(damaged)?.names {
            return load_blob(self.app, &names).await;
        }
        let names = self.names().await?;
        Ok(write_names(names.iter().map(String::as_str)).into())
    }

    /// So many of all names, sorted, after the first so many. The list may be a megabyte, too large to be remembered: what was
    /// read of it is, since one list has the same names for ever.
    pub async fn page_of_names(&self, offset: usize, limit: usize) -> Result<Rc<[PackageName]>> {
        let Some(root) = &self.head.root else {
            return Ok(Rc::default());
        };
        let root = load_blob(self.app, root).await?;
        let list = read_first_line(&root).map_err(damaged)?.names;
        let list = list.as_ref().map_or("", BlobHash::as_str);
        let key = format!("names {list} {offset} {limit}");
        let memo = &self.app.memo.visible_names;
        if let Some(known) = memo
            .recall(&key, self.app.now(), i64::MAX)
            .filter(|_| !list.is_empty())
        {
            return Ok(known);
        }
        let lines = NameLines::skipping(self.name_bytes().await?, offset).take(limit);
        let names: std::result::Result<Vec<_>, _> = lines.collect();
        let names = names.map_err(damaged)?;
        let names = names
            .iter()
            .filter_map(|name| PackageName::parse(name).ok());
        let page: Rc<[PackageName]> = names.collect();
        if !list.is_empty() {
            memo.remember(&key, Rc::clone(&page), self.app.now());
        }
        Ok(page)
    }

    /// All names, sorted. Where there is no list of them, every bucket is read: up to 256 blobs.
    pub async fn names(&self) -> Result<Vec<String>> {
        if let Some(names) = self.listed_names().await? {
            return Ok(names);
        }
        let mut names = self.names_in_buckets(&self.root().await?).await?;
        names.sort_unstable();
        Ok(names)
    }

    /// Those of the given names that there are, sorted. Each bucket is looked into once.
    pub async fn find_names(&self, asked: BTreeSet<PackageName>) -> Result<Vec<PackageName>> {
        if self.package_count().await? < NAMED_PACKAGES
            && let Some(listed) = self.listed_names().await?
        {
            let listed: BTreeSet<_> = listed.iter().map(String::as_str).collect();
            return Ok(asked
                .into_iter()
                .filter(|name| listed.contains(name.as_str()))
                .collect());
        }
        let Some(root) = &self.head.root else {
            return Ok(Vec::new());
        };
        let root = load_blob(self.app, root).await?;
        let mut by_bucket = BTreeMap::<u8, Vec<PackageName>>::new();
        for name in asked {
            let bucket = by_bucket.entry(bucket_number(name.as_str())).or_default();
            bucket.push(name);
        }
        let mut found = Vec::new();
        for (number, names) in by_bucket {
            let Some(hash) = find_bucket(&root, number).map_err(damaged)? else {
                continue;
            };
            let bucket = load_blob(self.app, &hash).await?;
            for name in names {
                if find_package(&bucket, name.as_str())
                    .map_err(damaged)?
                    .is_some()
                {
                    found.push(name);
                }
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// What became of the documents since an older revision, oldest change first and what is gone at the end. Buckets
    /// that are the same in both are not read.
    pub async fn changes_since(&self, before: &Snapshot<'_>) -> Result<Vec<Changed>> {
        let (old, new) = (before.root().await?, self.root().await?);
        let numbers: BTreeSet<u8> = old
            .buckets()
            .chain(new.buckets())
            .map(|(number, _)| number)
            .filter(|number| old.bucket(*number) != new.bucket(*number))
            .collect();
        let mut changes = Vec::new();
        for number in numbers {
            let old = self.bucket(old.bucket(number)).await?;
            let new = self.bucket(new.bucket(number)).await?;
            changes.extend(compare_buckets(&old, &new));
        }
        changes.sort_by(|one, other| {
            let key = |change: &Changed| (change.changed_at.is_none(), change.changed_at);
            key(one)
                .cmp(&key(other))
                .then_with(|| (&one.package, one.is_dev).cmp(&(&other.package, other.is_dev)))
        });
        Ok(changes)
    }

    async fn bucket(&self, hash: Option<&BlobHash>) -> Result<Bucket> {
        match hash {
            None => Ok(Bucket::default()),
            Some(hash) => decode_bucket(&load_blob(self.app, hash).await?).map_err(damaged),
        }
    }

    /// All names, for an update in which some come or go; none for one that need not write their list. A root of an older
    /// program may have no list: then all buckets are read, once.
    pub async fn names_for_update(
        &self,
        root: &Root,
        is_changed: bool,
    ) -> Result<Option<Vec<String>>> {
        if root.names().is_some() && !is_changed {
            return Ok(None);
        }
        self.names().await.map(Some)
    }

    async fn names_in_buckets(&self, root: &Root) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for (_, hash) in root.buckets() {
            let bytes = load_blob(self.app, hash).await?;
            names.extend(read_bucket_names(&bytes).map_err(damaged)?);
        }
        Ok(names)
    }

    /// The decoded root, for an update.
    pub async fn root(&self) -> Result<Root> {
        match &self.head.root {
            None => Ok(Root::default()),
            Some(hash) => Root::decode(&load_blob(self.app, hash).await?).map_err(damaged),
        }
    }

    /// Decoded buckets by number, for an update; those that do not exist are left out.
    pub async fn buckets(
        &self,
        root: &Root,
        numbers: impl Iterator<Item = u8>,
    ) -> Result<BTreeMap<u8, Bucket>> {
        let mut buckets = BTreeMap::new();
        for number in numbers {
            if let Some(hash) = root.bucket(number) {
                let bytes = load_blob(self.app, hash).await?;
                buckets.insert(number, decode_bucket(&bytes).map_err(damaged)?);
            }
        }
        Ok(buckets)
    }
}

fn damaged(error: DamagedTree) -> Error {
    Error::internal(error)
}
