//! A new password, wherever one is chosen.

use crate::app::App;
use crate::domain::password;
use crate::error::{Error, Result};
use crate::http::web::form::{Faults, Form};

/// Looks whether the field `password` has one that is taken.
pub(super) fn read_password(form: &Form, email: &str, name: &str, faults: &mut Faults) {
    if let Err(error) = password::check(form.raw("password"), email, name) {
        faults.add("password", error.to_string());
    }
}

/// What is kept of a password.
pub(super) fn hash_password(app: &App, password: &str) -> Result<String> {
    let mut salt = [0_u8; password::SALT];
    app.entropy.fill(&mut salt)?;
    if salt.iter().all(|byte| *byte == 0) {
        return Err(Error::internal("the source of randomness gave only zeros"));
    }
    password::hash(password, &salt)
}
