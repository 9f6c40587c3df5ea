//! Everything outside of the program, in memory: one `World` implements every port. Each call is counted, can be made
//! to fail once, and is followed by a check of what must never be broken.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use async_trait::async_trait;
use repertoire::error::{Error, ErrorKind, Result};
use repertoire::ports::{
    Blobs, Cache, Clock, Counters, DataPoint, Db, Entropy, HttpClient, InResponse, Level, Log,
    MultipartBlobs, ObjectFacts, ObjectPage, OutRequest, Outgoing, Queue, RateLimit, Row, Signer,
    Statement, Vault,
};

use super::dns::DnsDouble;
use super::github::GitHubDouble;
use super::identity::IdentityDouble;
use super::sqlite::Sqlite;
use super::whole::{Checked, check_whole};

/// The time at which every test begins.
pub(crate) const NOW: i64 = 1_795_293_000;

/// A port, for counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Port {
    Db,
    Blobs,
    Cache,
    Queue,
    Outbound,
    Entropy,
    Vault,
    Signer,
    RateLimit,
}

/// Whether a failing call has done its work by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    Before,
    After,
}

/// Whether a call changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effect {
    None,
    Some,
}

/// A call that is to fail, once, and how many calls there are from now on until then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) call: usize,
    pub(crate) flavour: Flavour,
}

/// How the cache behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CacheMood {
    Working,
    /// Takes everything and has nothing.
    Empty,
    /// Fails each call.
    Denying,
}

/// A stored object and the second of its upload.
pub(crate) struct Object {
    pub(crate) bytes: Vec<u8>,
    pub(crate) uploaded: i64,
}

/// A message in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) text: String,
    /// Deliveries so far.
    pub(crate) attempts: u32,
    /// Unix second before which it is not delivered.
    pub(crate) due: i64,
}

/// A key, and each part with its tag.
type Upload = (String, BTreeMap<u16, (String, Vec<u8>)>);
type Hook = Box<dyn Fn(&World, &[Statement])>;

pub(crate) struct World {
    pub(crate) sqlite: Sqlite,
    pub(crate) objects: RefCell<BTreeMap<String, Object>>,
    pub(crate) uploads: RefCell<BTreeMap<String, Upload>>,
    pub(crate) copies: RefCell<BTreeMap<String, Vec<u8>>>,
    pub(crate) cache_mood: Cell<CacheMood>,
    pub(crate) queue: RefCell<VecDeque<Waiting>>,
    pub(crate) github: RefCell<GitHubDouble>,
    pub(crate) dns: RefCell<DnsDouble>,
    pub(crate) identity: RefCell<IdentityDouble>,
    pub(crate) now: Cell<i64>,
    pub(crate) lines: RefCell<Vec<(Level, String)>>,
    /// Lines about requests.
    pub(crate) request_lines: RefCell<Vec<String>>,
    /// What was counted of requests.
    pub(crate) data_points: RefCell<Vec<DataPoint>>,
    randomness: Cell<u64>,
    /// How many bad credentials an address may send; how many of each key were counted.
    pub(crate) bad_credentials: Cell<usize>,
    pub(crate) counted: RefCell<BTreeMap<String, usize>>,
    /// Whether the database can be reached.
    pub(crate) db_is_down: Cell<bool>,
    /// Whether the blob store can be reached.
    pub(crate) blobs_are_down: Cell<bool>,
    /// Whether the queue takes messages.
    pub(crate) queue_is_down: Cell<bool>,
    /// Runs before each batch of the database.
    pub(crate) before_batch: RefCell<Option<Hook>>,
    calls: RefCell<BTreeMap<Port, usize>>,
    operations: RefCell<BTreeMap<(Port, Effect), usize>>,
    /// Messages that were taken in.
    messages_sent: Cell<usize>,
    /// Of each call since the last `forget_calls`.
    pub(crate) effects: RefCell<Vec<Effect>>,
    fault: Cell<Option<Fault>>,
    /// Whether each call gives way to other futures first.
    pub(crate) gives_way: Cell<bool>,
    /// Whether what must never be broken is looked at after each call.
    checks_each_call: Cell<bool>,
    checked: RefCell<Checked>,
}

impl World {
    pub(crate) fn new() -> Rc<Self> {
        Self::over(Sqlite::migrated())
    }

    /// With a database that is there.
    pub(crate) fn over(sqlite: Sqlite) -> Rc<Self> {
        Rc::new(Self {
            sqlite,
            objects: RefCell::default(),
            uploads: RefCell::default(),
            copies: RefCell::default(),
            cache_mood: Cell::new(CacheMood::Working),
            queue: RefCell::default(),
            github: RefCell::default(),
            dns: RefCell::default(),
            identity: RefCell::default(),
            now: Cell::new(NOW),
            lines: RefCell::default(),
            request_lines: RefCell::default(),
            data_points: RefCell::default(),
            randomness: Cell::new(0x9e37_79b9_7f4a_7c15),
            bad_credentials: Cell::new(usize::MAX),
            counted: RefCell::default(),
            db_is_down: Cell::new(false),
            blobs_are_down: Cell::new(false),
            queue_is_down: Cell::new(false),
            before_batch: RefCell::default(),
            calls: RefCell::default(),
            operations: RefCell::default(),
            messages_sent: Cell::new(0),
            effects: RefCell::default(),
            fault: Cell::new(None),
            gives_way: Cell::new(false),
            checks_each_call: Cell::new(true),
            checked: RefCell::default(),
        })
    }

    /// How often a port was called since the last `forget_calls`.
    pub(crate) fn calls(&self, port: Port) -> usize {
        self.calls.borrow().get(&port).copied().unwrap_or_default()
    }

    /// How many of the calls of a port changed something, or did not, since the last `forget_calls`.
    pub(crate) fn operations(&self, port: Port, effect: Effect) -> usize {
        let operations = self.operations.borrow();
        operations.get(&(port, effect)).copied().unwrap_or_default()
    }

    /// Messages since the last `forget_calls`.
    pub(crate) fn messages_sent(&self) -> usize {
        self.messages_sent.get()
    }

    pub(crate) fn forget_calls(&self) {
        self.calls.borrow_mut().clear();
        self.operations.borrow_mut().clear();
        self.messages_sent.set(0);
        self.effects.borrow_mut().clear();
    }

    pub(crate) fn plan_fault(&self, fault: Option<Fault>) {
        self.fault.set(fault);
    }

    /// Whether the planned fault has not come yet.
    pub(crate) fn is_fault_pending(&self) -> bool {
        self.fault.get().is_some()
    }

    /// Whether this is the call that is to fail.
    fn strike(&self) -> Option<Flavour> {
        let fault = self.fault.get()?;
        if fault.call > 0 {
            self.fault.set(Some(Fault {
                call: fault.call - 1,
                ..fault
            }));
            return None;
        }
        self.fault.set(None);
        Some(fault.flavour)
    }

    /// One call of a port.
    async fn call<T>(
        &self,
        port: Port,
        effect: Effect,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        if self.gives_way.get() {
            give_way().await;
        }
        self.call_at_once(port, effect, work)
    }

    fn call_at_once<T>(
        &self,
        port: Port,
        effect: Effect,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        self.effects.borrow_mut().push(effect);
        *self.calls.borrow_mut().entry(port).or_default() += 1;
        let mut operations = self.operations.borrow_mut();
        *operations.entry((port, effect)).or_default() += 1;
        drop(operations);
        let result = match self.strike() {
            None if port == Port::Blobs && self.blobs_are_down.get() => {
                Err(Error::unavailable("the blob store is down"))
            }
            None if port == Port::Queue && self.queue_is_down.get() => {
                Err(Error::unavailable("the queue is down"))
            }
            None => work(),
            Some(Flavour::Before) => Err(failure(port)),
            Some(Flavour::After) => {
                let _ = work();
                Err(failure(port))
            }
        };
        if self.checks_each_call.get() {
            check_whole(self, &mut self.checked.borrow_mut());
        }
        result
    }

    /// Looks at what must never be broken once at the end of something and not after each call of it: thousands of packages
    /// are too many for that.
    pub(crate) fn check_at_the_end<T>(&self, of: impl FnOnce() -> T) -> T {
        self.checks_each_call.set(false);
        let result = of();
        self.checks_each_call.set(true);
        check_whole(self, &mut self.checked.borrow_mut());
        result
    }

    /// Something that the checks rely on was taken away.
    fn check_all_anew(&self) {
        *self.checked.borrow_mut() = Checked::default();
    }

    /// The lines of the log that are at least warnings.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let lines = self.lines.borrow();
        lines
            .iter()
            .filter(|(level, _)| *level != Level::Info)
            .map(|(_, line)| line.clone())
            .collect()
    }
}

fn failure(port: Port) -> Error {
    match port {
        Port::Outbound => Error::new(ErrorKind::Upstream { retryable: true }, "a planned fault"),
        _ => Error::internal(format!("a planned fault of {port:?}")),
    }
}

/// Lets another future go on.
async fn give_way() {
    let mut is_second = false;
    poll_fn(|context| {
        if is_second {
            return Poll::Ready(());
        }
        is_second = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// The ports in the form in which the program takes them.
pub(crate) struct Ports(pub(crate) Rc<World>);

impl Ports {
    fn reach_db(&self) -> Result<()> {
        if self.0.db_is_down.get() {
            return Err(Error::unavailable("the database is down"));
        }
        Ok(())
    }
}

#[async_trait(?Send)]
impl Db for Ports {
    async fn rows(&self, statement: Statement) -> Result<Vec<Row>> {
        let world = &self.0;
        let effect = if statement.sql.starts_with("select") {
            Effect::None
        } else {
            Effect::Some
        };
        world
            .call(Port::Db, effect, || {
                self.reach_db()?;
                world.sqlite.rows(&statement)
            })
            .await
    }

    async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>> {
        let world = &self.0;
        world
            .call(Port::Db, Effect::Some, || {
                self.reach_db()?;
                let hook = world.before_batch.borrow_mut().take();
                if let Some(hook) = hook {
                    hook(world, &statements);
                    world.before_batch.borrow_mut().get_or_insert(hook);
                }
                world.sqlite.batch(&statements)
            })
            .await
    }

    async fn read_nearby(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>> {
        let world = &self.0;
        world
            .call(Port::Db, Effect::None, || {
                self.reach_db()?;
                world.sqlite.batch(&statements)
            })
            .await
    }
}

#[async_trait(?Send)]
impl Blobs for Ports {
    async fn put(&self, key: &str, bytes: &[u8]) -> Result<()> {
        let world = &self.0;
        world
            .call(Port::Blobs, Effect::Some, || {
                world.objects.borrow_mut().insert(
                    key.to_owned(),
                    Object {
                        bytes: bytes.to_vec(),
                        uploaded: world.now.get(),
                    },
                );
                Ok(())
            })
            .await
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let world = &self.0;
        world
            .call(Port::Blobs, Effect::None, || {
                let objects = world.objects.borrow();
                Ok(objects.get(key).map(|object| object.bytes.clone()))
            })
            .await
    }

    async fn get_range(&self, key: &str, offset: u64, length: u64) -> Result<Option<Vec<u8>>> {
        let world = &self.0;
        world
            .call(Port::Blobs, Effect::None, || {
                let objects = world.objects.borrow();
                Ok(objects
                    .get(key)
                    .map(|object| part(&object.bytes, offset, length)))
            })
            .await
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectFacts>> {
        let world = &self.0;
        world
            .call(Port::Blobs, Effect::None, || {
                let objects = world.objects.borrow();
                Ok(objects.get(key).map(|object| facts(key, object)))
            })
            .await
    }

    async fn delete(&self, keys: &[String]) -> Result<()> {
        let world = &self.0;
        world
            .call(Port::Blobs, Effect::Some, || {
                for key in keys {
                    world.objects.borrow_mut().remove(key);
                }
                world.check_all_anew();
                Ok(())
            })
            .await
    }

    async fn list(&self, prefix: &str, cursor: Option<&str>) -> Result<ObjectPage> {
        let world = &self.0;
        world
            .call(Port::Blobs, Effect::None, || {
                let objects = world.objects.borrow();
                let found: Vec<_> = objects
                    .iter()
                    .filter(|(key, _)| {
                        key.starts_with(prefix) && cursor.is_none_or(|after| key.as_str() > after)
                    })
                    .take(1_001)
                    .map(|(key, object)| facts(key, object))
                    .collect();
                let cursor = (found.len() > 1_000).then(|| found[999].key.clone());
                Ok(ObjectPage {
                    objects: found.into_iter().take(1_000).collect(),
                    cursor,
                })
            })
            .await
    }
}

fn facts(key: &str, object: &Object) -> ObjectFacts {
    ObjectFacts {
        key: key.to_owned(),
        size: object.bytes.len() as u64,
        uploaded: object.uploaded,
    }
}

/// What a ranged read gives.
pub(crate) fn part(bytes: &[u8], offset: u64, length: u64) -> Vec<u8> {
    let bytes = bytes.iter().skip(usize::try_from(offset).unwrap());
    bytes
        .take(usize::try_from(length).unwrap())
        .copied()
        .collect()
}

#[async_trait(?Send)]
impl RateLimit for Ports {
    async fn count(&self, key: &str) -> Result<bool> {
        let world = &self.0;
        world
            .call(Port::RateLimit, Effect::Some, || {
                let mut counted = world.counted.borrow_mut();
                let count = counted.entry(key.to_owned()).or_default();
                *count += 1;
                Ok(*count <= world.bad_credentials.get())
            })
            .await
    }
}

#[async_trait(?Send)]
impl MultipartBlobs for Ports {
    async fn create_multipart(&self, key: &str) -> Result<String> {
        let world = &self.0;
        world
            .call(Port::Blobs, Effect::Some, || {
                let mut uploads = world.uploads.borrow_mut();
                let id = format!("upload-of-{key}");
                uploads.insert(id.clone(), (key.to_owned(), BTreeMap::new()));
                Ok(id)
            })
            .await
    }

    async fn upload_part(
        &self,
        key: &str,
        upload: &str,
        number: u16,
        bytes: &[u8],
    ) -> Result<String> {
        let world = &self.0;
        world
            .call(Port::Blobs, Effect::Some, || {
                let mut uploads = world.uploads.borrow_mut();
                let (known, parts) = uploads
                    .get_mut(upload)
                    .ok_or_else(|| Error::internal("no such upload"))?;
                assert_eq!(known, key);
                // Another tag each time, as R2 has it: an old one is worth nothing then.
                let tag = format!("part-{number}-{}", world.effects.borrow().len());
                parts.insert(number, (tag.clone(), bytes.to_vec()));
                Ok(tag)
            })
            .await
    }

    async fn complete_multipart(&self, key: &str, upload: &str, parts: &[String]) -> Result<()> {
        let world = &self.0;
        world
            .call(Port::Blobs, Effect::Some, || {
                let mut uploads = world.uploads.borrow_mut();
                let (_, stored) = uploads
                    .get(upload)
                    .ok_or_else(|| Error::internal("no such upload"))?;
                let tags: Vec<_> = stored.values().map(|(tag, _)| tag.clone()).collect();
                if tags != parts {
                    return Err(Error::internal("a part is missing or was sent again"));
                }
                let sizes: Vec<_> = stored.values().map(|(_, bytes)| bytes.len()).collect();
                let (last, others) = sizes.split_last().unwrap();
                assert!(others.iter().all(|size| *size == sizes[0]) && *last <= sizes[0]);
                let (_, stored) = uploads.remove(upload).unwrap();
                world.objects.borrow_mut().insert(
                    key.to_owned(),
                    Object {
                        bytes: stored.into_values().flat_map(|(_, bytes)| bytes).collect(),
                        uploaded: world.now.get(),
                    },
                );
                Ok(())
            })
            .await
    }

    async fn abort_multipart(&self, _key: &str, upload: &str) -> Result<()> {
        let world = &self.0;
        world
            .call(Port::Blobs, Effect::Some, || {
                let gone = world.uploads.borrow_mut().remove(upload);
                gone.map(drop)
                    .ok_or_else(|| Error::internal("no such upload"))
            })
            .await
    }
}

#[async_trait(?Send)]
impl Cache for Ports {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let world = &self.0;
        world
            .call(Port::Cache, Effect::None, || match world.cache_mood.get() {
                CacheMood::Working => Ok(world.copies.borrow().get(key).cloned()),
                CacheMood::Empty => Ok(None),
                CacheMood::Denying => Err(Error::unavailable("the cache denies everything")),
            })
            .await
    }

    async fn put(&self, key: &str, bytes: &[u8]) -> Result<()> {
        let world = &self.0;
        world
            .call(Port::Cache, Effect::Some, || {
                if world.cache_mood.get() == CacheMood::Denying {
                    return Err(Error::unavailable("the cache denies everything"));
                }
                let mut copies = world.copies.borrow_mut();
                copies.insert(key.to_owned(), bytes.to_vec());
                Ok(())
            })
            .await
    }

    async fn put_for(&self, key: &str, bytes: &[u8], _seconds: u32) -> Result<()> {
        // Nothing here lives that long.
        Cache::put(self, key, bytes).await
    }
}

#[async_trait(?Send)]
impl Queue for Ports {
    async fn send(&self, messages: Vec<Outgoing>) -> Result<()> {
        let world = &self.0;
        world
            .call(Port::Queue, Effect::Some, || {
                let mut queue = world.queue.borrow_mut();
                let sent = world.messages_sent.get() + messages.len();
                world.messages_sent.set(sent);
                queue.extend(messages.into_iter().map(|message| Waiting {
                    text: message.text,
                    attempts: 0,
                    due: world.now.get() + i64::from(message.delay),
                }));
                Ok(())
            })
            .await
    }
}

#[async_trait(?Send)]
impl HttpClient for Ports {
    async fn send(&self, request: OutRequest) -> Result<InResponse> {
        let world = Rc::clone(&self.0);
        self.0
            .call(Port::Outbound, Effect::None, || {
                let now = world.now.get();
                let identity = world.identity.borrow_mut().answer(&request, now);
                let answer = match world.dns.borrow_mut().answer(&request) {
                    Some(answer) => answer?,
                    None if identity.is_some() => identity.unwrap(),
                    None => world.github.borrow_mut().answer(&request, world.now.get()),
                };
                Ok(InResponse {
                    status: answer.status,
                    headers: answer.headers,
                    body: Box::new(Chunks {
                        world: Rc::clone(&world),
                        left: answer.body.chunks(4096).map(<[u8]>::to_vec).collect(),
                    }),
                })
            })
            .await
    }
}

/// A body that arrives in chunks, each of which may fail to.
struct Chunks {
    world: Rc<World>,
    left: VecDeque<Vec<u8>>,
}

#[async_trait(?Send)]
impl repertoire::ports::ByteStream for Chunks {
    async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let world = Rc::clone(&self.world);
        let seconds = world.github.borrow().seconds_a_chunk;
        world.now.set(world.now.get() + seconds);
        world
            .call(Port::Outbound, Effect::None, || Ok(self.left.pop_front()))
            .await
    }
}

impl Clock for Ports {
    fn now(&self) -> i64 {
        self.0.now.get()
    }

    fn milliseconds(&self) -> i64 {
        self.0.now.get() * 1_000
    }
}

impl Entropy for Ports {
    fn fill(&self, buffer: &mut [u8]) -> Result<()> {
        let world = &self.0;
        world.call_at_once(Port::Entropy, Effect::None, || {
            for byte in buffer {
                // xorshift64: enough to be different each time and the same in each run.
                let mut state = world.randomness.get();
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                world.randomness.set(state);
                *byte = state.to_le_bytes()[3];
            }
            Ok(())
        })
    }
}

#[async_trait(?Send)]
impl Vault for Ports {
    async fn seal(&self, context: &str, secret: &str) -> Result<String> {
        self.0
            .call(Port::Vault, Effect::None, || {
                Ok(format!("sealed:{context}:{}", hex::encode(secret)))
            })
            .await
    }

    async fn open(&self, context: &str, sealed: &str) -> Result<String> {
        self.0
            .call(Port::Vault, Effect::None, || {
                let secret = sealed
                    .strip_prefix(&format!("sealed:{context}:"))
                    .ok_or_else(|| Error::internal("sealed for something else"))?;
                let bytes = hex::decode(secret).map_err(Error::internal)?;
                String::from_utf8(bytes).map_err(Error::internal)
            })
            .await
    }
}

#[async_trait(?Send)]
impl Signer for Ports {
    async fn sign_rs256(&self, private_key: &[u8], message: &[u8]) -> Result<Vec<u8>> {
        self.0
            .call(Port::Signer, Effect::None, || {
                let key = ring::signature::RsaKeyPair::from_pkcs8(private_key)
                    .map_err(|fault| Error::invalid("the key is refused").because(fault))?;
                let mut signature = vec![0; key.public().modulus_len()];
                let random = ring::rand::SystemRandom::new();
                key.sign(
                    &ring::signature::RSA_PKCS1_SHA256,
                    &random,
                    message,
                    &mut signature,
                )
                .unwrap();
                Ok(signature)
            })
            .await
    }
}

impl Counters for Ports {
    fn count(&self, point: &DataPoint) {
        self.0.data_points.borrow_mut().push(point.clone());
    }
}

impl Log for Ports {
    fn line(&self, level: Level, message: &str) {
        self.0.lines.borrow_mut().push((level, message.to_owned()));
    }

    fn json_line(&self, line: &str) {
        self.0.request_lines.borrow_mut().push(line.to_owned());
    }
}
