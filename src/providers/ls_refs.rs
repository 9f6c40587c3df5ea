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

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use pollster::block_on;

    use super::*;
    use crate::providers::ProviderKind;
    use crate::providers::replay::{ReplayClient, answer, gateway, token};

    const KIND: &str = "application/x-git-upload-pack-result";

    fn packets(lines: &[&str]) -> String {
        let mut text = String::new();
        for line in lines {
            writeln!(text, "{:04x}{line}", line.len().saturating_add(5)).unwrap();
        }
        text + "0000"
    }

    fn ask_github(client: &ReplayClient, base: &str, clone_url: &str) -> Result<LsRefs> {
        let host = ProviderKind::GitHub
            .connect(gateway(client), base, &token("ghp_1"))
            .unwrap();
        block_on(host.ls_refs(clone_url))
    }

    #[test]
    fn git_is_asked_where_each_host_has_it() {
        for (kind, base, clone_url) in [
            (ProviderKind::GitHub, "", "https://github.com/acme/lib.git"),
            (
                ProviderKind::GitHub,
                "https://api.acme.ghe.com",
                "https://acme.ghe.com/acme/lib.git",
            ),
            (
                ProviderKind::GitHub,
                "https://git.example.com/api/v3",
                "https://git.example.com/acme/lib.git",
            ),
            (
                ProviderKind::GitLab,
                "https://git.example.com/gitlab",
                "https://git.example.com/gitlab/a/b/c.git",
            ),
            (
                ProviderKind::Gitea,
                "https://git.example.com:3000",
                "https://git.example.com:3000/acme/lib.git",
            ),
            (
                ProviderKind::Forgejo,
                "",
                "https://codeberg.org/acme/lib.git",
            ),
        ] {
            let commit = "c".repeat(40);
            let tag = "a".repeat(40);
            let body = packets(&[
                &format!("{commit} HEAD symref-target:refs/heads/main"),
                &format!("{commit} refs/heads/main"),
                &format!("{tag} refs/tags/v1.0.0 peeled:{commit}"),
            ]);
            let client = ReplayClient::default().on(
                &format!("{clone_url}/git-upload-pack"),
                answer(200, body).with("content-type", KIND),
            );
            let host = kind
                .connect(gateway(&client), base, &token("secret"))
                .unwrap();
            let LsRefs::Listed(listed) = block_on(host.ls_refs(clone_url)).unwrap() else {
                panic!("{clone_url} was not listed");
            };
            assert_eq!(listed.default_branch.as_deref(), Some("main"));
            let refs: Vec<_> = listed
                .refs
                .iter()
                .map(|found| found.name.as_str())
                .collect();
            assert_eq!(refs, ["refs/heads/main", "refs/tags/v1.0.0"]);
            assert!(listed.refs.iter().all(|found| found.commit == commit));
        }
    }

    #[test]
    fn what_git_says_otherwise_is_no_list() {
        let url = "https://github.com/acme/lib.git";
        let service = format!("{url}/git-upload-pack");
        for (reply, expected) in [
            (answer(401, ""), LsRefs::Refused),
            (answer(403, ""), LsRefs::Refused),
            (answer(404, ""), LsRefs::Unavailable),
            (answer(502, ""), LsRefs::Unavailable),
            (
                answer(302, "").with("location", "https://evil.example/"),
                LsRefs::Unavailable,
            ),
            (
                answer(200, "<html>").with("content-type", "text/html"),
                LsRefs::Unavailable,
            ),
            (answer(200, "garbage"), LsRefs::Unavailable),
        ] {
            let client = ReplayClient::default().on(&service, reply);
            assert_eq!(ask_github(&client, "", url).unwrap(), expected);
            client.assert_done();
        }
        let limit = answer(429, "").with("retry-after", "7");
        let client = ReplayClient::default().on(&service, limit);
        let error = ask_github(&client, "", url).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::RateLimited { retry_after: 7 });
    }

    #[test]
    fn nothing_is_asked_at_another_address() {
        for clone_url in [
            "https://evil.example/acme/lib.git",
            "https://github.com.evil.example/acme/lib.git",
            "https://github.com:444/acme/lib.git",
            "https://api.github.com/acme/lib.git",
            "https://user:word@github.com/acme/lib.git",
            "https://github.com/acme/lib.git?x=1",
            "https://github.com",
            "ssh://git@github.com/acme/lib.git",
            "",
        ] {
            let client = ReplayClient::default();
            let asked = ask_github(&client, "", clone_url).unwrap();
            assert_eq!(asked, LsRefs::Unavailable, "{clone_url}");
        }
        // Beside an instance below a path.
        let client = ReplayClient::default();
        let host = ProviderKind::GitLab
            .connect(
                gateway(&client),
                "https://a.example/gitlab",
                &token("secret"),
            )
            .unwrap();
        for clone_url in [
            "https://a.example/other/x.git",
            "https://a.example/gitlabs/x.git",
        ] {
            assert_eq!(
                block_on(host.ls_refs(clone_url)).unwrap(),
                LsRefs::Unavailable
            );
        }
    }
}
