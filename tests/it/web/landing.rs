//! The page of a repository, as a visitor finds it.

use serde_json::json;

use crate::support::TestRegistry;
use crate::support::browser::{OWNER, PASSWORD, Page};
use crate::support::world::Port;

const OWN: &str = "/ui/acme/repositories/main";

fn names(page: &Page) -> Vec<String> {
    page.all("tbody td[data-label=Name]")
}

#[test]
fn a_public_repository_says_what_it_has_and_how_to_connect() {
    let registry = TestRegistry::shop();
    let evil = "# Welcome\n\n<script>alert(1)</script>\n\n[x](javascript:alert(1)) **bold**";
    registry.alter(
        "repositories/main",
        &json!({"public": true, "description": "Tools <b>", "landing": evil}),
    );
    let visitor = registry.browser();
    // The address that Composer has leads there.
    for address in ["/r/acme/main", "/r/acme/main/"] {
        let page = visitor.get(address).expect(200);
        assert_eq!(page.path, OWN);
    }
    registry.world.forget_calls();
    let page = visitor.get(&format!("{OWN}?search=tool")).expect(200);
    assert!(registry.world.calls(Port::Db) <= 3);
    assert_eq!(names(&page), ["acme/tool"]);
    let page = visitor.get(OWN).expect(200);
    assert_eq!(page.heading(), "main");
    assert_eq!(names(&page), ["acme/lib", "acme/tool", "other/secret"]);
    assert_eq!(
        page.one(".code"),
        "composer config repositories.main composer https://packages.example.com/r/acme/main"
    );
    assert_eq!(page.all("script").len(), 1);
    assert!(page.one(".prose strong") == "bold" && page.all(".prose script").is_empty());
    assert!(
        page.attributes(".prose a", "href")
            .iter()
            .all(|href| !href.starts_with("javascript"))
    );
    registry.fill(120);
    let page = visitor.get(OWN).expect(200);
    assert_eq!(names(&page).len(), 50);
    let next = page.attributes("a[rel=next]", "href").remove(0);
    assert_eq!(names(&visitor.get(&next).expect(200)).len(), 50);
}

#[test]
fn a_private_repository_is_not_told_from_one_that_does_not_exist() {
    let registry = TestRegistry::shop();
    let visitor = registry.browser();
    let mut told = Vec::new();
    for path in [
        OWN,
        "/ui/acme/repositories/none",
        "/ui/nobody/repositories/main",
    ] {
        registry.world.forget_calls();
        let page = visitor.ask("GET", path, &[], "").expect(404);
        let batches = registry.world.calls(Port::Db);
        assert!(!page.html.contains("acme"), "{path}");
        let headers = page
            .answer
            .reply
            .headers
            .iter()
            .filter(|(name, _)| *name != "set-cookie");
        told.push((
            page.html.replace(path, ""),
            batches,
            headers.cloned().collect::<Vec<_>>(),
        ));
    }
    assert_eq!(told[0].1, 1);
    for other in &told[1..] {
        assert_eq!(
            (&other.0.len(), other.1, &other.2),
            (&told[0].0.len(), told[0].1, &told[0].2)
        );
    }
    // A customer at its own page is a visitor here; somebody of the organisation sees it.
    let buyer = registry.buyer_with(&json!({}));
    registry
        .buyer_browser(&buyer.token)
        .ask("GET", OWN, &[], "")
        .expect(404);
    drop(registry.owner_browser());
    let page = registry.sign_in(OWNER, PASSWORD).0.get(OWN).expect(200);
    assert!(page.text().contains("This repository is private"));
    assert_eq!(names(&page).len(), 3);
    let stranger = registry.member_browser("bob@example.com", "member");
    stranger.ask("GET", OWN, &[], "").expect(404);
}

#[test]
fn a_public_repository_of_a_suspended_organisation_says_so_and_no_more() {
    let registry = TestRegistry::shop();
    registry.alter(
        "repositories/main",
        &json!({"public": true, "landing": "Hello"}),
    );
    let body = json!({"state": "suspended", "reason": "we moved"});
    registry
        .admin()
        .patch("/api/v1/orgs/acme", &body)
        .expect(200);
    let page = registry.browser().ask("GET", OWN, &[], "").expect(403);
    assert!(page.one(".notice").contains("we moved"));
    assert!(!page.text().contains("acme/lib") && !page.text().contains("Hello"));
}
