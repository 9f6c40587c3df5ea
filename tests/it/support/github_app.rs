//! GitHub Apps and GraphQL at GitHub's double: it takes an app by its public key alone, gives its installations tokens that
//! end, and shows an installation what it was given.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use repertoire::domain::time::rfc3339;
use repertoire::ports::OutRequest;
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use serde_json::{Map, Value, json};
use sha1::{Digest, Sha1};

use super::github::{Answer, GITHUB_TOKEN, GitHubDouble};
use super::{PROJECT, TestRegistry};

pub(crate) const CLIENT_ID: &str = "Iv23liRepertoire";
pub(crate) const APP_ID: i64 = 12_345;
pub(crate) const APP_KEY: &str = include_str!("../../fixtures/keys/app.pkcs1.pem");
pub(crate) const OTHER_KEY: &str = include_str!("../../fixtures/keys/other.pkcs1.pem");

/// How long a token lives.
const LIFETIME: i64 = 3_600;

pub(crate) struct AppDouble {
    /// The private keys that the app has at GitHub, as PEM.
    pub(crate) keys: Vec<&'static str>,
    pub(crate) permissions: Value,
    pub(crate) installations: BTreeMap<i64, InstallationDouble>,
    /// Token to installation and the second at which it ends.
    pub(crate) tokens: BTreeMap<String, (i64, i64)>,
    /// The secret that its webhook was given by its API.
    pub(crate) hook_secret: Option<String>,
    /// Characters of a token.
    pub(crate) token_length: usize,
    made: usize,
}

impl Default for AppDouble {
    fn default() -> Self {
        Self {
            keys: vec![APP_KEY],
            permissions: json!({"contents": "read", "metadata": "read"}),
            installations: BTreeMap::new(),
            tokens: BTreeMap::new(),
            hook_secret: None,
            token_length: 2_000,
            made: 0,
        }
    }
}

pub(crate) struct InstallationDouble {
    pub(crate) account: String,
    pub(crate) is_suspended: bool,
    /// The projects it was given, by id.
    pub(crate) projects: Vec<u64>,
}

/// How GraphQL is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum GraphQl {
    #[default]
    Working,
    /// With this status.
    Refused(u16),
    /// With 200 and errors.
    Failing,
    /// A 502 for more objects than this.
    Slow(usize),
    /// The allowance is spent, of GraphQL alone.
    Spent,
    /// Another project has the name.
    Elsewhere,
}

/// What GraphQL says of a composer.json that is not a plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Odd {
    Link,
    Truncated,
    Binary,
    /// GitHub took it for text in another encoding.
    Converted,
}

/// Who asks, and what they may see.
pub(crate) enum Reach {
    All,
    Projects(Vec<u64>),
}

impl Reach {
    pub(crate) fn has(&self, project: u64) -> bool {
        match self {
            Self::All => true,
            Self::Projects(given) => given.contains(&project),
        }
    }
}

fn refuse(status: u16, message: &str) -> Answer {
    Answer::new(status, json!({ "message": message }).to_string())
}

fn bearer(request: &OutRequest) -> Option<&str> {
    let mut headers = request.headers.iter();
    let (_, value) = headers.find(|(name, _)| name == "authorization")?;
    value.strip_prefix("Bearer ")
}

impl GitHubDouble {
    /// Has the app installed by an account, for these projects.
    pub(crate) fn install(&mut self, installation: i64, account: &str, projects: &[u64]) {
        let made = InstallationDouble {
            account: account.to_owned(),
            is_suspended: false,
            projects: projects.to_vec(),
        };
        self.app.installations.insert(installation, made);
    }

    /// What the bearer of a token may see; an answer for who has none.
    pub(crate) fn reach(&self, request: &OutRequest, now: i64) -> Result<Reach, Answer> {
        let bad = || refuse(401, "Bad credentials");
        let token = bearer(request).ok_or_else(bad)?;
        if token == self.token.as_deref().unwrap_or(GITHUB_TOKEN) {
            return Ok(Reach::All);
        }
        let (installation, ends) = self.app.tokens.get(token).ok_or_else(bad)?;
        if *ends <= now {
            return Err(bad());
        }
        let installed = self.app.installations.get(installation).ok_or_else(bad)?;
        if installed.is_suspended {
            return Err(refuse(403, "This installation has been suspended"));
        }
        Ok(Reach::Projects(installed.projects.clone()))
    }

    /// What an app asks for itself; none when the path is another.
    pub(crate) fn answer_app(
        &mut self,
        request: &OutRequest,
        path: &str,
        now: i64,
    ) -> Option<Answer> {
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        if segments.first() != Some(&"app") {
            return None;
        }
        if let Err(why) = self.check_jwt(bearer(request).unwrap_or_default(), now) {
            return Some(refuse(401, why));
        }
        let id = segments.get(2).and_then(|id| id.parse().ok());
        let found = id.and_then(|id| Some((id, self.app.installations.get(&id)?)));
        Some(match (request.method, segments.as_slice(), found) {
            ("GET", ["app"], _) => {
                let app = json!({
                    "id": APP_ID, "slug": "acme-packages", "name": "Acme Packages", "client_id": CLIENT_ID,
                    "html_url": "https://github.com/apps/acme-packages", "permissions": self.app.permissions,
                    "events": ["push", "create", "delete", "repository"],
                });
                Answer::new(200, app.to_string())
            }
            ("GET", ["app", "installations"], _) => {
                let installations = self.app.installations.iter();
                let listed: Vec<_> = installations
                    .map(|(id, one)| self.describe(*id, one))
                    .collect();
                Answer::new(200, Value::from(listed).to_string())
            }
            ("GET", ["app", "installations", _], Some((id, one))) => {
                Answer::new(200, self.describe(id, one).to_string())
            }
            ("POST", ["app", "installations", _, "access_tokens"], Some((_, one)))
                if one.is_suspended =>
            {
                refuse(403, "This installation has been suspended")
            }
            ("POST", ["app", "installations", _, "access_tokens"], Some((id, _))) => {
                self.app.made += 1;
                let token = format!("ghs_{APP_ID}_{}_", self.app.made);
                let token = format!("{token:x<width$}", width = self.app.token_length);
                self.app.tokens.insert(token.clone(), (id, now + LIFETIME));
                let body = json!({"token": token, "expires_at": rfc3339(now + LIFETIME)});
                Answer::new(201, body.to_string())
            }
            ("PATCH", ["app", "hook", "config"], _) => {
                let sent: Value = serde_json::from_slice(&request.body).unwrap();
                self.app.hook_secret = sent["secret"].as_str().map(str::to_owned);
                Answer::new(200, json!({"secret": "********"}).to_string())
            }
            _ => refuse(404, "Not Found"),
        })
    }

    fn describe(&self, id: i64, one: &InstallationDouble) -> Value {
        json!({
            "id": id, "account": {"login": one.account, "id": id * 10, "type": "Organization"},
            "target_type": "Organization", "repository_selection": "selected", "permissions": self.app.permissions,
            "html_url": format!("https://github.com/organizations/{}/settings/installations/{id}", one.account),
            "suspended_at": one.is_suspended.then_some("2026-11-01T00:00:00Z"),
        })
    }

    /// Why a JSON Web Token is not taken, as GitHub says it.
    fn check_jwt(&self, token: &str, now: i64) -> Result<(), &'static str> {
        const UNREADABLE: &str = "A JSON web token could not be decoded";
        let (signed, signature) = token.rsplit_once('.').ok_or(UNREADABLE)?;
        let (header, claims) = signed.split_once('.').ok_or(UNREADABLE)?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| UNREADABLE);
        let read = |part: &str| -> Result<Value, &'static str> {
            serde_json::from_slice(&decode(part)?).map_err(|_| UNREADABLE)
        };
        if read(header)?["alg"] != "RS256" {
            return Err(UNREADABLE);
        }
        let signature = decode(signature)?;
        let is_signed = self.app.keys.iter().any(|pem| {
            let public = public_key(pem);
            let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public);
            key.verify(signed.as_bytes(), &signature).is_ok()
        });
        if !is_signed {
            return Err(UNREADABLE);
        }
        let claims = read(claims)?;
        if claims["iss"] != CLIENT_ID && claims["iss"] != APP_ID {
            return Err("Integration not found");
        }
        let (made, ends) = (
            claims["iat"].as_i64().unwrap(),
            claims["exp"].as_i64().unwrap(),
        );
        if made > now {
            return Err(
                "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
            );
        }
        if ends <= now || ends > now + 600 {
            return Err("'Expiration time' claim ('exp') is too far in the future");
        }
        Ok(())
    }

    /// The repositories of the installation whose token asks.
    pub(crate) fn list_given(&self, reach: &Reach) -> Answer {
        let Reach::Projects(given) = reach else {
            return refuse(
                403,
                "You must authenticate with an installation access token",
            );
        };
        let repositories: Vec<_> = self
            .projects
            .iter()
            .filter(|(id, _)| given.contains(id))
            .map(|(id, project)| {
                let name = &project.full_name;
                json!({
                    "id": id, "full_name": name, "default_branch": "main", "private": true,
                    "html_url": format!("https://github.com/{name}"),
                    "clone_url": format!("https://github.com/{name}.git"),
                })
            })
            .collect();
        let body = json!({"total_count": repositories.len(), "repositories": repositories});
        Answer::new(200, body.to_string())
    }

    /// GraphQL, for the one query that is asked.
    pub(crate) fn answer_graphql(&self, request: &OutRequest, reach: &Reach) -> Answer {
        let asked: Value = serde_json::from_slice(&request.body).unwrap();
        let query = asked["query"].as_str().unwrap();
        assert_eq!(
            query.matches('{').count(),
            query.matches('}').count(),
            "{query}"
        );
        for part in [
            "query($owner:String!,$name:String!){repository(owner:$owner,name:$name){databaseId}",
            "commits:repository(owner:$owner,name:$name){",
            "fragment facts on Commit{oid committedDate file(path:\"composer.json\"){mode object{...on Blob{oid text}}}}",
        ] {
            assert!(query.contains(part), "{query}");
        }
        let objects: Vec<_> = query
            .split(":object(oid:\"")
            .skip(1)
            .map(|rest| rest.split_once("\"){...facts}").unwrap().0)
            .collect();
        match self.graphql {
            GraphQl::Refused(status) => return refuse(status, "no"),
            GraphQl::Failing => {
                let errors = json!({"data": null, "errors": [{"message": "Something went wrong"}]});
                return Answer::new(200, errors.to_string());
            }
            GraphQl::Slow(most) if objects.len() > most => return Answer::new(502, "<html>"),
            GraphQl::Spent => {
                return refuse(403, "API rate limit exceeded")
                    .with("x-ratelimit-resource", "graphql")
                    .with("x-ratelimit-remaining", "0")
                    .with("x-ratelimit-reset", "9999999999");
            }
            GraphQl::Working | GraphQl::Slow(_) | GraphQl::Elsewhere => {}
        }
        assert!(objects.len() <= 100, "GitHub takes no more");
        let variables = &asked["variables"];
        let text = |name: &str| variables[name].as_str().unwrap();
        let full_name = format!("{}/{}", text("owner"), text("name"));
        let mut projects = self.projects.iter();
        let found =
            projects.find(|(id, project)| project.full_name == full_name && reach.has(**id));
        let Some((id, project)) = found else {
            let errors =
                [json!({"type": "NOT_FOUND", "message": "Could not resolve to a Repository"})];
            let body = json!({"data": {"repository": null, "commits": null}, "errors": errors});
            return Answer::new(200, body.to_string());
        };
        let id = if self.graphql == GraphQl::Elsewhere {
            99
        } else {
            *id
        };
        let commits: Map<String, Value> = objects
            .iter()
            .enumerate()
            .map(|(number, oid)| {
                let commit = project.manifests().get(oid).map(|(manifest, odd)| {
                    let file = manifest.as_ref().map(|text| file(text, *odd));
                    json!({"oid": oid, "committedDate": "2026-11-01T12:00:00Z", "file": file})
                });
                (format!("c{number}"), commit.into())
            })
            .collect();
        let body = json!({"data": {"repository": {"databaseId": id}, "commits": commits}});
        Answer::new(200, body.to_string())
    }
}

fn file(text: &str, odd: Option<Odd>) -> Value {
    let id = |text: &str| hex::encode(Sha1::digest(format!("blob {}\0{text}", text.len())));
    match odd {
        None => json!({"mode": 33_188, "object": {"oid": id(text), "text": text}}),
        Some(Odd::Link) => {
            json!({"mode": 40_960, "object": {"oid": id("other.json"), "text": "other.json"}})
        }
        Some(Odd::Truncated) => {
            json!({"mode": 33_188, "object": {"oid": id(text), "text": &text[..text.len() / 2]}})
        }
        Some(Odd::Binary) => json!({"mode": 33_188, "object": {"oid": id(text), "text": null}}),
        Some(Odd::Converted) => {
            json!({"mode": 33_188, "object": {"oid": id(text), "text": format!("{text} ")}})
        }
    }
}

/// What GitHub keeps of a private key.
fn public_key(pem: &str) -> Vec<u8> {
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let key = RsaKeyPair::from_der(&STANDARD.decode(base64).unwrap()).unwrap();
    key.public_key().as_ref().to_vec()
}

// What is done with all of it at the registry.

pub(crate) const APPS: &str = "/api/v1/orgs/acme/github-apps";
pub(crate) const CONNECTIONS: &str = "/api/v1/orgs/acme/connections";

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// A registry with a project that installation 7 was given.
pub(crate) fn installed() -> TestRegistry {
    let registry = TestRegistry::new();
    registry.make_project();
    let mut github = registry.world.github.borrow_mut();
    github.install(7, "acme", &[41]);
    drop(github);
    registry
}

pub(crate) fn add_app(registry: &TestRegistry) -> Value {
    let asked = json!({"client_id": CLIENT_ID, "private_key": APP_KEY});
    registry.admin().post(APPS, &asked).expect(201).json()
}

/// Adds the app and connects installation 7; gives the app's id and the connection's.
pub(crate) fn connect(registry: &TestRegistry) -> (String, String) {
    let github_app = text(&add_app(registry)["id"]);
    let asked = json!({"provider": "github", "github_app": github_app, "installation": 7});
    let made = registry.admin().post(CONNECTIONS, &asked).expect(201);
    (github_app, text(&made.json()["id"]))
}

pub(crate) fn import(registry: &TestRegistry, connection: &str) {
    let asked = json!({"connection": connection, "project": PROJECT, "repository": "main"});
    registry
        .admin()
        .post("/api/v1/orgs/acme/packages", &asked)
        .expect(202);
}

/// How many tokens GitHub was asked for.
pub(crate) fn tokens_made(registry: &TestRegistry) -> usize {
    let github = registry.world.github.borrow();
    let seen = github.seen.iter();
    seen.filter(|one| one.contains("/access_tokens 201"))
        .count()
}
