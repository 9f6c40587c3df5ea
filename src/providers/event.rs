//! What a webhook says. It is a hint and never the truth: the next listing of refs is.

/// The project that an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventProject {
    /// The provider's id, which outlives renames: what to look the project up by.
    pub provider_id: String,
    /// Its name now, for messages.
    pub full_name: String,
}

/// What happened to a repository as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepositoryChange {
    /// New, mostly without a commit.
    Created,
    /// Another name.
    Renamed,
    /// Another owner.
    Transferred,
    /// Read-only now.
    Archived,
    /// Writable again.
    Unarchived,
    /// Gone.
    Deleted,
    /// Closed to the public.
    Privatized,
    /// Open to the public.
    Publicized,
    /// Another default branch or description.
    Edited,
}

/// A webhook's meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The provider tries the webhook.
    Ping,
    /// Tags or branches may have changed: reconcile.
    Changed(EventProject),
    /// The repository itself changed.
    RepositoryChanged(EventProject, RepositoryChange),
    /// Understood, and nothing to do. Answer it with success: some providers disable a hook otherwise.
    Ignored {
        /// Why, for the list of deliveries.
        why: String,
    },
}
