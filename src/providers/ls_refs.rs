//! Whether anything changed, asked of git itself: `ls-refs` lists all tags and branches in one request, which no API
//! counts (gitprotocol-v2(5)).

use crate::domain::plain_git::refs::{Capabilities, ask_for_refs, read_refs};
use crate::error::{ErrorKind, Result};
use crate::ports::OutRequest;

use super::address::Address;
use super::credentials::Credentials;
use super::outgoing::{Gateway, read_body};
use super::{FoundRef, header};

/// 100,000 refs of some 100 bytes each.
const REFS_LIMIT: usize = 10 * 1024 * 1024;

/// All tags and branches, as git tells them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GitRefs {
    /// The branch that HEAD names; none in an empty repository.
    pub default_branch: Option<String>,
    /// Annotated tags are peeled. The odd tag of a file or a tree is among them, which APIs leave out.
    pub refs: Vec<FoundRef>,
}

/// What came of asking git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LsRefs {
    /// What it listed.
    Listed(GitRefs),
    /// The credentials do not let us in. Hosts count such attempts: do not ask again soon.
    Refused,
    /// It is not asked, or gave no answer of use.
    Unavailable,
}

/// Where a host's git answers, and what it is shown there.
pub(super) struct GitPlace<'a> {
    gateway: Gateway<'a>,
    /// Without a slash at its end.
    base: String,
    address: Address,
    authorization: String,
}

impl<'a> GitPlace<'a> {
    /// Git at the address below which a host's clone URLs lie.
    pub(super) fn new(
        gateway: Gateway<'a>,
        base: &str,
        username: &str,
        token: &str,
    ) -> Result<Self> {
        let address = gateway.address(base)?;
        let credentials = Credentials::new(Some(username), token);
        Ok(Self {
            gateway,
            base: address.url().trim_end_matches('/').to_owned(),
            address,
            authorization: credentials.basic()?.unwrap_or_default(),
        })
    }

    /// The address to ask for a project; none when its clone URL is elsewhere.
    fn service(&self, clone_url: &str) -> Option<Address> {
        let address = self.gateway.address(clone_url).ok()?;
        let url = address.url();
        let path = url.strip_prefix(&self.base)?;
        if address.origin() != self.address.origin()
            || address.has_query()
            || !path.starts_with('/')
            || path.len() < 2
        {
            return None;
        }
        let service = format!("{}/git-upload-pack", url.trim_end_matches('/'));
        self.gateway.address(&service).ok()
    }
}

/// All tags and branches of the project with this clone URL. A limit is an error; any other failure is none, for there is
/// the API to ask instead.
pub(super) async fn ask(place: &GitPlace<'_>, clone_url: &str) -> Result<LsRefs> {
    let Some(address) = place.service(clone_url) else {
        return Ok(LsRefs::Unavailable);
    };
    let headers = [
        ("authorization", place.authorization.as_str()),
        ("accept", "application/x-git-upload-pack-result"),
        ("content-type", "application/x-git-upload-pack-request"),
        ("git-protocol", "version=2"),
        ("user-agent", "git/Repertoire"),
    ];
    let request = OutRequest {
        method: "POST",
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        // The server is known to be there, so what it can do is not asked first.
        body: ask_for_refs(&Capabilities::default()),
        ..OutRequest::default()
    };
    // A POST is never followed to another host.
    let Ok(response) = place.gateway.send(&address, request).await else {
        return Ok(LsRefs::Unavailable);
    };
    if response.status != 200 {
        let refusal = place.gateway.refusal(address.host(), &response, None);
        return match (refusal.kind(), response.status) {
            (ErrorKind::RateLimited { .. }, _) => Err(refusal),
            (_, 401 | 403) => Ok(LsRefs::Refused),
            _ => Ok(LsRefs::Unavailable),
        };
    }
    // What is in front of a server may give a page to whoever it does not know.
    let is_git = header(&response.headers, "content-type")
        .is_none_or(|kind| kind.starts_with("application/x-git-upload-pack-result"));
    if !is_git {
        return Ok(LsRefs::Unavailable);
    }
    let Ok(bytes) = read_body(response, REFS_LIMIT, "The list of refs").await else {
        return Ok(LsRefs::Unavailable);
    };
    Ok(read_refs(&bytes).map_or(LsRefs::Unavailable, |listed| {
        let refs = listed.refs.into_iter().map(|found| FoundRef {
            name: found.name,
            commit: found.target.to_string(),
        });
        LsRefs::Listed(GitRefs {
            default_branch: listed.default_branch,
            refs: refs.collect(),
        })
    }))
}
