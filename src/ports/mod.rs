//! What we need from the world. Each port has a few methods, values in and values out,
//! so that a second implementation (the tests' one) stays small and honest.

pub mod blobs;
pub mod cache;
pub mod clock;
pub mod counters;
pub mod db;
pub mod log;
pub mod observed;
pub mod outbound;
pub mod queue;
pub mod rate_limit;
pub mod rows;
pub mod signer;
pub mod vault;

pub use blobs::{Blobs, MultipartBlobs, ObjectFacts, ObjectPage};
pub use cache::Cache;
pub use clock::{Clock, Entropy};
pub use counters::{Counters, DataPoint};
pub use db::{Db, Row, Statement, Value};
pub use log::{Level, Log};
pub use observed::{Counted, Observation, RouteName, Source, note, observed};
pub use outbound::{Buffered, ByteStream, HttpClient, InResponse, OutRequest};
pub use queue::{Outgoing, Queue};
pub use rate_limit::RateLimit;
pub use signer::Signer;
pub use vault::Vault;
