//! The pages by which owners set providers up.

use serde_json::json;

use super::*;

#[test]
fn an_owner_sets_a_provider_up_by_the_pages_and_signs_in_by_it() {
    let registry = TestRegistry::new();
    registry
        .world
        .identity
        .borrow_mut()
        .add_issuer(ISSUER, ada());
    let owner = registry.owner_browser();
    for (here, side) in [
        ("/ui/acme/settings/sign-in", "acme"),
        ("/ui/instance/sign-in", "instance"),
    ] {
        let page = owner.get(here).expect(200);
        assert!(page.text().contains("People sign in by a password"));
        let new = format!("{here}/new");
        let page = owner.get(&new).expect(200);
        let values = [
            ("kind", "oidc"),
            ("slug", "okta"),
            ("name", "Acme <ID>"),
            ("base_url", "https://elsewhere.example"),
            ("client_id", CLIENT),
            ("client_secret", SECRET),
        ];
        // What is wrong stands beside the field, and what was typed stays.
        let mut wrong = values;
        wrong[3].1 = "http://id.acme.example";
        let page = owner.submit(&page, &new, &wrong).expect(422);
        assert!(
            page.one("#base_url-error").contains("cannot be used"),
            "{}",
            page.text()
        );
        assert_eq!(page.attributes("#client_id", "value"), [CLIENT]);
        assert!(!page.html.contains("s3cret"));
        let mut right = values;
        right[3].1 = ISSUER;
        let page = owner.submit(&page, &new, &right).expect(200);
        assert_eq!(page.path, format!("{here}/providers/okta"));
        let address = format!("https://packages.example.com/ui/sign-in/callback/{side}/okta");
        assert_eq!(page.one(".code"), address);
        assert!(!page.html.contains("s3cret"));
        // A second one of the name is refused in words.
        let again = owner.get(&new).expect(200);
        let again = owner.submit(&again, &new, &right).expect(422);
        assert!(again.text().contains("another `slug`"), "{}", again.text());
        let one = page.path.clone();
        let changed = owner.submit(&page, &one, &[("name", "Acme"), ("groups_claim", "groups")]);
        assert!(changed.expect(200).text().contains("Saved"));
        let shown = owner.get(&one).expect(200);
        assert_eq!(shown.attributes("#groups_claim", "value"), ["groups"]);
        owner
            .submit(&shown, &one, &[("groups_claim", "")])
            .expect(200);
        let shown = owner.get(&one).expect(200);
        assert_eq!(shown.attributes("#groups_claim", "value"), [""]);
    }
    // The rules by their form.
    registry.make("teams", &json!({"name": "Core"}));
    let here = "/ui/acme/settings/sign-in";
    let page = owner.get(here).expect(200);
    let wrong = [
        ("domains", "acme.example\n@x"),
        ("group_teams", "dev = Nobody"),
    ];
    let page = owner.submit(&page, here, &wrong).expect(422);
    assert!(page.one("#group_teams-error").contains("names no team"));
    let values = [
        ("domains", "acme.example"),
        ("registration", "open"),
        ("role", "auditor"),
        ("group_teams", "dev = Core"),
    ];
    owner.submit(&page, here, &values).expect(200);
    let rules = registry.admin().get(RULES).json();
    assert_eq!(rules["registration"], "open");
    assert_eq!(rules["group_teams"][0]["group"], "dev");
    let page = owner.get(here).expect(200);
    assert!(page.one("#group_teams").contains("dev = Core"));
    // And the button is there, by the organisation's own sign-in page.
    let page = walk(&registry, &registry.browser(), ACME).expect(200);
    assert_eq!(page.path, "/ui/acme");
    // It asks before it removes.
    let remove = format!("{here}/providers/okta/remove");
    let page = owner.get(&remove).expect(200);
    assert!(page.text().contains("1 person loses"));
    owner.submit(&page, &remove, &[]).expect(200);
    assert_eq!(count(&registry, "select count(*) from identities"), 0);
    assert_eq!(
        count(
            &registry,
            "select count(*) from logins where provider_id is not null and ended_at is null"
        ),
        0
    );
}

#[test]
fn a_sign_in_page_tells_of_no_organisation_that_has_no_provider() {
    let registry = TestRegistry::new();
    let browser = registry.browser();
    let known = browser.get(ACME).expect(200);
    let unknown = browser.get("/ui/sign-in?organisation=nobody").expect(200);
    // A passkey's challenge is another one each time.
    let told = |page: &Page| {
        let (before, rest) = page.html.split_once("data-challenge=").unwrap();
        let (_, after) = rest.split_once("</form>").unwrap();
        format!("{before}{after}")
    };
    assert_eq!(told(&known).replace("acme", "nobody"), told(&unknown));
    // What is no slug is nothing.
    let odd = browser
        .get("/ui/sign-in?organisation=%22%3E%3Cb%3E")
        .expect(200);
    assert!(!odd.html.contains("<b>"));
}

#[test]
fn the_policy_of_the_pages_is_the_same_everywhere() {
    let registry = with_issuer();
    let browser = registry.browser();
    let page = browser.get(ACME).expect(200);
    let action = page
        .attributes("form[action^='/ui/sign-in/with/']", "action")
        .remove(0);
    let onward = browser.submit(&page, &action, &[]).expect(200);
    for page in [&page, &onward] {
        let policy = page.answer.header("content-security-policy").unwrap();
        assert!(policy.contains("form-action 'self';"), "{policy}");
    }
}

#[test]
fn the_secret_of_a_client_is_sealed_and_never_shown() {
    let registry = with_issuer();
    let stored = registry
        .world
        .sqlite
        .texts("select sealed_client_secret from identity_providers");
    assert!(!stored[0].contains(SECRET));
    for path in [PROVIDERS.to_owned(), format!("{PROVIDERS}/okta")] {
        let shown = registry.admin().get(&path).expect(200).json().to_string();
        assert!(
            !shown.contains("s3cret") && !shown.contains("sealed"),
            "{shown}"
        );
    }
    let log = registry
        .world
        .sqlite
        .texts("select coalesce(before_json, '') || coalesce(after_json, '') from audit");
    assert!(log.iter().all(|line| !line.contains("s3cret")), "{log:?}");
}
