//! What organisations use, beside what they may.

use schemars::JsonSchema;
use serde::Serialize;

use super::ShownQuotas;
use crate::app::App;
use crate::domain::access::Principal;
use crate::domain::quota::{Nearness, Quotas};
use crate::domain::time::month;
use crate::error::{Error, ErrorKind, Result};
use crate::http::api::is_owner;
use crate::http::api::paging::Page;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::store::bandwidth::list_served;
use crate::store::organisations::Organisation;
use crate::store::quotas::{self as store, Usage, UsageOrder, load_usage};

/// Months of bandwidth that are shown.
const MONTHS: i64 = 13;

/// What an organisation uses.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Usage")]
pub(crate) struct ShownUsage {
    slug: String,
    name: String,
    /// Whether it, or the one above it, is suspended.
    suspended: bool,
    /// Versions in its metadata.
    versions: i64,
    packages: Part,
    /// Bytes of stored archives, each counted once however many repositories it is in.
    storage: Part,
    /// Bytes of archives served in this calendar month (UTC); it may lag by some minutes.
    bandwidth: Part,
}

/// What is used of one thing.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Used")]
pub(crate) struct Part {
    /// By the organisation itself.
    used: i64,
    /// By those below it.
    used_below: i64,
    /// What both together may be; null for no limit.
    quota: Option<i64>,
    /// `within`, `near` from 80 % on, or `reached`.
    state: &'static str,
}

/// What an organisation uses, with the months before.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "UsageOfOne")]
pub(crate) struct ShownUsageOfOne {
    #[serde(flatten)]
    now: ShownUsage,
    /// What it and those below it may use.
    quotas: ShownQuotas,
    /// The last thirteen months in which anything was served, the newest first.
    months: Vec<ShownMonth>,
}

/// What was served in a month.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "BandwidthOfMonth")]
pub(crate) struct ShownMonth {
    /// `2026-11`, in UTC.
    month: String,
    /// Bytes of archives, by the organisation itself.
    bandwidth: i64,
    /// By those below it.
    bandwidth_below: i64,
}

/// A page of what organisations use.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "UsagePage")]
pub(crate) struct ShownUsagePage {
    organisations: Vec<ShownUsage>,
    /// The cursor to the next page.
    next: Option<String>,
    /// The month that `bandwidth` is of: `2026-11`, in UTC.
    month: String,
}

fn used(used: i64, used_below: i64, quota: Option<i64>) -> Part {
    Part {
        used,
        used_below,
        quota,
        state: Nearness::of(used.saturating_add(used_below), quota).as_str(),
    }
}

fn show(usage: Usage) -> ShownUsage {
    ShownUsage {
        slug: usage.slug,
        name: usage.name,
        suspended: usage.is_suspended != 0,
        versions: usage.versions,
        packages: used(usage.packages, usage.packages_below, usage.quota_packages),
        storage: used(usage.storage, usage.storage_below, usage.quota_storage),
        bandwidth: used(
            usage.bandwidth,
            usage.bandwidth_below,
            usage.quota_bandwidth,
        ),
    }
}

/// Shows what an organisation uses.
pub(super) async fn show_usage(app: &App, organisation: &Organisation) -> Result<Reply> {
    let usage = load_usage(app, organisation.id, &month(app.now())).await?;
    let months = list_served(app, organisation.id, MONTHS).await?;
    let quotas = Quotas {
        packages: usage.quota_packages,
        storage: usage.quota_storage,
        bandwidth: usage.quota_bandwidth,
    };
    Ok(Reply::json(
        200,
        &ShownUsageOfOne {
            now: show(usage),
            quotas: ShownQuotas::of(quotas),
            months: months
                .into_iter()
                .map(|month| ShownMonth {
                    month: month.month,
                    bandwidth: month.bytes,
                    bandwidth_below: month.bytes_below,
                })
                .collect(),
        },
    ))
}

/// Lists what all organisations use, for the owner of the instance; `?sort=` has those who use most first.
pub async fn list_usage(app: &App, request: &Request, principal: &Principal) -> Result<Reply> {
    if !is_owner(principal) {
        return Err(Error::new(
            ErrorKind::Forbidden,
            "Only the owner of this instance sees what all organisations use",
        ));
    }
    let order = match request.query_parameter("sort") {
        None => UsageOrder::Slug,
        Some(text) => UsageOrder::ALL
            .into_iter()
            .find(|(name, _)| *name == text)
            .map(|(_, order)| order)
            .ok_or_else(|| {
                Error::bad_value(
                    "?sort",
                    "`sort` must be `slug`, `packages`, `storage` or `bandwidth`",
                )
            })?,
    };
    let page = Page::of(request)?;
    // Key and slug of the row before the page.
    let after = page
        .after()
        .map(|after| {
            let (key, slug) = after.split_once(' ')?;
            Some((key.parse().ok()?, slug))
        })
        .map(|after| {
            after.ok_or_else(|| {
                Error::bad_value(
                    "?cursor",
                    "`cursor` is of another list; give the `next` of the answer before",
                )
            })
        })
        .transpose()?;
    let now = month(app.now());
    let mut rows = store::list_usage(app, &now, order, after, page.rows()).await?;
    let next = page.cut(&mut rows, |last| {
        format!("{} {}", order.key(last), last.slug)
    });
    Ok(Reply::json(
        200,
        &ShownUsagePage {
            organisations: rows.into_iter().map(show).collect(),
            next,
            month: now,
        },
    ))
}
