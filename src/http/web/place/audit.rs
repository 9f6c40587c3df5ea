//! The audit log of an organisation.

use askama::Template;
use strum_macros::IntoStaticStr;

use crate::app::App;
use crate::domain::access::Ability;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::route::{NoRoute, get};
use crate::http::web::audit_log::{Log, export, read};
use crate::http::web::page::page_with;
use crate::http::web::shell::{Section, Shell};
use crate::http::web::visit::{Place, Visit};

/// What is looked at of the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum AuditPage {
    /// `…/audit`.
    Log,
    /// `…/audit/export`: as a file.
    Export,
}

impl AuditPage {
    /// Finds the page below `audit`.
    pub(super) fn parse(method: &str, segments: &[&str]) -> Result<Self, NoRoute> {
        match segments {
            [] => get(method, Self::Log),
            ["export"] => get(method, Self::Export),
            _ => Err(NoRoute::NotFound),
        }
    }
}

#[derive(Template)]
#[template(path = "audit_log.html")]
struct LogPage {
    shell: Shell,
    log: Log,
}

/// Answers for the audit log of an organisation.
pub(super) async fn handle(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    page: AuditPage,
) -> Result<Reply> {
    place.authorise(Ability::Audit, true)?;
    if page == AuditPage::Export {
        return export(app, &visit.request, place).await;
    }
    let organisation = &place.organisation;
    let address = format!("/ui/{}/audit", organisation.slug);
    let log = read(app, &visit.request, Some(organisation.id), &address).await?;
    let shell = visit.shell_at(app, Section::Audit, "Audit log", Vec::new())?;
    let status = if log.faults.is_empty() { 200 } else { 422 };
    page_with(status, &LogPage { shell, log })
}
