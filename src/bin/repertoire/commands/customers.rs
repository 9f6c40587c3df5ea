//! Customers: whom packages are sold to, one by one or as a shop's whole list.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use crate::arguments::Length;
use crate::calls::{
    CREATE_CUSTOMER, CREATE_CUSTOMER_TOKEN, CUSTOMER_TOKENS, CUSTOMERS, PUT_CUSTOMERS,
    REMOVE_CUSTOMER, REVOKE_CUSTOMER_TOKEN, SHOW_CUSTOMER, UPDATE_CUSTOMER,
};
use crate::commands::confirm;
use crate::context::{Context, body, some_list};
use crate::failure::{Failure, Result};

/// Entries that the API takes in one list.
const MOST_ENTRIES: usize = 1_000;
/// Bytes of entries in one list; the API takes 1.5 MiB, and some stands around them.
const MOST_BYTES: usize = 1_400 * 1024;

/// What there is to do with customers.
#[derive(Debug, Subcommand)]
pub(crate) enum CustomersCommand {
    /// List them by name
    List {
        /// active, suspended, frozen or expired
        #[arg(long)]
        state: Option<String>,
        /// The whole address
        #[arg(long)]
        email: Option<String>,
        /// What your shop calls it
        #[arg(long)]
        external_id: Option<String>,
        /// A part of name, address or external id
        #[arg(long)]
        search: Option<String>,
        #[command(flatten)]
        length: Length,
    },
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
        fields: Fields,
    },
    /// Change one
    Update {
        /// Its id
        id: String,
        /// Another name
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        fields: Fields,
        /// Take a value away: email, external-id, expires-at, notes
        #[arg(long, value_name = "FIELD")]
        clear: Vec<String>,
    },
    /// Let one have nothing, and have Composer say why
    Suspend {
        /// Its id
        id: String,
        /// What it is told
        #[arg(long)]
        reason: Option<String>,
    },
    /// Let one keep what there is, and see nothing newer
    Freeze {
        /// Its id
        id: String,
        /// As of then, in place of now: 2026-12-31T00:00:00Z
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
    },
    /// Let one have all that is granted to it again
    Resume {
        /// Its id
        id: String,
    },
    /// Remove one with its grants, and revoke its tokens, for good
    Delete {
        /// Its id
        id: String,
        /// Its name, typed again
        #[arg(long, value_name = "NAME")]
        confirm: Option<String>,
    },
    /// Make and change customers until they are as a list has them
    Import(ImportArguments),
    /// Tokens of a customer
    #[command(subcommand)]
    Tokens(CustomerTokensCommand),
}

/// What there is to say of a customer.
#[derive(Debug, Args)]
pub(crate) struct Fields {
    /// Where it can be written to
    #[arg(long)]
    email: Option<String>,
    /// What your shop calls it
    #[arg(long)]
    external_id: Option<String>,
    /// When its time is over: 2027-01-31T12:00:00Z
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    /// For the people of the organisation
    #[arg(long)]
    notes: Option<String>,
}

/// A shop's list.
#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// A file, or - for standard input. JSON: a list, or an object with `customers`. CSV: its first line names the fields,
    /// and an empty cell leaves what there is
    file: PathBuf,
    /// What it is, where the name of the file does not say it
    #[arg(long)]
    format: Option<Format>,
    /// Take what is right where something is wrong; without it, one wrong entry refuses all
    #[arg(long)]
    skip_wrong: bool,
    /// Suspend customers with an external id that are not in the list
    #[arg(long)]
    suspend_missing: bool,
    /// What those are told
    #[arg(long, requires = "suspend_missing")]
    missing_reason: Option<String>,
}

/// What a file of customers is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// JSON
    Json,
    /// Comma-separated values
    Csv,
}

/// What there is to do with tokens of a customer.
#[derive(Debug, Subcommand)]
pub(crate) enum CustomerTokensCommand {
    /// List them
    List {
        /// The customer's id
        customer: String,
        #[command(flatten)]
        length: Length,
    },
    /// Make one; it is shown this once
    Create {
        /// The customer's id
        customer: String,
        /// What it is for
        #[arg(long)]
        name: String,
        /// Only from these networks
        #[arg(long)]
        network: Vec<String>,
        /// When it ends: 2027-01-31T12:00:00Z
        #[arg(long, value_name = "TIME")]
        expires_at: Option<String>,
    },
    /// End one
    Revoke {
        /// The customer's id
        customer: String,
        /// The token's id
        token: String,
    },
}

pub(crate) fn run(context: &Context<'_>, command: CustomersCommand) -> Result {
    let change = |id: &str, body: Value| context.change(UPDATE_CUSTOMER, &[id], &body);
    match command {
        CustomersCommand::List {
            state,
            email,
            external_id,
            search,
            length,
        } => {
            let query = [
                ("state", state.as_deref()),
                ("email", email.as_deref()),
                ("external_id", external_id.as_deref()),
                ("search", search.as_deref()),
            ];
            context.list(&CUSTOMERS, &[], &query, length.limit)
        }
        CustomersCommand::Show { id } => context.run(SHOW_CUSTOMER, &[&id]),
        CustomersCommand::Create { name, fields } => {
            context.run_with(CREATE_CUSTOMER, &[], &fields.body(Some(name), &[]))
        }
        CustomersCommand::Update {
            id,
            name,
            fields,
            clear,
        } => change(&id, fields.body(name, &clear)),
        CustomersCommand::Suspend { id, reason } => {
            change(&id, json!({ "state": "suspended", "reason": reason }))
        }
        CustomersCommand::Freeze { id, at } => {
            change(&id, json!({ "state": "frozen", "frozen_at": at }))
        }
        CustomersCommand::Resume { id } => change(
            &id,
            json!({ "state": "active", "reason": null, "frozen_at": null }),
        ),
        CustomersCommand::Delete { id, confirm } => delete(context, &id, confirm),
        CustomersCommand::Import(arguments) => import(context, &arguments),
        CustomersCommand::Tokens(command) => tokens(context, command),
    }
}

impl Fields {
    fn body(self, name: Option<String>, cleared: &[String]) -> Value {
        body(
            vec![
                ("name", name.map(Value::from)),
                ("email", self.email.map(Value::from)),
                ("external_id", self.external_id.map(Value::from)),
                ("expires_at", self.expires_at.map(Value::from)),
                ("notes", self.notes.map(Value::from)),
            ],
            cleared,
        )
    }
}

/// Removes a customer that is as it was when its name was read.
fn delete(context: &Context<'_>, id: &str, confirmed: Option<String>) -> Result {
    let mut answer = context.call(SHOW_CUSTOMER, &[id])?;
    let tag = answer.header("etag").map(str::to_owned);
    let shown = answer.json()?;
    let name = shown
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let typed = confirm(
        confirmed,
        name,
        "Its grants are removed and its tokens are revoked for good.",
    )?;
    let mut question = context
        .question(REMOVE_CUSTOMER, &[id])?
        .with_json(&json!({ "confirm": typed }));
    question.if_match = tag;
    context.show(context.client.send(&question)?)
}

fn tokens(context: &Context<'_>, command: CustomerTokensCommand) -> Result {
    match command {
        CustomerTokensCommand::List { customer, length } => {
            context.list(&CUSTOMER_TOKENS, &[&customer], &[], length.limit)
        }
        CustomerTokensCommand::Create {
            customer,
            name,
            network,
            expires_at,
        } => {
            let given = vec![
                ("name", Some(name.into())),
                ("networks", some_list(&network)),
                ("expires_at", expires_at.map(Value::from)),
            ];
            context.output.note("The token is shown this once.");
            context.run_with(CREATE_CUSTOMER_TOKEN, &[&customer], &body(given, &[]))
        }
        CustomerTokensCommand::Revoke { customer, token } => {
            context.run(REVOKE_CUSTOMER_TOKEN, &[&customer, &token])
        }
    }
}

/// Sends a list, in parts where it is long. Each part is whole or refused; sent again, what is there is left alone.
fn import(context: &Context<'_>, arguments: &ImportArguments) -> Result {
    let entries = read_entries(&arguments.file, arguments.format)?;
    let parts = split(entries)?;
    if arguments.suspend_missing && parts.len() > 1 {
        return Err(Failure::usage(format!(
            "Who is missing can be told from a whole list alone, and one has at most {MOST_ENTRIES} entries: leave \
             --suspend-missing out"
        )));
    }
    let mut refused = 0_u64;
    let count = parts.len();
    for (number, part) in parts.into_iter().enumerate() {
        let asked = body(
            vec![
                ("customers", Some(Value::from(part))),
                ("on_error", arguments.skip_wrong.then(|| "skip".into())),
                (
                    "missing",
                    arguments.suspend_missing.then(|| "suspend".into()),
                ),
                (
                    "missing_reason",
                    arguments.missing_reason.clone().map(Value::from),
                ),
            ],
            &[],
        );
        if count > 1 {
            context
                .output
                .note(&format!("Part {} of {count}", number.saturating_add(1)));
        }
        let mut answer = context.call_with(PUT_CUSTOMERS, &[], &asked)?;
        let bytes = answer.bytes()?;
        let result: Value =
            serde_json::from_slice(&bytes).map_err(|_| Failure::failed("The answer is no JSON"))?;
        refused =
            refused.saturating_add(result.get("refused").and_then(Value::as_u64).unwrap_or(0));
        if context.output.json {
            context.output.raw(&bytes)?;
            context.output.raw(b"\n")?;
        } else {
            show_result(context, &result)?;
        }
    }
    if refused > 0 {
        return Err(Failure::failed(format!(
            "{refused} entries were refused; all others are as the list has them"
        )));
    }
    Ok(())
}

fn show_result(context: &Context<'_>, result: &Value) -> Result {
    let counts = ["created", "updated", "unchanged", "refused"].map(|kind| {
        let count = result.get(kind).and_then(Value::as_u64).unwrap_or(0);
        format!("{count} {kind}")
    });
    context.output.line(&counts.join(", "))?;
    let suspended = result.get("suspended").and_then(Value::as_array);
    for id in suspended.into_iter().flatten().filter_map(Value::as_str) {
        context.output.line(&format!("suspended {id}"))?;
    }
    let results = result.get("results").and_then(Value::as_array);
    for entry in results.into_iter().flatten() {
        let id = entry
            .get("external_id")
            .and_then(Value::as_str)
            .unwrap_or("?");
        let errors = entry.get("errors").and_then(Value::as_array);
        for error in errors.into_iter().flatten() {
            let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
            context.output.line(&format!(
                "refused {id}: {}: {}",
                text("field"),
                text("detail")
            ))?;
        }
    }
    Ok(())
}

fn read_entries(file: &Path, format: Option<Format>) -> Result<Vec<Value>> {
    let cannot = |error: std::io::Error| {
        Failure::usage(format!("{} cannot be read: {error}", file.display()))
    };
    let is_input = file == Path::new("-");
    let mut bytes = Vec::new();
    if is_input {
        std::io::stdin().read_to_end(&mut bytes).map_err(cannot)?;
    } else {
        bytes = std::fs::read(file).map_err(cannot)?;
    }
    let is_csv = file
        .extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
    match format {
        Some(Format::Csv) => read_csv(&bytes),
        None if is_csv => read_csv(&bytes),
        _ => read_json(&bytes),
    }
}

fn read_json(bytes: &[u8]) -> Result<Vec<Value>> {
    let value = serde_json::from_slice(bytes)
        .map_err(|error| Failure::usage(format!("This is no JSON: {error}")))?;
    let list = match value {
        Value::Object(mut fields) => fields.remove("customers"),
        other => Some(other),
    };
    match list {
        Some(Value::Array(entries)) => Ok(entries),
        _ => Err(Failure::usage(
            "The JSON must be a list of customers, or an object with `customers`",
        )),
    }
}

fn read_csv(bytes: &[u8]) -> Result<Vec<Value>> {
    let wrong = |error: csv::Error| Failure::usage(format!("This is no CSV: {error}"));
    // Spreadsheets begin their files with a mark of the encoding, which is no part of the first name.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let names = reader.headers().map_err(wrong)?.clone();
    let mut entries = Vec::new();
    for record in reader.records() {
        let record = record.map_err(wrong)?;
        let cells = names
            .iter()
            .zip(record.iter())
            .filter(|(_, cell)| !cell.is_empty());
        let entry: Map<_, _> = cells
            .map(|(name, cell)| (name.to_owned(), Value::from(cell)))
            .collect();
        entries.push(Value::Object(entry));
    }
    Ok(entries)
}

/// Parts that the API takes at once.
fn split(entries: Vec<Value>) -> Result<Vec<Vec<Value>>> {
    let mut parts = Vec::new();
    let (mut part, mut size) = (Vec::new(), 0_usize);
    for entry in entries {
        let length = entry.to_string().len().saturating_add(1);
        if part.len() >= MOST_ENTRIES
            || (size.saturating_add(length) > MOST_BYTES && !part.is_empty())
        {
            parts.push(std::mem::take(&mut part));
            size = 0;
        }
        size = size.saturating_add(length);
        part.push(entry);
    }
    if !part.is_empty() {
        parts.push(part);
    }
    if parts.is_empty() {
        return Err(Failure::usage("The list is empty"));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_csv_names_its_fields_and_leaves_out_what_is_empty() {
        let text = "\u{feff}external_id,name,email\r\n4711,\"Globex, Inc.\",\r\n4712,Initech,it@initech.example\r\n";
        let entries = read_csv(text.as_bytes()).unwrap();
        assert_eq!(
            Value::from(entries),
            json!([
                {"external_id": "4711", "name": "Globex, Inc."},
                {"external_id": "4712", "name": "Initech", "email": "it@initech.example"},
            ])
        );
    }

    #[test]
    fn a_csv_whose_lines_differ_in_length_is_refused() {
        assert!(read_csv(b"external_id,name\n4711\n").is_err());
    }

    #[test]
    fn long_lists_go_in_parts_and_lose_nothing() {
        let entries: Vec<_> = (0..2_500)
            .map(|number| json!({ "external_id": number }))
            .collect();
        let parts = split(entries.clone()).unwrap();
        assert_eq!(
            parts.iter().map(Vec::len).collect::<Vec<_>>(),
            [1_000, 1_000, 500]
        );
        assert_eq!(parts.concat(), entries);
        let large = vec![json!({ "notes": "x".repeat(1_000_000) }); 3];
        assert_eq!(split(large).unwrap().len(), 3);
        assert!(split(Vec::new()).is_err());
    }
}
