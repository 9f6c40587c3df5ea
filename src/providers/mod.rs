//! Outside hosts: build a request, read a response, read an event. Everything is sent through `HttpClient`.

use std::collections::HashMap;

use async_trait::async_trait;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::domain::funding::Funding;
use crate::domain::signature;
use crate::error::{Error, Result};
use crate::ports::InResponse;

pub mod address;
pub mod bitbucket;
pub mod bitbucket_server;
mod credentials;
pub mod event;
mod fields;
pub mod gitea;
pub mod github;
pub mod gitlab;
mod hooks;
pub mod identity;
mod ls_refs;
mod manifest;
pub mod outgoing;
mod paging;
mod path;
mod payload;
pub mod plain_git;
mod project_pages;
mod ref_pages;
#[cfg(test)]
pub(crate) mod replay;
pub mod resolver;
mod rest;

use bitbucket::Bitbucket;
use bitbucket_server::BitbucketServer;
pub use credentials::Credentials;
pub use event::{Event, EventProject, RepositoryChange};
use gitea::{Gitea, Product};
use github::GitHub;
use gitlab::GitLab;
pub use hooks::{register_hook, unregister_hook};
pub use ls_refs::{GitRefs, LsRefs};
pub use manifest::{Found, read_found, read_project};
use outgoing::Gateway;
use plain_git::PlainGit;
pub use rest::TokenSource;

/// A kind of git host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderKind {
    /// github.com, GHE.com and Enterprise Server.
    GitHub,
    /// gitlab.com and instances of one's own.
    GitLab,
    /// Gitea.
    Gitea,
    /// Forgejo, Codeberg among them.
    Forgejo,
    /// Bitbucket Cloud, bitbucket.org.
    Bitbucket,
    /// Bitbucket Data Center, and the Bitbucket Server of before.
    BitbucketServer,
    /// Any server that `git clone` reaches over HTTPS.
    Git,
}

impl JsonSchema for ProviderKind {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Provider".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": Self::ALL.map(Self::as_str) })
    }
}

impl ProviderKind {
    /// Every kind, in the order in which people are told of them.
    pub const ALL: [Self; 7] = [
        Self::GitHub,
        Self::GitLab,
        Self::Gitea,
        Self::Forgejo,
        Self::Bitbucket,
        Self::BitbucketServer,
        Self::Git,
    ];

    /// Reads the name as the API and the database have it.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// The name as the API and the database have it. Never to change: rows hold it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Gitea => "gitea",
            Self::Forgejo => "forgejo",
            Self::Bitbucket => "bitbucket",
            Self::BitbucketServer => "bitbucket-server",
            Self::Git => "git",
        }
    }

    /// The address of the provider's API when a connection names none; empty where there is no such thing.
    pub fn default_base_url(self) -> &'static str {
        match self {
            Self::GitHub => github::BASE_URL,
            Self::GitLab => gitlab::BASE_URL,
            Self::Gitea => Product::Gitea.base_url(),
            Self::Forgejo => Product::Forgejo.base_url(),
            Self::Bitbucket => bitbucket::BASE_URL,
            Self::BitbucketServer | Self::Git => "",
        }
    }

    /// A connected host. An empty `base_url` is the default one; a wrong one is `Invalid`, and so are credentials
    /// that the host cannot be shown.
    pub fn connect<'a>(
        self,
        gateway: Gateway<'a>,
        base_url: &str,
        credentials: &Credentials,
    ) -> Result<Box<dyn GitHost + 'a>> {
        match self {
            Self::GitHub => Ok(Box::new(GitHub::new(gateway, base_url, credentials)?)),
            Self::GitLab => Ok(Box::new(GitLab::new(gateway, base_url, credentials)?)),
            Self::Gitea => open_gitea(gateway, Product::Gitea, base_url, credentials),
            Self::Forgejo => open_gitea(gateway, Product::Forgejo, base_url, credentials),
            Self::Bitbucket => Ok(Box::new(Bitbucket::new(gateway, base_url, credentials)?)),
            Self::BitbucketServer => Ok(Box::new(BitbucketServer::new(
                gateway,
                base_url,
                credentials,
            )?)),
            Self::Git => Ok(Box::new(PlainGit::new(gateway, base_url, credentials)?)),
        }
    }

    /// Whether a webhook's headers (names in lower case) sign its raw body with this secret, or show it where that is
    /// the host's way. `now` is in Unix seconds: some signatures have a time.
    pub fn verify_webhook(
        self,
        secret: &[u8],
        headers: &[(String, String)],
        body: &[u8],
        now: i64,
    ) -> bool {
        match self {
            Self::GitHub => header(headers, "x-hub-signature-256")
                .is_some_and(|value| signature::verify_github(secret, value, body)),
            Self::GitLab => gitlab::verify(secret, headers, body, now),
            Self::Gitea | Self::Forgejo => gitea::verify(secret, headers, body),
            // The form of GitHub's newer signature under the name of its older one.
            Self::Bitbucket | Self::BitbucketServer => header(headers, "x-hub-signature")
                .is_some_and(|value| signature::verify_github(secret, value, body)),
            Self::Git => plain_git::event::verify(secret, header(headers, "authorization")),
        }
    }

    /// The provider's id of a delivery: the same one when it is delivered again.
    pub fn delivery_id(self, headers: &[(String, String)]) -> Option<&str> {
        match self {
            Self::GitHub => header(headers, "x-github-delivery"),
            Self::GitLab => gitlab::delivery_id(headers),
            Self::Gitea | Self::Forgejo => gitea::delivery_id(headers),
            Self::Bitbucket => bitbucket::delivery_id(headers),
            Self::BitbucketServer => bitbucket_server::delivery_id(headers),
            Self::Git => header(headers, "x-request-id"),
        }
    }

    /// The provider's name of an event, for the list of deliveries.
    pub fn event_name(self, headers: &[(String, String)]) -> Option<&str> {
        match self {
            Self::GitHub => header(headers, "x-github-event"),
            Self::GitLab => header(headers, "x-gitlab-event"),
            Self::Gitea | Self::Forgejo => gitea::event_name(headers),
            Self::Bitbucket | Self::BitbucketServer => header(headers, "x-event-key"),
            Self::Git => Some("push"),
        }
    }

    /// The events to choose when the webhook is set up, as the API names them.
    pub fn webhook_events(self) -> &'static [&'static str] {
        match self {
            Self::GitHub | Self::Gitea | Self::Forgejo => {
                &["push", "create", "delete", "repository"]
            }
            Self::GitLab => &["push_events", "tag_push_events"],
            Self::Bitbucket => &["repo:push", "repo:updated", "repo:transfer", "repo:deleted"],
            Self::BitbucketServer => &["repo:refs_changed", "repo:modified"],
            Self::Git => &[],
        }
    }

    /// Whether its webhooks can be registered by a program.
    pub fn registers_hooks(self) -> bool {
        !matches!(self, Self::Git)
    }

    /// Whether one answer holds many commits, so that they are best taken in together.
    pub fn gives_many_commits(self) -> bool {
        matches!(self, Self::Git)
    }

    /// Whether one answer tells of many commits what an import asks first, though each archive is an answer of its own.
    pub fn reads_ahead(self) -> bool {
        matches!(self, Self::GitHub)
    }

    /// Whether every delivery has an id. Where not, one without is new; a replay of it does no more than look again.
    pub fn numbers_deliveries(self) -> bool {
        !matches!(self, Self::Git)
    }

    /// What a verified webhook says. A body that cannot be read is `Invalid`.
    pub fn parse_event(
        self,
        base_url: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<Event> {
        match self {
            Self::GitHub => github::parse_event(headers, body),
            Self::GitLab => gitlab::parse_event(headers, body),
            Self::Gitea => gitea::parse_event(Product::Gitea.name(), headers, body),
            Self::Forgejo => gitea::parse_event(Product::Forgejo.name(), headers, body),
            Self::Bitbucket => bitbucket::parse_event(headers, body),
            Self::BitbucketServer => bitbucket_server::parse_event(headers, body),
            Self::Git => plain_git::event::parse(base_url, body),
        }
    }
}

fn open_gitea<'a>(
    gateway: Gateway<'a>,
    product: Product,
    base_url: &str,
    credentials: &Credentials,
) -> Result<Box<dyn GitHost + 'a>> {
    Ok(Box::new(Gitea::new(
        gateway,
        product,
        base_url,
        credentials,
    )?))
}

/// Who a token belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The provider's id, which outlives a rename.
    pub provider_id: String,
    /// The login name.
    pub login: String,
    /// What the token cannot do that we may need, each as a sentence; empty when nothing is known to be missing.
    pub missing: Vec<String>,
}

/// A project at a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The provider's id, which outlives renames: the one thing to keep and to ask by.
    pub provider_id: String,
    /// `owner/name` as it is now.
    pub full_name: String,
    /// The branch that HEAD names; none in an empty repository.
    pub default_branch: Option<String>,
    /// For people.
    pub web_url: String,
    /// For git.
    pub clone_url: String,
    /// Whether it is closed to the public.
    pub is_private: bool,
    /// Whether it is read-only for good.
    pub is_archived: bool,
    /// Whether it was made as a copy of another one.
    pub is_fork: bool,
    /// The page of its files, with `{ref}` in place of the tag, branch or commit, and `{kind}` in place of `tag` or
    /// `branch` where that matters.
    pub source_page: Option<String>,
    /// The page of its issues; none when it has none.
    pub issues_page: Option<String>,
    /// Its website, where Composer's driver for this host takes it over into the metadata.
    pub homepage: Option<String>,
}

/// A tag or branch and the commit it leads to, annotated tags peeled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundRef {
    /// `refs/tags/v1.0` or `refs/heads/main`.
    pub name: String,
    /// 40 or 64 hex digits, lower case.
    pub commit: String,
}

/// One page of a listing as it was last seen. Kept between reconciles, so that the next one costs nothing
/// where nothing changed. Never to change in shape without reading the old one: rows hold it as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefPage {
    /// Where it was read: the key for the next time.
    pub url: String,
    /// The entity tag it came with; none when it cannot be asked for conditionally.
    pub etag: Option<String>,
    /// What it held.
    pub refs: Vec<FoundRef>,
    /// Where the next page is.
    pub next: Option<String>,
}

/// All tags and branches of a project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefListing {
    /// The pages to keep for the next time, in place of all earlier ones.
    pub pages: Vec<RefPage>,
    /// Tags, then branches; no name twice.
    pub refs: Vec<FoundRef>,
}

/// One page of the projects that the credentials reach.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectPage {
    /// In an order of the host's that does not change between two pages.
    pub projects: Vec<Project>,
    /// What to ask the next page with; none on the last one.
    pub next: Option<String>,
}

/// Where a webhook is registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookPlace<'a> {
    /// At one project, by the provider's id.
    Project(&'a str),
    /// At an organisation, group or workspace, by its name or path: it tells of all projects below.
    Group(&'a str),
}

/// A webhook as it shall be.
#[derive(Debug, Clone, Copy)]
pub struct WantedHook<'a> {
    /// Where deliveries go. It has the connection's id in it and so no other hook has it.
    pub url: &'a str,
    /// What deliveries are signed with.
    pub secret: &'a str,
}

/// A project by both of its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedProject<'a> {
    /// The provider's id.
    pub provider_id: &'a str,
    /// `owner/name`, as last seen: another project may have it by now.
    pub full_name: &'a str,
}

/// What an import needs to know of a commit before its archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitFacts {
    /// The commit.
    pub commit: String,
    /// The text of its composer.json, byte for byte; none when it has none.
    pub manifest: Option<String>,
    /// As `commit_time` gives it.
    pub time: String,
}

/// A git host, as far as we use it. Project ids are the provider's own.
#[async_trait(?Send)]
pub trait GitHost {
    /// Checks that the token works, and says what it lacks.
    async fn check_access(&self) -> Result<Account>;

    /// A project by `owner/name` or by its id, also after a rename.
    async fn describe_project(&self, name_or_id: &str) -> Result<Project>;

    /// Tells by which name a project was last known, for hosts that cannot be asked for everything by its id. It may have
    /// another name by now.
    fn recall_name(&self, _project_id: &str, _full_name: &str) {}

    /// How to pay for a project, as its host shows it; nothing where a host has no such thing.
    async fn read_funding(&self, _project: &Project) -> Result<Vec<Funding>> {
        Ok(Vec::new())
    }

    /// All tags and branches. `known` holds the pages of the last listing by their URLs. A push between
    /// two pages can hide a ref from one listing: look again before believing that one is gone.
    async fn list_refs(
        &self,
        project_id: &str,
        known: &HashMap<String, RefPage>,
    ) -> Result<RefListing>;

    /// All tags and branches by git's own protocol: one request, which no API counts. `clone_url` is the host's own word
    /// of where the project is; the credentials go there only when that is at the host's own address.
    async fn ls_refs(&self, _clone_url: &str) -> Result<LsRefs> {
        Ok(LsRefs::Unavailable)
    }

    /// A file's bytes at a commit, or on the default branch as it is now; none when there is no such file.
    async fn read_file(
        &self,
        project_id: &str,
        path: &str,
        commit: Option<&str>,
        limit: usize,
    ) -> Result<Option<Vec<u8>>>;

    /// Says which commits will be asked for next, in this order, so that a host whose answers hold many at once can fetch
    /// them together. Returns for how many of them, from the first on, it did; the others are for another call.
    async fn prepare(&self, _project_id: &str, commits: &[String]) -> Result<usize> {
        Ok(commits.len())
    }

    /// The composer.json files and times of many commits by few requests, where [`ProviderKind::reads_ahead`]. It is exactly
    /// what `read_file` and `commit_time` would give; commits that are missing are to be asked for by them. An error when
    /// none can be read in this way, whatever commits they are: all are to be asked for one by one then.
    async fn read_ahead(
        &self,
        _project: &NamedProject<'_>,
        _commits: &[String],
    ) -> Result<Vec<CommitFacts>> {
        Ok(Vec::new())
    }

    /// The commit's time in RFC 3339, in UTC: the committer's, but by plain git the author's, as Composer's drivers have it.
    async fn commit_time(&self, project_id: &str, commit: &str) -> Result<String>;

    /// The zip archive of a commit, as a stream.
    async fn open_archive(&self, project_id: &str, commit: &str) -> Result<InResponse>;

    /// The projects that the credentials reach, those whose names hold `search` if it is given; archived ones too.
    /// `cursor` is the `next` of the page before; it comes from outside, so that each host checks it. Where the host cannot
    /// search, a page may be short or empty and have a next one. `Invalid` where a host has no such list.
    async fn list_projects(
        &self,
        _search: Option<&str>,
        _cursor: Option<&str>,
    ) -> Result<ProjectPage> {
        Err(Error::invalid(
            "This kind of host has no list of projects; name each one to be added",
        ))
    }

    /// The id of the webhook with this address, the oldest if there are several: registering twice must not double it.
    async fn find_hook(&self, _place: HookPlace<'_>, _url: &str) -> Result<Option<String>> {
        Err(no_hooks())
    }

    /// Registers a webhook for [`ProviderKind::webhook_events`], or has the one with the id `known` be as wanted; gives
    /// its id. `Forbidden` or `Invalid`, with what the token lacks, when the credentials do not allow it.
    async fn save_hook(
        &self,
        _place: HookPlace<'_>,
        _known: Option<&str>,
        _wanted: &WantedHook<'_>,
    ) -> Result<String> {
        Err(no_hooks())
    }

    /// Removes a webhook; one that is gone already is no error.
    async fn remove_hook(&self, _place: HookPlace<'_>, _hook: &str) -> Result<()> {
        Err(no_hooks())
    }

    /// Seconds to leave the host alone after what was asked of it since the last call, so that an allowance of which it said
    /// that it is nearly spent never is; 0 where there is enough, and at hosts that do not say.
    fn take_pause_owed(&self) -> u32 {
        0
    }

    /// Seconds for which nothing but the allowance of its REST API is spent, as it said since the last call; none at hosts
    /// that have but one allowance.
    fn take_rest_spent(&self) -> Option<u32> {
        None
    }

    /// Whether it may show a project and none of its files; not where all comes in one answer.
    fn shows_files_apart(&self) -> bool {
        true
    }

    /// Whether archives have a limit of their own, so that `open_archive` may be refused with `ArchivesLimited` while
    /// all else is still answered.
    fn limits_archives_apart(&self) -> bool {
        false
    }
}

fn no_hooks() -> Error {
    Error::invalid(
        "This kind of host lets no program register webhooks; set one up by hand with the address shown",
    )
}

/// Whether `Authorization` carries the webhook's secret as a bearer: the generic hook, of every kind of connection.
pub fn verify_bearer(secret: &[u8], headers: &[(String, String)]) -> bool {
    plain_git::event::verify(secret, header(headers, "authorization"))
}

/// Reads the body of the generic hook: JSON, or a form's field `payload`.
pub fn read_generic_body(headers: &[(String, String)], body: &[u8]) -> Result<serde_json::Value> {
    payload::read("a generic hook", headers, body)
}

/// The first header of that name, given in lower case.
fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}
