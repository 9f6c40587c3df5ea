//! What can be said on the command line. The words here are the help that people read.

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::commands::{
    api::ApiArguments,
    audit::AuditCommand,
    collections::CollectionsCommand,
    connections::ConnectionsCommand,
    customers::CustomersCommand,
    grants::GrantsCommand,
    imports::ImportsCommand,
    jobs::{DeliveriesCommand, JobsCommand},
    packages::PackagesCommand,
    people::{InvitationsCommand, PeopleCommand, TeamsCommand},
    repositories::{OrganisationsCommand, RepositoriesCommand},
    sign_in::{LoginArguments, ProfilesCommand},
    tokens::TokensCommand,
};

const AFTER: &str = "\
Exit codes: 0 done; 1 it failed; 2 it was asked for wrongly; 3 not signed in, or not allowed; 4 not found; 5 conflict; \
6 the registry cannot be reached, or takes too long.

Environment: REPERTOIRE_URL and REPERTOIRE_TOKEN win over who is signed in; REPERTOIRE_ORG, REPERTOIRE_PROFILE, \
REPERTOIRE_CONFIG_DIR, NO_COLOR.";

/// The command line for a Repertoire registry: private Composer packages at the edge.
#[derive(Debug, Parser)]
#[command(name = "repertoire", version, after_help = AFTER)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What goes with every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// Print exactly what the API answers; of lists all pages as one array
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print results and errors alone
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Print without colours
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
    /// The organisation, in place of the one of the profile
    #[arg(long, global = true, env = "REPERTOIRE_ORG", value_name = "SLUG")]
    pub(crate) org: Option<String>,
    /// The address of the registry, in place of the one of the profile
    #[arg(long, global = true, env = "REPERTOIRE_URL", value_name = "ADDRESS")]
    pub(crate) url: Option<String>,
    /// Another profile than the current one
    #[arg(long, global = true, env = "REPERTOIRE_PROFILE", value_name = "NAME")]
    pub(crate) profile: Option<String>,
}

/// How much of a list is shown.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Length {
    /// Show at most so many
    #[arg(long, value_name = "ROWS")]
    pub(crate) limit: Option<usize>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Sign in: checks a token and keeps it in a file that you alone may read
    Login(LoginArguments),
    /// Forget a token that is kept; it stays valid until it is revoked
    Logout,
    /// Say who is signed in, and what the token can do
    Whoami,
    /// Where you are signed in
    #[command(subcommand)]
    Profiles(ProfilesCommand),
    /// Organisations
    #[command(subcommand)]
    Orgs(OrganisationsCommand),
    /// Repositories of an organisation
    #[command(subcommand)]
    Repositories(RepositoriesCommand),
    /// Packages: added, synced, their versions and settings
    #[command(subcommand)]
    Packages(PackagesCommand),
    /// Connections to git hosts
    #[command(subcommand)]
    Connections(ConnectionsCommand),
    /// Imports of many projects
    #[command(subcommand)]
    Imports(ImportsCommand),
    /// Tokens of machines and your own
    #[command(subcommand)]
    Tokens(TokensCommand),
    /// The people of an organisation
    #[command(subcommand)]
    People(PeopleCommand),
    /// Invitations to an organisation
    #[command(subcommand)]
    Invitations(InvitationsCommand),
    /// Teams, which grants are given to
    #[command(subcommand)]
    Teams(TeamsCommand),
    /// Whom packages are sold to
    #[command(subcommand)]
    Customers(CustomersCommand),
    /// Named sets of packages
    #[command(subcommand)]
    Collections(CollectionsCommand),
    /// Who may see what
    #[command(subcommand)]
    Grants(GrantsCommand),
    /// Comparisons with git repositories
    #[command(subcommand)]
    Jobs(JobsCommand),
    /// Webhooks that were delivered
    #[command(subcommand)]
    Deliveries(DeliveriesCommand),
    /// Who changed what
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Print the commands by which Composer installs from a repository
    Composer {
        /// The repository
        repository: String,
        /// A package to require
        package: Option<String>,
    },
    /// Make any call of the API
    Api(ApiArguments),
    /// Print a script that completes commands in a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, or write one for each command into a folder
    Man {
        /// Where to
        folder: Option<std::path::PathBuf>,
    },
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory};

    use super::*;

    #[test]
    fn what_can_be_said_contradicts_itself_nowhere() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn everything_has_its_line_of_help() {
        fn look(command: &Command) {
            let name = command.get_name();
            assert!(command.get_about().is_some(), "{name}");
            for argument in command.get_arguments() {
                assert!(
                    argument.get_help().is_some(),
                    "{name} {}",
                    argument.get_id()
                );
            }
            command.get_subcommands().for_each(look);
        }
        look(&Arguments::command());
    }
}
