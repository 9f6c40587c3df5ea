//! Organisations and their repositories.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::arguments::Length;
use crate::calls::{
    CREATE_ORGANISATION, CREATE_REPOSITORY, DELETE_REPOSITORY, ORGANISATIONS, REPOSITORIES,
    REVISIONS, SHOW_REPOSITORY, UPDATE_REPOSITORY,
};
use crate::commands::confirm;
use crate::context::{Context, body};
use crate::failure::Result;

/// What there is to do with organisations.
#[derive(Debug, Subcommand)]
pub(crate) enum OrganisationsCommand {
    /// List those that the token may manage
    List(Length),
    /// Make one; the owner of the instance alone
    Create {
        /// What it is called in addresses
        slug: String,
        /// What people call it
        #[arg(long)]
        name: Option<String>,
    },
}

/// What there is to do with repositories.
#[derive(Debug, Subcommand)]
pub(crate) enum RepositoriesCommand {
    /// List them
    List(Length),
    /// Show one
    Show {
        /// Its slug
        repository: String,
    },
    /// Make one
    Create {
        /// What it is called in addresses
        slug: String,
        /// Let everybody read it
        #[arg(long)]
        public: bool,
    },
    /// Change one
    Update {
        /// Its slug
        repository: String,
        #[command(flatten)]
        change: Change,
    },
    /// Delete one with its past, for good; its packages stay with the organisation
    Delete {
        /// Its slug
        repository: String,
        /// The slug, typed again
        #[arg(long, value_name = "TEXT")]
        confirm: Option<String>,
    },
    /// List its revisions, newest first
    Revisions {
        /// Its slug
        repository: String,
        #[command(flatten)]
        length: Length,
    },
}

/// What becomes different.
#[derive(Debug, Args)]
pub(crate) struct Change {
    /// For people
    #[arg(long)]
    description: Option<String>,
    /// Whether everybody may read it
    #[arg(long)]
    public: Option<bool>,
    /// Who gets what Composer 1 reads
    #[arg(long)]
    composer_1: Option<Composer1>,
    /// What becomes of an upload of a version that exists with other bytes
    #[arg(long)]
    duplicates: Option<Duplicates>,
}

/// Who gets the keys of Composer 1.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Composer1 {
    /// Clients that say they are Composer 1
    Auto,
    /// Everybody
    Full,
    /// Nobody
    Off,
}

/// What becomes of a second upload.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Duplicates {
    /// It is a conflict
    Refuse,
    /// The first one stays, and the answer says so
    Ignore,
}

pub(crate) fn organisations(context: &Context<'_>, command: OrganisationsCommand) -> Result {
    match command {
        OrganisationsCommand::List(length) => context.list(&ORGANISATIONS, &[], &[], length.limit),
        OrganisationsCommand::Create { slug, name } => {
            let body = body(
                vec![("slug", Some(json!(slug))), ("name", name.map(Value::from))],
                &[],
            );
            context.run_with(CREATE_ORGANISATION, &[], &body)
        }
    }
}

pub(crate) fn repositories(context: &Context<'_>, command: RepositoriesCommand) -> Result {
    match command {
        RepositoriesCommand::List(length) => context.list(&REPOSITORIES, &[], &[], length.limit),
        RepositoriesCommand::Show { repository } => context.run(SHOW_REPOSITORY, &[&repository]),
        RepositoriesCommand::Create { slug, public } => context.run_with(
            CREATE_REPOSITORY,
            &[],
            &json!({ "slug": slug, "public": public }),
        ),
        RepositoriesCommand::Update { repository, change } => {
            let spelled = |value: Option<String>| value.map(Value::from);
            let body = body(
                vec![
                    ("description", spelled(change.description)),
                    ("public", change.public.map(Value::from)),
                    ("composer_1", spelled(change.composer_1.as_ref().map(spell))),
                    ("duplicates", spelled(change.duplicates.as_ref().map(spell))),
                ],
                &[],
            );
            context.change(UPDATE_REPOSITORY, &[&repository], &body)
        }
        RepositoriesCommand::Delete {
            repository,
            confirm: given,
        } => {
            let typed = confirm(
                given,
                &repository,
                "The repository and its past are deleted for good.",
            )?;
            context.run_with(
                DELETE_REPOSITORY,
                &[&repository],
                &json!({ "confirm": typed }),
            )
        }
        RepositoriesCommand::Revisions { repository, length } => {
            context.list(&REVISIONS, &[&repository], &[], length.limit)
        }
    }
}

/// A choice as it is written on the command line, which is as the API writes it.
pub(crate) fn spell(choice: &impl ValueEnum) -> String {
    let value = choice.to_possible_value();
    value
        .map(|value| value.get_name().to_owned())
        .unwrap_or_default()
}
