//! The list of projects.

use super::*;

const WORKSPACES: &str = "/user/workspaces?pagelen=100&fields=values.workspace.slug,next";

fn listing(workspace: &str, more: &str) -> String {
    let fields: Vec<_> = FIELDS
        .split(',')
        .map(|field| format!("values.{field}"))
        .collect();
    format!(
        "/repositories/{workspace}?pagelen=100&sort=created_on&fields={},next{more}",
        fields.join(",")
    )
}

fn api_token() -> Credentials {
    Credentials::new(Some("ada@example.org"), "ATATT1")
}

#[test]
fn projects_are_listed_workspace_by_workspace() {
    let workspaces = || {
        ok(
            &json!({"values": [{"workspace": {"slug": "beta"}}, {"workspace": {"slug": "acme"}},
                              {"workspace": {"slug": "void"}}]}),
        )
    };
    let second = "https://api.bitbucket.org/2.0/repositories/acme?page=2&pagelen=100";
    let client = on_path(WORKSPACES, workspaces()).on(
        &at(&listing("acme", "&role=member")),
        ok(&json!({"values": [found()], "next": second})),
    );
    let host = |client: &ReplayClient, cursor: Option<&str>| {
        let host = Bitbucket::new(gateway(client), "", &api_token()).unwrap();
        let page = block_on(host.list_projects(None, cursor)).unwrap();
        client.assert_done();
        page
    };
    let page = host(&client, None);
    assert_eq!(page.projects[0].full_name, "acme/hello");
    assert_eq!(page.next.as_deref(), Some("acme?page=2&pagelen=100"));

    let client = on_path(WORKSPACES, workspaces()).on(second, ok(&json!({"values": [found()]})));
    let page = host(&client, page.next.as_deref());
    assert_eq!(page.projects.len(), 1);
    assert_eq!(page.next.as_deref(), Some("beta"));

    // Workspaces without any are passed over, and the last one ends the list.
    let client = on_path(WORKSPACES, workspaces())
        .on(
            &at(&listing("beta", "&role=member")),
            ok(&json!({"values": []})),
        )
        .on(
            &at(&listing("void", "&role=member")),
            ok(&json!({"values": []})),
        );
    assert_eq!(host(&client, Some("beta")), ProjectPage::default());
}

#[test]
fn a_search_goes_along_and_may_name_its_workspace() {
    let client = on_path(
        WORKSPACES,
        ok(&json!({"values": [{"workspace": {"slug": "acme"}}]})),
    )
    .on(
        &at(&listing("acme", "&role=member&q=name%20~%20%22hel%20lo%22")),
        ok(&json!({"values": []})),
    );
    let host = Bitbucket::new(gateway(&client), "", &api_token()).unwrap();
    block_on(host.list_projects(Some(" hel \"lo\\ "), None)).unwrap();
    client.assert_done();

    // An access token is no member, and knows no workspaces.
    let query = listing("acme", "&q=name%20~%20%22hel%22");
    let client = on_path(&query, ok(&json!({"values": [found()]})));
    let page = block_on(bitbucket(&client).list_projects(Some("acme/hel"), None)).unwrap();
    assert_eq!((page.projects.len(), page.next), (1, None));
    let client = on_path(
        WORKSPACES,
        problem(
            403,
            "This API is not accessible by this authentication mechanism",
        ),
    );
    let error = block_on(bitbucket(&client).list_projects(Some("hel"), None)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("`WORKSPACE/name`"), "{error}");

    for cursor in ["../user?x", "acme?x#y", "acme?x y", ""] {
        let client = on_path(
            WORKSPACES,
            ok(&json!({"values": [{"workspace": {"slug": "acme"}}]})),
        );
        let error = block_on(bitbucket(&client).list_projects(None, Some(cursor)));
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Invalid, "{cursor}");
    }
}
