//! What to paste so that Composer installs from a repository.

use serde_json::Value;

use crate::calls::SHOW_REPOSITORY;
use crate::context::Context;
use crate::failure::{Failure, Result};

/// Prints three commands. The token stands in the environment: who reads over a shoulder, or a log, sees none.
pub(crate) fn print_commands(
    context: &Context<'_>,
    repository: &str,
    package: Option<&str>,
) -> Result {
    let shown = context.call(SHOW_REPOSITORY, &[repository])?.json()?;
    let url = shown.get("url").and_then(Value::as_str).unwrap_or_default();
    let (scheme, rest) = url
        .split_once("://")
        .ok_or_else(|| Failure::failed("The repository has no address"))?;
    let host = rest.split('/').next().unwrap_or_default();
    let package = package.unwrap_or("<vendor>/<package>");
    let mut commands = vec![
        format!("composer config repositories.{repository} composer {url}"),
        format!("composer config http-basic.{host} token \"$TOKEN\""),
        format!("composer require {package}"),
    ];
    // Composer refuses http, for this machine too, until it is told otherwise.
    if scheme == "http" {
        commands.insert(0, "composer config secure-http false".to_owned());
    }
    if context.output.json {
        return context.output.value(&Value::from(commands));
    }
    context
        .output
        .note("TOKEN is one that reads: `repertoire tokens create --name ci --access read`");
    commands
        .iter()
        .try_for_each(|command| context.output.line(command))
}
