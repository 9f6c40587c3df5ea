//! Who can be asked who somebody is.

/// What kind of provider somebody signs in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentityProviderKind {
    /// Any that speaks OpenID Connect.
    Oidc,
    /// Google, by OpenID Connect.
    Google,
    /// GitLab, also a self-hosted one, by OpenID Connect.
    GitLab,
    /// GitHub, also an Enterprise server, by OAuth 2 and its API.
    GitHub,
    /// Bitbucket Cloud, by OAuth 2 and its API.
    Bitbucket,
}

impl IdentityProviderKind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Oidc,
        Self::Google,
        Self::GitLab,
        Self::GitHub,
        Self::Bitbucket,
    ];

    /// As stored and as the API spells it. Never changed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Oidc => "oidc",
            Self::Google => "google",
            Self::GitLab => "gitlab",
            Self::GitHub => "github",
            Self::Bitbucket => "bitbucket",
        }
    }

    /// Reads what [`Self::as_str`] gives.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// What people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Oidc => "OpenID Connect",
            Self::Google => "Google",
            Self::GitLab => "GitLab",
            Self::GitHub => "GitHub",
            Self::Bitbucket => "Bitbucket",
        }
    }

    /// Where it is, unless somebody says otherwise; none where somebody has to. Of those that speak OpenID Connect it is
    /// the issuer.
    pub fn own_address(self) -> Option<&'static str> {
        match self {
            Self::Oidc => None,
            Self::Google => Some("https://accounts.google.com"),
            Self::GitLab => Some("https://gitlab.com"),
            Self::GitHub => Some("https://github.com"),
            Self::Bitbucket => Some("https://bitbucket.org"),
        }
    }

    /// Whether it can be anywhere else.
    pub fn has_other_addresses(self) -> bool {
        matches!(self, Self::Oidc | Self::GitLab | Self::GitHub)
    }

    /// Whether it speaks OpenID Connect.
    pub fn is_oidc(self) -> bool {
        matches!(self, Self::Oidc | Self::Google | Self::GitLab)
    }
}
