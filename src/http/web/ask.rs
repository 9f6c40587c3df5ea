//! A page that asks: a form of fields, choices and boxes, as most changes need one. `templates/ask.html` shows it.

use askama::Template;

use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::web::field::{Choice, Field};
use crate::http::web::form::{Faults, Form};
use crate::http::web::page::page_with;
use crate::http::web::shell::Shell;

/// Something to fill in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    /// To be typed.
    Field(Field),
    /// One of several.
    Select {
        /// Its name in the form.
        name: &'static str,
        /// What people read.
        label: &'static str,
        /// What there is to choose from.
        choices: Vec<Choice>,
    },
    /// A box to be ticked.
    Tick {
        /// Its name in the form.
        name: &'static str,
        /// What people read.
        label: &'static str,
        /// What it means, where the label does not say it.
        hint: &'static str,
        /// Whether it is ticked.
        is_ticked: bool,
    },
    /// What the next ones are about.
    Part(&'static str),
}

/// The inputs of a form, as they are at first, or as they were sent with what is wrong with them.
pub(crate) struct Asking<'a> {
    sent: Option<(&'a Form, &'a Faults)>,
    inputs: Vec<Input>,
    names: Vec<&'static str>,
}

impl<'a> Asking<'a> {
    /// Of what was sent, if something was.
    pub(crate) fn of(sent: Option<(&'a Form, &'a Faults)>) -> Self {
        Self {
            sent,
            inputs: Vec::new(),
            names: Vec::new(),
        }
    }

    /// Asks for something to be typed.
    #[must_use]
    pub(crate) fn field(mut self, field: Field) -> Self {
        self.names.push(field.name);
        self.inputs.push(Input::Field(match self.sent {
            Some((form, faults)) => field.typed(form, faults),
            None => field,
        }));
        self
    }

    /// Asks for one of several, each by what is sent and what people read.
    #[must_use]
    pub(crate) fn select(
        mut self,
        name: &'static str,
        label: &'static str,
        choices: &[(&str, &str)],
        chosen: &str,
    ) -> Self {
        let chosen = match self.sent {
            Some((form, _)) => form.text(name),
            None => chosen,
        };
        let choices = choices
            .iter()
            .map(|(value, label)| Choice::new(*value, *label, chosen))
            .collect();
        self.inputs.push(Input::Select {
            name,
            label,
            choices,
        });
        self
    }

    /// Asks for a box to be ticked.
    #[must_use]
    pub(crate) fn tick(
        mut self,
        name: &'static str,
        label: &'static str,
        hint: &'static str,
        is_ticked: bool,
    ) -> Self {
        let is_ticked = match self.sent {
            Some((form, _)) => form.is_ticked(name),
            None => is_ticked,
        };
        self.inputs.push(Input::Tick {
            name,
            label,
            hint,
            is_ticked,
        });
        self
    }

    /// Says what the next ones are about.
    #[must_use]
    pub(crate) fn part(mut self, title: &'static str) -> Self {
        self.inputs.push(Input::Part(title));
        self
    }

    /// The inputs, and what is wrong with none of them, for a page that has more.
    pub(crate) fn parts(self) -> (Vec<Input>, Vec<String>) {
        let faults = self
            .sent
            .map_or_else(Vec::new, |(_, faults)| faults.besides(&self.names));
        (self.inputs, faults)
    }

    /// The page around it.
    pub(crate) fn page(self, shell: Shell, action: String, button: &str, back: String) -> AskPage {
        let faults = self
            .sent
            .map_or_else(Vec::new, |(_, faults)| faults.besides(&self.names));
        AskPage {
            shell,
            notes: Vec::new(),
            action,
            hidden: Vec::new(),
            is_sent: self.sent.is_some(),
            inputs: self.inputs,
            faults,
            button: button.to_owned(),
            is_dangerous: false,
            back,
        }
    }
}

/// A page that asks.
#[derive(Template)]
#[template(path = "ask.html")]
pub(crate) struct AskPage {
    shell: Shell,
    notes: Vec<String>,
    action: String,
    hidden: Vec<(&'static str, String)>,
    inputs: Vec<Input>,
    is_sent: bool,
    faults: Vec<String>,
    button: String,
    is_dangerous: bool,
    back: String,
}

impl AskPage {
    /// Says something first.
    #[must_use]
    pub(crate) fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Sends something along.
    #[must_use]
    pub(crate) fn hidden(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.hidden.push((name, value.into()));
        self
    }

    /// What it does cannot be undone.
    #[must_use]
    pub(crate) fn dangerous(mut self) -> Self {
        self.is_dangerous = true;
        self
    }

    /// The reply: 422 for one that is shown again.
    pub(crate) fn reply(self) -> Result<Reply> {
        page_with(if self.is_sent { 422 } else { 200 }, &self)
    }
}
