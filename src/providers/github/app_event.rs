//! The webhooks of a GitHub App. One address hears of all its installations, so each delivery says of which.

use serde::Deserialize;

use crate::error::Result;
use crate::providers::{EventProject, header, payload};

/// A verified delivery at an app's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppDelivery {
    /// The installation it is about; none for what is about the app itself, such as a ping.
    pub installation: Option<i64>,
    /// The account of the installation, where the delivery names it.
    pub account: Option<String>,
    /// What happened to the installation; none when it is about a repository of it, as any other webhook.
    pub change: Option<InstallationChange>,
}

/// What happened to an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstallationChange {
    /// The app was installed, or new permissions were granted; with these repositories, where it says so.
    Granted(Vec<EventProject>),
    /// It was uninstalled.
    Deleted,
    /// It was stopped for a while.
    Suspended,
    /// It goes on.
    Unsuspended,
    /// Repositories were given to it or taken from it.
    Repositories {
        /// Those that it may see from now on.
        added: Vec<EventProject>,
        /// Those that it may see no more.
        removed: Vec<EventProject>,
    },
    /// Its account has another name.
    Renamed,
    /// Something that changes nothing here, in words.
    Other(String),
}

#[derive(Deserialize)]
struct Payload {
    #[serde(default)]
    action: Option<String>,
    #[serde(default)]
    installation: Option<Installed>,
    /// Of an `installation_target` event.
    #[serde(default)]
    account: Option<Owner>,
    /// Of an `installation` event; GitHub leaves them out where it gives all.
    #[serde(default)]
    repositories: Option<Vec<Repository>>,
    #[serde(default)]
    repositories_added: Vec<Repository>,
    #[serde(default)]
    repositories_removed: Vec<Repository>,
}

#[derive(Deserialize)]
struct Installed {
    id: i64,
    #[serde(default)]
    account: Option<Owner>,
}

#[derive(Deserialize)]
struct Owner {
    #[serde(default, alias = "slug")]
    login: Option<String>,
}

#[derive(Deserialize)]
struct Repository {
    id: u64,
    #[serde(default)]
    full_name: String,
}

impl From<Repository> for EventProject {
    fn from(repository: Repository) -> Self {
        Self {
            provider_id: repository.id.to_string(),
            full_name: repository.full_name,
        }
    }
}

fn projects(repositories: Vec<Repository>) -> Vec<EventProject> {
    repositories.into_iter().map(Into::into).collect()
}

/// What a delivery at an app's address is about. Names of `headers` are in lower case; `body` is raw and verified.
pub fn read_app_delivery(headers: &[(String, String)], body: &[u8]) -> Result<AppDelivery> {
    let event = header(headers, "x-github-event").unwrap_or_default();
    let payload: Payload = payload::read("GitHub", headers, body)?;
    let action = payload.action.as_deref().unwrap_or_default();
    let change = match (event, action) {
        ("installation", "created" | "new_permissions_accepted") => {
            let given = payload.repositories.unwrap_or_default();
            Some(InstallationChange::Granted(projects(given)))
        }
        ("installation", "deleted") => Some(InstallationChange::Deleted),
        ("installation", "suspend") => Some(InstallationChange::Suspended),
        ("installation", "unsuspend") => Some(InstallationChange::Unsuspended),
        ("installation_repositories", _) => Some(InstallationChange::Repositories {
            added: projects(payload.repositories_added),
            removed: projects(payload.repositories_removed),
        }),
        ("installation_target", "renamed") => Some(InstallationChange::Renamed),
        ("installation" | "installation_target", other) => {
            Some(InstallationChange::Other(format!(
                "nothing to do for `{event}` events that say `{}`",
                other.escape_debug()
            )))
        }
        _ => None,
    };
    let installed = payload.installation;
    let named = installed.as_ref().and_then(|one| one.account.as_ref());
    let account = payload
        .account
        .as_ref()
        .filter(|_| event == "installation_target")
        .or(named)
        .and_then(|owner| owner.login.clone())
        .filter(|login| !login.is_empty());
    Ok(AppDelivery {
        installation: installed.map(|installed| installed.id),
        account,
        change,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorKind;

    fn read(event: &str, body: &str) -> Result<AppDelivery> {
        let headers = [("x-github-event".to_owned(), event.to_owned())];
        read_app_delivery(&headers, body.as_bytes())
    }

    fn project(id: u64, full_name: &str) -> EventProject {
        EventProject {
            provider_id: id.to_string(),
            full_name: full_name.to_owned(),
        }
    }

    #[test]
    fn what_happened_to_an_installation_is_told_apart() {
        let granted = || InstallationChange::Granted(vec![project(1, "acme/lib")]);
        for (event, action, change) in [
            ("installation", "created", granted()),
            ("installation", "new_permissions_accepted", granted()),
            ("installation", "deleted", InstallationChange::Deleted),
            ("installation", "suspend", InstallationChange::Suspended),
            ("installation", "unsuspend", InstallationChange::Unsuspended),
        ] {
            let body = format!(
                r#"{{"action":"{action}","installation":{{"id":7,"account":{{"login":"acme","id":1}}}},"repositories":[{{"id":1,"full_name":"acme/lib"}}]}}"#
            );
            let delivery = AppDelivery {
                installation: Some(7),
                account: Some("acme".to_owned()),
                change: Some(change),
            };
            assert_eq!(read(event, &body).unwrap(), delivery);
        }
        let other = read(
            "installation",
            r#"{"action":"<x>","installation":{"id":7}}"#,
        );
        let other = other.unwrap().change;
        assert!(
            matches!(other, Some(InstallationChange::Other(_))),
            "{other:?}"
        );
    }

    #[test]
    fn repositories_that_come_and_go_are_named() {
        let body = r#"{"action":"added","installation":{"id":7},"repositories_added":[{"id":41,"full_name":"acme/lib"},{"id":42}],"repositories_removed":[{"id":43}]}"#;
        let change = InstallationChange::Repositories {
            added: vec![project(41, "acme/lib"), project(42, "")],
            removed: vec![project(43, "")],
        };
        assert_eq!(
            read("installation_repositories", body).unwrap().change,
            Some(change)
        );
        let all = r#"{"action":"created","installation":{"id":7},"repositories":null}"#;
        assert_eq!(
            read("installation", all).unwrap().change,
            Some(InstallationChange::Granted(Vec::new()))
        );
    }

    #[test]
    fn a_renamed_account_is_told_by_its_new_name() {
        let body = r#"{"action":"renamed","account":{"login":"acme-new"},"changes":{"login":{"from":"acme"}},"installation":{"id":7},"target_type":"Organization"}"#;
        let delivery = read("installation_target", body).unwrap();
        assert_eq!(delivery.change, Some(InstallationChange::Renamed));
        assert_eq!(delivery.account.as_deref(), Some("acme-new"));
    }

    #[test]
    fn what_is_about_a_repository_names_its_installation_only() {
        let body = r#"{"ref":"refs/heads/main","repository":{"id":41,"full_name":"acme/lib"},"installation":{"id":7,"node_id":"x"},"account":{"login":"other"}}"#;
        let delivery = AppDelivery {
            installation: Some(7),
            account: None,
            change: None,
        };
        assert_eq!(read("push", body).unwrap(), delivery);
        let ping = read("ping", r#"{"zen":"x","hook":{"app_id":1}}"#).unwrap();
        assert_eq!(ping.installation, None);
        for broken in [
            "",
            r#"{"installation":{}}"#,
            r#"{"installation":{"id":"7"}}"#,
        ] {
            assert_eq!(read("push", broken).unwrap_err().kind(), ErrorKind::Invalid);
        }
    }

    proptest! {
        #[test]
        fn any_delivery_is_read_or_refused(
            event in ".{0,30}",
            body in proptest::collection::vec(any::<u8>(), 0..200),
            cut in any::<proptest::sample::Index>(),
        ) {
            let whole = r#"{"action":"added","installation":{"id":7,"account":{"login":"x"}},"repositories_added":[{"id":1}]}"#;
            let near = &whole.as_bytes()[..cut.index(whole.len())];
            let headers = [("x-github-event".to_owned(), event)];
            let _ = read_app_delivery(&headers, &body);
            prop_assert!(read_app_delivery(&headers, near).is_err());
        }
    }
}
