//! The settings of a repository: who may read it, what people read about it, and what Composer is told.

use askama::Template;
use serde_json::{Value, json};

use crate::app::App;
use crate::domain::access::Ability;
use crate::domain::settings::{Composer1, Duplicates, Level, Message, Mirror};
use crate::error::Result;
use crate::http::api::missing;
use crate::http::reply::Reply;
use crate::http::web::ask::{Asking, Input};
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::page::page_with;
use crate::http::web::place::settings::repositories::{crumbs, list_address};
use crate::http::web::shell::{Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::{connect_commands, encoded};
use crate::store::repositories::{Repository, find_repository};

#[derive(Template)]
#[template(path = "place/settings/repository.html")]
struct RepositoryPage {
    shell: Shell,
    address: String,
    landing_page: Option<String>,
    commands: String,
    may_change: bool,
    may_delete: bool,
    inputs: Vec<Input>,
    messages: Vec<ShownLine>,
    faults: Vec<String>,
}

/// What Composer prints, and where else archives are: as many as there are, and an empty one.
struct ShownLine {
    number: usize,
    level: &'static str,
    text: String,
    versions: String,
}

pub(super) async fn show(app: &App, visit: &mut Visit, place: &Place, slug: &str) -> Result<Reply> {
    place.authorise(Ability::ManagePackages, true)?;
    let repository = find(app, place, slug).await?;
    render(app, visit, place, &repository, None)
}

async fn find(app: &App, place: &Place, slug: &str) -> Result<Repository> {
    find_repository(app, &place.organisation.slug, slug)
        .await?
        .ok_or_else(|| missing("repository"))
}

/// Mirrors as lines: `dist`, `git` or `hg`, the address, and `preferred` where it is tried first.
fn mirror_lines(mirrors: &[Mirror]) -> String {
    let lines = mirrors.iter().flat_map(|mirror| {
        let end = if mirror.preferred { " preferred" } else { "" };
        [
            ("dist", &mirror.dist_url),
            ("git", &mirror.git_url),
            ("hg", &mirror.hg_url),
        ]
        .into_iter()
        .filter_map(move |(kind, url)| url.as_ref().map(|url| format!("{kind} {url}{end}")))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The same read: a line is a mirror.
fn read_mirrors(text: &str) -> Result<Vec<Value>, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let mut words = line.split_whitespace();
            let (kind, url, end) = (words.next(), words.next(), words.next());
            let key = match kind {
                Some("dist") => "dist-url",
                Some("git") => "git-url",
                Some("hg") => "hg-url",
                _ => return Err(wrong_mirror(line)),
            };
            match (url, end, words.next()) {
                (Some(url), None, None) => Ok(json!({key: url, "preferred": false})),
                (Some(url), Some("preferred"), None) => Ok(json!({key: url, "preferred": true})),
                _ => Err(wrong_mirror(line)),
            }
        })
        .collect()
}

fn wrong_mirror(line: &str) -> String {
    format!("`{line}` is no mirror: write `dist`, the address, and perhaps `preferred`")
}

fn message_lines(messages: &[Message], form: Option<&Form>) -> Vec<ShownLine> {
    let level_of = |level: Level| match level {
        Level::Info => "info",
        Level::Warning => "warning",
    };
    let count = messages.len().saturating_add(1);
    (0..count)
        .map(|number| match (form, messages.get(number)) {
            (Some(form), _) => ShownLine {
                number,
                level: if form.text(&format!("level-{number}")) == "warning" {
                    "warning"
                } else {
                    "info"
                },
                text: form.text(&format!("text-{number}")).to_owned(),
                versions: form.text(&format!("versions-{number}")).to_owned(),
            },
            (None, Some(message)) => ShownLine {
                number,
                level: level_of(message.level),
                text: message.text.clone(),
                versions: message.versions.clone(),
            },
            (None, None) => ShownLine {
                number,
                level: "info",
                text: String::new(),
                versions: "*".to_owned(),
            },
        })
        .collect()
}

fn render(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    repository: &Repository,
    sent: Option<(&Form, &Faults)>,
) -> Result<Reply> {
    let settings = repository.settings()?;
    let composer_1 = match settings.composer_1 {
        Composer1::Auto => "auto",
        Composer1::Full => "full",
        Composer1::Off => "off",
    };
    let duplicates = match settings.duplicates {
        Duplicates::Refuse => "refuse",
        Duplicates::Ignore => "ignore",
    };
    let of = Asking::of(sent)
        .tick(
            "public",
            "Everybody may read it",
            "Without a token, packages and all",
            repository.is_public,
        )
        .field(
            Field::text("description", "Description")
                .optional()
                .value(repository.description.clone().unwrap_or_default()),
        )
        .field(
            Field::lines("landing", "What people read on its page")
                .optional()
                .value(repository.landing.clone().unwrap_or_default())
                .hint("Markdown; links and images from elsewhere are allowed, HTML is left out"),
        )
        .select(
            "duplicates",
            "An upload of a stable version that is there with other bytes",
            &[
                ("refuse", "is refused"),
                ("ignore", "is answered as if it had been taken; the first stays"),
            ],
            duplicates,
        )
        .select(
            "composer_1",
            "Composer 1",
            &[
                ("auto", "gets its files where a client says it is one"),
                ("full", "gets its files, and all others are told of them too"),
                ("off", "gets nothing"),
            ],
            composer_1,
        )
        .field(
            Field::lines("mirrors", "Other places to download from")
                .optional()
                .value(mirror_lines(&settings.mirrors))
                .hint("One a line: dist, git or hg, its address with Composer's %package% and %reference%, and perhaps preferred"),
        );
    let (inputs, faults) = of.parts();
    let slug = &repository.slug;
    let address = format!("{}/{}", list_address(place), encoded(slug));
    let shell = visit.shell_at(app, Section::Settings, slug, crumbs(place))?;
    page_with(
        if sent.is_some() { 422 } else { 200 },
        &RepositoryPage {
            shell,
            landing_page: repository
                .is_public
                .then(|| format!("/ui/{}/repositories/{slug}", place.organisation.slug)),
            commands: connect_commands(app, repository),
            may_change: place.may(Ability::ManagePackages),
            may_delete: place.may(Ability::Own),
            inputs,
            messages: message_lines(&settings.messages, sent.map(|(form, _)| form)),
            faults,
            address,
        },
    )
}

/// Changes it.
pub(super) async fn send(app: &App, visit: &mut Visit, place: &Place, slug: &str) -> Result<Reply> {
    let form = visit.form(app).await?;
    place.authorise(Ability::ManagePackages, false)?;
    let repository = find(app, place, slug).await?;
    let mirrors = match read_mirrors(form.raw("mirrors")) {
        Ok(mirrors) => mirrors,
        Err(why) => {
            let mut faults = Faults::none();
            faults.add("mirrors", why);
            return render(app, visit, place, &repository, Some((&form, &faults)));
        }
    };
    let known = repository.settings()?.messages.len();
    let messages: Vec<_> = (0..=known)
        .filter_map(|number| {
            let text = form.optional(&format!("text-{number}"))?;
            let versions = form.optional(&format!("versions-{number}")).unwrap_or("*");
            let level = form.text(&format!("level-{number}"));
            Some(json!({"level": level, "text": text, "versions": versions}))
        })
        .collect();
    let asked = json!({
        "public": form.is_ticked("public"),
        "description": form.text("description"),
        "landing": form.raw("landing"),
        "duplicates": form.text("duplicates"),
        "composer_1": form.text("composer_1"),
        "mirrors": mirrors,
        "messages": messages,
    });
    let path = format!("/repositories/{}", encoded(slug));
    match place.ask(app, visit, "PATCH", &path, Some(&asked)).await {
        Ok(_) => {
            let to = format!("{}/{}", list_address(place), encoded(slug));
            Ok(visit.go_on(&to, "Saved. It is in force within ten seconds"))
        }
        Err(error) => {
            let faults = Faults::of(error)?;
            render(app, visit, place, &repository, Some((&form, &faults)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_are_written_as_they_are_read() {
        let text = "dist https://a.example/%package%/%reference%.zip preferred\ngit https://b.example/%package%.git";
        let read = read_mirrors(text).unwrap();
        let mirrors: Vec<Mirror> = serde_json::from_value(Value::from(read)).unwrap();
        assert_eq!(mirror_lines(&mirrors), text);
        for wrong in ["https://a.example", "dist", "dist a b c", "dist a first"] {
            assert!(read_mirrors(wrong).is_err(), "{wrong}");
        }
        assert!(read_mirrors(" \n\n").unwrap().is_empty());
    }
}
