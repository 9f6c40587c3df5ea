//! Collections: named sets of packages, for grants.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::arguments::Length;
use crate::calls::{
    COLLECTIONS, CREATE_COLLECTION, REMOVE_COLLECTION, SHOW_COLLECTION, UPDATE_COLLECTION,
};
use crate::context::{Context, body};
use crate::failure::{Failure, Result};

/// What there is to do with collections.
#[derive(Debug, Subcommand)]
pub(crate) enum CollectionsCommand {
    /// List them by name
    List(Length),
    /// Show one
    Show {
        /// Its id
        id: String,
    },
    /// Make one
    Create {
        /// What it is called
        name: String,
        #[command(flatten)]
        contents: Contents,
    },
    /// Change one, and with it what everybody sees whom it was granted
    Update {
        /// Its id
        id: String,
        /// Another name
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        contents: Contents,
    },
    /// Remove one
    Delete {
        /// Its id
        id: String,
        /// With the grants that use it
        #[arg(long)]
        with_grants: bool,
    },
}

/// What is in a collection.
#[derive(Debug, Args)]
pub(crate) struct Contents {
    /// For people
    #[arg(long)]
    description: Option<String>,
    /// Names or patterns of packages, all of their versions
    #[arg(long, value_name = "PATTERN", conflicts_with = "items")]
    package: Vec<String>,
    /// A JSON file with the items as the API has them
    #[arg(long, value_name = "FILE")]
    items: Option<PathBuf>,
}

impl Contents {
    fn body(self, name: Option<String>) -> Result<Value> {
        let items = match self.items {
            Some(file) => {
                let text = std::fs::read(&file).map_err(|error| {
                    Failure::usage(format!("{} cannot be read: {error}", file.display()))
                })?;
                let items: Value = serde_json::from_slice(&text).map_err(|error| {
                    Failure::usage(format!("{} is no JSON: {error}", file.display()))
                })?;
                Some(items)
            }
            None if self.package.is_empty() => None,
            None => Some(json!([{ "packages": self.package }])),
        };
        Ok(body(
            vec![
                ("name", name.map(Value::from)),
                ("description", self.description.map(Value::from)),
                ("items", items),
            ],
            &[],
        ))
    }
}

pub(crate) fn run(context: &Context<'_>, command: CollectionsCommand) -> Result {
    match command {
        CollectionsCommand::List(length) => context.list(&COLLECTIONS, &[], &[], length.limit),
        CollectionsCommand::Show { id } => context.run(SHOW_COLLECTION, &[&id]),
        CollectionsCommand::Create { name, contents } => {
            context.run_with(CREATE_COLLECTION, &[], &contents.body(Some(name))?)
        }
        CollectionsCommand::Update { id, name, contents } => {
            context.change(UPDATE_COLLECTION, &[&id], &contents.body(name)?)
        }
        CollectionsCommand::Delete { id, with_grants } => {
            let mut question = context.question(REMOVE_COLLECTION, &[&id])?;
            if with_grants {
                question.path.push_str("?grants=remove");
            }
            context.show(context.client.send(&question)?)
        }
    }
}
