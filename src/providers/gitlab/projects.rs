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

#[cfg(test)]
mod tests {
    use pollster::block_on;
    use serde_json::{Value, json};

    use super::*;
    use crate::providers::ProviderKind;
    use crate::providers::replay::{ReplayClient, gateway, ok, token};

    const LIST: &str = "https://gitlab.com/api/v4/projects?membership=true&order_by=id&sort=asc&pagination=keyset&per_page=100";

    fn found(id: u64, name: &str) -> Value {
        json!({
            "id": id, "path_with_namespace": name, "default_branch": "main", "visibility": "internal",
            "web_url": format!("https://gitlab.com/{name}"), "http_url_to_repo": format!("https://gitlab.com/{name}.git"),
        })
    }

    fn list(
        client: &ReplayClient,
        search: Option<&str>,
        cursor: Option<&str>,
    ) -> Result<ProjectPage> {
        let host = ProviderKind::GitLab
            .connect(gateway(client), "", &token("glpat-1"))
            .unwrap();
        block_on(host.list_projects(search, cursor))
    }

    #[test]
    fn pages_follow_each_other_by_the_last_id_up_to_an_empty_one() {
        let link = |id: u64| format!("<http://inside/x?id_after={id}&per_page=100>; rel=\"next\"");
        let client = ReplayClient::default()
            .on(
                LIST,
                ok(&json!([found(7, "acme/sub/one")])).with("link", link(7)),
            )
            .on(
                &format!("{LIST}&id_after=7"),
                ok(&json!([])).with("link", link(9)),
            );
        let page = list(&client, None, None).unwrap();
        assert_eq!(page.projects[0].full_name, "acme/sub/one");
        assert!(page.projects[0].is_private);
        assert_eq!(page.next.as_deref(), Some("7"));
        let page = list(&client, None, Some("7")).unwrap();
        assert_eq!(page, ProjectPage::default());
        // An old instance that knows no keyset gives the same page again: no circle.
        let stuck = ReplayClient::default().on(
            &format!("{LIST}&id_after=7"),
            ok(&json!([found(7, "acme/one")])).with("link", link(7)),
        );
        assert_eq!(list(&stuck, None, Some("7")).unwrap().next, None);
    }

    #[test]
    fn the_host_searches_with_groups_but_for_short_words_and_names_alone_count() {
        let projects = json!([found(1, "acme/one"), found(2, "other/two")]);
        for (search, query) in [
            ("acme/", "&search_namespaces=true&search=acme%2F"),
            ("ONE", "&search_namespaces=true&search=one"),
            ("on", ""),
            ("acme one", ""),
        ] {
            let client = ReplayClient::default().on(&format!("{LIST}{query}"), ok(&projects));
            let page = list(&client, Some(search), None).unwrap();
            let expected = usize::from(search != "acme one");
            assert_eq!(page.projects.len(), expected, "{search}");
        }
    }
}
