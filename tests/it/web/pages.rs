//! What holds for all pages. What every page must have is checked by the browser of `support/browser.rs` at each look.

use repertoire::http::route::parse;

use crate::routes::PATHS;
use crate::support::TestRegistry;
use crate::support::browser::{OWNER, PASSWORD};

/// The pages there are, which somebody who owns the instance can look at.
const PAGES: &[&str] = &[
    "/ui/instance",
    "/ui/instance/organisations/new",
    "/ui/instance/organisations/acme",
    "/ui/instance/organisations/acme/suspend",
    "/ui/instance/organisations/acme/delete",
    "/ui/instance/people",
    "/ui/instance/health",
    "/ui/instance/dead-letters",
    "/ui/instance/tokens",
    "/ui/instance/audit",
    "/ui/instance/settings",
    "/ui/acme",
    "/ui/acme/audit",
    "/ui/acme/packages",
    "/ui/acme/packages/acme/lib",
    "/ui/acme/packages?sort=released&health=good",
    "/ui/acme/packages/acme/lib/deprecate?version=v1.0.0",
    "/ui/acme/people",
    "/ui/acme/people/invitations",
    "/ui/acme/people/invite",
    "/ui/acme/people/teams",
    "/ui/acme/tokens",
    "/ui/acme/tokens/new",
    "/ui/acme/connections",
    "/ui/acme/connections/new",
    "/ui/acme/connections/new?provider=gitlab",
    "/ui/acme/connections/apps/new",
    "/ui/acme/hooks",
    "/ui/acme/jobs",
    "/ui/acme/jobs/imports",
    "/ui/acme/jobs/dead-letters",
    "/ui/acme/start",
    "/ui/acme/customers",
    "/ui/acme/customers/new",
    "/ui/acme/collections",
    "/ui/acme/collections/new",
    "/ui/acme/settings",
    "/ui/acme/settings/usage",
    "/ui/acme/settings/hosts",
    "/ui/acme/settings/repositories",
    "/ui/acme/settings/repositories/new",
    "/ui/acme/settings/repositories/main",
    "/ui/acme/settings/repositories/main/delete",
    "/ui/acme/settings/deletion",
    "/ui/acme/packages/acme/lib/readme",
    "/ui/acme/packages/acme/lib/changelog",
    "/ui/acme/packages/acme/lib/dependencies",
    "/ui/acme/packages/acme/lib/statistics",
    "/ui/acme/packages/acme/lib/statistics?days=365&by=version",
    "/ui/acme/packages/acme/lib/settings",
    "/ui/acme/packages/acme/lib/delete",
    "/ui/acme/packages/acme/lib/delete-version?version=v1.0.0",
    "/ui/acme/repositories/main/revisions",
    "/ui/acme/repositories/main/revisions/1",
    "/ui/acme/repositories/main/revisions/compare?from=0&to=1",
    "/ui/acme/repositories/main/revisions/1/packages",
    "/ui/acme/repositories/main/revisions/1/roll-back",
    "/ui/acme/repositories/main/revisions/1/packages/acme/lib",
    "/ui/account",
    "/ui/account/passkeys",
    "/ui/account/password",
    "/ui/account/identities",
    "/ui/acme/settings/sign-in",
    "/ui/acme/settings/sign-in/new",
    "/ui/instance/sign-in",
    "/ui/instance/sign-in/new",
    "/ui/account/second-factor",
];

#[test]
fn a_page_takes_three_batches_and_sixty_kilobytes_at_most() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    for path in PAGES {
        // Whatever browser looks at whatever page, in any of the tests, counts the batches and weighs the page.
        browser.ask("GET", path, &[], "").expect(200);
    }
}

#[test]
fn a_look_at_a_page_changes_nothing() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let before = registry.world.sqlite.changes();
    for path in PAGES {
        browser.ask("GET", path, &[], "").expect(200);
    }
    assert_eq!(registry.world.sqlite.changes(), before);
}

#[test]
fn who_is_not_signed_in_is_led_to_the_sign_in_and_back() {
    let registry = TestRegistry::imported();
    drop(registry.owner_browser());
    for path in PAGES {
        let browser = registry.browser();
        let sign = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{sign}x=1&y=2");
        let page = browser.get(&path).expect(200);
        assert!(page.path.starts_with("/ui/sign-in?next="), "{}", page.path);
        let values = [
            ("email", crate::support::browser::OWNER),
            ("password", crate::support::browser::PASSWORD),
        ];
        let page = browser.submit(&page, "/ui/sign-in", &values).expect(200);
        assert_eq!(page.path, path);
        // So many in a quarter of an hour would be too many.
        registry.pass_time(16 * 60);
    }
}

#[test]
fn no_form_works_without_its_token_or_from_elsewhere() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let page = browser.get("/ui/account").expect(200);
    let token = page.fields("/ui/sign-out").remove(0);
    assert_eq!(token.0, "csrf");
    let mut walked = 0;
    let before = registry.world.sqlite.changes();
    for path in PATHS.iter().filter(|path| path.starts_with("/ui")) {
        if parse("POST", "packages.example.com", path).is_err() {
            continue;
        }
        walked += 1;
        for fields in [vec![], vec![("csrf".to_owned(), "0".repeat(64))]] {
            let page = browser.post(path, &fields);
            assert_eq!(page.status(), 403, "{path}: {}", page.text());
        }
        let body = format!("csrf={}", token.1);
        for (name, value) in [
            ("origin", "https://evil.example"),
            ("sec-fetch-site", "cross-site"),
        ] {
            let headers = [
                (
                    "content-type",
                    "application/x-www-form-urlencoded".to_owned(),
                ),
                (name, value.to_owned()),
            ];
            let page = browser.ask("POST", path, &headers, &body);
            assert_eq!(page.status(), 403, "{path}: {}", page.text());
        }
        // The token of somebody else is none; of an organisation a stranger is told nothing at all.
        let stranger = registry.browser();
        let status = stranger.post(path, std::slice::from_ref(&token)).status();
        let expected = if path.starts_with("/ui/acme") {
            303
        } else {
            403
        };
        assert_eq!(status, expected, "{path}");
    }
    assert!(walked >= 9, "{walked}");
    assert_eq!(registry.world.sqlite.changes(), before);
}

#[test]
fn what_is_not_there_is_a_page_too() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    for path in [
        "/ui/nowhere",
        "/ui/acme/nowhere",
        "/ui/account/nowhere",
        "/ui/a/b/c/d",
    ] {
        let page = browser.ask("GET", path, &[], "").expect(404);
        assert_eq!(page.heading(), "There is nothing here");
    }
    let page = browser.ask("DELETE", "/ui/sign-in", &[], "").expect(405);
    assert_eq!(page.answer.header("allow"), Some("GET, HEAD, POST"));
    let large = format!("csrf=&x={}", "y".repeat(70_000));
    let headers = [
        (
            "content-type",
            "application/x-www-form-urlencoded".to_owned(),
        ),
        ("origin", "https://packages.example.com".to_owned()),
    ];
    browser
        .ask("POST", "/ui/theme", &headers, &large)
        .expect(413);
    registry.world.db_is_down.set(true);
    let page = browser.ask("GET", "/ui/acme", &[], "").expect(503);
    assert!(page.answer.header("retry-after").is_some());
    assert_eq!(page.heading(), "Our storage does not answer");
    registry.world.db_is_down.set(false);
}

#[test]
fn light_and_dark_are_chosen_without_a_script_and_remembered() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let page = browser.get("/ui/acme").expect(200);
    assert!(page.attributes("html", "data-theme").is_empty());
    let page = browser.submit(&page, "/ui/theme", &[("theme", "dark")]);
    assert_eq!(page.path, "/ui/acme");
    assert_eq!(page.attributes("html", "data-theme"), ["dark"]);
    let page = browser.get("/ui/account").expect(200);
    assert_eq!(page.attributes("html", "data-theme"), ["dark"]);
    let page = browser.submit(&page, "/ui/theme", &[("theme", "system")]);
    assert!(page.attributes("html", "data-theme").is_empty());
}

#[test]
fn the_navigation_has_what_somebody_may_see() {
    let registry = TestRegistry::imported();
    drop(registry.owner_browser());
    let sections = |browser: &crate::support::browser::Browser<'_>| {
        browser.get("/ui/acme").expect(200).all(".nav a")
    };
    let member = registry.member_browser("bob@example.com", "member");
    let seen = sections(&member);
    assert!(seen.contains(&"Packages".to_owned()), "{seen:?}");
    // Every line of it leads to a page.
    let owner = registry.sign_in(OWNER, PASSWORD).0;
    for path in owner.get("/ui/acme").attributes(".nav a", "href") {
        owner.ask("GET", &path, &[], "").expect(200);
    }
    for hidden in ["Customers", "People", "Audit log", "Settings"] {
        assert!(!seen.contains(&hidden.to_owned()), "{seen:?}");
    }
    // An organisation that is another's is none.
    registry
        .admin()
        .post("/api/v1/orgs", &serde_json::json!({"slug": "globex"}))
        .expect(201);
    let page = member.get("/ui/globex").expect(404);
    let none = member.get("/ui/nobody").expect(404);
    assert_eq!(page.text(), none.text());
}

#[test]
fn files_of_the_pages_are_kept_for_ever_and_others_are_not_there() {
    let registry = TestRegistry::new();
    let browser = registry.browser();
    let page = browser.get("/ui/sign-in").expect(200);
    let style = page.attributes("link[rel=stylesheet]", "href").remove(0);
    let file = browser.ask("GET", &style, &[], "").expect(200);
    assert_eq!(
        file.answer.header("cache-control"),
        Some("public, max-age=31536000, immutable")
    );
    assert_eq!(
        file.answer.header("content-type"),
        Some("text/css; charset=utf-8")
    );
    assert!(file.html.contains("--accent"));
    for other in [
        "/assets/style.00000000.css",
        "/assets/x",
        "/assets/style.css",
    ] {
        browser.ask("GET", other, &[], "").expect(404);
    }
}

#[test]
fn colours_can_be_read_in_light_and_in_dark() {
    // WCAG 2.2, 1.4.3: 4.5 to 1 for text; 1.4.11: 3 to 1 for the edges of fields.
    let css = std::fs::read_to_string("assets/style.css").unwrap();
    let luminance = |hex: &str| {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.040_45 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    };
    let mut told = Vec::new();
    for block in css.split("--back: ").skip(1) {
        let block = format!("--back: {}", block.split('}').next().unwrap());
        let colour = |name: &str| {
            let start = block.find(&format!("--{name}: #")).expect(name);
            let rest = block[start..].split_once(": ").unwrap().1;
            luminance(rest.get(..7).unwrap())
        };
        let mut check = |one: &str, other: &str, needed: f64| {
            let (one_is, other_is) = (colour(one), colour(other));
            let ratio = (one_is.max(other_is) + 0.05) / (one_is.min(other_is) + 0.05);
            if ratio < needed {
                told.push(format!("{one} on {other}: {ratio:.2}"));
            }
        };
        for back in ["back", "surface", "sunken"] {
            for text in ["text", "muted", "accent"] {
                check(text, back, 4.5);
            }
            check("line-strong", back, 3.0);
        }
        for kind in ["good", "warn", "bad", "accent"] {
            check(kind, &format!("{kind}-soft"), 4.5);
            check("text", &format!("{kind}-soft"), 4.5);
        }
        check("on-accent", "accent", 4.5);
        check("on-accent", "accent-hover", 4.5);
        check("bad", "surface", 4.5);
    }
    assert_eq!(told, Vec::<String>::new());
}
