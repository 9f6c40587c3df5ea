//! Webhooks of GitHub Apps: one address hears of all installations. What is about a repository goes the way of any other
//! webhook, through the connection of its installation; what is about an installation is noted on its connection.

use serde_json::{Value, json};

use crate::app::App;
use crate::domain::audit::{Actor, ActorKind};
use crate::error::{Error, ErrorKind, Result};
use crate::http::actor::at_work;
use crate::http::hooks::{BODY_LIMIT, enqueue_started, read_delivery_id, take_in};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::jobs::{enqueue_try, enqueue_waiting};
use crate::providers::github::{AppDelivery, InstallationChange, read_app_delivery};
use crate::providers::{EventProject, ProviderKind};
use crate::store::app_deliveries::{
    AppDeliveryRecord, Compared, ConnectionChange, record_installation_event, record_unclaimed,
};
use crate::store::audit::acting;
use crate::store::connections::Connection;
use crate::store::deliveries::DeliveredProject;
use crate::store::github_apps::{
    GitHubApp, find_github_app, recall_connection_of_installation, recall_github_app,
};

const KIND: ProviderKind = ProviderKind::GitHub;

/// Receives one delivery at an app's address.
pub(super) async fn receive_app_webhook(
    app: &App,
    mut request: Request,
    id: &str,
) -> Result<Reply> {
    let github_app = recall_github_app(app, id).await?.ok_or_else(|| {
        Error::not_found("No GitHub App here has this webhook address; copy it again")
    })?;
    let body = request.bytes(BODY_LIMIT).await?;
    let headers = request.headers.all()?;
    if !knows_secret(app, &github_app, &headers, &body).await? {
        return Err(Error::new(
            ErrorKind::Unauthenticated,
            "The signature is missing or does not match the body; set the webhook secret of the GitHub App to the one \
             that it has here",
        ));
    }
    let delivery = read_app_delivery(&headers, &body)?;
    let connection = match delivery.installation {
        Some(number) => recall_connection_of_installation(app, id, number).await?,
        None => None,
    };
    let delivery_id = read_delivery_id(app, KIND, &headers)?;
    let event = KIND.event_name(&headers).unwrap_or("unknown");
    match (connection, &delivery.change) {
        (Some(connection), None) => {
            let reply = take_in(app, &connection, KIND, &headers, &body).await?;
            wake(app, &connection).await?;
            Ok(reply)
        }
        (Some(connection), Some(change)) => {
            let actor = Actor::new(ActorKind::Webhook, Some(id), &github_app.name);
            let app = &acting(app, at_work(&request, actor));
            let arrived = Arrived {
                delivery_id: &delivery_id,
                event,
                account: delivery.account.as_deref(),
            };
            arrived.note(app, &connection, change).await
        }
        (None, _) => {
            let detail = why_unclaimed(event, &delivery);
            let unclaimed = AppDeliveryRecord {
                github_app: id,
                provider_delivery_id: &delivery_id,
                event,
                installation: delivery.installation,
                detail: &detail,
            };
            let is_new = record_unclaimed(app, &unclaimed).await?;
            let status = if event == "ping" { 200 } else { 202 };
            Ok(Reply::json(status, &answer(&delivery_id, is_new, &detail)))
        }
    }
}

/// GitHub tells of what happens to those alone who have the app installed and do not suspend it. So an installation that
/// gave no token is worth asking again.
async fn wake(app: &App, connection: &Connection) -> Result<()> {
    match connection.refused_at {
        Some(_) => enqueue_try(app, &connection.id).await,
        None => Ok(()),
    }
}

/// Whether a delivery was made with the secret of its app, or with the one of before while that is accepted. What is
/// remembered may be of before a rotation.
async fn knows_secret(
    app: &App,
    github_app: &GitHubApp,
    headers: &[(String, String)],
    body: &[u8],
) -> Result<bool> {
    if has_secret(app, github_app, headers, body).await? {
        return Ok(true);
    }
    let id = &github_app.id;
    if app.memo.github_apps.recall(id, app.now(), 1).is_some() {
        return Ok(false);
    }
    match find_github_app(app, id).await? {
        Some(now) => {
            app.memo.github_apps.remember(id, now.clone(), app.now());
            has_secret(app, &now, headers, body).await
        }
        None => Ok(false),
    }
}

async fn has_secret(
    app: &App,
    github_app: &GitHubApp,
    headers: &[(String, String)],
    body: &[u8],
) -> Result<bool> {
    let passes = |secret: &str| KIND.verify_webhook(secret.as_bytes(), headers, body, app.now());
    if passes(&github_app.open_webhook_secret(app).await?) {
        return Ok(true);
    }
    let old = github_app.open_old_webhook_secret(app).await?;
    Ok(old.is_some_and(|old| passes(&old)))
}

fn why_unclaimed(event: &str, delivery: &AppDelivery) -> String {
    match delivery.installation {
        Some(number) => format!("ignored: no connection here is made by installation {number}"),
        None if event == "ping" => "the provider tried the webhook".to_owned(),
        None => "ignored: it is about no installation".to_owned(),
    }
}

fn answer(delivery_id: &str, is_new: bool, detail: &str) -> Value {
    let result = if is_new {
        detail
    } else {
        "duplicate: this delivery was received before"
    };
    json!({ "delivery": delivery_id, "result": result, "job": null })
}

/// Projects with an id each for a job that looks at them.
fn with_jobs(app: &App, projects: &[EventProject]) -> Result<Vec<DeliveredProject>> {
    let projects = projects.iter().map(|project| {
        Ok(DeliveredProject {
            provider_id: project.provider_id.clone(),
            full_name: project.full_name.clone(),
            job: app.random_id()?,
        })
    });
    projects.collect()
}

struct Arrived<'a> {
    delivery_id: &'a str,
    event: &'a str,
    account: Option<&'a str>,
}

impl Arrived<'_> {
    /// Notes on the connection what happened to its installation.
    async fn note(
        &self,
        app: &App,
        connection: &Connection,
        change: &InstallationChange,
    ) -> Result<Reply> {
        let name = self.account.unwrap_or(&connection.account);
        let mut changes = ConnectionChange {
            account: self.account,
            trouble: None,
            keeps_trouble: false,
            drops_token: false,
            compares: Compared::None,
            appeared: &[],
        };
        let (trouble, ids, appeared);
        let detail = match change {
            InstallationChange::Granted(given) => {
                appeared = with_jobs(app, given)?;
                changes.appeared = &appeared;
                changes.compares = Compared::All;
                format!("`{name}` lets the app in; its projects are compared")
            }
            InstallationChange::Unsuspended => {
                // Nothing was heard of pushes meanwhile.
                changes.compares = Compared::All;
                format!("`{name}` lets the app in; its projects are compared")
            }
            InstallationChange::Deleted => {
                trouble = format!(
                    "The GitHub App was uninstalled from `{name}`; install it again and connect the new installation"
                );
                changes.trouble = Some(&trouble);
                changes.drops_token = true;
                trouble.clone()
            }
            InstallationChange::Suspended => {
                trouble = format!(
                    "The installation of the GitHub App is suspended by `{name}`; it can be unsuspended there, in the \
                     settings of installed GitHub Apps"
                );
                changes.trouble = Some(&trouble);
                changes.drops_token = true;
                trouble.clone()
            }
            InstallationChange::Repositories { added, removed } => {
                let found = added.iter().chain(removed);
                let found: Vec<_> = found.map(|one| one.provider_id.as_str()).collect();
                ids = Value::from(found).to_string();
                appeared = with_jobs(app, added)?;
                changes.appeared = &appeared;
                changes.keeps_trouble = true;
                changes.compares = Compared::Some(&ids);
                "the repositories given to the installation changed; those of packages here are compared, and new ones \
                 are looked at where the connection's groups add them"
                    .to_owned()
            }
            InstallationChange::Renamed => {
                changes.keeps_trouble = true;
                changes.compares = Compared::All;
                format!("the account is named `{name}` now")
            }
            InstallationChange::Other(why) => {
                changes.keeps_trouble = true;
                why.clone()
            }
        };
        app.memo.connections.clear();
        let jobs = record_installation_event(
            app,
            connection,
            self.delivery_id,
            self.event,
            &detail,
            &changes,
        )
        .await?;
        let is_new = jobs.is_some();
        // Should the call die before this, housekeeping finds the jobs.
        if is_new && changes.compares == Compared::All {
            // Those too that have waited for the app to be let in.
            enqueue_waiting(app, &connection.id).await?;
        } else {
            enqueue_started(app, &jobs.unwrap_or_default()).await?;
            if changes.keeps_trouble {
                wake(app, connection).await?;
            }
        }
        Ok(Reply::json(202, &answer(self.delivery_id, is_new, &detail)))
    }
}
