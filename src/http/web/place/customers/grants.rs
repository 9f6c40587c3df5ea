//! What a customer is granted: made, changed, taken back.

use serde_json::{Map, Value, json};

use crate::app::App;
use crate::domain::access::Ability;
use crate::domain::time::day;
use crate::error::{Error, Result};
use crate::http::api::missing;
use crate::http::reply::Reply;
use crate::http::web::ask::{AskPage, Asking};
use crate::http::web::field::Field;
use crate::http::web::form::{Faults, Form};
use crate::http::web::place::customers::{address, lead_back, shell_below};
use crate::http::web::place::terms::{Terms, read_limits, read_packages};
use crate::http::web::shell::Shell;
use crate::http::web::visit::{Place, Visit};
use crate::http::web::ways::{encoded, list_typed, moment_typed};
use crate::store::collections::Collection;
use crate::store::customer_page::{NamedGrant, load_grant_form};
use crate::store::customers::Customer;
use crate::store::grants::Grant;

/// So many collections can be chosen from; others are granted from their own pages.
const CHOICES: i64 = 200;

/// A grant of this customer that is known already.
struct Known {
    grant: Grant,
    terms: Terms,
}

/// All that a form about a grant needs beside what was typed.
struct Loaded {
    customer: Customer,
    known: Option<Known>,
    collections: Vec<Collection>,
}

/// Loads it, for who may change it. A grant of somebody else is none.
async fn load(app: &App, place: &Place, customer: &str, grant: Option<&str>) -> Result<Loaded> {
    place.authorise(Ability::ManageCustomers, false)?;
    let found = load_grant_form(app, place.organisation.id, customer, grant, CHOICES).await?;
    let subject = format!("customer:{customer}");
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
    Ok(Loaded {
        customer: found.customer.ok_or_else(|| missing("customer"))?,
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

    fn page(&self, place: &Place, shell: Shell, sent: Option<(&Form, &Faults)>) -> AskPage {
        let back = address(place, &self.customer.id);
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
    place: &Place,
    loaded: &Loaded,
    sent: Option<(&Form, &Faults)>,
) -> Result<Reply> {
    let shell = shell_below(app, visit, place, &loaded.customer, loaded.title())?;
    loaded.page(place, shell, sent).reply()
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

/// Asks what to grant.
pub(super) async fn show_new(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    id: &str,
) -> Result<Reply> {
    let loaded = load(app, place, id, None).await?;
    render(app, visit, place, &loaded, None)
}

/// Grants it.
pub(super) async fn make(app: &App, visit: &mut Visit, place: &Place, id: &str) -> Result<Reply> {
    let form = visit.form(app).await?;
    let loaded = load(app, place, id, None).await?;
    let mut asked = read(&form, &Terms::default());
    asked.insert("subject".to_owned(), json!({"customer": id}));
    let asked = Value::Object(asked);
    let answer = place.ask(app, visit, "POST", "/grants", Some(&asked)).await;
    match answer {
        Ok(_) => {
            let said = "Granted. The customer sees it within ten seconds";
            Ok(visit.go_on(&address(place, id), said))
        }
        Err(error) => {
            let faults = Faults::of(error)?;
            render(app, visit, place, &loaded, Some((&form, &faults)))
        }
    }
}

/// Shows a grant, to be changed.
pub(super) async fn show(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    id: &str,
    grant: &str,
) -> Result<Reply> {
    let loaded = load(app, place, id, Some(grant)).await?;
    render(app, visit, place, &loaded, None)
}

/// Changes a grant.
pub(super) async fn change(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    id: &str,
    grant: &str,
) -> Result<Reply> {
    let form = visit.form(app).await?;
    let loaded = load(app, place, id, Some(grant)).await?;
    let none = Terms::default();
    let terms = loaded.known.as_ref().map_or(&none, |known| &known.terms);
    let asked = Value::Object(read(&form, terms));
    let path = format!("/grants/{}", encoded(grant));
    let answer = place.ask(app, visit, "PATCH", &path, Some(&asked)).await;
    match answer {
        Ok(_) => {
            let said = "Saved. The customer sees it so within ten seconds";
            Ok(visit.go_on(&address(place, id), said))
        }
        Err(error) => {
            let faults = Faults::of(error)?;
            render(app, visit, place, &loaded, Some((&form, &faults)))
        }
    }
}

/// Takes a grant back.
pub(super) async fn remove(
    app: &App,
    visit: &mut Visit,
    place: &Place,
    id: &str,
    grant: &str,
) -> Result<Reply> {
    visit.form(app).await?;
    load(app, place, id, Some(grant)).await?;
    let path = format!("/grants/{}", encoded(grant));
    let answer = place.ask(app, visit, "DELETE", &path, None).await;
    let said = "Taken back. The customer does not see it any more, within ten seconds";
    lead_back(visit, place, id, answer, said)
}
