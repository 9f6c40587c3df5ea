//! Uploads that come in parts: what was begun, what of it is there, what became of it.

use crate::app::App;
use crate::error::Result;
use crate::ports::Statement;
use crate::ports::db::{first_as, row, rows_as};
use crate::ports::rows::{Columns, FromColumn, Refused};

/// Seconds after which an upload that nobody goes on with is given up.
pub const ABANDONED: i64 = 24 * 60 * 60;

/// What the archive of an upload is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It becomes a version, as the composer.json in it says.
    Version,
    /// A definition is to name it; it needs no composer.json.
    Definition,
}

impl Purpose {
    /// As rows and requests have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Definition => "definition",
        }
    }
}

impl FromColumn for Purpose {
    type Fault = Refused;

    fn from_column(columns: &mut Columns, name: &'static str) -> Result<Self, Refused> {
        columns.parse(name, |text| match text {
            "version" => Some(Self::Version),
            "definition" => Some(Self::Definition),
            _ => None,
        })
    }
}

row! {
    /// An upload in parts.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct PartialUpload {
        /// Its id, which leaves the database.
        pub id: String,
        /// Where it comes in.
        pub repository_id: i64,
        /// The package.
        pub name: String,
        /// The version, if the request that began it says one.
        pub version: Option<String>,
        /// Bytes of the whole.
        pub size: u64,
        /// Bytes of each part but the last.
        pub part_size: u64,
        /// What the archive is for.
        pub purpose: Purpose,
        /// SHA-256 of the whole in hex, if the request that began it says so.
        pub sha256: Option<String>,
        /// The key of the archive that it becomes.
        pub archive_key: String,
        /// The blob store's id of it.
        pub multipart_id: String,
        /// `open`, `checking`, `done` or `failed`.
        pub state: String,
        /// Why it failed.
        pub message: Option<String>,
        /// JSON: what who completed it is answered.
        pub answer: Option<String>,
        /// Unix second at which somebody last did something about it.
        pub touched_at: i64,
    }
}

impl PartialUpload {
    /// How many parts it has.
    pub fn parts(&self) -> u64 {
        self.size.div_ceil(self.part_size.max(1))
    }

    /// Bytes of a part, counted from 1; none for a number that is none of its parts'.
    pub fn size_of_part(&self, number: u16) -> Option<u64> {
        let before = u64::from(number)
            .checked_sub(1)?
            .checked_mul(self.part_size)?;
        let left = self.size.checked_sub(before).filter(|left| *left > 0)?;
        Some(left.min(self.part_size))
    }
}

/// Keeps an upload that was begun, unless `most` are open in its repository; whether it was kept.
pub async fn insert_upload(app: &App, upload: &PartialUpload, most: i64) -> Result<bool> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "insert into uploads (id, repository_id, name, version, size, part_size, sha256, archive_key, multipart_id,
                                      state, created_at, touched_at, purpose)
                 select ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'open', ?10, ?10, ?12
                 where (select count(*) from uploads where repository_id = ?2 and state = 'open') < ?11
                 returning id",
            )
            .bind(&upload.id)
            .bind(upload.repository_id)
            .bind(&upload.name)
            .bind(upload.version.clone())
            .bind(i64::try_from(upload.size).unwrap_or(i64::MAX))
            .bind(i64::try_from(upload.part_size).unwrap_or(i64::MAX))
            .bind(upload.sha256.clone())
            .bind(&upload.archive_key)
            .bind(&upload.multipart_id)
            .bind(app.now())
            .bind(most)
            .bind(upload.purpose.as_str()),
        )
        .await?;
    Ok(!rows.is_empty())
}

/// Finds an upload.
pub async fn find_upload(app: &App, id: &str) -> Result<Option<PartialUpload>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select id, repository_id, name, version, size, part_size, sha256, archive_key, multipart_id, state,
                        message, answer, touched_at, purpose
                 from uploads where id = ?1",
            )
            .bind(id),
        )
        .await?;
    first_as(rows)
}

row! {
    /// A part that is there.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct StoredPart {
        /// From 1.
        pub number: u16,
        /// The blob store's tag of it.
        pub etag: String,
    }
}

/// The parts of an upload that are there, in order.
pub async fn list_parts(app: &App, upload: &str) -> Result<Vec<StoredPart>> {
    rows_as(
        app.db
            .rows(
                Statement::new(
                    "select number, etag from upload_parts where upload_id = ?1 order by number",
                )
                .bind(upload),
            )
            .await?,
    )
}

/// Keeps a part; one that is sent again takes the place of the first. Nothing once the upload is no longer open.
pub async fn keep_part(app: &App, upload: &str, number: u16, etag: &str) -> Result<()> {
    app.db
        .batch(vec![
            Statement::new(
                "insert into upload_parts (upload_id, number, etag)
                 select id, ?2, ?3 from uploads where id = ?1 and state = 'open'
                 on conflict (upload_id, number) do update set etag = excluded.etag",
            )
            .bind(upload)
            .bind(i64::from(number))
            .bind(etag),
            Statement::new("update uploads set touched_at = ?2 where id = ?1")
                .bind(upload)
                .bind(app.now()),
        ])
        .await
        .map(|_| ())
}

/// Moves an upload that is neither done nor failed to another state. What is settled stays as it is.
pub async fn move_upload(
    app: &App,
    upload: &str,
    to: &str,
    message: Option<&str>,
    answer: Option<&str>,
) -> Result<()> {
    app.db
        .rows(
            Statement::new(
                "update uploads set state = ?2, message = ?3, answer = ?4, touched_at = ?5
                 where id = ?1 and state in ('open', 'checking')",
            )
            .bind(upload)
            .bind(to)
            .bind(message)
            .bind(answer)
            .bind(app.now()),
        )
        .await
        .map(|_| ())
}

/// Forgets an upload.
pub async fn delete_upload(app: &App, upload: &str) -> Result<()> {
    app.db
        .batch(vec![
            Statement::new("delete from upload_parts where upload_id = ?1").bind(upload),
            Statement::new("delete from uploads where id = ?1").bind(upload),
        ])
        .await
        .map(|_| ())
}

row! {
    struct Id {
        id: String,
    }
}

/// Uploads in a state that nobody touched since `before`, at most 50.
pub async fn list_untouched(app: &App, state: &str, before: i64) -> Result<Vec<String>> {
    let rows = app
        .db
        .rows(
            Statement::new(
                "select id from uploads where state = ?1 and touched_at < ?2 order by touched_at limit 50",
            )
            .bind(state)
            .bind(before),
        )
        .await?;
    Ok(rows_as::<Id>(rows)?.into_iter().map(|row| row.id).collect())
}

/// Forgets uploads that ended before `before`.
pub async fn delete_ended_uploads(app: &App, before: i64) -> Result<()> {
    app.db
        .batch(vec![
            Statement::new(
                "delete from upload_parts where upload_id in (
                     select id from uploads where state in ('done', 'failed') and touched_at < ?1)",
            )
            .bind(before),
            Statement::new(
                "delete from uploads where state in ('done', 'failed') and touched_at < ?1",
            )
            .bind(before),
        ])
        .await
        .map(|_| ())
}
