//! The migrations: numbered without a gap, and what they come to as a golden file.

use crate::support::sqlite::{Sqlite, migrations};

#[test]
fn they_are_numbered_without_gap_or_double() {
    for (index, (name, _)) in migrations().into_iter().enumerate() {
        let number = format!("{:04}_", index + 1);
        assert!(
            name.starts_with(&number),
            "{name} should begin with {number}"
        );
    }
}

#[test]
fn the_schema_is_as_recorded() {
    let tables = Sqlite::migrated().texts(
        "select sql from sqlite_schema where sql is not null and name not like 'sqlite_%' order by type desc, name",
    );
    insta::assert_snapshot!(tables.join(";\n\n"));
}
