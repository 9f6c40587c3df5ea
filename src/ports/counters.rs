//! Counters of requests, for charts: Analytics Engine in a Worker, where one is bound.

/// What is counted of one request. Analytics Engine takes one index of 96 bytes, 20 texts and 20 numbers, and 25 points in
/// one invocation; this is one of far less.
#[derive(Debug, Clone, PartialEq)]
pub struct DataPoint {
    /// By what is sampled when there is much: the organisation's id, empty for none.
    pub index: String,
    /// `blob1` to `blob3`: the route, the class of the status (`2xx`), and where bytes came from, empty for nowhere.
    pub blobs: [String; 3],
    /// `double1` to `double5`: milliseconds, calls of D1, reads of KV, reads of R2, messages sent.
    pub doubles: [f64; 5],
}

/// Where points are counted.
pub trait Counters {
    /// Counts one request. It waits for nothing and fails silently: an answer does not depend on it.
    fn count(&self, point: &DataPoint);
}
