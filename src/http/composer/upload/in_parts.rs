//! Uploads that come in parts, for archives that are larger than one request may be, and for lines that break.

use std::collections::BTreeSet;

use deserr::Deserr;
use serde_json::json;

use super::{invalid, refuse_deleted, refuse_for_definition, refuse_package, refuse_strangers};
use crate::app::App;
use crate::domain::name::PackageName;
use crate::domain::quota::Quota;
use crate::domain::time::rfc3339;
use crate::domain::upload::Asked;
use crate::error::{Error, ErrorKind, Result};
use crate::http::body::{BadValue, Faults};
use crate::http::composer::Visit;
use crate::http::reply::{CachePolicy, Reply};
use crate::http::request::Request;
use crate::http::route::PartsRoute;
use crate::jobs::{Job, enqueue, enqueue_publishing};
use crate::ports::ByteStream;
use crate::store::archives::PART;
use crate::store::completion::{complete_upload, give_up};
use crate::store::quotas::{limit_archive, refusal};
use crate::store::uploads::{
    ABANDONED, PartialUpload, Purpose, find_upload, insert_upload, keep_part, list_parts,
    move_upload,
};

/// Parts of one upload; the blob store takes no more.
const MOST_PARTS: u64 = 10_000;
/// Open uploads in one repository: each keeps what it has for a day.
const MOST_UPLOADS: i64 = 100;
/// Up to this size an upload is looked through while its sender waits. bzip2 takes longest, some ten seconds.
const AT_ONCE: u64 = 64 * 1024 * 1024;

/// Answers for one upload.
pub(in crate::http::composer) async fn handle(
    visit: &Visit<'_>,
    request: Request,
    route: &PartsRoute,
) -> Result<Reply> {
    if !matches!(route, PartsRoute::Show(_) | PartsRoute::GiveUp(_)) {
        refuse_deleted(visit).await?;
    }
    match route {
        PartsRoute::Begin => begin(visit, request).await,
        PartsRoute::Show(id) => show(visit.app, &open(visit, id).await?).await,
        PartsRoute::GiveUp(id) => give_up_by_hand(visit.app, &open(visit, id).await?).await,
        PartsRoute::Part(id, number) => {
            receive_part(visit.app, request, &open(visit, id).await?, *number).await
        }
        PartsRoute::Complete(id) => complete(visit, &open(visit, id).await?).await,
    }
}

#[derive(Deserr)]
#[deserr(error = Faults, deny_unknown_fields)]
struct Begun {
    name: String,
    #[deserr(default)]
    version: Option<String>,
    size: u64,
    #[deserr(default)]
    sha256: Option<String>,
    /// What the archive is for: `version`, also without it, or `definition`.
    #[deserr(rename = "for", default = Purpose::Version, try_from(&String) = read_purpose -> BadValue)]
    purpose: Purpose,
}

fn read_purpose(text: &str) -> Result<Purpose, BadValue> {
    [Purpose::Version, Purpose::Definition]
        .into_iter()
        .find(|purpose| purpose.as_str() == text)
        .ok_or_else(|| BadValue::new("`for` must be `version` or `definition`"))
}

/// Refuses a package whose versions come from elsewhere than what the archive is for.
async fn refuse_other_packages(
    visit: &Visit<'_>,
    name: &PackageName,
    purpose: Purpose,
) -> Result<()> {
    match purpose {
        Purpose::Version => refuse_package(visit, name).await,
        Purpose::Definition => refuse_for_definition(visit, name).await,
    }
}

async fn begin(visit: &Visit<'_>, mut request: Request) -> Result<Reply> {
    let app = visit.app;
    refuse_strangers(visit, None)?;
    let asked: Begun = request.json().await?;
    let name = PackageName::parse(&asked.name)
        .map_err(|_| Error::invalid("`name` must be like `vendor/name`"))?;
    refuse_strangers(visit, Some(&name))?;
    refuse_other_packages(visit, &name, asked.purpose).await?;
    if asked.purpose == Purpose::Definition && asked.version.is_some() {
        return Err(Error::invalid(
            "The definition says which version the archive is of; leave `version` out",
        ));
    }
    let said = Asked {
        versions: asked
            .version
            .iter()
            .map(|version| ("request", version.clone()))
            .collect(),
        ..Asked::default()
    };
    said.version_asked().map_err(|fault| invalid(&fault))?;
    let is_hash = |hash: &String| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit());
    if asked.sha256.as_ref().is_some_and(|hash| !is_hash(hash)) {
        return Err(Error::invalid("`sha256` must be 64 hexadecimal digits"));
    }
    if asked.size == 0 {
        return Err(Error::invalid("`size` must be the archive's, in bytes"));
    }
    let limit = app.config.archive_limit;
    if asked.size > limit {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!("`size` is more than {limit} bytes, the limit of this registry"),
        ));
    }
    let organisation = visit.repository.organisation_id;
    if limit_archive(app, organisation, asked.size).await? < asked.size {
        return Err(refusal(app, organisation, Quota::Storage).await?);
    }
    let id = app.random_id()?;
    let archive_key = format!("archives/{}/uploads/{id}", visit.repository.organisation_id);
    let upload = PartialUpload {
        repository_id: visit.repository.id,
        name: name.as_str().to_owned(),
        version: asked.version,
        size: asked.size,
        part_size: part_size(asked.size),
        purpose: asked.purpose,
        sha256: asked.sha256.map(|hash| hash.to_ascii_lowercase()),
        multipart_id: app.multipart.create_multipart(&archive_key).await?,
        archive_key,
        state: "open".to_owned(),
        message: None,
        answer: None,
        touched_at: app.now(),
        id,
    };
    let is_kept = match insert_upload(app, &upload, MOST_UPLOADS).await {
        Ok(is_kept) => is_kept,
        // Nobody learned its id: the repository may be gone by now.
        Err(error) => {
            give_up(app, &upload).await?;
            return Err(error);
        }
    };
    if !is_kept {
        give_up(app, &upload).await?;
        return Err(Error::conflict(format!(
            "{MOST_UPLOADS} uploads are open in this repository; complete some, or give them up by `DELETE`"
        )));
    }
    let mut reply = show(app, &upload).await?;
    reply.status = 201;
    Ok(reply.with(
        "location",
        format!("{}/uploads/{}", visit.address(), upload.id),
    ))
}

/// The smallest parts that there may be, unless that makes too many of them.
fn part_size(size: u64) -> u64 {
    let smallest = u64::try_from(PART).unwrap_or(u64::MAX);
    size.div_ceil(MOST_PARTS).max(smallest)
}

/// Finds an upload for somebody who may go on with it.
async fn open(visit: &Visit<'_>, id: &str) -> Result<PartialUpload> {
    refuse_strangers(visit, None)?;
    let upload = find_upload(visit.app, id)
        .await?
        .filter(|upload| upload.repository_id == visit.repository.id)
        .ok_or_else(|| Error::not_found("No such upload"))?;
    let name = PackageName::parse(&upload.name).map_err(Error::internal)?;
    refuse_strangers(visit, Some(&name))?;
    Ok(upload)
}

async fn show(app: &App, upload: &PartialUpload) -> Result<Reply> {
    let received: Vec<_> = list_parts(app, &upload.id)
        .await?
        .into_iter()
        .map(|part| part.number)
        .collect();
    let answer = upload.answer.as_deref().map(serde_json::from_str);
    let answer: Option<serde_json::Value> = answer.transpose().map_err(Error::internal)?;
    let is_open = upload.state == "open";
    Ok(Reply::json(
        200,
        &json!({
            "id": upload.id,
            "name": upload.name,
            "version": upload.version,
            "for": upload.purpose.as_str(),
            "size": upload.size,
            "part_size": upload.part_size,
            "parts": upload.parts(),
            "received": received,
            "state": upload.state,
            "message": upload.message,
            "result": answer,
            "expires_at": is_open.then(|| rfc3339(upload.touched_at.saturating_add(ABANDONED))),
        }),
    ))
}

async fn receive_part(
    app: &App,
    mut request: Request,
    upload: &PartialUpload,
    number: u16,
) -> Result<Reply> {
    refuse_settled(upload)?;
    let size = upload.size_of_part(number).ok_or_else(|| {
        Error::invalid(format!(
            "The upload has parts 1 to {}, and none of number {number}",
            upload.parts()
        ))
    })?;
    let bytes = read_exactly(request.body.as_mut(), size).await?;
    let etag = app
        .multipart
        .upload_part(&upload.archive_key, &upload.multipart_id, number, &bytes)
        .await?;
    keep_part(app, &upload.id, number, &etag).await?;
    Ok(Reply::json(200, &json!({ "number": number, "size": size })))
}

/// Reads a body into a buffer of just its size.
async fn read_exactly(body: &mut dyn ByteStream, size: u64) -> Result<Vec<u8>> {
    let wrong = || Error::invalid(format!("This part must have exactly {size} bytes"));
    let size = usize::try_from(size).map_err(|_| wrong())?;
    let mut bytes = Vec::with_capacity(size);
    while let Some(chunk) = body.next().await? {
        if bytes.len().saturating_add(chunk.len()) > size {
            return Err(wrong());
        }
        bytes.extend_from_slice(&chunk);
    }
    if bytes.len() == size {
        Ok(bytes)
    } else {
        Err(wrong())
    }
}

fn refuse_settled(upload: &PartialUpload) -> Result<()> {
    match upload.state.as_str() {
        "open" => Ok(()),
        "failed" => Err(Error::invalid(upload.message.clone().unwrap_or_default())),
        state => Err(Error::conflict(format!(
            "The upload is {state} already; look at it by `GET`"
        ))),
    }
}

async fn complete(visit: &Visit<'_>, upload: &PartialUpload) -> Result<Reply> {
    let app = visit.app;
    if let Some(reply) = settled(upload)? {
        return Ok(reply);
    }
    let name = PackageName::parse(&upload.name).map_err(Error::internal)?;
    refuse_other_packages(visit, &name, upload.purpose).await?;
    let received: BTreeSet<_> = list_parts(app, &upload.id)
        .await?
        .into_iter()
        .map(|part| u64::from(part.number))
        .collect();
    let missing: Vec<_> = (1..=upload.parts())
        .filter(|number| !received.contains(number))
        .take(10)
        .map(|number| number.to_string())
        .collect();
    if !missing.is_empty() {
        return Err(Error::conflict(format!(
            "Parts of the upload are missing: {}; send them and complete it then",
            missing.join(", ")
        )));
    }
    if upload.size > AT_ONCE {
        move_upload(app, &upload.id, "checking", None, None).await?;
        let id = upload.id.clone();
        enqueue(app, &[Job::CompleteUpload { id }]).await?;
        let checking = find_upload(app, &upload.id).await?;
        let mut reply = show(app, checking.as_ref().unwrap_or(upload)).await?;
        reply.status = 202;
        return Ok(reply);
    }
    let left = complete_upload(app, upload).await?;
    enqueue_publishing(app, &left).await?;
    let upload = find_upload(app, &upload.id)
        .await?
        .ok_or_else(|| Error::not_found("No such upload"))?;
    settled(&upload)?.ok_or_else(|| Error::internal("a completed upload is open"))
}

/// The answer to who completes what is complete.
fn settled(upload: &PartialUpload) -> Result<Option<Reply>> {
    match upload.state.as_str() {
        "done" => {
            let answer: serde_json::Value =
                serde_json::from_str(upload.answer.as_deref().unwrap_or("{}"))
                    .map_err(Error::internal)?;
            Ok(Some(Reply::json(200, &answer)))
        }
        "failed" => refuse_settled(upload).map(|()| None),
        "checking" => Ok(Some(Reply::json(
            202,
            &json!({ "id": upload.id, "state": upload.state }),
        ))),
        _ => Ok(None),
    }
}

async fn give_up_by_hand(app: &App, upload: &PartialUpload) -> Result<Reply> {
    if upload.state == "checking" || upload.state == "done" {
        return Err(Error::conflict(
            "The upload is complete already; there is nothing to give up",
        ));
    }
    give_up(app, upload).await?;
    Ok(Reply::empty(204, CachePolicy::NoStore))
}
