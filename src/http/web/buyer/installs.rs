//! What a customer installed.

use askama::Template;

use crate::app::App;
use crate::domain::statistics::{Bucket, Period};
use crate::domain::time::day;
use crate::error::{Error, Result};
use crate::http::reply::Reply;
use crate::http::web::buyer::Buyer;
use crate::http::web::page::page;
use crate::http::web::shell::Shell;
use crate::http::web::uses::{MOST_PACKAGES, Uses};
use crate::http::web::visit::Visit;
use crate::store::statistics::find_customer_use;

#[derive(Template)]
#[template(path = "buyer/installs.html")]
struct InstallsPage {
    shell: Shell,
    customer: String,
    here: &'static str,
    uses: Uses,
}

pub(super) async fn show(app: &App, visit: &mut Visit) -> Result<Reply> {
    let buyer = Buyer::enter(app, visit).await?;
    let login = &buyer.login;
    let period =
        Period::until(&day(app.now()), Uses::DAYS, Bucket::Day).map_err(Error::internal)?;
    let found = find_customer_use(
        app,
        login.organisation_id,
        &login.customer,
        &period,
        MOST_PACKAGES,
    );
    let found = found
        .await?
        .ok_or_else(|| Error::not_found("There is no such customer"))?;
    page(&InstallsPage {
        shell: visit.shell(app, "What you install")?,
        here: "installs",
        uses: Uses::of(&found, &login.name),
        customer: buyer.login.name,
    })
}
