//! What an isolate remembers between requests: finished values with a time, in bounded number.
//! Never a pending future: a request must not wait for another one's I/O.

/// The memory of one isolate.
#[derive(Default)]
pub struct Memo {}
