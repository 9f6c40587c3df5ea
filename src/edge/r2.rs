//! `Blobs` and `MultipartBlobs` over R2.

use async_trait::async_trait;
use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::ReadableStream;
use worker_sys::{R2Bucket, R2MultipartUpload, R2Object, R2ObjectBody, R2UploadedPart};

use crate::edge::js;
use crate::error::{Error, Result};
use crate::ports::{Blobs, MultipartBlobs, ObjectFacts, ObjectPage};

/// The blob store of one request.
#[derive(Clone)]
pub(super) struct R2(R2Bucket);

/// A stored object, or a part of one, as a native stream.
pub(super) struct StoredStream {
    /// The bytes, which never enter wasm.
    pub(super) stream: ReadableStream,
    /// The size of the whole object.
    pub(super) size: u64,
}

impl R2 {
    /// Over the binding.
    pub(super) fn new(binding: JsValue) -> Self {
        Self(binding.unchecked_into())
    }

    /// The object, or `(offset, length)` of it, as a native stream.
    pub(super) async fn stream(
        &self,
        key: &str,
        range: Option<(u64, u64)>,
    ) -> Result<Option<StoredStream>> {
        let Some(object) = self
            .read(key, range)
            .await
            .map_err(js::unavailable("R2 get"))?
        else {
            return Ok(None);
        };
        Ok(Some(StoredStream {
            stream: object.body().map_err(js::unavailable("R2 body"))?,
            size: js::count(object.size().map_err(js::unavailable("R2 size"))?),
        }))
    }

    async fn read(
        &self,
        key: &str,
        range: Option<(u64, u64)>,
    ) -> Result<Option<R2ObjectBody>, JsValue> {
        let options = match range {
            None => JsValue::UNDEFINED,
            Some((offset, length)) => {
                let range = js::object(&[
                    ("offset", js::number(offset)),
                    ("length", js::number(length)),
                ]);
                js::object(&[("range", range.into())]).into()
            }
        };
        let value = js::settle(self.0.get(key.to_owned(), options)).await?;
        Ok(present(value))
    }

    fn resume(&self, key: &str, upload: &str) -> Result<R2MultipartUpload> {
        self.0
            .resume_multipart_upload(key.to_owned(), upload.to_owned())
            .map(JsCast::unchecked_into)
            .map_err(js::unavailable("R2 resumeMultipartUpload"))
    }
}

#[async_trait(?Send)]
impl Blobs for R2 {
    async fn put(&self, key: &str, bytes: &[u8]) -> Result<()> {
        let value = Uint8Array::from(bytes).into();
        js::settle(self.0.put(key.to_owned(), value, JsValue::UNDEFINED))
            .await
            .map(drop)
            .map_err(js::unavailable("R2 put"))
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let object = self
            .read(key, None)
            .await
            .map_err(js::unavailable("R2 get"))?;
        match object {
            None => Ok(None),
            Some(object) => bytes_of(&object).await.map(Some),
        }
    }

    async fn get_range(&self, key: &str, offset: u64, length: u64) -> Result<Option<Vec<u8>>> {
        if length == 0 {
            // R2 refuses an empty range.
            return Ok(self.head(key).await?.map(|_| Vec::new()));
        }
        match self.read(key, Some((offset, length))).await {
            Ok(None) => Ok(None),
            Ok(Some(object)) => bytes_of(&object).await.map(Some),
            // R2 also refuses a range that begins at the end of the object or behind it, in more than one wording.
            Err(thrown) => match self.head(key).await? {
                Some(facts) if facts.size <= offset => Ok(Some(Vec::new())),
                _ => Err(js::unavailable("R2 get")(thrown)),
            },
        }
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectFacts>> {
        let value = js::settle(self.0.head(key.to_owned()))
            .await
            .map_err(js::unavailable("R2 head"))?;
        present::<R2Object>(value)
            .map(|object| facts_of(&object))
            .transpose()
    }

    async fn delete(&self, keys: &[String]) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let keys = keys.iter().map(|key| JsValue::from_str(key)).collect();
        js::settle(self.0.delete_multiple(keys))
            .await
            .map(drop)
            .map_err(js::unavailable("R2 delete"))
    }

    async fn list(&self, prefix: &str, cursor: Option<&str>) -> Result<ObjectPage> {
        let options = js::object(&[
            ("prefix", prefix.into()),
            ("cursor", cursor.map_or(JsValue::UNDEFINED, Into::into)),
        ]);
        let page = js::settle(self.0.list(options.into()))
            .await
            .map_err(js::unavailable("R2 list"))?;
        let objects = Array::from(&js::field(&page, "objects"))
            .iter()
            .map(|object| facts_of(&object.unchecked_into()))
            .collect::<Result<_>>()?;
        let more = js::field(&page, "truncated").is_truthy();
        Ok(ObjectPage {
            objects,
            cursor: js::text_field(&page, "cursor").filter(|_| more),
        })
    }
}

#[async_trait(?Send)]
impl MultipartBlobs for R2 {
    async fn create_multipart(&self, key: &str) -> Result<String> {
        let call = self
            .0
            .create_multipart_upload(key.to_owned(), JsValue::UNDEFINED);
        let upload: R2MultipartUpload = js::settle(call)
            .await
            .map_err(js::unavailable("R2 createMultipartUpload"))?
            .unchecked_into();
        upload.upload_id().map_err(js::unavailable("R2 uploadId"))
    }

    async fn upload_part(
        &self,
        key: &str,
        upload: &str,
        number: u16,
        bytes: &[u8],
    ) -> Result<String> {
        let value = Uint8Array::from(bytes).into();
        let part: R2UploadedPart = js::settle(self.resume(key, upload)?.upload_part(number, value))
            .await
            .map_err(js::unavailable("R2 uploadPart"))?
            .unchecked_into();
        part.etag().map_err(js::unavailable("R2 etag"))
    }

    async fn complete_multipart(&self, key: &str, upload: &str, parts: &[String]) -> Result<()> {
        let parts = (1_u32..)
            .zip(parts)
            .map(|(number, etag)| {
                js::object(&[("partNumber", number.into()), ("etag", etag.into())]).into()
            })
            .collect();
        js::settle(self.resume(key, upload)?.complete(parts))
            .await
            .map(drop)
            .map_err(js::unavailable("R2 complete"))
    }

    async fn abort_multipart(&self, key: &str, upload: &str) -> Result<()> {
        js::settle(self.resume(key, upload)?.abort())
            .await
            .map(drop)
            .map_err(js::unavailable("R2 abort"))
    }
}

fn present<T: JsCast>(value: JsValue) -> Option<T> {
    (!value.is_null() && !value.is_undefined()).then(|| value.unchecked_into())
}

async fn bytes_of(object: &R2ObjectBody) -> Result<Vec<u8>> {
    let buffer = js::settle(object.array_buffer())
        .await
        .map_err(js::unavailable("R2 arrayBuffer"))?;
    Ok(js::bytes(&buffer))
}

fn facts_of(object: &R2Object) -> Result<ObjectFacts> {
    let read = || {
        Ok::<_, JsValue>(ObjectFacts {
            key: object.key()?,
            size: js::count(object.size()?),
            uploaded: js::seconds(object.uploaded()?.get_time()),
        })
    };
    read().map_err(|thrown| Error::internal(format!("R2 object: {}", js::describe(&thrown))))
}
