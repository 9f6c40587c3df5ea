//! Write down when tokens were last used.

use crate::app::App;
use crate::error::Result;
use crate::jobs::outcome::Next;
use crate::store::token_uses::{self, TokenUse};

/// Writes what an isolate noticed; the newest use stays, however often and in whatever order messages come.
pub(crate) async fn run(app: &App, uses: &[TokenUse]) -> Result<Next> {
    token_uses::note_token_uses(app, uses).await?;
    Ok(Next::Done)
}
