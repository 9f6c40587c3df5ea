//! As Composer asks.

mod access;
mod advisories;
mod changes;
mod composer_1;
pub(crate) mod counting;
mod dist;
mod downloads;
mod errors;
mod hidden;
mod host_facts;
mod limits;
mod list;
mod memory;
mod metadata;
mod providers;
mod root;
mod search;
mod upload;
mod upload_forms;
mod upload_in_parts;

use crate::support::TestRegistry;

pub(crate) const ROOT: &str = "/r/acme/main/packages.json";
pub(crate) const TAGGED: &str = "/r/acme/main/p2/acme/lib.json";
pub(crate) const DEV: &str = "/r/acme/main/p2/acme/lib~dev.json";

/// Where the archive of the newest version is.
pub(crate) fn dist_path(registry: &TestRegistry) -> String {
    let versions = registry.composer_metadata("acme/lib");
    let url = versions[0]["dist"]["url"].as_str().unwrap();
    url.strip_prefix(crate::support::ADDRESS)
        .unwrap()
        .to_owned()
}
