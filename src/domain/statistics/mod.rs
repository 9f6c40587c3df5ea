//! Daily sums as series: over whole periods, with a nought where nothing was.

mod by;
mod period;
mod series;

pub use by::By;
pub use period::{Bucket, InvalidPeriod, MOST_BUCKETS, Period};
pub use series::{Counts, Curve, Part, Series, Sum};
