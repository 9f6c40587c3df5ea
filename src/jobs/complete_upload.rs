//! A large upload in parts is put together and looked through, while nobody waits.

use crate::app::App;
use crate::error::Result;
use crate::jobs::enqueue_publishing;
use crate::jobs::outcome::Next;
use crate::store::completion::complete_upload;
use crate::store::uploads::find_upload;

/// Completes an upload. What is wrong with its archive stands on the upload; the other failures come again.
pub(crate) async fn run(app: &App, id: &str) -> Result<Next> {
    let Some(upload) = find_upload(app, id).await? else {
        return Ok(Next::Done);
    };
    if upload.state == "checking" {
        match complete_upload(app, &upload).await {
            Ok(left) => enqueue_publishing(app, &left).await?,
            Err(error) if error.is_retryable() => return Err(error),
            Err(_) => {}
        }
    }
    Ok(Next::Done)
}
