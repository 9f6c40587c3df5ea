//! A form with an archive in it, as Nexus' and Packistry's clients and `curl -F` send it. Parts may come in any order.

use async_trait::async_trait;

use crate::app::App;
use crate::domain::form_data::{FormEvent, FormReader};
use crate::domain::upload::{Asked, read_source};
use crate::error::{Error, Result};
use crate::ports::ByteStream;
use crate::store::archives::{UploadedArchive, take_in_upload};
use crate::store::dists::discard_if_unnamed;

/// The longest value of a field.
const FIELD_LIMIT: usize = 8 * 1024;
/// The most parts of a form.
const PARTS: usize = 32;

/// Reads a form: its archive, of at most `limit` bytes, is stored under `key`, what its fields say is added to `asked`.
pub(super) async fn receive_form(
    app: &App,
    body: &mut dyn ByteStream,
    reader: FormReader,
    key: &str,
    asked: &mut Asked,
    limit: u64,
) -> Result<UploadedArchive> {
    let mut form = Form {
        body,
        reader,
        archive: None,
        fields: Vec::new(),
    };
    let read = form.read(app, key, limit).await;
    let read = read.and_then(|()| say(&form.fields, asked));
    match (read, form.archive) {
        (Ok(()), Some(archive)) => Ok(archive),
        (Ok(()), None) => Err(Error::invalid(
            "The form holds no archive; send it as a file in the field `file` or `package`",
        )),
        (Err(error), archive) => {
            if archive.is_some() {
                discard_if_unnamed(app, key).await;
            }
            Err(error)
        }
    }
}

struct Form<'a> {
    body: &'a mut dyn ByteStream,
    reader: FormReader,
    archive: Option<UploadedArchive>,
    fields: Vec<(String, String)>,
}

impl Form<'_> {
    async fn read(&mut self, app: &App, key: &str, limit: u64) -> Result<()> {
        let mut parts = 0_usize;
        while let FormEvent::Part { name, is_file } = self.next_event().await? {
            parts = parts.saturating_add(1);
            if parts > PARTS {
                return Err(Error::invalid(format!(
                    "The form has more than {PARTS} parts"
                )));
            }
            if !is_file && name != "file" && name != "package" {
                let value = self.read_field(&name).await?;
                self.fields.push((name, value));
                continue;
            }
            if self.archive.is_some() {
                return Err(Error::invalid(
                    "The form holds two files; send one archive at a time",
                ));
            }
            let (blobs, multipart) = (app.blobs.as_ref(), app.multipart.as_ref());
            let archive = take_in_upload(blobs, multipart, key, &mut Part(self), limit).await?;
            self.archive = Some(archive);
        }
        Ok(())
    }

    async fn next_event(&mut self) -> Result<FormEvent> {
        loop {
            let event = self.reader.next_event();
            if let Some(event) = event.map_err(|fault| Error::invalid(fault.to_string()))? {
                return Ok(event);
            }
            let chunk = self.body.next().await?.ok_or_else(|| {
                Error::invalid("The form ends before its last part does; send it again")
            })?;
            self.reader.add(&chunk);
        }
    }

    async fn read_field(&mut self, name: &str) -> Result<String> {
        let mut value = Vec::new();
        while let FormEvent::Data(bytes) = self.next_event().await? {
            if value.len().saturating_add(bytes.len()) > FIELD_LIMIT {
                return Err(Error::invalid(format!(
                    "The field `{}` of the form has more than {FIELD_LIMIT} bytes; archives go into `file` or `package`",
                    name.escape_debug()
                )));
            }
            value.extend_from_slice(&bytes);
        }
        String::from_utf8(value).map_err(|_| {
            Error::invalid(format!(
                "The field `{}` of the form is not UTF-8",
                name.escape_debug()
            ))
        })
    }
}

/// One part of a form as a stream.
struct Part<'a, 'b>(&'a mut Form<'b>);

#[async_trait(?Send)]
impl ByteStream for Part<'_, '_> {
    async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        match self.0.next_event().await? {
            FormEvent::Data(bytes) => Ok(Some(bytes)),
            _ => Ok(None),
        }
    }
}

/// What the fields say; those of other registries' clients that mean nothing here are passed over.
fn say(fields: &[(String, String)], asked: &mut Asked) -> Result<()> {
    let find = |wanted: &str| {
        fields
            .iter()
            .find(|(name, value)| name == wanted && !value.is_empty())
            .map(|(_, value)| value.as_str())
    };
    if let Some(name) = find("name") {
        asked.names.push(("field `name`", name.to_owned()));
    }
    if let Some(version) = find("version") {
        // Before the query, behind the address.
        let at = asked
            .versions
            .iter()
            .take_while(|(place, _)| *place == super::ADDRESS)
            .count();
        let said = ("field `version`", version.to_owned());
        asked.versions.insert(at, said);
    }
    match (find("src-type"), find("src-url"), find("src-ref")) {
        (None, None, None) => {}
        (Some(kind), Some(url), Some(reference)) => {
            let source = read_source(kind, url, reference);
            asked.source = Some(source.map_err(|fault| Error::invalid(fault.to_string()))?);
        }
        _ => {
            return Err(Error::invalid(
                "A source needs all of the fields `src-type`, `src-url` and `src-ref`",
            ));
        }
    }
    Ok(())
}
