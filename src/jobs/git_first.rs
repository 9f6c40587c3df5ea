//! A scheduled comparison asks git first, where the host's API would have to be asked more often: all refs come in one
//! request that no API counts, and as a rule they are as they were.

use crate::app::App;
use crate::domain::git::{BRANCHES, CurrentRef, plan};
use crate::error::Result;
use crate::jobs::reconcile::list_seen;
use crate::ports::db::json_list;
use crate::providers::{GitHost, GitRefs, LsRefs};
use crate::store::connections::{GitRepo, note_reconciled_stmt};
use crate::store::git_answers::{find_git_answers, note_git_refused};
use crate::store::host_facts::load_host_facts;
use crate::store::job_refs::count_unchanged_stmt;
use crate::store::packages::find_package_of_git_repo;
use crate::store::schedule::note_hook_sign_stmt;

/// How long git's word is enough, in seconds. Renames, archival, and how to pay are told by the API alone.
const API_EVERY: i64 = 24 * 60 * 60;

/// How long git is left alone that refused the credentials, in seconds: some tokens are for the API alone, and hosts shut
/// out addresses from which too many attempts fail.
const REFUSED_FOR: i64 = 7 * 24 * 60 * 60;

/// Whether git says that all is as at the last comparison; then that is noted, and nothing else is to be asked.
pub(super) async fn is_unchanged(
    app: &App,
    id: &str,
    host: &dyn GitHost,
    repo: &GitRepo,
) -> Result<bool> {
    match ask(app, host, repo).await? {
        Some(listed) => note_if_unchanged(app, id, repo, &listed).await,
        None => Ok(false),
    }
}

/// What git lists, where its word is enough and it gives one.
pub(super) async fn ask(app: &App, host: &dyn GitHost, repo: &GitRepo) -> Result<Option<GitRefs>> {
    let now = app.now();
    let answers = find_git_answers(app, repo.id).await?;
    let is_within = |time: Option<i64>, seconds: i64| {
        time.is_some_and(|time| now.saturating_sub(time) < seconds)
    };
    if !is_within(answers.listed_at, API_EVERY) || is_within(answers.git_refused_at, REFUSED_FOR) {
        return Ok(None);
    }
    match host.ls_refs(&repo.clone_url).await? {
        LsRefs::Listed(listed) => Ok(Some(listed)),
        LsRefs::Refused => {
            note_git_refused(app, &repo.connection_id).await?;
            Ok(None)
        }
        LsRefs::Unavailable => Ok(None),
    }
}

/// Whether the default branch is the one that is known, and how to pay was read at its commit.
pub(super) async fn has_known_head(app: &App, repo: &GitRepo, listed: &GitRefs) -> Result<bool> {
    let default_branch = listed.default_branch.as_deref().unwrap_or_default();
    let default_ref = format!("{BRANCHES}{default_branch}");
    let head = listed.refs.iter().find(|found| found.name == default_ref);
    let head = head.map(|found| found.commit.as_str());
    let facts = load_host_facts(app, repo.id).await?;
    let is_read = head.is_none() || facts.funding_read_at.as_deref() == head;
    Ok(repo.default_branch == default_branch && is_read)
}

/// The refs as plans are made of them.
pub(super) fn current_of(listed: &GitRefs) -> Vec<CurrentRef> {
    listed
        .refs
        .iter()
        .map(|found| CurrentRef {
            name: found.name.clone(),
            commit: found.commit.clone(),
        })
        .collect()
}

async fn note_if_unchanged(app: &App, id: &str, repo: &GitRepo, listed: &GitRefs) -> Result<bool> {
    let Some(package) = find_package_of_git_repo(app, repo.id).await? else {
        return Ok(false);
    };
    let default_branch = listed.default_branch.as_deref().unwrap_or_default();
    let default_ref = format!("{BRANCHES}{default_branch}");
    let head = listed.refs.iter().find(|found| found.name == default_ref);
    let head = head.map(|found| found.commit.as_str());
    // The name and how to pay are read again at each commit of the default branch.
    let is_named = head.is_none() || repo.named_commit.as_deref() == head;
    if !is_named || !has_known_head(app, repo, listed).await? {
        return Ok(false);
    }
    let known = list_seen(app, repo.id, package.id).await?;
    let plan = plan(
        &known,
        &current_of(listed),
        default_branch,
        &package.policy()?,
    );
    if !plan.imports.is_empty() || !plan.exclusions.is_empty() || !plan.removals.is_empty() {
        return Ok(false);
    }
    let unchanged = json_list(plan.unchanged.iter().map(|current| current.name.as_str()))?;
    let statements = vec![
        note_reconciled_stmt(repo.id, app.now()),
        note_hook_sign_stmt(repo.id, false, app.now(), app.now()),
        count_unchanged_stmt(id, &unchanged),
    ];
    app.db.batch(statements).await?;
    Ok(true)
}
