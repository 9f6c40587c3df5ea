//! What each host wants: which token to make there, what to tick, and what its address looks like. `docs/using.md` has
//! more of it.

use crate::providers::ProviderKind;

/// Whether a form asks for the host's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Address {
    /// There is one such host.
    Fixed,
    /// The best known one is meant without it; how others are written.
    Optional(&'static str),
    /// It must be given; how it is written.
    Needed(&'static str),
}

/// Whether a form asks for a name beside the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Username {
    /// The token goes alone.
    None,
    /// When it is needed.
    Sometimes(&'static str, &'static str),
}

/// How a host is connected.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guide {
    pub(super) kind: ProviderKind,
    /// What people call it.
    pub(super) name: &'static str,
    /// Which hosts these are.
    pub(super) hosts: &'static str,
    pub(super) address: Address,
    pub(super) username: Username,
    /// How the token is made: a step each.
    pub(super) steps: &'static [&'static str],
    /// What it needs besides, for webhooks that are registered by themselves.
    pub(super) hooks: Option<&'static str>,
    /// Nothing has to be shown where everybody may read.
    pub(super) needs_token: bool,
}

/// Of one kind of host.
#[expect(clippy::too_many_lines, reason = "one entry for each host")]
pub(super) fn of(kind: ProviderKind) -> Guide {
    match kind {
        ProviderKind::GitHub => Guide {
            kind,
            name: "GitHub",
            hosts: "github.com, GHE.com and Enterprise Server",
            address: Address::Optional(
                "Leave it empty for github.com. An Enterprise Server's is https://HOST/api/v3",
            ),
            username: Username::None,
            steps: &[
                "At GitHub open Settings, Developer settings, Personal access tokens.",
                "Fine-grained: choose the owner and the repositories, and under repository permissions tick read access to Contents; Metadata comes by itself.",
                "Or classic: tick the scope repo.",
            ],
            hooks: Some(
                "write access to Webhooks (fine-grained), or an account that administers the repositories (classic)",
            ),
            needs_token: true,
        },
        ProviderKind::GitLab => Guide {
            kind,
            name: "GitLab",
            hosts: "gitlab.com and instances of your own",
            address: Address::Optional(
                "Leave it empty for gitlab.com. Else as you see it in the browser: https://git.example.com",
            ),
            username: Username::Sometimes(
                "User name",
                "Only for an OAuth token, then it is oauth2. Leave it empty for any other",
            ),
            steps: &[
                "At GitLab open Preferences, Access tokens; or Settings, Access tokens of a group or a project.",
                "Tick the scope read_api.",
                "A token of a group or a project needs the role Reporter at least. A deploy token does not do.",
            ],
            hooks: Some("the scope api and the role Maintainer"),
            needs_token: true,
        },
        ProviderKind::Gitea => Guide {
            kind,
            name: "Gitea",
            hosts: "gitea.com and instances of your own",
            address: Address::Optional(
                "Leave it empty for gitea.com. Else as you see it in the browser: https://git.example.com",
            ),
            username: Username::Sometimes(
                "User name",
                "Only where the instance wants a name and a password; a token goes alone",
            ),
            steps: GITEA_STEPS,
            hooks: Some(
                "the scope write:repository and an account that administers the repositories",
            ),
            needs_token: true,
        },
        ProviderKind::Forgejo => Guide {
            kind,
            name: "Forgejo",
            hosts: "Codeberg and instances of your own",
            address: Address::Optional(
                "Leave it empty for codeberg.org. Else as you see it in the browser: https://git.example.com",
            ),
            username: Username::Sometimes(
                "User name",
                "Only where the instance wants a name and a password; a token goes alone",
            ),
            steps: GITEA_STEPS,
            hooks: Some(
                "the scope write:repository and an account that administers the repositories",
            ),
            needs_token: true,
        },
        ProviderKind::Bitbucket => Guide {
            kind,
            name: "Bitbucket Cloud",
            hosts: "bitbucket.org",
            address: Address::Fixed,
            username: Username::Sometimes(
                "E-mail address of the Atlassian account",
                "For an API token. Leave it empty for an access token of a repository, project or workspace",
            ),
            steps: &[
                "At id.atlassian.com open Security, API tokens, and make one with scopes for Bitbucket.",
                "Tick read:repository:bitbucket, and read:user:bitbucket so that your projects can be listed.",
                "Or make an access token in the settings of a workspace, with read access to repositories. App passwords no longer do.",
            ],
            hooks: Some("read:webhook:bitbucket and write:webhook:bitbucket"),
            needs_token: true,
        },
        ProviderKind::BitbucketServer => Guide {
            kind,
            name: "Bitbucket Data Center",
            hosts: "instances of your own, and Bitbucket Server",
            address: Address::Needed("As you see it in the browser: https://bitbucket.example.com"),
            username: Username::Sometimes(
                "User name",
                "Only for a password; an HTTP access token goes alone",
            ),
            steps: &[
                "At Bitbucket open Manage account, HTTP access tokens; or those of a project or a repository.",
                "Choose repository read permission.",
            ],
            hooks: Some("repository admin permission"),
            needs_token: true,
        },
        ProviderKind::Git => Guide {
            kind,
            name: "Plain git",
            hosts: "any server that git clone reaches over HTTPS",
            address: Address::Needed(
                "What all clone addresses begin with: https://git.example.com",
            ),
            username: Username::Sometimes("User name", "Leave it empty where everybody may clone"),
            steps: &[
                "Take what git clone would ask you for: a user name, and a password or token.",
            ],
            hooks: None,
            needs_token: false,
        },
    }
}

const GITEA_STEPS: &[&str] = &[
    "Open Settings, Applications, and generate a token with access to all repositories.",
    "Under permissions choose read for repository, and read for user so that your projects can be listed.",
];
