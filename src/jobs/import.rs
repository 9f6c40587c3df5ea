//! Take in the refs of a job that point at one commit: manifest → versions → archive → rows.
//!
//! Whatever is decided is written in one batch, so a second run finds either nothing done or all of it.

use serde_json::{Map, Value};

use crate::app::App;
use crate::domain::branch::BranchRole;
use crate::domain::git::{BRANCHES, TAGS};
use crate::domain::manifest::Manifest;
use crate::domain::tag_version::{version_of_branch, version_of_tag};
use crate::domain::version::Version;
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::outcome::{ATTEMPTS, Next};
use crate::jobs::source::Source;
use crate::jobs::{Job, enqueue, enqueue_publications, settle};
use crate::ports::Statement;
use crate::ports::db::json_list;
use crate::store::connections::{note_pause, note_trouble};
use crate::store::dists::{discard_if_unnamed, find_package_dist, insert_dist_stmt};
use crate::store::git_refs::{KnownRef, upsert_git_ref_stmt};
use crate::store::job_refs::{
    WaitingRef, count_attempt, list_freed_commits, list_waiting_refs, settle_job_ref_stmt,
};
use crate::store::jobs::{RunningJob, find_running_job, note_on_job};
use crate::store::publications::ask_for_publication_stmt;
use crate::store::versions::{NewVersion, find_version, remove_versions_stmt, upsert_version_stmt};

/// A wait longer than this is worth showing what there is already.
const LONG_WAIT: u32 = 30;

/// Runs one import.
pub(crate) async fn run(app: &App, id: &str, commit: &str) -> Result<Next> {
    let Some(job) = find_running_job(app, id).await? else {
        return Ok(Next::Done);
    };
    if job.state == "cancelled" {
        return Ok(Next::Done);
    }
    // Tags that stand back behind one that is still being taken in are left alone; its import sends for them.
    let ready: Vec<_> = list_waiting_refs(app, id, commit)
        .await?
        .into_iter()
        .filter(|waiting| waiting.leader_state.as_deref() != Some("waiting"))
        .collect();
    if !ready.is_empty()
        && let Err(error) = take(app, id, &job, commit, &ready).await
        && let Some(next) = give_up_or_wait(app, id, &job, commit, &ready, &error).await?
    {
        return Ok(next);
    }
    let freed: Vec<_> = list_freed_commits(app, id)
        .await?
        .into_iter()
        .map(|commit| Job::Import {
            id: id.to_owned(),
            commit,
        })
        .collect();
    enqueue(app, &freed).await?;
    settle(app, id, job.package_id).await?;
    Ok(Next::Done)
}

/// What becomes of a failure: wait and come again, or none when it is hopeless and the refs were settled as failed.
async fn give_up_or_wait(
    app: &App,
    id: &str,
    job: &RunningJob,
    commit: &str,
    refs: &[WaitingRef],
    error: &Error,
) -> Result<Option<Next>> {
    app.warn(&format!("Import of {commit} for job {id} failed: {error}"));
    if let ErrorKind::RateLimited { retry_after } = error.kind() {
        note_on_job(app, id, Some(error.message())).await?;
        let is_news = note_pause(app, job.git_repo_id, retry_after).await?;
        if is_news && retry_after > LONG_WAIT {
            enqueue_publications(app, job.package_id).await?;
        }
        return Ok(Some(Next::after(error, 1)));
    }
    if error.is_retryable() {
        let attempts = count_attempt(app, id, commit, error.message()).await?;
        let attempts = u32::try_from(attempts).unwrap_or(ATTEMPTS);
        if attempts < ATTEMPTS {
            return Ok(Some(Next::after(error, attempts)));
        }
    }
    let statements = refs
        .iter()
        .flat_map(|failed| {
            note_stmts(
                app,
                id,
                job,
                commit,
                &failed.name,
                "failed",
                None,
                Some(error.message()),
            )
        })
        .collect();
    app.db.batch(statements).await?;
    Ok(None)
}

/// What a ref turned out to be.
enum Decision {
    /// No version, for this reason.
    Skip(String),
    /// This version.
    Take {
        version: Version,
        is_default_branch: bool,
        note: Option<String>,
    },
}

async fn take(
    app: &App,
    id: &str,
    job: &RunningJob,
    commit: &str,
    refs: &[WaitingRef],
) -> Result<()> {
    let source = Source::open(app, job, commit).await?;
    let mut decisions = Vec::new();
    let mut manifest = None;
    for waiting in refs {
        let decision = if let Some(reason) = refuse_by_name(waiting) {
            Decision::Skip(reason)
        } else {
            let read = match manifest.take() {
                Some(read) => read,
                None => source.read_manifest().await?,
            };
            let decision = match &read {
                Ok(manifest) => decide(app, &source, waiting, manifest).await?,
                Err(reason) => Decision::Skip(reason.clone()),
            };
            manifest = Some(read);
            decision
        };
        decisions.push((waiting, decision));
    }
    let needs_archive = decisions
        .iter()
        .any(|(_, decision)| matches!(decision, Decision::Take { .. }));
    let mut statements = Vec::new();
    let mut ours = None;
    let mut time = String::new();
    if needs_archive {
        time = source
            .host
            .commit_time(&source.repo.provider_id, commit)
            .await?;
        if find_package_dist(app, job.package_id, commit)
            .await?
            .is_none()
        {
            let dist = source.fetch_archive(app).await?;
            statements.push(insert_dist_stmt(job.package_id, commit, &dist, app.now()));
            ours = Some(dist.archive_key);
        }
    }
    let empty = Map::new();
    let fields = match &manifest {
        Some(Ok(manifest)) => manifest.fields(),
        _ => &empty,
    };
    statements.extend(row_stmts(app, id, job, commit, &time, fields, &decisions)?);
    let result = app.db.batch(statements).await;
    // Another import may have stored the same commit first. When the batch did not answer it may have been written all
    // the same, so the archive is left to the sweep.
    if let Some(key) = ours
        && result.is_ok()
    {
        discard_if_unnamed(app, &key).await;
    }
    result.map(|_| ())?;
    note_trouble(app, &source.connection.id, None).await?;
    note_on_job(app, id, None).await
}

/// Everything that a taken commit changes, as one batch.
fn row_stmts(
    app: &App,
    id: &str,
    job: &RunningJob,
    commit: &str,
    time: &str,
    fields: &Map<String, Value>,
    decisions: &[(&WaitingRef, Decision)],
) -> Result<Vec<Statement>> {
    let now = app.now();
    let mut statements = Vec::new();
    for (waiting, decision) in decisions {
        match decision {
            Decision::Skip(reason) => {
                // A branch is what it is now: what it was before leaves with it. A tag keeps its first commit.
                if waiting.name.starts_with(BRANCHES) {
                    let gone = json_list(std::iter::once(waiting.name.as_str()))?;
                    statements.push(remove_versions_stmt(job.package_id, &gone, now));
                }
                statements.extend(note_stmts(
                    app,
                    id,
                    job,
                    commit,
                    &waiting.name,
                    "skipped",
                    None,
                    Some(reason),
                ));
            }
            Decision::Take {
                version,
                is_default_branch,
                note,
            } => {
                let new = NewVersion {
                    package: job.package_id,
                    version,
                    reference: commit,
                    git_ref: Some(&waiting.name),
                    manifest: fields,
                    time,
                    is_default_branch: *is_default_branch,
                };
                statements.push(upsert_version_stmt(&new, now)?);
                statements.extend(note_stmts(
                    app,
                    id,
                    job,
                    commit,
                    &waiting.name,
                    "imported",
                    Some(version.pretty()),
                    note.as_deref(),
                ));
            }
        }
    }
    statements.push(ask_for_publication_stmt(job.package_id, now));
    Ok(statements)
}

#[expect(
    clippy::too_many_arguments,
    reason = "one place that keeps the job's note and the package's note of a ref alike"
)]
fn note_stmts(
    app: &App,
    id: &str,
    job: &RunningJob,
    commit: &str,
    name: &str,
    state: &str,
    version: Option<&str>,
    reason: Option<&str>,
) -> [Statement; 2] {
    let known = KnownRef {
        name: name.to_owned(),
        commit: commit.to_owned(),
        state: state.to_owned(),
        version: version.map(str::to_owned),
        reason: reason.map(str::to_owned),
    };
    [
        upsert_git_ref_stmt(job.git_repo_id, &known, app.now()),
        settle_job_ref_stmt(id, name, state, version, reason),
    ]
}

/// What a ref's name alone rules out, before any request is made.
fn refuse_by_name(waiting: &WaitingRef) -> Option<String> {
    if let Some(leader) = &waiting.yields_to
        && matches!(waiting.leader_state.as_deref(), Some("imported"))
    {
        return Some(format!(
            "the tag `{}` is the same version and comes first",
            leader.trim_start_matches(TAGS)
        ));
    }
    let tag = waiting.name.strip_prefix(TAGS)?;
    version_of_tag(tag, None)
        .err()
        .map(|refusal| refusal.to_string())
}

async fn decide(
    app: &App,
    source: &Source<'_>,
    waiting: &WaitingRef,
    manifest: &Manifest,
) -> Result<Decision> {
    let (version, is_default_branch) = if let Some(tag) = waiting.name.strip_prefix(TAGS) {
        let declared = match manifest.version() {
            Ok(declared) => declared,
            Err(fault) => return Ok(Decision::Skip(fault.to_string())),
        };
        match version_of_tag(tag, declared.as_deref()) {
            Ok(version) => (version, false),
            Err(refusal) => return Ok(Decision::Skip(refusal.to_string())),
        }
    } else {
        let branch = waiting.name.trim_start_matches(BRANCHES);
        let is_default = branch == source.repo.default_branch;
        let role = if is_default {
            BranchRole::Default
        } else {
            BranchRole::Other
        };
        match version_of_branch(branch, manifest.fields(), role) {
            Ok(found) => (found.version, is_default),
            Err(refusal) => return Ok(Decision::Skip(refusal.to_string())),
        }
    };
    if let Err(fault) = manifest.check_version(version.pretty()) {
        return Ok(Decision::Skip(fault.to_string()));
    }
    if !version.is_dev()
        && let Some(known) = find_version(app, source.package, version.normalized()).await?
        && known.reference != source.commit
    {
        return Ok(Decision::Skip(format!(
            "the tag moved from {} to {}, but a version never changes: {} stays at its first commit; \
             tag a new version to release the new one",
            short(&known.reference),
            short(source.commit),
            known.pretty
        )));
    }
    Ok(Decision::Take {
        note: foreign_name(&source.package_name, manifest),
        version,
        is_default_branch,
    })
}

/// Composer gives every version the name that the default branch has; a person may want to know.
fn foreign_name(package: &str, manifest: &Manifest) -> Option<String> {
    let name = manifest.name().unwrap_or_default();
    (!name.eq_ignore_ascii_case(package)).then(|| {
        format!("composer.json at this commit is named `{name}`; the version is published as `{package}`")
    })
}

fn short(reference: &str) -> &str {
    reference.get(..7).unwrap_or(reference)
}
