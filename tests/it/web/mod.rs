//! The pages, as a browser without scripts sees them.

mod audit;
mod buyer;
mod collections;
mod connection_settings;
mod connections;
mod customers;
mod dashboard;
mod deliveries;
pub(crate) mod identity;
mod instance;
mod jobs;
mod landing;
mod long_lists;
mod many_packages;
mod package_pages;
mod package_settings;
mod package_statistics;
mod packages;
mod pages;
mod palette;
mod passkeys;
mod people;
mod revisions;
mod second_factor;
mod settings;
mod sign_in;
mod start;
mod tokens;
mod ways_in;
mod ways_in_faults;

use serde_json::{Value, json};

use crate::support::TestRegistry;
use crate::support::browser::Browser;

/// A member of a team that was granted something.
pub(crate) fn reader<'a>(registry: &'a TestRegistry, terms: &Value) -> Browser<'a> {
    let browser = registry.member_browser("bob@example.com", "member");
    let team = registry.make("teams", &json!({"name": "Core"}));
    let bob = registry
        .world
        .sqlite
        .texts("select id from accounts where email = 'bob@example.com'")
        .remove(0);
    let path = format!("/api/v1/orgs/acme/teams/{team}/members/{bob}");
    registry
        .admin()
        .send("PUT", &path, &[], Vec::new())
        .expect(204);
    let mut grant = json!({"subject": {"team": team}, "packages": ["*"]});
    for (key, value) in terms.as_object().unwrap() {
        grant[key] = value.clone();
    }
    registry.make("grants", &grant);
    browser
}

/// The field of a form of a page of somebody's own, which all forms have.
pub(crate) fn token(browser: &Browser<'_>) -> (String, String) {
    browser.get("/ui/account").fields("/ui/sign-out").remove(0)
}
