//! The requests that git's smart protocol is made of.

use crate::domain::plain_git::fetch::{FetchReader, ask_for_commits};
use crate::domain::plain_git::refs::{Capabilities, Listed, ask_for_refs, read_refs};
use crate::domain::plain_git::{GitFault, ObjectId};
use crate::error::{Error, ErrorKind, Result};
use crate::ports::{InResponse, OutRequest};
use crate::providers::address::Address;
use crate::providers::outgoing::{Gateway, read_body, upstream};

/// The largest pack that is held in memory: an isolate has 128 MB for everything.
pub(super) const PACK_LIMIT: usize = 32 * 1024 * 1024;

/// 100,000 refs of some 100 bytes each.
const REFS_LIMIT: usize = 10 * 1024 * 1024;

const SERVICE: &str = "/info/refs?service=git-upload-pack";

pub(super) struct Remote<'a> {
    gateway: Gateway<'a>,
    /// Without a slash at its end.
    base: String,
    address: Address,
    authorization: Option<String>,
    /// Bytes.
    pub(super) pack_limit: usize,
}

/// Where a repository answers, and what it can do.
struct Discovered {
    url: String,
    is_elsewhere: bool,
    capabilities: Capabilities,
}

impl<'a> Remote<'a> {
    pub(super) fn new(
        gateway: Gateway<'a>,
        base_url: &str,
        authorization: Option<String>,
    ) -> Result<Self> {
        let address = gateway.address(base_url)?;
        if address.has_query() {
            return Err(Error::invalid("The base URL must have no query"));
        }
        Ok(Self {
            gateway,
            base: address.url().trim_end_matches('/').to_owned(),
            address,
            authorization,
            pack_limit: PACK_LIMIT,
        })
    }

    pub(super) fn host(&self) -> &str {
        self.address.host()
    }

    pub(super) fn has_credentials(&self) -> bool {
        self.authorization.is_some()
    }

    /// A repository's path below the base URL, from such a path or from its whole URL.
    pub(super) fn project(&self, name: &str) -> Result<String> {
        let below = name
            .strip_prefix(&self.base)
            .filter(|path| path.starts_with('/'));
        let path = match below {
            Some(path) => path,
            None if name.contains("://") => {
                return Err(Error::invalid(format!(
                    "The repository is not below `{}`, the base URL of this connection",
                    self.base
                )));
            }
            None => name,
        };
        let path = path.trim_matches('/');
        let is_plain = |segment: &str| {
            !segment.is_empty()
                && segment != "."
                && segment != ".."
                && segment
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-._~%@+".contains(&byte))
        };
        if path.len() <= 500 && path.split('/').all(is_plain) {
            Ok(path.to_owned())
        } else {
            Err(Error::invalid(
                "A repository is named by its URL, or by its path below the connection's base URL, such as `team/library.git`",
            ))
        }
    }

    pub(super) fn clone_url(&self, project: &str) -> String {
        format!("{}/{project}", self.base)
    }

    /// All refs. A server that is known to be there is asked at once; only one that does not answer as expected is
    /// asked first what it is, so that nothing new costs one request.
    pub(super) async fn list_refs(&self, project: &str) -> Result<Listed> {
        let url = self.clone_url(project);
        let request = ask_for_refs(&Capabilities::default());
        if let Ok(response) = self.post(&url, request, false).await {
            if let Some(limit) = self.limit(&response) {
                return Err(limit);
            }
            if response.status == 200
                && let Ok(bytes) = read_body(response, REFS_LIMIT, "The list of refs").await
                && let Ok(listed) = read_refs(&bytes)
            {
                return Ok(listed);
            }
        }
        let discovered = self.discover(project).await?;
        let request = ask_for_refs(&discovered.capabilities);
        let response = self.ask(&discovered, request).await?;
        let bytes = read_body(response, REFS_LIMIT, "The list of refs").await?;
        read_refs(&bytes).map_err(|fault| self.explain(&fault))
    }

    /// A pack with these commits and all of their files. `TooLarge` when it does not fit into memory.
    pub(super) async fn fetch(&self, project: &str, commits: &[ObjectId]) -> Result<Vec<u8>> {
        let url = self.clone_url(project);
        let request = ask_for_commits(&Capabilities::default(), commits);
        // As for the refs: a server that does not answer as expected is asked what it is, and redirects are followed there.
        let mut response = match self.post(&url, request, false).await {
            Ok(response) if response.status == 200 => response,
            Err(error) if error.is_retryable() => return Err(error),
            first => {
                if let Ok(response) = &first
                    && let Some(limit) = self.limit(response)
                {
                    return Err(limit);
                }
                let discovered = self.discover(project).await?;
                let request = ask_for_commits(&discovered.capabilities, commits);
                self.ask(&discovered, request).await?
            }
        };
        let mut reader = FetchReader::default();
        let mut pack = Vec::new();
        while let Some(chunk) = response.body.next().await? {
            make_room(&mut pack, chunk.len(), self.pack_limit);
            reader
                .push(&chunk, &mut pack)
                .map_err(|fault| self.explain(&fault))?;
            if pack.len() > self.pack_limit {
                return Err(too_large(self.pack_limit));
            }
        }
        reader.finish().map_err(|fault| self.explain(&fault))?;
        Ok(pack)
    }

    /// Asks what is there. Redirects are followed as git does it, for this one request: what it leads to is where
    /// the others go. The credential stays behind where that is another host.
    async fn discover(&self, project: &str) -> Result<Discovered> {
        let url = format!("{}{SERVICE}", self.clone_url(project));
        let address = self.gateway.address(&url)?;
        let request = OutRequest {
            method: "GET",
            headers: self.headers(true, &[]),
            ..OutRequest::default()
        };
        let (end, response) = self.gateway.send_traced(&address, request).await?;
        if response.status != 200 {
            return Err(self.refuse(&response));
        }
        let url = end.url();
        let url = url.strip_suffix(SERVICE).ok_or_else(|| self.no_git())?;
        let is_elsewhere = end.origin() != self.address.origin();
        let bytes = read_body(response, REFS_LIMIT, "The server's answer").await?;
        let capabilities = Capabilities::read(&bytes).map_err(|fault| self.explain(&fault))?;
        Ok(Discovered {
            url: url.to_owned(),
            is_elsewhere,
            capabilities,
        })
    }

    async fn ask(&self, at: &Discovered, body: Vec<u8>) -> Result<InResponse> {
        let response = self.post(&at.url, body, at.is_elsewhere).await?;
        if response.status == 200 {
            Ok(response)
        } else {
            Err(self.refuse(&response))
        }
    }

    async fn post(&self, url: &str, body: Vec<u8>, is_elsewhere: bool) -> Result<InResponse> {
        let address = self.gateway.address(&format!("{url}/git-upload-pack"))?;
        let request = OutRequest {
            method: "POST",
            headers: self.headers(
                !is_elsewhere,
                &[
                    ("accept", "application/x-git-upload-pack-result"),
                    ("content-type", "application/x-git-upload-pack-request"),
                ],
            ),
            body,
            ..OutRequest::default()
        };
        self.gateway.send(&address, request).await
    }

    fn headers(&self, with_credentials: bool, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let fixed = [
            ("git-protocol", "version=2"),
            ("user-agent", "git/Repertoire"),
        ];
        let mut headers: Vec<_> = fixed
            .iter()
            .chain(more)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        if let Some(authorization) = self.authorization.as_ref().filter(|_| with_credentials) {
            headers.push(("authorization".to_owned(), authorization.clone()));
        }
        headers
    }

    /// Set where the server wants to be left alone: then it is not even asked what it is.
    fn limit(&self, response: &InResponse) -> Option<Error> {
        let refusal = self.gateway.refusal(self.host(), response, None);
        matches!(refusal.kind(), ErrorKind::RateLimited { .. }).then_some(refusal)
    }

    fn refuse(&self, response: &InResponse) -> Error {
        if let Some(limit) = self.limit(response) {
            return limit;
        }
        let host = self.host();
        match response.status {
            // A server may want other credentials in each folder, so that the next repository says nothing else again.
            401 | 403 if !self.has_credentials() => Error::new(
                ErrorKind::ProjectWithheld,
                format!(
                    "`{host}` wants a user name and a token for this repository; store them in the connection"
                ),
            ),
            401 | 403 => Error::new(
                ErrorKind::ProjectWithheld,
                format!(
                    "`{host}` does not let this credential read the repository; store another one in the connection"
                ),
            ),
            404 => Error::new(
                ErrorKind::ProjectWithheld,
                format!("`{host}` has no such repository, or does not show it to this credential"),
            ),
            _ => self.gateway.refusal(host, response, None),
        }
    }

    fn no_git(&self) -> Error {
        self.explain(&GitFault::NoGit)
    }

    /// What is wrong with an answer, as an error. Damage may be gone with the next attempt.
    pub(super) fn explain(&self, fault: &GitFault) -> Error {
        match fault {
            GitFault::LargeObject { .. } => Error::new(ErrorKind::TooLarge, fault.to_string()),
            GitFault::Damaged(_) => upstream(true, format!("`{}`: {fault}", self.host())),
            // A commit that was pushed over meanwhile (`upload-pack: not our ref …`).
            GitFault::Said(words) if words.contains("not our ref") => Error::not_found(format!(
                "`{}` does not have the commit any more",
                self.host()
            )),
            GitFault::OldProtocol
            | GitFault::NoGit
            | GitFault::ObjectFormat(_)
            | GitFault::Said(_)
            | GitFault::Missing(_) => upstream(false, format!("`{}`: {fault}", self.host())),
        }
    }
}

/// A buffer that doubles would come to twice the limit while it is copied.
fn make_room(pack: &mut Vec<u8>, more: usize, limit: usize) {
    let wanted = pack.len().saturating_add(more);
    if wanted > pack.capacity() {
        let room = wanted
            .max(pack.capacity().saturating_mul(2))
            .min(limit.saturating_add(more));
        pack.reserve_exact(room.saturating_sub(pack.len()));
    }
}

fn too_large(limit: usize) -> Error {
    Error::new(
        ErrorKind::TooLarge,
        format!(
            "The files of this commit take more than {} MiB packed, the most that is fetched by plain git; leave large files \
             out of the repository, or connect its host by that host's own API",
            limit.div_ceil(1024 * 1024)
        ),
    )
}
