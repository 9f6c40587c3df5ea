//! Packages: where they come from, their versions, their settings.

use std::str::FromStr;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::arguments::Length;
use crate::calls::{
    ADD_PACKAGE, Call, DELETE_PACKAGE, DELETE_VERSION, DEPRECATE_VERSION, PACKAGES,
    PUT_INTO_REPOSITORY, RESTORE_VERSION, SHOW_JOB, SHOW_PACKAGE, SHOW_VERSION, SYNC_PACKAGE,
    TAKE_OUT_OF_REPOSITORY, UNDEPRECATE_VERSION, UNYANK_VERSION, UPDATE_PACKAGE, YANK_VERSION,
};
use crate::commands::confirm;
use crate::commands::imports::StartArguments;
use crate::commands::repositories::spell;
use crate::context::{Context, body, some_list};
use crate::failure::{Failure, Result};
use crate::progress::{Pace, watch_begun};

/// A package, as Composer calls it.
#[derive(Debug, Clone)]
pub(crate) struct Name {
    vendor: String,
    name: String,
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((vendor, name))
                if !vendor.is_empty() && !name.is_empty() && !name.contains('/') =>
            {
                Ok(Self {
                    vendor: vendor.to_owned(),
                    name: name.to_owned(),
                })
            }
            _ => Err("write it as vendor/name".to_owned()),
        }
    }
}

/// What there is to do with packages.
#[derive(Debug, Subcommand)]
pub(crate) enum PackagesCommand {
    /// List them by name
    List(Length),
    /// Show one with its versions and refs
    Show {
        /// The package
        package: Name,
    },
    /// Show a version
    Version(Version),
    /// Add a project of a git host as a package, or its folders as packages
    Add(AddArguments),
    /// Add many projects of a git host, as `imports start` does
    Import(StartArguments),
    /// Compare one with its git repository now
    Sync {
        /// The package
        package: Name,
        /// Stay until it is done
        #[arg(long)]
        watch: bool,
        #[command(flatten)]
        pace: Pace,
    },
    /// Take a version out of metadata; lock files go on installing it
    Yank(Version),
    /// Put a version back that was yanked
    Unyank(Version),
    /// Have Composer warn of a version
    Deprecate {
        #[command(flatten)]
        version: Version,
        /// What Composer prints
        message: String,
        /// A constraint to use instead
        #[arg(long = "use", value_name = "CONSTRAINT")]
        instead: Option<String>,
    },
    /// Take a warning back
    Undeprecate(Version),
    /// Delete one with all its versions and archives, for good
    Remove {
        /// Which
        package: Name,
        /// Its name, typed again
        #[arg(long, value_name = "TEXT")]
        confirm: Option<String>,
    },
    /// Delete a version and its archive, for good
    Delete {
        #[command(flatten)]
        version: Version,
        /// The package and the version, typed again: 'acme/lib v1.0.0'
        #[arg(long, value_name = "TEXT")]
        confirm: Option<String>,
    },
    /// Let a version that was deleted be published again
    Restore(Version),
    /// Change the settings of one, or show them
    Settings {
        /// The package
        package: Name,
        #[command(flatten)]
        settings: ChangedSettings,
    },
    /// Put one into a repository
    Place {
        /// The package
        package: Name,
        /// The repository
        repository: String,
    },
    /// Take one out of a repository
    Unplace {
        /// The package
        package: Name,
        /// The repository
        repository: String,
    },
}

/// A version of a package.
#[derive(Debug, Args)]
pub(crate) struct Version {
    /// The package
    package: Name,
    /// The version, as it is written or normalized
    version: String,
}

/// A project to be added.
#[derive(Debug, Args)]
pub(crate) struct AddArguments {
    /// The project at the host: acme/tools, or what its address has below that of the connection
    project: String,
    /// The connection's id
    #[arg(long)]
    connection: String,
    /// The repository that the package goes to
    #[arg(long)]
    repository: String,
    /// Patterns of folders that are packages, each for itself
    #[arg(long, value_name = "PATTERN")]
    folder: Vec<String>,
    /// Which versions the packages of folders have
    #[arg(long, requires = "folder")]
    versions: Option<String>,
    /// Stay until the first sync is done
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    pace: Pace,
}

/// What becomes different.
#[derive(Debug, Args)]
pub(crate) struct ChangedSettings {
    /// Patterns of branches that are not imported; the whole list
    #[arg(long, value_name = "PATTERN")]
    transient_branch: Vec<String>,
    /// What tags have in front of their version; the whole list
    #[arg(long, value_name = "PREFIX")]
    tag_prefix: Vec<String>,
    /// Whether a version stays at its first commit, or goes where its tag goes
    #[arg(long)]
    moved_tags: Option<MovedTags>,
    /// yes, no, or the package to use instead
    #[arg(long, value_name = "PACKAGE")]
    abandoned: Option<String>,
    /// Leave it to the git host and composer.json whether it is abandoned
    #[arg(long, conflicts_with = "abandoned")]
    abandoned_by_itself: bool,
}

/// What becomes of a version whose tag moves.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum MovedTags {
    /// It stays at its first commit
    Keep,
    /// It goes where its tag goes
    Follow,
}

pub(crate) fn run(context: &Context<'_>, command: PackagesCommand) -> Result {
    let of_package =
        |call: Call, package: &Name| context.run(call, &[&package.vendor, &package.name]);
    let of_version = |call: Call, of: &Version| {
        context.run(call, &[&of.package.vendor, &of.package.name, &of.version])
    };
    match command {
        PackagesCommand::List(length) => context.list(&PACKAGES, &[], &[], length.limit),
        PackagesCommand::Show { package } => of_package(SHOW_PACKAGE, &package),
        PackagesCommand::Version(version) => of_version(SHOW_VERSION, &version),
        PackagesCommand::Add(arguments) => add(context, arguments),
        PackagesCommand::Import(arguments) => super::imports::start(context, &arguments),
        PackagesCommand::Sync {
            package,
            watch: false,
            ..
        } => of_package(SYNC_PACKAGE, &package),
        PackagesCommand::Sync { package, pace, .. } => {
            let begun = context
                .call(SYNC_PACKAGE, &[&package.vendor, &package.name])?
                .json()?;
            watch_begun(context, &begun, SHOW_JOB, &pace)
        }
        PackagesCommand::Yank(version) => of_version(YANK_VERSION, &version),
        PackagesCommand::Unyank(version) => of_version(UNYANK_VERSION, &version),
        PackagesCommand::Deprecate {
            version,
            message,
            instead,
        } => {
            let Version { package, version } = version;
            let body = body(
                vec![
                    ("message", Some(message.into())),
                    ("use", instead.map(Value::from)),
                ],
                &[],
            );
            context.run_with(
                DEPRECATE_VERSION,
                &[&package.vendor, &package.name, &version],
                &body,
            )
        }
        PackagesCommand::Undeprecate(version) => of_version(UNDEPRECATE_VERSION, &version),
        PackagesCommand::Remove { package, confirm } => remove(context, &package, confirm),
        PackagesCommand::Delete { version, confirm } => delete(context, &version, confirm),
        PackagesCommand::Restore(version) => of_version(RESTORE_VERSION, &version),
        PackagesCommand::Settings { package, settings } => change(context, &package, settings),
        PackagesCommand::Place {
            package,
            repository,
        } => context.run(
            PUT_INTO_REPOSITORY,
            &[&repository, &package.vendor, &package.name],
        ),
        PackagesCommand::Unplace {
            package,
            repository,
        } => context.run(
            TAKE_OUT_OF_REPOSITORY,
            &[&repository, &package.vendor, &package.name],
        ),
    }
}

fn add(context: &Context<'_>, arguments: AddArguments) -> Result {
    let asked = body(
        vec![
            ("connection", Some(arguments.connection.into())),
            ("project", Some(arguments.project.into())),
            ("repository", Some(arguments.repository.into())),
            ("folders", some_list(&arguments.folder)),
            ("versions", arguments.versions.map(Value::from)),
        ],
        &[],
    );
    let answer = context.call_with(ADD_PACKAGE, &[], &asked)?;
    if !arguments.watch {
        return context.show(answer);
    }
    let mut answer = answer;
    watch_begun(context, &answer.json()?, SHOW_JOB, &arguments.pace)
}

/// Deletes a package whose name was typed again.
fn remove(context: &Context<'_>, of: &Name, confirmed: Option<String>) -> Result {
    let what = format!("{}/{}", of.vendor, of.name);
    let typed = confirm(
        confirmed,
        &what,
        "The package, its versions and their archives are deleted for good.",
    )?;
    let body = json!({ "confirm": typed });
    context.run_with(DELETE_PACKAGE, &[&of.vendor, &of.name], &body)
}

/// Deletes a version whose name was typed again. What is typed is compared by the registry.
fn delete(context: &Context<'_>, of: &Version, confirmed: Option<String>) -> Result {
    let values: [&str; 3] = [&of.package.vendor, &of.package.name, &of.version];
    let shown = context.call(SHOW_VERSION, &values)?.json()?;
    let version = shown
        .get("version")
        .and_then(Value::as_str)
        .unwrap_or(&of.version);
    let what = format!("{}/{} {version}", of.package.vendor, of.package.name);
    let typed = confirm(
        confirmed,
        &what,
        "The version and its archive are deleted for good.",
    )?;
    context.run_with(DELETE_VERSION, &values, &json!({ "confirm": typed }))
}

fn change(context: &Context<'_>, package: &Name, settings: ChangedSettings) -> Result {
    let values: [&str; 2] = [&package.vendor, &package.name];
    let abandoned = settings.abandoned.map(|text| match text.as_str() {
        "yes" => Value::Bool(true),
        "no" => Value::Bool(false),
        _ => Value::from(text),
    });
    let cleared: &[String] = if settings.abandoned_by_itself {
        &["abandoned".to_owned()]
    } else {
        &[]
    };
    let body = body(
        vec![
            ("transient_branches", some_list(&settings.transient_branch)),
            ("tag_prefixes", some_list(&settings.tag_prefix)),
            (
                "moved_tags",
                settings.moved_tags.map(|moved| spell(&moved).into()),
            ),
            ("abandoned", abandoned),
        ],
        cleared,
    );
    if body.as_object().is_some_and(|fields| !fields.is_empty()) {
        return context.change(UPDATE_PACKAGE, &values, &body);
    }
    let shown = context.call(SHOW_PACKAGE, &values)?.json()?;
    let settings = shown
        .get("settings")
        .ok_or_else(|| Failure::failed("The package has no settings"))?;
    if context.output.json {
        return context.output.value(settings);
    }
    context.output.fields(settings)
}
