//! What shells and `man` read.

use std::path::Path;

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::arguments::Arguments;
use crate::failure::{Failure, Result};
use crate::output::Output;

/// A script that completes commands.
pub(crate) fn complete(output: &Output, shell: Shell) -> Result {
    let mut script = Vec::new();
    generate(shell, &mut Arguments::command(), "repertoire", &mut script);
    output.raw(&script)
}

/// The manual page; in a folder one for each command.
pub(crate) fn manual(output: &Output, folder: Option<&Path>) -> Result {
    let failed =
        |error: std::io::Error| Failure::failed(format!("The manual cannot be written: {error}"));
    let command = Arguments::command();
    if let Some(folder) = folder {
        std::fs::create_dir_all(folder).map_err(failed)?;
        return clap_mangen::generate_to(command, folder).map_err(failed);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(failed)?;
    output.raw(&page)
}
