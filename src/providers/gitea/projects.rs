//! The projects of a token's own: those of its account, and those it works on in organisations and with others. A search
//! over `/repos/search` would go through all that is public at the instance.

use crate::error::Result;
use crate::providers::ProjectPage;
use crate::providers::header;
use crate::providers::path::split_name;
use crate::providers::project_pages::{
    number_in_next_link, read_number, read_search, retain_found,
};
use crate::providers::rest::{Rest, Want};

use super::{PER_PAGE, Repository};

/// One page, by name.
pub(super) async fn list(
    api: &Rest<'_>,
    search: Option<&str>,
    cursor: Option<&str>,
) -> Result<ProjectPage> {
    let page = read_number(cursor, 1)?;
    let search = read_search(search)?;
    let path = format!("/user/repos?limit={PER_PAGE}&page={page}");
    let response = api.get(&path, Want::Json).await?.or_refusal()?;
    let headers = response.headers.clone();
    let repositories: Vec<Repository> = api.json(response).await?;
    let next = has_next(&headers, repositories.len()).then(|| page.saturating_add(1));
    let mut projects = Vec::new();
    for repository in repositories {
        split_name(&repository.full_name).map_err(|_| api.unreadable())?;
        projects.push(repository.describe());
    }
    retain_found(&mut projects, search.as_deref());
    Ok(ProjectPage {
        projects,
        next: next.map(|next| next.to_string()),
    })
}

/// Whether a page with so many items is followed by another. There is a `Link` when there are several, and often a count;
/// an instance that says neither is asked until a page is empty, for it may give fewer than it is asked for.
fn has_next(headers: &[(String, String)], items: usize) -> bool {
    if items == 0 {
        return false;
    }
    if header(headers, "link").is_some() {
        return number_in_next_link(headers, "page").is_some();
    }
    header(headers, "x-total-count")
        .and_then(|count| count.parse::<usize>().ok())
        .is_none_or(|count| items < count)
}
