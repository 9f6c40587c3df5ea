//! A field of a form: its label, what was typed, and what is wrong with it. `templates/parts/forms.html` shows it.

use crate::http::web::form::{Faults, Form};

/// A field that somebody types into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    /// Its name in the form, and its id on the page.
    pub(crate) name: &'static str,
    /// What people read.
    pub(crate) label: &'static str,
    /// `text`, `email`, `password`, …, or `textarea`.
    pub(crate) kind: &'static str,
    /// What stands in it. Of a password nothing ever does.
    pub(crate) value: String,
    /// What to write, where the label does not say it.
    pub(crate) hint: Option<String>,
    /// What is wrong with what was typed.
    pub(crate) error: Option<String>,
    /// What the browser may fill in, by the words of the HTML standard.
    pub(crate) autocomplete: &'static str,
    /// Whether it may stay empty.
    pub(crate) is_required: bool,
}

impl Field {
    /// A text that must be there.
    pub(crate) fn text(name: &'static str, label: &'static str) -> Self {
        Self {
            name,
            label,
            kind: "text",
            value: String::new(),
            hint: None,
            error: None,
            autocomplete: "off",
            is_required: true,
        }
    }

    /// An e-mail address.
    pub(crate) fn email(name: &'static str, label: &'static str) -> Self {
        Self {
            kind: "email",
            autocomplete: "username",
            ..Self::text(name, label)
        }
    }

    /// A password: `current-password` or `new-password`.
    pub(crate) fn password(
        name: &'static str,
        label: &'static str,
        autocomplete: &'static str,
    ) -> Self {
        Self {
            kind: "password",
            autocomplete,
            ..Self::text(name, label)
        }
    }

    /// Several lines.
    pub(crate) fn lines(name: &'static str, label: &'static str) -> Self {
        Self {
            kind: "textarea",
            ..Self::text(name, label)
        }
    }

    /// It may stay empty.
    #[must_use]
    pub(crate) fn optional(mut self) -> Self {
        self.is_required = false;
        self
    }

    /// Says what to write.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What the browser may fill in.
    #[must_use]
    pub(crate) fn autocomplete(mut self, words: &'static str) -> Self {
        self.autocomplete = words;
        self
    }

    /// What stands in it at first.
    #[must_use]
    pub(crate) fn value(mut self, value: impl Into<String>) -> Self {
        self.value = value.into();
        self
    }

    /// What was typed and what is wrong with it. A password is typed again.
    #[must_use]
    pub(crate) fn typed(mut self, form: &Form, faults: &Faults) -> Self {
        if self.kind != "password" {
            form.raw(self.name).clone_into(&mut self.value);
        }
        self.error = faults.at(self.name);
        self
    }
}

/// One of several choices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    /// What is sent.
    pub(crate) value: String,
    /// What people read.
    pub(crate) label: String,
    /// Whether it is chosen.
    pub(crate) is_chosen: bool,
}

impl Choice {
    /// A choice.
    pub(crate) fn new(value: impl Into<String>, label: impl Into<String>, chosen: &str) -> Self {
        let value = value.into();
        Self {
            is_chosen: value == chosen,
            value,
            label: label.into(),
        }
    }
}
