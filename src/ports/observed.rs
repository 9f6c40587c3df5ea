//! What is noted of one request while it is answered: who asked for what, and what it cost.
//!
//! Requests of an isolate take turns at every await. What is noted belongs to the one whose turn it is: [`observed`] puts a
//! request's notes in place whenever its future is polled, and takes them out before anybody else's is. So a note needs
//! neither a parameter nor an allocation, and the notes of two requests never mix. What is polled outside of any request,
//! such as work after the answer, is noted nowhere.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::Pin;
use std::rc::Rc;

use async_trait::async_trait;

use crate::domain::access::Principal;
use crate::error::Result;
use crate::ports::{Blobs, Cache, Db, ObjectFacts, ObjectPage, Outgoing, Queue, Row, Statement};

/// What a route is called: its part of the program, with a dot at the end, and itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteName(pub &'static str, pub &'static str);

/// Where bytes were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// In the memory of the isolate.
    Memory,
    /// In the cache near the reader, KV.
    Cache,
    /// In the data centre's own cache, which has archives where the operator wants it.
    Nearby,
    /// In the blob store, R2.
    Blobs,
}

impl Source {
    /// As it is logged.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Cache => "kv",
            Self::Nearby => "cache",
            Self::Blobs => "r2",
        }
    }
}

/// What was noted of one request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observation {
    /// What was asked for; none for an address that is nothing.
    pub route: Option<RouteName>,
    /// Who asked; none for nobody.
    pub principal: Option<Rc<Principal>>,
    /// Of which organisation something was asked for.
    pub organisation: Option<i64>,
    /// Of which repository.
    pub repository: Option<i64>,
    /// The farthest place that bytes came from; none where none were needed.
    pub source: Option<Source>,
    /// Calls of D1, each a statement or a batch.
    pub d1_calls: u32,
    /// Statements in them.
    pub d1_statements: u32,
    /// Values read from KV, or looked for.
    pub kv_reads: u32,
    /// Objects, parts and facts read from R2, or looked for.
    pub r2_reads: u32,
    /// Messages given to Queues.
    pub queue_sends: u32,
}

impl Observation {
    /// Bytes were found at a place.
    pub fn found(&mut self, source: Source) {
        self.source = self.source.max(Some(source));
    }
}

thread_local! {
    static TURN: RefCell<Observation> = RefCell::default();
}

/// Notes something of the request whose turn it is.
pub fn note(write: impl FnOnce(&mut Observation)) {
    TURN.with_borrow_mut(write);
}

/// Runs a future; gives what it gave, and what was noted on its turns. It comes pinned where it lies, since that of a
/// request has some fifty kilobytes, and would be moved twice.
pub async fn observed<T>(mut future: Pin<&mut impl Future<Output = T>>) -> (T, Observation) {
    let mut own = Observation::default();
    let value = poll_fn(|context| {
        let outer = TURN.replace(mem::take(&mut own));
        let polled = future.as_mut().poll(context);
        own = TURN.replace(outer);
        polled
    })
    .await;
    (value, own)
}

/// A port whose calls are noted.
pub struct Counted<P>(pub P);

fn count(counter: &mut u32, more: usize) {
    *counter = counter.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
}

fn note_d1(statements: usize) {
    note(|seen| {
        count(&mut seen.d1_calls, 1);
        count(&mut seen.d1_statements, statements);
    });
}

/// Notes a read of KV, and whether it found something. The edge calls this for what it streams.
pub fn note_cache_read(is_found: bool) {
    note(|seen| {
        count(&mut seen.kv_reads, 1);
        if is_found {
            seen.found(Source::Cache);
        }
    });
}

/// The same of R2.
pub fn note_blob_read(is_found: bool) {
    note(|seen| {
        count(&mut seen.r2_reads, 1);
        if is_found {
            seen.found(Source::Blobs);
        }
    });
}

#[async_trait(?Send)]
impl<P: Db> Db for Counted<P> {
    async fn rows(&self, statement: Statement) -> Result<Vec<Row>> {
        note_d1(1);
        self.0.rows(statement).await
    }

    async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>> {
        note_d1(statements.len());
        self.0.batch(statements).await
    }

    async fn read_nearby(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>> {
        note_d1(statements.len());
        self.0.read_nearby(statements).await
    }
}

#[async_trait(?Send)]
impl<P: Cache> Cache for Counted<P> {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let copy = self.0.get(key).await;
        note_cache_read(matches!(copy, Ok(Some(_))));
        copy
    }

    async fn put(&self, key: &str, bytes: &[u8]) -> Result<()> {
        self.0.put(key, bytes).await
    }

    async fn put_for(&self, key: &str, bytes: &[u8], seconds: u32) -> Result<()> {
        self.0.put_for(key, bytes, seconds).await
    }
}

#[async_trait(?Send)]
impl<P: Blobs> Blobs for Counted<P> {
    async fn put(&self, key: &str, bytes: &[u8]) -> Result<()> {
        self.0.put(key, bytes).await
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let object = self.0.get(key).await;
        note_blob_read(matches!(object, Ok(Some(_))));
        object
    }

    async fn get_range(&self, key: &str, offset: u64, length: u64) -> Result<Option<Vec<u8>>> {
        let part = self.0.get_range(key, offset, length).await;
        note_blob_read(matches!(part, Ok(Some(_))));
        part
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectFacts>> {
        let facts = self.0.head(key).await;
        note_blob_read(false);
        facts
    }

    async fn delete(&self, keys: &[String]) -> Result<()> {
        self.0.delete(keys).await
    }

    async fn list(&self, prefix: &str, cursor: Option<&str>) -> Result<ObjectPage> {
        self.0.list(prefix, cursor).await
    }
}

#[async_trait(?Send)]
impl<P: Queue> Queue for Counted<P> {
    async fn send(&self, messages: Vec<Outgoing>) -> Result<()> {
        note(|seen| count(&mut seen.queue_sends, messages.len()));
        self.0.send(messages).await
    }
}
