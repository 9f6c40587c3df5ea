//! The statistics of a package, as pages show them.

use serde_json::json;

use super::reader;
use crate::support::TestRegistry;
use crate::support::shop::report_installs;
use crate::support::world::Port;

const STATISTICS: &str = "/ui/acme/packages/acme/lib/statistics";

fn busy() -> TestRegistry {
    let registry = TestRegistry::shop();
    let buyer = registry.buyer(&json!({"name": "Globex <b>"}));
    registry.grant(&buyer, &json!({}));
    let customer = registry.with_token(&buyer.token);
    report_installs(
        &customer,
        "8.3",
        &[("acme/lib", "3.0.0.0"), ("acme/lib", "1.0.0.0")],
    );
    report_installs(
        &registry.reader("acme/*"),
        "8.4",
        &[("acme/lib", "3.0.0.0")],
    );
    registry.run_jobs();
    registry
}

#[test]
fn installs_are_drawn_and_told_as_a_table() {
    let registry = busy();
    let browser = registry.owner_browser();
    let page = browser.get(STATISTICS).expect(200);
    assert_eq!(page.all(".tile-value"), ["3", "0"]);
    assert_eq!(page.all(".chart-hit").len(), 30);
    assert_eq!(page.all("tbody tr").len(), 30);
    assert_eq!(page.one("tbody tr:first-child td"), "3");
    assert_eq!(page.one("tfoot td"), "3");
    assert_eq!(page.all(".choices [aria-current]"), ["30 days", "All"]);
    // The chart is one image with words, and the ways lead on.
    assert_eq!(page.attributes("svg.chart", "role"), ["img"]);
    let ways = page.attributes(".choices a", "href");
    assert_eq!(ways.len(), 8);
    for path in ways {
        registry.world.forget_calls();
        let page = browser.ask("GET", &path, &[], "").expect(200);
        assert!(registry.world.calls(Port::Db) <= 3, "{path}");
        assert_eq!(page.all(".tile-value")[0], "3", "{path}");
    }
    let page = browser.get(&format!("{STATISTICS}?days=90")).expect(200);
    assert_eq!(page.all(".chart-hit").len(), 90);
    let page = browser.get(&format!("{STATISTICS}?days=365")).expect(200);
    assert_eq!(page.all(".chart-hit").len(), 365);
    browser
        .get("/ui/acme/packages/acme/nothing/statistics")
        .expect(404);
}

#[test]
fn a_whole_is_cut_into_its_parts() {
    let registry = busy();
    let browser = registry.owner_browser();
    let legend = |by: &str| {
        browser
            .get(&format!("{STATISTICS}?by={by}"))
            .expect(200)
            .all(".chart-legend li")
    };
    assert_eq!(legend("version"), ["3.0.0 2", "1.0.0 1"]);
    assert_eq!(legend("php"), ["PHP 8.3 2", "PHP 8.4 1"]);
    assert_eq!(legend("composer"), ["Composer 2 3"]);
    // Names of customers are anybody's text.
    assert_eq!(legend("reader"), ["Globex <b> 2", "ci 1"]);
    let page = browser.get(&format!("{STATISTICS}?by=version")).expect(200);
    assert_eq!(page.all("thead th"), ["day", "3.0.0", "1.0.0", "All"]);
    assert_eq!(page.all("tfoot td"), ["2", "1", "3"]);
    assert_eq!(page.all(".chart-bar").len(), 2);
}

#[test]
fn statistics_are_for_those_who_read_all_of_the_packages() {
    let registry = busy();
    drop(registry.owner_browser());
    let member = reader(&registry, &json!({}));
    for query in ["", "?by=version", "?by=reader"] {
        let refused = member.get(&format!("{STATISTICS}{query}")).expect(403);
        assert!(!refused.text().contains("Globex"), "{query}");
    }
    for role in ["maintainer", "auditor"] {
        let browser = registry.member_browser(&format!("{role}@example.com"), role);
        browser.get(STATISTICS).expect(200);
    }
}

#[test]
fn nothing_installed_says_what_to_do() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let page = browser.get(STATISTICS).expect(200);
    assert_eq!(page.one(".empty h2"), "Nothing was installed in this time");
    assert_eq!(page.one(".empty .code"), "composer require acme/lib");
}

#[test]
fn a_year_by_nine_parts_is_within_the_weight_of_a_page() {
    let registry = TestRegistry::imported();
    registry.change(
        "with recursive numbers (n) as (select 0 union all select n + 1 from numbers where n < 399)
         insert into downloads (package_id, version, day, count)
         select 1, '1.' || (n % 12) || '.0.0', date(1795293000 - n * 86400, 'unixepoch'), 1 + n * 7919 % 997 from numbers",
    );
    let browser = registry.owner_browser();
    for query in ["?days=365&by=version", "?days=90&by=version"] {
        let page = browser.get(&format!("{STATISTICS}{query}")).expect(200);
        let packed = miniz_oxide::deflate::compress_to_vec(page.html.as_bytes(), 6).len();
        assert!(packed < 40_000, "{query}: {packed}");
        assert_eq!(page.all(".chart-legend li").len(), 9, "{query}");
    }
    registry.change("delete from downloads");
}

#[test]
fn colours_of_charts_stand_out_from_what_is_behind_them() {
    // WCAG 2.2, 1.4.11: 3 to 1 for what a picture is made of.
    let css = std::fs::read_to_string("assets/chart.css").unwrap();
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
    for (block, surface) in css
        .split("--set-1: ")
        .skip(1)
        .zip(["#ffffff", "#16181c", "#16181c"])
    {
        let block = block.split('}').next().unwrap();
        let colours: Vec<_> = block
            .split('#')
            .skip(1)
            .map(|rest| format!("#{}", &rest[..6]))
            .collect();
        assert_eq!(colours.len(), 9);
        for colour in colours {
            let (one, other) = (luminance(&colour), luminance(surface));
            let ratio = (one.max(other) + 0.05) / (one.min(other) + 0.05);
            assert!(ratio >= 3.0, "{colour} on {surface}: {ratio:.2}");
        }
    }
}
