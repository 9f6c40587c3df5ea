//! The webhooks of a project or a group, by the REST API that the hosts have much alike.

use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};

use super::paging::{Paging, Said};
use super::path::is_id;
use super::rest::{Asked, Refusal, Rest, Want};
use super::{GitHost, HookPlace, WantedHook};

/// Pages that are read of a list of hooks; no host allows that many hooks.
const PAGES: usize = 20;

/// Where hooks are, and what is a host's own about them.
pub(super) struct Hooks {
    /// The list, below the API's base.
    pub(super) path: String,
    /// Its first page.
    pub(super) first: String,
    pub(super) paging: Paging,
    /// Where a hook of the list has its address.
    pub(super) url: &'static str,
    /// The method that changes a hook.
    pub(super) update: &'static str,
    /// What a token needs to see and register hooks here.
    pub(super) needs: &'static str,
}

impl Hooks {
    /// The id of the oldest hook with this address.
    pub(super) async fn find(&self, api: &Rest<'_>, url: &str) -> Result<Option<String>> {
        let mut page = api.url(&self.first);
        let mut total = 0_usize;
        let mut oldest: Option<u64> = None;
        for _ in 0..PAGES {
            let response = match api.get_url(&page, Want::Json, None).await? {
                Asked::Answered(response) => response,
                Asked::Refused(refusal) => return Err(self.refuse(api, refusal)),
            };
            let headers = response.headers.clone();
            let hooks: Vec<Value> = api.json(response).await?;
            for hook in &hooks {
                let is_ours = hook.pointer(self.url).and_then(Value::as_str) == Some(url);
                let id = hook.get("id").and_then(Value::as_u64);
                if let Some(id) = id.filter(|id| is_ours && oldest.is_none_or(|old| *id < old)) {
                    oldest = Some(id);
                }
            }
            total = total.saturating_add(hooks.len());
            let next = match self.paging.next(&page, &headers, total) {
                Said::Next(next) if !hooks.is_empty() => Some(next),
                Said::Nothing if !hooks.is_empty() => self.paging.next_unsaid(&page),
                _ => None,
            };
            match next {
                Some(next) => page = next,
                None => break,
            }
        }
        Ok(oldest.map(|id| id.to_string()))
    }

    /// Registers a hook, or changes the one with the id `known`; gives its id.
    pub(super) async fn save(
        &self,
        api: &Rest<'_>,
        known: Option<&str>,
        body: &Value,
    ) -> Result<String> {
        let (method, path) = match known {
            Some(known) => (self.update, self.path_of(known)?),
            None => ("POST", self.path.clone()),
        };
        let response = match api.change(method, &path, Some(body)).await? {
            Asked::Answered(response) => response,
            Asked::Refused(refusal) => return Err(self.refuse(api, refusal)),
        };
        let hook: Value = api.json(response).await?;
        let id = hook.get("id").and_then(Value::as_u64);
        id.map(|id| id.to_string()).ok_or_else(|| api.unreadable())
    }

    /// Removes a hook, or finds it gone.
    pub(super) async fn remove(&self, api: &Rest<'_>, hook: &str) -> Result<()> {
        let path = self.path_of(hook)?;
        match api.change("DELETE", &path, None).await? {
            Asked::Answered(_) => Ok(()),
            Asked::Refused(refusal) if refusal.status == 404 => Ok(()),
            Asked::Refused(refusal) => Err(self.refuse(api, refusal)),
        }
    }

    fn path_of(&self, hook: &str) -> Result<String> {
        if is_id(hook) {
            return Ok(format!("{}/{hook}", self.path));
        }
        Err(Error::internal("the id of a hook is a number"))
    }

    /// What a refusal means here: rights that are missing look like hooks that are not there.
    fn refuse(&self, api: &Rest<'_>, refusal: Refusal) -> Error {
        let host = api.host();
        if refusal.error.is_retryable() || refusal.error.kind() == ErrorKind::CredentialRefused {
            return refusal.error;
        }
        let said = refusal
            .message
            .map_or_else(String::new, |message| format!(": {message}"));
        match refusal.status {
            403 | 404 => Error::new(
                ErrorKind::Forbidden,
                format!(
                    "`{host}` does not let this token register webhooks here{said}; {}",
                    self.needs
                ),
            ),
            400 | 409 | 422 => Error::invalid(format!("`{host}` does not take the webhook{said}")),
            _ => refusal.error,
        }
    }
}

/// Has a hook registered as wanted, and gives its id. One that is there already is found again, also at the address
/// `before` that it had once; of two that were registered at the same time the older one stays.
pub async fn register_hook(
    host: &dyn GitHost,
    place: HookPlace<'_>,
    wanted: &WantedHook<'_>,
    before: Option<&str>,
) -> Result<String> {
    let mut known = host.find_hook(place, wanted.url).await?;
    if known.is_none()
        && let Some(before) = before.filter(|before| *before != wanted.url)
    {
        known = host.find_hook(place, before).await?;
    }
    if known.is_some() {
        return host.save_hook(place, known.as_deref(), wanted).await;
    }
    match host.save_hook(place, None, wanted).await {
        Ok(id) => match host.find_hook(place, wanted.url).await? {
            Some(oldest) if oldest != id => {
                host.remove_hook(place, &id).await?;
                Ok(oldest)
            }
            _ => Ok(id),
        },
        // GitHub knows a double by itself.
        Err(error) if error.kind() == ErrorKind::Invalid => {
            host.find_hook(place, wanted.url).await?.ok_or(error)
        }
        Err(error) => Err(error),
    }
}

/// Removes the hook with this address, if there is one.
pub async fn unregister_hook(host: &dyn GitHost, place: HookPlace<'_>, url: &str) -> Result<()> {
    match host.find_hook(place, url).await? {
        Some(id) => host.remove_hook(place, &id).await,
        None => Ok(()),
    }
}
