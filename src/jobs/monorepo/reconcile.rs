//! List the refs of a git repository with many packages, and look at what is new.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use crate::app::App;
use crate::domain::git::{RefRule, SeenRef};
use crate::domain::monorepo::{LookPlan, plan_looks};
use crate::domain::policy::PackagePolicy;
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::git_first;
use crate::jobs::keep_hook::enqueue_if_due;
use crate::jobs::look::{Looked, look};
use crate::jobs::monorepo::{Opened, enqueue_publications_of_git_repo, send_looks};
use crate::jobs::outcome::{ATTEMPTS, Next};
use crate::jobs::reconcile::{
    OPEN, REFS_IN_ONE_STATEMENT, SCHEDULE, current, is_as_known, page_texts,
};
use crate::jobs::refused::wait_if_refused;
use crate::jobs::source::{connect, heed_allowance};
use crate::jobs::withheld::refuse_while_withheld;
use crate::ports::Statement;
use crate::ports::db::json_list;
use crate::providers::GitHost;
use crate::store::commit_folders::list_looked_commits;
use crate::store::connections::{
    GitRepo, GitRepoFacts, note_pause, note_reconciled_stmt, note_trouble, upsert_git_repo_stmt,
};
use crate::store::folder_refs::note_waiting_refs_stmt;
use crate::store::git_answers::note_listed_stmt;
use crate::store::git_refs::{
    delete_git_refs_stmt, exclude_git_refs_stmt, list_git_refs, replace_ref_pages_stmts,
};
use crate::store::host_facts::{load_host_facts, save_host_facts_stmt};
use crate::store::job_refs::{count_unchanged_stmt, insert_job_refs_stmt};
use crate::store::jobs::{move_job, note_on_job};
use crate::store::monorepos::{MonorepoJob, find_monorepo_job, list_packages_of_git_repo};
use crate::store::publications::ask_for_publications_of_git_repo_stmt;
use crate::store::schedule::note_hook_sign_stmt;
use crate::store::withheld::note_shown_stmt;

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
        Err(error) => {
            if wait_if_refused(app, id, job.git_repo_id, &error)
                .await?
                .is_some()
            {
                return Ok(Next::Done);
            }
            app.warn(&format!("Reconcile of job {id} failed: {error}"));
            let waits = if let ErrorKind::RateLimited { retry_after } = error.kind() {
                note_pause(app, job.git_repo_id, retry_after).await?;
                true
            } else {
                false
            };
            if waits || (error.is_retryable() && attempts < ATTEMPTS) {
                note_on_job(app, id, Some(error.message())).await?;
                return Ok(Next::after(&error, attempts));
            }
            move_job(app, id, OPEN, "failed", Some(error.message())).await?;
            Ok(Next::Done)
        }
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
        // The host or the token is to blame, not this one project.
        Err(error) if matches!(error.kind(), ErrorKind::Upstream { .. }) => {
            note_trouble(app, &opened.connection.id, Some(error.message())).await?;
        }
        Err(_) => {}
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
    } = looked;
    let default_branch = project.default_branch.as_deref().unwrap_or_default();
    let known = list_seen(app, repo.id).await?;
    let commits: BTreeSet<String> = list_looked_commits(app, repo.id)
        .await?
        .into_iter()
        .collect();
    let policies = load_policies(app, repo.id).await?;
    let mut plan = plan_looks(
        &known,
        &current(&listing),
        &commits,
        default_branch,
        &policies,
    );
    if !plan.removals.is_empty() {
        // A push between two pages can hide a ref from a listing; one that two listings lack is gone.
        let again = host.list_refs(&repo.provider_id, &HashMap::new()).await?;
        let there: BTreeSet<_> = again.refs.iter().map(|found| found.name.as_str()).collect();
        plan.removals.retain(|name| !there.contains(name.as_str()));
    }
    let facts = GitRepoFacts {
        provider_id: &project.provider_id,
        full_name: &project.full_name,
        default_branch,
        web_url: &project.web_url,
        clone_url: &project.clone_url,
        is_archived: project.is_archived,
    };
    let mut statements = vec![
        upsert_git_repo_stmt(repo.organisation_id, &repo.connection_id, &facts, now),
        note_reconciled_stmt(repo.id, now),
        note_listed_stmt(repo.id, now),
        note_shown_stmt(repo.id),
        save_host_facts_stmt(repo.id, &host_facts)?,
    ];
    statements.extend(replace_ref_pages_stmts(repo.id, &page_texts(&listing)?));
    if !plan.removals.is_empty() {
        let gone = json_list(plan.removals.iter().map(String::as_str))?;
        statements.push(delete_git_refs_stmt(repo.id, &gone));
    }
    if job.cause == SCHEDULE {
        let found_news = !plan.removals.is_empty() || !is_as_known(&listing, &known);
        let sign = note_hook_sign_stmt(repo.id, found_news, job.created_at, now);
        statements.push(sign);
    }
    let says_otherwise = (repo.is_archived != 0) != project.is_archived
        || !load_host_facts(app, repo.id)
            .await?
            .says_the_same(&host_facts);
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
    let exclusions = plan.exclusions.iter().map(|branch| {
        json!([
            branch.name,
            branch.commit,
            "skipped",
            null,
            branch.reason,
            null
        ])
    });
    let removals = plan.removals.iter().map(|name| {
        let seen = known.iter().find(|known| known.name == *name);
        let commit = seen.map_or("", |seen| seen.commit.as_str());
        let reason = "the ref is gone; its archives stay for lock files";
        json!([name, commit, "removed", null, reason, null])
    });
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
