//! The instance's own audit log: what belongs to no organisation.

use askama::Template;

use super::{ADDRESS, shell};
use crate::app::App;
use crate::error::Result;
use crate::http::api::audit::handle;
use crate::http::reply::Reply;
use crate::http::route::AuditRoute;
use crate::http::web::audit_log::{Log, as_file, read};
use crate::http::web::page::page_with;
use crate::http::web::shell::Shell;
use crate::http::web::visit::Visit;

#[derive(Template)]
#[template(path = "audit_log.html")]
struct LogPage {
    shell: Shell,
    log: Log,
}

pub(super) async fn show(app: &App, visit: &mut Visit) -> Result<Reply> {
    visit.own(app).await?;
    let address = format!("{ADDRESS}/audit");
    let log = read(app, &visit.request, None, &address).await?;
    let shell = shell(app, visit, "Audit log", Vec::new())?;
    let status = if log.faults.is_empty() { 200 } else { 422 };
    page_with(status, &LogPage { shell, log })
}

/// The same as a file.
pub(super) async fn export(app: &App, visit: &mut Visit) -> Result<Reply> {
    let owner = visit.own(app).await?;
    let reply = handle(
        app,
        &visit.request,
        &owner.principal,
        None,
        AuditRoute::Export,
    )
    .await?;
    Ok(as_file(reply))
}
