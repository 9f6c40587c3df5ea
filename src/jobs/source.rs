//! Where a commit comes from: its git repository, reached through its connection.

use std::rc::Rc;

use crate::app::App;
use crate::connect::open_host;
use crate::domain::archive::ArchiveFormat;
use crate::domain::manifest::Manifest;
use crate::domain::policy::PackagePolicy;
use crate::error::{Error, ErrorKind, Result};
use crate::jobs::withheld::{check_files_shown, hold_against_project, refuse_while_withheld};
use crate::ports::outbound::ByteStream;
use crate::providers::outgoing::{Gateway, archives_limited, limited};
use crate::providers::{GitHost, ProviderKind};
use crate::store::archive_pauses::{find_archive_pause, find_host_pause};
use crate::store::archives::{KeptArchive, StoredArchive, inspect, refuse_download, take_in};
use crate::store::connections::{Connection, GitRepo, find_ends, lengthen_pause};
use crate::store::dists::Dist;
use crate::store::jobs::RunningJob;
use crate::store::quotas::explain_too_large;
use crate::store::read_commits::{ReadCommit, find_read_commit};

/// composer.json is never larger; what is, is no manifest.
pub(super) const MANIFEST_LIMIT: usize = 1024 * 1024;

/// Where a commit comes from.
#[derive(Clone)]
pub(crate) struct Source<'a> {
    pub(crate) connection: Connection,
    pub(crate) host: Rc<dyn GitHost + 'a>,
    pub(crate) repo: GitRepo,
    pub(crate) package: i64,
    pub(crate) package_name: String,
    pub(crate) policy: PackagePolicy,
    /// Whether the project was synced as a package of another name before.
    was_renamed: bool,
    pub(crate) commit: &'a str,
    /// What was read ahead of the commit.
    pub(crate) read: Option<ReadCommit>,
}

impl<'a> Source<'a> {
    /// Opens it.
    pub(crate) async fn open(app: &'a App, job: &RunningJob, commit: &'a str) -> Result<Self> {
        let (repo, connection, package) = find_ends(app, job.git_repo_id).await?;
        let gone = |what: &str| Error::not_found(format!("The {what} was removed here"));
        let repo = repo.ok_or_else(|| gone("git repository"))?;
        let connection = connection.ok_or_else(|| gone("connection"))?;
        let package = package.ok_or_else(|| gone("package"))?;
        refuse_while_withheld(app, &repo)?;
        let host: Rc<dyn GitHost + 'a> = connect(app, &connection).await?.into();
        host.recall_name(&repo.provider_id, &repo.full_name);
        let reads_ahead =
            ProviderKind::parse(&connection.provider).is_some_and(ProviderKind::reads_ahead);
        let read = if reads_ahead {
            find_read_commit(app, repo.id, commit).await?
        } else {
            None
        };
        Ok(Self {
            read,
            host,
            connection,
            repo,
            package: package.id,
            policy: package.policy()?,
            was_renamed: package.renamed_from.is_some(),
            package_name: package.name,
            commit,
        })
    }

    /// The same for another commit.
    pub(crate) fn at(&self, commit: &'a str) -> Self {
        Self {
            commit,
            ..self.clone()
        }
    }

    /// The manifest at the commit, or why there is none that a client could load.
    pub(crate) async fn read_manifest(&self, app: &App) -> Result<Result<Manifest, String>> {
        if let Some(read) = &self.read {
            let text = read.manifest.as_deref();
            return Ok(text.ok_or_else(no_manifest).and_then(|text| {
                Manifest::parse(text.as_bytes()).map_err(|fault| fault.to_string())
            }));
        }
        let read = self
            .host
            .read_file(
                &self.repo.provider_id,
                "composer.json",
                Some(self.commit),
                MANIFEST_LIMIT,
            )
            .await;
        match read {
            Ok(Some(bytes)) => Ok(Manifest::parse(&bytes).map_err(|fault| fault.to_string())),
            Ok(None) => {
                let commit = Some(self.commit);
                check_files_shown(app, self.host.as_ref(), &self.repo, commit).await?;
                Ok(Err(no_manifest()))
            }
            Err(error) if error.kind() == ErrorKind::TooLarge => {
                Ok(Err("composer.json is larger than 1 MB".to_owned()))
            }
            Err(error) => Err(self.explain(app, error).await),
        }
    }

    /// What a refusal means: the commit's own fault, or that of the project as a whole.
    async fn explain(&self, app: &App, error: Error) -> Error {
        hold_against_project(app, self.host.as_ref(), &self.repo, error).await
    }

    /// The commit's time, as [`GitHost::commit_time`] has it.
    pub(crate) async fn commit_time(&self, app: &App) -> Result<String> {
        if let Some(read) = &self.read {
            return Ok(read.time.clone());
        }
        let asked = self.host.commit_time(&self.repo.provider_id, self.commit);
        match asked.await {
            Ok(time) => Ok(time),
            Err(error) => Err(self.explain(app, error).await),
        }
    }

    /// Streams the archive of the commit into the blob store and checks that it arrived whole.
    /// The key has a part of its own for each attempt, so that nothing stored is ever written over.
    /// It has `limit` bytes at most.
    pub(crate) async fn fetch_archive(&self, app: &App, limit: u64) -> Result<Dist> {
        let of_commit = format!(
            "archives/{}/git-{}/{}",
            self.repo.organisation_id, self.repo.id, self.commit
        );
        let organisation = self.repo.organisation_id;
        let mut body = self.open_archive(app, &of_commit).await?;
        let key = format!("{of_commit}/{}.zip", app.random_id()?);
        let taken = take_in(
            app.blobs.as_ref(),
            app.multipart.as_ref(),
            &key,
            body.as_mut(),
            limit,
        )
        .await;
        let stored = match taken {
            Ok(stored) => stored,
            Err(error) => return Err(explain_too_large(app, organisation, limit, error).await),
        };
        let checked = inspect(app.blobs.as_ref(), &key, stored.size, Some(self.commit))
            .await
            .and_then(|facts| facts.map_err(|fault| refuse_download(&fault)));
        if let Err(error) = checked {
            app.blobs.delete(&[key]).await?;
            return Err(error);
        }
        Ok(Dist {
            archive_key: key,
            size: stored.size,
            sha1: stored.sha1,
            sha256: stored.sha256,
            // What hosts are asked for, and what we make ourselves.
            format: ArchiveFormat::Zip,
        })
    }

    /// The bytes of the archive: those that are kept from when the package had another name, else the host's.
    async fn open_archive(&self, app: &App, of_commit: &str) -> Result<Box<dyn ByteStream>> {
        if self.was_renamed
            && let Some(kept) = KeptArchive::find(app, of_commit).await?
        {
            return Ok(Box::new(kept));
        }
        let host = self.host.as_ref();
        match open_archive(app, host, &self.connection, &self.repo, self.commit).await {
            Ok(body) => Ok(body),
            Err(error) => Err(self.explain(app, error).await),
        }
    }
}

/// The archive of a commit, when its host gives any now.
async fn open_archive(
    app: &App,
    host: &dyn GitHost,
    connection: &Connection,
    repo: &GitRepo,
    commit: &str,
) -> Result<Box<dyn ByteStream>> {
    let address = Gateway::of(app).address(&connection.base_url)?;
    // Others may have been refused since the host was opened, and it is the archives that are asked for in numbers.
    // What came with many others is here already, and nobody is asked.
    if !gives_many_commits(connection)
        && let Some(retry_after) = find_host_pause(app, repo.id).await?
    {
        return Err(limited(address.host(), retry_after));
    }
    if host.limits_archives_apart()
        && let Some(retry_after) = find_archive_pause(app, repo.id).await?
    {
        return Err(archives_limited(address.host(), retry_after));
    }
    let response = host.open_archive(&repo.provider_id, commit).await?;
    Ok(response.body)
}

/// Streams the archive of a commit into the blob store under `key`, when its host gives any now.
pub(super) async fn download(
    app: &App,
    host: &dyn GitHost,
    connection: &Connection,
    repo: &GitRepo,
    commit: &str,
    key: &str,
) -> Result<StoredArchive> {
    let mut body = open_archive(app, host, connection, repo, commit).await?;
    take_in(
        app.blobs.as_ref(),
        app.multipart.as_ref(),
        key,
        body.as_mut(),
        app.config.archive_limit,
    )
    .await
}

fn gives_many_commits(connection: &Connection) -> bool {
    ProviderKind::parse(&connection.provider).is_some_and(ProviderKind::gives_many_commits)
}

fn no_manifest() -> String {
    "there is no composer.json at this commit".to_owned()
}

/// Heeds what a host said of its allowances. A connection rests for as long as the host needs to give back what was just
/// asked of one that is nearly spent: that is no failure, and whoever waits goes on in time. Of one that is spent it is
/// remembered which it is.
pub(crate) async fn heed_allowance(app: &App, host: &dyn GitHost, connection: &str) -> Result<()> {
    if let Some(seconds) = host.take_rest_spent() {
        let until = app.now().saturating_add(i64::from(seconds));
        app.memo
            .rest_spent_until
            .remember(connection, until, app.now());
    }
    match host.take_pause_owed() {
        0 => Ok(()),
        seconds => lengthen_pause(app, connection, seconds).await,
    }
}

/// The host of a connection, ready to be asked by GraphQL: refused as by [`connect`], but not while the allowance of the
/// REST API alone is spent, for the other is its own.
pub(crate) async fn connect_for_graphql<'a>(
    app: &'a App,
    connection: &Connection,
) -> Result<Box<dyn GitHost + 'a>> {
    let spent = &app.memo.rest_spent_until;
    let spent = spent.recall(&connection.id, app.now(), i64::MAX);
    let paused = connection.paused_until.unwrap_or_default();
    // A pause is noted a second longer than it was asked for, and one that is longer yet is another.
    let is_of_rest = spent.is_some_and(|until| paused <= until.saturating_add(2));
    if connection.refused_at.is_none() && is_of_rest {
        return open_host(app, connection).await;
    }
    connect(app, connection).await
}

/// The host of a connection, ready to be asked; refused while the host wants to be left alone, or accepts the credential
/// no more. Hosts punish those who go on asking for other things meanwhile.
pub(crate) async fn connect<'a>(
    app: &'a App,
    connection: &Connection,
) -> Result<Box<dyn GitHost + 'a>> {
    if connection.refused_at.is_some() {
        let message = connection.trouble.as_deref().unwrap_or(
            "The host refused the token of this connection; store a new one in the connection",
        );
        return Err(Error::new(ErrorKind::CredentialRefused, message));
    }
    let pause = connection
        .paused_until
        .unwrap_or_default()
        .saturating_sub(app.now());
    if let Ok(retry_after @ 1..) = u32::try_from(pause) {
        let address = Gateway::of(app).address(&connection.base_url)?;
        return Err(limited(address.host(), retry_after));
    }
    open_host(app, connection).await
}
