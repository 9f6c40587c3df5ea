//! Where a commit comes from: its git repository, reached through its connection.

use std::rc::Rc;

use crate::app::App;
use crate::connect::open_host;
use crate::domain::manifest::Manifest;
use crate::domain::policy::PackagePolicy;
use crate::error::{Error, ErrorKind, Result};
use crate::providers::outgoing::{Gateway, archives_limited, limited};
use crate::providers::{GitHost, ProviderKind};
use crate::store::archive_pauses::{find_archive_pause, find_host_pause};
use crate::store::archives::{inspect, refuse_download, take_in};
use crate::store::connections::{Connection, GitRepo, find_connection, find_git_repo};
use crate::store::dists::Dist;
use crate::store::jobs::RunningJob;
use crate::store::read_commits::{ReadCommit, find_read_commit};

/// composer.json is never larger; what is, is no manifest.
pub(super) const MANIFEST_LIMIT: usize = 1024 * 1024;

/// Where a commit comes from.
pub(crate) struct Source<'a> {
    pub(crate) connection: Connection,
    pub(crate) host: Rc<dyn GitHost + 'a>,
    pub(crate) repo: GitRepo,
    pub(crate) package: i64,
    pub(crate) package_name: String,
    pub(crate) policy: PackagePolicy,
    pub(crate) commit: &'a str,
    /// What was read ahead of the commit.
    pub(crate) read: Option<ReadCommit>,
}

impl<'a> Source<'a> {
    /// Opens it. `host` is the connected host, where there is one already.
    pub(crate) async fn open(
        app: &'a App,
        job: &RunningJob,
        commit: &'a str,
        host: Option<Rc<dyn GitHost + 'a>>,
    ) -> Result<Self> {
        let repo = find_git_repo(app, job.git_repo_id)
            .await?
            .ok_or_else(|| Error::not_found("The git repository was removed here"))?;
        let connection = find_connection(app, &repo.connection_id)
            .await?
            .ok_or_else(|| Error::not_found("The connection was removed here"))?;
        let package = crate::store::packages::find_package_of_git_repo(app, repo.id)
            .await?
            .ok_or_else(|| Error::not_found("The package was removed here"))?;
        let host = match host {
            Some(host) => host,
            None => connect(app, &connection).await?.into(),
        };
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
            package_name: package.name,
            commit,
        })
    }

    /// The manifest at the commit, or why there is none that a client could load.
    pub(crate) async fn read_manifest(&self) -> Result<Result<Manifest, String>> {
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
            Ok(None) => Ok(Err(no_manifest())),
            Err(error) if error.kind() == ErrorKind::TooLarge => {
                Ok(Err("composer.json is larger than 1 MB".to_owned()))
            }
            Err(error) => Err(error),
        }
    }

    /// The commit's time, as [`GitHost::commit_time`] has it.
    pub(crate) async fn commit_time(&self) -> Result<String> {
        match &self.read {
            Some(read) => Ok(read.time.clone()),
            None => {
                self.host
                    .commit_time(&self.repo.provider_id, self.commit)
                    .await
            }
        }
    }

    /// Streams the archive of the commit into the blob store and checks that it arrived whole.
    /// The key has a part of its own for each attempt, so that nothing stored is ever written over.
    pub(crate) async fn fetch_archive(&self, app: &App) -> Result<Dist> {
        let address = Gateway::of(app).address(&self.connection.base_url)?;
        // Others may have been refused since the host was opened, and it is the archives that are asked for in numbers.
        if let Some(retry_after) = find_host_pause(app, self.repo.id).await? {
            return Err(limited(address.host(), retry_after));
        }
        if self.host.limits_archives_apart()
            && let Some(retry_after) = find_archive_pause(app, self.repo.id).await?
        {
            return Err(archives_limited(address.host(), retry_after));
        }
        let mut response = self
            .host
            .open_archive(&self.repo.provider_id, self.commit)
            .await?;
        let key = format!(
            "archives/{}/git-{}/{}/{}.zip",
            self.repo.organisation_id,
            self.repo.id,
            self.commit,
            app.random_id()?
        );
        let stored = take_in(
            app.blobs.as_ref(),
            app.multipart.as_ref(),
            &key,
            response.body.as_mut(),
            app.config.archive_limit,
        )
        .await?;
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
        })
    }
}

fn no_manifest() -> String {
    "there is no composer.json at this commit".to_owned()
}

/// The host of a connection, ready to be asked; refused while the host wants to be left alone.
/// Hosts punish those who go on asking for other things meanwhile.
pub(crate) async fn connect<'a>(
    app: &'a App,
    connection: &Connection,
) -> Result<Box<dyn GitHost + 'a>> {
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
