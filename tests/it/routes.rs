//! The URL table of the product, as a golden file.

use repertoire::http::route::{NoRoute, parse};

/// An address of each kind.
pub(crate) const PATHS: &[&str] = &[
    "/",
    "/healthz",
    "/packages.json",
    "/p2/acme/lib.json",
    "/p2/acme/lib~dev.json",
    "/dist/acme/lib/0123.zip",
    "/dist/acme/lib/0123.tar.bz2",
    "/upload/acme/lib/1.0.0",
    "/upload",
    "/upload/acme/lib",
    "/packages/upload/acme/lib/1.0.0",
    "/uploads",
    "/uploads/u1",
    "/uploads/u1/2",
    "/uploads/u1/complete",
    "/r/acme/main/packages.json",
    "/r/acme/main@17/p2/acme/lib.json",
    "/r/acme/main@2026-11-21/p2/acme/lib~dev.json",
    "/r/acme/main/dist/acme/lib/0123.zip",
    "/r/acme/main/upload/acme/lib/dev-feature/x",
    "/r/acme/main/security-advisories",
    "/list.json",
    "/search.json",
    "/r/acme/main/providers/psr/log-implementation.json",
    "/r/acme/main@17/metadata/changes.json",
    "/r/acme/main/downloads",
    "/r/acme/main/downloads/acme/lib",
    "/p/acme/lib.json",
    "/r/acme/main/p/acme/lib$e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.json",
    "/p/acme/lib%24e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.json",
    "/p/includes%24e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.json",
    "/r/acme/main@17/p/listing-3f$e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.json",
    "/hooks/c0ffee",
    "/hooks/c0ffee/generic",
    "/api/v1/setup",
    "/api/v1/orgs",
    "/api/v1/audit",
    "/api/v1/audit/export",
    "/api/v1/orgs/acme/audit",
    "/api/v1/orgs/acme/audit/export",
    "/api/v1/orgs/acme/repositories",
    "/api/v1/orgs/acme/repositories/main",
    "/api/v1/orgs/acme/repositories/main/revisions",
    "/api/v1/orgs/acme/tokens",
    "/api/v1/orgs/acme/tokens/t1",
    "/api/v1/orgs/acme/connections",
    "/api/v1/orgs/acme/github-apps",
    "/api/v1/orgs/acme/github-apps/app-1",
    "/api/v1/orgs/acme/github-apps/app-1/installations",
    "/api/v1/orgs/acme/github-apps/app-1/deliveries",
    "/api/v1/orgs/acme/connections/c1/projects",
    "/api/v1/orgs/acme/connections/c1/imports",
    "/api/v1/orgs/acme/connections/c1/imports/preview",
    "/api/v1/orgs/acme/imports",
    "/api/v1/orgs/acme/imports/i1",
    "/api/v1/orgs/acme/imports/i1/cancel",
    "/api/v1/orgs/acme/packages",
    "/api/v1/orgs/acme/packages/acme/lib",
    "/api/v1/orgs/acme/packages/acme/lib/definition",
    "/api/v1/orgs/acme/packages/acme/lib/archives",
    "/api/v1/orgs/acme/packages/acme/lib/sync",
    "/api/v1/orgs/acme/packages/acme/lib/versions/1.0.0",
    "/api/v1/orgs/acme/packages/acme/lib/versions/1.0.0/yank",
    "/api/v1/orgs/acme/packages/acme/lib/versions/dev-feature/x/deprecation",
    "/api/v1/orgs/acme/packages/acme/lib/versions/1.0.0/restore",
    "/api/v1/orgs/acme/repositories/main/packages/acme/lib",
    "/api/v1/tokens",
    "/api/v1/tokens/t1",
    "/api/v1/orgs/acme/projects/7",
    "/api/v1/orgs/acme/jobs",
    "/api/v1/orgs/acme/jobs/j1",
    "/api/v1/orgs/acme/jobs/j1/cancel",
    "/api/v1/orgs/acme/jobs/j1/retry",
    "/api/v1/orgs/acme/packages/acme/lib/hook",
    "/api/v1/orgs/acme/deliveries",
    "/api/v1/orgs/acme/deliveries/17",
    "/api/v1/orgs/acme/deliveries/17/replay",
    "/api/v1/orgs/acme/dead-letters",
    "/api/v1/orgs/acme/dead-letters/7",
    "/api/v1/orgs/acme/dead-letters/7/retry",
];

#[test]
fn the_routes_are_as_recorded() {
    let mut table = Vec::new();
    for path in PATHS {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
            match parse(method, "packages.example.com", path) {
                Ok(route) => table.push(format!("{method:6} {path}\n       {route:?}")),
                Err(NoRoute::MethodNotAllowed(_)) => {}
                Err(NoRoute::NotFound) => panic!("{path} leads nowhere"),
            }
        }
    }
    insta::assert_snapshot!(table.join("\n"));
}
