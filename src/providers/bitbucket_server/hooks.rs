//! Webhooks of a repository or of a project of repositories.

use serde_json::{Value, json};

use crate::error::{Error, ErrorKind, Result};
use crate::providers::fields::text;
use crate::providers::path::{is_id, segment};
use crate::providers::rest::{Asked, Refusal, Want};
use crate::providers::{HookPlace, ProviderKind, WantedHook};

use super::BitbucketServer;
use super::find::is_key;
use super::page;

/// 1,000 webhooks at one place.
const PAGES: usize = 10;

impl BitbucketServer<'_> {
    pub(super) async fn find_hook_by_url(
        &self,
        place: HookPlace<'_>,
        url: &str,
    ) -> Result<Option<String>> {
        let path = self.hooks_path(place).await?;
        let mut start = 0;
        for _ in 0..PAGES {
            let asked = self
                .api
                .get(&format!("{path}?limit=100&start={start}"), Want::Json)
                .await?;
            let page = match asked {
                Asked::Answered(response) => page::read(&self.api, response, start).await?,
                Asked::Refused(refusal) => return Err(self.explain_hooks(place, refusal)),
            };
            let mut hooks = page.values.iter();
            if let Some(hook) = hooks.find(|hook| text(hook, "/url") == Some(url)) {
                return self.id_of(hook).map(Some);
            }
            match page.next {
                Some(next) => start = next,
                None => break,
            }
        }
        Ok(None)
    }

    pub(super) async fn put_hook(
        &self,
        place: HookPlace<'_>,
        known: Option<&str>,
        wanted: &WantedHook<'_>,
    ) -> Result<String> {
        let path = self.hooks_path(place).await?;
        let body = json!({
            "name": "Repertoire",
            "url": wanted.url,
            "active": true,
            "events": ProviderKind::BitbucketServer.webhook_events(),
            "configuration": {"secret": wanted.secret},
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
        let path = hook_path(&self.hooks_path(place).await?, hook)?;
        match self.api.change("DELETE", &path, None).await? {
            Asked::Answered(_) => Ok(()),
            Asked::Refused(refusal) if refusal.status == 404 => Ok(()),
            Asked::Refused(refusal) => Err(self.explain_hooks(place, refusal)),
        }
    }

    fn id_of(&self, hook: &Value) -> Result<String> {
        let id = hook.get("id").and_then(Value::as_u64);
        id.map(|id| id.to_string())
            .ok_or_else(|| self.api.unreadable())
    }

    async fn hooks_path(&self, place: HookPlace<'_>) -> Result<String> {
        match place {
            HookPlace::Project(id) => Ok(format!("{}/webhooks", self.find_by_id(id).await?.path())),
            HookPlace::Group(key) if is_key(key) => {
                Ok(format!("/projects/{}/webhooks", segment(key)))
            }
            HookPlace::Group(_) => Err(Error::invalid(
                "A project of repositories is named by its key, as in `https://HOST/projects/KEY`",
            )),
        }
    }

    fn explain_hooks(&self, place: HookPlace<'_>, refusal: Refusal) -> Error {
        let host = self.api.host();
        let what = match place {
            HookPlace::Project(_) => "repository",
            HookPlace::Group(_) => "project",
        };
        let said = refusal.message.as_deref().unwrap_or_default();
        let is_forbidden =
            refusal.status == 403 || (refusal.status == 401 && said.contains("not permitted"));
        match refusal.status {
            _ if is_forbidden && !refusal.error.is_retryable() => Error::new(
                ErrorKind::Forbidden,
                format!(
                    "`{host}` does not let this token set up webhooks of the {what}: it needs admin permission there; \
                     or set the webhook up by hand with the address shown"
                ),
            ),
            400 | 409 => Error::invalid(format!(
                "`{host}` does not take the webhook{}",
                refusal
                    .message
                    .as_ref()
                    .map_or_else(String::new, |said| format!(": {said}"))
            )),
            404 => Error::not_found(format!(
                "`{host}` has no such {what}, or does not show it to this token"
            )),
            _ => refusal.error,
        }
    }
}

fn hook_path(hooks: &str, hook: &str) -> Result<String> {
    if is_id(hook) {
        Ok(format!("{hooks}/{hook}"))
    } else {
        Err(Error::internal(
            "a webhook of Bitbucket Data Center has a number",
        ))
    }
}
