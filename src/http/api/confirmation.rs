//! What cannot be undone wants the name of what it is about typed again.

use deserr::Deserr;
use schemars::JsonSchema;

use crate::error::{Error, Result};
use crate::http::body::Faults;

/// That somebody means it.
#[derive(Deserr, JsonSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schemars(deny_unknown_fields, rename = "Confirmation")]
pub(crate) struct Confirmed {
    /// The name of what is deleted, as the answer to a wrong one has it.
    confirm: String,
}

impl Confirmed {
    /// Refuses what names something else than `name`.
    pub(crate) fn check(&self, name: &str) -> Result<()> {
        check(&self.confirm, name)
    }
}

/// Refuses a confirmation that names something else than `name`.
pub(crate) fn check(confirm: &str, name: &str) -> Result<()> {
    if confirm == name {
        return Ok(());
    }
    Err(Error::bad_value(
        "/confirm",
        format!(
            "Deleting cannot be undone: send `{{\"confirm\": \"{name}\"}}` if you mean that one"
        ),
    ))
}
