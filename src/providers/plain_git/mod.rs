//! Plain git over smart HTTP, protocol version 2 (gitprotocol-http(5), gitprotocol-v2(5)): every host that `git clone`
//! can reach over HTTPS.
//!
//! A project's id is its path below the connection's base URL: plain git has no other. What a commit holds comes as a
//! pack, into memory, for as many commits at once as fit; composer.json, times and archives are made of it here.

mod archive;
pub(super) mod event;
mod remote;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use crate::domain::git::{BRANCHES, TAGS};
use crate::domain::git_archive::SharedFiles;
use crate::domain::plain_git::object::{Commit, EntryKind, read_tree};
use crate::domain::plain_git::pack::{Kind, Pack};
use crate::domain::plain_git::refs::Listed;
use crate::domain::plain_git::{GitFault, ObjectId};
use crate::domain::time::rfc3339;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::InResponse;
use async_trait::async_trait;

use super::outgoing::Gateway;
use super::{Account, Credentials, FoundRef, GitHost, Project, RefListing, RefPage};
use archive::ArchiveBody;
use remote::Remote;

/// The most commits in one request: a want takes 50 bytes, and the pack's limit is reached long before as a rule.
const COMMITS_AT_ONCE: usize = 100;

/// A git server with one credential.
pub struct PlainGit<'a> {
    remote: Remote<'a>,
    /// Refs that were listed in this run, by project: a reconcile describes a project and lists its refs in one request.
    listed: RefCell<HashMap<String, Listed>>,
    loaded: RefCell<Option<Loaded>>,
    shared: Rc<RefCell<SharedFiles>>,
}

/// The pack that is in memory.
struct Loaded {
    project: String,
    commits: BTreeSet<ObjectId>,
    pack: Rc<Pack>,
}

impl<'a> PlainGit<'a> {
    /// The repositories below `base_url`.
    pub fn new(gateway: Gateway<'a>, base_url: &str, credentials: &Credentials) -> Result<Self> {
        Ok(Self {
            remote: Remote::new(gateway, base_url, authorization(credentials)?)?,
            listed: RefCell::default(),
            loaded: RefCell::default(),
            shared: Rc::default(),
        })
    }

    async fn listed(&self, project: &str) -> Result<Listed> {
        if let Some(listed) = self.listed.borrow().get(project) {
            return Ok(listed.clone());
        }
        let listed = self.remote.list_refs(project).await?;
        self.listed
            .borrow_mut()
            .insert(project.to_owned(), listed.clone());
        Ok(listed)
    }

    /// The pack with a commit, which is fetched by itself where it is not at hand.
    async fn pack_with(&self, project: &str, commit: ObjectId) -> Result<Rc<Pack>> {
        if let Some(pack) = self.loaded_pack(project, commit) {
            return Ok(pack);
        }
        self.load(project, &[commit]).await?;
        self.loaded_pack(project, commit)
            .ok_or_else(|| Error::internal("a pack that was loaded is gone"))
    }

    fn loaded_pack(&self, project: &str, commit: ObjectId) -> Option<Rc<Pack>> {
        let loaded = self.loaded.borrow();
        loaded
            .as_ref()
            .filter(|loaded| loaded.project == project && loaded.commits.contains(&commit))
            .map(|loaded| loaded.pack.clone())
    }

    async fn load(&self, project: &str, commits: &[ObjectId]) -> Result<()> {
        // First out with the old one: two packs at once are more than there is room for.
        self.loaded.replace(None);
        let bytes = self.remote.fetch(project, commits).await?;
        let pack = Pack::open(bytes).map_err(|fault| self.remote.explain(&fault))?;
        self.loaded.replace(Some(Loaded {
            project: project.to_owned(),
            commits: commits.iter().copied().collect(),
            pack: Rc::new(pack),
        }));
        Ok(())
    }

    fn read_commit(&self, pack: &Pack, id: ObjectId) -> Result<Commit> {
        pack.read_kind(id, Kind::Commit)
            .and_then(|content| Commit::read(&content))
            .map_err(|fault| self.remote.explain(&fault))
    }
}

#[async_trait(?Send)]
impl GitHost for PlainGit<'_> {
    fn shows_files_apart(&self) -> bool {
        false
    }

    /// There is nothing that a git server could be asked without the name of a repository; whether the credential works
    /// is seen when one is added.
    async fn check_access(&self) -> Result<Account> {
        Ok(Account {
            provider_id: String::new(),
            login: self.remote.host().to_owned(),
            missing: Vec::new(),
        })
    }

    async fn describe_project(&self, name_or_id: &str) -> Result<Project> {
        let project = self.remote.project(name_or_id)?;
        let listed = self.listed(&project).await?;
        let clone_url = self.remote.clone_url(&project);
        Ok(Project {
            full_name: project.trim_end_matches(".git").to_owned(),
            default_branch: listed.default_branch,
            web_url: clone_url.trim_end_matches(".git").to_owned(),
            is_private: self.remote.has_credentials(),
            is_archived: false,
            is_fork: false,
            // Nobody knows what pages such a server has.
            source_page: None,
            issues_page: None,
            homepage: None,
            provider_id: project,
            clone_url,
        })
    }

    /// One request, whatever the number of refs; there is nothing that could be asked conditionally. What the project was
    /// described by counts once: who asks again wants to be sure.
    async fn list_refs(
        &self,
        project_id: &str,
        _known: &HashMap<String, RefPage>,
    ) -> Result<RefListing> {
        let described = self.listed.borrow_mut().remove(project_id);
        let listed = match described {
            Some(listed) => listed,
            None => self.remote.list_refs(project_id).await?,
        };
        let mut refs: Vec<_> = listed
            .refs
            .into_iter()
            .filter(|found| found.name.starts_with(TAGS) || found.name.starts_with(BRANCHES))
            .map(|found| FoundRef {
                name: found.name,
                commit: found.target.to_string(),
            })
            .collect();
        // Tags, then branches.
        refs.sort_by_key(|found| !found.name.starts_with(TAGS));
        Ok(RefListing {
            pages: Vec::new(),
            refs,
        })
    }

    async fn prepare(&self, project_id: &str, commits: &[String]) -> Result<usize> {
        let ids = commits
            .iter()
            .take(COMMITS_AT_ONCE)
            .map(|commit| commit_id(commit))
            .collect::<Result<Vec<_>>>()?;
        let mut count = ids.len();
        loop {
            let some = ids.get(..count).unwrap_or_default();
            match self.load(project_id, some).await {
                // Too much at once, or a commit among them that the server does not give: fewer find out which.
                Err(error) if count > 1 && is_for_these_commits(&error) => {
                    count = count.div_ceil(4);
                }
                other => return other.map(|()| count),
            }
        }
    }

    async fn read_file(
        &self,
        project_id: &str,
        path: &str,
        commit: Option<&str>,
        limit: usize,
    ) -> Result<Option<Vec<u8>>> {
        let id = match commit {
            Some(commit) => Some(commit_id(commit)?),
            None => head(&self.listed(project_id).await?),
        };
        let Some(id) = id else {
            return Ok(None);
        };
        let pack = self.pack_with(project_id, id).await?;
        let tree = self.read_commit(&pack, id)?.tree;
        let content = find_file(&pack, tree, path).map_err(|fault| self.remote.explain(&fault))?;
        match content {
            Some(content) if content.len() > limit => Err(Error::new(
                ErrorKind::TooLarge,
                format!("The file `{path}` is larger than {limit} bytes"),
            )),
            other => Ok(other),
        }
    }

    /// The *author* date, as Composer's git driver takes it (`%at`).
    async fn commit_time(&self, project_id: &str, commit: &str) -> Result<String> {
        let id = commit_id(commit)?;
        let pack = self.pack_with(project_id, id).await?;
        Ok(rfc3339(self.read_commit(&pack, id)?.author.time))
    }

    async fn open_archive(&self, project_id: &str, commit: &str) -> Result<InResponse> {
        let id = commit_id(commit)?;
        let pack = self.pack_with(project_id, id).await?;
        Ok(InResponse {
            status: 200,
            headers: Vec::new(),
            body: Box::new(ArchiveBody::new(pack, id, self.shared.clone())),
        })
    }
}

/// Whether other commits may fare better.
fn is_for_these_commits(error: &Error) -> bool {
    error.kind() != ErrorKind::ProjectWithheld && !error.is_retryable()
}

/// Basic with a user name; without one the token is a bearer token; without either, nobody in particular asks.
fn authorization(credentials: &Credentials) -> Result<Option<String>> {
    if let Some(basic) = credentials.basic()? {
        return Ok(Some(basic));
    }
    if credentials.token.is_empty() {
        return Ok(None);
    }
    Ok(Some(format!("Bearer {}", credentials.plain_token()?)))
}

fn commit_id(commit: &str) -> Result<ObjectId> {
    ObjectId::parse(commit).ok_or_else(|| Error::internal("a commit has 40 hex digits"))
}

fn head(listed: &Listed) -> Option<ObjectId> {
    let name = format!("{BRANCHES}{}", listed.default_branch.as_deref()?);
    listed
        .refs
        .iter()
        .find(|found| found.name == name)
        .map(|found| found.target)
}

/// A file of a tree; none where there is none. Links are not followed.
fn find_file(pack: &Pack, tree: ObjectId, path: &str) -> Result<Option<Vec<u8>>, GitFault> {
    let mut tree = tree;
    let mut names = path.split('/').peekable();
    while let Some(name) = names.next() {
        let entries = read_tree(&pack.read_kind(tree, Kind::Tree)?)?;
        let Some(entry) = entries
            .into_iter()
            .find(|entry| entry.name == name.as_bytes())
        else {
            return Ok(None);
        };
        match (entry.kind, names.peek().is_some()) {
            (EntryKind::Folder, true) => tree = entry.id,
            (EntryKind::File | EntryKind::Executable, false) => {
                let content = pack.read_kind(entry.id, Kind::Blob)?;
                return Ok(Some(content.to_vec()));
            }
            _ => return Ok(None),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
