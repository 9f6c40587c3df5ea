//! Native streams as `ByteStream`: the bytes are copied into wasm one chunk at a time, and only when asked for.

use async_trait::async_trait;
use js_sys::{Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::ReadableStream;

use crate::edge::js;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::ByteStream;

/// A default reader gives 4 KiB at a time. One with a buffer of its own was five times faster on 100 MB.
const CHUNK: u32 = 128 * 1024;

#[wasm_bindgen]
extern "C" {
    /// A reader of either kind: the default one ignores the buffer it is handed.
    #[derive(Clone)]
    type Reader;

    #[wasm_bindgen(method, catch)]
    fn read(this: &Reader, buffer: &Uint8Array) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn cancel(this: &Reader) -> Result<Promise, JsValue>;

    #[wasm_bindgen(extends = ReadableStream)]
    type Readable;

    #[wasm_bindgen(method, catch, js_name = getReader)]
    fn reader(this: &Readable) -> Result<Reader, JsValue>;

    #[wasm_bindgen(method, catch, js_name = getReader)]
    fn reader_of_kind(this: &Readable, options: &js_sys::Object) -> Result<Reader, JsValue>;
}

/// Who sends the bytes: it decides whose fault a broken stream is.
pub(super) enum Sender {
    /// The caller of a request.
    Client,
    /// Another host, by name.
    Host(String),
}

/// A native stream, locked only when it is read. When it is dropped before its end, the body of another host is
/// cancelled: it would keep one of the six connections of an invocation. The body of a caller is left to the platform,
/// which discards it in its own time; cancelled, it takes the connection along before the answer is out.
pub(super) struct NativeBody {
    state: State,
    sender: Sender,
}

enum State {
    /// The body of a request, which most requests have not.
    Unasked(web_sys::Request),
    Untouched(ReadableStream),
    Reading {
        reader: Reader,
        buffer: Uint8Array,
    },
    Finished,
}

impl NativeBody {
    /// The stream of a body; none for a body that is absent.
    pub(super) fn new(stream: Option<ReadableStream>, sender: Sender) -> Self {
        Self {
            state: stream.map_or(State::Finished, State::Untouched),
            sender,
        }
    }

    /// The body of a request, asked for when it is read.
    pub(super) fn of_request(request: &web_sys::Request) -> Self {
        Self {
            state: State::Unasked(Clone::clone(request)),
            sender: Sender::Client,
        }
    }

    fn start(&mut self) -> Result<Option<(Reader, Uint8Array)>, JsValue> {
        if let State::Unasked(request) = &self.state {
            self.state = request.body().map_or(State::Finished, State::Untouched);
        }
        match &self.state {
            State::Unasked(_) | State::Finished => Ok(None),
            State::Reading { reader, buffer } => Ok(Some((reader.clone(), buffer.clone()))),
            State::Untouched(stream) => {
                let stream: &Readable = stream.unchecked_ref();
                let options = js::object(&[("mode", "byob".into())]);
                // Streams made in JavaScript know only the default reader.
                let reader = stream
                    .reader_of_kind(&options)
                    .or_else(|_| stream.reader())?;
                let buffer = Uint8Array::new_with_length(CHUNK);
                self.state = State::Reading {
                    reader: reader.clone(),
                    buffer: buffer.clone(),
                };
                Ok(Some((reader, buffer)))
            }
        }
    }

    async fn read(&mut self) -> Result<Option<Vec<u8>>, JsValue> {
        let Some((reader, buffer)) = self.start()? else {
            return Ok(None);
        };
        loop {
            let result = js::settle(reader.read(&buffer)).await?;
            let chunk = js::field(&result, "value").dyn_into::<Uint8Array>().ok();
            if js::field(&result, "done").is_truthy() {
                self.state = State::Finished;
                return Ok(None);
            }
            let Some(chunk) = chunk else {
                continue;
            };
            let bytes = chunk.to_vec();
            // Reading took the buffer away and gave it back in the chunk: one buffer serves the whole stream.
            let whole = Uint8Array::new(&chunk.buffer());
            let buffer = if whole.length() == CHUNK {
                whole
            } else {
                Uint8Array::new_with_length(CHUNK)
            };
            self.state = State::Reading { reader, buffer };
            return Ok(Some(bytes));
        }
    }

    fn broken(&self, thrown: &JsValue) -> Error {
        let error = match &self.sender {
            Sender::Client => Error::invalid("The body of the request ended before its time"),
            Sender::Host(host) => Error::new(
                ErrorKind::Upstream { retryable: true },
                format!("The answer of `{host}` ended before its time"),
            ),
        };
        error.because(js::describe(thrown))
    }
}

#[async_trait(?Send)]
impl ByteStream for NativeBody {
    async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        match self.read().await {
            Ok(chunk) => Ok(chunk),
            Err(thrown) => {
                self.state = State::Finished;
                Err(self.broken(&thrown))
            }
        }
    }
}

impl Drop for NativeBody {
    fn drop(&mut self) {
        if matches!(self.sender, Sender::Client) {
            return;
        }
        let cancelled = match &self.state {
            State::Unasked(_) | State::Finished => return,
            State::Untouched(stream) => Ok(stream.cancel()),
            State::Reading { reader, .. } => reader.cancel(),
        };
        wasm_bindgen_futures::spawn_local(async move {
            // Nobody is left to be told, but a rejection without a listener would be reported as our failure.
            let _ = js::settle(cancelled).await;
        });
    }
}
