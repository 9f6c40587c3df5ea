//! A queue message becomes an `Outcome`. Every job is small, names a thing and may run twice, in any order.

mod add_project;
mod archive_wait;
mod complete_upload;
mod count_downloads;
mod decide;
mod delete_connection;
mod delete_organisation;
mod discover;
mod git_first;
pub mod housekeeping;
pub mod import;
mod import_projects;
mod import_together;
mod keep_hook;
mod look;
mod monorepo;
mod note_token_uses;
pub mod outcome;
pub mod publish;
mod read_ahead;
mod read_texts;
pub mod reconcile;
mod refused;
mod rename;
mod resume;
mod source;
mod withheld;

pub use outcome::Outcome;
use outcome::{Next, backoff};

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::domain::audit::{Actor, ActorKind};
use crate::domain::client::Client;
use crate::domain::name::PackageName;
use crate::domain::reader::Reader;
use crate::error::{Error, Result};
use crate::ports::{Level, Outgoing};
use crate::providers::ProviderKind;
use crate::store::audit::acting;
use crate::store::bandwidth::{Served, note_served};
use crate::store::dead_letters::insert_dead_letter;
use crate::store::downloads::{Counted, DownloadReport};
use crate::store::imports::end_import;
use crate::store::job_refs::{give_up_all_waiting_refs, give_up_waiting_refs};
use crate::store::jobs::{find_running_job, move_job};
use crate::store::served_archives::Served as ServedArchive;
use crate::store::token_uses::TokenUse;

/// Why a message is a dead letter, for people.
const BURIED: &str = "the queue gave up after 100 deliveries; the log has the reasons";

/// Organisations whose bandwidth one message tells, of some 70 bytes each: a message has 128 KB at most.
const SERVED_TOGETHER: usize = 1_000;

/// The wire format's number. Messages of another number are kept as dead letters: a newer program wrote them.
const FORMAT: u32 = 1;

/// What a message asks for. This is the wire format of the queue: fields are only ever added, under a new number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
pub enum Job {
    /// Compare a git repository's refs with what is known, and start an import for each change.
    Reconcile {
        /// The job a person sees.
        id: String,
    },
    /// Take in the refs of a job that point at one commit.
    Import {
        /// The job a person sees.
        id: String,
        /// The commit.
        commit: String,
    },
    /// Take in what waits of a job, from a host that gives many commits at once.
    ImportTogether {
        /// The job a person sees.
        id: String,
    },
    /// Ask at once for what imports will ask first of the next commits of a job, and have these imported.
    ReadAhead {
        /// The job a person sees.
        id: String,
        /// The commits up to this one are under way; empty at the beginning.
        after: String,
    },
    /// Send the messages of a job again if nothing of it was at work since this one was sent.
    Resume {
        /// The job a person sees.
        id: String,
        /// When this was sent, in Unix seconds, as the job has it.
        since: i64,
    },
    /// Go on with an import of many projects: list the next page of them, or send for each.
    ImportProjects {
        /// The import's id.
        id: String,
    },
    /// Add one project of an import.
    AddProject {
        /// The import's id.
        id: String,
        /// What the project was asked for by.
        project: String,
    },
    /// Look at a project that a group's webhook told of, and add it if it is a package.
    Discover {
        /// The job a person sees.
        id: String,
    },
    /// Try a credential that its host refused, since somebody has reason to think that it works again.
    TryCredential {
        /// The connection's id.
        connection: String,
    },
    /// Have the webhook of a git repository be as its connection says.
    KeepHook {
        /// The git repository's id here.
        git_repo: i64,
    },
    /// Look at what a commit of a git repository with many packages holds.
    LookAtFolders {
        /// The job a person sees.
        id: String,
        /// The commit.
        commit: String,
    },
    /// The same for what waits of a job, from a host that gives many commits at once.
    LookAtFoldersTogether {
        /// The job a person sees.
        id: String,
    },
    /// Decide which folders of a git repository with many packages are versions, once its tags were looked at.
    DecideFolders {
        /// The job a person sees.
        id: String,
    },
    /// Cut the archives of a commit's packages, and make versions of them.
    CutFolders {
        /// The job a person sees.
        id: String,
        /// The commit.
        commit: String,
    },
    /// Publish what waits in a repository.
    Publish {
        /// The repository's id.
        repository: i64,
    },
    /// Put a large upload together, look through it and make it a version.
    CompleteUpload {
        /// The upload that a person sees.
        id: String,
    },
    /// Count what somebody installed. There is nothing that it could name instead of carrying it.
    CountDownloads {
        /// Random; a message that is delivered twice is counted once.
        id: String,
        /// The repository it was installed from, by id.
        repository: i64,
        /// `2026-11-21`, in UTC.
        day: String,
        /// Packages and normalized versions.
        downloads: Vec<(PackageName, String)>,
        /// Who installed it.
        #[serde(default)]
        reader: Reader,
        /// By what.
        #[serde(default)]
        client: Client,
    },
    /// Count which archives were downloaded.
    CountArchives {
        /// Random; a message that is delivered twice is counted once.
        id: String,
        /// What an isolate served.
        served: Vec<ServedArchive>,
    },
    /// Read README and CHANGELOG of packages that wait for it.
    ReadTexts,
    /// Remove the webhooks of a connection that was deleted, and erase its token.
    DeleteConnection {
        /// The connection's id.
        id: String,
    },
    /// Take a portion of an organisation away that is being deleted.
    DeleteOrganisation {
        /// The organisation's id.
        organisation: i64,
    },
    /// Nothing: it was sent to see whether the queue takes messages.
    Probe,
    /// Write down when tokens were last used.
    NoteTokenUses {
        /// What an isolate noticed.
        uses: Vec<TokenUse>,
    },
    /// Write down which organisations served how many bytes of archives.
    NoteBandwidth {
        /// Random; a message that is delivered twice is counted once.
        id: String,
        /// What an isolate served.
        served: Vec<Served>,
    },
}

impl Job {
    /// What a job that a person sees begins with.
    pub fn begin(kind: &str, id: String) -> Self {
        match kind {
            "discover" => Self::Discover { id },
            _ => Self::Reconcile { id },
        }
    }
}

impl Job {
    /// Who it is in the audit log: the job that a person sees, or what the message asks for.
    fn actor(&self) -> Actor {
        let (id, name) = match self {
            Self::Reconcile { id }
            | Self::Import { id, .. }
            | Self::ImportTogether { id }
            | Self::ReadAhead { id, .. }
            | Self::Resume { id, .. }
            | Self::Discover { id }
            | Self::LookAtFolders { id, .. }
            | Self::LookAtFoldersTogether { id }
            | Self::DecideFolders { id }
            | Self::CutFolders { id, .. } => (Some(id.as_str()), "sync"),
            Self::ImportProjects { id } | Self::AddProject { id, .. } => {
                (Some(id.as_str()), "import of many projects")
            }
            Self::CompleteUpload { id } => (Some(id.as_str()), "upload in parts"),
            Self::TryCredential { .. } => (None, "try of a credential"),
            Self::KeepHook { .. } => (None, "webhooks"),
            Self::DeleteConnection { .. } => (None, "deletion of a connection"),
            Self::DeleteOrganisation { .. } => (None, "deletion of an organisation"),
            Self::Publish { .. } => (None, "publish"),
            Self::CountDownloads { .. } | Self::CountArchives { .. } => (None, "downloads"),
            Self::ReadTexts => (None, "texts of packages"),
            Self::Probe => (None, "probe of the queue"),
            Self::NoteTokenUses { .. } => (None, "use of tokens"),
            Self::NoteBandwidth { .. } => (None, "bandwidth"),
        };
        Actor::new(ActorKind::Job, id, name)
    }
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    v: u32,
    #[serde(flatten)]
    job: Job,
}

/// Sends jobs on their way.
pub async fn enqueue(app: &App, jobs: &[Job]) -> Result<()> {
    match messages_of(jobs)? {
        messages if messages.is_empty() => Ok(()),
        messages => app.queue.send(messages).await,
    }
}

/// Sends what is to be counted on its way: it waits for more of its kind.
pub async fn enqueue_count(app: &App, job: Job) -> Result<()> {
    app.counts.send(messages_of(&[job])?).await
}

/// Sends what was served to be counted. Whoever cannot now does with the next archive.
pub async fn enqueue_served_archives(app: &App) {
    for served in app.memo.served_archives.take() {
        let sent = match app.random_id() {
            Ok(id) => {
                let served = served.clone();
                enqueue_count(app, Job::CountArchives { id, served }).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = sent {
            app.memo.served_archives.put_back(served, app.now());
            app.warn(&format!("Downloads could not be told: {error}"));
        }
    }
}

fn messages_of(jobs: &[Job]) -> Result<Vec<Outgoing>> {
    jobs.iter()
        .map(|job| {
            let envelope = Envelope {
                v: FORMAT,
                job: job.clone(),
            };
            serde_json::to_string(&envelope)
                .map(|text| Outgoing { text, delay: 0 })
                .map_err(Error::internal)
        })
        .collect()
}

/// A message as it was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its text.
    pub text: String,
    /// Deliveries so far, this one included.
    pub attempts: u32,
}

/// Runs a batch of messages that count, together; the outcome of each. Any other message is run by itself.
pub async fn run_counts(app: &App, messages: &[Message]) -> Vec<Outcome> {
    let envelopes: Vec<_> = messages
        .iter()
        .map(|message| serde_json::from_str::<Envelope>(&message.text).ok())
        .collect();
    let reports = envelopes.iter().flatten().filter_map(Envelope::report);
    let actor = Actor::new(ActorKind::Job, None, "downloads");
    let failed = count_downloads::run_together(&acting(app, actor), reports.collect()).await;
    let mut outcomes = Vec::new();
    for (message, envelope) in messages.iter().zip(&envelopes) {
        outcomes.push(match envelope.as_ref().and_then(Envelope::report) {
            Some(report) if failed.contains(&report.id) => Outcome::Retry {
                after: backoff(message.attempts),
            },
            Some(_) => Outcome::Done,
            None => run(app, &message.text, message.attempts).await,
        });
    }
    outcomes
}

impl Envelope {
    /// The report that it carries, if that is what it asks for and it can be understood.
    fn report(&self) -> Option<DownloadReport<'_>> {
        match &self.job {
            Job::CountDownloads {
                id,
                repository,
                day,
                downloads,
                reader,
                client,
            } if self.v == FORMAT => Some(DownloadReport {
                id,
                counted: vec![Counted {
                    repository: *repository,
                    day,
                    reader,
                    client,
                    installs: downloads,
                    archives: &[],
                }],
            }),
            Job::CountArchives { id, served } if self.v == FORMAT => Some(DownloadReport {
                id,
                counted: served
                    .iter()
                    .map(|one| Counted {
                        repository: one.repository,
                        day: &one.day,
                        reader: &one.reader,
                        client: &one.client,
                        installs: &[],
                        archives: &one.archives,
                    })
                    .collect(),
            }),
            _ => None,
        }
    }
}

/// Runs one message. `attempts` counts deliveries, from 1. Never fails: what goes wrong becomes an outcome,
/// and is written where a person sees it.
pub async fn run(app: &App, message: &str, attempts: u32) -> Outcome {
    let envelope = match serde_json::from_str::<Envelope>(message) {
        Ok(envelope) if envelope.v == FORMAT => envelope,
        Ok(_) => return keep(app, message, "a newer version of the program wrote it").await,
        Err(error) => return keep(app, message, &format!("it cannot be read: {error}")).await,
    };
    let app = &acting(app, envelope.job.actor());
    let result = match &envelope.job {
        Job::Reconcile { id } => reconcile::run(app, id, attempts).await,
        Job::Import { id, commit } => import::run(app, id, commit).await,
        Job::ImportTogether { id } => import_together::run(app, id).await,
        Job::ReadAhead { id, after } => read_ahead::run(app, id, after).await,
        Job::Resume { id, since } => resume::run(app, id, *since).await,
        Job::ImportProjects { id } => import_projects::run(app, id, attempts).await,
        Job::AddProject { id, project } => add_project::run(app, id, project, attempts).await,
        Job::Discover { id } => discover::run(app, id, attempts).await,
        Job::TryCredential { connection } => refused::run(app, connection).await,
        Job::KeepHook { git_repo } => keep_hook::run(app, *git_repo, attempts).await,
        Job::LookAtFolders { id, commit } => monorepo::look::run(app, id, commit).await,
        Job::LookAtFoldersTogether { id } => monorepo::look_together::run(app, id).await,
        Job::DecideFolders { id } => monorepo::decide::run(app, id).await,
        Job::CutFolders { id, commit } => monorepo::cut::run(app, id, commit).await,
        Job::Publish { repository } => publish::run(app, *repository).await,
        Job::CompleteUpload { id } => complete_upload::run(app, id).await,
        Job::CountDownloads { .. } | Job::CountArchives { .. } => match envelope.report() {
            Some(report) => count_downloads::run(app, &report).await,
            None => Ok(Next::Done),
        },
        Job::DeleteConnection { id } => delete_connection::run(app, id, attempts).await,
        Job::DeleteOrganisation { organisation } => {
            delete_organisation::run(app, *organisation).await
        }
        Job::ReadTexts => read_texts::run(app).await,
        Job::Probe => Ok(Next::Done),
        Job::NoteTokenUses { uses } => note_token_uses::run(app, uses).await,
        Job::NoteBandwidth { id, served } => {
            note_served(app, id, served).await.map(|()| Next::Done)
        }
    };
    match result {
        Ok(Next::Done) => Outcome::Done,
        Ok(Next::Retry { after }) => Outcome::Retry { after },
        Ok(Next::Wait { after }) => send_later(app, message, after).await,
        Err(error) => {
            // Nobody below knew better, so the platform or the database failed: the message comes again.
            app.log
                .line(Level::Error, &format!("Job {message} failed: {error}"));
            Outcome::Retry {
                after: backoff(attempts),
            }
        }
    }
}

async fn send_later(app: &App, message: &str, delay: u32) -> Outcome {
    let again = Outgoing {
        text: message.to_owned(),
        delay,
    };
    match app.queue.send(vec![again]).await {
        Ok(()) => Outcome::Done,
        Err(_) => Outcome::Retry { after: delay },
    }
}

/// Takes a message the queue has given up on, and keeps it for a person to see, retry or drop.
/// What a person sees of it ends as well: a job that nobody works on must not look as if somebody did.
pub async fn bury(app: &App, message: &str) -> Outcome {
    let kept = keep(app, message, BURIED).await;
    if let Outcome::Retry { .. } = kept {
        return kept;
    }
    match end_what_was_buried(app, message).await {
        Ok(()) => Outcome::Done,
        Err(error) => {
            app.log.line(
                Level::Error,
                &format!("The job of {message} could not be ended: {error}"),
            );
            Outcome::Done
        }
    }
}

async fn end_what_was_buried(app: &App, message: &str) -> Result<()> {
    let Ok(envelope) = serde_json::from_str::<Envelope>(message) else {
        return Ok(());
    };
    match envelope.job {
        Job::Import { id, commit } => {
            let Some(job) = find_running_job(app, &id).await? else {
                return Ok(());
            };
            give_up_waiting_refs(app, &id, &commit, BURIED).await?;
            settle(app, &id, job.package_id).await
        }
        Job::ImportTogether { id } | Job::ReadAhead { id, .. } => {
            let Some(job) = find_running_job(app, &id).await? else {
                return Ok(());
            };
            give_up_all_waiting_refs(app, &id, BURIED).await?;
            settle(app, &id, job.package_id).await
        }
        Job::Reconcile { id } | Job::Discover { id } => {
            move_job(app, &id, reconcile::OPEN, "failed", Some(BURIED)).await?;
            Ok(())
        }
        Job::ImportProjects { id } => {
            end_import(app, &id, "failed", BURIED).await?;
            Ok(())
        }
        Job::AddProject { id, project } => add_project::refuse(app, &id, &project, BURIED).await,
        Job::CompleteUpload { id } => {
            crate::store::uploads::move_upload(app, &id, "failed", Some(BURIED), None).await
        }
        Job::LookAtFolders { id, commit } => {
            monorepo::give_up_looks(app, &id, Some(&commit), BURIED).await
        }
        Job::LookAtFoldersTogether { id } => monorepo::give_up_looks(app, &id, None, BURIED).await,
        Job::DecideFolders { id } => monorepo::give_up_decision(app, &id, BURIED).await,
        Job::CutFolders { id, commit } => monorepo::give_up_cuts(app, &id, &commit, BURIED).await,
        // A credential is tried every six hours anyway, and the next comparison looks after the hook. What waits in a repository or is silent is found by housekeeping; a lost
        // count is a lost count, and the next use of a token is told in minutes.
        Job::TryCredential { .. }
        | Job::KeepHook { .. }
        | Job::DeleteConnection { .. }
        | Job::DeleteOrganisation { .. }
        | Job::NoteTokenUses { .. }
        | Job::NoteBandwidth { .. }
        | Job::ReadTexts
        | Job::Probe
        | Job::Resume { .. }
        | Job::Publish { .. }
        | Job::CountArchives { .. }
        | Job::CountDownloads { .. } => Ok(()),
    }
}

async fn keep(app: &App, message: &str, reason: &str) -> Outcome {
    app.log.line(
        Level::Error,
        &format!("Message {message} was put aside: {reason}"),
    );
    let result = match organisation_of(app, message).await {
        Ok(organisation) => insert_dead_letter(app, organisation, message, reason).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => Outcome::Done,
        Err(_) => Outcome::Retry { after: backoff(1) },
    }
}

async fn organisation_of(app: &App, message: &str) -> Result<Option<i64>> {
    let Ok(envelope) = serde_json::from_str::<Envelope>(message) else {
        return Ok(None);
    };
    let organisation_of_repository = async |repository: i64| {
        crate::store::repositories::load_repository(app, repository)
            .await
            .ok()
            .map(|repository| repository.organisation_id)
    };
    Ok(match envelope.job {
        Job::Reconcile { id }
        | Job::Import { id, .. }
        | Job::ImportTogether { id }
        | Job::ReadAhead { id, .. }
        | Job::Resume { id, .. }
        | Job::Discover { id }
        | Job::LookAtFolders { id, .. }
        | Job::LookAtFoldersTogether { id }
        | Job::DecideFolders { id }
        | Job::CutFolders { id, .. } => crate::store::jobs::find_job(app, &id)
            .await?
            .map(|job| job.organisation_id),
        Job::TryCredential { connection } => {
            crate::store::connections::find_connection(app, &connection)
                .await?
                .map(|connection| connection.organisation_id)
        }
        Job::KeepHook { git_repo } => crate::store::connections::find_git_repo(app, git_repo)
            .await?
            .map(|repo| repo.organisation_id),
        Job::ImportProjects { id } | Job::AddProject { id, .. } => {
            crate::store::imports::find_running_import(app, &id)
                .await?
                .map(|import| import.organisation_id)
        }
        Job::Publish { repository } | Job::CountDownloads { repository, .. } => {
            organisation_of_repository(repository).await
        }
        Job::CompleteUpload { id } => match crate::store::uploads::find_upload(app, &id).await? {
            Some(upload) => organisation_of_repository(upload.repository_id).await,
            None => None,
        },
        Job::DeleteConnection { id } => {
            crate::store::connections::find_deleted_connection(app, &id)
                .await?
                .map(|connection| connection.organisation_id)
        }
        // It is the instance's business, and of several organisations, for all that anybody knows.
        Job::DeleteOrganisation { .. }
        | Job::NoteTokenUses { .. }
        | Job::NoteBandwidth { .. }
        | Job::CountArchives { .. }
        | Job::ReadTexts
        | Job::Probe => None,
    })
}

/// Sends on what this isolate noticed of the use of tokens. Nobody waits for it, so nobody is told when it fails: the next
/// use is told again.
pub async fn enqueue_token_uses(app: &App) {
    let uses = app.memo.token_uses.take();
    if uses.is_empty() {
        return;
    }
    let job = Job::NoteTokenUses { uses: uses.clone() };
    if let Err(error) = enqueue(app, &[job]).await {
        app.memo.token_uses.forget(&uses);
        app.warn(&format!(
            "The last use of tokens could not be told: {error}"
        ));
    }
}

/// Sends what was served to be written down. Whoever cannot now does with the next archive.
pub async fn enqueue_served(app: &App) {
    let served = app.memo.bandwidth.take(app.now());
    for portion in served.chunks(SERVED_TOGETHER) {
        let sent = match app.random_id() {
            Ok(id) => {
                let served = portion.to_vec();
                enqueue(app, &[Job::NoteBandwidth { id, served }]).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = sent {
            app.memo.bandwidth.put_back(portion);
            app.warn(&format!(
                "The bandwidth of organisations could not be told: {error}"
            ));
        }
    }
}

/// Sends an import for every commit that waiting refs of a job point at, or one message for all where the host gives or
/// tells of many at once.
pub async fn enqueue_imports(app: &App, job: &str) -> Result<usize> {
    let provider = crate::store::jobs::find_provider(app, job).await?;
    let kind = provider.and_then(|provider| ProviderKind::parse(&provider));
    let gives_many = kind.is_some_and(ProviderKind::gives_many_commits);
    let commits = crate::store::job_refs::list_waiting_commits(app, job).await?;
    if gives_many && !commits.is_empty() {
        let id = job.to_owned();
        enqueue(app, &[Job::ImportTogether { id }]).await?;
        return Ok(1);
    }
    if kind.is_some_and(ProviderKind::reads_ahead) && commits.len() >= read_ahead::WORTHWHILE {
        let (id, after) = (job.to_owned(), String::new());
        enqueue(app, &[Job::ReadAhead { id, after }]).await?;
        return Ok(1);
    }
    let imports = imports_of(job, commits);
    enqueue(app, &imports).await?;
    Ok(imports.len())
}

fn imports_of(job: &str, commits: Vec<String>) -> Vec<Job> {
    commits
        .into_iter()
        .map(|commit| Job::Import {
            id: job.to_owned(),
            commit,
        })
        .collect()
}

/// Moves a job on once none of its refs waits: its package is published wherever it is.
pub(crate) async fn settle(app: &App, job: &str, package: i64) -> Result<()> {
    let state = crate::store::jobs::settle_job(app, job).await?;
    if state.as_deref() == Some("publishing") {
        enqueue_publications(app, package).await?;
    }
    Ok(())
}

/// Has a refused credential tried before its time; not more often than once a minute.
pub async fn enqueue_try(app: &App, connection: &str) -> Result<()> {
    if !crate::store::refusals::claim_try(app, connection).await? {
        return Ok(());
    }
    let connection = connection.to_owned();
    enqueue(app, &[Job::TryCredential { connection }]).await
}

/// The same for the connection of a git repository that somebody wants compared now.
pub async fn enqueue_try_of(app: &App, git_repo: i64) -> Result<()> {
    match crate::store::refusals::find_refused_connection(app, git_repo).await? {
        Some(connection) => enqueue_try(app, &connection).await,
        None => Ok(()),
    }
}

/// Sends the jobs and the imports that wait for a connection on their way.
pub async fn enqueue_waiting(app: &App, connection: &str) -> Result<()> {
    let mut jobs: Vec<_> = crate::store::refusals::list_waiting_jobs(app, connection)
        .await?
        .into_iter()
        .map(|(id, kind)| Job::begin(&kind, id))
        .collect();
    let imports = crate::store::imports::list_open_imports(app, connection).await?;
    jobs.extend(imports.into_iter().map(|id| Job::ImportProjects { id }));
    enqueue(app, &jobs).await
}
pub use monorepo::enqueue_publications_of_git_repo;

/// Has a package published in every repository it is in.
pub async fn enqueue_publications(app: &App, package: i64) -> Result<()> {
    let publications: Vec<_> = crate::store::packages::list_memberships(app, package)
        .await?
        .into_iter()
        .map(|membership| Job::Publish {
            repository: membership.id,
        })
        .collect();
    enqueue(app, &publications).await
}

/// Has repositories published.
pub async fn enqueue_publishing(app: &App, repositories: &[i64]) -> Result<()> {
    let publications: Vec<_> = repositories
        .iter()
        .map(|id| Job::Publish { repository: *id })
        .collect();
    enqueue(app, &publications).await
}

/// The scheduled work: what webhooks missed, publications that were forgotten, the sweep.
pub async fn housekeep(app: &App) {
    let actor = Actor::new(ActorKind::Job, None, "housekeeping");
    housekeeping::run(&acting(app, actor)).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::reader::ReaderKind;

    #[test]
    fn a_report_from_before_readers_were_told_apart_is_read() {
        let text = r#"{"v":1,"job":"count_downloads","id":"a","repository":7,"day":"2026-11-21","downloads":[]}"#;
        let envelope: Envelope = serde_json::from_str(text).unwrap();
        let report = envelope.report().unwrap();
        assert_eq!(report.counted[0].reader.parts(), ("unknown", ""));
        assert_eq!(*report.counted[0].client, Client::default());
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "one entry for each message")]
    fn the_wire_format_does_not_change() {
        let text = |job| serde_json::to_string(&Envelope { v: FORMAT, job }).unwrap();
        assert_eq!(
            text(Job::Reconcile { id: "a".to_owned() }),
            r#"{"v":1,"job":"reconcile","id":"a"}"#
        );
        assert_eq!(
            text(Job::Import {
                id: "a".to_owned(),
                commit: "c0ffee".to_owned()
            }),
            r#"{"v":1,"job":"import","id":"a","commit":"c0ffee"}"#
        );
        assert_eq!(
            text(Job::ImportTogether { id: "a".to_owned() }),
            r#"{"v":1,"job":"import_together","id":"a"}"#
        );
        assert_eq!(
            text(Job::ReadAhead {
                id: "a".to_owned(),
                after: "c0ffee".to_owned()
            }),
            r#"{"v":1,"job":"read_ahead","id":"a","after":"c0ffee"}"#
        );
        assert_eq!(
            text(Job::Resume {
                id: "a".to_owned(),
                since: 7
            }),
            r#"{"v":1,"job":"resume","id":"a","since":7}"#
        );
        assert_eq!(
            text(Job::ImportProjects { id: "a".to_owned() }),
            r#"{"v":1,"job":"import_projects","id":"a"}"#
        );
        assert_eq!(
            text(Job::AddProject {
                id: "a".to_owned(),
                project: "41".to_owned()
            }),
            r#"{"v":1,"job":"add_project","id":"a","project":"41"}"#
        );
        assert_eq!(
            text(Job::Discover { id: "a".to_owned() }),
            r#"{"v":1,"job":"discover","id":"a"}"#
        );
        assert_eq!(
            text(Job::TryCredential {
                connection: "a".to_owned()
            }),
            r#"{"v":1,"job":"try_credential","connection":"a"}"#
        );
        assert_eq!(
            text(Job::KeepHook { git_repo: 7 }),
            r#"{"v":1,"job":"keep_hook","git_repo":7}"#
        );
        assert_eq!(
            text(Job::CompleteUpload { id: "a".to_owned() }),
            r#"{"v":1,"job":"complete_upload","id":"a"}"#
        );
        assert_eq!(
            text(Job::LookAtFolders {
                id: "a".to_owned(),
                commit: "c0ffee".to_owned()
            }),
            r#"{"v":1,"job":"look_at_folders","id":"a","commit":"c0ffee"}"#
        );
        assert_eq!(
            text(Job::LookAtFoldersTogether { id: "a".to_owned() }),
            r#"{"v":1,"job":"look_at_folders_together","id":"a"}"#
        );
        assert_eq!(
            text(Job::DecideFolders { id: "a".to_owned() }),
            r#"{"v":1,"job":"decide_folders","id":"a"}"#
        );
        assert_eq!(
            text(Job::CutFolders {
                id: "a".to_owned(),
                commit: "c0ffee".to_owned()
            }),
            r#"{"v":1,"job":"cut_folders","id":"a","commit":"c0ffee"}"#
        );
        assert_eq!(
            text(Job::Publish { repository: 7 }),
            r#"{"v":1,"job":"publish","repository":7}"#
        );
        assert_eq!(
            text(Job::CountDownloads {
                id: "a".to_owned(),
                repository: 7,
                day: "2026-11-21".to_owned(),
                downloads: vec![(
                    PackageName::parse("acme/lib").unwrap(),
                    "1.0.0.0".to_owned()
                )],
                reader: Reader::new(ReaderKind::Customer, "c"),
                client: Client {
                    php: "8.3".to_owned(),
                    composer: 2
                },
            }),
            r#"{"v":1,"job":"count_downloads","id":"a","repository":7,"day":"2026-11-21","downloads":[["acme/lib","1.0.0.0"]],"reader":"customer:c","client":{"php":"8.3","composer":2}}"#
        );
        assert_eq!(
            text(Job::CountArchives {
                id: "a".to_owned(),
                served: vec![ServedArchive {
                    repository: 7,
                    day: "2026-11-21".to_owned(),
                    reader: Reader::new(ReaderKind::Token, "t"),
                    client: Client::default(),
                    archives: vec![(
                        PackageName::parse("acme/lib").unwrap(),
                        "c0ffee".to_owned(),
                        3
                    )],
                }],
            }),
            r#"{"v":1,"job":"count_archives","id":"a","served":[{"repository":7,"day":"2026-11-21","reader":"token:t","client":{"php":"","composer":0},"archives":[["acme/lib","c0ffee",3]]}]}"#
        );
        assert_eq!(text(Job::ReadTexts), r#"{"v":1,"job":"read_texts"}"#);
        assert_eq!(
            text(Job::NoteTokenUses {
                uses: vec![TokenUse {
                    token: "a".to_owned(),
                    at: 7,
                    address: Some("192.0.2.1".to_owned()),
                    client: None,
                }],
            }),
            r#"{"v":1,"job":"note_token_uses","uses":[{"token":"a","at":7,"address":"192.0.2.1","client":null}]}"#
        );
        assert_eq!(
            text(Job::NoteBandwidth {
                id: "a".to_owned(),
                served: vec![Served {
                    organisation: 1,
                    month: "2026-11".to_owned(),
                    bytes: 7,
                }],
            }),
            r#"{"v":1,"job":"note_bandwidth","id":"a","served":[{"organisation":1,"month":"2026-11","bytes":7}]}"#
        );
    }
}
