//! The projects that a token is a member of, by itself or through a group, by GitLab's keyset paging.

use crate::error::Result;
use crate::providers::ProjectPage;
use crate::providers::path::segment;
use crate::providers::project_pages::{
    number_in_next_link, read_number, read_search, retain_found,
};
use crate::providers::rest::{Rest, Want};

use super::{FoundProject, PER_PAGE};

/// GitLab looks for shorter words as whole ones.
const SHORTEST_SEARCH: usize = 3;

/// One page, by id.
pub(super) async fn list(
    api: &Rest<'_>,
    search: Option<&str>,
    cursor: Option<&str>,
) -> Result<ProjectPage> {
    let after = read_number(cursor, 0)?;
    let search = read_search(search)?;
    // With `simple=true` it would not say what is private or archived.
    let mut path = format!(
        "/projects?membership=true&order_by=id&sort=asc&pagination=keyset&per_page={PER_PAGE}"
    );
    if after > 0 {
        path = format!("{path}&id_after={after}");
    }
    let is_for_host =
        |text: &&String| text.chars().count() >= SHORTEST_SEARCH && !text.contains(' ');
    if let Some(search) = search.as_ref().filter(is_for_host) {
        path = format!("{path}&search_namespaces=true&search={}", segment(search));
    }
    let response = api.get(&path, Want::Json).await?.or_refusal()?;
    let next = number_in_next_link(&response.headers, "id_after").filter(|next| *next > after);
    let found: Vec<FoundProject> = api.json(response).await?;
    // An instance behind a proxy names a next page after the last one too.
    let next = next.filter(|_| !found.is_empty());
    let mut projects = found.into_iter().map(FoundProject::describe).collect();
    // It finds by titles and descriptions as well.
    retain_found(&mut projects, search.as_deref());
    Ok(ProjectPage {
        projects,
        next: next.map(|next| next.to_string()),
    })
}
