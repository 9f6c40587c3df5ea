//! Deliveries of webhooks by a browser: what came, whether it was verified, and running it once more.

use crate::support::{PACKAGE, PROJECT, TestRegistry};

const LIST: &str = "/ui/acme/hooks";

#[test]
fn a_delivery_tells_its_verdict_and_is_replayed() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let page = browser.get(LIST).expect(200);
    assert_eq!(page.one(".empty h2"), "No webhook came yet");
    registry
        .tell_of_push(41, PROJECT, "guid-1")
        .remove(0)
        .expect(202);
    registry.run_jobs();
    let connection = registry
        .world
        .sqlite
        .texts("select id from connections")
        .remove(0);
    let headers = [
        ("x-github-delivery", "forged".to_owned()),
        ("x-hub-signature-256", "sha256=0123456789".to_owned()),
    ];
    registry
        .anonymous()
        .send(
            "POST",
            &format!("/hooks/{connection}"),
            &headers,
            b"{}".to_vec(),
        )
        .expect(401);
    let page = browser.get(LIST).expect(200);
    let verdicts = page.all("td[data-label=Verdict]");
    assert!(
        verdicts[0].starts_with("refused") && verdicts[1].starts_with("verified"),
        "{verdicts:?}"
    );
    let about = page.all("td[data-label=About]");
    assert_eq!(about, ["", "acme/lib-source done"]);

    // What was refused has a reason, no button, and nothing of what it showed.
    let hrefs = page.attributes("td[data-label=Received] a", "href");
    let refused = browser.get(&hrefs[0]).expect(200);
    assert!(refused.text().contains("not signed with the secret"));
    assert!(!refused.html.contains("0123456789") && !refused.html.contains("/replay"));
    let only = browser.get(&format!("{LIST}?verdict=refused")).expect(200);
    assert_eq!(only.all("td[data-label=Verdict]").len(), 1);
    let none = browser.get(&format!("{LIST}?verdict=ignored")).expect(200);
    assert_eq!(none.one(".empty h2"), "No delivery fits");
    browser.get(&format!("{LIST}/999")).expect(404);

    registry.push_tag("v1.2.0");
    registry.pass_time(60);
    let page = browser.get(&hrefs[1]).expect(200);
    assert!(page.text().contains("guid-1"));
    let page = browser
        .submit(&page, &format!("{}/replay", hrefs[1]), &[])
        .expect(200);
    assert_eq!(page.one(".notice"), "What it was about is looked at again");
    assert!(page.text().contains("queued"));
    registry.run_jobs();
    assert_eq!(registry.versions(PACKAGE)[0], "v1.2.0");
    let actors = registry
        .world
        .sqlite
        .texts("select distinct actor_name from audit where request like '%/replay'");
    assert_eq!(actors, ["Ada King"]);
    registry.assert_settled();
}
