//! What a page hands to the script that asks a device for a passkey, and what comes back.
//!
//! The challenge is sealed into the form, for this browser, this purpose and some minutes: looking at a page writes nothing.
//! That it is answered once is written down with the answer.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::app::App;
use crate::domain::passkey::{CHALLENGE, PublicKey, Site};
use crate::error::{Error, Result};
use crate::http::web::form::Form;
use crate::http::web::visit::Visit;
use crate::store::passkeys::Answered;

/// A challenge is answered within so many seconds.
pub(super) const LASTS: i64 = 900;

/// What a device is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose<'a> {
    /// To make a key for an account.
    Register(&'a str),
    /// To prove that it has one, whosever it is.
    SignIn,
}

impl Purpose<'_> {
    fn context(self, visit: &Visit) -> String {
        let browser = visit.browser();
        match self {
            Self::Register(account) => format!("passkey:register:{account}:{browser}"),
            Self::SignIn => format!("passkey:sign-in:{browser}"),
        }
    }
}

/// What a template needs.
#[derive(Debug, Clone)]
pub(super) struct PasskeyForm {
    /// The host that passkeys are for.
    pub(super) site: String,
    /// In base64url, for the script.
    pub(super) challenge: String,
    /// The same sealed, for us.
    pub(super) sealed: String,
    /// The numbers of the algorithms that we check, for the script.
    pub(super) algorithms: String,
}

impl PasskeyForm {
    /// Makes one, after the page's shell. None where there can be no passkeys: that never keeps anybody from her password.
    pub(super) async fn make(app: &App, visit: &Visit, purpose: Purpose<'_>) -> Option<Self> {
        let site = Site::of(&app.config.public_url)?;
        match Self::seal(app, visit, purpose, site).await {
            Ok(form) => Some(form),
            Err(error) => {
                app.warn_of_outage("passkeys", &error);
                None
            }
        }
    }

    async fn seal(app: &App, visit: &Visit, purpose: Purpose<'_>, site: Site) -> Result<Self> {
        let mut challenge = [0_u8; CHALLENGE];
        app.entropy.fill(&mut challenge)?;
        if challenge.iter().all(|byte| *byte == 0) {
            return Err(Error::internal("the source of randomness gave only zeros"));
        }
        let text = URL_SAFE_NO_PAD.encode(challenge);
        let until = app.now().saturating_add(LASTS);
        let context = purpose.context(visit);
        let sealed = app.vault.seal(&context, &format!("{until}:{text}")).await?;
        Ok(Self {
            site: site.id,
            challenge: text,
            sealed,
            algorithms: PublicKey::ALGORITHMS.map(|one| one.to_string()).join(" "),
        })
    }
}

/// The challenge of a form that was sent, and until when it is good.
pub(super) struct Asked {
    /// For which site.
    pub(super) site: Site,
    challenge: [u8; CHALLENGE],
    expires_at: i64,
}

impl Asked {
    /// Opens it. None where it is too old, or of another browser or another purpose.
    pub(super) async fn read(
        app: &App,
        visit: &Visit,
        purpose: Purpose<'_>,
        form: &Form,
    ) -> Option<Self> {
        let site = Site::of(&app.config.public_url)?;
        let context = purpose.context(visit);
        // Whoever sends nonsense has it refused; were the key itself gone, making the form would have told so.
        let opened = app.vault.open(&context, form.text("sealed")).await.ok()?;
        let (until, text) = opened.split_once(':')?;
        let expires_at = until.parse().ok().filter(|until| app.now() < *until)?;
        let challenge = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        Some(Self {
            site,
            challenge,
            expires_at,
        })
    }

    /// The challenge.
    pub(super) fn challenge(&self) -> &[u8; CHALLENGE] {
        &self.challenge
    }

    /// As the database notes it.
    pub(super) fn answered(&self) -> Answered<'_> {
        Answered {
            challenge: &self.challenge,
            expires_at: self.expires_at,
        }
    }
}

/// Bytes that the script put into a field, in base64url; empty where it is something else.
pub(super) fn bytes_of(form: &Form, field: &str) -> Vec<u8> {
    let text = form.text(field).trim_end_matches('=');
    URL_SAFE_NO_PAD.decode(text).unwrap_or_default()
}

/// Bytes as they are stored and as the script has them.
pub(super) fn text_of(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
