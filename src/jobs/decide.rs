//! What a git ref turns out to be: a version, or none for a reason that a person can act on.

use crate::app::App;
use crate::domain::branch::BranchRole;
use crate::domain::git::{BRANCHES, RefRule, TAGS, transient_reason};
use crate::domain::manifest::Manifest;
use crate::domain::policy::MovedTags;
use crate::domain::tag_version::{version_of_branch, version_of_prefixed_tag};
use crate::domain::version::Version;
use crate::error::Result;
use crate::jobs::source::Source;
use crate::store::dists::find_package_dist;
use crate::store::job_refs::WaitingRef;
use crate::store::life_cycle::find_deleted_version;
use crate::store::versions::{StoredVersion, find_version};

/// What a ref turned out to be.
pub(super) enum Decision {
    /// No version.
    Skip {
        reason: String,
        /// The setting of the package that it was refused for.
        rule: Option<RefRule>,
    },
    /// This version.
    Take {
        version: Version,
        is_default_branch: bool,
        note: Option<String>,
    },
}

impl Decision {
    /// No version, whatever the settings are.
    pub(super) fn skip(reason: String) -> Self {
        Self::Skip { reason, rule: None }
    }
}

/// What a ref's name alone rules out, before any request is made.
pub(super) fn refuse_by_name(source: &Source<'_>, waiting: &WaitingRef) -> Option<Decision> {
    if let Some(leader) = &waiting.yields_to
        && matches!(waiting.leader_state.as_deref(), Some("imported"))
    {
        return Some(Decision::skip(format!(
            "the tag `{}` is the same version and comes first",
            leader.trim_start_matches(TAGS)
        )));
    }
    if let Some(branch) = waiting.name.strip_prefix(BRANCHES) {
        return transient_reason(branch, &source.repo.default_branch, &source.policy).map(
            |reason| Decision::Skip {
                reason,
                rule: Some(RefRule::Transient),
            },
        );
    }
    let tag = waiting.name.strip_prefix(TAGS)?;
    version_of_prefixed_tag(tag, None, &source.policy.tag_prefixes)
        .err()
        .map(|refusal| Decision::skip(refusal.to_string()))
}

/// What a ref comes to with the composer.json at its commit.
pub(super) async fn decide(
    app: &App,
    source: &Source<'_>,
    waiting: &WaitingRef,
    manifest: &Manifest,
) -> Result<Decision> {
    let (version, is_default_branch) = if let Some(tag) = waiting.name.strip_prefix(TAGS) {
        let declared = match manifest.version() {
            Ok(declared) => declared,
            Err(fault) => return Ok(Decision::skip(fault.to_string())),
        };
        let prefixes = &source.policy.tag_prefixes;
        match version_of_prefixed_tag(tag, declared.as_deref(), prefixes) {
            Ok(version) => (version, false),
            Err(refusal) => return Ok(Decision::skip(refusal.to_string())),
        }
    } else {
        let branch = waiting.name.trim_start_matches(BRANCHES);
        let is_default = branch == source.repo.default_branch;
        let role = if is_default {
            BranchRole::Default
        } else {
            BranchRole::Other
        };
        match version_of_branch(branch, manifest.fields(), role) {
            Ok(found) => (found.version, is_default),
            Err(refusal) => return Ok(Decision::skip(refusal.to_string())),
        }
    };
    if let Err(fault) = manifest.check_version(version.pretty()) {
        return Ok(Decision::skip(fault.to_string()));
    }
    if let Some(deleted) = find_deleted_version(app, source.package, version.normalized()).await? {
        // Deleted together with its package, which is here again: the same bytes may have the number again.
        let returns = deleted.returns().as_deref() == Some(source.commit)
            && find_package_dist(app, source.package, source.commit)
                .await?
                .is_none_or(|dist| deleted.sha256.as_ref() == Some(&dist.sha256));
        if !returns {
            return Ok(Decision::skip(deleted.reason(&source.package_name)));
        }
    }
    if !version.is_dev()
        && source.policy.moved_tags == MovedTags::Keep
        && let Some(known) = find_version(app, source.package, version.normalized()).await?
        && known.reference != source.commit
    {
        return Ok(Decision::Skip {
            reason: refuse_move(&known, &waiting.name, source.commit),
            rule: Some(RefRule::Moved),
        });
    }
    Ok(Decision::Take {
        note: foreign_name(&source.package_name, manifest),
        version,
        is_default_branch,
    })
}

/// Why a version that is at another commit does not go to this one.
fn refuse_move(known: &StoredVersion, git_ref: &str, commit: &str) -> String {
    let (version, first, new) = (&known.pretty, short(&known.reference), short(commit));
    let what_to_do =
        "tag a new version to release the new one, or set the package's `moved_tags` to `follow`";
    let other = known
        .git_ref
        .as_deref()
        .filter(|other| *other != git_ref)
        .map(|other| other.trim_start_matches(TAGS));
    match (known.removed_at, other) {
        (Some(_), _) => format!(
            "version `{version}` was {first} before its tag was deleted, and a version never changes: it cannot be \
             {new}; tag {first} again to have it back, {what_to_do}"
        ),
        (None, Some(other)) => format!(
            "version `{version}` is {first} already, by the tag `{other}`, and a version never changes: it cannot be \
             {new}; {what_to_do}"
        ),
        (None, None) => format!(
            "the tag moved from {first} to {new}, but a version never changes: {version} stays at its first commit; \
             {what_to_do}"
        ),
    }
}

/// Composer gives every version the name that the default branch has; a person may want to know.
fn foreign_name(package: &str, manifest: &Manifest) -> Option<String> {
    match manifest.name() {
        Some(name) if name.eq_ignore_ascii_case(package) => None,
        Some(name) => Some(format!(
            "composer.json at this commit is named `{name}`; the version is published as `{package}`"
        )),
        None => Some(format!(
            "composer.json at this commit has no `name`; the version is published as `{package}`"
        )),
    }
}

fn short(reference: &str) -> &str {
    reference.get(..7).unwrap_or(reference)
}
