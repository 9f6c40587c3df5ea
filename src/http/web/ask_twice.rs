//! The page that asks twice: a dangerous button leads here, by a link that does nothing, and the form on it does what was
//! asked for.

use askama::Template;

use crate::http::web::field::Field;
use crate::http::web::shell::Shell;

/// What is asked, and where the answer goes.
#[derive(Template)]
#[template(path = "ask_twice.html")]
pub(crate) struct AskTwice {
    /// Its title is the question.
    pub(crate) shell: Shell,
    /// What comes of it, a sentence each.
    pub(crate) consequences: Vec<String>,
    /// Where the form is sent.
    pub(crate) action: String,
    /// What has to be typed, where a click is too little.
    pub(crate) fields: Vec<Field>,
    /// What is wrong with none of the fields.
    pub(crate) faults: Vec<String>,
    /// What the button does.
    pub(crate) button: String,
    /// Where somebody goes who does not mean it.
    pub(crate) back: String,
}
