//! Many commits by one request to GitHub's GraphQL API, where REST takes two requests for each.
//!
//! They are asked for by their ids and not by walking over tags: what comes is of exactly the commits that are to be taken
//! in, whatever was pushed since; annotated and nested tags were peeled by the listing; and nothing that is known already
//! is read again. A hundred objects cost one point of an allowance of their own (5,000 an hour), and their query has 10 KB.
//!
//! What is taken is what REST would give, byte for byte: the text must hash to the blob's own id, which a truncated, a
//! binary or a converted one does not, and it must be a plain file, since REST follows symbolic links. Everything else is
//! left to REST, commit by commit; so is all, where GraphQL is refused.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use serde::Deserialize;
use serde_json::json;
use sha1::{Digest, Sha1};
use sha2::Sha256;

use crate::error::{Error, ErrorKind, Result};
use crate::providers::outgoing::upstream;
use crate::providers::path::{full_commit, split_name};
use crate::providers::rest::{Asked, Rest};
use crate::providers::{CommitFacts, NamedProject};

/// Objects in one query.
const AT_ONCE: usize = 100;
/// A query of so few objects that fails or takes too long is no question of its size.
const FEWEST: usize = 10;
/// A greater composer.json is rare enough to be asked for alone.
const LONGEST: usize = 256 * 1024;

/// The modes of plain files: as numbers, and as the digits that git shows. The schema does not say which of the two it has.
const PLAIN_FILES: [u32; 6] = [0o100_644, 0o100_664, 0o100_755, 100_644, 100_664, 100_755];

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    data: Option<Data>,
    #[serde(default)]
    errors: Vec<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    #[serde(default)]
    message: String,
}

/// The repository twice: once for its id, and once for its objects by our names for them.
#[derive(Deserialize)]
struct Data {
    #[serde(default)]
    repository: Option<Identity>,
    #[serde(default)]
    commits: Option<HashMap<String, Option<Object>>>,
}

#[derive(Deserialize)]
struct Identity {
    #[serde(rename = "databaseId")]
    database_id: Option<u64>,
}

/// Empty when it is no commit.
#[derive(Deserialize)]
struct Object {
    oid: Option<String>,
    #[serde(rename = "committedDate")]
    committed_date: Option<String>,
    file: Option<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    mode: u32,
    object: Option<Blob>,
}

/// Empty when it is no file.
#[derive(Deserialize)]
struct Blob {
    oid: Option<String>,
    text: Option<String>,
}

/// Where GraphQL is for a REST API at this address: beside it, but on an Enterprise Server one level higher.
fn endpoint(base: &str) -> String {
    let base = base.strip_suffix("/v3").unwrap_or(base);
    format!("{base}/graphql")
}

fn query(commits: &[String]) -> Result<String> {
    let mut query = "query($owner:String!,$name:String!){\
                     repository(owner:$owner,name:$name){databaseId} \
                     commits:repository(owner:$owner,name:$name){"
        .to_owned();
    for (number, commit) in commits.iter().enumerate() {
        let commit = full_commit(commit)?;
        write!(query, "c{number}:object(oid:\"{commit}\"){{...facts}} ")
            .map_err(Error::internal)?;
    }
    query.push_str(
        "}} fragment facts on Commit{oid committedDate \
         file(path:\"composer.json\"){mode object{...on Blob{oid text}}}}",
    );
    Ok(query)
}

/// What is read of these commits; those that are missing are to be asked for one by one. An error when none can be read
/// in this way, whatever commits they are.
pub(super) async fn read(
    api: &Rest<'_>,
    project: &NamedProject<'_>,
    commits: &[String],
) -> Result<Vec<CommitFacts>> {
    let mut found = Vec::new();
    let mut left: Vec<&[String]> = commits.chunks(AT_ONCE).rev().collect();
    while let Some(some) = left.pop() {
        match read_some(api, project, some).await {
            Ok(read) => found.extend(read),
            // Slow queries die with a 502, and an answer may be more than is read at once.
            Err(error) if depends_on_size(&error) && some.len() > FEWEST => {
                let (first, second) = some.split_at(some.len().div_ceil(2));
                left.extend([second, first]);
            }
            Err(error) if depends_on_size(&error) && !found.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// Whether fewer at once may do.
fn depends_on_size(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::TooLarge | ErrorKind::Upstream { retryable: true }
    )
}

async fn read_some(
    api: &Rest<'_>,
    project: &NamedProject<'_>,
    commits: &[String],
) -> Result<Vec<CommitFacts>> {
    let (owner, name) = split_name(project.full_name)?;
    let body = json!({
        "query": query(commits)?,
        "variables": {"owner": owner, "name": name},
    });
    let url = endpoint(&api.url(""));
    let response = match api.post(&url, &body).await? {
        Asked::Answered(response) => response,
        Asked::Refused(refusal) if refusal.limits_alone("graphql") => {
            return Err(refused(api, "its allowance is spent"));
        }
        Asked::Refused(refusal) => return Err(refusal.error),
    };
    let answer: Answer = api.json(response).await?;
    let said = answer.errors.first().map(|fault| fault.message.as_str());
    let Some(data) = answer.data else {
        return Err(refused(api, said.unwrap_or("it has no data")));
    };
    let id = data.repository.and_then(|found| found.database_id);
    let (Some(id), Some(objects)) = (id, data.commits) else {
        return Err(refused(api, said.unwrap_or("it names no repository")));
    };
    // Somebody else's project may have got the name since the last look.
    if id.to_string() != project.provider_id {
        return Err(refused(api, "another project has this name by now"));
    }
    let wanted: HashSet<_> = commits.iter().map(String::as_str).collect();
    let is_whole = answer.errors.is_empty();
    Ok(objects
        .into_values()
        .flatten()
        .filter_map(|object| take(api, object, is_whole))
        .filter(|facts| wanted.contains(facts.commit.as_str()))
        .collect())
}

fn refused(api: &Rest<'_>, why: &str) -> Error {
    upstream(
        false,
        format!("`{}` does not answer by GraphQL", api.host()),
    )
    .because(why)
}

/// What an object says, if it is what REST would say. An answer that is not whole has holes where there are none.
fn take(api: &Rest<'_>, object: Object, is_whole: bool) -> Option<CommitFacts> {
    let manifest = match object.file {
        Some(entry) => Some(plain_text(entry)?),
        None if is_whole => None,
        None => return None,
    };
    Some(CommitFacts {
        commit: object.oid?,
        manifest,
        time: api.utc(&object.committed_date?).ok()?,
    })
}

/// The text of a plain file, when it is all of it and nothing else.
fn plain_text(entry: Entry) -> Option<String> {
    let is_plain = PLAIN_FILES.contains(&entry.mode);
    let blob = entry.object.filter(|_| is_plain)?;
    let (id, text) = (blob.oid?, blob.text?);
    (text.len() <= LONGEST && is_blob(&id, &text)).then_some(text)
}

/// Whether git gives these bytes this id.
fn is_blob(id: &str, text: &str) -> bool {
    let whole = format!("blob {}\0{text}", text.len());
    match id.len() {
        40 => hex::encode(Sha1::digest(&whole)) == id,
        64 => hex::encode(Sha256::digest(&whole)) == id,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
