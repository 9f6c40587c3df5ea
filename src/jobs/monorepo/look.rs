//! Look at what a commit holds: its archive is fetched once, for all of its packages.

use crate::app::App;
use crate::error::Result;
use crate::jobs::monorepo::{Opened, decide_if_looked, wait_or_give_up};
use crate::jobs::outcome::Next;
use crate::jobs::source::{connect, heed_allowance};
use crate::jobs::withheld::hold_against_project;
use crate::providers::GitHost;
use crate::store::archives::WholeArchive;
use crate::store::commit_folders::{KeptArchive, list_unlooked_commits, note_look};
use crate::store::connections::note_trouble;
use crate::store::folder_cuts::fail_commit_stmts;
use crate::store::jobs::note_on_job;
use crate::store::monorepos::find_monorepo_job;

/// Looks at one commit of a job.
pub(in crate::jobs) async fn run(app: &App, id: &str, commit: &str) -> Result<Next> {
    let Some(job) = find_monorepo_job(app, id).await? else {
        return Ok(Next::Done);
    };
    if job.state != "running" {
        return Ok(Next::Done);
    }
    let unlooked = list_unlooked_commits(app, job.git_repo_id, id).await?;
    if unlooked.iter().any(|other| other == commit) {
        let opened = Opened::open(app, job.git_repo_id).await?;
        let looked = match connect(app, &opened.connection).await {
            Ok(host) => look_at(app, &opened, host.as_ref(), commit).await,
            Err(error) => Err(error),
        };
        if let Err(error) = looked {
            let next = wait_or_give_up(app, id, job.git_repo_id, commit, &error).await?;
            if let Some(next) = next {
                return Ok(next);
            }
            let reason = error.message();
            let failed = fail_commit_stmts(job.git_repo_id, commit, reason, app.now());
            app.db.batch(failed).await?;
        } else {
            note_trouble(app, &opened.connection.id, None).await?;
            note_on_job(app, id, None).await?;
        }
    }
    decide_if_looked(app, id, job.git_repo_id).await?;
    Ok(Next::Done)
}

/// Fetches the archive of a commit, and notes what it holds.
pub(super) async fn look_at(
    app: &App,
    opened: &Opened,
    host: &dyn GitHost,
    commit: &str,
) -> Result<()> {
    host.recall_name(&opened.repo.provider_id, &opened.repo.full_name);
    let asked = async {
        let time = host.commit_time(&opened.repo.provider_id, commit).await?;
        opened
            .fetch(app, host, commit)
            .await
            .map(|archive| (time, archive))
    };
    let asked = asked.await;
    heed_allowance(app, host, &opened.connection.id).await?;
    let (time, archive) = match asked {
        Ok(asked) => asked,
        Err(error) => return Err(hold_against_project(app, host, &opened.repo, error).await),
    };
    let noted = note(app, opened, commit, &time, &archive).await;
    if noted.is_err() {
        // When the batch did not answer it may name the archive all the same; who misses it fetches it again.
        app.blobs.delete(&[archive.key]).await?;
    }
    noted
}

async fn note(
    app: &App,
    opened: &Opened,
    commit: &str,
    time: &str,
    archive: &KeptArchive,
) -> Result<()> {
    let blobs = app.blobs.as_ref();
    let whole = WholeArchive::open(blobs, &archive.key, archive.size, commit).await?;
    let patterns = &opened.monorepo.folders;
    let packages = whole.find_packages(patterns).await?;
    note_look(
        app,
        opened.repo.id,
        commit,
        time,
        archive,
        patterns,
        &packages,
    )
    .await
}
