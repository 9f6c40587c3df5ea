//! Webhooks of a repository or of a workspace.

use serde_json::{Value, json};

use crate::error::{Error, ErrorKind, Result};
use crate::providers::fields::{items, owned, text};
use crate::providers::paging::next_query;
use crate::providers::path::{is_word, segment};
use crate::providers::rest::{Asked, Refusal, Want};
use crate::providers::{HookPlace, ProviderKind, WantedHook};

use super::{Bitbucket, PER_PAGE, is_uuid, repository_path};

/// Bitbucket gives a place 50 webhooks; more pages than this are a circle.
const PAGES: usize = 10;

impl Bitbucket<'_> {
    pub(super) async fn find_hook_by_url(
        &self,
        place: HookPlace<'_>,
        url: &str,
    ) -> Result<Option<String>> {
        let first = format!(
            "{}?pagelen={PER_PAGE}&fields=values.uuid,values.url,next",
            hooks_path(place)?
        );
        let mut page_url = Some(self.api.url(&first));
        for _ in 0..PAGES {
            let Some(asked) = page_url.take() else {
                break;
            };
            let response = match self.api.get_url(&asked, Want::Json, None).await? {
                Asked::Answered(response) => response,
                Asked::Refused(refusal) => return Err(self.explain_hooks(place, refusal)),
            };
            let page: Value = self.api.json(response).await?;
            let hooks = items(&page, "/values").ok_or_else(|| self.api.unreadable())?;
            if let Some(hook) = hooks.iter().find(|hook| text(hook, "/url") == Some(url)) {
                return self.id_of(hook).map(Some);
            }
            page_url = text(&page, "/next").and_then(|next| next_query(&asked, next));
        }
        Ok(None)
    }

    pub(super) async fn put_hook(
        &self,
        place: HookPlace<'_>,
        known: Option<&str>,
        wanted: &WantedHook<'_>,
    ) -> Result<String> {
        let path = hooks_path(place)?;
        let body = json!({
            "description": "Repertoire",
            "url": wanted.url,
            "active": true,
            "secret": wanted.secret,
            "events": ProviderKind::Bitbucket.webhook_events(),
        });
        if let Some(known) = known {
            let asked = self
                .api
                .change("PUT", &hook_path(&path, known)?, Some(&body))
                .await?;
            match asked {
                Asked::Answered(response) => return self.id_of(&self.api.json(response).await?),
                // Somebody removed it.
                Asked::Refused(refusal) if refusal.status == 404 => {}
                Asked::Refused(refusal) => return Err(self.explain_hooks(place, refusal)),
            }
        }
        match self.api.change("POST", &path, Some(&body)).await? {
            Asked::Answered(response) => self.id_of(&self.api.json(response).await?),
            Asked::Refused(refusal) => Err(self.explain_hooks(place, refusal)),
        }
    }

    pub(super) async fn delete_hook(&self, place: HookPlace<'_>, hook: &str) -> Result<()> {
        let path = hook_path(&hooks_path(place)?, hook)?;
        match self.api.change("DELETE", &path, None).await? {
            Asked::Answered(_) => Ok(()),
            Asked::Refused(refusal) if matches!(refusal.status, 404 | 410) => Ok(()),
            Asked::Refused(refusal) => Err(self.explain_hooks(place, refusal)),
        }
    }

    /// Its id goes into paths.
    fn id_of(&self, hook: &Value) -> Result<String> {
        owned(hook, "/uuid")
            .filter(|uuid| is_uuid(uuid))
            .ok_or_else(|| self.api.unreadable())
    }

    fn explain_hooks(&self, place: HookPlace<'_>, refusal: Refusal) -> Error {
        let host = self.api.host();
        let what = match place {
            HookPlace::Project(_) => "repository",
            HookPlace::Group(_) => "workspace",
        };
        match refusal.status {
            403 if !refusal.error.is_retryable() => Error::new(
                ErrorKind::Forbidden,
                format!(
                    "`{host}` does not let this token set up webhooks of the {what}: it needs the scopes \
                     `read:webhook:bitbucket` and `write:webhook:bitbucket`, and whoever it belongs to must be an \
                     administrator of the {what}; or set the webhook up by hand with the address shown"
                ),
            ),
            400 => Error::invalid(format!(
                "`{host}` does not take the webhook{}; its address must be one that Bitbucket can reach",
                refusal
                    .message
                    .map_or_else(String::new, |said| format!(": {said}"))
            )),
            404 => Error::not_found(format!(
                "`{host}` has no such {what}, or does not show it to this token"
            )),
            _ => refusal.error,
        }
    }
}

fn hooks_path(place: HookPlace<'_>) -> Result<String> {
    match place {
        HookPlace::Project(id) => Ok(format!("{}/hooks", repository_path(id)?)),
        HookPlace::Group(workspace) if is_word(workspace) || is_uuid(workspace) => {
            Ok(format!("/workspaces/{}/hooks", segment(workspace)))
        }
        HookPlace::Group(_) => Err(Error::invalid(
            "A workspace is named as in its address, `https://bitbucket.org/WORKSPACE`",
        )),
    }
}

fn hook_path(hooks: &str, hook: &str) -> Result<String> {
    if is_uuid(hook) {
        Ok(format!("{hooks}/{}", segment(hook)))
    } else {
        Err(Error::internal("a webhook of Bitbucket has a UUID"))
    }
}
