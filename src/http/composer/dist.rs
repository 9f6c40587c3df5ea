//! Archives by reference, whole or in part.

use crate::domain::access::{Action, Sight, VersionFacts};
use crate::domain::archive::ArchiveFormat;
use crate::domain::name::PackageName;
use crate::domain::quota::{Quota, bandwidth_message};
use crate::domain::time::{http_date, month};
use crate::error::{Error, ErrorKind, Result};
use crate::http::composer::Visit;
use crate::http::composer::notify::client_of;
use crate::http::problem::not_found;
use crate::http::reply::{Body, CachePolicy, Reply};
use crate::http::request::Request;
use crate::store::dists::{DistPointer, find_dist};
use crate::store::version_facts::is_any_version_seen;

/// Shows an archive. Any reference that was ever served is served for ever: lock files point at it.
pub async fn show_dist(
    visit: &Visit<'_>,
    request: &Request,
    name: &PackageName,
    reference: &str,
    format: ArchiveFormat,
) -> Result<Reply> {
    // First whether, then what: so that nothing is looked for, nor remembered, that differs from what does not exist.
    if !is_visible(visit, name, reference).await? {
        return Ok(not_found());
    }
    let found = find_dist(visit.app, visit.repository.id, name.as_str(), reference).await?;
    let found = found.filter(|dist| dist.format.answers_to(format));
    match found {
        None => Ok(not_found()),
        Some(dist) => serve(visit, request, &dist, (name, reference)),
    }
}

/// Serves an archive, unless its organisation has served as much as it may in this month. What is served is added up in the
/// isolate's memory, as if all of it arrived: whether it does, nobody tells us.
fn serve(
    visit: &Visit<'_>,
    request: &Request,
    dist: &DistPointer,
    archive: (&PackageName, &str),
) -> Result<Reply> {
    let reply = show(request, dist, visit.repository.archive_deletions);
    let (offset, sent) = match &reply.body {
        Body::Archive { range, .. } if request.method == "GET" => range.unwrap_or((0, dist.size)),
        _ => return Ok(reply),
    };
    let (app, repository) = (visit.app, &visit.repository);
    let month = month(app.now());
    if repository.bandwidth_spent_in.as_ref() == Some(&month) {
        return Err(Error::new(
            ErrorKind::QuotaExceeded(Quota::Bandwidth),
            bandwidth_message(repository.contact.as_deref()),
        ));
    }
    app.memo
        .bandwidth
        .add(repository.organisation_id, &month, sent);
    // Whoever asks for the rest has asked for the beginning.
    if offset == 0 {
        let who = (repository.id, visit.reader(), client_of(request));
        app.memo.served_archives.add(who, archive, app.now());
    }
    Ok(reply)
}

/// Whether the caller sees, or could once see, a version that this archive was served for.
async fn is_visible(visit: &Visit<'_>, name: &PackageName, reference: &str) -> Result<bool> {
    let sight = visit.sight(Action::ReadDist, name);
    let frozen_at = visit
        .principal
        .as_ref()
        .filter(|_| !visit.repository.place().is_public)
        .and_then(|principal| principal.frozen_at);
    match (&sight, frozen_at) {
        (Sight::Nothing, _) => Ok(false),
        (Sight::Everything, None) => Ok(true),
        _ => {
            let is_seen = |version: &VersionFacts| {
                frozen_at.is_none_or(|at| version.published_at <= at) && sight.shows(version)
            };
            is_any_version_seen(visit.app, visit.repository.id, name, reference, is_seen).await
        }
    }
}

/// What a `Range` header asks for, once it is held against the archive's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// All of it: no header, several ranges, or a header nobody understands (RFC 9110, 14.2).
    Whole,
    /// `offset` and `length`, both inside.
    Range(u64, u64),
    /// Nothing of it is there.
    Unsatisfiable,
}

fn show(request: &Request, dist: &DistPointer, deletions: i64) -> Reply {
    let tag = format!("\"{}\"", dist.sha256);
    let stored = http_date(dist.created_at);
    if is_known(request, &tag, &stored) {
        return Reply::empty(304, CachePolicy::Immutable)
            .with("etag", tag)
            .with("last-modified", stored);
    }
    // A range of what may have changed is sent only if it has not (RFC 9110, 13.1.5); ours never change.
    let range = request.header("range").filter(|_| {
        request
            .header("if-range")
            .is_none_or(|condition| condition == tag || condition == stored)
    });
    let part = range.map_or(Part::Whole, |range| parse_range(&range, dist.size));
    let archive = |range| Body::Archive {
        key: dist.archive_key.clone(),
        copy: format!("{}.{deletions}", dist.sha256),
        size: dist.size,
        range,
    };
    let reply = match part {
        Part::Whole => Reply::new(200, CachePolicy::Immutable, archive(None))
            .with("content-length", dist.size.to_string()),
        Part::Range(offset, length) => {
            let last = offset.saturating_add(length).saturating_sub(1);
            Reply::new(206, CachePolicy::Immutable, archive(Some((offset, length))))
                .with("content-length", length.to_string())
                .with(
                    "content-range",
                    format!("bytes {offset}-{last}/{}", dist.size),
                )
        }
        Part::Unsatisfiable => {
            return Reply::empty(416, CachePolicy::NoStore)
                .with("content-range", format!("bytes */{}", dist.size));
        }
    };
    reply
        .with("content-type", dist.format.content_type())
        .with("accept-ranges", "bytes")
        .with("etag", tag)
        .with("last-modified", stored)
}

fn is_known(request: &Request, tag: &str, stored: &str) -> bool {
    match request.header("if-none-match") {
        Some(known) => known
            .split(',')
            .map(str::trim)
            .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag),
        None => request.header("if-modified-since").as_deref() == Some(stored),
    }
}

fn parse_range(header: &str, size: u64) -> Part {
    let Some(range) = header.trim().strip_prefix("bytes=") else {
        return Part::Whole;
    };
    if range.contains(',') {
        return Part::Whole;
    }
    let Some((first, last)) = range.trim().split_once('-') else {
        return Part::Whole;
    };
    let number = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| text.parse::<u64>().ok())
            .flatten()
    };
    match (first, last) {
        ("", last) => match number(last) {
            None => Part::Whole,
            Some(0) => Part::Unsatisfiable,
            Some(_) if size == 0 => Part::Unsatisfiable,
            Some(length) => {
                let length = length.min(size);
                Part::Range(size.saturating_sub(length), length)
            }
        },
        (first, last) => {
            let last = if last.is_empty() {
                Some(u64::MAX)
            } else {
                number(last)
            };
            match (number(first), last) {
                (Some(first), Some(last)) if first <= last => {
                    if first >= size {
                        return Part::Unsatisfiable;
                    }
                    let end = last.saturating_add(1).min(size);
                    Part::Range(first, end.saturating_sub(first))
                }
                _ => Part::Whole,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_rfc_9110_says() {
        let cases = [
            ("bytes=0-99", Part::Range(0, 100)),
            ("bytes=0-", Part::Range(0, 1000)),
            ("bytes=999-", Part::Range(999, 1)),
            ("bytes=990-5000", Part::Range(990, 10)),
            ("bytes=-10", Part::Range(990, 10)),
            ("bytes=-5000", Part::Range(0, 1000)),
            ("bytes=1000-", Part::Unsatisfiable),
            ("bytes=-0", Part::Unsatisfiable),
            ("bytes=5-1", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("bytes=0-1,5-6", Part::Whole),
            ("lines=0-1", Part::Whole),
        ];
        for (header, part) in cases {
            assert_eq!(parse_range(header, 1000), part, "{header}");
        }
        assert_eq!(parse_range("bytes=-10", 0), Part::Unsatisfiable);
    }
}
