//! A look at a claimed host name: what the DNS says of it, and what follows. `domain/host_claim.rs` has the rule.

use crate::app::App;
use crate::domain::host_claim::record_name;
use crate::domain::host_claim::record_value;
use crate::error::Result;
use crate::providers::resolver::{TxtLook, find_texts};
use crate::store::host_names::{
    HostClaim, find_holder, note_failed_look, note_found, note_missing,
};

/// What a look came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostLook {
    /// The record is there, and the host is the claim's.
    Found,
    /// It is not the claim's, for this reason.
    Missing(String),
    /// Nothing was found out, for this reason.
    Failed(String),
}

/// Looks for the record of a claim, and writes down what follows.
pub async fn look_at_host(app: &App, claim: &HostClaim) -> Result<HostLook> {
    let name = record_name(&claim.host);
    let texts = match find_texts(app, &name).await? {
        TxtLook::Texts(texts) => texts,
        TxtLook::Failed(why) => {
            note_failed_look(app, claim, &why).await?;
            return Ok(HostLook::Failed(why));
        }
    };
    let value = claim.record_value();
    if !texts.contains(&value) {
        let why = match texts.len() {
            0 => format!(
                "There is no TXT record at `{name}`: set one that says `{value}`. What was set just now may take as long \
                 to be seen as the zone has its missing names remembered"
            ),
            count => format!(
                "There are TXT records at `{name}`, {count} of them, and none says `{value}`: set one more that does"
            ),
        };
        note_missing(app, claim, &why).await?;
        return Ok(HostLook::Missing(why));
    }
    let holder = find_holder(app, &claim.host)
        .await?
        .filter(|holder| holder.id != claim.id);
    if let Some(holder) = &holder
        && texts.contains(&record_value(&holder.token))
    {
        let why = format!(
            "The host name is verified for somebody else, whose record `{}` is still there: remove it from `{name}` if the \
             host is to be yours",
            record_value(&holder.token)
        );
        note_missing(app, claim, &why).await?;
        return Ok(HostLook::Missing(why));
    }
    if note_found(app, claim, holder.as_ref()).await? {
        return Ok(HostLook::Found);
    }
    let why =
        "Somebody else proved at the same moment that the host name is theirs; verify it again"
            .to_owned();
    note_missing(app, claim, &why).await?;
    Ok(HostLook::Missing(why))
}
