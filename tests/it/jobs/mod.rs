//! Queue messages, each with every port failing once at every step, twice and in other orders.

mod faults;
mod git_first;
mod imports;
mod installations;
mod lost_messages;
mod plain_git;
mod read_ahead;
mod refs;
mod renames;
