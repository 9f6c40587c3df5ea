//! Jobs by a browser: what is under way, what failed, and what is done about it.

use serde_json::{Value, json};

use crate::support::browser::{Browser, Page};
use crate::support::{PACKAGE, PROJECT, TestRegistry};

const LIST: &str = "/ui/acme/jobs";

fn about(page: &Page) -> Vec<String> {
    page.all("td[data-label=About] a")
}

fn ask(browser: &Browser<'_>, path: &str) -> Value {
    let page = browser.ask("GET", path, &[], "").expect(200);
    serde_json::from_str(&page.html).unwrap()
}

#[test]
fn a_job_is_followed_cancelled_and_run_again() {
    let registry = TestRegistry::new();
    let browser = registry.owner_browser();
    let page = browser.get(LIST).expect(200);
    assert_eq!(page.one(".empty h2"), "There was no job yet");
    registry.make_project();
    let (_, _, job) = registry.import(PROJECT);
    let here = format!("{LIST}/{job}");
    let page = browser.get(&here).expect(200);
    assert_eq!(page.heading(), PACKAGE);
    assert!(page.html.contains("<noscript>") && page.html.contains("Refresh"));
    let live = page.attributes("[data-live]", "data-live").remove(0);
    assert_eq!(live, format!("{here}/live"));
    assert!(
        page.attributes("script", "src")
            .iter()
            .any(|src| src.contains("/live."))
    );
    let told = ask(&browser, &live);
    assert_eq!(
        (&told["words"], &told["is_over"]),
        (&json!("queued: no refs yet"), &json!(false))
    );
    // The form in it is as good as the page's.
    assert!(told["html"].as_str().unwrap().contains("name=\"csrf\""));

    let page = browser
        .submit(&page, &format!("{here}/cancel"), &[])
        .expect(200);
    assert!(page.text().contains("cancelled by hand"));
    assert_eq!(ask(&browser, &live)["is_over"], true);
    registry.run_jobs();
    let page = browser
        .submit(&page, &format!("{here}/retry"), &[])
        .expect(200);
    assert_eq!(page.one(".notice.good"), "The job runs again");
    registry.run_jobs();
    let told = ask(&browser, &live);
    assert_eq!(told["words"], "done: 3 of 3 refs, 3 imported");
    let page = browser.get(&here).expect(200);
    assert_eq!(
        page.all("td[data-label=Outcome]"),
        ["dev-main", "v1.0.0", "v1.1.0"]
    );
    assert!(page.all("[data-live], main form[method=post]").is_empty());
    let page = browser.get(&format!("{here}?show=failed")).expect(200);
    assert!(page.text().contains("No ref is in that state"));
    let page = browser
        .get(&format!("{here}?limit=2&show=imported"))
        .expect(200);
    assert_eq!(page.all("td[data-label=Ref]").len(), 2);
    let next = page.attributes("a[rel=next]", "href").remove(0);
    assert_eq!(
        browser
            .get(&next)
            .expect(200)
            .all("td[data-label=Ref]")
            .len(),
        1
    );
    browser.get(&format!("{LIST}/nothing")).expect(404);
    browser.get(&format!("{LIST}/nothing/live")).expect(404);
    let actors = registry
        .world
        .sqlite
        .texts("select distinct actor_name from audit where request like '%/cancel' or request like '%/retry'");
    assert_eq!(actors, ["Ada King"]);
    registry.assert_settled();
}

#[test]
fn jobs_are_filtered_and_cut_into_pages() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    for _ in 0..3 {
        registry.sync(PACKAGE);
    }
    let count = |query: &str| about(&browser.get(&format!("{LIST}{query}")).expect(200)).len();
    let all = count("");
    assert!(all >= 4, "{all}");
    assert_eq!(count("?state=done"), all);
    assert_eq!(count("?state=failed"), 0);
    assert_eq!(count("?kind=discover"), 0);
    assert_eq!(count("?kind=sync&about=LIB"), all);
    assert_eq!(count("?about=other"), 0);
    let page = browser
        .get(&format!("{LIST}?limit=3&state=done"))
        .expect(200);
    let next = page.attributes("a[rel=next]", "href").remove(0);
    assert!(next.contains("state=done"), "{next}");
    assert_eq!(about(&page).len(), 3);

    // What failed and was not done since needs a person; what was, does not.
    let newest = "select id from jobs order by created_at desc, id limit 1";
    let newest = registry.world.sqlite.texts(newest).remove(0);
    let oldest = "select id from jobs order by created_at, id limit 1";
    let oldest = registry.world.sqlite.texts(oldest).remove(0);
    assert_ne!(newest, oldest);
    registry.change("update jobs set state = 'failed' where id in (select id from jobs order by created_at limit 1)");
    assert_eq!(count("?state=failed"), 1);
    assert_eq!(count("?state=needs-a-person"), 0);
    registry.change(
        "update jobs set state = 'failed', message = 'it is broken'
         where id in (select id from jobs order by created_at desc, id limit 1)",
    );
    let page = browser
        .get(&format!("{LIST}?state=needs-a-person"))
        .expect(200);
    assert_eq!(about(&page), [PACKAGE]);
    assert!(page.text().contains("it is broken"));
    registry.change("update git_repos set withheld_at = 1, withheld_reason = 'it is gone'");
    let page = browser.get(LIST).expect(200);
    assert!(page.one(".notice").contains("it is gone"));
    registry.change("update git_repos set withheld_at = null, withheld_reason = null");
    registry.change("update jobs set state = 'done'");
}

#[test]
fn dead_letters_say_why_and_are_retried_or_dropped() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let here = format!("{LIST}/dead-letters");
    let page = browser.get(&here).expect(200);
    assert_eq!(page.one(".empty h2"), "No message was given up");
    for _ in 0..2 {
        registry.change(
            "insert into dead_letters (organisation_id, message, reason, received_at)
             values (1, '{\"kind\":\"<b>probe\"}', 'it failed <i>again', 0)",
        );
    }
    assert!(browser.get(LIST).one(".tabs .badge") == "2");
    let page = browser.get(&here).expect(200);
    assert_eq!(page.all("td[data-label=Why]"), ["it failed <i>again"; 2]);
    let actions = page.attributes("main form", "action");
    assert_eq!(actions.len(), 4);
    let page = browser.submit(&page, &actions[1], &[]).expect(200);
    assert_eq!(page.one(".notice"), "The message is dropped");
    let page = browser.submit(&page, &actions[2], &[]).expect(200);
    assert_eq!(page.one(".notice"), "The message is in the queue again");
    assert_eq!(page.one(".empty h2"), "No message was given up");
    // What was dropped is there no more.
    let token = browser.get("/ui/account").fields("/ui/sign-out").remove(0);
    browser.post(&actions[1], &[token]).expect(404);
    registry.run_jobs();
}
