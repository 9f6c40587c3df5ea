//! Connections to git hosts. Their tokens are asked for, or read from standard input, and never from the command line.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::arguments::Length;
use crate::calls::{
    ADD_CONNECTION, CONNECTIONS, DELETE_CONNECTION, PROJECTS, ROTATE_WEBHOOK_SECRET,
    SHOW_CONNECTION, UPDATE_CONNECTION,
};
use crate::commands::confirm;
use crate::commands::imports::{Which, preview};
use crate::commands::repositories::spell;
use crate::context::{Context, body};
use crate::failure::Result;
use crate::secret::{Secret, ask};

/// What there is to do with connections.
#[derive(Debug, Subcommand)]
pub(crate) enum ConnectionsCommand {
    /// List them
    List(Length),
    /// Show one with its webhook
    Show {
        /// Its id
        id: String,
    },
    /// Connect a git host; its token is asked for and tried
    Add(AddArguments),
    /// Change one
    Update {
        /// Its id
        id: String,
        #[command(flatten)]
        change: Change,
    },
    /// Delete one with its webhooks and secrets, for good
    Delete {
        /// Its id
        id: String,
        /// Let the packages that come through it stay as they are
        #[arg(long)]
        keep_packages: bool,
        /// Provider and account, typed again: 'github acme-bot'
        #[arg(long, value_name = "TEXT")]
        confirm: Option<String>,
    },
    /// Give its webhooks another secret, which is shown once
    RotateSecret {
        /// Its id
        id: String,
        /// For how many hours the one of before is accepted as well
        #[arg(long, value_name = "HOURS", default_value_t = 24)]
        overlap: u8,
    },
    /// List the projects that its token reaches
    Projects {
        /// Its id
        id: String,
        /// A part of the name
        #[arg(long)]
        search: Option<String>,
        #[command(flatten)]
        length: Length,
    },
    /// Say what an import of projects would add
    Try {
        /// Its id
        id: String,
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        length: Length,
    },
}

/// A host to be connected.
#[derive(Debug, Args)]
pub(crate) struct AddArguments {
    /// What the host is: github, gitlab, gitea, forgejo, bitbucket, bitbucket-server or git
    provider: String,
    /// The address, of a host of one's own
    #[arg(long, value_name = "ADDRESS")]
    base_url: Option<String>,
    /// The user name that goes with the token, where the host wants one
    #[arg(long)]
    username: Option<String>,
    /// Read the host's token from standard input
    #[arg(long, conflicts_with_all = ["no_token", "github_app"])]
    with_token: bool,
    /// Read as everybody may; for plain git
    #[arg(long)]
    no_token: bool,
    /// A GitHub App of the organisation, in place of a token
    #[arg(long, value_name = "ID", requires = "installation")]
    github_app: Option<String>,
    /// The installation of that app
    #[arg(long, value_name = "NUMBER", requires = "github_app")]
    installation: Option<u64>,
    /// Who registers webhooks
    #[arg(long)]
    hooks: Option<Hooks>,
}

/// What becomes different.
#[derive(Debug, Args)]
pub(crate) struct Change {
    /// Another token, asked for, or read from standard input where there is no terminal
    #[arg(long)]
    token: bool,
    /// Another user name to go with the token
    #[arg(long)]
    username: Option<String>,
    /// Who registers webhooks
    #[arg(long)]
    hooks: Option<Hooks>,
    /// Hours between two scheduled comparisons of a project, 1 to 168
    #[arg(long, value_name = "HOURS")]
    reconcile_hours: Option<u32>,
}

/// Who registers webhooks.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Hooks {
    /// The registry, where the token may
    Automatic,
    /// You
    Manual,
}

pub(crate) fn run(context: &Context<'_>, command: ConnectionsCommand) -> Result {
    match command {
        ConnectionsCommand::List(length) => context.list(&CONNECTIONS, &[], &[], length.limit),
        ConnectionsCommand::Show { id } => context.run(SHOW_CONNECTION, &[&id]),
        ConnectionsCommand::Add(arguments) => add(context, arguments),
        ConnectionsCommand::Update { id, change } => {
            let token = if change.token {
                Some(ask("Token of the git host", false)?)
            } else {
                None
            };
            let body = body(
                vec![
                    ("token", token.as_ref().map(|token| token.reveal().into())),
                    ("username", change.username.map(Value::from)),
                    ("hooks", change.hooks.map(|hooks| spell(&hooks).into())),
                    ("reconcile_hours", change.reconcile_hours.map(Value::from)),
                ],
                &[],
            );
            context.change(UPDATE_CONNECTION, &[&id], &body)
        }
        ConnectionsCommand::Delete {
            id,
            keep_packages,
            confirm,
        } => delete(context, &id, keep_packages, confirm),
        ConnectionsCommand::RotateSecret { id, overlap } => {
            let body = json!({ "overlap_hours": overlap });
            context.run_with(ROTATE_WEBHOOK_SECRET, &[&id], &body)
        }
        ConnectionsCommand::Projects { id, search, length } => context.list(
            &PROJECTS,
            &[&id],
            &[("search", search.as_deref())],
            length.limit,
        ),
        ConnectionsCommand::Try { id, which, length } => {
            preview(context, &id, &which, length.limit)
        }
    }
}

fn add(context: &Context<'_>, arguments: AddArguments) -> Result {
    let is_without = arguments.no_token || arguments.github_app.is_some();
    let token = if is_without {
        None
    } else {
        Some(ask("Token of the git host", arguments.with_token)?)
    };
    let body = body(
        vec![
            ("provider", Some(arguments.provider.into())),
            ("base_url", arguments.base_url.map(Value::from)),
            ("username", arguments.username.map(Value::from)),
            ("token", token.as_ref().map(Secret::reveal).map(Value::from)),
            ("github_app", arguments.github_app.map(Value::from)),
            ("installation", arguments.installation.map(Value::from)),
            ("hooks", arguments.hooks.map(|hooks| spell(&hooks).into())),
        ],
        &[],
    );
    context
        .output
        .note("What the webhook is signed with is shown this once.");
    context.run_with(ADD_CONNECTION, &[], &body)
}

/// Deletes a connection whose provider and account were typed again.
fn delete(
    context: &Context<'_>,
    id: &str,
    keeps_packages: bool,
    confirmed: Option<String>,
) -> Result {
    let shown = context.call(SHOW_CONNECTION, &[id])?.json()?;
    let text = |key: &str| shown.get(key).and_then(Value::as_str).unwrap_or_default();
    let what = format!("{} {}", text("provider"), text("account"));
    let typed = confirm(
        confirmed,
        what.trim(),
        "The connection, its webhooks and its secrets are deleted for good.",
    )?;
    let body = body(
        vec![
            ("confirm", Some(typed.into())),
            ("packages", keeps_packages.then(|| "keep".into())),
        ],
        &[],
    );
    context.run_with(DELETE_CONNECTION, &[id], &body)
}
