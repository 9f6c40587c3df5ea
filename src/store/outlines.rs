//! The outline of a tree: how it follows a publish, and what somebody sees by it who is limited by versions.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::app::App;
use crate::domain::access::Limits;
use crate::domain::blob::Blob;
use crate::domain::name::PackageName;
use crate::domain::tree::outline::{
    Outline, OutlineDraft, OutlinedPackage, OutlinedVersions, find_outlined,
};
use crate::domain::tree::{
    DamagedTree, Entries, OutlineNode, PackageEntry, Root, find_outline_node, read_first_line,
};
use crate::error::{Error, Result};
use crate::store::blobs::load_blob;
use crate::store::snapshot::Snapshot;
use crate::store::views::load_view;

/// A list reads an outline of so many nodes whole: some megabyte, which a warm isolate has in its memory.
const LISTED_NODES: u16 = 16;

/// A package of which something is seen; where there is no outline, of which something may be seen.
pub struct SeenPackage {
    /// Its documents.
    pub entry: PackageEntry,
    /// Whether anything of the document of tagged versions is seen, and of that of dev versions; none where the views alone
    /// can tell.
    is_seen: Option<(bool, bool)>,
}

impl SeenPackage {
    fn of(package: OutlinedPackage, limits: &Limits) -> Option<Self> {
        let (tagged, dev) = package.is_seen(limits);
        (tagged || dev).then_some(Self {
            entry: package.entry,
            is_seen: Some((tagged, dev)),
        })
    }

    /// What is seen of the document of tagged versions; none when that is nothing.
    pub async fn tagged(&self, app: &App, limits: &Limits) -> Result<Option<Rc<[u8]>>> {
        if self.is_seen.is_some_and(|(tagged, _)| !tagged) {
            return Ok(None);
        }
        load_view(app, &self.entry.tagged.hash, limits).await
    }

    /// The same of the document of dev versions.
    pub async fn dev(&self, app: &App, limits: &Limits) -> Result<Option<Rc<[u8]>>> {
        match &self.entry.dev {
            Some(dev) if self.is_seen.is_none_or(|(_, dev)| dev) => {
                load_view(app, &dev.hash, limits).await
            }
            _ => Ok(None),
        }
    }

    /// Whether anything of the document of dev versions is seen.
    pub async fn has_dev(&self, app: &App, limits: &Limits) -> Result<bool> {
        match self.is_seen {
            Some((_, dev)) => Ok(dev),
            None => Ok(self.dev(app, limits).await?.is_some()),
        }
    }
}

impl Snapshot<'_> {
    /// What limits leave of a package. None for one of which nothing is seen, and for one that does not exist: both are
    /// told by the same node of the outline, and by nothing else that is read, made or written.
    ///
    /// A revision of an older program has no outline. Its bucket is read, and the views tell what is seen.
    pub async fn find_seen(
        &self,
        name: &PackageName,
        limits: &Limits,
    ) -> Result<Option<SeenPackage>> {
        let Some(root) = &self.head.root else {
            return Ok(None);
        };
        let root = load_blob(self.app, root).await?;
        match find_outline_node(&root, name.as_str()).map_err(damaged)? {
            OutlineNode::Empty => Ok(None),
            OutlineNode::At(node) => {
                let node = load_blob(self.app, &node).await?;
                let found = find_outlined(&node, name.as_str()).map_err(damaged)?;
                Ok(found.and_then(|package| SeenPackage::of(package, limits)))
            }
            OutlineNode::Unfinished => {
                let found = self.find_entry(name.as_str()).await?;
                Ok(found.map(|entry| SeenPackage {
                    entry,
                    is_seen: None,
                }))
            }
        }
    }

    /// Whether there is an outline of all packages, of so few nodes that a list may read all of them: then the nodes that
    /// are read tell nothing.
    pub async fn has_short_outline(&self) -> Result<bool> {
        let Some(root) = &self.head.root else {
            return Ok(true);
        };
        let root = load_blob(self.app, root).await?;
        let first = read_first_line(&root).map_err(damaged)?;
        Ok(first.is_outlined() && first.outline_spread() <= LISTED_NODES)
    }

    /// Those of the given names of which limits leave something. All nodes of the outline are read, whatever is asked.
    pub async fn retain_listed(
        &self,
        asked: &BTreeMap<PackageName, Limits>,
    ) -> Result<BTreeSet<PackageName>> {
        let root = self.root().await?;
        for (_, node, _) in root.outline().nodes() {
            load_blob(self.app, node).await?;
        }
        Ok(self.retain_seen(asked).await?.unwrap_or_default())
    }

    /// Those of the given names of which limits leave something, each node of the outline read once; none where there is no
    /// outline.
    pub async fn retain_seen(
        &self,
        asked: &BTreeMap<PackageName, Limits>,
    ) -> Result<Option<BTreeSet<PackageName>>> {
        let Some(root) = &self.head.root else {
            return Ok(Some(BTreeSet::new()));
        };
        let root = load_blob(self.app, root).await?;
        let mut by_node = BTreeMap::<_, Vec<_>>::new();
        for (name, limits) in asked {
            match find_outline_node(&root, name.as_str()).map_err(damaged)? {
                OutlineNode::Empty => {}
                OutlineNode::At(node) => by_node.entry(node).or_default().push((name, limits)),
                OutlineNode::Unfinished => return Ok(None),
            }
        }
        let mut seen = BTreeSet::new();
        for (node, asked) in by_node {
            let node = load_blob(self.app, &node).await?;
            for (name, limits) in asked {
                let found = find_outlined(&node, name.as_str()).map_err(damaged)?;
                if found.is_some_and(|package| SeenPackage::of(package, limits).is_some()) {
                    seen.insert(name.clone());
                }
            }
        }
        Ok(Some(seen))
    }
}

/// What the outline of a tree becomes with these entries, and the nodes that are to be stored for it.
pub async fn follow_entries(
    app: &App,
    root: &Root,
    entries: &Entries,
    versions: &BTreeMap<String, OutlinedVersions>,
) -> Result<(Outline, Vec<Blob>)> {
    let mut draft = OutlineDraft::new(root.outline());
    for (number, node) in draft.touched(entries.keys().map(String::as_str)) {
        draft
            .load(number, &load_blob(app, &node).await?)
            .map_err(damaged)?;
    }
    let none = OutlinedVersions::default();
    for (name, entry) in entries {
        match entry {
            Some(entry) => draft.put(name, entry, versions.get(name).unwrap_or(&none)),
            None => draft.remove(name),
        }
    }
    for (number, node) in draft.missing() {
        draft
            .load(number, &load_blob(app, &node).await?)
            .map_err(damaged)?;
    }
    Ok(draft.finish())
}

fn damaged(error: DamagedTree) -> Error {
    Error::internal(error)
}
