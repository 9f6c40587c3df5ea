//! Queue messages, each with every port failing once at every step, twice and in other orders.

mod faults;
mod refs;
mod renames;
