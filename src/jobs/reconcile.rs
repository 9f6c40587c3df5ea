//! List a project's refs as they are now, hold them against what is known, and start an import for each change.

use std::collections::{BTreeSet, HashMap};

use serde_json::json;

use crate::app::App;
use crate::domain::git::{BRANCHES, CurrentRef, PlannedImport, SeenRef, plan};
use crate::domain::host_facts::ProjectFacts;
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::outcome::{ATTEMPTS, Next};
use crate::jobs::source::connect;
use crate::jobs::{enqueue_imports, settle};
use crate::ports::db::json_list;
use crate::providers::{GitHost, Project, RefListing, RefPage};
use crate::store::connections::{
    GitRepo, GitRepoFacts, find_connection, find_git_repo, note_pause, note_reconciled_stmt,
    note_trouble, upsert_git_repo_stmt,
};
use crate::store::git_refs::{
    delete_git_refs_stmt, list_git_refs, load_ref_pages, replace_ref_pages_stmts,
};
use crate::store::host_facts::{load_host_facts, save_host_facts_stmt};
use crate::store::job_refs::{count_unchanged_stmt, insert_job_refs_stmt};
use crate::store::jobs::{RunningJob, find_running_job, move_job, note_on_job};
use crate::store::publications::ask_for_publication_stmt;
use crate::store::versions::{mark_default_branch_stmt, remove_versions_stmt};

/// Refs in one statement: with names of 250 bytes still far below D1's 2 MB for one value.
const REFS_IN_ONE_STATEMENT: usize = 1_000;

/// States from which a reconcile starts or goes on.
pub(super) const OPEN: &str = r#"["queued","running"]"#;

/// Runs one reconcile.
pub(crate) async fn run(app: &App, id: &str, attempts: u32) -> Result<Next> {
    let Some(job) = find_running_job(app, id).await? else {
        return Ok(Next::Done);
    };
    match job.state.as_str() {
        "queued" | "running" => {}
        "publishing" => {
            // All was compared, but the message that publishes it may never have been sent.
            settle(app, id, job.package_id).await?;
            return Ok(Next::Done);
        }
        _ => return Ok(Next::Done),
    }
    match compare(app, id, &job).await {
        Ok(()) => {
            enqueue_imports(app, id).await?;
            settle(app, id, job.package_id).await?;
            Ok(Next::Done)
        }
        Err(error) => {
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

async fn compare(app: &App, id: &str, job: &RunningJob) -> Result<()> {
    let repo = find_git_repo(app, job.git_repo_id)
        .await?
        .ok_or_else(|| Error::not_found("The git repository was removed here"))?;
    let connection = find_connection(app, &repo.connection_id)
        .await?
        .ok_or_else(|| Error::not_found("The connection was removed here"))?;
    // From here on what is pushed needs a job of its own: this one is about to look.
    move_job(app, id, OPEN, "running", None).await?;
    let host = connect(app, &connection).await?;
    let looked = look(app, host.as_ref(), &repo).await;
    match &looked {
        Ok(_) => note_trouble(app, &connection.id, None).await?,
        // The host or the token is to blame, not this one project.
        Err(error) if matches!(error.kind(), ErrorKind::Upstream { .. }) => {
            note_trouble(app, &connection.id, Some(error.message())).await?;
        }
        Err(_) => {}
    }
    record(app, id, job, &repo, host.as_ref(), looked?).await
}

/// What the host says now: the project, which may have another name, and its refs.
async fn look(
    app: &App,
    host: &dyn GitHost,
    repo: &GitRepo,
) -> Result<(Project, RefListing, ProjectFacts)> {
    let project = host.describe_project(&repo.provider_id).await?;
    let known: HashMap<String, RefPage> = load_ref_pages(app, repo.id)
        .await?
        .into_iter()
        .filter_map(|(url, content)| Some((url, serde_json::from_str(&content).ok()?)))
        .collect();
    let listing = host.list_refs(&repo.provider_id, &known).await?;
    let facts = look_at_facts(app, host, repo, &project, &listing).await?;
    Ok((project, listing, facts))
}

/// What goes into every version's metadata. How to pay is read again when the default branch has moved, so that a
/// comparison that finds nothing new costs no request more.
async fn look_at_facts(
    app: &App,
    host: &dyn GitHost,
    repo: &GitRepo,
    project: &Project,
    listing: &RefListing,
) -> Result<ProjectFacts> {
    let known = load_host_facts(app, repo.id).await?;
    let branch = project.default_branch.as_deref().unwrap_or_default();
    let name = format!("{BRANCHES}{branch}");
    let head = listing
        .refs
        .iter()
        .find(|found| found.name == name)
        .map(|found| found.commit.clone());
    let mut facts = ProjectFacts {
        source_page: project.source_page.clone(),
        issues_page: project.issues_page.clone(),
        homepage: project.homepage.clone(),
        ..known
    };
    if head.is_none() || head == facts.funding_read_at {
        return Ok(facts);
    }
    match host.read_funding(project).await {
        Ok(funding) => {
            facts.funding = funding;
            facts.funding_read_at = head;
        }
        Err(error) if matches!(error.kind(), ErrorKind::RateLimited { .. }) => return Err(error),
        // Versions are worth more than this; the next comparison tries again.
        Err(error) => app.warn(&format!(
            "The funding of {} could not be read: {error}",
            project.full_name
        )),
    }
    Ok(facts)
}

/// Plans, and writes what is known at once, in one batch: what goes, what stays, what is to be imported.
async fn record(
    app: &App,
    id: &str,
    job: &RunningJob,
    repo: &GitRepo,
    host: &dyn GitHost,
    (project, listing, host_facts): (Project, RefListing, ProjectFacts),
) -> Result<()> {
    let now = app.now();
    let known: Vec<SeenRef> = list_git_refs(app, repo.id)
        .await?
        .into_iter()
        .map(|known| SeenRef {
            is_settled: known.state != "failed",
            name: known.name,
            commit: known.commit,
        })
        .collect();
    let mut plan = plan(&known, &current(&listing));
    if !plan.removals.is_empty() {
        // A push between two pages can hide a ref from a listing; one that two listings lack is gone.
        let again = host.list_refs(&repo.provider_id, &HashMap::new()).await?;
        let there: BTreeSet<_> = again.refs.iter().map(|found| found.name.as_str()).collect();
        plan.removals.retain(|name| !there.contains(name.as_str()));
    }
    let default_branch = project.default_branch.as_deref().unwrap_or_default();
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
        save_host_facts_stmt(repo.id, &host_facts)?,
        mark_default_branch_stmt(job.package_id, &format!("{BRANCHES}{default_branch}")),
    ];
    statements.extend(replace_ref_pages_stmts(repo.id, &page_texts(&listing)?));
    if !plan.removals.is_empty() {
        let names = json_list(plan.removals.iter().map(String::as_str))?;
        statements.push(remove_versions_stmt(job.package_id, &names, now));
        statements.push(delete_git_refs_stmt(repo.id, &names));
    }
    let says_otherwise = repo.default_branch != default_branch
        || repo.clone_url != project.clone_url
        || (repo.is_archived != 0) != project.is_archived
        || !load_host_facts(app, repo.id)
            .await?
            .says_the_same(&host_facts);
    if !plan.removals.is_empty() || says_otherwise {
        statements.push(ask_for_publication_stmt(job.package_id, now));
    }
    let removed = plan.removals.iter().map(|name| {
        let commit = known
            .iter()
            .find(|known| known.name == *name)
            .map_or("", |known| known.commit.as_str());
        json!([
            name,
            commit,
            "removed",
            null,
            "the ref is gone; its archive stays for lock files",
            null
        ])
    });
    let rows: Vec<_> = plan.imports.iter().map(import_row).chain(removed).collect();
    for chunk in rows.chunks(REFS_IN_ONE_STATEMENT) {
        let refs = serde_json::to_string(chunk).map_err(Error::internal)?;
        statements.push(insert_job_refs_stmt(id, &refs));
    }
    let unchanged = json_list(plan.unchanged.iter().map(|current| current.name.as_str()))?;
    statements.push(count_unchanged_stmt(id, &unchanged));
    app.db.batch(statements).await.map(|_| ())
}

fn page_texts(listing: &RefListing) -> Result<Vec<(String, String)>> {
    listing
        .pages
        .iter()
        .map(|page| {
            serde_json::to_string(page)
                .map(|content| (page.url.clone(), content))
                .map_err(Error::internal)
        })
        .collect()
}

fn import_row(import: &PlannedImport) -> serde_json::Value {
    json!([
        import.name,
        import.commit,
        "waiting",
        null,
        null,
        import.yields_to
    ])
}

fn current(listing: &RefListing) -> Vec<CurrentRef> {
    listing
        .refs
        .iter()
        .map(|found| CurrentRef {
            name: found.name.clone(),
            commit: found.commit.clone(),
        })
        .collect()
}
