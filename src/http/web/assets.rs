//! The files of the pages: a style sheet and scripts, from `assets/`. `build.rs` names each by a hash of its contents, so
//! that it can be kept for ever; `build-worker` puts it under that name where the platform's assets binding finds it.

use crate::http::problem::not_found;
use crate::http::reply::{Body, CachePolicy, Reply};

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Where the style sheet is.
pub(crate) fn style() -> &'static str {
    address("style.css")
}

/// Where the script is.
pub(crate) fn script() -> &'static str {
    address("app.js")
}

/// The address of a file of `assets/`, by its plain name. What is not there is a fault of the program that its tests find.
pub(crate) fn address(name: &str) -> &'static str {
    let found = ASSETS.iter().find(|(plain, _, _)| *plain == name);
    found.map_or("/assets/missing", |(_, address, _)| *address)
}

/// The same of a file that a page can do without; none where there is no such file.
pub(crate) fn find(name: &str) -> Option<&'static str> {
    let found = ASSETS.iter().find(|(plain, _, _)| *plain == name);
    found.map(|(_, address, _)| *address)
}

/// Gives a file: its own bytes if the name is that of this build, else nothing.
pub(crate) fn answer(file: &str) -> Reply {
    let found = ASSETS
        .iter()
        .find(|(_, address, _)| address.strip_prefix("/assets/") == Some(file));
    let Some((_, _, kind)) = found else {
        return not_found();
    };
    Reply::new(200, CachePolicy::Public, Body::Asset(file.to_owned()))
        .with("content-type", *kind)
        .with("x-content-type-options", "nosniff")
}
