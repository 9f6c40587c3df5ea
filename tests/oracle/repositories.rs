//! Whole git repositories: they are pushed to the GitHub that we play, imported by the real program, and what clients are
//! told is held against what Composer's own VCS repository dumped of the same refs.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::answers::document_difference;
use crate::support::{PACKAGE, PROJECT, TestRegistry};

/// Where the versions of a repository differ from Composer's.
pub(crate) fn repository_difference(states: &Value, theirs: &Value) -> Option<String> {
    let registry = TestRegistry::new();
    registry.world.github.borrow_mut().add_project(41, PROJECT);
    for (index, state) in states.as_array().unwrap().iter().enumerate() {
        push(&registry, state);
        if index == 0 {
            registry.import(PROJECT);
        } else {
            registry.pass_time(60);
            registry
                .deliver_webhook(&format!("push-{index}"))
                .expect(202);
        }
        registry.run_jobs();
    }
    registry.assert_settled();
    let ours = versions(&registry);
    // An empty map is an empty list in PHP.
    let none = Map::new();
    let theirs = theirs.as_object().unwrap_or(&none);
    let has_default = theirs.values().any(|entry| entry["default-branch"] == true);
    let mut numbers: Vec<&String> = ours.keys().chain(theirs.keys()).collect();
    numbers.sort();
    numbers.dedup();
    let differences: Vec<String> = numbers
        .into_iter()
        .filter_map(|number| {
            let mut ours = ours.get(number).cloned().unwrap_or_default();
            let theirs = theirs.get(number).cloned().unwrap_or_default();
            // Capitals of the name come from the default branch, which may be no version and is not kept then.
            let name = theirs["name"].clone();
            if !has_default && name.as_str().map(str::to_lowercase).as_deref() == Some(PACKAGE) {
                ours["name"] = name;
            }
            document_difference(&ours, &theirs).map(|difference| format!("{number}: {difference}"))
        })
        .collect();
    (!differences.is_empty()).then(|| differences.join("\n"))
}

fn push(registry: &TestRegistry, state: &Value) {
    let mut github = registry.world.github.borrow_mut();
    let project = github.project(PROJECT);
    state["default"]
        .as_str()
        .unwrap()
        .clone_into(&mut project.default_branch);
    project.refs.clear();
    let refs = state["refs"].as_array().unwrap();
    for found in refs.iter().filter(|found| found.get("same").is_none()) {
        project.push(found["name"].as_str().unwrap(), found["text"].as_str());
    }
    for found in refs {
        if let Some(same) = found.get("same") {
            let commit = project.refs[same.as_str().unwrap()].clone();
            project
                .refs
                .insert(found["name"].as_str().unwrap().to_owned(), commit);
        }
    }
}

/// Both documents of the package, expanded, by normalized version, without what the host adds.
fn versions(registry: &TestRegistry) -> BTreeMap<String, Value> {
    let mut versions = BTreeMap::new();
    for name in [PACKAGE.to_owned(), format!("{PACKAGE}~dev")] {
        let path = format!("/r/acme/main/p2/{name}.json");
        if registry.admin().get(&path).status() == 404 {
            continue;
        }
        for mut entry in registry.composer_metadata(&name) {
            forget_host_facts(&mut entry);
            let number = entry["version_normalized"].as_str().unwrap().to_owned();
            let earlier = versions.insert(number, Value::Object(entry));
            assert_eq!(earlier, None, "one version twice");
        }
    }
    versions
}

/// Takes out the pages that GitHub's driver adds and the plain git driver does not.
fn forget_host_facts(entry: &mut Map<String, Value>) {
    let page = format!("https://github.com/{PROJECT}/");
    let Some(Value::Object(support)) = entry.get_mut("support") else {
        return;
    };
    support.retain(|_, value| !value.as_str().is_some_and(|url| url.starts_with(&page)));
    if support.is_empty() {
        entry.shift_remove("support");
    }
}
