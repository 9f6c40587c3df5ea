//! The first hour: five steps, each done by itself once it happened.

use pollster::block_on;
use repertoire::http::finish;
use serde_json::{Value, json};

use crate::support::browser::{Browser, OWNER, PASSWORD, Page};
use crate::support::{PROJECT, SETUP_SECRET, TestRegistry};

const START: &str = "/ui/acme/start";

fn done(page: &Page) -> Vec<String> {
    page.attributes(".steps > li.done", "data-mark")
}

fn live(browser: &Browser<'_>) -> Value {
    let page = browser
        .ask("GET", &format!("{START}/live"), &[], "")
        .expect(200);
    serde_json::from_str(&page.html).unwrap()
}

#[test]
fn the_first_start_leads_to_the_first_steps() {
    let registry = TestRegistry::bare();
    let browser = registry.browser();
    let page = browser.get("/ui/first-start").expect(200);
    let values = [
        ("secret", SETUP_SECRET),
        ("email", OWNER),
        ("name", "Ada King"),
        ("password", PASSWORD),
        ("organisation", "acme"),
        ("repository", "packages"),
    ];
    let page = browser
        .submit(&page, "/ui/first-start", &values)
        .expect(200);
    assert_eq!(page.path, START);
    assert_eq!(page.heading(), "First steps");
    assert_eq!((page.all(".steps > li").len(), done(&page).len()), (5, 0));
    assert!(
        page.one("[aria-current=step]")
            .starts_with("Connect your git host")
    );
    assert_eq!(
        page.attributes(".steps .main-action", "href"),
        ["/ui/acme/connections/new"]
    );
    // The address is the registry's own, and the token's place is marked.
    let commands = page.all(".steps .code").join("\n");
    for part in [
        "composer config repositories.packages composer https://packages.example.com/r/acme/packages",
        "composer config --auth http-basic.packages.example.com token YOUR-TOKEN",
        "composer require VENDOR/NAME",
        "COMPOSER_AUTH",
        "secrets.REPERTOIRE_TOKEN",
        "$REPERTOIRE_TOKEN",
        "--mount=type=secret,id=composer_auth",
    ] {
        assert!(commands.contains(part), "{part}");
    }
    let tabs = page.all(".steps details summary");
    assert_eq!(
        tabs,
        [
            "composer.json and auth.json by hand",
            "GitHub Actions",
            "GitLab CI",
            "Docker"
        ]
    );
    // An organisation that was set up before is led to as well.
    let registry = TestRegistry::new();
    let browser = registry.owner_browser();
    assert_eq!(browser.get(START).expect(200).heading(), "First steps");
}

#[test]
fn steps_are_done_by_themselves_as_they_happen() {
    let registry = TestRegistry::new();
    let browser = registry.owner_browser();
    let page = browser.get(START).expect(200);
    assert!(page.html.contains("<noscript>"));
    assert_eq!(
        page.attributes("[data-live]", "data-live"),
        [format!("{START}/live")]
    );
    assert_eq!(
        live(&browser)["words"],
        "0 of 5 steps are done. Next: Connect your git host"
    );
    registry.make_project();
    let (connection, _, _) = registry.import(PROJECT);
    registry.run_jobs();
    let page = browser.get(START).expect(200);
    assert_eq!(done(&page), ["host", "package"]);
    let picker = format!("/ui/acme/connections/{connection}/projects");
    assert!(page.attributes(".steps a", "href").contains(&picker));

    // The token is in the commands, once.
    let page = browser
        .submit(&page, &format!("{START}/token"), &[])
        .expect(200);
    let token = page.all(".card .code").remove(0);
    assert!(token.starts_with("rptd_"), "{token}");
    let commands = page.all(".steps .code").join("\n");
    assert!(commands.contains(&format!("http-basic.packages.example.com token {token}")));
    assert!(commands.contains("composer require acme/lib"));
    assert_eq!(done(&page), ["host", "package", "token"]);
    let again = browser.get(START).expect(200);
    assert!(!again.html.contains(&token) && again.html.contains("YOUR-TOKEN"));

    // Composer comes with it, and then installs.
    let composer = registry.with_token(&token);
    let agent = [(
        "user-agent",
        "Composer/2.8.4 (Linux; 6.1; PHP 8.3.1; cURL 8.5.0)".to_owned(),
    )];
    composer
        .send("GET", "/r/acme/main/packages.json", &agent, Vec::new())
        .expect(200);
    block_on(finish(&registry.app));
    registry.run_jobs();
    let told = live(&browser);
    assert_eq!(
        told,
        json!({
            "words": "4 of 5 steps are done. Next: Install",
            "marks": {"host": true, "package": true, "token": true, "client": true, "install": false},
            "is_over": false,
        })
    );
    let report = json!({"downloads": [{"name": "acme/lib", "version": "1.0.0.0"}]});
    let answer = composer.send(
        "POST",
        "/r/acme/main/downloads",
        &agent,
        report.to_string().into(),
    );
    assert!(answer.status() < 300);
    registry.run_jobs();
    let told = live(&browser);
    assert_eq!(
        (&told["is_over"], &told["words"]),
        (&json!(true), &json!("All five steps are done"))
    );
    let page = browser.get(START).expect(200);
    assert_eq!(done(&page).len(), 5);
    assert!(page.all("[data-live]").is_empty() && !page.html.contains("<noscript>"));
}

#[test]
fn the_first_steps_are_put_away_and_found_again() {
    let registry = TestRegistry::new();
    let browser = registry.owner_browser();
    let page = browser.get("/ui/acme").expect(200);
    assert!(page.text().contains("0 of 5 steps are done"));
    let hide = format!("{START}/hide");
    let page = browser.submit(&page, &hide, &[]).expect(200);
    assert_eq!(page.path, "/ui/acme");
    assert_eq!(page.one(".notice"), "The first steps are put away");
    assert!(!page.text().contains("0 of 5"));
    let page = browser.get(START).expect(200);
    let page = browser.submit(&page, &hide, &[]).expect(200);
    assert_eq!(page.path, START);
    assert!(
        browser
            .get("/ui/acme")
            .text()
            .contains("0 of 5 steps are done")
    );
    let auditor = registry.member_browser("eve@example.com", "auditor");
    let page = auditor.get(START).expect(200);
    assert!(
        page.text()
            .contains("Somebody who may manage connections does this")
    );
}
