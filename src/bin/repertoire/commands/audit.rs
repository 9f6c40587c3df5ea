//! The audit log: read page by page, or taken out whole.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use crate::arguments::Length;
use crate::calls::{AUDIT, EXPORT_AUDIT, EXPORT_INSTANCE_AUDIT, INSTANCE_AUDIT};
use crate::client::Answer;
use crate::commands::repositories::spell;
use crate::context::{Context, query_of};
use crate::failure::{Failure, Result};

/// What there is to do with the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// List its lines, newest first
    List {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        length: Length,
    },
    /// Write all of its lines, newest first
    Export {
        #[command(flatten)]
        filter: Filter,
        /// As what
        #[arg(long, default_value = "jsonl")]
        format: Format,
        /// Into this file, which is there when all of it is; without it to standard output
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// Which lines.
#[derive(Debug, Args)]
pub(crate) struct Filter {
    /// Id, name or kind of who did it
    #[arg(long)]
    actor: Option<String>,
    /// An action, or its beginning: token
    #[arg(long)]
    action: Option<String>,
    /// Id or name of what was changed
    #[arg(long)]
    subject: Option<String>,
    /// From this day or time on
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Until this day or time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Of the instance, in place of an organisation; its owner alone
    #[arg(long)]
    instance: bool,
}

/// What a file of the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A line of JSON for each
    Jsonl,
    /// Comma-separated values
    Csv,
}

impl Filter {
    fn query(&self) -> Vec<(&'static str, Option<&str>)> {
        vec![
            ("actor", self.actor.as_deref()),
            ("action", self.action.as_deref()),
            ("subject", self.subject.as_deref()),
            ("since", self.since.as_deref()),
            ("until", self.until.as_deref()),
        ]
    }
}

pub(crate) fn run(context: &Context<'_>, command: AuditCommand) -> Result {
    match command {
        AuditCommand::List { filter, length } => {
            let list = if filter.instance {
                &INSTANCE_AUDIT
            } else {
                &AUDIT
            };
            context.list(list, &[], &filter.query(), length.limit)
        }
        AuditCommand::Export {
            filter,
            format,
            output: None,
        } => export(context, &filter, format, &mut io::stdout().lock()).map(|_| ()),
        AuditCommand::Export {
            filter,
            format,
            output: Some(file),
        } => {
            let lines = into_file(context, &filter, format, &file)?;
            context
                .output
                .note(&format!("{lines} lines in {}", file.display()));
            Ok(())
        }
    }
}

/// Writes beside, and puts the file in place when it is whole.
fn into_file(context: &Context<'_>, filter: &Filter, format: Format, path: &Path) -> Result<u64> {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let beside = PathBuf::from(name);
    let cannot = |error: io::Error| {
        Failure::failed(format!("{} cannot be written: {error}", path.display()))
    };
    let mut file = File::create(&beside).map_err(cannot)?;
    let written = export(context, filter, format, &mut file).and_then(|lines| {
        file.sync_all().map_err(cannot)?;
        fs::rename(&beside, path).map_err(cannot)?;
        Ok(lines)
    });
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

/// Streams one part after the other; how many lines there were.
fn export(
    context: &Context<'_>,
    filter: &Filter,
    format: Format,
    out: &mut impl Write,
) -> Result<u64> {
    let call = if filter.instance {
        EXPORT_INSTANCE_AUDIT
    } else {
        EXPORT_AUDIT
    };
    let spelled = spell(&format);
    let mut cursor: Option<String> = None;
    let mut lines = 0_u64;
    loop {
        let mut query = filter.query();
        query.push(("format", Some(&spelled)));
        query.push(("cursor", cursor.as_deref()));
        let mut question = context.question(call, &[])?;
        question.path.push_str(&query_of(&query, false));
        let mut answer = context.client.send(&question)?;
        let next = next_cursor(&answer);
        let begins = cursor.is_none();
        let read = copy_lines(&mut answer, format, begins, out)?;
        lines = lines.saturating_add(read);
        match next {
            // A cursor that leads nowhere would have this go on for ever.
            Some(next) if cursor.as_deref() != Some(&next) => cursor = Some(next),
            _ => break,
        }
        context.output.note(&format!("{lines} lines so far"));
    }
    out.flush().map_err(|error| broken(&error))?;
    Ok(lines)
}

/// Copies the lines of a part. Each CSV has a line of names, of which the first is enough.
fn copy_lines(
    answer: &mut Answer,
    format: Format,
    begins: bool,
    out: &mut impl Write,
) -> Result<u64> {
    let mut reader = BufReader::new(answer.reader());
    let mut line = Vec::new();
    let mut lines = 0_u64;
    let mut is_names = format == Format::Csv;
    loop {
        line.clear();
        let read = reader
            .read_until(b'\n', &mut line)
            .map_err(|error| Failure::unreachable(format!("The answer broke off: {error}")))?;
        if read == 0 {
            return Ok(lines);
        }
        if !is_names {
            lines = lines.saturating_add(1);
        }
        if !is_names || begins {
            out.write_all(&line).map_err(|error| broken(&error))?;
        }
        is_names = false;
    }
}

/// The cursor out of `Link: <…?cursor=…>; rel="next"`. Only that is taken: the address stays the one that was named.
fn next_cursor(answer: &Answer) -> Option<String> {
    cursor_of(answer.header("link")?)
}

fn cursor_of(link: &str) -> Option<String> {
    let (address, rest) = link.trim().strip_prefix('<')?.split_once('>')?;
    if !rest.contains("rel=\"next\"") {
        return None;
    }
    let (_, query) = address.split_once('?')?;
    let cursor = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("cursor="))?;
    Some(
        percent_encoding::percent_decode_str(cursor)
            .decode_utf8_lossy()
            .into_owned(),
    )
}

fn broken(error: &io::Error) -> Failure {
    // Who closed the pipe has seen enough.
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Failure::failed("");
    }
    Failure::failed(format!("The export cannot be written: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_part_is_found_in_the_link() {
        let link = "<https://x.example/api/v1/orgs/acme/audit/export?format=csv&cursor=MTc%3D>; rel=\"next\"";
        assert_eq!(cursor_of(link).as_deref(), Some("MTc="));
        assert_eq!(
            cursor_of("<https://x.example/?cursor=a>; rel=\"prev\""),
            None
        );
        assert_eq!(cursor_of("nonsense"), None);
    }
}
