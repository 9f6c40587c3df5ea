//! What a project is as a package: the composer.json on its default branch.

use crate::domain::manifest::Manifest;
use crate::domain::name::PackageName;
use crate::error::{Error, Result};

use super::{GitHost, Project};

/// composer.json is never larger.
const MANIFEST_LIMIT: usize = 1024 * 1024;

/// A project that can be a package.
#[derive(Debug, Clone)]
pub struct Found {
    /// The project.
    pub project: Project,
    /// The package's name.
    pub name: PackageName,
    /// What it says of itself.
    pub description: Option<String>,
}

/// Looks at a project by `owner/name` or by its id. `Invalid`, with the reason, when it cannot be a package.
pub async fn read_project(host: &dyn GitHost, name_or_id: &str) -> Result<Found> {
    let project = host.describe_project(name_or_id).await?;
    read_found(host, project).await
}

/// Looks at a project that was described already.
pub async fn read_found(host: &dyn GitHost, project: Project) -> Result<Found> {
    let full_name = &project.full_name;
    let Some(branch) = &project.default_branch else {
        return Err(Error::invalid(format!("`{full_name}` has no commits yet")));
    };
    let bytes = host
        .read_file(&project.provider_id, "composer.json", None, MANIFEST_LIMIT)
        .await?
        .ok_or_else(|| {
            Error::invalid(format!(
                "`{full_name}` has no composer.json at the top of its default branch `{branch}`"
            ))
        })?;
    let manifest = Manifest::parse(&bytes)
        .map_err(|fault| Error::invalid(format!("On `{branch}` of `{full_name}`, {fault}")))?;
    let name = manifest.package_name().ok_or_else(|| {
        Error::invalid(format!(
            "composer.json on the default branch of `{full_name}` has no valid `name`; it must be like `vendor/name`"
        ))
    })?;
    Ok(Found {
        name,
        description: manifest.description().map(str::to_owned),
        project,
    })
}
