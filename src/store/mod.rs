//! What we keep: the only room with SQL, and the order in which a blob is looked for.

pub mod admission;
pub mod archive_pauses;
pub mod archives;
pub mod blobs;
pub mod connections;
pub mod dead_letters;
pub mod deliveries;
pub mod dists;
pub mod downloads;
pub mod git_refs;
pub mod heads;
pub mod host_facts;
pub mod job_refs;
pub mod jobs;
pub mod memo;
pub mod organisations;
pub mod packages;
pub mod publications;
pub mod renames;
pub mod repositories;
pub mod revisions;
pub mod search;
pub mod snapshot;
pub mod sweep;
pub mod tokens;
pub mod versions;
