//! The pages of collections.

use serde_json::json;

use crate::support::TestRegistry;
use crate::support::browser::Browser;
use crate::support::shop::seen;

const LIST: &str = "/ui/acme/collections";

/// Deletes a collection that grants use: by who types its name, and means its grants too.
fn delete(browser: &Browser<'_>, own: &str) {
    let form = format!("{own}/delete");
    let ask = browser.get(&form).expect(200);
    let refused = browser
        .submit(&ask, &form, &[("confirm", "Pro")])
        .expect(422);
    assert_eq!(refused.one("#confirm-error"), "This is not its name");
    let refused = browser
        .submit(&ask, &form, &[("confirm", "Team")])
        .expect(422);
    assert!(refused.text().contains("Grants use it"));
    let mut fields = ask.fields(&form);
    fields.retain(|(name, _)| name == "csrf");
    fields.push(("confirm".to_owned(), "Team".to_owned()));
    fields.push(("grants".to_owned(), "yes".to_owned()));
    assert_eq!(
        browser.post(&form, &fields).location().as_deref(),
        Some(LIST)
    );
}

#[test]
fn a_collection_is_made_filled_granted_and_deleted() {
    let registry = TestRegistry::shop();
    let browser = registry.owner_browser();
    assert!(
        browser
            .get(LIST)
            .expect(200)
            .one(".empty h2")
            .contains("no collection")
    );
    let form = format!("{LIST}/new");
    let page = browser.get(&form).expect(200);
    let refused = browser.submit(
        &page,
        &form,
        &[
            ("name", "Pro"),
            ("packages", "acme/lib"),
            ("versions", "^^"),
        ],
    );
    assert!(refused.expect(422).one("#versions-error").contains("^2.0"));
    let values = [
        ("name", "Pro"),
        ("packages", "acme/lib"),
        ("versions", "^2.0"),
    ];
    let page = browser.submit(&page, &form, &values).expect(200);
    let own = page.path.clone();
    assert_eq!(page.heading(), "Pro");
    assert_eq!(page.all("td[data-label=Packages]"), ["acme/lib"]);
    let form = format!("{own}/items/new");
    let page = browser.get(&form).expect(200);
    let page = browser
        .submit(&page, &form, &[("packages", "acme/tool, other/secret")])
        .expect(200);
    assert_eq!(
        page.all("td[data-label=Packages]"),
        ["acme/lib", "acme/tool, other/secret"]
    );
    // Granted at the page of a customer.
    let buyer = registry.buyer(&json!({"name": "Globex"}));
    let form = format!("/ui/acme/customers/{}/grants/new", buyer.id);
    let ask = browser.get(&form).expect(200);
    let id = own.rsplit('/').next().unwrap();
    let granted = browser
        .submit(&ask, &form, &[("collection", id)])
        .expect(200);
    assert_eq!(granted.all("td[data-label=What]"), ["the collection Pro"]);
    let persona = registry.with_token(&buyer.token);
    assert_eq!(seen(&persona, "other/secret"), ["1.0.0"]);
    assert_eq!(seen(&persona, "acme/lib"), ["2.0.0", "2.0.0-beta1"]);
    let page = browser.get(&own).expect(200);
    assert_eq!(page.all(".rows a"), ["Globex customer"]);
    // An item is changed, and one is removed: by who saw it as it is.
    let form = format!("{own}/items/0");
    let ask = browser.get(&form).expect(200);
    browser
        .submit(&ask, &form, &[("versions", "^1.0")])
        .expect(200);
    registry.app.memo.forget_what_changes();
    assert_eq!(seen(&persona, "acme/lib"), ["1.1.0", "1.0.0"]);
    let stale = browser
        .submit(&ask, &form, &[("versions", "^3.0")])
        .expect(409);
    assert!(stale.text().contains("at the same time"));
    let stale = browser.submit(&page, &format!("{own}/items/0/remove"), &[]);
    assert!(
        stale
            .expect(200)
            .one("[role=status]")
            .contains("at the same time")
    );
    let page = browser.get(&own).expect(200);
    let page = browser
        .submit(&page, &format!("{own}/items/1/remove"), &[])
        .expect(200);
    assert_eq!(page.all("td[data-label=Packages]"), ["acme/lib"]);
    assert!(seen(&persona, "other/secret").is_empty());
    let form = format!("{own}/edit");
    let ask = browser.get(&form).expect(200);
    let page = browser
        .submit(
            &ask,
            &form,
            &[("name", "Team"), ("description", "For teams")],
        )
        .expect(200);
    assert_eq!(page.heading(), "Team");
    assert!(page.text().contains("For teams"));
    let lines = registry
        .world
        .sqlite
        .texts("select distinct actor_name from audit where action like 'collection.%'");
    assert_eq!(lines, ["Ada King"]);
    delete(&browser, &own);
    assert!(seen(&persona, "acme/lib").is_empty());
}

#[test]
fn many_collections_come_page_by_page() {
    let registry = TestRegistry::new();
    let browser = registry.owner_browser();
    for number in 0..55 {
        registry.make(
            "collections",
            &json!({"name": format!("K{number:02}"), "items": []}),
        );
    }
    let page = browser.get(LIST).expect(200);
    assert_eq!(page.all("tbody tr").len(), 50);
    let next = page.attributes("a[rel=next]", "href").remove(0);
    assert_eq!(browser.get(&next).expect(200).all("tbody tr").len(), 5);
}
