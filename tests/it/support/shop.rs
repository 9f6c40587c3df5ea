//! A registry that sells packages: what was released when, and customers who see some of it.

use repertoire::domain::minify::expand;
use repertoire::domain::time::rfc3339;
use serde_json::{Value, json};

use super::github::git_archive;
use super::persona::Persona;
use super::world::NOW;
use super::{ADDRESS, TestRegistry};

/// Seconds between two releases.
pub(crate) const DAY: i64 = 86_400;
/// What there is of `acme/lib`, each a day after the one before, the first at the beginning.
pub(crate) const RELEASES: [&str; 5] = ["1.0.0", "1.1.0", "2.0.0-beta1", "2.0.0", "3.0.0"];

/// The moment of a release, and half a day more.
pub(crate) fn after(release: usize) -> String {
    rfc3339(NOW + i64::try_from(release).unwrap() * DAY + DAY / 2)
}

/// A customer with a token.
pub(crate) struct Buyer {
    pub(crate) id: String,
    pub(crate) token: String,
}

impl TestRegistry {
    /// `acme/lib` with its releases, `acme/tool` and `other/secret` with one each.
    pub(crate) fn shop() -> Self {
        let registry = Self::new();
        let writer = registry.writer();
        for (index, version) in RELEASES.iter().enumerate() {
            if index > 0 {
                registry.pass_time(DAY);
            }
            writer.upload("acme/lib", version, version).expect(201);
        }
        writer.upload("acme/tool", "1.0.0", "").expect(201);
        writer.upload("other/secret", "1.0.0", "").expect(201);
        registry.run_jobs();
        registry.pass_time(DAY);
        registry
    }

    /// Makes something below the organisation's API; gives its id.
    pub(crate) fn make(&self, what: &str, body: &Value) -> String {
        let path = format!("/api/v1/orgs/acme/{what}");
        let made = self.admin().post(&path, body).expect(201).json();
        made["id"].as_str().unwrap().to_owned()
    }

    /// Changes something below the organisation's API.
    pub(crate) fn alter(&self, what: &str, body: &Value) -> Value {
        let path = format!("/api/v1/orgs/acme/{what}");
        self.admin().patch(&path, body).expect(200).json()
    }

    pub(crate) fn remove(&self, what: &str) {
        let path = format!("/api/v1/orgs/acme/{what}");
        self.admin()
            .send("DELETE", &path, &[], Vec::new())
            .expect(204);
    }

    /// The same where the name is to be typed again.
    pub(crate) fn remove_confirmed(&self, what: &str, name: &str) {
        let path = format!("/api/v1/orgs/acme/{what}");
        let body = json!({ "confirm": name }).to_string().into_bytes();
        self.admin().send("DELETE", &path, &[], body).expect(204);
    }

    /// A customer with a token, and nothing granted.
    pub(crate) fn buyer(&self, body: &Value) -> Buyer {
        let id = self.make("customers", body);
        let path = format!("/api/v1/orgs/acme/customers/{id}/tokens");
        let made = self.admin().post(&path, &json!({"name": "ci"}));
        let token = made.expect(201).json()["token"]
            .as_str()
            .unwrap()
            .to_owned();
        Buyer { id, token }
    }

    /// A customer who was granted `acme/*` on these terms.
    pub(crate) fn buyer_with(&self, terms: &Value) -> Buyer {
        let buyer = self.buyer(&json!({"name": "Buyer"}));
        self.grant(&buyer, terms);
        buyer
    }

    /// Grants `acme/*`, or what the terms name; gives the grant's id.
    pub(crate) fn grant(&self, buyer: &Buyer, terms: &Value) -> String {
        let mut body = json!({"subject": {"customer": buyer.id}, "packages": ["acme/*"]});
        let fields = body.as_object_mut().unwrap();
        for (key, value) in terms.as_object().unwrap() {
            if key == "collection" {
                fields.remove("packages");
            }
            fields.insert(key.clone(), value.clone());
        }
        self.make("grants", &body)
    }
}

/// The entries of a package that somebody sees, newest first.
pub(crate) fn entries(persona: &Persona<'_>, package: &str) -> Vec<Value> {
    let answer = persona.get(&format!("/r/acme/main/p2/{package}.json"));
    if answer.status() == 404 {
        return Vec::new();
    }
    let document = answer.expect(200).json();
    let versions = document["packages"][package].as_array().unwrap();
    let versions = versions.iter().map(|one| one.as_object().unwrap().clone());
    expand(versions.collect())
        .into_iter()
        .map(Value::Object)
        .collect()
}

/// The versions of a package that somebody sees, newest first.
pub(crate) fn seen(persona: &Persona<'_>, package: &str) -> Vec<String> {
    entries(persona, package)
        .iter()
        .map(|entry| entry["version"].as_str().unwrap().to_owned())
        .collect()
}

/// Where the archive of an entry is.
pub(crate) fn archive(entry: &Value) -> String {
    let url = entry["dist"]["url"].as_str().unwrap();
    url.strip_prefix(ADDRESS).unwrap().to_owned()
}

/// Reports installs of packages as Composer does, from some PHP. They are counted by the next jobs.
pub(crate) fn report_installs(persona: &Persona<'_>, php: &str, installed: &[(&str, &str)]) {
    let downloads: Vec<_> = installed
        .iter()
        .map(|(name, version)| json!({"name": name, "version": version}))
        .collect();
    let body = json!({ "downloads": downloads }).to_string().into_bytes();
    let agent = format!("Composer/2.9.1 (Linux; 6.8.0; PHP {php}.6; cURL 8.5.0)");
    persona
        .send(
            "POST",
            "/r/acme/main/downloads",
            &[("user-agent", agent)],
            body,
        )
        .expect(201);
}

/// Uploads a version with these fields of composer.json and these files, and has it published and its texts read.
pub(crate) fn upload_with(
    registry: &TestRegistry,
    name: &str,
    version: &str,
    fields: &Value,
    files: &[(&str, &str)],
) {
    let mut manifest = json!({ "name": name });
    for (key, value) in fields.as_object().unwrap() {
        manifest[key] = value.clone();
    }
    let manifest = manifest.to_string();
    let mut all = vec![("composer.json", manifest.as_str())];
    all.extend(files);
    let path = format!("/r/acme/main/upload/{name}/{version}");
    registry
        .writer()
        .send("PUT", &path, &[], git_archive("top", "", &all))
        .expect(201);
    registry.run_jobs();
    registry.housekeep();
    registry.run_jobs();
}
