//! What this program has not is asked of the Worker that has it, by a binding: no way over the internet, and no second bill.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Request, Response};

use crate::edge::bindings::Bindings;
use crate::edge::convert;
use crate::edge::js;
use crate::error::{Error, Result};

/// The answer of the Worker behind the binding `API`. Bodies pass by as native streams, both ways.
pub(super) async fn answer(
    bindings: &Bindings,
    method: &str,
    request: &Request,
) -> Result<Response, JsValue> {
    match ask(bindings, request).await {
        Ok(response) => {
            let url = request.url();
            let path = convert::path_of(&url);
            crate::http::forget_after(&bindings.app, method, path, response.status());
            Ok(response)
        }
        Err(error) => convert::failure(&error),
    }
}

async fn ask(bindings: &Bindings, request: &Request) -> Result<Response> {
    let Some(api) = &bindings.api else {
        return Err(Error::internal(
            "the binding `API` is missing: deploy all Workers by `npm run deploy`",
        ));
    };
    let answer = js::settle(api.fetch(request)).await;
    answer
        .map(JsValue::unchecked_into)
        .map_err(js::failed("API"))
}
