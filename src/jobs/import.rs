//! Take in the refs of a job that point at one commit: manifest → versions → archive → rows.
//!
//! Whatever is decided is written in one batch, so a second run finds either nothing done or all of it.

use serde_json::{Map, Value};

use crate::app::App;
use crate::domain::git::{TAGS, tag_number};
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::archive_wait::wait_for_turn;
use crate::jobs::decide::{Decision, decide, refuse_by_name};
use crate::jobs::outcome::{ATTEMPTS, Next};
use crate::jobs::refused::wait_if_refused;
use crate::jobs::source::{Source, heed_allowance};
use crate::jobs::{Job, enqueue, enqueue_publications, settle};
use crate::ports::Statement;
use crate::ports::db::json_list;
use crate::store::connections::{note_pause, note_trouble_stmt};
use crate::store::dists::{discard, find_named_stmt, insert_dist_stmt};
use crate::store::git_refs::{KnownRef, settle_git_ref_stmt, upsert_git_ref_stmt};
use crate::store::job_refs::{
    WaitingRef, count_attempt, fail_job_ref_stmt, find_waiting_stmt, list_freed_commits,
    list_waiting_refs, settle_job_ref_stmt,
};
use crate::store::jobs::{
    RunningJob, find_running_job, note_activity_stmt, note_on_job, note_on_job_stmt,
};
use crate::store::publications::ask_for_publication_stmt;
use crate::store::quotas::{explain, limit_new_archive};
use crate::store::read_commits::forget_read_commit_stmt;
use crate::store::versions::{NewVersion, remove_other_versions_stmt, upsert_version_stmt};

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
    if let Some(next) = take_ready(app, id, &job, commit, None).await? {
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

/// Takes in what waits at a commit; `opened` is where it comes from, if that is known by now. Some when the message is to come again; otherwise its refs are settled.
/// Tags that stand back behind one that is still being taken in are left alone.
pub(super) async fn take_ready<'a>(
    app: &'a App,
    id: &str,
    job: &RunningJob,
    commit: &'a str,
    opened: Option<&Source<'a>>,
) -> Result<Option<Next>> {
    let ready = list_ready(app, id, commit).await?;
    if ready.is_empty() {
        return Ok(None);
    }
    match take(app, id, job, commit, &ready, opened).await {
        Ok(()) => Ok(None),
        Err(error) => give_up_or_wait(app, id, job, commit, &ready, &error).await,
    }
}

/// The refs that can be decided on now.
pub(super) async fn list_ready(app: &App, id: &str, commit: &str) -> Result<Vec<WaitingRef>> {
    let mut waiting = list_waiting_refs(app, id, commit).await?;
    waiting.retain(|waiting| waiting.leader_state.as_deref() != Some("waiting"));
    Ok(waiting)
}

/// What becomes of a failure: wait and come again, or none when it is hopeless and the refs were settled as failed.
pub(super) async fn give_up_or_wait(
    app: &App,
    id: &str,
    job: &RunningJob,
    commit: &str,
    refs: &[WaitingRef],
    error: &Error,
) -> Result<Option<Next>> {
    app.db.rows(note_activity_stmt(id, app.now())).await?;
    if let ErrorKind::ArchivesLimited { retry_after } = error.kind() {
        let next = wait_for_turn(app, id, job, commit, error, retry_after).await?;
        return Ok(Some(next));
    }
    if let Some(is_news) = wait_if_refused(app, id, job.git_repo_id, error).await? {
        if is_news {
            // What was taken in so far is shown.
            enqueue_publications(app, job.package_id).await?;
        }
        return Ok(Some(Next::Done));
    }
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
    let reason = Some(error.message());
    let statements = refs
        .iter()
        .flat_map(|failed| {
            let known = KnownRef {
                name: failed.name.clone(),
                commit: commit.to_owned(),
                state: "failed".to_owned(),
                version: None,
                reason: reason.map(str::to_owned),
                rule: None,
                number: None,
            };
            [
                upsert_git_ref_stmt(job.git_repo_id, &known, app.now()),
                fail_job_ref_stmt(id, &failed.name, reason),
            ]
        })
        .collect();
    app.db.batch(statements).await?;
    Ok(None)
}

async fn take<'a>(
    app: &'a App,
    id: &str,
    job: &RunningJob,
    commit: &'a str,
    refs: &[WaitingRef],
    opened: Option<&Source<'a>>,
) -> Result<()> {
    let source = match opened {
        Some(opened) => opened.at(commit),
        None => Source::open(app, job, commit).await?,
    };
    let taken = take_from(app, id, &source, refs).await;
    heed_allowance(app, source.host.as_ref(), &source.connection.id).await?;
    taken
}

async fn take_from(app: &App, id: &str, source: &Source<'_>, refs: &[WaitingRef]) -> Result<()> {
    let commit = source.commit;
    let mut decisions = Vec::new();
    let mut manifest = None;
    for waiting in refs {
        let decision = if let Some(refused) = refuse_by_name(source, waiting) {
            refused
        } else {
            let read = match manifest.take() {
                Some(read) => read,
                None => source.read_manifest(app).await?,
            };
            let decision = match &read {
                Ok(manifest) => decide(app, source, waiting, manifest).await?,
                Err(reason) => Decision::skip(reason.clone()),
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
        time = source.commit_time(app).await?;
        let organisation = source.repo.organisation_id;
        // The host is not asked for what is here, nor for what there would be no room for.
        if let Some(limit) = limit_new_archive(app, organisation, source.package, commit).await? {
            let dist = source.fetch_archive(app, limit).await?;
            statements.push(insert_dist_stmt(source.package, commit, &dist, app.now()));
            ours = Some(dist.archive_key);
        }
    }
    let empty = Map::new();
    let fields = match &manifest {
        Some(Ok(manifest)) => manifest.fields(),
        _ => &empty,
    };
    statements.extend(row_stmts(app, id, source, &time, fields, &decisions)?);
    statements.push(note_trouble_stmt(&source.connection.id, None, app.now()));
    statements.push(note_on_job_stmt(id, None));
    statements.push(note_activity_stmt(id, app.now()));
    let names = json_list(refs.iter().map(|waiting| waiting.name.as_str()))?;
    statements.push(find_waiting_stmt(id, &names));
    statements.extend(ours.as_deref().map(find_named_stmt));
    // When the batch does not answer it may have been written all the same, so the archive is left to the sweep.
    let mut answers = match app.db.batch(statements).await {
        Ok(answers) => answers,
        Err(error) => {
            // A quota refuses the whole batch, so nothing names the archive.
            if let (ErrorKind::QuotaExceeded(_), Some(key)) = (error.kind(), &ours) {
                discard(app, key).await;
            }
            return Err(explain(app, source.repo.organisation_id, error).await);
        }
    };
    // Another import may have stored the same commit first.
    if let Some(key) = ours
        && answers.pop().is_some_and(|named| named.is_empty())
    {
        discard(app, &key).await;
    }
    if answers.last().is_some_and(|names| !names.is_empty()) {
        return Err(Error::new(
            ErrorKind::Internal,
            "The package or its versions changed meanwhile; this commit is looked at again",
        ));
    }
    Ok(())
}

/// Everything that a taken commit changes, as one batch. What was decided by what holds no more changes nothing.
fn row_stmts(
    app: &App,
    id: &str,
    source: &Source<'_>,
    time: &str,
    fields: &Map<String, Value>,
    decisions: &[(&WaitingRef, Decision)],
) -> Result<Vec<Statement>> {
    let now = app.now();
    let package = source.package;
    let mut statements = Vec::new();
    for (waiting, decision) in decisions {
        let number = tag_number(&waiting.name, &source.policy.tag_prefixes);
        let mut known = KnownRef {
            name: waiting.name.clone(),
            commit: source.commit.to_owned(),
            state: "skipped".to_owned(),
            version: None,
            reason: None,
            rule: None,
            number: waiting
                .name
                .starts_with(TAGS)
                .then(|| number.clone().unwrap_or_default()),
        };
        let mut made = None;
        match decision {
            Decision::Skip { reason, rule } => {
                known.reason = Some(reason.clone());
                known.rule = rule.map(|rule| rule.as_str().to_owned());
            }
            Decision::Take {
                version,
                is_default_branch,
                note,
            } => {
                "imported".clone_into(&mut known.state);
                known.version = Some(version.pretty().to_owned());
                known.reason.clone_from(note);
                made = Some(version.normalized());
                let new = NewVersion {
                    package,
                    version,
                    reference: source.commit,
                    git_ref: Some(&waiting.name),
                    manifest: fields,
                    time,
                    is_default_branch: *is_default_branch,
                    source: None,
                };
                statements.push(upsert_version_stmt(&new, now)?);
            }
        }
        // A branch is what it is now: what it was before leaves with it. What is of a tag's number stays.
        let stays = if known.number.is_some() {
            number.as_deref()
        } else {
            made
        };
        statements.push(remove_other_versions_stmt(package, &known.name, stays, now));
        statements.push(settle_git_ref_stmt(
            source.repo.id,
            &known,
            Some(package),
            made,
            now,
        ));
        statements.push(settle_job_ref_stmt(id, &known, package, made));
    }
    if source.read.is_some() {
        statements.push(forget_read_commit_stmt(source.repo.id, source.commit));
    }
    statements.push(ask_for_publication_stmt(package, now));
    Ok(statements)
}
