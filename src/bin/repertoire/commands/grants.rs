//! Grants, what they come to, and what a change would.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::arguments::Length;
use crate::calls::{ACCESS, CREATE_GRANT, CUSTOMERS, GRANTS, REMOVE_GRANT, SHOW_GRANT, TRY_ACCESS};
use crate::context::{Context, body, some_list};
use crate::failure::{Failure, Result};

/// What there is to do with grants.
#[derive(Debug, Subcommand)]
pub(crate) enum GrantsCommand {
    /// List them, the oldest first
    List {
        #[command(flatten)]
        subject: Subject,
        /// Of this collection (an id)
        #[arg(long)]
        collection: Option<String>,
        /// Those that name this package
        #[arg(long)]
        package: Option<String>,
        #[command(flatten)]
        length: Length,
    },
    /// Show one
    Show {
        /// Its id
        id: String,
    },
    /// Make one; in force everywhere within ten seconds
    Create(CreateArguments),
    /// Take one back
    Delete {
        /// Its id
        id: String,
    },
    /// Say who sees what, and why not the rest
    Access {
        #[command(flatten)]
        whom: Whom,
        /// Of this package alone
        #[arg(long)]
        package: Option<String>,
        /// In this repository alone
        #[arg(long)]
        repository: Option<String>,
        /// A line for each version, with the reason
        #[arg(long)]
        versions: bool,
        #[command(flatten)]
        length: Length,
    },
}

/// Whom a grant is for.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct Subject {
    /// A customer (an id)
    #[arg(long)]
    customer: Option<String>,
    /// A customer, as your shop calls it
    #[arg(long, value_name = "EXTERNAL ID")]
    customer_external_id: Option<String>,
    /// A team (an id)
    #[arg(long)]
    team: Option<String>,
    /// A token with --only-granted (an id)
    #[arg(long)]
    token: Option<String>,
    /// A sub-organisation (a slug)
    #[arg(long)]
    organisation: Option<String>,
}

/// Whom one asks about.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Whom {
    /// A customer (an id)
    #[arg(long)]
    customer: Option<String>,
    /// A token (an id)
    #[arg(long)]
    token: Option<String>,
    /// A person (an id)
    #[arg(long)]
    member: Option<String>,
    /// A team (an id)
    #[arg(long)]
    team: Option<String>,
}

/// A grant to be made.
#[derive(Debug, Args)]
pub(crate) struct CreateArguments {
    #[command(flatten)]
    subject: Subject,
    /// Names or patterns of packages
    #[arg(
        long = "packages",
        value_name = "PATTERN",
        required_unless_present = "of_collection"
    )]
    packages: Vec<String>,
    /// A collection (an id), in place of --packages
    #[arg(
        long = "collection",
        id = "of_collection",
        value_name = "ID",
        conflicts_with = "packages"
    )]
    collection: Option<String>,
    /// Only in these repositories
    #[arg(long)]
    repository: Vec<String>,
    /// A constraint: '^2.0'
    #[arg(long, value_name = "CONSTRAINT")]
    versions: Option<String>,
    /// What was released until then
    #[arg(long, value_name = "TIME")]
    released_until: Option<String>,
    /// What was released from then on
    #[arg(long, value_name = "TIME")]
    released_after: Option<String>,
    /// stable, RC, beta, alpha or dev
    #[arg(long)]
    minimum_stability: Option<String>,
    /// Do not show the address of the source
    #[arg(long)]
    no_source: bool,
    /// When it ends
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    /// What was released before its end stays
    #[arg(long)]
    keeps: bool,
    /// What your shop calls it
    #[arg(long)]
    external_id: Option<String>,
    /// For people
    #[arg(long)]
    note: Option<String>,
    /// Say what it would give, and make nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(context: &Context<'_>, command: GrantsCommand) -> Result {
    match command {
        GrantsCommand::List {
            subject,
            collection,
            package,
            length,
        } => {
            let query = [
                ("customer", subject.customer.as_deref()),
                (
                    "customer_external_id",
                    subject.customer_external_id.as_deref(),
                ),
                ("team", subject.team.as_deref()),
                ("token", subject.token.as_deref()),
                ("organisation", subject.organisation.as_deref()),
                ("collection", collection.as_deref()),
                ("package", package.as_deref()),
            ];
            context.list(&GRANTS, &[], &query, length.limit)
        }
        GrantsCommand::Show { id } => context.run(SHOW_GRANT, &[&id]),
        GrantsCommand::Create(arguments) => create(context, arguments),
        GrantsCommand::Delete { id } => context.run(REMOVE_GRANT, &[&id]),
        GrantsCommand::Access {
            whom,
            package,
            repository,
            versions,
            length,
        } => {
            let query = [
                ("customer", whom.customer.as_deref()),
                ("token", whom.token.as_deref()),
                ("member", whom.member.as_deref()),
                ("team", whom.team.as_deref()),
                ("package", package.as_deref()),
                ("repository", repository.as_deref()),
            ];
            if !versions || context.output.json {
                return context.list(&ACCESS, &[], &query, length.limit);
            }
            let rows = context.rows(&ACCESS, &[], &query, length.limit)?;
            show_versions(context, &rows)
        }
    }
}

fn create(context: &Context<'_>, arguments: CreateArguments) -> Result {
    let Subject {
        customer,
        customer_external_id,
        team,
        token,
        organisation,
    } = arguments.subject;
    let subject = body(
        vec![
            ("customer", customer.clone().map(Value::from)),
            (
                "customer_external_id",
                customer_external_id.clone().map(Value::from),
            ),
            ("team", team.clone().map(Value::from)),
            ("token", token.clone().map(Value::from)),
            ("organisation", organisation.map(Value::from)),
        ],
        &[],
    );
    let grant = body(
        vec![
            ("subject", Some(subject)),
            ("packages", some_list(&arguments.packages)),
            ("collection", arguments.collection.map(Value::from)),
            ("repositories", some_list(&arguments.repository)),
            ("versions", arguments.versions.map(Value::from)),
            ("released_until", arguments.released_until.map(Value::from)),
            ("released_after", arguments.released_after.map(Value::from)),
            (
                "minimum_stability",
                arguments.minimum_stability.map(Value::from),
            ),
            ("source", arguments.no_source.then_some(Value::Bool(false))),
            ("expires_at", arguments.expires_at.map(Value::from)),
            ("keeps", arguments.keeps.then_some(Value::Bool(true))),
            ("external_id", arguments.external_id.map(Value::from)),
            ("note", arguments.note.map(Value::from)),
        ],
        &[],
    );
    if !arguments.dry_run {
        return context.run_with(CREATE_GRANT, &[], &grant);
    }
    let customer = match (customer, customer_external_id) {
        (None, Some(external_id)) => Some(find_customer(context, &external_id)?),
        (customer, _) => customer,
    };
    let asked = body(
        vec![
            ("customer", customer.map(Value::from)),
            ("team", team.map(Value::from)),
            ("token", token.map(Value::from)),
            ("changes", Some(json!([{ "grant": grant }]))),
        ],
        &[],
    );
    let question = context.question(TRY_ACCESS, &[])?.with_json(&asked);
    let rows = context.gather(question, "packages", &[], None)?;
    if context.output.json {
        return context.output.value(&Value::from(rows));
    }
    let columns = [
        ("PACKAGE", "/package"),
        ("REPOSITORY", "/repository"),
        ("WOULD SEE", "/gained"),
        ("WOULD LOSE", "/lost"),
    ];
    context.output.table(&columns, &rows)
}

fn find_customer(context: &Context<'_>, external_id: &str) -> Result<String> {
    let query = [("external_id", Some(external_id))];
    let rows = context.rows(&CUSTOMERS, &[], &query, Some(1))?;
    let id = rows.first().and_then(|row| row.get("id")?.as_str());
    id.map(str::to_owned).ok_or_else(|| {
        Failure::usage(format!(
            "There is no customer with the external id `{external_id}`"
        ))
    })
}

/// A line for each version: by which grants it is seen, or why it is not.
fn show_versions(context: &Context<'_>, packages: &[Value]) -> Result {
    let mut lines = Vec::new();
    for package in packages {
        let versions = package.get("versions").and_then(Value::as_array);
        for version in versions.into_iter().flatten() {
            let reasons = version.get("reasons").and_then(Value::as_array);
            let reasons: Vec<_> = reasons
                .into_iter()
                .flatten()
                .filter_map(|reason| reason.get("reason")?.as_str())
                .collect();
            let of_package = package.get("reason").and_then(Value::as_str);
            let is_seen = version.get("seen") == Some(&Value::Bool(true));
            let why = match (is_seen, reasons.is_empty()) {
                (true, _) => version.get("grants").cloned().unwrap_or_default(),
                (false, true) => of_package.unwrap_or_default().into(),
                (false, false) => reasons.join("; ").into(),
            };
            lines.push(json!({
                "package": package.get("package"),
                "repository": package.get("repository"),
                "version": version.get("version"),
                "seen": version.get("seen"),
                "why": why,
            }));
        }
    }
    let columns = [
        ("PACKAGE", "/package"),
        ("REPOSITORY", "/repository"),
        ("VERSION", "/version"),
        ("SEEN", "/seen"),
        ("BY GRANT, OR WHY NOT", "/why"),
    ];
    context.output.table(&columns, &lines)
}
