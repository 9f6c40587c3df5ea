//! Versions that a person wrote down, as Composer's `package` repositories have them.

use crate::app::App;
use crate::error::Result;
use crate::ports::Statement;

/// Whether the versions of a package were ever defined by hand.
pub async fn is_defined(app: &App, package: i64) -> Result<bool> {
    let rows = app
        .db
        .rows(
            Statement::new("select 1 as one from defined_versions where package_id = ?1 limit 1")
                .bind(package),
        )
        .await?;
    Ok(!rows.is_empty())
}
