//! The pages of customers: what a vendor does there, and who may not.

use serde_json::json;

use crate::support::TestRegistry;
use crate::support::browser::{Browser, OWNER, PASSWORD, Page};
use crate::support::shop::{Buyer, after, seen};
use crate::support::world::Port;

const LIST: &str = "/ui/acme/customers";

fn names(page: &Page) -> Vec<String> {
    page.all("tbody td[data-label=Name] a")
}

fn own(buyer: &Buyer) -> String {
    format!("{LIST}/{}", buyer.id)
}

fn csrf(browser: &Browser<'_>) -> (String, String) {
    browser.get("/ui/account").fields("/ui/sign-out").remove(0)
}

/// The last line of the log of the organisation: who, and what.
fn last_line(registry: &TestRegistry) -> String {
    let lines = registry.world.sqlite.texts(
        "select actor_kind || ' ' || actor_name || ': ' || action || ' ' || subject_name from audit
         where organisation_id = 1 order by id desc limit 1",
    );
    lines.into_iter().next().unwrap_or_default()
}

#[test]
fn a_vendor_sells_from_the_first_page_to_the_first_install() {
    let registry = TestRegistry::shop();
    let browser = registry.owner_browser();
    let page = browser.get(LIST).expect(200);
    assert_eq!(page.one(".empty h2"), "There is no customer yet");
    let form = format!("{LIST}/new");
    let page = browser.get(&form).expect(200);
    let refused = browser.submit(&page, &form, &[("name", " "), ("email", "nobody")]);
    let refused = refused.expect(422);
    assert!(refused.one("#name-error").contains("1 to 200"));
    assert!(refused.one("#email-error").contains("jo@example.com"));
    assert_eq!(refused.attributes("#email", "value"), ["nobody"]);
    let values = [("name", "Globex"), ("email", "it@globex.example")];
    let page = browser.submit(&page, &form, &values).expect(200);
    assert_eq!(page.heading(), "Globex");
    assert_eq!(
        last_line(&registry),
        "person Ada King: customer.created Globex"
    );
    let globex = page.path.clone();

    let form = format!("{globex}/grants/new");
    let page = browser.get(&form).expect(200);
    let refused = browser.submit(&page, &form, &[("packages", "!"), ("versions", "^^")]);
    let refused = refused.expect(422);
    assert!(refused.one("#versions-error").contains("^2.0"));
    assert!(!refused.one("#packages-error").is_empty());
    let values = [("packages", "acme/*"), ("versions", "^1.0 || ^2.0")];
    let page = browser.submit(&page, &form, &values).expect(200);
    assert_eq!(page.path, globex);
    assert_eq!(page.all("td[data-label=What]"), ["acme/*"]);
    assert_eq!(page.all("td[data-label=Limits]"), ["in ^1.0 || ^2.0"]);
    assert!(last_line(&registry).starts_with("person Ada King: grant.created"));

    let form = format!("{globex}/tokens");
    let refused = browser.submit(&page, &form, &[("token_name", ""), ("networks", "x")]);
    let refused = refused.expect(422);
    assert!(refused.one("#networks-error").contains("192.0.2.0/24"));
    assert!(!refused.one("#token_name-error").is_empty());
    let made = browser
        .submit(&page, &form, &[("token_name", "CI")])
        .expect(200);
    let codes = made.all(".code");
    let token = codes[0].clone();
    assert!(token.starts_with("rptc_"), "{token}");
    assert!(codes[1].contains(&format!("http-basic.packages.example.com token {token}")));
    assert!(last_line(&registry).starts_with("person Ada King: token.created CI"));
    // It is shown this once, and nowhere else.
    let page = browser.get(&globex).expect(200);
    assert!(!page.html.contains(&token));
    assert!(!format!("{:?}", browser.cookies.borrow()).contains(&token));
    let persona = registry.with_token(&token);
    assert_eq!(
        seen(&persona, "acme/lib"),
        ["2.0.0", "2.0.0-beta1", "1.1.0", "1.0.0"]
    );
    assert!(seen(&persona, "other/secret").is_empty());
}

#[test]
fn what_is_granted_is_changed_and_taken_back() {
    let registry = TestRegistry::shop();
    let browser = registry.owner_browser();
    let buyer = registry.buyer_with(&json!({"released_until": after(1), "note": "kept"}));
    let page = browser.get(&own(&buyer)).expect(200);
    let change = page.attributes("td.end a", "href").remove(0);
    let form = browser.get(&change).expect(200);
    let page = browser
        .submit(&form, &change, &[("versions", "^1.0")])
        .expect(200);
    let limits = page.one("td[data-label=Limits]");
    assert!(
        limits.contains("in ^1.0") && limits.contains("released until"),
        "{limits}"
    );
    // A day that nobody touched is the same to the second.
    let grants = format!("/api/v1/orgs/acme/grants?customer={}", buyer.id);
    let told = registry.admin().get(&grants).expect(200).json();
    assert_eq!(told["grants"][0]["released_until"], json!(after(1)));
    assert_eq!(told["grants"][0]["note"], "kept");
    let refused = browser
        .submit(&form, &change, &[("expires_at", "soon")])
        .expect(422);
    assert!(refused.one("#expires_at-error").contains("2027-01-31"));
    // A link asks first, and a look at it takes nothing back.
    let removal = format!("{change}/remove");
    assert!(
        page.attributes("td.end a.danger", "href")
            .contains(&removal)
    );
    let asked = browser.get(&removal).expect(200);
    assert!(
        asked.text().contains("It is about: acme/*"),
        "{}",
        asked.text()
    );
    assert!(!seen(&registry.with_token(&buyer.token), "acme/lib").is_empty());
    let page = browser.submit(&asked, &removal, &[]).expect(200);
    assert!(page.text().contains("Taken back"));
    assert!(page.all("td[data-label=What]").is_empty());
    assert!(seen(&registry.with_token(&buyer.token), "acme/lib").is_empty());
    // A grant of somebody else is none of this one's.
    let other = registry.buyer_with(&json!({}));
    let grants = format!("/api/v1/orgs/acme/grants?customer={}", other.id);
    let told = registry.admin().get(&grants).expect(200).json();
    let id = told["grants"][0]["id"].as_str().unwrap();
    let strange = format!("{}/grants/{id}", own(&buyer));
    browser.ask("GET", &strange, &[], "").expect(404);
    let removal = format!("{strange}/remove");
    browser.ask("GET", &removal, &[], "").expect(404);
    browser.post(&removal, &[csrf(&browser)]).expect(404);
    assert_eq!(
        seen(&registry.with_token(&other.token), "acme/tool"),
        ["1.0.0"]
    );
}

#[test]
fn a_customer_is_suspended_with_a_reason_frozen_and_resumed() {
    let registry = TestRegistry::shop();
    let browser = registry.owner_browser();
    let buyer = registry.buyer_with(&json!({}));
    let (address, form) = (own(&buyer), format!("{}/state", own(&buyer)));
    let page = browser.get(&address).expect(200);
    let values = [("reason", "the invoice is open"), ("state", "suspended")];
    let page = browser.submit(&page, &form, &values).expect(200);
    assert!(
        page.text().contains("suspended the invoice is open"),
        "{}",
        page.text()
    );
    let root = registry
        .with_token(&buyer.token)
        .get("/r/acme/main/packages.json");
    assert!(root.json().to_string().contains("the invoice is open"));
    let page = browser
        .submit(&page, &form, &[("state", "active")])
        .expect(200);
    assert_eq!(page.all("#about ~ dl .badge"), ["active"]);
    let fields = vec![csrf(&browser), ("state".to_owned(), "frozen".to_owned())];
    browser.post(&form, &fields).expect(303);
    let page = browser.get(&address).expect(200);
    assert!(page.text().contains("sees nothing newer than"));
    let fields = vec![csrf(&browser), ("state".to_owned(), "odd".to_owned())];
    browser.post(&form, &fields).expect(303);
    let page = browser.get(&address).expect(200);
    assert!(page.one("[role=status]").contains("`state` must be"));
}

#[test]
fn tokens_are_replaced_and_revoked() {
    let registry = TestRegistry::shop();
    let browser = registry.owner_browser();
    let buyer = registry.buyer_with(&json!({}));
    let page = browser.get(&own(&buyer)).expect(200);
    let rotate = page.attributes("form[action$=rotate]", "action").remove(0);
    let made = browser.submit(&page, &rotate, &[]).expect(200);
    let token = made.all(".code").remove(0);
    assert!(made.text().contains("goes on for 24 hours"));
    for token in [&token, &buyer.token] {
        assert_eq!(seen(&registry.with_token(token), "acme/tool"), ["1.0.0"]);
    }
    let page = browser.get(&own(&buyer)).expect(200);
    assert_eq!(page.all("td[data-label=State]"), ["in force", "replaced"]);
    // However many there are, the list of tokens has them in pages.
    let all = page.attributes("a[href*='tokens?customer=']", "href");
    assert_eq!(all, [format!("/ui/acme/tokens?customer={}", buyer.id)]);
    let state = browser.get(&all[0]).expect(200).all("td[data-label=State]");
    assert_eq!(state.len(), 2);
    let revoke = page.attributes("a[href$=revoke]", "href").remove(0);
    let asked = browser.get(&revoke).expect(200);
    assert_eq!(asked.heading(), "Revoke this token?");
    assert_eq!(seen(&registry.with_token(&token), "acme/tool"), ["1.0.0"]);
    let page = browser.submit(&asked, &revoke, &[]).expect(200);
    assert!(page.text().contains("The token is revoked"));
    registry
        .with_token(&token)
        .get("/r/acme/main/packages.json")
        .expect(401);
    // A token of somebody else is none of this one's.
    let other = registry.buyer_with(&json!({}));
    let id = registry.world.sqlite.texts("select id from tokens where revoked_at is null and customer_id is not null order by created_at desc, rowid desc limit 1");
    let strange = format!("{}/tokens/{}", own(&buyer), id[0]);
    let rotate = format!("{strange}/rotate");
    browser.post(&rotate, &[csrf(&browser)]).expect(404);
    let revoke = format!("{strange}/revoke");
    browser.ask("GET", &revoke, &[], "").expect(404);
    assert_eq!(
        seen(&registry.with_token(&other.token), "acme/tool"),
        ["1.0.0"]
    );
}

#[test]
fn what_is_told_of_access_is_what_composer_is_given() {
    let registry = TestRegistry::shop();
    let browser = registry.owner_browser();
    let buyer =
        registry.buyer_with(&json!({"versions": "^1.0 || ^2.0", "minimum_stability": "stable"}));
    let page = browser.get(&format!("{}/access", own(&buyer))).expect(200);
    let words = page.text();
    assert_eq!(
        page.all("h2"),
        [
            "acme/lib in main sees some versions",
            "acme/tool in main sees all versions",
            "other/secret in main sees nothing"
        ]
    );
    assert!(words.contains("Does not see 3.0.0 because"), "{words}");
    assert!(
        words.contains("granted: acme/*, in ^1.0 || ^2.0, stable or more stable"),
        "{words}"
    );
    assert!(
        words.contains("No grant in force names this package"),
        "{words}"
    );
    // What it says is seen is what Composer gets.
    let facts = page.all(".card:first-of-type dl div");
    let told: Vec<String> = facts
        .iter()
        .filter_map(|fact| fact.strip_prefix("Sees ")?.split_once(" because"))
        .flat_map(|(names, _)| names.split(", ").map(str::to_owned).collect::<Vec<_>>())
        .collect();
    assert_eq!(told, seen(&registry.with_token(&buyer.token), "acme/lib"));
    let page = browser
        .get(&format!("{}/access?package=ACME/tool", own(&buyer)))
        .expect(200);
    assert_eq!(page.all("h2"), ["acme/tool in main sees all versions"]);
    let page = browser
        .get(&format!("{}/access?package=no/such", own(&buyer)))
        .expect(200);
    assert_eq!(page.one(".empty h2"), "There is no such package");
    registry.alter(
        &format!("customers/{}", buyer.id),
        &json!({"state": "suspended", "reason": "unpaid"}),
    );
    let page = browser.get(&format!("{}/access", own(&buyer))).expect(200);
    assert!(page.one(".notice").contains("suspended: unpaid"));
    browser
        .ask("GET", &format!("{LIST}/nobody/access"), &[], "")
        .expect(404);
}

#[test]
fn customers_are_searched_filtered_and_cut_into_pages() {
    let registry = TestRegistry::shop();
    let browser = registry.owner_browser();
    for number in 0..60 {
        let body =
            json!({"name": format!("Buyer {number:02}"), "external_id": format!("x{number}")});
        registry.make("customers", &body);
    }
    let buyer = registry.buyer_with(&json!({"versions": "^2.0"}));
    registry.make("customers", &json!({"name": "Late", "state": "suspended"}));
    let page = browser.get(LIST).expect(200);
    assert_eq!(names(&page).len(), 50);
    let next = page.attributes("a[rel=next]", "href").remove(0);
    let page = browser.get(&next).expect(200);
    assert_eq!(names(&page).len(), 12);
    assert_eq!(page.attributes("a[rel=first]", "href"), [LIST]);
    let page = browser.get(&format!("{LIST}?state=suspended")).expect(200);
    assert_eq!(names(&page), ["Late"]);
    let page = browser.get(&format!("{LIST}?search=X59")).expect(200);
    assert_eq!(names(&page), ["Buyer 59"]);
    let page = browser.get(&format!("{LIST}?search=%3Cb%3E")).expect(200);
    assert_eq!(page.one(".empty h2"), "No customer fits");
    assert_eq!(page.attributes("#search", "value"), ["<b>"]);
    let page = browser.get(&format!("{LIST}?search=buyer")).expect(200);
    assert!(page.text().contains("acme/*, in ^2.0"), "{}", page.text());
    // What was installed is counted.
    let body = json!({"downloads": [{"name": "acme/lib", "version": "2.0.0.0"}]});
    registry
        .with_token(&buyer.token)
        .post("/r/acme/main/downloads", &body);
    registry.run_jobs();
    registry.pass_time(1);
    let page = browser.get(&own(&buyer)).expect(200);
    assert!(page.text().contains("Installs ever 1"), "{}", page.text());
    assert_eq!(page.all("figure svg").len(), 1);
    assert!(page.all("details table tbody tr").len() == 30);
    let page = browser.get(&format!("{LIST}?search=buyer")).expect(200);
    assert!(page.all("td.number").contains(&"1".to_owned()));
}

#[test]
fn pages_of_a_customer_take_three_batches_and_write_nothing() {
    let registry = TestRegistry::shop();
    let browser = registry.owner_browser();
    let collection = registry.make(
        "collections",
        &json!({"name": "Pro", "items": [{"packages": ["acme/*"]}]}),
    );
    let buyer = registry.buyer_with(&json!({}));
    let grant = registry.grant(&buyer, &json!({"collection": collection}));
    let before = registry.world.sqlite.changes();
    for path in [
        LIST.to_owned(),
        own(&buyer),
        format!("{}/edit", own(&buyer)),
        format!("{}/access", own(&buyer)),
        format!("{}/grants/new", own(&buyer)),
        format!("{}/delete", own(&buyer)),
        "/ui/acme/collections".to_owned(),
        format!("/ui/acme/collections/{collection}"),
        format!("/ui/acme/collections/{collection}/edit"),
        format!("/ui/acme/collections/{collection}/items/new"),
        format!("/ui/acme/collections/{collection}/items/0"),
        format!("/ui/acme/collections/{collection}/delete"),
        format!("{}/grants/{grant}", own(&buyer)),
        format!("{}/grants/{grant}/remove", own(&buyer)),
    ] {
        registry.world.forget_calls();
        browser.ask("GET", &path, &[], "").expect(200);
        let batches = registry.world.calls(Port::Db);
        assert!(batches <= 3, "{path}: {batches}");
    }
    assert_eq!(registry.world.sqlite.changes(), before);
}

#[test]
fn who_may_not_manage_customers_is_refused_and_who_looks_changes_nothing() {
    let registry = TestRegistry::shop();
    drop(registry.owner_browser());
    let buyer = registry.buyer_with(&json!({}));
    let member = registry.member_browser("bob@example.com", "member");
    let auditor = registry.member_browser("eve@example.com", "auditor");
    let collection = registry.make("collections", &json!({"name": "Pro", "items": []}));
    let collection = format!("/ui/acme/collections/{collection}");
    for path in [
        LIST,
        &own(&buyer),
        &format!("{}/access", own(&buyer)),
        "/ui/acme/collections",
        &collection,
    ] {
        let page = member.ask("GET", path, &[], "").expect(403);
        assert_eq!(page.heading(), "You may not do that");
        let page = auditor.ask("GET", path, &[], "").expect(200);
        assert!(page.all("main form[method=post]").is_empty(), "{path}");
    }
    let before = registry
        .world
        .sqlite
        .texts("select name || state from customers");
    for below in ["edit", "state", "grants/new", "tokens", "delete"] {
        let path = format!("{}/{below}", own(&buyer));
        for browser in [&member, &auditor] {
            let fields = [
                csrf(browser),
                ("name".to_owned(), "x".to_owned()),
                ("token_name".to_owned(), "x".to_owned()),
                ("state".to_owned(), "suspended".to_owned()),
                ("packages".to_owned(), "a/*".to_owned()),
            ];
            let page = browser.post(&path, &fields);
            assert_eq!(page.status(), 403, "{path}: {}", page.text());
        }
    }
    for browser in [&member, &auditor] {
        for path in [
            format!("{LIST}/new"),
            "/ui/acme/collections/new".to_owned(),
            format!("{collection}/items/new"),
            format!("{collection}/delete"),
        ] {
            browser.ask("GET", &path, &[], "").expect(403);
            browser.post(&path, &[csrf(browser)]).expect(403);
        }
    }
    assert_eq!(
        registry
            .world
            .sqlite
            .texts("select name || state from customers"),
        before
    );
    // Of another organisation there is nothing.
    registry
        .admin()
        .post("/api/v1/orgs", &json!({"slug": "globex"}))
        .expect(201);
    let owner = registry.sign_in(OWNER, PASSWORD).0;
    owner
        .ask(
            "GET",
            &format!("/ui/globex/customers/{}", buyer.id),
            &[],
            "",
        )
        .expect(404);
}

#[test]
fn a_customer_is_deleted_by_who_types_its_name() {
    let registry = TestRegistry::shop();
    let browser = registry.owner_browser();
    let buyer = registry.buyer(&json!({"name": "Globex"}));
    let form = format!("{}/delete", own(&buyer));
    let page = browser.get(&form).expect(200);
    let refused = browser
        .submit(&page, &form, &[("confirm", "globex")])
        .expect(422);
    assert_eq!(refused.one("#confirm-error"), "This is not its name");
    let page = browser
        .submit(&page, &form, &[("confirm", "Globex")])
        .expect(200);
    assert_eq!(
        (page.path.as_str(), page.one("[role=status]").as_str()),
        (LIST, "Globex is deleted")
    );
    assert_eq!(
        last_line(&registry),
        "person Ada King: customer.deleted Globex"
    );
    registry
        .with_token(&buyer.token)
        .get("/r/acme/main/packages.json")
        .expect(401);
}

#[test]
fn hostile_names_are_words() {
    let registry = TestRegistry::shop();
    let browser = registry.owner_browser();
    let evil = "\"><script>alert(1)</script>";
    let values = json!({"name": evil, "notes": evil, "external_id": evil});
    let buyer = registry.buyer(&values);
    registry.grant(&buyer, &json!({"note": evil}));
    let collection = registry.make(
        "collections",
        &json!({"name": evil, "description": evil, "items": []}),
    );
    registry.grant(&buyer, &json!({"collection": collection}));
    for path in [
        LIST.to_owned(),
        own(&buyer),
        format!("{}/access", own(&buyer)),
        format!("{}/edit", own(&buyer)),
        "/ui/acme/collections".to_owned(),
        format!("/ui/acme/collections/{collection}"),
        format!("{}/grants/new", own(&buyer)),
    ] {
        let page = browser.get(&path).expect(200);
        assert!(!page.html.contains("<script>alert"), "{path}");
        let scripts = page.all("script").len();
        assert_eq!(page.attributes("script", "src").len(), scripts, "{path}");
    }
}
