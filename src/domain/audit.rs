//! Who changed what: the words of the audit log.

use serde::{Deserialize, Serialize};

/// What kind of somebody made a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A person with an account.
    Person,
    /// A token.
    Token,
    /// A job of the queue, or the scheduled work.
    Job,
    /// A webhook of a git host.
    Webhook,
    /// The instance itself: its first set-up, and what nobody asked for.
    Instance,
}

impl ActorKind {
    /// As stored and as the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Token => "token",
            Self::Job => "job",
            Self::Webhook => "webhook",
            Self::Instance => "instance",
        }
    }

    /// Whether somebody asked, and not the program by itself.
    pub fn asks(self) -> bool {
        matches!(self, Self::Person | Self::Token)
    }
}

/// Who acts, for one request or one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// What kind of somebody.
    pub kind: ActorKind,
    /// Their id; none where there is none.
    pub id: Option<String>,
    /// What to call them where the database has no name for the id.
    pub name: String,
    /// The address that the request came from.
    pub address: Option<String>,
    /// The program that sent it, cut to [`AGENT_LIMIT`] characters.
    pub user_agent: Option<String>,
    /// Method and path of the request.
    pub request: Option<String>,
}

/// So many characters of a user agent are kept.
pub const AGENT_LIMIT: usize = 200;
/// So many characters of a path are kept.
pub const PATH_LIMIT: usize = 500;

impl Actor {
    /// Somebody without a request.
    pub fn new(kind: ActorKind, id: Option<&str>, name: &str) -> Self {
        Self {
            kind,
            id: id.map(str::to_owned),
            name: name.to_owned(),
            address: None,
            user_agent: None,
            request: None,
        }
    }
}

/// The first characters of a text, without control characters.
pub fn cut(text: &str, limit: usize) -> String {
    text.chars()
        .filter(|character| !character.is_control())
        .take(limit)
        .collect()
}

macro_rules! actions {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal,)+) => {
        /// What happened. The list is closed: who reads the log can know all of it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Action {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Action {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// As stored and as the API spells it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }
    };
}

actions! {
    /// An organisation was made.
    OrganisationCreated = "organisation.created",
    /// Its slug or its name changed.
    OrganisationUpdated = "organisation.updated",
    /// It was suspended: nobody gets anything from it.
    OrganisationSuspended = "organisation.suspended",
    /// It is in force again.
    OrganisationResumed = "organisation.resumed",
    /// Somebody had it deleted; what it has leaves in portions.
    OrganisationDeletionBegun = "organisation.deletion_begun",
    /// It was deleted, and all that it had.
    OrganisationDeleted = "organisation.deleted",
    /// A repository was made.
    RepositoryCreated = "repository.created",
    /// Its settings, its description or who may read it changed.
    RepositoryUpdated = "repository.updated",
    /// A repository shows again what it was at an earlier revision.
    RepositoryRolledBack = "repository.rolled_back",
    /// It was deleted.
    RepositoryDeleted = "repository.deleted",
    /// A host name was claimed.
    HostClaimed = "host.claimed",
    /// Its TXT record was found: it answers from now on.
    HostVerified = "host.verified",
    /// Its TXT record is gone, or another organisation proved that it is theirs: it answers nothing any more.
    HostLost = "host.lost",
    /// It became, or ceased to be, the one that documents carry.
    HostUpdated = "host.updated",
    /// It was given up.
    HostRemoved = "host.removed",
    /// A token was made.
    TokenCreated = "token.created",
    /// Its name or what it may do changed.
    TokenUpdated = "token.updated",
    /// It was revoked.
    TokenRevoked = "token.revoked",
    /// A token was replaced by another one and ends.
    TokenRotated = "token.rotated",
    /// Its row was deleted, with its organisation.
    TokenDeleted = "token.deleted",
    /// Somebody was asked in.
    InvitationCreated = "invitation.created",
    /// Somebody became a member by an invitation.
    InvitationAccepted = "invitation.accepted",
    /// An invitation was withdrawn.
    InvitationRevoked = "invitation.revoked",
    /// A person joined the organisation.
    MemberAdded = "member.added",
    /// Her role changed.
    MemberUpdated = "member.updated",
    /// She was suspended.
    MemberSuspended = "member.suspended",
    /// She is suspended no more.
    MemberResumed = "member.resumed",
    /// She left, or was removed.
    MemberRemoved = "member.removed",
    /// A team was made.
    TeamCreated = "team.created",
    /// Its name or its description changed.
    TeamUpdated = "team.updated",
    /// It was deleted.
    TeamDeleted = "team.deleted",
    /// Somebody came into a team.
    TeamMemberAdded = "team.member_added",
    /// Somebody left a team.
    TeamMemberRemoved = "team.member_removed",
    /// A customer was made.
    CustomerCreated = "customer.created",
    /// What is known of it, or its state, changed.
    CustomerUpdated = "customer.updated",
    /// It was deleted.
    CustomerDeleted = "customer.deleted",
    /// A collection was made.
    CollectionCreated = "collection.created",
    /// What it names changed.
    CollectionUpdated = "collection.updated",
    /// It was deleted.
    CollectionDeleted = "collection.deleted",
    /// Something was granted.
    GrantCreated = "grant.created",
    /// A grant changed.
    GrantUpdated = "grant.updated",
    /// It was taken back.
    GrantDeleted = "grant.deleted",
    /// A git host was connected.
    ConnectionCreated = "connection.created",
    /// Its settings changed, or its token was replaced.
    ConnectionUpdated = "connection.updated",
    /// The secret of its webhooks was replaced.
    ConnectionWebhookSecretRotated = "connection.webhook_secret_rotated",
    /// The git host accepts its credentials no more.
    ConnectionRefused = "connection.refused",
    /// The git host accepts its credentials again.
    ConnectionAccepted = "connection.accepted",
    /// It was deleted.
    ConnectionDeleted = "connection.deleted",
    /// A GitHub App was added.
    GitHubAppCreated = "github_app.created",
    /// It changed, or one of its secrets was replaced.
    GitHubAppUpdated = "github_app.updated",
    /// It was removed.
    GitHubAppDeleted = "github_app.deleted",
    /// A group was given one webhook for all of its projects.
    GroupAdded = "group.added",
    /// Where its new projects go, or the address of its webhook, changed.
    GroupUpdated = "group.updated",
    /// Its webhook was removed.
    GroupRemoved = "group.removed",
    /// The webhook of a project was registered.
    HookRegistered = "hook.registered",
    /// The git host did not let us register it.
    HookRefused = "hook.refused",
    /// It was removed.
    HookRemoved = "hook.removed",
    /// Which folders of a project are packages changed, or its connection.
    ProjectUpdated = "project.updated",
    /// A package was made.
    PackageCreated = "package.created",
    /// Its settings changed.
    PackageUpdated = "package.updated",
    /// Whether it is abandoned, and in favour of what, changed.
    PackageAbandoned = "package.abandoned",
    /// composer.json took another name: the package of that name goes on.
    PackageRenamed = "package.renamed",
    /// It was put into a repository.
    PackageAdded = "package.added",
    /// It was taken out of a repository.
    PackageTakenOut = "package.taken_out",
    /// It was deleted.
    PackageDeleted = "package.deleted",
    /// A version can be installed from now on.
    VersionPublished = "version.published",
    /// A dev version follows its branch, or a tag that moved, or it was defined anew.
    VersionMoved = "version.moved",
    /// Its tag or branch is gone, or it stands in its definition no more.
    VersionRemoved = "version.removed",
    /// Its tag or branch is back.
    VersionReturned = "version.returned",
    /// A person took it out of the metadata; lock files still install it.
    VersionYanked = "version.yanked",
    /// A person put it back.
    VersionUnyanked = "version.unyanked",
    /// What people are warned of about it changed.
    VersionDeprecated = "version.deprecated",
    /// It was deleted, its archive with it.
    VersionDeleted = "version.deleted",
    /// A deleted number may be published again.
    VersionReleased = "version.released",
    /// An archive was sent that a definition may name.
    ArchiveUploaded = "archive.uploaded",
    /// Somebody asked for a sync.
    JobStarted = "job.started",
    /// Somebody cancelled a job.
    JobCancelled = "job.cancelled",
    /// Somebody had a job run again.
    JobRetried = "job.retried",
    /// Somebody asked for an import of many projects.
    ImportStarted = "import.started",
    /// Somebody cancelled one.
    ImportCancelled = "import.cancelled",
    /// A message that the queue gave up on was sent again or dropped; the request says which.
    DeadLetterRemoved = "dead_letter.removed",
    /// An upload in parts began.
    UploadBegun = "upload.begun",
    /// All of its parts are there.
    UploadCompleted = "upload.completed",
    /// It was given up.
    UploadGivenUp = "upload.given_up",
    /// Somebody signed in.
    LoginCreated = "login.created",
    /// A login was ended, by signing out or by being revoked.
    LoginEnded = "login.ended",
    /// Somebody tried to sign in with a wrong password or code.
    SignInRefused = "sign_in.refused",
    /// Somebody chose a first password.
    PasswordSet = "password.set",
    /// Somebody chose another one.
    PasswordChanged = "password.changed",
    /// A link was made by which somebody can choose another password.
    PasswordResetCreated = "password_reset.created",
    /// It was used.
    PasswordResetUsed = "password_reset.used",
    /// Somebody can be signed in by another provider.
    IdentityProviderCreated = "identity_provider.created",
    /// What it is called, or how it knows us, changed.
    IdentityProviderUpdated = "identity_provider.updated",
    /// It was removed, with all identities there.
    IdentityProviderDeleted = "identity_provider.deleted",
    /// Somebody can sign in as this account by a provider.
    IdentityLinked = "identity.linked",
    /// She cannot any more.
    IdentityUnlinked = "identity.unlinked",
    /// What the organisation wants of those who sign in changed.
    SignInRulesUpdated = "sign_in_rules.updated",
    /// Whether somebody owns the instance changed.
    AccountUpdated = "account.updated",
    /// Somebody set up codes as second factor.
    SecondFactorCreated = "second_factor.created",
    /// It was switched off, or taken off by somebody who may.
    SecondFactorRemoved = "second_factor.removed",
    /// A recovery code stood in for it.
    RecoveryCodeUsed = "recovery_code.used",
    /// Somebody had other recovery codes made.
    RecoveryCodesReplaced = "recovery_codes.replaced",
    /// Somebody added a passkey.
    PasskeyCreated = "passkey.created",
    /// Somebody removed one.
    PasskeyRemoved = "passkey.removed",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("Composer/2.9\r\n (é)", 15), "Composer/2.9 (é");
    }

    #[test]
    fn every_action_has_a_name_of_its_own() {
        let mut names: Vec<_> = Action::ALL.iter().map(|action| action.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Action::ALL.len());
    }
}
