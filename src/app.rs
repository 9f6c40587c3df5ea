//! The ports and the configuration, handed to every handler and job as `app: &App`.

use std::rc::Rc;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::ports::{
    Blobs, Cache, Clock, Counters, Db, Entropy, HttpClient, Level, Log, MultipartBlobs, Queue,
    RateLimit, Signer, Vault,
};
use crate::store::memo::Memo;

/// How long an isolate that has told of an outage is silent about it, in seconds.
const OUTAGE_TOLD: i64 = 60;

/// All we need from the world, for one request or one message.
#[derive(Clone)]
pub struct App {
    /// The database.
    pub db: Rc<dyn Db>,
    /// The truth of all immutable things.
    pub blobs: Rc<dyn Blobs>,
    /// Uploads in parts into the same place.
    pub multipart: Rc<dyn MultipartBlobs>,
    /// Copies near the reader.
    pub cache: Rc<dyn Cache>,
    /// Slow work.
    pub queue: Rc<dyn Queue>,
    /// What is counted, and may wait to be counted together.
    pub counts: Rc<dyn Queue>,
    /// Other hosts.
    pub outbound: Rc<dyn HttpClient>,
    /// Time.
    pub clock: Rc<dyn Clock>,
    /// Randomness.
    pub entropy: Rc<dyn Entropy>,
    /// Secrets at rest.
    pub vault: Rc<dyn Vault>,
    /// Signatures by the keys of GitHub Apps.
    pub signer: Rc<dyn Signer>,
    /// How many bad credentials an address has sent of late.
    pub bad_credentials: Rc<dyn RateLimit>,
    /// Lines for the operator.
    pub log: Rc<dyn Log>,
    /// Counters of requests, where somebody wants them.
    pub counters: Option<Rc<dyn Counters>>,
    /// What this isolate remembers between requests: finished values only, never pending work.
    pub memo: Rc<Memo>,
    /// Settings.
    pub config: Rc<Config>,
}

impl App {
    /// Unix seconds.
    pub fn now(&self) -> i64 {
        self.clock.now()
    }

    /// A random id for a row that leaves the database: 120 bits in hex.
    pub fn random_id(&self) -> Result<String> {
        let mut bytes = [0_u8; 15];
        self.entropy.fill(&mut bytes)?;
        if bytes.iter().all(|byte| *byte == 0) {
            return Err(Error::internal("the source of randomness gave only zeros"));
        }
        Ok(hex::encode(bytes))
    }

    /// A warning about what fails one request after the other: each isolate says it once in [`OUTAGE_TOLD`] seconds.
    /// `what` is what failed, in a word or two.
    pub fn warn_of_outage(&self, what: &str, error: &Error) {
        let (told, now) = (&self.memo.outages, self.now());
        if told.recall(what, now, OUTAGE_TOLD).is_none() {
            told.remember(what, (), now);
            let cause = error.cause().unwrap_or_else(|| error.message());
            self.warn(&format!(
                "Trouble with {what}; further lines about it are left out for a minute: {cause}"
            ));
        }
    }

    /// A warning for the operator.
    pub fn warn(&self, message: &str) {
        self.log.line(Level::Warning, message);
    }
}
