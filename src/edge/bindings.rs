//! The environment of a Worker becomes `Config` and `App`, once per isolate.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::{JsCast, JsValue};
use worker_sys::Fetcher;

use crate::app::App;
use crate::config::Config;
use crate::edge::clock::{IsolateClock, PlatformEntropy};
use crate::edge::counters::Dataset;
use crate::edge::d1::D1;
use crate::edge::fetch::Fetch;
use crate::edge::js;
use crate::edge::kv::Kv;
use crate::edge::log::Console;
use crate::edge::queue::Queues;
use crate::edge::r2::R2;
use crate::edge::rate_limit::PlatformRateLimit;
use crate::edge::signer::CryptoSigner;
use crate::edge::vault::CryptoVault;
use crate::error::{Error, Result};
use crate::ports::Counted;
use crate::store::memo::Memo;

thread_local! {
    /// What was taken, with the environment it was taken from. Bindings and variables never change within an isolate,
    /// a deployment starts new ones, and unlike promises and streams they belong to no request.
    static TAKEN: RefCell<Option<(JsValue, Rc<Bindings>)>> = const { RefCell::new(None) };
    static MEMO: Rc<Memo> = Rc::default();
}

/// What every request and every batch works with.
pub(super) struct Bindings {
    /// Whether this Worker answers requests.
    pub(super) role: Role,
    /// The ports and the configuration.
    pub(super) app: App,
    /// The cache once more, for native streams.
    pub(super) cache: Kv,
    /// The blob store once more, for native streams.
    pub(super) blobs: R2,
    /// The Worker that has the API, for a program that has not.
    pub(super) api: Option<Fetcher>,
    /// The files of the pages, for a program that has pages.
    #[cfg(feature = "api")]
    pub(super) assets: Option<Fetcher>,
}

impl Bindings {
    /// The bindings of this environment. Taking them costs as much as all else that a warm request does, so it is done
    /// once; what could not be taken is tried again.
    pub(super) fn of(env: &JsValue) -> Result<Rc<Self>> {
        let taken = TAKEN.with_borrow(|taken| match taken {
            Some((known, bindings)) if known == env => Some(Rc::clone(bindings)),
            _ => None,
        });
        if let Some(bindings) = taken {
            return Ok(bindings);
        }
        let bindings = Rc::new(Self::take(env)?);
        TAKEN.set(Some((env.clone(), Rc::clone(&bindings))));
        Ok(bindings)
    }

    fn take(env: &JsValue) -> Result<Self> {
        let cache = Kv::new(binding(env, "CACHE")?);
        let blobs = R2::new(binding(env, "BLOBS")?);
        let app = App {
            db: Rc::new(Counted(D1::new(binding(env, "DB")?))),
            blobs: Rc::new(Counted(blobs.clone())),
            multipart: Rc::new(blobs.clone()),
            cache: Rc::new(Counted(cache.clone())),
            queue: Rc::new(Counted(Queues::new(binding(env, "JOBS")?))),
            counts: Rc::new(Counted(Queues::new(binding(env, "COUNTS")?))),
            outbound: Rc::new(Fetch),
            clock: Rc::new(IsolateClock),
            entropy: Rc::new(PlatformEntropy),
            vault: Rc::new(CryptoVault::new(js::text_field(env, "ENCRYPTION_KEY"))),
            signer: Rc::new(CryptoSigner),
            bad_credentials: Rc::new(PlatformRateLimit::new(js::field(env, "BAD_CREDENTIALS"))),
            log: Rc::new(Console),
            counters: Dataset::of(js::field(env, "ANALYTICS")),
            memo: MEMO.with(Rc::clone),
            config: Rc::new(Config::read(|name| js::text_field(env, name))?),
        };
        Ok(Self {
            role: Role::of(env),
            app,
            cache,
            blobs,
            #[cfg(feature = "api")]
            assets: Some(js::field(env, "ASSETS"))
                .filter(|assets| !assets.is_undefined())
                .map(JsCast::unchecked_into),
            api: Some(js::field(env, "API"))
                .filter(|api| !api.is_undefined())
                .map(JsCast::unchecked_into),
        })
    }
}

/// Whether a Worker answers requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It does, whatever of them its program has.
    Answering,
    /// Takes the queue and the cron.
    Consumer,
}

impl Role {
    /// As the variable `ROLE` says; a Worker without one answers requests.
    fn of(env: &JsValue) -> Self {
        match js::text_field(env, "ROLE").as_deref() {
            Some("consumer") => Self::Consumer,
            _ => Self::Answering,
        }
    }
}

fn binding(env: &JsValue, name: &str) -> Result<JsValue> {
    let value = js::field(env, name);
    if value.is_undefined() {
        return Err(Error::internal(format!("the binding `{name}` is missing")));
    }
    Ok(value)
}
