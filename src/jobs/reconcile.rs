//! List a project's refs as they are now, hold them against what is known, and start an import for each change.

use std::collections::{BTreeSet, HashMap};

use serde_json::json;

use crate::app::App;
use crate::domain::git::{CurrentRef, PlannedImport, SeenRef, plan};
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::import::connect;
use crate::jobs::outcome::ATTEMPTS;
use crate::jobs::{Outcome, enqueue_imports, settle};
use crate::providers::{GitHost, RefListing, RefPage};
use crate::store::connections::{
    GitRepo, GitRepoFacts, find_connection, find_git_repo, note_reconciled_stmt, note_trouble,
    upsert_git_repo,
};
use crate::store::git_refs::{
    delete_git_refs_stmt, list_git_refs, load_ref_pages, replace_ref_pages_stmts,
};
use crate::store::jobs::{
    RunningJob, find_running_job, insert_job_refs_stmt, move_job, note_on_job,
};
use crate::store::publications::ask_for_publication_stmt;
use crate::store::repositories::json_list;
use crate::store::versions::remove_versions_stmt;

/// Refs in one statement: with names of 250 bytes still far below D1's 2 MB for one value.
const REFS_IN_ONE_STATEMENT: usize = 1_000;

/// States from which a reconcile starts or goes on.
const OPEN: &str = r#"["queued","running"]"#;

/// Runs one reconcile.
pub async fn run(app: &App, id: &str, attempts: u32) -> Result<Outcome> {
    let Some(job) = find_running_job(app, id).await? else {
        return Ok(Outcome::Done);
    };
    if !matches!(job.state.as_str(), "queued" | "running") {
        return Ok(Outcome::Done);
    }
    match compare(app, id, &job).await {
        Ok(()) => {
            enqueue_imports(app, id).await?;
            settle(app, id, job.package_id).await?;
            Ok(Outcome::Done)
        }
        Err(error) => {
            app.warn(&format!("Reconcile of job {id} failed: {error}"));
            let waits = matches!(error.kind(), ErrorKind::RateLimited { .. });
            if waits || (error.is_retryable() && attempts < ATTEMPTS) {
                note_on_job(app, id, Some(error.message())).await?;
                return Ok(Outcome::retry(&error, attempts));
            }
            move_job(app, id, OPEN, "failed", Some(error.message())).await?;
            Ok(Outcome::Done)
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
    let (repo, listing) = looked?;
    record(app, id, job, &repo, host.as_ref(), listing).await
}

/// What the host says now: the project, which may have another name, and its refs.
async fn look(app: &App, host: &dyn GitHost, repo: &GitRepo) -> Result<(GitRepo, RefListing)> {
    let project = host.describe_project(&repo.provider_id).await?;
    let default_branch = project.default_branch.as_deref().unwrap_or_default();
    let facts = GitRepoFacts {
        provider_id: &project.provider_id,
        full_name: &project.full_name,
        default_branch,
        web_url: &project.web_url,
        clone_url: &project.clone_url,
        is_archived: project.is_archived,
    };
    let next = upsert_git_repo(app, repo.organisation_id, &repo.connection_id, &facts).await?;
    let known: HashMap<String, RefPage> = load_ref_pages(app, repo.id)
        .await?
        .into_iter()
        .filter_map(|(url, content)| Some((url, serde_json::from_str(&content).ok()?)))
        .collect();
    let listing = host.list_refs(&repo.provider_id, &known).await?;
    Ok((next, listing))
}

/// Plans, and writes what is known at once: what goes, what stays, what is to be imported.
async fn record(
    app: &App,
    id: &str,
    job: &RunningJob,
    repo: &GitRepo,
    host: &dyn GitHost,
    listing: RefListing,
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
    let found = current(&listing);
    let mut plan = plan(&known, &found);
    if !plan.removals.is_empty() {
        // A push between two pages can hide a ref from a listing; one that two listings lack is gone.
        let again = host.list_refs(&repo.provider_id, &HashMap::new()).await?;
        let there: BTreeSet<_> = again.refs.iter().map(|found| found.name.as_str()).collect();
        plan.removals.retain(|name| !there.contains(name.as_str()));
    }
    let mut statements = vec![note_reconciled_stmt(repo.id, now)];
    let pages = listing
        .pages
        .iter()
        .map(|page| {
            serde_json::to_string(page)
                .map(|content| (page.url.clone(), content))
                .map_err(Error::internal)
        })
        .collect::<Result<Vec<_>>>()?;
    statements.extend(replace_ref_pages_stmts(repo.id, &pages));
    if !plan.removals.is_empty() {
        let names = json_list(plan.removals.iter().map(String::as_str))?;
        statements.push(remove_versions_stmt(job.package_id, &names, now));
        statements.push(delete_git_refs_stmt(repo.id, &names));
    }
    // Also where nothing changed: the project may have been archived or renamed, and the same documents cost nothing.
    statements.push(ask_for_publication_stmt(job.package_id, now));
    let rows: Vec<_> =
        plan.imports
            .iter()
            .map(import_row)
            .chain(plan.unchanged.iter().map(|current| {
                json!([current.name, current.commit, "unchanged", null, null, null])
            }))
            .chain(plan.removals.iter().map(|name| {
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
            }))
            .collect();
    for chunk in rows.chunks(REFS_IN_ONE_STATEMENT) {
        let refs = serde_json::to_string(chunk).map_err(Error::internal)?;
        statements.push(insert_job_refs_stmt(id, &refs));
    }
    app.db.batch(statements).await.map(|_| ())
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
