//! The environment of a Worker becomes `Config` and `App`, once per request or batch.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::JsValue;

use crate::app::App;
use crate::config::Config;
use crate::edge::clock::{IsolateClock, PlatformEntropy};
use crate::edge::d1::D1;
use crate::edge::fetch::Fetch;
use crate::edge::js;
use crate::edge::kv::Kv;
use crate::edge::log::Console;
use crate::edge::queue::Queues;
use crate::edge::r2::R2;
use crate::edge::vault::CryptoVault;
use crate::error::{Error, Result};
use crate::store::memo::Memo;

thread_local! {
    /// Variables never change within an isolate: a deployment starts new ones.
    static CONFIG: RefCell<Option<Rc<Config>>> = const { RefCell::new(None) };
    static MEMO: Rc<Memo> = Rc::default();
}

/// What one request or one batch works with.
pub(super) struct Bindings {
    /// The ports and the configuration.
    pub(super) app: App,
    /// The cache once more, for native streams.
    pub(super) cache: Kv,
    /// The blob store once more, for native streams.
    pub(super) blobs: R2,
}

impl Bindings {
    /// Takes the bindings out of the environment.
    pub(super) fn take(env: &JsValue) -> Result<Self> {
        let cache = Kv::new(binding(env, "CACHE")?);
        let blobs = R2::new(binding(env, "BLOBS")?);
        let app = App {
            db: Rc::new(D1::new(binding(env, "DB")?)),
            blobs: Rc::new(blobs.clone()),
            multipart: Rc::new(blobs.clone()),
            cache: Rc::new(cache.clone()),
            queue: Rc::new(Queues::new(binding(env, "JOBS")?)),
            outbound: Rc::new(Fetch),
            clock: Rc::new(IsolateClock),
            entropy: Rc::new(PlatformEntropy),
            vault: Rc::new(CryptoVault::new(js::text_field(env, "ENCRYPTION_KEY"))),
            log: Rc::new(Console),
            memo: MEMO.with(Rc::clone),
            config: config(env)?,
        };
        Ok(Self { app, cache, blobs })
    }
}

/// Which of the two Workers this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Answers requests.
    Edge,
    /// Takes the queue and the cron.
    Consumer,
}

impl Role {
    /// As the variable `ROLE` says; a Worker without one answers requests.
    pub(super) fn of(env: &JsValue) -> Self {
        match js::text_field(env, "ROLE").as_deref() {
            Some("consumer") => Self::Consumer,
            _ => Self::Edge,
        }
    }
}

fn config(env: &JsValue) -> Result<Rc<Config>> {
    if let Some(config) = CONFIG.with_borrow(Clone::clone) {
        return Ok(config);
    }
    let config = Rc::new(Config::read(|name| js::text_field(env, name))?);
    CONFIG.set(Some(Rc::clone(&config)));
    Ok(config)
}

fn binding(env: &JsValue, name: &str) -> Result<JsValue> {
    let value = js::field(env, name);
    if value.is_undefined() {
        return Err(Error::internal(format!("the binding `{name}` is missing")));
    }
    Ok(value)
}
