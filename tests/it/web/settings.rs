//! The settings of an organisation.

use serde_json::json;

use crate::support::TestRegistry;
use crate::support::browser::{OWNER, PASSWORD};

const SETTINGS: &str = "/ui/acme/settings";

fn actors(registry: &TestRegistry) -> Vec<String> {
    registry.world.sqlite.texts(
        "select distinct actor_name from audit where organisation_id = 1 and request like '% /api/v1/orgs/acme%'
           and actor_kind = 'person'",
    )
}

#[test]
fn an_owner_names_the_organisation_and_whom_to_ask() {
    let registry = TestRegistry::new();
    let browser = registry.owner_browser();
    let page = browser.get(SETTINGS).expect(200);
    assert_eq!(
        page.all(".tabs a"),
        [
            "General",
            "Repositories",
            "Hosts",
            "Sign-in",
            "Usage",
            "Deletion"
        ]
    );
    assert_eq!(page.all(".tabs [aria-current]"), ["General"]);
    let refused = browser
        .submit(&page, SETTINGS, &[("name", ""), ("contact", "x")])
        .expect(422);
    assert!(refused.one("#name-error").contains("1 to 200"));
    assert_eq!(refused.attributes("#contact", "value"), ["x"]);
    let values = [("name", "Acme <b>"), ("contact", "Ask Ada")];
    let page = browser.submit(&page, SETTINGS, &values).expect(200);
    assert_eq!(page.one("[role=status]"), "Saved");
    assert_eq!(page.attributes("#name", "value"), ["Acme <b>"]);
    assert_eq!(actors(&registry), ["Ada King"]);
}

#[test]
fn quotas_are_shown_to_owners_and_set_by_the_owner_of_the_instance() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let form = format!("{SETTINGS}/usage");
    let page = browser.get(&form).expect(200);
    assert!(
        page.all(".tile")
            .iter()
            .any(|tile| tile.starts_with("Packages 1 without a limit")),
        "{:?}",
        page.all(".tile")
    );
    let refused = browser
        .submit(&page, &form, &[("packages", "many")])
        .expect(422);
    assert!(refused.one("#packages-error").contains("whole number"));
    let refused = browser
        .submit(&page, &form, &[("packages", "-1")])
        .expect(422);
    assert!(refused.one("#packages-error").contains("from 0"));
    let page = browser
        .submit(&page, &form, &[("packages", "1"), ("storage", "1000000")])
        .expect(200);
    let tiles = page.all(".tile").join("\n");
    assert!(
        tiles.contains("Packages 1 of 1") && tiles.contains("used up"),
        "{tiles}"
    );
    let owner = registry.member_browser("bob@example.com", "owner");
    let page = owner.get(&form).expect(200);
    assert!(page.all("main form").is_empty());
    let csrf = owner.get("/ui/account").fields("/ui/sign-out").remove(0);
    owner.post(&form, &[csrf]).expect(403);
}

#[test]
fn a_repository_is_made_changed_and_deleted() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let list = format!("{SETTINGS}/repositories");
    let form = format!("{list}/new");
    let page = browser.get(&form).expect(200);
    let refused = browser
        .submit(&page, &form, &[("slug", "Not This")])
        .expect(422);
    assert!(!refused.one("#slug-error").is_empty());
    let taken = browser
        .submit(&page, &form, &[("slug", "main")])
        .expect(422);
    assert!(taken.text().contains("is taken"));
    let page = browser
        .submit(
            &page,
            &form,
            &[("slug", "shop"), ("description", "For all")],
        )
        .expect(200);
    let own = format!("{list}/shop");
    assert_eq!(page.path, own);
    assert!(page.one("main .code").contains("/r/acme/shop"));
    let wrong = browser
        .submit(&page, &own, &[("mirrors", "here")])
        .expect(422);
    assert!(wrong.one("#mirrors-error").contains("is no mirror"));
    let values = [
        ("landing", "# Hi"),
        ("duplicates", "ignore"),
        ("composer_1", "off"),
        (
            "mirrors",
            "dist https://m.example/%package%/%reference%.zip preferred",
        ),
        ("text-0", "We move <soon>"),
        ("level-0", "warning"),
    ];
    let page = browser.submit(&page, &own, &values).expect(200);
    assert!(
        page.one("[role=status]")
            .contains("in force within ten seconds")
    );
    assert_eq!(
        page.attributes("[name=text-0]", "value"),
        ["We move <soon>"]
    );
    assert_eq!(page.attributes("[name=text-1]", "value"), [""]);
    let told = registry
        .admin()
        .get("/api/v1/orgs/acme/repositories/shop")
        .expect(200)
        .json();
    assert_eq!(
        told["messages"],
        json!([{"level": "warning", "text": "We move <soon>", "versions": "*"}])
    );
    assert_eq!(
        (&told["duplicates"], &told["composer_1"], &told["landing"]),
        (&json!("ignore"), &json!("off"), &json!("# Hi"))
    );
    assert_eq!(told["mirrors"][0]["preferred"], true);
    let wrong = browser
        .submit(&page, &own, &[("mirrors", "dist ftp://x")])
        .expect(422);
    assert!(wrong.html.contains("role=\"alert\""));
    let mut fields = page.fields(&own);
    fields.push(("public".to_owned(), "yes".to_owned()));
    browser.post(&own, &fields).expect(303);
    let page = browser.get(&list).expect(200);
    assert_eq!(page.all("td .badge"), ["who has a token", "everybody"]);
    let page = browser.get("/ui/acme/repositories/shop").expect(200);
    assert!(page.text().contains("There is no package yet"));
    let form = format!("{own}/delete");
    let page = browser.get(&form).expect(200);
    let refused = browser
        .submit(&page, &form, &[("confirm", "main")])
        .expect(422);
    assert_eq!(refused.one("#confirm-error"), "This is not its name");
    let page = browser
        .submit(&page, &form, &[("confirm", "shop")])
        .expect(200);
    assert_eq!(page.one("[role=status]"), "shop is deleted");
    registry.run_jobs();
    browser.ask("GET", &own, &[], "").expect(404);
    assert_eq!(actors(&registry), ["Ada King"]);
}

#[test]
fn a_host_is_claimed_proven_and_given_up() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let list = format!("{SETTINGS}/hosts");
    let page = browser.get(&list).expect(200);
    assert!(page.one(".empty h2").contains("no host"));
    let refused = browser
        .submit(&page, &list, &[("host", "not a host")])
        .expect(422);
    assert!(!refused.one("#host-error").is_empty());
    let values = [("host", "packages.acme.example"), ("repository", "main")];
    let page = browser.submit(&page, &list, &values).expect(200);
    let own = format!("{list}/packages%2Eacme%2Eexample");
    let record = page.all(".card .code").remove(0);
    let words: Vec<_> = record.split(' ').collect();
    assert_eq!(words[0], "TXT");
    let page = browser
        .submit(&page, &format!("{own}/verify"), &[])
        .expect(200);
    assert!(!page.all(".notice.bad").is_empty());
    registry.world.dns.borrow_mut().set(words[1], &[words[2]]);
    registry.pass_time(60);
    let page = browser
        .submit(&page, &format!("{own}/verify"), &[])
        .expect(200);
    assert!(
        page.one("[role=status]").contains("answers from now on"),
        "{}",
        page.text()
    );
    let change = format!("{own}/change");
    let page = browser
        .submit(&page, &change, &[("primary", "yes")])
        .expect(200);
    assert!(page.text().contains("in documents"));
    let remove = format!("{own}/remove");
    assert_eq!(
        page.attributes(".buttons a.danger", "href"),
        [remove.as_str()]
    );
    let asked = browser.get(&remove).expect(200);
    assert_eq!(asked.heading(), "Give packages.acme.example up?");
    let refused = browser.submit(&asked, &remove, &[]).expect(200);
    assert!(refused.one("[role=status]").contains("Documents carry"));
    let page = browser
        .submit(&page, &change, &[("primary", "no")])
        .expect(200);
    assert_eq!(page.all(".card h2")[0], "packages.acme.example verified");
    let page = browser.submit(&asked, &remove, &[]).expect(200);
    assert!(page.one("[role=status]").contains("is given up"));
    browser.ask("GET", &remove, &[], "").expect(404);
    registry.run_jobs();
    assert_eq!(actors(&registry), ["Ada King"]);
}

#[test]
fn an_organisation_is_suspended_then_deleted_by_who_types_its_name() {
    let registry = TestRegistry::new();
    let browser = registry.owner_browser();
    let made = json!({"slug": "globex", "name": "Globex"});
    registry.admin().post("/api/v1/orgs", &made).expect(201);
    let form = "/ui/globex/settings/deletion";
    let page = browser.get(form).expect(200);
    assert!(
        page.all(&format!("form[action='{form}']")).is_empty(),
        "it is suspended first"
    );
    let suspension = "/ui/globex/settings/suspension";
    let page = browser
        .submit(&page, suspension, &[("reason", "moved")])
        .expect(200);
    assert!(page.text().contains("Globex is suspended: moved."));
    let refused = browser
        .submit(&page, form, &[("confirm", "Globex")])
        .expect(422);
    assert_eq!(refused.one("#confirm-error"), "This is not its name");
    let page = browser
        .submit(&page, form, &[("confirm", "globex")])
        .expect(200);
    assert!(page.text().contains("being deleted"), "{}", page.text());
    registry.run_jobs();
    browser.ask("GET", "/ui/globex", &[], "").expect(404);
    // An owner of the organisation alone only reads of it.
    let owner = registry.member_browser("bob@example.com", "owner");
    let page = owner.get("/ui/acme/settings/deletion").expect(200);
    assert!(
        page.one(".empty h2")
            .contains("Only the owner of this instance")
    );
    let csrf = owner.get("/ui/account").fields("/ui/sign-out").remove(0);
    for path in ["/ui/acme/settings/deletion", "/ui/acme/settings/suspension"] {
        let fields = [
            csrf.clone(),
            ("confirm".to_owned(), "acme".to_owned()),
            ("state".to_owned(), "suspended".to_owned()),
        ];
        owner.post(path, &fields).expect(403);
    }
}

#[test]
fn settings_are_for_who_may() {
    let registry = TestRegistry::imported();
    drop(registry.owner_browser());
    let paths = [
        "",
        "/usage",
        "/hosts",
        "/repositories",
        "/repositories/main",
        "/deletion",
    ];
    let member = registry.member_browser("bob@example.com", "member");
    let auditor = registry.member_browser("eve@example.com", "auditor");
    let admin = registry.member_browser("joe@example.com", "admin");
    for below in paths {
        let path = format!("{SETTINGS}{below}");
        let page = member.ask("GET", &path, &[], "").expect(403);
        assert_eq!(page.heading(), "You may not do that");
        auditor.ask("GET", &path, &[], "").expect(200);
    }
    for browser in [&auditor, &admin] {
        let csrf = browser.get("/ui/account").fields("/ui/sign-out").remove(0);
        for below in [
            "",
            "/usage",
            "/hosts",
            "/repositories/main/delete",
            "/hosts/a.example/remove",
        ] {
            let page = browser.post(&format!("{SETTINGS}{below}"), std::slice::from_ref(&csrf));
            assert_eq!(page.status(), 403, "{below}: {}", page.text());
        }
        for asking in ["/hosts/a.example/remove", "/repositories/main/delete"] {
            let path = format!("{SETTINGS}{asking}");
            browser.ask("GET", &path, &[], "").expect(403);
        }
    }
    let owner = registry.sign_in(OWNER, PASSWORD).0;
    assert!(
        owner
            .get("/ui/acme")
            .attributes(".nav a", "href")
            .contains(&SETTINGS.to_owned())
    );
}
