//! One error type leaves every layer: whose move it is, a message for the caller, a cause for the log.

use std::fmt;

/// The result of everything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whose move it is. `http/problem.rs` maps it to a status, `jobs/outcome.rs` to retry or park.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// No credentials, or bad ones.
    Unauthenticated,
    /// Good credentials that may not do this.
    Forbidden,
    /// It does not exist, or the caller may not see that it does.
    NotFound,
    /// The input is wrong; the message says how to right it.
    Invalid,
    /// The input contradicts what is stored.
    Conflict,
    /// Over a size limit.
    TooLarge,
    /// Too much was asked of us, or of an upstream host; wait this many seconds.
    RateLimited {
        /// Seconds to wait before the next attempt.
        retry_after: u32,
    },
    /// An upstream host gives no more archives of a project for this many seconds, but all else.
    ArchivesLimited {
        /// Seconds to wait before the next attempt.
        retry_after: u32,
    },
    /// Another host accepts the credentials of a connection no more: nothing that it is asked with them will work.
    CredentialRefused,
    /// Another host does not show a project to the credentials of a connection, or not any more: nothing that is asked of
    /// this project will work, while others may be shown.
    ProjectWithheld,
    /// Another host failed us. Retryable when the same request may work later.
    Upstream {
        /// Whether waiting can help.
        retryable: bool,
    },
    /// Our own fault, or the platform's; retrying may help.
    Internal,
}

/// An error with a kind, a public message and a private cause.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<String>,
}

impl Error {
    /// An error whose `message` may be shown to the caller.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// Wrong input; `message` says how to right it.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// Missing, or invisible to the caller.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// In contradiction to what is stored.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }

    /// Our own failure: the cause goes to the log, the caller reads a neutral sentence.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::new(
            ErrorKind::Internal,
            "Something went wrong on our side, please try again",
        )
        .because(cause)
    }

    /// Keeps the private cause beside the public message.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.source = Some(cause.to_string());
        self
    }

    /// Whose move it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What the caller may read.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What only the log may read.
    pub fn cause(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// Whether the same call may succeed later without anyone doing anything.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::RateLimited { .. }
                | ErrorKind::ArchivesLimited { .. }
                | ErrorKind::Internal
                | ErrorKind::Upstream { retryable: true }
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Some(source) => write!(formatter, "{} ({source})", self.message),
            None => formatter.write_str(&self.message),
        }
    }
}

impl std::error::Error for Error {}
