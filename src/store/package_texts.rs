//! README and CHANGELOG of packages: what is to be read, what was, and where it is.
//!
//! An object is written under a name of its own and never again, so one that no row names after a day is nobody's, and the
//! sweep takes it away.

use serde::Serialize;

use crate::app::App;
use crate::domain::archive::ArchiveFormat;
use crate::domain::markdown::FORM;
use crate::domain::name::PackageName;
use crate::error::{Error, Result};
use crate::ports::Statement;
use crate::ports::db::{first_as, row, rows_as};

/// Where the objects are.
pub const PREFIX: &str = "texts/";

/// Seconds after which who began to read and did not come to its end must be dead.
const DEAD: i64 = 15 * 60;

/// The version that speaks for a package, as a publish finds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wanted {
    /// The reference of its archive.
    pub reference: String,
    /// As tagged.
    pub version: String,
    /// `1.2.0.0`.
    pub normalized: String,
    /// The page of its files at its git host.
    pub page: Option<String>,
}

row! {
    /// What is to be read of a package.
    #[derive(Debug, Clone)]
    pub struct ToRead {
        /// The package's id.
        pub package_id: i64,
        /// Its organisation's.
        pub organisation_id: i64,
        /// The reference of the archive.
        pub wanted_reference: String,
        /// The page of the files.
        pub wanted_page: Option<String>,
        /// The key of the archive.
        pub archive_key: String,
        /// Its bytes.
        pub size: u64,
        /// How it is packed.
        pub format: ArchiveFormat,
    }
}

row! {
    struct Id {
        package_id: i64,
    }
}

/// Takes some packages whose texts are to be read, for whoever reads them within a quarter of an hour.
pub async fn claim_due(app: &App, limit: i64) -> Result<Vec<i64>> {
    let now = app.now();
    let rows = app
        .db
        .rows(
            Statement::new(
                "update package_texts set claimed_at = ?1
                 where package_id in (select package_id from package_texts
                                      where is_due = 1 and (claimed_at is null or claimed_at < ?2) limit ?3)
                 returning package_id",
            )
            .bind(now)
            .bind(now.saturating_sub(DEAD))
            .bind(limit),
        )
        .await?;
    Ok(rows_as::<Id>(rows)?
        .into_iter()
        .map(|row| row.package_id)
        .collect())
}

/// Has everything read again that an older program wrote.
pub async fn renew_old_forms(app: &App) -> Result<()> {
    app.db
        .rows(
            Statement::new(
                "update package_texts set is_due = 1, claimed_at = null where is_due = 0 and form < ?1",
            )
            .bind(FORM),
        )
        .await
        .map(|_| ())
}

/// What is to be read of these packages; those that were read meanwhile are left out.
pub async fn list_to_read(app: &App, packages: &[i64]) -> Result<Vec<ToRead>> {
    let packages = serde_json::to_string(packages).map_err(Error::internal)?;
    let rows = app
        .db
        .rows(
            Statement::new(
                "select t.package_id, p.organisation_id, t.wanted_reference, t.wanted_page, d.archive_key, d.size, d.format
                 from package_texts t
                 join packages p on p.id = t.package_id
                 join dists d on d.package_id = t.package_id and d.reference = t.wanted_reference
                 where t.package_id in (select value from json_each(?1)) and t.is_due = 1",
            )
            .bind(packages),
        )
        .await?;
    rows_as(rows)
}

/// A file that was read and rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptText {
    /// Its object.
    pub key: String,
    /// What it is called.
    pub file: String,
    /// Whether something is missing at its end.
    pub is_cut: bool,
}

/// Writes down what was read, if it is still what is wanted.
pub async fn save_texts(
    app: &App,
    read: &ToRead,
    readme: Option<&KeptText>,
    changelog: Option<&KeptText>,
) -> Result<()> {
    let key = |text: Option<&KeptText>| text.map(|text| text.key.clone());
    let file = |text: Option<&KeptText>| text.map(|text| text.file.clone());
    let is_cut = |text: Option<&KeptText>| i64::from(text.is_some_and(|text| text.is_cut));
    app.db
        .rows(
            Statement::new(
                "update package_texts
                 set version = wanted_version, normalized = wanted_normalized, reference = wanted_reference, form = ?3,
                     is_due = 0, claimed_at = null, readme_key = ?4, readme_file = ?5, readme_cut = ?6,
                     changelog_key = ?7, changelog_file = ?8, changelog_cut = ?9
                 where package_id = ?1 and wanted_reference = ?2 and is_due = 1",
            )
            .bind(read.package_id)
            .bind(&read.wanted_reference)
            .bind(FORM)
            .bind(key(readme))
            .bind(file(readme))
            .bind(is_cut(readme))
            .bind(key(changelog))
            .bind(file(changelog))
            .bind(is_cut(changelog)),
        )
        .await
        .map(|_| ())
}

row! {
    /// The texts of a package, and of which version they are: who does not see that one does not see them.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Texts {
        /// As tagged.
        pub version: String,
        /// `1.2.0.0`.
        pub normalized: String,
        /// The reference of the archive they were read from.
        pub reference: Option<String>,
        /// The object of the README.
        pub readme_key: Option<String>,
        /// What the file is called.
        pub readme_file: Option<String>,
        /// 1 where something is missing at its end.
        pub readme_cut: i64,
        /// The object of the CHANGELOG.
        pub changelog_key: Option<String>,
        /// What the file is called.
        pub changelog_file: Option<String>,
        /// 1 where something is missing at its end.
        pub changelog_cut: i64,
    }
}

/// The statement that finds the texts of a package; no row before they were read.
pub fn find_texts_stmt(organisation: i64, name: &PackageName) -> Statement {
    Statement::new(
        "select t.version, t.normalized, t.reference, t.readme_key, t.readme_file, t.readme_cut, t.changelog_key, t.changelog_file,
                t.changelog_cut
         from packages p join package_texts t on t.package_id = p.id
         where p.organisation_id = ?1 and p.name = ?2 and t.version is not null",
    )
    .bind(organisation)
    .bind(name.as_str())
}

/// The texts of a package; none before they were read.
pub async fn find_texts(app: &App, organisation: i64, name: &PackageName) -> Result<Option<Texts>> {
    first_as(app.db.rows(find_texts_stmt(organisation, name)).await?)
}

/// The HTML of a text. It is harmless (`domain/markdown`), and may stand in a page as it is.
pub async fn load_text(app: &App, key: &str) -> Result<Option<String>> {
    let bytes = app.blobs.get(key).await?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}
