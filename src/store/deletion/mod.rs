//! What a person deletes as a whole: packages, repositories, connections, organisations. What it is called is free at once;
//! what hangs on it leaves in steps that find what the one before left, so that each may fail and come again.

mod connections;
mod organisations;
mod packages;
mod repositories;

pub use connections::{
    Hanging, HookAtHost, delete_connection, erase_secrets, list_hanging, list_hooks_at_host,
    list_unfinished_connections, note_hook_left,
};
pub use organisations::{
    Portion, begin_deletion, delete_portion, is_being_deleted, list_deleted_organisations,
};
pub use packages::{delete_package, erase_packages, forget_deletion_stmt, was_deleted};
pub use repositories::{delete_repository, free_deleted_uploads, release_blobs};
