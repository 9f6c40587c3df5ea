//! What a git host says of a project at this moment.

use std::collections::{BTreeSet, HashMap};

use crate::app::App;
use crate::domain::git::BRANCHES;
use crate::domain::host_facts::ProjectFacts;
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::rename::{Named, follow_name};
use crate::jobs::withheld::as_withheld;
use crate::ports::Statement;
use crate::providers::{GitHost, Project, RefListing, RefPage};
use crate::store::connections::{
    GitRepo, GitRepoFacts, note_reconciled_stmt, upsert_git_repo_stmt,
};
use crate::store::git_answers::note_listed_stmt;
use crate::store::git_refs::{load_ref_pages, replace_ref_pages_stmts};
use crate::store::host_facts::{load_host_facts, save_host_facts_stmt};
use crate::store::withheld::note_shown_stmt;

/// All that was asked for.
pub(super) struct Looked {
    /// The project, which may have another name by now.
    pub(super) project: Project,
    /// Its refs.
    pub(super) listing: RefListing,
    /// What goes into every version's metadata.
    pub(super) facts: ProjectFacts,
}

impl Looked {
    /// The statements that keep what was looked at: the project as it is now, and the pages to ask by the next time.
    pub(super) fn keep_stmts(&self, repo: &GitRepo, now: i64) -> Result<Vec<Statement>> {
        let project = &self.project;
        let facts = GitRepoFacts {
            provider_id: &project.provider_id,
            full_name: &project.full_name,
            default_branch: project.default_branch.as_deref().unwrap_or_default(),
            web_url: &project.web_url,
            clone_url: &project.clone_url,
            is_archived: project.is_archived,
        };
        let mut pages = Vec::new();
        for page in &self.listing.pages {
            let content = serde_json::to_string(page).map_err(Error::internal)?;
            pages.push((page.url.clone(), content));
        }
        let mut statements = vec![
            upsert_git_repo_stmt(repo.organisation_id, &repo.connection_id, &facts, now),
            note_reconciled_stmt(repo.id, now),
            note_listed_stmt(repo.id, now),
            note_shown_stmt(repo.id),
            save_host_facts_stmt(repo.id, &self.facts)?,
        ];
        statements.extend(replace_ref_pages_stmts(repo.id, &pages));
        Ok(statements)
    }
}

/// Keeps of the refs that seem to be gone those that are: a push between two pages can hide one from a listing, but not
/// from two.
pub(super) async fn confirm_removals(
    host: &dyn GitHost,
    repo: &GitRepo,
    removals: &mut Vec<String>,
) -> Result<()> {
    if removals.is_empty() {
        return Ok(());
    }
    let again = host.list_refs(&repo.provider_id, &HashMap::new()).await?;
    let there: BTreeSet<_> = again.refs.iter().map(|found| found.name.as_str()).collect();
    removals.retain(|name| !there.contains(name.as_str()));
    Ok(())
}

/// What the host says now, and the package that the project is synced as.
pub(super) async fn look_and_name(
    app: &App,
    id: &str,
    host: &dyn GitHost,
    repo: &GitRepo,
) -> Result<(Looked, Named)> {
    let looked = look(app, host, repo).await?;
    let named = follow_name(app, id, repo, host, &looked.project, &looked.listing).await?;
    Ok((looked, named))
}

/// What the host says now: the project, which may have another name, and its refs.
pub(super) async fn look(app: &App, host: &dyn GitHost, repo: &GitRepo) -> Result<Looked> {
    host.recall_name(&repo.provider_id, &repo.full_name);
    let project = host
        .describe_project(&repo.provider_id)
        .await
        .map_err(|error| as_withheld(repo, error))?;
    let known: HashMap<String, RefPage> = load_ref_pages(app, repo.id)
        .await?
        .into_iter()
        .filter_map(|(url, content)| Some((url, serde_json::from_str(&content).ok()?)))
        .collect();
    let listing = host
        .list_refs(&repo.provider_id, &known)
        .await
        .map_err(|error| as_withheld(repo, error))?;
    let facts = look_at_facts(app, host, repo, &project, &listing).await?;
    Ok(Looked {
        project,
        listing,
        facts,
    })
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
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::RateLimited { .. } | ErrorKind::CredentialRefused
            ) =>
        {
            return Err(error);
        }
        // Versions are worth more than this; the next comparison tries again.
        Err(error) => app.warn(&format!(
            "The funding of {} could not be read: {error}",
            project.full_name
        )),
    }
    Ok(facts)
}
