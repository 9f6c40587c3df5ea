//! Ending logins: one, or all but the one that is used.

use crate::app::App;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::web::visit::{Visit, redirect};
use crate::store::audit::acting;
use crate::store::logins::{Ending, end_logins};

pub(super) async fn end(app: &App, visit: &mut Visit) -> Result<Reply> {
    let form = visit.form(app).await?;
    let person = visit.person(app).await?;
    let ending = match form.text("login") {
        "others" => Ending::AllBut(&person.login),
        id => Ending::One(id),
    };
    let on = acting(app, visit.actor(Some(&person.account), &person.name));
    let ended = end_logins(&on, &person.account, ending).await?;
    Ok(match ended {
        0 => redirect("/ui/account"),
        1 => visit.go_on("/ui/account", "One browser is signed out"),
        many => visit.go_on("/ui/account", &format!("{many} browsers are signed out")),
    })
}
