//! The projects that a token reaches. GitHub's search has a limit of its own and knows what one may not see, so that
//! names are looked through here: a page of a search may be short or empty and have a next one all the same.

use serde::Deserialize;

use crate::error::Result;
use crate::providers::ProjectPage;
use crate::providers::project_pages::{
    number_in_next_link, read_number, read_search, retain_found,
};
use crate::providers::rest::{Rest, Want};

use super::{PER_PAGE, Repository};

/// What an installation of an App sees comes in an object.
#[derive(Deserialize)]
struct OfInstallation {
    repositories: Vec<Repository>,
}

/// One page. `is_installation`: the token is that of an App's installation, which belongs to nobody.
pub(super) async fn list(
    api: &Rest<'_>,
    is_installation: bool,
    search: Option<&str>,
    cursor: Option<&str>,
) -> Result<ProjectPage> {
    let page = read_number(cursor, 1)?;
    let search = read_search(search)?;
    let path = if is_installation {
        format!("/installation/repositories?per_page={PER_PAGE}&page={page}")
    } else {
        format!(
            "/user/repos?affiliation=owner,collaborator,organization_member&sort=full_name&per_page={PER_PAGE}&page={page}"
        )
    };
    let response = api.get(&path, Want::Json).await?.or_refusal()?;
    let next = number_in_next_link(&response.headers, "page").filter(|next| *next > page);
    let repositories = if is_installation {
        api.json::<OfInstallation>(response).await?.repositories
    } else {
        api.json::<Vec<Repository>>(response).await?
    };
    let mut projects = repositories.into_iter().map(Repository::describe).collect();
    retain_found(&mut projects, search.as_deref());
    Ok(ProjectPage {
        projects,
        next: next.map(|next| next.to_string()),
    })
}
