//! Why a command did not do what it was asked, and the exit code that tells scripts.

use std::fmt::Write;
use std::process::ExitCode;

use serde::Deserialize;
use serde_json::{Value, json};

/// What went wrong, for scripts. The numbers never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// It was tried, and failed.
    Failed = 1,
    /// It was asked for in a way that makes no sense; clap ends with it too.
    Usage = 2,
    /// Nobody is signed in, or who is may not do it.
    NotAllowed = 3,
    /// It does not exist, or who is signed in may not see it.
    NotFound = 4,
    /// It contradicts what there is, or somebody else was faster.
    Conflict = 5,
    /// The registry cannot be reached, takes too long, or asks for a pause that is too long.
    Unreachable = 6,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A command that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// What happened, then what to do.
    pub(crate) message: String,
    /// What the API said, as it said it.
    pub(crate) problem: Option<Box<Value>>,
}

/// What a command comes to.
pub(crate) type Result<T = (), E = Failure> = std::result::Result<T, E>;

/// Of `application/problem+json` what is read here.
#[derive(Deserialize)]
struct Problem {
    detail: String,
    code: String,
    #[serde(default)]
    errors: Vec<Fault>,
}

/// What is wrong with one field.
#[derive(Deserialize)]
struct Fault {
    field: String,
    detail: String,
    code: String,
}

impl Failure {
    fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            problem: None,
        }
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn not_signed_in(message: impl Into<String>) -> Self {
        Self::new(Exit::NotAllowed, message)
    }

    pub(crate) fn unreachable(message: impl Into<String>) -> Self {
        Self::new(Exit::Unreachable, message)
    }

    /// What an answer of 400 and above means.
    pub(crate) fn of_answer(status: u16, body: &[u8]) -> Self {
        let exit = match status {
            401 | 403 => Exit::NotAllowed,
            404 => Exit::NotFound,
            409 | 412 => Exit::Conflict,
            429 | 503 | 504 => Exit::Unreachable,
            _ => Exit::Failed,
        };
        let problem: Option<Value> = serde_json::from_slice(body).ok();
        let Some((read, problem)) = problem
            .and_then(|problem| Some((Problem::deserialize(&problem).ok()?, Box::new(problem))))
        else {
            return Self::new(
                exit,
                format!(
                    "The registry answered with status {status} and no reason; is this the address of a registry?"
                ),
            );
        };
        let mut message = format!("{} ({})", read.detail, read.code);
        for fault in read.errors {
            let field = if fault.field.is_empty() {
                "body"
            } else {
                &fault.field
            };
            let _ = write!(message, "\n  {field}: {} ({})", fault.detail, fault.code);
        }
        Self {
            exit,
            message,
            problem: Some(problem),
        }
    }

    /// The code of the problem, such as `conflict`.
    pub(crate) fn code(&self) -> Option<&str> {
        self.problem.as_ref()?.get("code")?.as_str()
    }

    /// For programs: the problem as it came, or one of our own.
    pub(crate) fn as_json(&self) -> Value {
        match &self.problem {
            Some(problem) => problem.as_ref().clone(),
            None => json!({ "detail": self.message, "exit": self.exit as u8 }),
        }
    }
}
