//! What a customer or a team is granted: told, made, changed, taken back.
//!
//! Who has `manage_customers` changes it, who has `view` looks.

use serde_json::{Map, Value, json};
use strum_macros::IntoStaticStr;

use crate::app::App;
use crate::domain::access::{Ability, Subject};
use crate::domain::time::day;
use crate::error::{Error, Result};
use crate::http::api::missing;
use crate::http::api::paging::{Page, moment_key};
use crate::http::reply::Reply;
use crate::http::request::percent_decode;
use crate::http::route::NoRoute;
use crate::http::web::ask::{AskPage, Asking};
use crate::http::web::ask_twice::AskTwice;
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::lists::lead_on;
use crate::http::web::page::page;
use crate::http::web::place::terms::{Terms, read_limits, read_packages};
use crate::http::web::place::{collections, customers, people};
use crate::http::web::route::Act;
use crate::http::web::shell::{Crumb, Section, Shell};
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::{encoded, list_typed, moment_typed, with_query};
use crate::store::collections::Collection;
use crate::store::grant_pages::{NamedGrant, load_grant_form};
use crate::store::grants::Grant;

/// So many collections can be chosen from; others are granted from their own pages.
const CHOICES: i64 = 200;
/// So many grants are on a page.
const GRANTS: i64 = 50;

/// What is done about the grants of somebody; the text is a grant's id.
#[derive(Debug, Clone, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum GrantRoute {
    /// `new`: another one.
    New(Act),
    /// `{grant}`: changes it.
    Change(String, Act),
    /// `{grant}/remove`: asks, and takes it back.
    TakeBack(String, Act),
}

impl GrantRoute {
    /// Finds the page below `grants`.
    pub(super) fn parse(method: &str, segments: &[&str]) -> Result<Self, NoRoute> {
        match segments {
            ["new"] => Act::of(method).map(Self::New),
            [grant] => Act::of(method).map(|act| Self::Change(percent_decode(grant), act)),
            [grant, "remove"] => {
                Act::of(method).map(|act| Self::TakeBack(percent_decode(grant), act))
            }
            _ => Err(NoRoute::NotFound),
        }
    }
}

/// Answers for a page about a grant of a customer or a team.
pub(super) async fn handle(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    subject: Subject,
    route: GrantRoute,
) -> Result<Reply> {
    match route {
        GrantRoute::New(Act::Look) => {
            let loaded = load(app, place, subject, None).await?;
            render(app, visit, &loaded, None)
        }
        GrantRoute::New(Act::Send) => make(app, visit, place, subject).await,
        GrantRoute::Change(grant, Act::Look) => {
            let loaded = load(app, place, subject, Some(&grant)).await?;
            render(app, visit, &loaded, None)
        }
        GrantRoute::Change(grant, Act::Send) => change(app, visit, place, subject, &grant).await,
        GrantRoute::TakeBack(grant, Act::Look) => ask(app, visit, place, subject, &grant).await,
        GrantRoute::TakeBack(grant, Act::Send) => {
            take_back(app, visit, place, subject, &grant).await
        }
    }
}

/// A grant in a list.
pub(super) struct ShownGrant {
    pub(super) href: String,
    pub(super) what: String,
    /// The page of its collection.
    pub(super) collection: Option<String>,
    pub(super) limits: Vec<String>,
    pub(super) has_ended: bool,
    pub(super) note: String,
}

/// A page of what somebody was granted.
pub(super) struct ShownGrants {
    pub(super) grants: Vec<ShownGrant>,
    pub(super) may_change: bool,
    pub(super) first: Option<String>,
    pub(super) next: Option<String>,
}

impl ShownGrants {
    /// What to load for a page that was asked for, and how many of it.
    pub(super) fn cut(visit: &Visit) -> Result<Page> {
        Ok(Page::of(&visit.request)?.at_most(GRANTS))
    }

    /// Of what was loaded; `holder` is the page of whom it was granted to.
    pub(super) fn of(
        app: &App,
        place: &Place,
        holder: &str,
        cut: &Page,
        mut grants: Vec<NamedGrant>,
    ) -> Result<Self> {
        let next = cut.cut(&mut grants, |row| {
            moment_key(row.grant.created_at, &row.grant.id)
        });
        let now = app.now();
        let grants: Result<_> = grants
            .iter()
            .map(|grant| ShownGrant::of(place, holder, grant, now))
            .collect();
        Ok(Self {
            grants: grants?,
            may_change: place.may(Ability::ManageCustomers),
            first: cut.after().map(|_| holder.to_owned()),
            next: next.map(|cursor| with_query(holder, &[("cursor", &cursor)])),
        })
    }
}

impl ShownGrant {
    fn of(place: &Place, holder: &str, named: &NamedGrant, now: i64) -> Result<Self> {
        let terms = Terms::of(named)?;
        let collection = terms.collection.as_ref();
        Ok(Self {
            href: format!("{holder}/grants/{}", encoded(&named.grant.id)),
            what: terms.what(),
            collection: collection.map(|(id, _)| collections::address(place, id)),
            limits: terms.limits(),
            has_ended: terms.expires_at.is_some_and(|end| now >= end),
            note: named.grant.note.clone().unwrap_or_default(),
        })
    }
}

/// Where the page is of whom a grant is for, and how one comes to it.
struct Holder {
    section: Section,
    crumbs: Vec<Crumb>,
    address: String,
    /// What people call it in a sentence.
    word: &'static str,
    /// As the API names whom a grant is for.
    named: Value,
}

impl Holder {
    /// Of a customer or a team; there are no pages about grants of others.
    fn of(place: &Place, subject: &Subject) -> Result<Self> {
        match subject {
            Subject::Customer(id) => Ok(Self {
                section: Section::Customers,
                crumbs: vec![Crumb::new("Customers", customers::list_address(place))],
                address: customers::address(place, id),
                word: "customer",
                named: json!({ "customer": id }),
            }),
            Subject::Team(id) => Ok(Self {
                section: Section::People,
                crumbs: people::team_crumbs(place),
                address: people::team_address(place, id),
                word: "team",
                named: json!({ "team": id }),
            }),
            Subject::Token(_) | Subject::Organisation(_) => Err(missing("grant")),
        }
    }
}

/// A grant that is known already.
struct Known {
    grant: Grant,
    terms: Terms,
}

/// All that a form about a grant needs beside what was typed.
struct Loaded {
    holder: Holder,
    known: Option<Known>,
    collections: Vec<Collection>,
}

/// Loads it, for who may change it. A grant of somebody else is none.
async fn load(app: &App, place: &Place, subject: Subject, grant: Option<&str>) -> Result<Loaded> {
    place.authorise(Ability::ManageCustomers, false)?;
    let mut holder = Holder::of(place, &subject)?;
    let found = load_grant_form(app, place.organisation.id, &subject, grant, CHOICES).await?;
    let name = found.holder.ok_or_else(|| missing(holder.word))?;
    let subject = subject.to_text();
    let known = found.grant.filter(|known| known.subject == subject);
    if grant.is_some() && known.is_none() {
        return Err(missing("grant"));
    }
    let known = known.map(|grant| {
        let named = NamedGrant {
            grant: grant.clone(),
            collection: None,
            total: 0,
        };
        let terms = Terms::of(&named)?;
        Ok::<_, Error>(Known { grant, terms })
    });
    holder.crumbs.push(Crumb::new(name, holder.address.clone()));
    Ok(Loaded {
        holder,
        known: known.transpose()?,
        collections: found.collections,
    })
}

impl Loaded {
    fn title(&self) -> &'static str {
        if self.known.is_some() {
            "Change a grant"
        } else {
            "Grant something"
        }
    }

    fn page(&self, shell: Shell, sent: Option<(&Form, &Faults)>) -> AskPage {
        let back = self.holder.address.clone();
        let (action, button) = match &self.known {
            Some(known) => (
                format!("{back}/grants/{}", encoded(&known.grant.id)),
                "Save the grant",
            ),
            None => (format!("{back}/grants/new"), "Grant it"),
        };
        let none = Terms::default();
        let terms = self.known.as_ref().map_or(&none, |known| &known.terms);
        let chosen = terms.collection.as_ref().map_or("", |(id, _)| id);
        let mut choices = vec![("", "none: the packages above")];
        let named = self.collections.iter();
        choices.extend(named.map(|one| (one.id.as_str(), one.name.as_str())));
        if !choices.iter().any(|(id, _)| *id == chosen) {
            choices.push((chosen, "the one there is"));
        }
        let grant = self.known.as_ref().map(|known| &known.grant);
        let text =
            |read: fn(&Grant) -> Option<&String>| grant.and_then(read).cloned().unwrap_or_default();
        let slugs = terms.repositories.clone().unwrap_or_default().join(", ");
        let mut asking = Asking::of(sent)
            .part("What")
            .field(terms.packages_field().optional());
        if choices.len() > 1 {
            asking = asking.select("collection", "Or a collection", &choices, chosen);
        }
        asking = asking.field(
            Field::text("repositories", "Only from these repositories")
                .optional()
                .value(slugs)
                .hint("Their slugs; from all without it"),
        );
        terms
            .ask(asking)
            .part("How long")
            .field(
                Field {
                    kind: "date",
                    ..Field::text("expires_at", "Ends on")
                }
                .optional()
                .value(terms.expires_at.map(day).unwrap_or_default())
                .hint("The last day (UTC); for ever without it"),
            )
            .tick(
                "keeps",
                "What there is by then stays",
                "Nothing newer is seen after the end; without it nothing at all",
                terms.keeps,
            )
            .field(
                Field::text("external_id", "Number in your shop")
                    .optional()
                    .value(text(|grant| grant.external_id.as_ref())),
            )
            .field(
                Field::text("note", "Note")
                    .optional()
                    .value(text(|grant| grant.note.as_ref()))
                    .hint("For the people of your organisation"),
            )
            .page(shell, action, button, back)
    }
}

fn render(
    app: &App,
    visit: &mut Visit,
    loaded: &Loaded,
    sent: Option<(&Form, &Faults)>,
) -> Result<Reply> {
    let holder = &loaded.holder;
    let (title, crumbs) = (loaded.title(), holder.crumbs.clone());
    let shell = visit.shell_at(app, holder.section, title, crumbs)?;
    loaded.page(shell, sent).reply()
}

/// What was typed, as the API takes it.
fn read(form: &Form, known: &Terms) -> Map<String, Value> {
    let mut asked = read_limits(form, known);
    let collection = form.optional("collection");
    let packages = read_packages(form);
    let has_packages = packages.as_array().is_some_and(|names| !names.is_empty());
    let packages = if has_packages || collection.is_none() {
        packages
    } else {
        Value::Null
    };
    asked.insert("packages".to_owned(), packages);
    asked.insert("collection".to_owned(), json!(collection));
    let slugs = list_typed(form.raw("repositories"));
    let slugs = (!slugs.is_empty()).then_some(slugs);
    asked.insert("repositories".to_owned(), json!(slugs));
    let ends = moment_typed(form.optional("expires_at"), known.expires_at, true);
    asked.insert("expires_at".to_owned(), json!(ends));
    asked.insert("keeps".to_owned(), json!(form.is_ticked("keeps")));
    for name in ["external_id", "note"] {
        asked.insert(name.to_owned(), json!(form.optional(name)));
    }
    asked
}

/// To the page of whom it is for, or back to the form with what is wrong.
fn go_on(
    app: &App,
    visit: &mut Visit,
    loaded: &Loaded,
    form: &Form,
    answer: Result<Value>,
    did: &str,
) -> Result<Reply> {
    match answer {
        Ok(_) => {
            let said = format!("{did}. It is in force within ten seconds");
            Ok(visit.go_on(&loaded.holder.address, &said))
        }
        Err(error) => {
            let faults = Faults::of(error)?.by_list();
            render(app, visit, loaded, Some((form, &faults)))
        }
    }
}

async fn make(app: &App, visit: &mut Visit, place: &Place, subject: Subject) -> Result<Reply> {
    let form = visit.form(app).await?;
    let loaded = load(app, place, subject, None).await?;
    let mut asked = read(&form, &Terms::default());
    asked.insert("subject".to_owned(), loaded.holder.named.clone());
    let asked = Value::Object(asked);
    let answer = place.ask(app, visit, "POST", "/grants", Some(&asked)).await;
    go_on(app, visit, &loaded, &form, answer, "Granted")
}

async fn change(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    subject: Subject,
    grant: &str,
) -> Result<Reply> {
    let form = visit.form(app).await?;
    let loaded = load(app, place, subject, Some(grant)).await?;
    let none = Terms::default();
    let terms = loaded.known.as_ref().map_or(&none, |known| &known.terms);
    let asked = Value::Object(read(&form, terms));
    let path = format!("/grants/{}", encoded(grant));
    let answer = place.ask(app, visit, "PATCH", &path, Some(&asked)).await;
    go_on(app, visit, &loaded, &form, answer, "Saved")
}

/// Asks whether a grant is to be taken back.
async fn ask(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    subject: Subject,
    grant: &str,
) -> Result<Reply> {
    let loaded = load(app, place, subject, Some(grant)).await?;
    let holder = loaded.holder;
    let words = loaded.known.map(|known| known.terms.words());
    let shell = visit.shell_at(app, holder.section, "Take a grant back", holder.crumbs)?;
    page(&AskTwice {
        shell,
        consequences: vec![
            format!("It is about: {}.", words.unwrap_or_default()),
            format!(
                "What the {} sees by this grant alone it does not see any more, within ten seconds. What was installed \
                 stays installed.",
                holder.word
            ),
        ],
        action: format!("{}/grants/{}/remove", holder.address, encoded(grant)),
        fields: Vec::new(),
        faults: Vec::new(),
        button: "Take it back".to_owned(),
        back: holder.address,
    })
}

async fn take_back(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    subject: Subject,
    grant: &str,
) -> Result<Reply> {
    visit.form(app).await?;
    let loaded = load(app, place, subject, Some(grant)).await?;
    let path = format!("/grants/{}", encoded(grant));
    let answer = place.ask(app, visit, "DELETE", &path, None).await;
    let said = "Taken back. It is in force within ten seconds";
    lead_on(visit, &loaded.holder.address, answer, said)
}
