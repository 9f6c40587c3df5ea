//! `repertoire`: the command line for a registry. It is a client of the JSON API and nothing more: what it shows is what
//! the API answers, and what it refuses is what the API refuses.
//!
//! `calls.rs` has every call that is made, `arguments.rs` every command that there is. A new command is a call, a variant and
//! a line that sends it. `docs/cli.md` is for those who use it.

mod arguments;
mod calls;
mod client;
mod commands;
mod context;
mod failure;
mod output;
mod profiles;
mod progress;
mod secret;

use std::process::ExitCode;

use clap::Parser;

use arguments::Arguments;
use output::Output;

fn main() -> ExitCode {
    // What clap finds wrong ends here, with code 2; what is asked for by --help and --version, with 0.
    let arguments = Arguments::parse();
    let output = Output::new(&arguments.global);
    match commands::run(arguments, &output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            failure.exit.into()
        }
    }
}
