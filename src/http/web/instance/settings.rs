//! What the instance is set to. It is set where it is deployed, so this page only shows it.

use askama::Template;

use super::shell;
use crate::app::App;
use crate::config::LoggedRequests;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::web::lists::bytes_in_words;
use crate::http::web::page::page;
use crate::http::web::shell::Shell;
use crate::http::web::visit::Visit;

/// A setting: what it is, how it is set, and the variable that sets it.
struct Setting {
    label: &'static str,
    value: String,
    variable: &'static str,
}

#[derive(Template)]
#[template(path = "instance/settings.html")]
struct SettingsPage {
    shell: Shell,
    settings: Vec<Setting>,
}

pub(super) async fn show(app: &App, visit: &mut Visit) -> Result<Reply> {
    visit.own(app).await?;
    let config = &app.config;
    let quotas = config.quotas;
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let limit = |limit: Option<i64>, words: fn(i64) -> String| {
        limit.map_or_else(|| "no limit".to_owned(), words)
    };
    let archive = i64::try_from(config.archive_limit).unwrap_or(i64::MAX);
    let logged = match config.logged_requests {
        LoggedRequests::All => "all",
        LoggedRequests::SlowAndFailed => "those that took long, and those that failed on our side",
        LoggedRequests::Off => "none",
    };
    let setting = |label, value, variable| Setting {
        label,
        value,
        variable,
    };
    let settings = vec![
        setting("Own address", config.public_url.clone(), "PUBLIC_URL"),
        setting(
            "Hosts that are nobody's are answered as this one",
            yes(config.answers_any_host),
            "OTHER_HOSTS",
        ),
        setting("Largest archive", bytes_in_words(archive), "ARCHIVE_LIMIT"),
        setting(
            "Packages of a new organisation",
            limit(quotas.packages, |number| number.to_string()),
            "QUOTA_PACKAGES",
        ),
        setting(
            "Storage of a new organisation",
            limit(quotas.storage, bytes_in_words),
            "QUOTA_STORAGE",
        ),
        setting(
            "Served in a month by a new organisation",
            limit(quotas.bandwidth, bytes_in_words),
            "QUOTA_BANDWIDTH",
        ),
        setting(
            "The audit log is kept",
            config
                .audit_days
                .map_or_else(|| "for ever".to_owned(), |days| format!("for {days} days")),
            "AUDIT_DAYS",
        ),
        setting(
            "Requests that leave a line in the log",
            logged.to_owned(),
            "LOG_REQUESTS",
        ),
        setting(
            "Archives are kept in the data centre that they are asked for in",
            yes(config.caches_archives),
            "CACHE_ARCHIVES",
        ),
        setting(
            "TXT records are asked of",
            config.dns_resolver.clone(),
            "DNS_RESOLVER",
        ),
        setting(
            "Git hosts may be at private addresses",
            yes(config.allow_private_addresses),
            "ALLOW_PRIVATE_ADDRESSES",
        ),
        setting(
            "The first set-up is open to who has its secret",
            yes(config.setup_secret.is_some()),
            "SETUP_SECRET",
        ),
    ];
    let shell = shell(app, visit, "Settings", Vec::new())?;
    page(&SettingsPage { shell, settings })
}
