//! Who provides or replaces a package, for names that stand for what others implement.

use serde_json::json;

use crate::domain::name::PackageName;
use crate::error::Result;
use crate::http::composer::Visit;
use crate::http::composer::visible::retain_visible;
use crate::http::problem::not_found;
use crate::http::reply::Reply;
use crate::store::search::list_providers;
use crate::store::snapshot::Snapshot;

/// Shows the providers that the caller may see; none is answered like a name that nobody ever heard of.
pub async fn show_providers(visit: &Visit<'_>, name: &PackageName) -> Result<Reply> {
    let mut providers = list_providers(visit.app, visit.repository.id, name).await?;
    let names = providers
        .iter()
        .map(|provider| provider.name.clone())
        .collect();
    let known = Snapshot::open(visit.app, &visit.head)
        .find_names(names)
        .await?;
    let known = retain_visible(visit, known).await?;
    // Both are sorted by name.
    providers.retain(|provider| known.binary_search(&provider.name).is_ok());
    if providers.is_empty() {
        return Ok(not_found());
    }
    Ok(Reply::json(200, &json!({ "providers": providers })))
}
