//! List the refs of a git repository with many packages, and look at what is new.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::app::App;
use crate::domain::git::{RefRule, SeenRef};
use crate::domain::monorepo::{LookPlan, plan_looks};
use crate::domain::policy::PackagePolicy;
use crate::error::{Error, Result};
use crate::jobs::git_first;
use crate::jobs::keep_hook::enqueue_if_due;
use crate::jobs::look::{Looked, confirm_removals, look};
use crate::jobs::monorepo::{Opened, enqueue_publications_of_git_repo, send_looks};
use crate::jobs::outcome::Next;
use crate::jobs::reconcile::{
    OPEN, REFS_IN_ONE_STATEMENT, SCHEDULE, current, excluded_row, is_as_known, note_fault,
    removed_row, wait_or_fail,
};
use crate::jobs::source::{connect, heed_allowance};
use crate::jobs::withheld::refuse_while_withheld;
use crate::ports::Statement;
use crate::ports::db::json_list;
use crate::providers::GitHost;
use crate::store::commit_folders::list_looked_commits;
use crate::store::connections::{GitRepo, note_reconciled_stmt, note_trouble};
use crate::store::folder_refs::note_waiting_refs_stmt;
use crate::store::git_refs::{delete_git_refs_stmt, exclude_git_refs_stmt, list_git_refs};
use crate::store::host_facts::load_host_facts;
use crate::store::job_refs::{count_unchanged_stmt, insert_job_refs_stmt};
use crate::store::jobs::move_job;
use crate::store::monorepos::{MonorepoJob, find_monorepo_job, list_packages_of_git_repo};
use crate::store::publications::ask_for_publications_of_git_repo_stmt;
use crate::store::schedule::note_hook_sign_stmt;

/// Runs one reconcile.
pub(in crate::jobs) async fn run(app: &App, id: &str, attempts: u32) -> Result<Next> {
    let Some(job) = find_monorepo_job(app, id).await? else {
        return Ok(Next::Done);
    };
    match job.state.as_str() {
        "queued" | "running" => {}
        "publishing" => {
            enqueue_publications_of_git_repo(app, job.git_repo_id).await?;
            return Ok(Next::Done);
        }
        _ => return Ok(Next::Done),
    }
    match compare(app, id, &job).await {
        Ok(opened) => {
            send_looks(app, id, &opened).await?;
            enqueue_if_due(app, job.git_repo_id).await?;
            Ok(Next::Done)
        }
        Err(error) => wait_or_fail(app, id, job.git_repo_id, &error, attempts).await,
    }
}

async fn compare(app: &App, id: &str, job: &MonorepoJob) -> Result<Opened> {
    let opened = Opened::open(app, job.git_repo_id).await?;
    // From here on what is pushed needs a job of its own: this one is about to look.
    move_job(app, id, OPEN, "running", None).await?;
    refuse_while_withheld(app, &opened.repo)?;
    let host = connect(app, &opened.connection).await?;
    // Whether what was amiss is over is for the API to say.
    let asks_git = job.cause == SCHEDULE
        && opened.connection.trouble.is_none()
        && opened.repo.withheld_at.is_none();
    if asks_git && is_unchanged(app, id, host.as_ref(), &opened.repo).await? {
        return Ok(opened);
    }
    let found = look(app, host.as_ref(), &opened.repo).await;
    match &found {
        Ok(_) => note_trouble(app, &opened.connection.id, None).await?,
        Err(error) => note_fault(app, &opened.connection, error).await?,
    }
    heed_allowance(app, host.as_ref(), &opened.connection.id).await?;
    record(app, id, job, &opened, host.as_ref(), found?).await?;
    Ok(opened)
}

/// Whether git says that all refs are as they were looked at; then that is noted.
async fn is_unchanged(app: &App, id: &str, host: &dyn GitHost, repo: &GitRepo) -> Result<bool> {
    let Some(listed) = git_first::ask(app, host, repo).await? else {
        return Ok(false);
    };
    if !git_first::has_known_head(app, repo, &listed).await? {
        return Ok(false);
    }
    let known = list_seen(app, repo.id).await?;
    let commits: BTreeSet<String> = list_looked_commits(app, repo.id)
        .await?
        .into_iter()
        .collect();
    let policies = load_policies(app, repo.id).await?;
    let current = git_first::current_of(&listed);
    let plan = plan_looks(&known, &current, &commits, &repo.default_branch, &policies);
    if !plan.looks.is_empty() || !plan.exclusions.is_empty() || !plan.removals.is_empty() {
        return Ok(false);
    }
    let now = app.now();
    let unchanged = json_list(plan.unchanged.iter().map(|current| current.name.as_str()))?;
    let statements = vec![
        note_reconciled_stmt(repo.id, now),
        note_hook_sign_stmt(repo.id, false, now, now),
        count_unchanged_stmt(id, &unchanged),
    ];
    app.db.batch(statements).await?;
    Ok(true)
}

/// Writes in one batch which refs there are, and which of them are to be looked at.
async fn record(
    app: &App,
    id: &str,
    job: &MonorepoJob,
    opened: &Opened,
    host: &dyn GitHost,
    looked: Looked,
) -> Result<()> {
    let now = app.now();
    let repo = &opened.repo;
    let Looked {
        project,
        listing,
        facts: host_facts,
    } = &looked;
    let default_branch = project.default_branch.as_deref().unwrap_or_default();
    let known = list_seen(app, repo.id).await?;
    let commits: BTreeSet<String> = list_looked_commits(app, repo.id)
        .await?
        .into_iter()
        .collect();
    let policies = load_policies(app, repo.id).await?;
    let mut plan = plan_looks(
        &known,
        &current(listing),
        &commits,
        default_branch,
        &policies,
    );
    confirm_removals(host, repo, &mut plan.removals).await?;
    let mut statements = looked.keep_stmts(repo, now)?;
    if !plan.removals.is_empty() {
        let gone = json_list(plan.removals.iter().map(String::as_str))?;
        statements.push(delete_git_refs_stmt(repo.id, &gone));
    }
    if job.cause == SCHEDULE {
        let found_news = !plan.removals.is_empty() || !is_as_known(listing, &known);
        let sign = note_hook_sign_stmt(repo.id, found_news, job.created_at, now);
        statements.push(sign);
    }
    let says_otherwise = (repo.is_archived != 0) != project.is_archived
        || !load_host_facts(app, repo.id)
            .await?
            .says_the_same(host_facts);
    if says_otherwise {
        statements.push(ask_for_publications_of_git_repo_stmt(repo.id, now));
    }
    statements.extend(ref_stmts(repo.id, &plan, now)?);
    for chunk in job_rows(&plan, &known).chunks(REFS_IN_ONE_STATEMENT) {
        let refs = serde_json::to_string(chunk).map_err(Error::internal)?;
        statements.push(insert_job_refs_stmt(id, &refs));
    }
    let unchanged = json_list(plan.unchanged.iter().map(|current| current.name.as_str()))?;
    statements.push(count_unchanged_stmt(id, &unchanged));
    app.db.batch(statements).await.map(|_| ())
}

/// What becomes of the refs that are there and are news.
fn ref_stmts(git_repo: i64, plan: &LookPlan, now: i64) -> Result<Vec<Statement>> {
    let mut statements = Vec::new();
    for chunk in plan.looks.chunks(REFS_IN_ONE_STATEMENT) {
        let refs: Vec<_> = chunk
            .iter()
            .map(|current| json!([current.name, current.commit]))
            .collect();
        let refs = serde_json::to_string(&refs).map_err(Error::internal)?;
        statements.push(note_waiting_refs_stmt(git_repo, &refs, now));
    }
    for chunk in plan.exclusions.chunks(REFS_IN_ONE_STATEMENT) {
        let refs: Vec<_> = chunk
            .iter()
            .map(|branch| json!([branch.name, branch.commit, branch.reason]))
            .collect();
        let refs = serde_json::to_string(&refs).map_err(Error::internal)?;
        statements.push(exclude_git_refs_stmt(git_repo, &refs, now));
    }
    Ok(statements)
}

/// The same as the job shows it.
fn job_rows(plan: &LookPlan, known: &[SeenRef]) -> Vec<Value> {
    let looks = plan
        .looks
        .iter()
        .map(|current| json!([current.name, current.commit, "waiting", null, null, null]));
    let exclusions = plan.exclusions.iter().map(excluded_row);
    let reason = "the ref is gone; its archives stay for lock files";
    let removals = plan.removals.iter();
    let removals = removals.map(|name| removed_row(name, known, reason));
    looks.chain(exclusions).chain(removals).collect()
}

async fn list_seen(app: &App, git_repo: i64) -> Result<Vec<SeenRef>> {
    let known = list_git_refs(app, git_repo).await?;
    Ok(known
        .into_iter()
        .map(|known| SeenRef {
            is_settled: matches!(known.state.as_str(), "imported" | "skipped"),
            rule: known.rule.as_deref().and_then(RefRule::parse),
            name: known.name,
            commit: known.commit,
            number: None,
            reason: known.reason,
        })
        .collect())
}

/// The settings of all packages; before there is any, those that the first will have.
async fn load_policies(app: &App, git_repo: i64) -> Result<Vec<PackagePolicy>> {
    let mut policies = list_packages_of_git_repo(app, git_repo)
        .await?
        .iter()
        .filter(|package| package.folder.is_some())
        .map(crate::store::packages::Package::policy)
        .collect::<Result<Vec<_>>>()?;
    if policies.is_empty() {
        policies.push(PackagePolicy::of_new_package());
    }
    Ok(policies)
}
