//! Outside hosts: build a request, read a response, read an event. Everything is sent through `HttpClient`.

pub mod address;
pub mod outgoing;
#[cfg(test)]
pub(crate) mod replay;
