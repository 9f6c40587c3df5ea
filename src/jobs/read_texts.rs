//! Read README and CHANGELOG of packages out of their archives, and keep them as harmless HTML.

use crate::app::App;
use crate::domain::archive::ArchiveFormat;
use crate::domain::markdown::{Base, Rendered, render, render_plain};
use crate::error::Result;
use crate::jobs::outcome::Next;
use crate::jobs::{Job, enqueue};
use crate::store::archives::{TextFile, TextFiles, read_texts};
use crate::store::package_texts::{KeptText, PREFIX, ToRead, claim_due, list_to_read, save_texts};

/// Packages that one message reads: some six calls for each.
const AT_ONCE: i64 = 20;

/// Packages that are read where something else is done: one that is released is read at once, many by messages.
const BY_THE_WAY: i64 = 4;

/// Reads some that are due, and sends for the rest.
pub(crate) async fn run(app: &App) -> Result<Next> {
    if read_due(app, AT_ONCE).await? {
        enqueue(app, &[Job::ReadTexts]).await?;
    }
    Ok(Next::Done)
}

/// Reads a few that are due. That this fails stops nobody: what is not read comes again with housekeeping.
pub(super) async fn read_by_the_way(app: &App) {
    let result = match read_due(app, BY_THE_WAY).await {
        Ok(true) => enqueue(app, &[Job::ReadTexts]).await,
        Ok(false) => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = result {
        app.warn(&format!("Texts of packages could not be read: {error}"));
    }
}

/// Reads so many at most; whether there may be more. Each is written down by itself.
async fn read_due(app: &App, limit: i64) -> Result<bool> {
    let packages = claim_due(app, limit).await?;
    if packages.is_empty() {
        return Ok(false);
    }
    for package in list_to_read(app, &packages).await? {
        read(app, &package).await?;
    }
    Ok(i64::try_from(packages.len()).is_ok_and(|count| count >= limit))
}

async fn read(app: &App, package: &ToRead) -> Result<()> {
    // Of a tar that somebody uploaded all would have to be unpacked for it.
    let found = match package.format {
        ArchiveFormat::Zip => {
            let (key, size) = (&package.archive_key, package.size);
            read_texts(app.blobs.as_ref(), key, size).await?
        }
        _ => Ok(TextFiles::default()),
    };
    // What is wrong with an archive was said when it came in.
    let found = found.unwrap_or_default();
    let readme = keep(app, package, found.readme, "readme-").await?;
    let changelog = keep(app, package, found.changelog, "changelog-").await?;
    save_texts(app, package, readme.as_ref(), changelog.as_ref()).await
}

/// Keeps a file as an object of its own.
async fn keep(
    app: &App,
    package: &ToRead,
    file: Option<TextFile>,
    prefix: &str,
) -> Result<Option<KeptText>> {
    let Some(file) = file else {
        return Ok(None);
    };
    let Rendered { html, is_cut } = if file.is_markdown() {
        let base = Base::new(package.wanted_page.as_deref(), "");
        render(&file.bytes, &base, prefix)
    } else {
        render_plain(&file.bytes)
    };
    let key = format!(
        "{PREFIX}{}/{}/{}.html",
        package.organisation_id,
        package.package_id,
        app.random_id()?
    );
    app.blobs.put(&key, html.as_bytes()).await?;
    Ok(Some(KeptText {
        key,
        file: file.name,
        is_cut,
    }))
}
