//! Queue messages, each with every port failing once at every step, twice and in other orders.

mod faults;
mod installations;
mod plain_git;
mod read_ahead;
mod refs;
mod renames;
