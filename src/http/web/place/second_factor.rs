//! Taking a member's second factor off, who has lost her device and her recovery codes.

use crate::app::App;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::web::reset::find_helped;
use crate::http::web::visit::{Place, Visit};
use crate::store::audit::acting;
use crate::store::logins::Ending;
use crate::store::second_factors::remove_second_factor;

/// Takes it off, and signs her out everywhere. Who may is who may make her a link to another password.
pub(super) async fn remove(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    account: &str,
) -> Result<Reply> {
    visit.form(app).await?;
    let member = find_helped(app, place, account).await?;
    let on = acting(
        app,
        visit.actor(Some(&place.person.account), &place.person.name),
    );
    let people = format!("/ui/{}/people", place.organisation.slug);
    let name = &member.name;
    if remove_second_factor(&on, account, Ending::All).await? {
        let said = format!("{name} signs in without a second factor, until there is another one");
        return Ok(visit.go_on(&people, &said));
    }
    Ok(visit.go_back(&people, &format!("{name} has no second factor")))
}
