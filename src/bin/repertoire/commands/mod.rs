//! The commands, an area a file. Each turns what was said into a call and shows the answer.

pub(crate) mod api;
pub(crate) mod audit;
pub(crate) mod collections;
pub(crate) mod composer;
pub(crate) mod connections;
pub(crate) mod customers;
pub(crate) mod grants;
pub(crate) mod imports;
pub(crate) mod jobs;
pub(crate) mod packages;
pub(crate) mod people;
pub(crate) mod repositories;
pub(crate) mod shell;
pub(crate) mod sign_in;
pub(crate) mod tokens;

use crate::arguments::{Arguments, Command};
use crate::context::Context;
use crate::failure::Result;
use crate::output::Output;

/// Does what was asked.
pub(crate) fn run(arguments: Arguments, output: &Output) -> Result {
    let Arguments { global, command } = arguments;
    // These need nobody to be signed in.
    match command {
        Command::Login(login) => return sign_in::login(&global, output, login),
        Command::Logout => return sign_in::logout(&global, output),
        Command::Profiles(command) => return sign_in::profiles(output, command),
        Command::Completions { shell } => return shell::complete(output, shell),
        Command::Man { folder } => return shell::manual(output, folder.as_deref()),
        _ => {}
    }
    let context = Context::new(&global, output)?;
    match command {
        Command::Whoami => sign_in::whoami(&context),
        Command::Orgs(command) => repositories::organisations(&context, command),
        Command::Repositories(command) => repositories::repositories(&context, command),
        Command::Packages(command) => packages::run(&context, command),
        Command::Connections(command) => connections::run(&context, command),
        Command::Imports(command) => imports::run(&context, command),
        Command::Tokens(command) => tokens::run(&context, command),
        Command::People(command) => people::people(&context, command),
        Command::Invitations(command) => people::invitations(&context, command),
        Command::Teams(command) => people::teams(&context, command),
        Command::Customers(command) => customers::run(&context, command),
        Command::Collections(command) => collections::run(&context, command),
        Command::Grants(command) => grants::run(&context, command),
        Command::Jobs(command) => jobs::jobs(&context, command),
        Command::Deliveries(command) => jobs::deliveries(&context, command),
        Command::Audit(command) => audit::run(&context, command),
        Command::Composer {
            repository,
            package,
        } => composer::print_commands(&context, &repository, package.as_deref()),
        Command::Api(arguments) => api::run(&context, arguments),
        Command::Login(_)
        | Command::Logout
        | Command::Profiles(_)
        | Command::Completions { .. }
        | Command::Man { .. } => Ok(()),
    }
}

/// Asks a person to type something again before it is done for good, unless it was said on the command line already.
pub(crate) fn confirm(given: Option<String>, what: &str, loses: &str) -> Result<String> {
    use std::io::{IsTerminal, Write, stderr, stdin};

    use crate::failure::Failure;
    if let Some(given) = given {
        return Ok(given);
    }
    if !stdin().is_terminal() {
        return Err(Failure::usage(format!(
            "{loses} Say so by `--confirm '{what}'`"
        )));
    }
    let _ = write!(stderr(), "{loses} Type `{what}` to go on: ");
    let mut line = String::new();
    stdin()
        .read_line(&mut line)
        .map_err(|error| Failure::failed(format!("The terminal cannot be read: {error}")))?;
    Ok(line.trim().to_owned())
}
