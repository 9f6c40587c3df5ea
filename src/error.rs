//! One error type leaves every layer: whose move it is, a message for the caller, a cause for the log.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::quota::Quota;

/// The result of everything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// In how many seconds storage that does not answer is worth asking again.
const STORAGE_BACK: u32 = 10;

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
    /// It is no longer what the caller has seen.
    PreconditionFailed,
    /// Over a size limit.
    TooLarge,
    /// It would take more than the organisation may use of this instance.
    QuotaExceeded(Quota),
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

/// What went wrong, for programs. The list is closed and its spellings never change; a new one is an addition to the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// No token, or one that is not valid.
    Unauthenticated,
    /// A valid token that may not do this.
    Forbidden,
    /// The organisation is suspended, so nothing of it is changed; `detail` says why.
    OrganisationSuspended,
    /// It does not exist, or the token may not see that it does.
    NotFound,
    /// The address has no such method; `Allow` has those there are.
    MethodNotAllowed,
    /// The body is no JSON.
    InvalidJson,
    /// Something of the body, the query or a header is wrong; `errors` says what, where it is a field of its own.
    InvalidInput,
    /// It contradicts what is stored.
    Conflict,
    /// The name is in use by another.
    Taken,
    /// It has ended, so there is nothing left to change.
    Ended,
    /// Others depend on it.
    InUse,
    /// This instance is set up already.
    AlreadySetUp,
    /// `If-Match` or `If-None-Match` does not allow it: it was changed meanwhile, or is there already.
    PreconditionFailed,
    /// The first request with this `Idempotency-Key` is still being answered.
    IdempotencyKeyInUse,
    /// The first request with this `Idempotency-Key` changed something, and how it ended is not known: look before you
    /// repeat it.
    IdempotencyOutcomeUnknown,
    /// This `Idempotency-Key` came with another request.
    IdempotencyKeyReused,
    /// Over a size limit.
    TooLarge,
    /// It would take more than the organisation may use of this instance; `detail` says which quota, and what is used.
    QuotaExceeded,
    /// Too much was asked of us or of a git host; `Retry-After` says for how long.
    RateLimited,
    /// A git host failed or cannot be reached.
    HostFailed,
    /// Our storage does not answer; `Retry-After` says when to ask again.
    Unavailable,
    /// Our own failure.
    Internal,
}

impl Code {
    /// The code of an error that has none of its own.
    fn of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Unauthenticated => Self::Unauthenticated,
            ErrorKind::Forbidden => Self::Forbidden,
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::Invalid => Self::InvalidInput,
            ErrorKind::Conflict => Self::Conflict,
            ErrorKind::PreconditionFailed => Self::PreconditionFailed,
            ErrorKind::TooLarge => Self::TooLarge,
            ErrorKind::QuotaExceeded(_) => Self::QuotaExceeded,
            ErrorKind::RateLimited { .. } | ErrorKind::ArchivesLimited { .. } => Self::RateLimited,
            ErrorKind::CredentialRefused
            | ErrorKind::ProjectWithheld
            | ErrorKind::Upstream { .. } => Self::HostFailed,
            ErrorKind::Internal => Self::Internal,
        }
    }
}

/// What is wrong with one field, for programs. Closed, as `Code` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldCode {
    /// It is needed and not there.
    MissingField,
    /// There is no such field here.
    UnknownField,
    /// It is of another type, such as a number in place of a text.
    WrongType,
    /// It is of the right type, and cannot be used.
    BadValue,
}

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FieldFault {
    /// A JSON pointer (RFC 6901) into the body; `?name` for a parameter of the query, `Name:` for a header.
    pub field: String,
    /// What is wrong with it, for programs.
    pub code: FieldCode,
    /// What is wrong with it and what to write, for people.
    pub detail: String,
}

/// An error with a kind, a public message and a private cause.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    code: Code,
    message: String,
    fields: Vec<FieldFault>,
    retry_after: Option<u32>,
    source: Option<String>,
}

impl Error {
    /// An error whose `message` may be shown to the caller.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: Code::of(kind),
            message: message.into(),
            fields: Vec::new(),
            retry_after: match kind {
                ErrorKind::RateLimited { retry_after }
                | ErrorKind::ArchivesLimited { retry_after } => Some(retry_after),
                _ => None,
            },
            source: None,
        }
    }

    /// Wrong input; `message` says how to right it.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// A field whose value cannot be used; `field` is written as in `FieldFault`, `message` says what to write.
    pub fn bad_value(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::invalid_fields(vec![FieldFault {
            field: field.into(),
            code: FieldCode::BadValue,
            detail: message.into(),
        }])
    }

    /// Wrong input of which each fault is known; the message has all of them.
    pub fn invalid_fields(fields: Vec<FieldFault>) -> Self {
        let details: Vec<_> = fields.iter().map(|fault| fault.detail.as_str()).collect();
        let mut error = Self::invalid(details.join("; "));
        error.fields = fields;
        error
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

    /// Our storage does not answer, and nothing that is remembered serves in its place.
    pub fn unavailable(cause: impl fmt::Display) -> Self {
        Self::new(
            ErrorKind::Internal,
            "Our storage does not answer at the moment, please try again in some seconds",
        )
        .with_code(Code::Unavailable)
        .retry_after(STORAGE_BACK)
        .because(cause)
    }

    /// The same, where nothing else serves in the place of what failed.
    #[must_use]
    pub fn or_unavailable(self) -> Self {
        if self.code == Code::Unavailable {
            self
        } else {
            Self::unavailable(self)
        }
    }

    /// Keeps the private cause beside the public message.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.source = Some(cause.to_string());
        self
    }

    /// Says more closely for programs what went wrong.
    #[must_use]
    pub fn with_code(mut self, code: Code) -> Self {
        self.code = code;
        self
    }

    /// Says when to ask again, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Seconds to wait before the same call is made again, where they are known.
    pub fn wait(&self) -> Option<u32> {
        self.retry_after
    }

    /// What went wrong, for programs.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The fields that are wrong, where they are known.
    pub fn fields(&self) -> &[FieldFault] {
        &self.fields
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
