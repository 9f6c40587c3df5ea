//! Small things that many answers show.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::time::rfc3339;
use crate::store::git_refs::KnownRef;

/// A time in RFC 3339.
#[derive(Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, extend("format" = "date-time"))]
pub(crate) struct Time(String);

impl Time {
    /// From Unix seconds.
    pub(crate) fn of(seconds: i64) -> Self {
        Self(rfc3339(seconds))
    }
}

/// Somebody or something, by its id and by what people call it.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct Named {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// An organisation, where something else is what is shown.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OrganisationName")]
pub(crate) struct ShownOrganisation {
    pub(crate) slug: String,
    pub(crate) name: String,
}

/// A job, and how far it is.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JobState {
    id: String,
    /// `queued`, `running`, `publishing`, `done`, `failed` or `cancelled`; null when it is forgotten.
    state: Option<String>,
}

impl JobState {
    pub(crate) fn new(id: String, state: Option<String>) -> Self {
        Self { id, state }
    }

    /// One that was just begun, or joined.
    pub(crate) fn queued(id: String) -> Self {
        Self::new(id, Some("queued".to_owned()))
    }
}

/// The answer of what begins a job.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Started {
    pub(crate) job: JobState,
}

impl Ref {
    /// Of a project that is one package, or of the project itself.
    pub(crate) fn of(known: KnownRef) -> Self {
        Self {
            name: known.name,
            commit: Some(known.commit),
            folder: None,
            state: known.state,
            version: known.version,
            reason: known.reason,
        }
    }
}

/// What became of a git ref.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Ref {
    /// Its full name: `refs/tags/v1.0.0`.
    #[serde(rename = "ref")]
    pub(crate) name: String,
    pub(crate) commit: Option<String>,
    /// Of a package that is one of many in its project: the folder it is in there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[expect(
        clippy::option_option,
        reason = "absent, null and a text say three things"
    )]
    pub(crate) folder: Option<Option<String>>,
    /// `imported`, `skipped`, `failed`, `kept` or `cutting`.
    pub(crate) state: String,
    pub(crate) version: Option<String>,
    pub(crate) reason: Option<String>,
}
