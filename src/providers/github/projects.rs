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

#[cfg(test)]
mod tests {
    use pollster::block_on;
    use serde_json::{Value, json};

    use super::*;
    use crate::error::ErrorKind;
    use crate::providers::ProviderKind;
    use crate::providers::replay::{ReplayClient, gateway, ok, refused, token};

    const LIST: &str = "/user/repos?affiliation=owner,collaborator,organization_member&sort=full_name&per_page=100";

    fn repository(id: u64, name: &str) -> Value {
        json!({
            "id": id, "full_name": name, "default_branch": "main", "private": true, "archived": id == 2,
            "html_url": format!("https://github.com/{name}"), "clone_url": format!("https://github.com/{name}.git"),
        })
    }

    fn list(
        client: &ReplayClient,
        base: &str,
        secret: &str,
        search: Option<&str>,
        cursor: Option<&str>,
    ) -> Result<ProjectPage> {
        let host = ProviderKind::GitHub
            .connect(gateway(client), base, &token(secret))
            .unwrap();
        block_on(host.list_projects(search, cursor))
    }

    #[test]
    fn pages_follow_each_other_by_their_number_at_github_and_at_an_enterprise_server() {
        for (base, api) in [
            ("", "https://api.github.com"),
            (
                "https://git.example.com/api/v3",
                "https://git.example.com/api/v3",
            ),
        ] {
            let link = r#"<https://elsewhere.example/x?page=2>; rel="next", <https://a/?page=2>; rel="last""#;
            let first = json!([repository(1, "acme/one"), repository(2, "acme/two")]);
            let client = ReplayClient::default()
                .on(
                    &format!("{api}{LIST}&page=1"),
                    ok(&first).with("link", link),
                )
                .on(
                    &format!("{api}{LIST}&page=2"),
                    ok(&json!([repository(3, "Acme/Three")])),
                );
            let page = list(&client, base, "ghp_1", None, None).unwrap();
            assert_eq!(page.next.as_deref(), Some("2"));
            assert_eq!(page.projects.len(), 2);
            assert!(page.projects[1].is_archived && page.projects[1].is_private);
            let page = list(&client, base, "ghp_1", None, Some("2")).unwrap();
            assert_eq!(page.next, None);
            assert_eq!(page.projects[0].full_name, "Acme/Three");
            client.assert_done();
        }
    }

    #[test]
    fn a_search_looks_through_the_names_and_may_leave_a_page_empty() {
        let url = format!("https://api.github.com{LIST}&page=1");
        let link = r#"<https://a/?page=2>; rel="next""#;
        let found = json!([repository(1, "acme/one"), repository(2, "acme/two")]);
        for (search, count) in [("ONE", 1), ("acme/", 2), ("three", 0)] {
            let client = ReplayClient::default().on(&url, ok(&found).with("link", link));
            let page = list(&client, "", "ghp_1", Some(search), None).unwrap();
            assert_eq!(page.projects.len(), count, "{search}");
            assert_eq!(page.next.as_deref(), Some("2"));
        }
    }

    #[test]
    fn an_installation_lists_what_it_was_given() {
        let url = "https://api.github.com/installation/repositories?per_page=100&page=1";
        let found = json!({"total_count": 1, "repositories": [repository(1, "acme/one")]});
        let client = ReplayClient::default().on(url, ok(&found));
        let page = list(&client, "", "ghs_1", None, None).unwrap();
        assert_eq!(page.projects[0].full_name, "acme/one");
    }

    #[test]
    fn what_is_no_list_is_refused() {
        let url = format!("https://api.github.com{LIST}&page=1");
        let client = ReplayClient::default().on(&url, ok(&json!({"items": []})));
        let error = list(&client, "", "ghp_1", None, None).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Upstream { retryable: false });
        let client = ReplayClient::default().on(&url, refused(401, "Bad credentials"));
        let error = list(&client, "", "ghp_1", None, None).err().unwrap();
        assert!(error.message().contains("Bad credentials"), "{error}");
        let client = ReplayClient::default();
        let error = list(&client, "", "ghp_1", None, Some("1&x=2"))
            .err()
            .unwrap();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let long = "x".repeat(101);
        let error = list(&client, "", "ghp_1", Some(&long), None).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
}
