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

#[cfg(test)]
mod tests {
    use pollster::block_on;
    use serde_json::{Value, json};

    use super::*;
    use crate::providers::ProviderKind;
    use crate::providers::replay::{ReplayClient, gateway, ok, refused, token};

    const LIST: &str = "https://gitea.com/api/v1/user/repos?limit=50";

    fn found(name: &str) -> Value {
        json!({
            "id": 7, "full_name": name, "default_branch": "main", "private": false, "internal": true,
            "html_url": format!("https://gitea.com/{name}"), "clone_url": format!("https://gitea.com/{name}.git"),
        })
    }

    fn list(client: &ReplayClient, cursor: Option<&str>) -> Result<ProjectPage> {
        let host = ProviderKind::Gitea
            .connect(gateway(client), "", &token("secret"))
            .unwrap();
        block_on(host.list_projects(None, cursor))
    }

    #[test]
    fn a_page_is_the_last_one_by_what_there_is_to_tell() {
        let next = r#"<http://inside/x?limit=50&page=2>; rel="next""#;
        let first = r#"<http://inside/x?limit=50&page=1>; rel="first""#;
        let two = json!([found("acme/one"), found("acme/two")]);
        let answer = || ok(&two);
        for (answer, expected) in [
            // `Link` is missing where one page is all there is.
            (answer().with("x-total-count", "2"), None),
            (answer().with("x-total-count", "3"), Some("2")),
            (
                answer().with("x-total-count", "3").with("link", next),
                Some("2"),
            ),
            (
                answer().with("x-total-count", "3").with("link", first),
                None,
            ),
            // Who says nothing is asked for one more.
            (answer(), Some("2")),
            (ok(&json!([])), None),
        ] {
            let client = ReplayClient::default().on(&format!("{LIST}&page=1"), answer);
            assert_eq!(list(&client, None).unwrap().next.as_deref(), expected);
        }
        let client = ReplayClient::default().on(&format!("{LIST}&page=2"), ok(&two));
        let page = list(&client, Some("2")).unwrap();
        assert_eq!(page.next.as_deref(), Some("3"));
        assert!(page.projects[0].is_private);
    }

    #[test]
    fn a_token_without_the_scope_is_told_which() {
        let sentence = "token does not have at least one of required scope(s): [read:user]";
        let client = ReplayClient::default().on(&format!("{LIST}&page=1"), refused(403, sentence));
        let error = list(&client, None).err().unwrap();
        assert!(error.message().contains("[read:user]"), "{error}");
        let client =
            ReplayClient::default().on(&format!("{LIST}&page=1"), ok(&json!([found("../x")])));
        assert!(list(&client, None).is_err());
    }
}
