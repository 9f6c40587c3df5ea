//! Imports of many projects of a git host.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::arguments::Length;
use crate::calls::{CANCEL_IMPORT, IMPORTS, SHOW_IMPORT, START_IMPORT, TRY_IMPORT};
use crate::context::{Context, body, some_list};
use crate::failure::Result;
use crate::progress::{Pace, watch, watch_begun};

/// What there is to do with imports.
#[derive(Debug, Subcommand)]
pub(crate) enum ImportsCommand {
    /// List them, newest first
    List(Length),
    /// Show one with its projects
    Show {
        /// Its id
        id: String,
    },
    /// Add many projects as packages
    Start(StartArguments),
    /// Stay until one is done; code 1 when it fails
    Watch {
        /// Its id
        id: String,
        #[command(flatten)]
        pace: Pace,
    },
    /// Leave what one has not come to
    Cancel {
        /// Its id
        id: String,
    },
}

/// Which projects are meant.
#[derive(Debug, Args)]
#[group(id = "which", required = true, multiple = false, args = ["pattern", "project"])]
pub(crate) struct Which {
    /// Patterns over full names: 'acme/*', '!acme/old-*'
    #[arg(long)]
    pattern: Vec<String>,
    /// Projects by id or name
    #[arg(long)]
    project: Vec<String>,
}

/// An import to be started.
#[derive(Debug, Args)]
pub(crate) struct StartArguments {
    /// The connection's id
    #[arg(long)]
    connection: String,
    /// The repository that the packages go to
    #[arg(long)]
    repository: String,
    #[command(flatten)]
    which: Which,
    /// Archived projects too
    #[arg(long)]
    archived: bool,
    /// Say what would be added, and add nothing
    #[arg(long)]
    dry_run: bool,
    /// Stay until all projects are added; their syncs may go on
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    pace: Pace,
}

pub(crate) fn run(context: &Context<'_>, command: ImportsCommand) -> Result {
    match command {
        ImportsCommand::List(length) => context.list(&IMPORTS, &[], &[], length.limit),
        ImportsCommand::Show { id } => context.run(SHOW_IMPORT, &[&id]),
        ImportsCommand::Start(arguments) => start(context, &arguments),
        ImportsCommand::Watch { id, pace } => watch(context, SHOW_IMPORT, &id, &pace),
        ImportsCommand::Cancel { id } => context.run(CANCEL_IMPORT, &[&id]),
    }
}

pub(crate) fn start(context: &Context<'_>, arguments: &StartArguments) -> Result {
    let StartArguments {
        connection,
        repository,
        which,
        archived,
        ..
    } = arguments;
    if arguments.dry_run {
        return preview(context, connection, which, None);
    }
    let asked = body(
        vec![
            ("repository", Some(json!(repository))),
            ("pattern", some_list(&which.pattern)),
            ("projects", some_list(&which.project)),
            ("archived", archived.then_some(Value::Bool(true))),
        ],
        &[],
    );
    let mut answer = context.call_with(START_IMPORT, &[connection], &asked)?;
    if !arguments.watch {
        return context.show(answer);
    }
    watch_begun(context, &answer.json()?, SHOW_IMPORT, &arguments.pace)
}

/// What an import would do, of all projects or of so many. The registry asks the host for ten at a time.
pub(crate) fn preview(
    context: &Context<'_>,
    connection: &str,
    which: &Which,
    limit: Option<usize>,
) -> Result {
    let mut rows = Vec::new();
    let mut next: Option<String> = None;
    loop {
        let asked = body(
            vec![
                ("pattern", some_list(&which.pattern)),
                ("projects", some_list(&which.project)),
                ("cursor", next.map(Value::from)),
            ],
            &[],
        );
        let mut page = context
            .call_with(TRY_IMPORT, &[connection], &asked)?
            .json()?;
        if let Some(Value::Array(found)) = page.get_mut("projects").map(Value::take) {
            rows.extend(found);
        }
        next = page.get("next").and_then(Value::as_str).map(str::to_owned);
        if next.is_none() || limit.is_some_and(|limit| rows.len() >= limit) {
            break;
        }
    }
    rows.truncate(limit.unwrap_or(usize::MAX));
    if context.output.json {
        return context.output.value(&Value::from(rows));
    }
    let columns = [
        ("PROJECT", "/full_name"),
        ("PACKAGE", "/package"),
        ("TAGS", "/versions_by_name/tags"),
        ("BRANCHES", "/versions_by_name/branches"),
        ("WHY NOT", "/reason"),
    ];
    context.output.table(&columns, &rows)
}
