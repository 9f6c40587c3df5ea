//! From the facts of all refs to what becomes of each folder at each of them.

use std::collections::{BTreeMap, BTreeSet};

use super::unchanged::{Tagged, find_unchanged};
use super::{FolderVersions, FoundFolder};
use crate::domain::branch::BranchRole;
use crate::domain::constraint::Constraint;
use crate::domain::git::{BRANCHES, CurrentRef, TAGS, transient_reason};
use crate::domain::policy::{MovedTags, PackagePolicy};
use crate::domain::tag_version::{version_of_branch, version_of_prefixed_tag};
use crate::domain::version::Version;

/// What is said of a name whose package a person deleted.
pub const DELETED: &str = "was deleted by a person";

/// All that is known when it is decided.
pub struct Question<'a> {
    /// The refs that were looked at, by name.
    pub refs: &'a [CurrentRef],
    /// Whether these are all tags, so that they can be held against each other. If not, only branches are decided on.
    pub has_all_tags: bool,
    /// The default branch, by its short name.
    pub default_branch: &'a str,
    /// The folders of each commit, by path.
    pub found: &'a BTreeMap<String, Vec<FoundFolder>>,
    /// The packages of this git repository, by name.
    pub packages: &'a BTreeMap<String, KnownPackage>,
    /// Names that belong to another source, and which: `is uploaded`, `comes from another git repository`.
    pub foreign: &'a BTreeMap<String, &'static str>,
    /// The settings of a package that is not there yet.
    pub first_policy: &'a PackagePolicy,
    /// Of which packages a tag is a version.
    pub versions: FolderVersions,
}

/// A package that is there.
pub struct KnownPackage {
    /// Its settings.
    pub policy: PackagePolicy,
    /// Its versions that were made of tags, by normalized number; those that have left the metadata too.
    pub versions: BTreeMap<String, KnownVersion>,
    /// Versions that a person deleted, by normalized number.
    pub deleted: BTreeMap<String, KnownDeleted>,
}

/// A version that a person deleted.
pub struct KnownDeleted {
    /// Why it is not there, for people.
    pub reason: String,
    /// The commit that may have the number again by itself; none when nothing may.
    pub returns: Option<String>,
}

/// A version that is there.
pub struct KnownVersion {
    /// As tagged.
    pub pretty: String,
    /// The commit.
    pub reference: String,
    /// The tag it was made of.
    pub git_ref: String,
    /// What its folder held, where that is known.
    pub digest: Option<String>,
    /// Whether it has left the metadata.
    pub is_removed: bool,
}

/// What becomes of a folder at a ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// The ref.
    pub git_ref: &'a CurrentRef,
    /// The folder.
    pub folder: &'a FoundFolder,
    /// The package, where it is one of this git repository.
    pub package: Option<&'a str>,
    /// What it comes to.
    pub outcome: Outcome,
}

/// What a folder at a ref comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// This version, of this commit.
    Version {
        /// Its number.
        version: Version,
        /// Whether it is of the default branch.
        is_default_branch: bool,
    },
    /// The version that is there, of another commit: its tag moved.
    Kept {
        /// Its number, as it is shown and normalized.
        version: Version,
        /// Why it does not follow, for people.
        reason: String,
    },
    /// No version.
    None {
        /// Why, for people.
        reason: String,
    },
}

impl Outcome {
    fn none(reason: impl Into<String>) -> Self {
        Self::None {
            reason: reason.into(),
        }
    }
}

/// Decides on every folder of every ref, in the order of refs and folders.
pub fn decide<'a>(question: &Question<'a>) -> Vec<Verdict<'a>> {
    let introduced = question.introduced();
    let mut verdicts = Vec::new();
    // Tags that read as versions, by package: the places of their verdicts, in the order of their names.
    let mut tagged: BTreeMap<&str, Vec<(usize, Version)>> = BTreeMap::new();
    for git_ref in question.refs {
        let is_tag = git_ref.name.starts_with(TAGS);
        if is_tag && !question.has_all_tags {
            continue;
        }
        let mut names = BTreeMap::new();
        for folder in question.found.get(&git_ref.commit).into_iter().flatten() {
            let place = verdicts.len();
            let package = question.package_of(folder, &mut names, &introduced);
            let outcome = match &package {
                Err(reason) => Outcome::none(reason.clone()),
                Ok(name) if is_tag => match question.read_tag(git_ref, folder, name) {
                    Ok(version) => {
                        tagged.entry(name).or_default().push((place, version));
                        // Held against the other tags below.
                        Outcome::none("")
                    }
                    Err(outcome) => outcome,
                },
                Ok(name) => question.read_branch(git_ref, folder, name),
            };
            verdicts.push(Verdict {
                git_ref,
                folder,
                package: package.ok(),
                outcome,
            });
        }
    }
    for (name, candidates) in tagged {
        question.settle_tags(name, candidates, &mut verdicts);
    }
    verdicts
}

impl<'a> Question<'a> {
    /// The names that a tag or the default branch has.
    fn introduced(&self) -> BTreeSet<&'a str> {
        let default = format!("{BRANCHES}{}", self.default_branch);
        let refs = self.refs.iter();
        refs.filter(|git_ref| git_ref.name.starts_with(TAGS) || git_ref.name == default)
            .flat_map(|git_ref| self.found.get(&git_ref.commit).into_iter().flatten())
            .filter_map(|folder| folder.name.as_deref())
            .collect()
    }

    fn policy(&self, package: &str) -> &PackagePolicy {
        self.packages
            .get(package)
            .map_or(self.first_policy, |package| &package.policy)
    }

    /// The package of a folder, or why it is none. `names` are those of the folders before it at this commit.
    fn package_of(
        &self,
        folder: &'a FoundFolder,
        names: &mut BTreeMap<&'a str, &'a str>,
        introduced: &BTreeSet<&str>,
    ) -> Result<&'a str, String> {
        let Some(name) = folder.name.as_deref() else {
            let fault = folder.facts.fault.clone();
            return Err(fault.unwrap_or_else(|| {
                "composer.json has no valid `name`; it must be like `vendor/name`".to_owned()
            }));
        };
        if let Some(first) = names.get(name) {
            return Err(format!(
                "`{name}` is the name of `{first}` as well, which comes first; name one of the two otherwise"
            ));
        }
        names.insert(name, &folder.path);
        if let Some(source) = self.foreign.get(name) {
            let advice = if *source == DELETED {
                "import the project again to have it back"
            } else {
                "name one of the two otherwise"
            };
            return Err(format!(
                "the package `{name}` of this organisation {source}; {advice}"
            ));
        }
        if !self.packages.contains_key(name) && !introduced.contains(name) {
            return Err(format!(
                "neither a tag nor the branch `{}` has the package `{name}` yet",
                self.default_branch
            ));
        }
        Ok(name)
    }

    fn read_tag(
        &self,
        git_ref: &CurrentRef,
        folder: &FoundFolder,
        package: &str,
    ) -> Result<Version, Outcome> {
        let tag = git_ref.name.trim_start_matches(TAGS);
        if let Some((owner, prefix)) = self.owner_of_tag(tag, package) {
            return Err(Outcome::none(format!(
                "the tag `{tag}` is for `{owner}`, which has `{prefix}` in its `tag_prefixes`"
            )));
        }
        if let Some(fault) = &folder.facts.fault {
            return Err(Outcome::none(fault.clone()));
        }
        let prefixes = &self.policy(package).tag_prefixes;
        let version = version_of_prefixed_tag(tag, folder.facts.version.as_deref(), prefixes)
            .map_err(|refusal| Outcome::none(refusal.to_string()))?;
        check_links(folder, &version)?;
        self.check_deleted(package, git_ref, &version)?;
        Ok(version)
    }

    /// What a person deleted stays deleted.
    fn check_deleted(
        &self,
        package: &str,
        git_ref: &CurrentRef,
        version: &Version,
    ) -> Result<(), Outcome> {
        let deleted = self
            .packages
            .get(package)
            .and_then(|known| known.deleted.get(version.normalized()));
        match deleted {
            Some(deleted) if deleted.returns.as_ref() != Some(&git_ref.commit) => {
                Err(Outcome::none(deleted.reason.clone()))
            }
            _ => Ok(()),
        }
    }

    /// The package whose own prefix a tag begins with, when that is not this one. The longest prefix decides. What
    /// Composer takes away by itself is nobody's own.
    fn owner_of_tag(&self, tag: &str, package: &str) -> Option<(&'a str, &'a str)> {
        let packages = self.packages.iter();
        let prefixes = packages.flat_map(|(name, known)| {
            let prefixes = known.policy.tag_prefixes.as_slice().iter();
            prefixes.map(move |prefix| (name.as_str(), prefix.as_str()))
        });
        let fitting = prefixes.filter(|(_, prefix)| {
            !matches!(*prefix, "v" | "V" | "release-") && tag.starts_with(prefix)
        });
        let (_, _, owner, prefix) = fitting
            .map(|(name, prefix)| (prefix.len(), name == package, name, prefix))
            .max()?;
        (owner != package).then_some((owner, prefix))
    }

    fn read_branch(&self, git_ref: &CurrentRef, folder: &FoundFolder, package: &str) -> Outcome {
        let branch = git_ref.name.trim_start_matches(BRANCHES);
        if let Some(reason) = transient_reason(branch, self.default_branch, self.policy(package)) {
            return Outcome::none(reason);
        }
        if let Some(fault) = &folder.facts.fault {
            return Outcome::none(fault.clone());
        }
        let is_default_branch = branch == self.default_branch;
        let role = if is_default_branch {
            BranchRole::Default
        } else {
            BranchRole::Other
        };
        let version = match version_of_branch(branch, &folder.facts.for_branch(), role) {
            Ok(found) => found.version,
            Err(refusal) => return Outcome::none(refusal.to_string()),
        };
        let checked = check_links(folder, &version)
            .and_then(|()| self.check_deleted(package, git_ref, &version));
        match checked {
            Ok(()) => Outcome::Version {
                version,
                is_default_branch,
            },
            Err(outcome) => outcome,
        }
    }

    /// Holds the tags of a package against each other: one for each number, and only what changes something.
    fn settle_tags(
        &self,
        package: &str,
        candidates: Vec<(usize, Version)>,
        verdicts: &mut [Verdict<'a>],
    ) {
        let mut leaders: BTreeMap<String, &'a str> = BTreeMap::new();
        // The place, the version, the digest of what it is made of.
        let mut settled: Vec<(usize, Outcome, Option<String>)> = Vec::new();
        for (place, version) in candidates {
            let Some(verdict) = verdicts.get_mut(place) else {
                continue;
            };
            if let Some(leader) = leaders.get(version.normalized()) {
                verdict.outcome = Outcome::none(format!(
                    "the tag `{}` is the same version and comes first",
                    leader.trim_start_matches(TAGS)
                ));
                continue;
            }
            let normalized = version.normalized().to_owned();
            match self.settle_move(package, verdict, version) {
                Ok((outcome, digest)) => {
                    leaders.insert(normalized, &verdict.git_ref.name);
                    settled.push((place, outcome, digest));
                }
                Err(outcome) => verdict.outcome = outcome,
            }
        }
        let unchanged: Vec<Option<String>> = if self.versions == FolderVersions::Changed {
            let tags: Vec<_> = settled
                .iter()
                .filter_map(|(_, outcome, digest)| {
                    let (Outcome::Version { version, .. } | Outcome::Kept { version, .. }) =
                        outcome
                    else {
                        return None;
                    };
                    Some(Tagged {
                        normalized: version.normalized(),
                        pretty: version.pretty(),
                        digest: digest.as_deref(),
                    })
                })
                .collect();
            let unchanged = find_unchanged(&tags).into_iter();
            unchanged.map(|since| since.map(str::to_owned)).collect()
        } else {
            vec![None; settled.len()]
        };
        for ((place, outcome, _), since) in settled.into_iter().zip(unchanged) {
            let Some(verdict) = verdicts.get_mut(place) else {
                continue;
            };
            verdict.outcome = match since {
                None => outcome,
                Some(since) => Outcome::none(format!(
                    "`{}` did not change since {since}",
                    verdict.folder.path
                )),
            };
        }
    }

    /// What a tag's version is made of: this commit, or the one it stays at. The error is for one that is refused.
    fn settle_move(
        &self,
        package: &str,
        verdict: &Verdict<'_>,
        version: Version,
    ) -> Result<(Outcome, Option<String>), Outcome> {
        let (commit, folder) = (&verdict.git_ref.commit, verdict.folder);
        let digest = Some(folder.digest.clone());
        let known = self
            .packages
            .get(package)
            .filter(|known| known.policy.moved_tags == MovedTags::Keep)
            .and_then(|known| known.versions.get(version.normalized()))
            .filter(|known| known.reference != *commit);
        let Some(known) = known else {
            let outcome = Outcome::Version {
                version,
                is_default_branch: false,
            };
            return Ok((outcome, digest));
        };
        let (first, new) = (short(&known.reference), short(commit));
        let pretty = &known.pretty;
        let hint = "tag a new version to release the new one, or set the package's `moved_tags` to `follow`";
        let refused = |reason: String| Outcome::none(reason);
        if known.is_removed {
            return Err(refused(format!(
                "version `{pretty}` was {first} before it was taken away, and a version never changes: it cannot be \
                 {new}; tag {first} again to have it back, {hint}"
            )));
        }
        if known.git_ref != verdict.git_ref.name {
            return Err(refused(format!(
                "version `{pretty}` is {first} already, by the tag `{}`, and a version never changes: it cannot be \
                 {new}; {hint}",
                known.git_ref.trim_start_matches(TAGS)
            )));
        }
        let version = Version::from_parts(known.pretty.clone(), version.normalized().to_owned());
        let reason = if known.digest == digest {
            format!(
                "the tag moved from {first} to {new}, which have the same `{}`; the version stays at its first commit",
                folder.path
            )
        } else {
            format!(
                "the tag moved from {first} to {new}, but a version never changes: {pretty} stays at its first \
                 commit; {hint}"
            )
        };
        let kept = Outcome::Kept { version, reason };
        Ok((kept, known.digest.clone()))
    }
}

/// A link that stands for its own version needs one that can be written in a constraint.
fn check_links(folder: &FoundFolder, version: &Version) -> Result<(), Outcome> {
    if folder.facts.links_itself && Constraint::parse(version.pretty()).is_err() {
        return Err(Outcome::none(format!(
            "composer.json requires or replaces something at `self.version`, but `{}` cannot stand in a constraint",
            version.pretty()
        )));
    }
    Ok(())
}

fn short(reference: &str) -> &str {
    reference.get(..7).unwrap_or(reference)
}
