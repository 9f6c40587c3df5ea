//! What puts a new token to use, for each place where Composer runs.

use serde_json::{Value, json};

use crate::app::App;
use crate::store::repositories::Repository;

/// So many repositories are added by the commands that are shown.
const SHOWN: usize = 5;

/// Something to copy.
pub(super) struct Recipe {
    /// Where it is for.
    pub(super) title: &'static str,
    /// What it does.
    pub(super) why: &'static str,
    /// The lines.
    pub(super) code: String,
}

/// The recipes for a token that reads these repositories. It stands in those that people type at home; CI keeps it as a
/// secret, which the files only name.
pub(super) fn recipes(app: &App, repositories: &[&Repository], token: &str) -> Vec<Recipe> {
    let mut hosts: Vec<String> = Vec::new();
    let mut commands = Vec::new();
    for repository in repositories.iter().take(SHOWN) {
        let url = repository.address(&app.config.public_url);
        commands.push(format!(
            "composer config repositories.{} composer {url}",
            repository.slug
        ));
        let host = host_of(&url);
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    if hosts.is_empty() {
        hosts.push(host_of(&app.config.public_url));
    }
    commands.extend(
        hosts
            .iter()
            .map(|host| format!("composer config --global --auth http-basic.{host} token {token}")),
    );
    let auth = |password: &str| {
        let logins = hosts.iter().map(|host| {
            let login = json!({"username": "token", "password": password});
            (host.clone(), login)
        });
        json!({"http-basic": Value::Object(logins.collect())})
    };
    let recipe = |title, why, code| Recipe { title, why, code };
    let file = serde_json::to_string_pretty(&auth(token)).unwrap_or_default();
    vec![
        recipe(
            "Composer",
            "In the folder of a project, once. The token is kept in your own settings and not in the project.",
            commands.join("\n"),
        ),
        recipe(
            "auth.json",
            "Beside composer.json where a file is easier to hand over. Keep it out of git.",
            file,
        ),
        recipe(
            "GitHub Actions",
            "Keep the token as the secret COMPOSER_TOKEN of the project or of the organisation.",
            format!(
                "- run: composer install --no-interaction\n  env:\n    COMPOSER_AUTH: '{}'",
                auth("${{ secrets.COMPOSER_TOKEN }}")
            ),
        ),
        recipe(
            "GitLab CI",
            "Keep the token as the masked variable COMPOSER_TOKEN of the project or of the group.",
            format!(
                "install:\n  image: composer:2\n  variables:\n    COMPOSER_AUTH: '{}'\n  script:\n    - composer install \
                 --no-interaction",
                auth("$COMPOSER_TOKEN")
            ),
        ),
        recipe(
            "Docker",
            "The file is there while the image is built, and is in none of its layers. First the line of the Dockerfile, \
             then the command.",
            "RUN --mount=type=secret,id=composer_auth,target=/app/auth.json composer install --no-dev\n\ndocker build \
             --secret id=composer_auth,src=auth.json ."
                .to_owned(),
        ),
    ]
}

/// What Composer keeps credentials by: a host, with its port if it has one.
fn host_of(url: &str) -> String {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    host.split('/').next().unwrap_or_default().to_owned()
}
