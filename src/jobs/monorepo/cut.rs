//! Cut the archives of a commit's packages out of that of the whole commit, some with each message, and make versions of
//! them all at once when the last is there.

use crate::app::App;
use crate::domain::archive::ArchiveFormat;
use crate::domain::monorepo::ROOT;
use crate::error::Result;
use crate::jobs::import_together::{HELD, NO_ROOM};
use crate::jobs::monorepo::{Opened, settle, wait_or_give_up};
use crate::jobs::outcome::Next;
use crate::jobs::source::{connect, heed_allowance};
use crate::jobs::withheld::hold_against_project;
use crate::jobs::{Job, enqueue};
use crate::store::archives::{FolderCut, WholeArchive, take_in};
use crate::store::commit_folders::{KeptArchive, find_kept_archive, keep_archive};
use crate::store::dists::{Dist, discard_if_unnamed, insert_dist_stmt};
use crate::store::folder_cuts::{ToCut, fail_folders_stmt, list_to_cut, make_versions};
use crate::store::jobs::note_on_job;
use crate::store::monorepos::find_monorepo_job;

/// Folders in one message.
const FOLDERS: usize = 20;

/// Bytes of archives after which a message leaves the rest to the next: packing is what costs an invocation its time.
const BYTES: u64 = 64 * 1024 * 1024;

/// Runs one message.
pub(in crate::jobs) async fn run(app: &App, id: &str, commit: &str) -> Result<Next> {
    let Some(job) = find_monorepo_job(app, id).await? else {
        return Ok(Next::Done);
    };
    if job.state == "cancelled" {
        return Ok(Next::Done);
    }
    let git_repo = job.git_repo_id;
    let to_cut = list_to_cut(app, git_repo, commit).await?;
    if !to_cut.is_empty() {
        let opened = Opened::open(app, git_repo).await?;
        match cut_some(app, id, &opened, commit, &to_cut).await {
            Ok(None) => {}
            Ok(Some(next)) => return Ok(next),
            Err(error) => {
                let next = wait_or_give_up(app, id, git_repo, commit, &error).await?;
                if let Some(next) = next {
                    return Ok(next);
                }
                let reason = error.message();
                let failed = fail_folders_stmt(git_repo, commit, None, reason);
                app.db.rows(failed).await?;
            }
        }
        note_on_job(app, id, None).await?;
        if !list_to_cut(app, git_repo, commit).await?.is_empty() {
            let (id, commit) = (id.to_owned(), commit.to_owned());
            enqueue(app, &[Job::CutFolders { id, commit }]).await?;
            return Ok(Next::Done);
        }
    }
    let left = make_versions(app, git_repo, commit).await?;
    if left > 0 {
        // What was decided holds no more: the settings, the patterns or the versions changed meanwhile.
        enqueue(app, &[Job::DecideFolders { id: id.to_owned() }]).await?;
        return Ok(Next::Done);
    }
    settle(app, id, git_repo).await?;
    Ok(Next::Done)
}

/// Cuts as much as one message does. Some when the message is to come again.
async fn cut_some(
    app: &App,
    id: &str,
    opened: &Opened,
    commit: &str,
    to_cut: &[ToCut],
) -> Result<Option<Next>> {
    let archive = match find_whole(app, opened, commit).await? {
        Some(archive) => archive,
        None => match fetch_again(app, id, opened, commit).await? {
            Ok(archive) => archive,
            Err(next) => return Ok(Some(next)),
        },
    };
    let blobs = app.blobs.as_ref();
    let whole = WholeArchive::open(blobs, &archive.key, archive.size, commit).await?;
    let mut bytes = 0_u64;
    for one in to_cut.iter().take(FOLDERS) {
        match cut(app, opened, commit, &whole, one).await {
            Ok(size) => bytes = bytes.saturating_add(size),
            Err(error) if error.is_retryable() => return Err(error),
            // Its own fault, such as too large an archive: the others are none the worse for it.
            Err(error) => {
                let package = Some(one.package_id);
                let failed = fail_folders_stmt(opened.repo.id, commit, package, error.message());
                app.db.rows(failed).await?;
            }
        }
        if bytes > BYTES {
            break;
        }
    }
    Ok(None)
}

/// The archive of the whole commit, if it is still there.
async fn find_whole(app: &App, opened: &Opened, commit: &str) -> Result<Option<KeptArchive>> {
    let Some(kept) = find_kept_archive(app, opened.repo.id, commit).await? else {
        return Ok(None);
    };
    let facts = app.blobs.head(&kept.key).await?;
    Ok(facts.filter(|facts| facts.size == kept.size).map(|_| kept))
}

/// Fetches the archive of the whole commit once more.
async fn fetch_again(
    app: &App,
    id: &str,
    opened: &Opened,
    commit: &str,
) -> Result<Result<KeptArchive, Next>> {
    let host = connect(app, &opened.connection).await?;
    let holds_pack = opened.gives_many_commits();
    let held_until = &app.memo.pack_held_until;
    if holds_pack {
        if held_until.get() > app.now() {
            let reason = "It waits for the import of another git repository";
            note_on_job(app, id, Some(reason)).await?;
            return Ok(Err(Next::Wait { after: NO_ROOM }));
        }
        held_until.set(app.now().saturating_add(HELD));
    }
    host.recall_name(&opened.repo.provider_id, &opened.repo.full_name);
    let fetched = opened.fetch(app, host.as_ref(), commit).await;
    if holds_pack {
        held_until.set(0);
    }
    heed_allowance(app, host.as_ref(), &opened.connection.id).await?;
    let archive = match fetched {
        Ok(archive) => archive,
        Err(error) => {
            return Err(hold_against_project(app, host.as_ref(), &opened.repo, error).await);
        }
    };
    keep_archive(app, opened.repo.id, commit, &archive).await?;
    Ok(Ok(archive))
}

/// Cuts one archive and notes it; gives its size.
async fn cut(
    app: &App,
    opened: &Opened,
    commit: &str,
    whole: &WholeArchive<'_>,
    one: &ToCut,
) -> Result<u64> {
    let folder = match one.folder.as_str() {
        ROOT => String::new(),
        folder => format!("{folder}/"),
    };
    let key = format!(
        "archives/{}/git-{}/{commit}/{folder}{}.zip",
        opened.repo.organisation_id,
        opened.repo.id,
        app.random_id()?
    );
    let mut body = FolderCut::new(whole, &one.folder);
    let stored = take_in(
        app.blobs.as_ref(),
        app.multipart.as_ref(),
        &key,
        &mut body,
        app.config.archive_limit,
    )
    .await?;
    let dist = Dist {
        archive_key: key.clone(),
        size: stored.size,
        sha1: stored.sha1,
        sha256: stored.sha256,
        format: ArchiveFormat::Zip,
    };
    let noted = insert_dist_stmt(one.package_id, commit, &dist, app.now());
    app.db.rows(noted).await?;
    // Another message may have cut the same first.
    discard_if_unnamed(app, &key).await;
    Ok(stored.size)
}
