//! List a project's refs as they are now, hold them against what is known, and start an import for each change.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::app::App;
use crate::domain::git::{BRANCHES, CurrentRef, Exclusion, PlannedImport, RefRule, SeenRef, plan};
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::git_first::is_unchanged;
use crate::jobs::keep_hook::enqueue_if_due;
use crate::jobs::look::{Looked, confirm_removals, look_and_name};
use crate::jobs::monorepo;
use crate::jobs::outcome::{ATTEMPTS, Next};
use crate::jobs::refused::wait_if_refused;
use crate::jobs::rename::Named;
use crate::jobs::source::{connect, heed_allowance};
use crate::jobs::withheld::refuse_while_withheld;
use crate::jobs::{enqueue_imports, settle};
use crate::ports::Statement;
use crate::ports::db::json_list;
use crate::providers::{GitHost, RefListing};
use crate::store::connections::{
    Connection, GitRepo, find_connection, find_git_repo, note_named_commit_stmt, note_pause,
    note_trouble,
};
use crate::store::git_refs::{delete_git_refs_stmt, exclude_git_refs_stmt, list_git_refs};
use crate::store::host_facts::load_host_facts;
use crate::store::job_refs::{count_unchanged_stmt, insert_job_refs_stmt};
use crate::store::jobs::{
    RunningJob, copy_notice_stmt, find_running_job, move_job, move_job_to_package_stmt, note_on_job,
};
use crate::store::packages::note_on_package_stmt;
use crate::store::publications::{ask_for_publication_stmt, ask_for_publications_of_git_repo_stmt};
use crate::store::schedule::note_hook_sign_stmt;
use crate::store::versions::{list_forgotten_refs, mark_default_branch_stmt, remove_versions_stmt};

/// Refs in one statement: with names of 250 bytes still far below D1's 2 MB for one value.
pub(super) const REFS_IN_ONE_STATEMENT: usize = 1_000;

/// The cause of a job that nobody and nothing asked for.
pub(super) const SCHEDULE: &str = "schedule";

/// States from which a reconcile starts or goes on.
pub(super) const OPEN: &str = r#"["queued","running"]"#;

/// Runs one reconcile.
pub(crate) async fn run(app: &App, id: &str, attempts: u32) -> Result<Next> {
    let Some(job) = find_running_job(app, id).await? else {
        // One about many packages has none of its own.
        return monorepo::reconcile::run(app, id, attempts).await;
    };
    match job.state.as_str() {
        "queued" | "running" => {}
        "publishing" => {
            // All was compared, but the messages for its hook and for what publishes it may never have been sent.
            enqueue_if_due(app, job.git_repo_id).await?;
            settle(app, id, job.package_id).await?;
            return Ok(Next::Done);
        }
        "done" => {
            enqueue_if_due(app, job.git_repo_id).await?;
            return Ok(Next::Done);
        }
        _ => return Ok(Next::Done),
    }
    match compare(app, id, &job).await {
        Ok(package) => {
            enqueue_imports(app, id).await?;
            enqueue_if_due(app, job.git_repo_id).await?;
            settle(app, id, package).await?;
            Ok(Next::Done)
        }
        Err(error) => wait_or_fail(app, id, job.git_repo_id, &error, attempts).await,
    }
}

/// What becomes of a comparison that could not be made: its message comes again, or waits as long as the host wants, or the
/// job fails with the reason.
pub(super) async fn wait_or_fail(
    app: &App,
    id: &str,
    git_repo: i64,
    error: &Error,
    attempts: u32,
) -> Result<Next> {
    if wait_if_refused(app, id, git_repo, error).await?.is_some() {
        return Ok(Next::Done);
    }
    app.warn(&format!("Reconcile of job {id} failed: {error}"));
    let waits = if let ErrorKind::RateLimited { retry_after } = error.kind() {
        note_pause(app, git_repo, retry_after).await?;
        true
    } else {
        false
    };
    if waits || (error.is_retryable() && attempts < ATTEMPTS) {
        note_on_job(app, id, Some(error.message())).await?;
        return Ok(Next::after(error, attempts));
    }
    move_job(app, id, OPEN, "failed", Some(error.message())).await?;
    Ok(Next::Done)
}

/// Compares, and gives the package that is synced, which may have another name by now.
async fn compare(app: &App, id: &str, job: &RunningJob) -> Result<i64> {
    let repo = find_git_repo(app, job.git_repo_id)
        .await?
        .ok_or_else(|| Error::not_found("The git repository was removed here"))?;
    let connection = find_connection(app, &repo.connection_id)
        .await?
        .ok_or_else(|| Error::not_found("The connection was removed here"))?;
    // From here on what is pushed needs a job of its own: this one is about to look.
    move_job(app, id, OPEN, "running", None).await?;
    refuse_while_withheld(app, &repo)?;
    let host = match connect(app, &connection).await {
        Ok(host) => host,
        Err(error) => {
            // An installation that was suspended gives no token to look with.
            note_fault(app, &connection, &error).await?;
            return Err(error);
        }
    };
    // Whether what was amiss is over is for the API to say.
    let asks_git =
        job.cause == SCHEDULE && connection.trouble.is_none() && repo.withheld_at.is_none();
    if asks_git && is_unchanged(app, id, host.as_ref(), &repo).await? {
        return Ok(job.package_id);
    }
    let found = look_and_name(app, id, host.as_ref(), &repo).await;
    match &found {
        Ok(_) => note_trouble(app, &connection.id, None).await?,
        Err(error) => note_fault(app, &connection, error).await?,
    }
    heed_allowance(app, host.as_ref(), &connection.id).await?;
    let (looked, named) = found?;
    record(app, id, job, &named, &repo, host.as_ref(), looked).await?;
    Ok(named.package.id)
}

/// Notes what the host or the token is to blame for, and not this one project.
pub(super) async fn note_fault(app: &App, connection: &Connection, error: &Error) -> Result<()> {
    if matches!(error.kind(), ErrorKind::Upstream { .. }) {
        note_trouble(app, &connection.id, Some(error.message())).await?;
    }
    Ok(())
}

/// Plans, and writes what is known at once, in one batch: what goes, what stays, what is to be imported.
async fn record(
    app: &App,
    id: &str,
    job: &RunningJob,
    named: &Named,
    repo: &GitRepo,
    host: &dyn GitHost,
    looked: Looked,
) -> Result<()> {
    let now = app.now();
    let Looked {
        project,
        listing,
        facts: host_facts,
    } = &looked;
    let package = named.package.id;
    let known = list_seen(app, repo.id, package).await?;
    let default_branch = project.default_branch.as_deref().unwrap_or_default();
    let policy = named.package.policy()?;
    let mut plan = plan(&known, &current(listing), default_branch, &policy);
    confirm_removals(host, repo, &mut plan.removals).await?;
    let mut statements = looked.keep_stmts(repo, now)?;
    statements.extend([
        note_named_commit_stmt(repo.id, named.commit.as_deref()),
        note_on_package_stmt(package, named.notice.as_deref()),
        move_job_to_package_stmt(id, package),
        copy_notice_stmt(id, package),
        mark_default_branch_stmt(package, &format!("{BRANCHES}{default_branch}")),
    ]);
    if job.cause == SCHEDULE {
        let found_news = !plan.removals.is_empty() || !is_as_known(listing, &known);
        let sign = note_hook_sign_stmt(repo.id, found_news, job.created_at, now);
        statements.push(sign);
    }
    if !plan.removals.is_empty() {
        let gone = json_list(plan.removals.iter().map(String::as_str))?;
        statements.push(remove_versions_stmt(package, &gone, now));
        statements.push(delete_git_refs_stmt(repo.id, &gone));
    }
    statements.extend(exclude_stmts(package, repo.id, &plan.exclusions, now)?);
    let says_otherwise = repo.default_branch != default_branch
        || repo.clone_url != project.clone_url
        || (repo.is_archived != 0) != project.is_archived
        || !load_host_facts(app, repo.id)
            .await?
            .says_the_same(host_facts);
    if says_otherwise {
        statements.push(ask_for_publications_of_git_repo_stmt(repo.id, now));
    } else if !plan.removals.is_empty() || !plan.exclusions.is_empty() {
        statements.push(ask_for_publication_stmt(package, now));
    }
    let reason = "the ref is gone; its archive stays for lock files";
    let removed = plan.removals.iter();
    let removed = removed.map(|name| removed_row(name, &known, reason));
    let excluded = plan.exclusions.iter().map(excluded_row);
    let imports = plan.imports.iter().map(import_row);
    let rows: Vec<_> = imports.chain(excluded).chain(removed).collect();
    for chunk in rows.chunks(REFS_IN_ONE_STATEMENT) {
        let refs = serde_json::to_string(chunk).map_err(Error::internal)?;
        statements.push(insert_job_refs_stmt(id, &refs));
    }
    let unchanged = json_list(plan.unchanged.iter().map(|current| current.name.as_str()))?;
    statements.push(count_unchanged_stmt(id, &unchanged));
    app.db.batch(statements).await.map(|_| ())
}

/// A branch that the settings leave out, as its job shows it.
pub(super) fn excluded_row(branch: &Exclusion) -> Value {
    json!([
        branch.name,
        branch.commit,
        "skipped",
        null,
        branch.reason,
        null
    ])
}

/// A ref that is gone, as its job shows it.
pub(super) fn removed_row(name: &str, known: &[SeenRef], reason: &str) -> Value {
    let seen = known.iter().find(|known| known.name == name);
    let commit = seen.map_or("", |seen| seen.commit.as_str());
    json!([name, commit, "removed", null, reason, null])
}

/// Whether each ref was seen before, at the same commit.
pub(super) fn is_as_known(listing: &RefListing, known: &[SeenRef]) -> bool {
    let known: HashMap<_, _> = known
        .iter()
        .map(|seen| (seen.name.as_str(), seen.commit.as_str()))
        .collect();
    let mut refs = listing.refs.iter();
    refs.all(|found| known.get(found.name.as_str()) == Some(&found.commit.as_str()))
}

/// Leaves branches out: their versions leave the metadata, and the reason stands with the refs.
fn exclude_stmts(
    package: i64,
    git_repo: i64,
    exclusions: &[Exclusion],
    now: i64,
) -> Result<Vec<Statement>> {
    let mut statements = Vec::new();
    for chunk in exclusions.chunks(REFS_IN_ONE_STATEMENT) {
        let names = json_list(chunk.iter().map(|branch| branch.name.as_str()))?;
        let rows: Vec<_> = chunk
            .iter()
            .map(|branch| json!([branch.name, branch.commit, branch.reason]))
            .collect();
        let rows = serde_json::to_string(&rows).map_err(Error::internal)?;
        statements.push(remove_versions_stmt(package, &names, now));
        statements.push(exclude_git_refs_stmt(git_repo, &rows, now));
    }
    Ok(statements)
}

/// What is known of the refs. Those that a version was made of and that are not known otherwise are to be looked at:
/// the package is synced again after it had another name.
pub(super) async fn list_seen(app: &App, git_repo: i64, package: i64) -> Result<Vec<SeenRef>> {
    let forgotten = list_forgotten_refs(app, package, git_repo).await?;
    let forgotten = forgotten.into_iter().map(|known| SeenRef {
        is_settled: false,
        name: known.name,
        commit: known.commit,
        rule: None,
        number: None,
        reason: None,
    });
    let known = list_git_refs(app, git_repo).await?;
    let known = known.into_iter().map(|known| SeenRef {
        is_settled: known.state != "failed",
        rule: known.rule.as_deref().and_then(RefRule::parse),
        name: known.name,
        commit: known.commit,
        number: known.number,
        reason: known.reason,
    });
    Ok(known.chain(forgotten).collect())
}

fn import_row(import: &PlannedImport) -> Value {
    json!([
        import.name,
        import.commit,
        "waiting",
        null,
        null,
        import.yields_to
    ])
}

pub(super) fn current(listing: &RefListing) -> Vec<CurrentRef> {
    listing
        .refs
        .iter()
        .map(|found| CurrentRef {
            name: found.name.clone(),
            commit: found.commit.clone(),
        })
        .collect()
}
