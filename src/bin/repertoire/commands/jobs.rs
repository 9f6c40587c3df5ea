//! Jobs and the webhooks that begin them.

use clap::Subcommand;

use crate::arguments::Length;
use crate::calls::{
    CANCEL_JOB, DELIVERIES, JOBS, REPLAY_DELIVERY, RETRY_JOB, SHOW_DELIVERY, SHOW_JOB,
};
use crate::context::Context;
use crate::failure::Result;
use crate::progress::{Pace, watch, watch_begun};

/// What there is to do with jobs.
#[derive(Debug, Subcommand)]
pub(crate) enum JobsCommand {
    /// List them, newest first
    List(Length),
    /// Show one with its refs
    Show {
        /// Its id
        id: String,
    },
    /// Stay until one has ended; code 1 when it failed
    Watch {
        /// Its id
        id: String,
        #[command(flatten)]
        pace: Pace,
    },
    /// Leave what one has not begun
    Cancel {
        /// Its id
        id: String,
    },
    /// Begin one anew that failed or was cancelled
    Retry {
        /// Its id
        id: String,
        /// Stay until it has ended
        #[arg(long)]
        watch: bool,
        #[command(flatten)]
        pace: Pace,
    },
}

/// What there is to do with deliveries.
#[derive(Debug, Subcommand)]
pub(crate) enum DeliveriesCommand {
    /// List them, newest first
    List {
        /// Of this connection (an id)
        #[arg(long)]
        connection: Option<String>,
        #[command(flatten)]
        length: Length,
    },
    /// Show one
    Show {
        /// Its number
        id: String,
    },
    /// Look again at what one was about
    Replay {
        /// Its number
        id: String,
        /// Stay until the first of its jobs has ended
        #[arg(long)]
        watch: bool,
        #[command(flatten)]
        pace: Pace,
    },
}

pub(crate) fn jobs(context: &Context<'_>, command: JobsCommand) -> Result {
    match command {
        JobsCommand::List(length) => context.list(&JOBS, &[], &[], length.limit),
        JobsCommand::Show { id } => context.run(SHOW_JOB, &[&id]),
        JobsCommand::Watch { id, pace } => watch(context, SHOW_JOB, &id, &pace),
        JobsCommand::Cancel { id } => context.run(CANCEL_JOB, &[&id]),
        JobsCommand::Retry {
            id, watch: false, ..
        } => context.run(RETRY_JOB, &[&id]),
        JobsCommand::Retry { id, pace, .. } => {
            context.call(RETRY_JOB, &[&id])?;
            watch(context, SHOW_JOB, &id, &pace)
        }
    }
}

pub(crate) fn deliveries(context: &Context<'_>, command: DeliveriesCommand) -> Result {
    match command {
        DeliveriesCommand::List { connection, length } => context.list(
            &DELIVERIES,
            &[],
            &[("connection", connection.as_deref())],
            length.limit,
        ),
        DeliveriesCommand::Show { id } => context.run(SHOW_DELIVERY, &[&id]),
        DeliveriesCommand::Replay {
            id, watch: false, ..
        } => context.run(REPLAY_DELIVERY, &[&id]),
        DeliveriesCommand::Replay { id, pace, .. } => {
            let begun = context.call(REPLAY_DELIVERY, &[&id])?.json()?;
            watch_begun(context, &begun, SHOW_JOB, &pace)
        }
    }
}
