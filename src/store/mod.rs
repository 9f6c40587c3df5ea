//! What we keep: the only room with SQL, and the order in which a blob is looked for.

pub mod archives;
pub mod memo;
