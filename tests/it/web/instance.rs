//! The pages of who owns the instance.

use serde_json::json;

use crate::support::TestRegistry;
use crate::support::browser::{Browser, Page};

const INSTANCE: &str = "/ui/instance";

fn is_told(registry: &TestRegistry, line: &str) -> bool {
    let lines = registry
        .world
        .sqlite
        .texts("select action || ' by ' || actor_kind || ' ' || actor_name from audit");
    lines.iter().any(|told| told == line)
}

/// Sends a form that has no field but these.
fn send(browser: &Browser<'_>, path: &str, fields: &[(&str, &str)]) -> Page {
    let mut all = vec![browser.get("/ui/account").fields("/ui/sign-out").remove(0)];
    all.extend(
        fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    browser.post(path, &all)
}

#[test]
fn to_who_does_not_own_it_it_is_forbidden() {
    let registry = TestRegistry::imported();
    let owner = registry.owner_browser();
    let admin = registry.member_browser("bob@example.com", "owner");
    let before = registry.world.sqlite.changes();
    for path in [
        "",
        "/organisations/new",
        "/organisations/acme",
        "/organisations/acme/suspend",
        "/organisations/acme/delete",
        "/organisations/nowhere",
        "/people",
        "/health",
        "/dead-letters",
        "/tokens",
        "/audit",
        "/audit/export",
        "/settings",
    ] {
        let page = admin.get(&format!("{INSTANCE}{path}")).expect(403);
        assert_eq!(page.heading(), "You may not do that", "{path}");
    }
    for path in [
        "/organisations/new",
        "/organisations/acme/quotas",
        "/organisations/acme/suspend",
        "/organisations/acme/resume",
        "/organisations/acme/delete",
        "/people/a1/reset",
        "/health",
        "/dead-letters/retry",
        "/dead-letters/drop",
        "/tokens",
        "/tokens/t1/revoke",
    ] {
        send(&admin, &format!("{INSTANCE}{path}"), &[]).expect(403);
    }
    assert_eq!(registry.world.sqlite.changes(), before);
    let links = |browser: &Browser<'_>| browser.get("/ui/acme").attributes(".side-end a", "href");
    assert!(!links(&admin).contains(&INSTANCE.to_owned()));
    assert!(links(&owner).contains(&INSTANCE.to_owned()));
    let page = owner.get(&format!("{INSTANCE}/health")).expect(200);
    assert_eq!(page.all(".nav [aria-current]"), ["Health"]);
    assert_eq!(
        owner.get(INSTANCE).all(".nav [aria-current]"),
        ["Organisations"]
    );
}

#[test]
fn an_organisation_is_made_limited_suspended_and_deleted() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let form = format!("{INSTANCE}/organisations/new");
    let page = browser.get(&form).expect(200);
    for (slug, words) in [("acme", "taken"), ("admin", "reserved")] {
        let page = browser
            .submit_once(&page, &form, &[("slug", slug)])
            .expect(422);
        assert!(page.one("#slug-error").contains(words), "{}", page.text());
        assert_eq!(page.attributes("#slug", "value"), [slug]);
    }
    let values = [("slug", "globex"), ("name", "Globex")];
    let page = browser.submit(&page, &form, &values).expect(200);
    assert_eq!(page.heading(), "Globex");
    assert!(is_told(
        &registry,
        "organisation.created by person Ada King"
    ));
    let here = page.path.clone();
    let quotas = format!("{here}/quotas");
    let wrong = browser
        .submit_once(&page, &quotas, &[("storage", "much")])
        .expect(422);
    assert_eq!(wrong.attributes("#storage", "value"), ["much"]);
    let values = [("packages", "5"), ("storage", "20 GB")];
    let page = browser.submit(&page, &quotas, &values).expect(200);
    assert_eq!(page.attributes("#storage", "value"), ["20 GB"]);
    assert!(page.text().contains("0 of 5"));
    assert!(is_told(
        &registry,
        "organisation.updated by person Ada King"
    ));
    // A look at the question does nothing; and what is in force is not deleted.
    let suspend = format!("{here}/suspend");
    let page = browser.get(&suspend).expect(200);
    assert!(browser.get(&here).all(".notice.bad").is_empty());
    let delete = format!("{here}/delete");
    let early = browser.get(&delete).expect(200);
    let early = browser
        .submit_once(&early, &delete, &[("confirm", "globex")])
        .expect(422);
    assert!(
        early
            .one("[role=alert]")
            .contains("Suspend the organisation first")
    );
    let page = browser
        .submit(&page, &suspend, &[("reason", "Not paid")])
        .expect(200);
    assert!(
        page.one(".notice.bad").ends_with("Not paid"),
        "{}",
        page.text()
    );
    let page = browser
        .submit(&page, &format!("{here}/resume"), &[])
        .expect(200);
    assert!(page.all(".notice.bad").is_empty());
    send(&browser, &suspend, &[]).expect(303);
    let page = browser.get(&delete).expect(200);
    let wrong = browser
        .submit_once(&page, &delete, &[("confirm", "acme")])
        .expect(422);
    assert!(wrong.one("#confirm-error").contains("cannot be undone"));
    let page = browser
        .submit(&page, &delete, &[("confirm", "globex")])
        .expect(200);
    assert_eq!(
        page.one("[role=status]"),
        "The organisation is being deleted"
    );
    registry.run_jobs();
    browser.get(&here).expect(404);
    assert!(is_told(
        &registry,
        "organisation.deletion_begun by person Ada King"
    ));
}

#[test]
fn organisations_are_listed_with_what_they_use() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    registry
        .admin()
        .post("/api/v1/orgs", &json!({"slug": "globex"}))
        .expect(201);
    let page = browser
        .get(&format!("{INSTANCE}?sort=packages&limit=1"))
        .expect(200);
    assert_eq!(page.all("td[data-label=Packages]"), ["1"]);
    let next = page.attributes("[rel=next]", "href").remove(0);
    let page = browser.get(&next).expect(200);
    assert_eq!(page.one("td[data-label=Organisation]"), "globex globex");
}

#[test]
fn everybody_with_an_account_is_found() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    drop(registry.member_browser("bob@example.com", "member"));
    let page = browser
        .get(&format!("{INSTANCE}/people?words=BOB"))
        .expect(200);
    assert!(page.one("td[data-label=Name]").contains("bob@example.com"));
    assert!(page.one("td[data-label=In]").ends_with("member"));
    let action = page.attributes("td.end form", "action").remove(0);
    let made = browser.submit_once(&page, &action, &[]).expect(200);
    assert!(made.one(".code").contains("/ui/reset#rptr_"));
    assert!(is_told(
        &registry,
        "password_reset.created by person Ada King"
    ));
    let nobody = format!("{INSTANCE}/people/nobody/reset");
    send(&browser, &nobody, &[]).expect(404);
    let page = browser
        .get(&format!("{INSTANCE}/people?words=zzz"))
        .expect(200);
    assert_eq!(page.one(".empty h2"), "Nobody fits");
    let page = browser
        .get(&format!("{INSTANCE}/people?limit=1"))
        .expect(200);
    let next = page.attributes("[rel=next]", "href").remove(0);
    assert!(
        browser
            .get(&next)
            .one("td[data-label=Name]")
            .contains("bob@")
    );
}

#[test]
fn health_says_what_is_wrong_and_what_to_do() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let path = format!("{INSTANCE}/health");
    let page = browser.get(&path).expect(200);
    assert_eq!(page.one("[role=status]"), "All is well.");
    assert!(
        !page
            .all("td[data-label=What]")
            .contains(&"Queue".to_owned())
    );
    let asked = browser.submit_once(&page, &path, &[]).expect(200);
    assert!(
        asked
            .all("td[data-label=What]")
            .contains(&"Queue".to_owned())
    );
    registry.run_jobs();
    registry.change("insert into housekeeping_rounds (id, ended_at) values (1, 1) on conflict (id) do update set ended_at = 1");
    let page = browser.get(&path).expect(200);
    assert_eq!(page.one("[role=status]"), "Something is not well.");
    assert!(page.one("td p").contains("consumer"));
}

#[test]
fn what_the_queue_gave_up_is_tried_again_or_dropped() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let path = format!("{INSTANCE}/dead-letters");
    let page = browser.get(&path).expect(200);
    assert_eq!(page.one(".empty h2"), "Nothing was given up");
    registry.change("insert into dead_letters (organisation_id, message, reason, received_at) values (1, '{\"a\":\"<b>\"}', 'why', 0)");
    registry.change("insert into dead_letters (organisation_id, message, reason, received_at) values (null, '{}', 'unreadable', 0)");
    let page = browser.get(&path).expect(200);
    assert_eq!(
        page.all("td[data-label=Organisation]"),
        ["nobody's", "acme"]
    );
    let page = browser
        .submit(&page, &format!("{path}/drop"), &[])
        .expect(200);
    assert_eq!(page.one("[role=status]"), "It is dropped");
    assert_eq!(page.all("td[data-label=Why]"), ["why"]);
    let page = browser
        .submit(&page, &format!("{path}/retry"), &[])
        .expect(200);
    assert_eq!(page.one("[role=status]"), "It is on its way again");
    registry.run_jobs();
    assert!(is_told(&registry, "dead_letter.removed by person Ada King"));
}

#[test]
fn a_token_of_the_owner_is_shown_once_and_ended() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let path = format!("{INSTANCE}/tokens");
    let page = browser.get(&path).expect(200);
    let wrong = browser
        .submit_once(&page, &path, &[("name", " ")])
        .expect(422);
    assert_eq!(wrong.all("#name-error").len(), 1);
    let made = browser
        .submit_once(&page, &path, &[("name", "monitor")])
        .expect(201);
    let secret = made.one(".secret");
    registry
        .with_token(&secret)
        .get("/api/v1/audit")
        .expect(200);
    let page = browser.get(&path).expect(200);
    assert!(!page.html.contains(&secret));
    for value in browser.cookies.borrow().values() {
        assert!(!value.contains(&secret));
    }
    let all = page.all("td.end .danger");
    let place = all
        .iter()
        .position(|text| text == "Revoke monitor")
        .unwrap();
    let asks = page.attributes("td.end .danger", "href").remove(place);
    let question = browser.get(&asks).expect(200);
    assert!(question.text().contains("“monitor” is refused everywhere"));
    browser.submit(&question, &asks, &[]).expect(200);
    registry
        .with_token(&secret)
        .get("/api/v1/audit")
        .expect(401);
}

#[test]
fn the_instance_has_a_log_of_its_own() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let page = browser
        .get(&format!("{INSTANCE}/audit?action=login"))
        .expect(200);
    assert!(
        page.all("td[data-label=What]")
            .contains(&"login.created".to_owned())
    );
    let file = page.attributes(".actions a", "href").remove(0);
    let file = browser.ask("GET", &file, &[], "").expect(200);
    assert!(file.html.contains("login.created") && !file.html.contains("package.created"));
    let page = browser.get(&format!("{INSTANCE}/settings")).expect(200);
    assert!(page.text().contains("https://packages.example.com"));
    assert!(!page.html.contains(crate::support::SETUP_SECRET));
}
