//! What is typed or written to use a repository: at a terminal, in auth.json, and in the usual systems.

use serde_json::json;

/// For one repository and one token.
pub(super) struct Commands {
    pub(super) add: String,
    pub(super) sign_in: String,
    pub(super) require: String,
    pub(super) auth_json: String,
    pub(super) composer_json: String,
    pub(super) github: String,
    pub(super) gitlab: String,
    pub(super) docker: String,
    pub(super) docker_build: String,
}

impl Commands {
    /// `url` is the repository's address, `token` the token or what stands in its place.
    pub(super) fn of(repository: &str, url: &str, token: &str, package: &str) -> Self {
        // Composer keeps credentials by host, and a port belongs to it.
        let host = url.split_once("://").map_or(url, |(_, rest)| rest);
        let host = host.split('/').next().unwrap_or_default();
        let pretty =
            |value: &serde_json::Value| serde_json::to_string_pretty(value).unwrap_or_default();
        let secret = |name: &str| {
            format!(
                r#"{{"http-basic": {{"{host}": {{"username": "token", "password": "{name}"}}}}}}"#
            )
        };
        Self {
            add: format!("composer config repositories.{repository} composer {url}"),
            sign_in: format!("composer config --auth http-basic.{host} token {token}"),
            require: format!("composer require {package}"),
            auth_json: pretty(&json!({
                "http-basic": {host: {"username": "token", "password": token}}
            })),
            composer_json: pretty(&json!({
                "repositories": {repository: {"type": "composer", "url": url}}
            })),
            github: format!(
                "- run: composer install --no-interaction\n  env:\n    COMPOSER_AUTH: '{}'",
                secret("${{ secrets.REPERTOIRE_TOKEN }}")
            ),
            gitlab: format!(
                "install:\n  variables:\n    COMPOSER_AUTH: '{}'\n  script:\n    - composer install --no-interaction",
                secret("$REPERTOIRE_TOKEN")
            ),
            docker: "# syntax=docker/dockerfile:1\nRUN --mount=type=secret,id=composer_auth,env=COMPOSER_AUTH \\\n    \
                     composer install --no-dev --no-interaction"
                .to_owned(),
            docker_build: "docker build --secret id=composer_auth,src=auth.json .".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_for_the_host_with_its_port() {
        let commands = Commands::of("main", "http://localhost:8787/r/a/main", "T", "acme/lib");
        assert_eq!(
            commands.sign_in,
            "composer config --auth http-basic.localhost:8787 token T"
        );
        let auth: serde_json::Value = serde_json::from_str(&commands.auth_json).unwrap();
        assert_eq!(auth["http-basic"]["localhost:8787"]["password"], "T");
        for written in [&commands.github, &commands.gitlab] {
            let json = written.split('\'').nth(1).unwrap();
            let auth: serde_json::Value = serde_json::from_str(json).unwrap();
            let password = &auth["http-basic"]["localhost:8787"]["password"];
            // A machine's token is kept by the system that it works for.
            assert!(password.as_str().unwrap().contains("REPERTOIRE_TOKEN"));
        }
        assert!(commands.require.ends_with("acme/lib"));
    }
}
