//! What somebody sees first of an organisation.

use askama::Template;

use crate::app::App;
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::web::page::page;
use crate::http::web::shell::{Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::store::repositories::list_repositories;

/// A repository, and how Composer is told of it.
struct ShownRepository {
    slug: String,
    command: String,
}

#[derive(Template)]
#[template(path = "place/dashboard.html")]
struct Dashboard {
    shell: Shell,
    repositories: Vec<ShownRepository>,
}

pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place) -> Result<Reply> {
    let repositories = list_repositories(app, place.organisation.id).await?;
    let shell = visit.shell_at(app, Section::Dashboard, "Dashboard", Vec::new())?;
    let address = &app.config.public_url;
    let repositories = repositories
        .into_iter()
        .map(|repository| {
            let (organisation, slug) = (repository.organisation, repository.slug);
            let url = format!("{address}/r/{organisation}/{slug}");
            ShownRepository {
                command: format!("composer config repositories.{slug} composer {url}"),
                slug,
            }
        })
        .collect();
    page(&Dashboard {
        shell,
        repositories,
    })
}
