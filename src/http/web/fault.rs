//! What went wrong, as a page: what happened, and what to do next.

use askama::Template;

use crate::app::App;
use crate::error::{Code, Error, ErrorKind};
use crate::http::problem;
use crate::http::reply::{CachePolicy, Reply};
use crate::http::web::page::page_with;
use crate::http::web::shell::Shell;
use crate::http::web::visit::{Visit, own_path, redirect};

#[derive(Template)]
#[template(path = "fault.html")]
struct FaultPage<'a> {
    shell: Shell,
    status: u16,
    message: &'a str,
    advice: &'static str,
}

/// The page of an error. Who is not signed in is led to the sign-in, and back from there.
pub(super) fn reply(app: &App, visit: &mut Visit, error: &Error) -> Reply {
    if error.kind() == ErrorKind::Unauthenticated {
        return to_sign_in(visit);
    }
    let status = problem::note_failure(app, error);
    let (title, advice) = match status {
        403 => (
            "You may not do that",
            "Ask an owner of the organisation for a role that may, or sign in as somebody else",
        ),
        404 => (
            "There is nothing here",
            "It may have been deleted or renamed, or your account may not see it",
        ),
        409 => (
            "That does not fit",
            "Go back, load the page anew and try again",
        ),
        413 => ("That is too large", "Send less at once"),
        429 => ("Too much at once", "Wait a minute, and try again"),
        503 => (
            "Our storage does not answer",
            "Nothing is lost. Load the page again in some seconds",
        ),
        400..500 => ("That cannot be done", "Go back, and right what is wrong"),
        _ => (
            "Something went wrong on our side",
            "Nothing is lost. Load the page again; if that does not help, the operator of this instance finds the reason in \
             the log",
        ),
    };
    let shown = if error.code() == Code::NotFound {
        ""
    } else {
        error.message()
    };
    let page = visit.shell(app, title).and_then(|shell| {
        page_with(
            status,
            &FaultPage {
                shell,
                status,
                message: shown,
                advice,
            },
        )
    });
    let reply = page.unwrap_or_else(|_| Reply::empty(500, CachePolicy::NoStore));
    match error.wait() {
        Some(seconds) => reply.with("retry-after", seconds.to_string()),
        None => reply,
    }
}

/// To the sign-in, and back to where somebody wanted to go, if that was to look.
fn to_sign_in(visit: &Visit) -> Reply {
    let request = &visit.request;
    let address = match request.query.as_str() {
        "" => request.path.clone(),
        query => format!("{}?{query}", request.path),
    };
    match own_path(&address).filter(|_| request.method != "POST") {
        Some(path) => {
            let next =
                percent_encoding::utf8_percent_encode(path, percent_encoding::NON_ALPHANUMERIC);
            redirect(&format!("/ui/sign-in?next={next}"))
        }
        None => redirect("/ui/sign-in"),
    }
}
