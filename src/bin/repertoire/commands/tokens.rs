//! Tokens of machines, and one's own.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::arguments::Length;
use crate::calls::{
    CREATE_TOKEN, REVOKE_TOKEN, ROTATE_TOKEN, SHOW_TOKEN, SHOW_TOKEN_ABILITIES, TOKENS,
};
use crate::context::{Context, body, some_list};
use crate::failure::Result;

/// What there is to do with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokensCommand {
    /// List them, newest first
    List {
        /// machine, personal or customer
        #[arg(long)]
        kind: Option<String>,
        /// active, expired or revoked
        #[arg(long)]
        state: Option<String>,
        /// Of this person (an id)
        #[arg(long)]
        person: Option<String>,
        /// Of this customer (an id)
        #[arg(long)]
        customer: Option<String>,
        #[command(flatten)]
        length: Length,
    },
    /// Show one; never the token itself
    Show {
        /// Its id
        id: String,
    },
    /// Say what one can do
    Abilities {
        /// Its id
        id: String,
    },
    /// Make one; it is shown this once
    Create(CreateArguments),
    /// Put a new one in its place, which is shown this once; the old one goes on for a while
    Rotate {
        /// Its id
        id: String,
        /// For how many hours the old one goes on, 0 to 168
        #[arg(long, value_name = "HOURS", default_value_t = 24)]
        overlap: u32,
    },
    /// End one; in force everywhere within ten seconds
    Revoke {
        /// Its id
        id: String,
    },
}

/// A token to be made.
#[derive(Debug, Args)]
pub(crate) struct CreateArguments {
    /// What it is for
    #[arg(long)]
    name: String,
    /// machine, or personal: one for you
    #[arg(long)]
    kind: Option<String>,
    /// read, write or admin
    #[arg(long, conflicts_with = "ability")]
    access: Option<String>,
    /// Abilities, one by one, in place of --access
    #[arg(long)]
    ability: Vec<String>,
    /// Only in these repositories
    #[arg(long)]
    repository: Vec<String>,
    /// Only packages that fit: 'acme/*'
    #[arg(long, value_name = "PATTERN")]
    package: Vec<String>,
    /// Only from these networks
    #[arg(long)]
    network: Vec<String>,
    /// Only what is granted to it
    #[arg(long)]
    only_granted: bool,
    /// When it ends: 2027-01-31T12:00:00Z
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
}

pub(crate) fn run(context: &Context<'_>, command: TokensCommand) -> Result {
    match command {
        TokensCommand::List {
            kind,
            state,
            person,
            customer,
            length,
        } => {
            let query = [
                ("kind", kind.as_deref()),
                ("state", state.as_deref()),
                ("person", person.as_deref()),
                ("customer", customer.as_deref()),
            ];
            context.list(&TOKENS, &[], &query, length.limit)
        }
        TokensCommand::Show { id } => context.run(SHOW_TOKEN, &[&id]),
        TokensCommand::Abilities { id } => context.run(SHOW_TOKEN_ABILITIES, &[&id]),
        TokensCommand::Create(asked) => {
            let body = body(
                vec![
                    ("name", Some(asked.name.into())),
                    ("kind", asked.kind.map(Value::from)),
                    ("access", asked.access.map(Value::from)),
                    ("abilities", some_list(&asked.ability)),
                    ("repositories", some_list(&asked.repository)),
                    ("packages", some_list(&asked.package)),
                    ("networks", some_list(&asked.network)),
                    (
                        "only_granted",
                        asked.only_granted.then_some(Value::Bool(true)),
                    ),
                    ("expires_at", asked.expires_at.map(Value::from)),
                ],
                &[],
            );
            context.output.note("The token is shown this once.");
            context.run_with(CREATE_TOKEN, &[], &body)
        }
        TokensCommand::Rotate { id, overlap } => {
            context.output.note("The new token is shown this once.");
            context.run_with(ROTATE_TOKEN, &[&id], &json!({ "overlap_hours": overlap }))
        }
        TokensCommand::Revoke { id } => context.run(REVOKE_TOKEN, &[&id]),
    }
}
