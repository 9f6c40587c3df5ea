//! The settings of a package: what becomes of its refs, whether it is abandoned, where it is installed from, which folders of
//! its project are packages; and what cannot be undone. The API decides, validates and audits.

use askama::Template;
use serde_json::{Value, json};

use crate::app::App;
use crate::domain::access::Ability;
use crate::domain::name::PackageName;
use crate::domain::policy::{Abandoned, BranchGlob, MovedTags, PackagePolicy};
use crate::error::{Error, Result};
use crate::http::api::missing;
use crate::http::reply::Reply;
use crate::http::web::field::{Choice, Field};
use crate::http::web::form::{Faults, Form};
use crate::http::web::page::{Moment, page_with};
use crate::http::web::place::packages::act::lead_to;
use crate::http::web::place::packages::address;
use crate::http::web::place::packages::entry::{Fact, web_address};
use crate::http::web::place::packages::tabs::{Tab, Way, shell_of, ways};
use crate::http::web::shell::Shell;
use crate::http::web::visit::{Place, Visit};
use crate::store::package_settings::{Settings, Source, find_settings};

/// Fields of the first form.
const FIELDS: [&str; 5] = [
    "transient_branches",
    "tag_prefixes",
    "moved_tags",
    "abandoned",
    "replacement",
];

/// A repository of the organisation, and whether the package is in it.
struct Membership {
    slug: String,
    is_in: bool,
}

/// A version whose number may be published again.
struct Restorable {
    version: String,
    deleted: Moment,
}

/// Which folders of the project are packages.
struct Folders {
    number: i64,
    patterns: Field,
    versions: Vec<Choice>,
}

#[derive(Template)]
#[template(path = "place/packages/settings.html")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "what the template asks, each by itself"
)]
struct SettingsPage {
    shell: Shell,
    name: String,
    ways: Vec<Way>,
    address: String,
    may_change: bool,
    may_delete: bool,
    is_synced: bool,
    faults: Vec<String>,
    branches: Field,
    prefixes: Field,
    moved_tags: Vec<Choice>,
    abandoned: Vec<Choice>,
    replacement: Field,
    repositories: Vec<Membership>,
    folders: Option<Folders>,
    source: Vec<Fact>,
    compared: Option<Moment>,
    is_connected: bool,
    deleted: Vec<Restorable>,
}

/// Shows them.
pub(super) async fn show(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    name: &PackageName,
) -> Result<Reply> {
    render(app, visit, place, name, None).await
}

/// Sends what was typed to the API.
pub(super) async fn send(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    name: &PackageName,
) -> Result<Reply> {
    let form = visit.form(app).await?;
    let (abandoned, replacement) = (form.text("abandoned"), form.text("replacement"));
    let mut faults = Faults::none();
    let abandoned = match abandoned {
        "yes" => json!(true),
        "no" => json!(false),
        "for" if replacement.is_empty() => {
            faults.add("replacement", "Name the package to use instead");
            Value::Null
        }
        "for" => json!(replacement),
        _ => Value::Null,
    };
    // What is uploaded has no refs, and its form no fields for them.
    let body = if form.is_ticked("moved_tags") {
        json!({
            "abandoned": abandoned,
            "transient_branches": lines(&form, "transient_branches"),
            "tag_prefixes": lines(&form, "tag_prefixes"),
            "moved_tags": form.text("moved_tags"),
        })
    } else {
        json!({ "abandoned": abandoned })
    };
    let path = format!("/packages/{}", name.as_str());
    if faults.is_empty() {
        match place.ask(app, visit, "PATCH", &path, Some(&body)).await {
            Ok(_) => {
                let to = format!("{}/settings", address(place, name.as_str()));
                return Ok(visit.go_on(
                    &to,
                    "Saved. What it means for tags and branches is being decided",
                ));
            }
            Err(error) => faults = of_settings(Faults::of(error)?),
        }
    }
    render(app, visit, place, name, Some((&form, &faults))).await
}

/// A fault of the replacement is the API's of `abandoned`.
fn of_settings(mut faults: Faults) -> Faults {
    if let Some(fault) = faults.at("abandoned") {
        faults.add("replacement", fault);
    }
    faults
}

fn lines(form: &Form, name: &str) -> Vec<String> {
    form.raw(name)
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Puts the package into the repositories that are ticked, and takes it out of the others.
pub(super) async fn send_repositories(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    name: &PackageName,
) -> Result<Reply> {
    let form = visit.form(app).await?;
    place.authorise(Ability::ManagePackages, false)?;
    let settings = find_settings(app, place.organisation.id, name)
        .await?
        .ok_or_else(|| missing("package"))?;
    let to = format!("{}/settings", address(place, name.as_str()));
    let mut answer = Ok(Value::Null);
    for repository in &settings.repositories {
        let slug = &repository.slug;
        let is_in = settings.memberships.iter().any(|one| &one.slug == slug);
        let is_wanted = form.all("repository").any(|ticked| ticked == slug);
        let method = match (is_in, is_wanted) {
            (false, true) => "PUT",
            (true, false) => "DELETE",
            _ => continue,
        };
        let path = format!("/repositories/{slug}/packages/{}", name.as_str());
        answer = place.ask(app, visit, method, &path, None).await;
        if answer.is_err() {
            break;
        }
    }
    lead_to(
        visit,
        &to,
        answer,
        "Saved. The repositories are being published",
    )
}

/// Changes which folders of the project are packages.
pub(super) async fn send_folders(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    name: &PackageName,
) -> Result<Reply> {
    let form = visit.form(app).await?;
    place.authorise(Ability::ManagePackages, false)?;
    let settings = find_settings(app, place.organisation.id, name)
        .await?
        .ok_or_else(|| missing("package"))?;
    let source = settings.source.ok_or_else(|| missing("project"))?;
    let body = json!({"folders": lines(&form, "folders"), "versions": form.text("versions")});
    let path = format!("/projects/{}", source.number);
    match place.ask(app, visit, "PATCH", &path, Some(&body)).await {
        Ok(_) => {
            let to = format!("{}/settings", address(place, name.as_str()));
            Ok(visit.go_on(
                &to,
                "Saved. Which folders are packages is being decided anew",
            ))
        }
        Err(error) => {
            let faults = Faults::of(error)?;
            render(app, visit, place, name, Some((&form, &faults))).await
        }
    }
}

async fn render(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    name: &PackageName,
    typed: Option<(&Form, &Faults)>,
) -> Result<Reply> {
    place.authorise(Ability::ManagePackages, typed.is_none())?;
    let settings = find_settings(app, place.organisation.id, name)
        .await?
        .ok_or_else(|| missing("package"))?;
    let policy = settings.package.policy()?;
    let Settings {
        package,
        memberships,
        repositories,
        source,
        deleted,
    } = settings;
    let fill = |field: Field| match typed {
        Some((form, faults)) if form.is_ticked(field.name) => field.typed(form, faults),
        _ => field,
    };
    let chosen = |name: &str, known: &str| match typed {
        Some((form, _)) if form.is_ticked(name) => form.text(name).to_owned(),
        _ => known.to_owned(),
    };
    let is_connected = source
        .as_ref()
        .is_some_and(|source| source.provider.is_some());
    let is_synced = source.is_some() && package.renamed_to.is_none();
    let (said, replacement) = abandoned_of(&policy);
    page_with(
        if typed.is_some() { 422 } else { 200 },
        &SettingsPage {
            shell: shell_of(app, visit, place, name, "Settings")?,
            name: name.as_str().to_owned(),
            ways: ways(place, name, Tab::Settings),
            address: address(place, name.as_str()),
            may_change: place.may(Ability::ManagePackages),
            may_delete: place.may(Ability::Own),
            is_synced,
            faults: typed.map_or_else(Vec::new, |(_, faults)| {
                faults.besides(&[&FIELDS[..], &["folders"]].concat())
            }),
            branches: fill(branches_field(&policy)),
            prefixes: fill(prefixes_field(&policy)),
            moved_tags: moved_choices(&chosen("moved_tags", policy.moved_tags.as_str())),
            abandoned: abandoned_choices(&chosen("abandoned", said)),
            replacement: fill(
                Field::text("replacement", "Package to use instead")
                    .optional()
                    .hint("Such as acme/new")
                    .value(replacement),
            ),
            repositories: repositories
                .into_iter()
                .map(|repository| Membership {
                    is_in: memberships.iter().any(|one| one.id == repository.id),
                    slug: repository.slug,
                })
                .collect(),
            folders: match &source {
                Some(source) => folders_of(source, fill, chosen)?,
                None => None,
            },
            compared: source
                .as_ref()
                .and_then(|source| source.last_reconciled_at)
                .map(Moment::of),
            source: facts_of(source, package.folder.as_deref()),
            is_connected: is_connected && package.renamed_to.is_none(),
            deleted: deleted
                .into_iter()
                .map(|one| Restorable {
                    version: one.pretty,
                    deleted: Moment::of(one.deleted_at),
                })
                .collect(),
        },
    )
}

fn branches_field(policy: &PackagePolicy) -> Field {
    let patterns: Vec<_> = policy
        .transient_branches
        .iter()
        .map(BranchGlob::as_str)
        .collect();
    Field::lines("transient_branches", "Branches left out")
        .optional()
        .hint("A pattern in each line, such as dependabot/*")
        .value(patterns.join("\n"))
}

fn prefixes_field(policy: &PackagePolicy) -> Field {
    Field::lines("tag_prefixes", "Prefixes of tags")
        .optional()
        .hint("What stands before the version in a tag, one in each line, such as lib-")
        .value(policy.tag_prefixes.as_slice().join("\n"))
}

fn moved_choices(chosen: &str) -> Vec<Choice> {
    vec![
        Choice::new(
            MovedTags::Keep.as_str(),
            "The version stays at its first commit",
            chosen,
        ),
        Choice::new(
            MovedTags::Follow.as_str(),
            "The version goes where its tag goes",
            chosen,
        ),
    ]
}

fn abandoned_of(policy: &PackagePolicy) -> (&'static str, String) {
    match &policy.abandoned {
        None => ("", String::new()),
        Some(Abandoned::No) => ("no", String::new()),
        Some(Abandoned::Yes) => ("yes", String::new()),
        Some(Abandoned::For(name)) => ("for", name.as_str().to_owned()),
    }
}

fn abandoned_choices(chosen: &str) -> Vec<Choice> {
    vec![
        Choice::new("", "As the git host and composer.json say", chosen),
        Choice::new("no", "No, whatever they say", chosen),
        Choice::new("yes", "Abandoned, and nothing to use instead", chosen),
        Choice::new("for", "Abandoned for another package", chosen),
    ]
}

fn folders_of(
    source: &Source,
    fill: impl Fn(Field) -> Field,
    chosen: impl Fn(&str, &str) -> String,
) -> Result<Option<Folders>> {
    let Some(folders) = &source.folders else {
        return Ok(None);
    };
    let patterns: Vec<String> = serde_json::from_str(folders).map_err(Error::internal)?;
    let versions = chosen("versions", &source.folder_versions);
    Ok(Some(Folders {
        number: source.number,
        patterns: fill(
            Field::lines("folders", "Folders that are packages")
                .hint("A pattern in each line, such as packages/*")
                .value(patterns.join("\n")),
        ),
        versions: vec![
            Choice::new(
                "changed",
                "Of those that changed since the tag before",
                &versions,
            ),
            Choice::new("all", "Of all of them", &versions),
        ],
    }))
}

fn facts_of(source: Option<Source>, folder: Option<&str>) -> Vec<Fact> {
    let Some(source) = source else {
        return vec![Fact::new("Comes from", "uploads or a definition")];
    };
    let mut facts = vec![Fact {
        href: web_address(&source.web_url),
        ..Fact::new("Project", source.full_name)
    }];
    let connection = match (source.provider, source.account) {
        (Some(provider), account) => {
            let account = account.unwrap_or_default();
            format!("{provider} {account}").trim_end().to_owned()
        }
        (None, _) => "deleted; the package stays as it is".to_owned(),
    };
    facts.push(Fact::new("Connection", connection));
    facts.extend(folder.map(|folder| Fact::new("Folder", folder)));
    facts.extend(source.withheld_reason.map(|why| Fact::new("Withheld", why)));
    facts
}
