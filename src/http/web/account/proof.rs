//! Proving again who sits there, before what somebody at another's open browser must not do: by the password, or by having signed
//! in just now where there is none.

use crate::app::App;
use crate::domain::password;
use crate::error::Result;
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::login::counted_address;
use crate::http::web::visit::Visit;
use crate::store::audit::acting;
use crate::store::logins::Visitor;
use crate::store::passwords::{begin_attempt, forget_attempts, note_refused};

/// The name of the field.
pub(super) const CURRENT: &str = "current";

/// The field.
pub(super) fn field() -> Field {
    Field::password(CURRENT, "Current password", "current-password")
}

/// Who has no password has signed in so many seconds ago at most.
const FRESH: i64 = 15 * 60;

/// Whether it is she, by her password where she has one. Where it is not, the status to answer with; what is wrong is in the
/// faults.
pub(super) async fn refuse_unproven(
    app: &App,
    visit: &Visit,
    person: &Visitor,
    has_password: bool,
    form: &Form,
    faults: &mut Faults,
) -> Result<Option<u16>> {
    if has_password {
        return refuse_wrong_password(app, visit, person, form, faults).await;
    }
    if app.now().saturating_sub(person.began_at) <= FRESH {
        return Ok(None);
    }
    faults.add("", OLD_LOGIN);
    Ok(Some(422))
}

const OLD_LOGIN: &str = "You signed in a while ago. So that nobody does this at your open browser, sign out, sign in again, and \
                         do it within a quarter of an hour";

/// Whether the field `current` has her password. Where it has not, the status to answer with; what is wrong is in the faults.
/// A guess here is a guess as at the sign-in, and counts as one.
pub(super) async fn refuse_wrong_password(
    app: &App,
    visit: &Visit,
    person: &Visitor,
    form: &Form,
    faults: &mut Faults,
) -> Result<Option<u16>> {
    let attempt = begin_attempt(app, &person.email, &counted_address(visit)).await?;
    if attempt.is_too_many {
        faults.add(
            CURRENT,
            "There were too many attempts. Wait a quarter of an hour",
        );
        return Ok(Some(429));
    }
    let account = attempt.account.as_ref();
    let hash = account.and_then(|account| account.hash.as_deref());
    if password::verify(form.raw(CURRENT), hash)? {
        forget_attempts(app, &attempt).await?;
        return Ok(None);
    }
    let on = acting(app, visit.actor(Some(&person.account), &person.name));
    note_refused(&on, &person.email, "password").await?;
    faults.add(CURRENT, "This is not your current password");
    Ok(Some(422))
}
