//! Decide which folders are versions, from what is known of all refs, and have their archives cut.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::App;
use crate::domain::git::{BRANCHES, CurrentRef, TAGS};
use crate::domain::monorepo::{
    FoundFolder, KnownDeleted, KnownPackage, KnownVersion, Outcome, Question, Verdict, decide,
};
use crate::domain::policy::PackagePolicy;
use crate::domain::quota::Quota;
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::monorepo::{Opened, enqueue_publications_of_git_repo, give_up_decision, settle};
use crate::jobs::outcome::Next;
use crate::jobs::{Job, enqueue};
use crate::store::commit_folders::{count_found_folders, has_unlooked_tags, load_found_folders};
use crate::store::folder_cuts::list_commits_to_cut;
use crate::store::folder_refs::{
    Decided, FolderRef, FolderVersion, find_foreign_names, list_folder_refs, list_folder_versions,
    list_looked_refs, write_decision,
};
use crate::store::git_refs::{KnownRef, list_git_refs};
use crate::store::life_cycle::{DeletedVersion, list_deleted_of_git_repo};
use crate::store::monorepos::{find_monorepo_job, list_packages_of_git_repo};
use crate::store::packages::Package;
use crate::store::quotas::{find_room, refusal_beside};

/// Folders at refs: all are held in memory at once, at some two kilobytes each.
const MOST_DECISIONS: usize = 30_000;

/// Runs one decision.
pub(in crate::jobs) async fn run(app: &App, id: &str) -> Result<Next> {
    let Some(job) = find_monorepo_job(app, id).await? else {
        return Ok(Next::Done);
    };
    match job.state.as_str() {
        "running" => {}
        "publishing" => {
            // Another job settled this one along with its own refs.
            enqueue_publications_of_git_repo(app, job.git_repo_id).await?;
            return Ok(Next::Done);
        }
        _ => return Ok(Next::Done),
    }
    let opened = Opened::open(app, job.git_repo_id).await?;
    let count = count_found_folders(app, job.git_repo_id).await?;
    if count > MOST_DECISIONS {
        let reason = format!(
            "The folders of all tags and branches are {count}; at most {MOST_DECISIONS} can be decided on, so make the \
             `folders` of the project narrower, or delete tags and branches that nobody needs"
        );
        return give_up_decision(app, id, &reason)
            .await
            .map(|()| Next::Done);
    }
    decide_all(app, id, &opened).await?;
    let cuts: Vec<_> = list_commits_to_cut(app, job.git_repo_id)
        .await?
        .into_iter()
        .map(|commit| Job::CutFolders {
            id: id.to_owned(),
            commit,
        })
        .collect();
    if cuts.is_empty() {
        settle(app, id, job.git_repo_id).await?;
    } else {
        enqueue(app, &cuts).await?;
    }
    Ok(Next::Done)
}

async fn decide_all(app: &App, id: &str, opened: &Opened) -> Result<()> {
    let git_repo = opened.repo.id;
    let has_all_tags = !has_unlooked_tags(app, git_repo).await?;
    let refs = list_looked_refs(app, git_repo).await?;
    let found = load_found_folders(app, git_repo).await?;
    let packages = list_packages_of_git_repo(app, git_repo).await?;
    let versions = list_folder_versions(app, git_repo).await?;
    let deleted = list_deleted_of_git_repo(app, git_repo).await?;
    let foreign = find_foreign_names(app, opened.repo.organisation_id, git_repo).await?;
    let question = Question {
        refs: &refs,
        has_all_tags,
        default_branch: &opened.repo.default_branch,
        found: &found,
        packages: &known_packages(&packages, &versions, &deleted)?,
        foreign: &foreign,
        first_policy: &PackagePolicy::of_new_package(),
        versions: opened.monorepo.versions,
    };
    let verdicts = decide(&question);
    let known = list_folder_refs(app, git_repo).await?;
    let git_refs = list_git_refs(app, git_repo).await?;
    let default = format!("{BRANCHES}{}", opened.repo.default_branch);
    let mut decided = hold_against(&verdicts, &known, &git_refs, &versions, has_all_tags, &refs);
    decided.packages = find_places(&verdicts, &packages, &default);
    let head = refs.iter().find(|current| current.name == default);
    if let Some(folders) = head.and_then(|head| found.get(&head.commit)) {
        decided.renames = find_renames(&packages, folders, &verdicts);
    }
    let organisation = opened.repo.organisation_id;
    refuse_beyond_quota(app, organisation, &packages, &mut decided).await?;
    // A package that was made elsewhere meanwhile took the room: what is left of it is looked at anew.
    write_decision(app, organisation, git_repo, id, &decided)
        .await
        .map_err(|error| match error.kind() {
            ErrorKind::QuotaExceeded(_) => Error::internal(error),
            _ => error,
        })
}

/// Leaves out packages that are new and for which the quota has no room; their folders say so. Those that are there, and
/// as many new ones as there is room for, are none the worse for it.
async fn refuse_beyond_quota(
    app: &App,
    organisation: i64,
    packages: &[Package],
    decided: &mut Decided<'_>,
) -> Result<()> {
    let is_new = |name: &str| !packages.iter().any(|package| package.name == name);
    let new = decided.packages.iter().filter(|(name, ..)| is_new(name));
    let count = new.count();
    if count == 0 {
        return Ok(());
    }
    let Some(room) = find_room(app, organisation, Quota::Packages).await? else {
        return Ok(());
    };
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    if count <= room {
        return Ok(());
    }
    let fitting = i64::try_from(room).unwrap_or(i64::MAX);
    let refusal = refusal_beside(app, organisation, Quota::Packages, fitting).await?;
    let mut taken = 0_usize;
    let mut refused = BTreeSet::new();
    decided.packages.retain(|(name, ..)| {
        let fits = !is_new(name) || taken < room;
        if !fits {
            refused.insert((*name).to_owned());
        } else if is_new(name) {
            taken = taken.saturating_add(1);
        }
        fits
    });
    for row in &mut decided.changed {
        let is_refused = row
            .package
            .as_ref()
            .is_some_and(|name| refused.contains(name));
        if is_refused && matches!(row.state.as_str(), "cutting" | "imported") {
            "failed".clone_into(&mut row.state);
            row.package = None;
            row.version = None;
            row.reason = Some(refusal.message().to_owned());
        }
    }
    Ok(())
}

fn known_packages(
    packages: &[Package],
    versions: &[FolderVersion],
    deleted: &[(String, DeletedVersion)],
) -> Result<BTreeMap<String, KnownPackage>> {
    let mut known = BTreeMap::new();
    for package in packages {
        let policy = package.policy()?;
        let versions = BTreeMap::new();
        let deleted = deleted
            .iter()
            .filter(|(name, _)| *name == package.name)
            .map(|(name, one)| {
                let deleted = KnownDeleted {
                    reason: one.reason(name),
                    returns: one.returns(),
                };
                (one.normalized.clone(), deleted)
            })
            .collect();
        let package_now = KnownPackage {
            policy,
            versions,
            deleted,
        };
        known.insert(package.name.clone(), package_now);
    }
    for version in versions.iter().filter(|version| version.is_dev == 0) {
        if let Some(package) = known.get_mut(&version.package) {
            let stored = KnownVersion {
                pretty: version.pretty.clone(),
                reference: version.reference.clone(),
                git_ref: version.git_ref.clone(),
                digest: version.digest.clone(),
                is_removed: version.removed_at.is_some(),
            };
            package.versions.insert(version.normalized.clone(), stored);
        }
    }
    Ok(known)
}

/// What of the verdicts is news, and what is no more.
fn hold_against<'a>(
    verdicts: &[Verdict<'a>],
    known: &'a [FolderRef],
    git_refs: &'a [KnownRef],
    versions: &[FolderVersion],
    has_all_tags: bool,
    refs: &'a [CurrentRef],
) -> Decided<'a> {
    let there: BTreeMap<&str, &KnownRef> = git_refs
        .iter()
        .map(|known| (known.name.as_str(), known))
        .collect();
    let is_waiting = |name: &str| {
        there
            .get(name)
            .is_some_and(|known| known.state == "waiting")
    };
    let before: BTreeMap<(&str, &str), &FolderRef> = known
        .iter()
        .map(|known| ((known.name.as_str(), known.folder.as_str()), known))
        .collect();
    let stored: BTreeMap<(&str, &str), &FolderVersion> = versions
        .iter()
        .map(|version| {
            (
                (version.package.as_str(), version.normalized.as_str()),
                version,
            )
        })
        .collect();
    let mut decided = Decided::default();
    let mut wanted = BTreeSet::new();
    let mut touched = BTreeSet::new();
    for verdict in verdicts {
        let mut row = row_of(verdict, &stored);
        let key = (verdict.git_ref.name.as_str(), verdict.folder.path.as_str());
        wanted.insert(key);
        if let Some(before) = before.get(&key) {
            // What failed is tried again when its ref is, and not with everything else that is decided.
            let failed_before = before.state == "failed" && before.commit == row.commit;
            if row.state == "cutting" && failed_before && !is_waiting(key.0) {
                continue;
            }
            if **before == row {
                continue;
            }
        }
        touched.insert(key.0);
        if row.package.is_none() {
            row.version = None;
        }
        decided.changed.push(row);
    }
    // What is decided on by now: refs that were looked at, tags only when all of them were.
    let current: BTreeMap<&str, &CurrentRef> = refs
        .iter()
        .filter(|current| has_all_tags || !current.name.starts_with(TAGS))
        .map(|current| (current.name.as_str(), current))
        .collect();
    let looked: BTreeSet<&str> = refs.iter().map(|current| current.name.as_str()).collect();
    for (name, folder) in before.keys() {
        let is_gone = match there.get(name) {
            None => true,
            // No package wants this branch any more.
            Some(known) if known.rule.is_some() => true,
            Some(_) if current.contains_key(name) => !wanted.contains(&(*name, *folder)),
            // Its commit is to be looked at anew; until then nothing can be cut out of it.
            Some(_) => {
                !looked.contains(name)
                    && before
                        .get(&(*name, *folder))
                        .is_some_and(|known| known.state == "cutting")
            }
        };
        if is_gone {
            decided.gone.push((name, folder));
            touched.insert(name);
        }
    }
    decided.refs = current
        .into_values()
        .filter(|current| touched.contains(current.name.as_str()) || is_waiting(&current.name))
        .collect();
    decided
}

fn row_of(verdict: &Verdict<'_>, stored: &BTreeMap<(&str, &str), &FolderVersion>) -> FolderRef {
    let mut row = FolderRef {
        name: verdict.git_ref.name.clone(),
        folder: verdict.folder.path.clone(),
        commit: verdict.git_ref.commit.clone(),
        package: verdict.package.map(str::to_owned),
        digest: verdict.folder.digest.clone(),
        state: "skipped".to_owned(),
        version: None,
        normalized: None,
        is_dev: 0,
        is_default_branch: 0,
        reason: None,
    };
    match &verdict.outcome {
        Outcome::Version {
            version,
            is_default_branch,
        } => {
            row.version = Some(version.pretty().to_owned());
            row.normalized = Some(version.normalized().to_owned());
            row.is_dev = i64::from(version.is_dev());
            row.is_default_branch = i64::from(*is_default_branch);
            let key = (verdict.package.unwrap_or_default(), version.normalized());
            let is_there = stored.get(&key).is_some_and(|stored| {
                stored.removed_at.is_none()
                    && stored.reference == row.commit
                    && stored.git_ref == row.name
                    && stored.pretty == version.pretty()
                    && stored.folder.as_ref() == Some(&row.folder)
                    && stored.digest.as_ref() == Some(&row.digest)
                    && stored.is_default_branch == row.is_default_branch
            });
            let state = if is_there { "imported" } else { "cutting" };
            state.clone_into(&mut row.state);
        }
        Outcome::Kept { version, reason } => {
            "kept".clone_into(&mut row.state);
            row.version = Some(version.pretty().to_owned());
            row.normalized = Some(version.normalized().to_owned());
            row.reason = Some(reason.clone());
        }
        Outcome::None { reason } => row.reason = Some(reason.clone()),
    }
    row
}

/// Packages that are new, or found in another folder: with the folder that the default branch has them in, else one that
/// any ref has. Those that the default branch has no more keep the folder that they were in.
fn find_places<'a>(
    verdicts: &[Verdict<'a>],
    packages: &[Package],
    default: &str,
) -> Vec<(&'a str, &'a str, &'a str)> {
    let mut places: BTreeMap<&str, &FoundFolder> = BTreeMap::new();
    let mut on_default = BTreeSet::new();
    for verdict in verdicts {
        let Some(name) = verdict.package else {
            continue;
        };
        if verdict.git_ref.name == default {
            on_default.insert(name);
            places.insert(name, verdict.folder);
        } else if !on_default.contains(name) {
            places.insert(name, verdict.folder);
        }
    }
    places
        .into_iter()
        .filter(|(name, folder)| {
            let known = packages.iter().find(|package| package.name == *name);
            match known.and_then(|known| known.folder.as_ref()) {
                None => true,
                Some(known) => on_default.contains(name) && *known != folder.path,
            }
        })
        .map(|(name, folder)| (name, folder.path.as_str(), folder.digest.as_str()))
        .collect()
}

/// Packages that the default branch has no more and whose folder has another name there: they are abandoned in favour
/// of that one, until their name is back.
fn find_renames<'a>(
    packages: &'a [Package],
    folders: &'a [FoundFolder],
    verdicts: &[Verdict<'a>],
) -> Vec<(&'a str, Option<&'a str>)> {
    let ours: BTreeSet<&str> = verdicts
        .iter()
        .filter_map(|verdict| verdict.package)
        .collect();
    let mut renames = Vec::new();
    for package in packages {
        let Some(place) = &package.folder else {
            continue;
        };
        let name = package.name.as_str();
        let is_there = folders
            .iter()
            .any(|folder| folder.name.as_deref() == Some(name));
        let successor = folders
            .iter()
            .find(|folder| folder.path == *place)
            .and_then(|folder| folder.name.as_deref())
            .filter(|successor| ours.contains(successor));
        let renamed_to = match (is_there, successor) {
            (true, _) => None,
            (false, Some(successor)) => Some(successor),
            (false, None) => continue,
        };
        if package.renamed_to.as_deref() != renamed_to {
            renames.push((name, renamed_to));
        }
    }
    renames
}
