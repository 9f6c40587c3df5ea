//! Any call of the API, for what has no command of its own.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value};

use crate::calls::Method;
use crate::client::Question;
use crate::context::{Context, query_of};
use crate::failure::{Failure, Result};

/// A call.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  repertoire api GET orgs/{org}/dead-letters --paginate
  repertoire api POST orgs/{org}/repositories -f slug=internal -F public=false
  repertoire api PUT orgs/{org}/grants/bulk --input grants.json")]
pub(crate) struct ApiArguments {
    /// The method
    #[arg(ignore_case = true)]
    method: Method,
    /// The path, below /api/v1 unless it begins with a slash; {org} stands for the organisation
    path: String,
    /// A field of the body that is a text; of a GET, of the query
    #[arg(long, short = 'f', value_name = "NAME=TEXT")]
    field: Vec<String>,
    /// A field of the body as JSON: true, 17, a list
    #[arg(long, short = 'F', value_name = "NAME=JSON")]
    json_field: Vec<String>,
    /// The body from a file, or - for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["field", "json_field"])]
    input: Option<PathBuf>,
    /// What kind of body that is
    #[arg(
        long,
        value_name = "TYPE",
        default_value = "application/json",
        requires = "input"
    )]
    content_type: String,
    /// Make the change only if the entity tag is still this one
    #[arg(long, value_name = "TAG")]
    if_match: Option<String>,
    /// Gather all pages of a list into one array
    #[arg(long)]
    paginate: bool,
    /// Print status and headers first
    #[arg(long, short)]
    include: bool,
}

pub(crate) fn run(context: &Context<'_>, arguments: ApiArguments) -> Result {
    let mut path = arguments.path.clone();
    if path.contains("{org}") {
        path = path.replace("{org}", context.organisation()?);
    }
    if !path.starts_with('/') {
        path = format!("/api/v1/{path}");
    }
    let fields = read_fields(&arguments)?;
    let mut question = Question::new(arguments.method, path);
    question.if_match = arguments.if_match;
    if let Some(file) = &arguments.input {
        question.body = Some((&arguments.content_type, read(file)?));
    } else if arguments.method == Method::Get {
        let texts: Vec<_> = fields
            .iter()
            .map(|(name, value)| {
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                (name.as_str(), text)
            })
            .collect();
        let pairs: Vec<_> = texts
            .iter()
            .map(|(name, text)| (*name, Some(text.as_str())))
            .collect();
        let goes_on = question.path.contains('?');
        question.path.push_str(&query_of(&pairs, goes_on));
    } else if !fields.is_empty() {
        question = question.with_json(&Value::Object(fields));
    }
    if arguments.paginate {
        return paginate(context, question);
    }
    let mut answer = context.client.send(&question)?;
    if arguments.include {
        context
            .output
            .line(&format!("HTTP {}", answer.response.status().as_u16()))?;
        for (name, value) in answer.response.headers() {
            context
                .output
                .line(&format!("{name}: {}", value.to_str().unwrap_or("…")))?;
        }
        context.output.line("")?;
    }
    let bytes = answer.bytes()?;
    context.output.raw(&bytes)?;
    // JSON has no line feed at its end; files of others are printed as they are.
    let is_json = answer
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("application/json"));
    if is_json && !bytes.is_empty() {
        context.output.raw(b"\n")?;
    }
    Ok(())
}

/// A list is the one array beside `next`.
fn paginate(context: &Context<'_>, question: Question<'_>) -> Result {
    let first = context.client.send(&question)?.json()?;
    let arrays = first
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| value.is_array());
    let names: Vec<_> = arrays.map(|(name, _)| name.clone()).collect();
    let [name] = names.as_slice() else {
        return Err(Failure::usage(
            "This answer is no list; leave --paginate out",
        ));
    };
    let rows = context.gather(question, name, &[], None)?;
    context.output.value(&Value::from(rows))
}

fn read_fields(arguments: &ApiArguments) -> Result<Map<String, Value>> {
    let pair = |text: &str| {
        let pair = text
            .split_once('=')
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        pair.ok_or_else(|| Failure::usage(format!("`{text}` is no field; write NAME=VALUE")))
    };
    let mut fields = Map::new();
    for text in &arguments.field {
        let (name, value) = pair(text)?;
        fields.insert(name, Value::from(value));
    }
    for text in &arguments.json_field {
        let (name, value) = pair(text)?;
        let value = serde_json::from_str(&value).map_err(|error| {
            Failure::usage(format!("`{name}` is no JSON: {error}; -f takes texts"))
        })?;
        fields.insert(name, value);
    }
    Ok(fields)
}

fn read(file: &Path) -> Result<Vec<u8>> {
    let cannot = |error: std::io::Error| {
        Failure::usage(format!("{} cannot be read: {error}", file.display()))
    };
    if file == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map_err(cannot)?;
        return Ok(bytes);
    }
    std::fs::read(file).map_err(cannot)
}
