//! Where GitHub keeps a project's FUNDING.yml: in the project itself, or for all of an owner's projects in `.github`.

use crate::domain::funding::{Funding, parse_funding};
use crate::error::{Error, ErrorKind, Result};
use crate::providers::Project;
use crate::providers::outgoing::read_body;
use crate::providers::rest::{Rest, Want};

use super::BASE_URL;

/// Far more than any such file has.
const LIMIT: usize = 64 * 1024;

/// Reads the first that there is, on the default branch as it is now. An Enterprise Server has none (Composer
/// `GitHubDriver::getFundingInfo`). A file that may not be read counts as missing; only what may work later is an error.
pub(super) async fn read(api: &Rest<'_>, project: &Project) -> Result<Vec<Funding>> {
    let Some((owner, _)) = project.full_name.split_once('/') else {
        return Ok(Vec::new());
    };
    if api.url("") != BASE_URL {
        return Ok(Vec::new());
    }
    for path in [
        format!(
            "/repositories/{}/contents/.github/FUNDING.yml",
            project.provider_id
        ),
        format!("/repos/{owner}/.github/contents/FUNDING.yml"),
    ] {
        match read_text(api, &path).await {
            Ok(text) if !matches!(text.as_str(), "" | "0") => return Ok(parse_funding(&text)),
            Err(error) if may_work_later(&error) => return Err(error),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(Vec::new())
}

/// The text of a file; empty where there is none, or none that is text.
async fn read_text(api: &Rest<'_>, path: &str) -> Result<String> {
    match api.get(path, Want::Raw).await?.or_missing()? {
        Some(response) => {
            let bytes = read_body(response, LIMIT, "FUNDING.yml").await?;
            Ok(String::from_utf8(bytes).unwrap_or_default())
        }
        None => Ok(String::new()),
    }
}

fn may_work_later(error: &Error) -> bool {
    error.is_retryable() || matches!(error.kind(), ErrorKind::RateLimited { .. })
}
