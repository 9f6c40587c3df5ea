//! What becomes of each ref under the settings of its package.

use serde_json::{Value, json};

use crate::support::{PACKAGE, PROJECT, TestRegistry};

/// Pushes a composer.json as it stands, or none.
fn push_text(registry: &TestRegistry, git_ref: &str, text: Option<&str>) -> String {
    let mut github = registry.world.github.borrow_mut();
    github.project(PROJECT).push(git_ref, text)
}

fn move_tag(registry: &TestRegistry, tag: &str, description: &str) -> String {
    let contents = json!({"name": PACKAGE, "description": description});
    registry.push(&format!("refs/tags/{tag}"), &contents)
}

/// What GitHub was asked since the last time, but for listings.
fn asked(registry: &TestRegistry) -> Vec<String> {
    let seen = std::mem::take(&mut registry.world.github.borrow_mut().seen);
    let mut seen: Vec<_> = seen
        .into_iter()
        .filter(|line| {
            !(line.contains("/tags ") || line.contains("/branches ") || line.contains("/41 "))
        })
        .collect();
    seen.sort();
    seen
}

fn version(registry: &TestRegistry, pretty: &str) -> Value {
    let versions = registry.shown(PACKAGE)["versions"].clone();
    let mut versions = versions.as_array().unwrap().clone();
    versions.retain(|one| one["version"] == pretty);
    versions.pop().unwrap_or_default()
}

#[test]
fn each_ref_without_a_version_says_why() {
    let registry = TestRegistry::new();
    registry.make_project();
    registry.push("refs/tags/nightly", &json!({"name": PACKAGE}));
    registry.push("refs/tags/2.0-dev", &json!({"name": PACKAGE}));
    registry.push(
        "refs/tags/2.1.0",
        &json!({"name": PACKAGE, "version": "2.2.0"}),
    );
    registry.push(
        "refs/tags/2.3.0",
        &json!({"name": PACKAGE, "version": "two"}),
    );
    push_text(&registry, "refs/tags/3.0.0", Some("{"));
    push_text(&registry, "refs/tags/3.1.0", None);
    registry.push("refs/tags/4.0.0", &json!({"type": "library"}));
    registry.push("refs/tags/4.1.0", &json!({"name": "other/name"}));
    registry.push(
        "refs/tags/5.0.0",
        &json!({"name": PACKAGE, "require": {"php": "~~8"}}),
    );
    registry.push("refs/tags/1.0.0", &json!({"name": PACKAGE}));
    registry.push("refs/heads/a,b", &json!({"name": PACKAGE}));
    registry.push("refs/heads/renovate/all", &json!({"name": PACKAGE}));
    registry.import(PROJECT);
    registry.run_jobs();
    registry.assert_settled();
    insta::assert_snapshot!(registry.refs(PACKAGE), @"
    refs/heads/a,b skipped the branch name `a,b` cannot be written in a version constraint, rename the branch to one without blanks, commas and `|`
    refs/heads/main imported -
    refs/heads/renovate/all skipped branches like `renovate/*` are not imported; to have this one, take the pattern out of the package's `transient_branches`
    refs/tags/1.0.0 imported -
    refs/tags/2.0-dev skipped the tag `2.0-dev` reads as the development version `2.0.0.0-dev`, tags must have no `dev` at either end
    refs/tags/2.1.0 skipped the tag `2.1.0` is version `2.1.0.0`, but composer.json says `2.2.0`; remove `version` from composer.json or tag anew
    refs/tags/2.3.0 skipped the `version` in composer.json of the tag `2.3.0` is wrong: `two` is no version, write one such as `1.2.3` or `2.0.0-beta1`, or `dev-main` for a branch; best remove it
    refs/tags/3.0.0 skipped composer.json is not valid JSON: EOF while parsing an object at line 1 column 1
    refs/tags/3.1.0 skipped there is no composer.json at this commit
    refs/tags/4.0.0 imported composer.json at this commit has no `name`; the version is published as `acme/lib`
    refs/tags/4.1.0 imported composer.json at this commit is named `other/name`; the version is published as `acme/lib`
    refs/tags/5.0.0 skipped `require.php` in composer.json is not a valid constraint: `~~8`
    refs/tags/nightly skipped the tag `nightly` is no version, only tags such as `1.2.3` or `v2.0.0-beta1` are
    refs/tags/v1.0.0 skipped the tag `1.0.0` is the same version and comes first
    refs/tags/v1.1.0 imported -
    ");
    assert_eq!(
        registry.versions(PACKAGE),
        ["4.1.0", "4.0.0", "v1.1.0", "1.0.0"]
    );
}

#[test]
fn a_transient_branch_costs_no_request_and_is_said_on_the_job_as_well() {
    let registry = TestRegistry::imported();
    asked(&registry);
    let commit = registry.push(
        "refs/heads/dependabot/composer/monolog",
        &json!({"name": PACKAGE}),
    );
    registry.sync(PACKAGE);
    registry.assert_settled();
    assert_eq!(asked(&registry), [""; 0]);
    assert_eq!(registry.versions("acme/lib~dev"), ["dev-main"]);
    let job = &registry.admin().get("/api/v1/orgs/acme/jobs").json()["jobs"][0];
    assert_eq!(job["progress"]["skipped"], 1);
    let path = format!("/api/v1/orgs/acme/jobs/{}", job["id"].as_str().unwrap());
    let job = registry.admin().get(&path).json();
    assert_eq!(job["refs"][0]["commit"], commit);
    insta::assert_snapshot!(job["refs"][0]["reason"].as_str().unwrap(), @"branches like `dependabot/*` are not imported; to have this one, take the pattern out of the package's `transient_branches`");
    // The next sync has nothing to say of it.
    registry.sync(PACKAGE);
    let job = &registry.admin().get("/api/v1/orgs/acme/jobs").json()["jobs"][0];
    assert_eq!(job["progress"]["unchanged"], 4);
}

#[test]
fn a_branch_is_left_out_and_taken_in_as_the_settings_change() {
    let registry = TestRegistry::new();
    registry.make_project();
    let commit = registry.push("refs/heads/wip/x", &json!({"name": PACKAGE}));
    registry.import(PROJECT);
    registry.run_jobs();
    assert_eq!(registry.versions("acme/lib~dev"), ["dev-main", "dev-wip/x"]);
    registry.set(PACKAGE, &json!({"transient_branches": ["wip/*", "main"]}));
    assert_eq!(registry.versions("acme/lib~dev"), ["dev-main"]);
    let archive = format!("/r/acme/main/dist/acme/lib/{commit}.zip");
    registry.admin().get(&archive).expect(200);
    asked(&registry);
    registry.set(PACKAGE, &json!({"transient_branches": []}));
    assert_eq!(registry.versions("acme/lib~dev"), ["dev-main", "dev-wip/x"]);
    // Its archive is here.
    assert_eq!(
        asked(&registry),
        [
            "GET https://api.github.com/repositories/41/contents/composer.json 200".to_owned(),
            format!("GET https://api.github.com/repositories/41/git/commits/{commit} 200"),
        ]
    );
}

#[test]
fn a_transient_branch_that_becomes_the_default_is_taken_in() {
    let registry = TestRegistry::new();
    registry.make_project();
    registry.push("refs/heads/renovate/main", &json!({"name": PACKAGE}));
    registry.import(PROJECT);
    registry.run_jobs();
    assert_eq!(registry.versions("acme/lib~dev"), ["dev-main"]);
    let default_branch = |name: &str| {
        let mut github = registry.world.github.borrow_mut();
        name.clone_into(&mut github.project(PROJECT).default_branch);
    };
    default_branch("renovate/main");
    registry.sync(PACKAGE);
    registry.assert_settled();
    assert_eq!(
        registry.versions("acme/lib~dev"),
        ["dev-main", "dev-renovate/main"]
    );
    default_branch("main");
    registry.sync(PACKAGE);
    assert_eq!(registry.versions("acme/lib~dev"), ["dev-main"]);
}

#[test]
fn tags_are_read_by_the_prefixes_of_the_package() {
    let registry = TestRegistry::new();
    registry.make_project();
    registry.push_tag("release-2.0.0");
    registry.push_tag("lib-3.0.0");
    registry.push_tag("acme/lib@4.0.0");
    registry.import(PROJECT);
    registry.run_jobs();
    assert_eq!(registry.versions(PACKAGE), ["2.0.0", "v1.1.0", "v1.0.0"]);

    asked(&registry);
    registry.set(
        PACKAGE,
        &json!({"tag_prefixes": ["lib-", "acme/lib@", "release-"]}),
    );
    assert_eq!(
        registry.versions(PACKAGE),
        ["4.0.0", "3.0.0", "2.0.0", "v1.1.0", "v1.0.0"]
    );
    let manifests = |registry| {
        let asked = asked(registry);
        asked
            .iter()
            .filter(|line| line.contains("contents"))
            .count()
    };
    assert_eq!(manifests(&registry), 2, "only what reads otherwise now");

    registry.set(PACKAGE, &json!({"tag_prefixes": []}));
    assert_eq!(registry.versions(PACKAGE), ["v1.1.0", "v1.0.0"]);
    assert_eq!(asked(&registry), [""; 0]);
    insta::assert_snapshot!(registry.refs(PACKAGE), @"
    refs/heads/main imported -
    refs/tags/acme/lib@4.0.0 skipped the tag `acme/lib@4.0.0` is no version, only tags such as `1.2.3` or `v2.0.0-beta1` are
    refs/tags/lib-3.0.0 skipped the tag `lib-3.0.0` is no version, only tags such as `1.2.3` or `v2.0.0-beta1` are
    refs/tags/release-2.0.0 skipped the tag `release-2.0.0` is no version, only tags such as `1.2.3` or `v2.0.0-beta1` are
    refs/tags/v1.0.0 imported -
    refs/tags/v1.1.0 imported -
    ");

    registry.set(PACKAGE, &json!({"tag_prefixes": ["release-"]}));
    assert_eq!(registry.versions(PACKAGE), ["2.0.0", "v1.1.0", "v1.0.0"]);
}

#[test]
fn a_tag_that_is_no_version_any_more_makes_room_for_the_one_behind_it() {
    let registry = TestRegistry::new();
    registry.make_project();
    let tagged = registry.push_tag("release-2.0.0");
    {
        let mut github = registry.world.github.borrow_mut();
        let refs = &mut github.project(PROJECT).refs;
        refs.insert("refs/tags/v2.0.0".to_owned(), tagged.clone());
    }
    registry.import(PROJECT);
    registry.run_jobs();
    assert_eq!(registry.versions(PACKAGE)[0], "2.0.0");
    registry.set(PACKAGE, &json!({"tag_prefixes": []}));
    assert_eq!(registry.versions(PACKAGE)[0], "v2.0.0");
    assert_eq!(version(&registry, "v2.0.0")["reference"], tagged);
}

#[test]
fn a_moved_tag_is_followed_where_the_package_says_so_and_both_archives_stay() {
    let registry = TestRegistry::imported();
    let first = version(&registry, "v1.1.0");
    registry.pass_time(100);
    let second = move_tag(&registry, "v1.1.0", "moved");
    registry.sync(PACKAGE);
    assert_eq!(version(&registry, "v1.1.0"), first);

    registry.pass_time(100);
    registry.set(PACKAGE, &json!({"moved_tags": "follow"}));
    let followed = version(&registry, "v1.1.0");
    assert_eq!(followed["reference"], second);
    assert_ne!(followed["published_time"], first["published_time"]);
    let entry = &registry.composer_metadata(PACKAGE)[0];
    assert_eq!(entry["dist"]["reference"], second);
    assert_eq!(entry["published-time"], followed["published_time"]);
    assert_eq!(entry["description"], "moved");
    for reference in [&first["reference"], &followed["reference"]] {
        let reference = reference.as_str().unwrap();
        let path = format!("/r/acme/main/dist/acme/lib/{reference}.zip");
        registry.admin().get(&path).expect(200);
    }

    // From now on at once; and back again does not undo.
    let third = move_tag(&registry, "v1.1.0", "moved again");
    registry.sync(PACKAGE);
    assert_eq!(version(&registry, "v1.1.0")["reference"], third);
    registry.set(PACKAGE, &json!({"moved_tags": "keep"}));
    assert_eq!(version(&registry, "v1.1.0")["reference"], third);
    move_tag(&registry, "v1.1.0", "once more");
    registry.sync(PACKAGE);
    assert_eq!(version(&registry, "v1.1.0")["reference"], third);
    registry.assert_settled();
}

#[test]
fn a_tag_made_again_elsewhere_is_a_move() {
    for (policy, versions) in [
        ("keep", vec!["v1.0.0"]),
        ("follow", vec!["v1.1.0", "v1.0.0"]),
    ] {
        let registry = TestRegistry::imported();
        registry.set(PACKAGE, &json!({"moved_tags": policy}));
        registry.delete_ref("refs/tags/v1.1.0");
        registry.sync(PACKAGE);
        assert_eq!(registry.versions(PACKAGE), ["v1.0.0"]);
        let again = move_tag(&registry, "v1.1.0", "another");
        registry.sync(PACKAGE);
        registry.assert_settled();
        assert_eq!(registry.versions(PACKAGE), versions, "{policy}");
        if policy == "follow" {
            assert_eq!(version(&registry, "v1.1.0")["reference"], again);
        } else {
            let refs = registry.refs(PACKAGE);
            assert!(refs.contains("before its tag was deleted"), "{refs}");
            // Where it was, it comes back.
            registry.push_tag("v1.1.0");
            registry.sync(PACKAGE);
            assert_eq!(registry.versions(PACKAGE), ["v1.1.0", "v1.0.0"]);
        }
    }
}

#[test]
fn a_tag_that_is_followed_to_what_is_no_version_stays_where_it_was() {
    let registry = TestRegistry::imported();
    registry.set(PACKAGE, &json!({"moved_tags": "follow"}));
    let first = version(&registry, "v1.1.0");
    push_text(&registry, "refs/tags/v1.1.0", Some("{"));
    registry.sync(PACKAGE);
    registry.assert_settled();
    assert_eq!(version(&registry, "v1.1.0"), first);
    let refs = registry.refs(PACKAGE);
    assert!(
        refs.contains("v1.1.0 skipped composer.json is not valid JSON"),
        "{refs}"
    );
}

#[test]
fn of_two_tags_of_one_version_at_two_commits_the_first_by_name_is_followed() {
    let registry = TestRegistry::imported();
    let second = move_tag(&registry, "1.1.0", "the same version at another commit");
    registry.sync(PACKAGE);
    let refs = registry.refs(PACKAGE);
    assert!(refs.contains("by the tag `v1.1.0`"), "{refs}");
    assert_eq!(registry.versions(PACKAGE), ["v1.1.0", "v1.0.0"]);

    registry.set(PACKAGE, &json!({"moved_tags": "follow"}));
    assert_eq!(version(&registry, "1.1.0")["reference"], second);
    insta::assert_snapshot!(registry.refs(PACKAGE), @"
    refs/heads/main imported -
    refs/tags/1.1.0 imported -
    refs/tags/v1.0.0 imported -
    refs/tags/v1.1.0 skipped the tag `1.1.0` is the same version and comes first
    ");
    // The other may move as it likes.
    move_tag(&registry, "v1.1.0", "moved");
    for _ in 0..2 {
        registry.sync(PACKAGE);
        assert_eq!(version(&registry, "1.1.0")["reference"], second);
    }
    // And is next when the first is gone.
    registry.delete_ref("refs/tags/1.1.0");
    registry.sync(PACKAGE);
    registry.assert_settled();
    assert_eq!(registry.versions(PACKAGE), ["v1.1.0", "v1.0.0"]);
}

#[test]
fn a_policy_that_changes_under_an_import_is_obeyed() {
    let registry = TestRegistry::imported();
    registry.set(PACKAGE, &json!({"moved_tags": "follow"}));
    let first = version(&registry, "v1.1.0");
    move_tag(&registry, "v1.1.0", "moved");
    // Just before the version is written, a person says `keep`.
    *registry.world.before_batch.borrow_mut() = Some(Box::new(|world, statements| {
        if statements
            .iter()
            .any(|one| one.sql.contains("insert into versions"))
        {
            let keep = repertoire::ports::Statement::new("update packages set moved_tags = 'keep'");
            world.sqlite.change(&keep);
        }
    }));
    registry.sync(PACKAGE);
    registry.assert_settled();
    assert_eq!(version(&registry, "v1.1.0"), first);
    let refs = registry.refs(PACKAGE);
    assert!(
        refs.contains("refs/tags/v1.1.0 skipped the tag moved"),
        "{refs}"
    );
}

#[test]
fn refs_that_an_older_program_decided_on_are_left_alone() {
    let registry = TestRegistry::imported();
    registry.push_tag("release-0.9.0");
    registry.push("refs/tags/nightly", &json!({"name": PACKAGE}));
    registry.sync(PACKAGE);
    registry.change("update git_refs set number = null, rule = null");
    let before = registry.head();
    asked(&registry);
    registry.sync(PACKAGE);
    assert_eq!(asked(&registry), [""; 0]);
    assert_eq!(registry.head(), before);
}

#[test]
fn a_branch_that_gives_no_version_any_more_leaves_with_the_one_it_gave() {
    let registry = TestRegistry::new();
    registry.make_project();
    registry.push("refs/heads/next", &json!({"name": PACKAGE}));
    registry.import(PROJECT);
    registry.run_jobs();
    let both = ["dev-main", "dev-next"];
    assert_eq!(registry.versions("acme/lib~dev"), both);
    push_text(&registry, "refs/heads/next", Some("{"));
    registry.sync(PACKAGE);
    assert_eq!(registry.versions("acme/lib~dev"), ["dev-main"]);
    registry.push(
        "refs/heads/next",
        &json!({"name": PACKAGE, "type": "mended"}),
    );
    registry.sync(PACKAGE);
    registry.assert_settled();
    assert_eq!(registry.versions("acme/lib~dev"), both);
}

#[test]
fn an_archived_project_is_abandoned_until_it_is_not() {
    let registry = TestRegistry::imported();
    let archived = |is_archived| {
        let mut github = registry.world.github.borrow_mut();
        github.project(PROJECT).is_archived = is_archived;
    };
    archived(true);
    registry.sync(PACKAGE);
    assert_eq!(registry.composer_metadata(PACKAGE)[0]["abandoned"], true);
    assert_eq!(registry.shown(PACKAGE)["abandoned"], true);
    archived(false);
    registry.sync(PACKAGE);
    assert!(
        registry.composer_metadata(PACKAGE)[0]
            .get("abandoned")
            .is_none()
    );
}
