//! The migrations: numbered in rising order, and what they come to as a golden file.

use crate::support::sqlite::{Sqlite, migrations};

#[test]
fn they_are_numbered_and_no_number_comes_twice() {
    let mut before = 0;
    for (name, _) in migrations() {
        let number: Option<u32> = name
            .split_once('_')
            .filter(|(digits, _)| digits.len() == 4)
            .and_then(|(digits, _)| digits.parse().ok());
        let number = number.unwrap_or_else(|| panic!("{name} should begin with four digits"));
        assert!(number > before, "{name} has the number of another one");
        before = number;
    }
}

#[test]
fn the_schema_is_as_recorded() {
    let tables = Sqlite::migrated().texts(
        "select sql from sqlite_schema where sql is not null and name not like 'sqlite_%' order by type desc, name",
    );
    insta::assert_snapshot!(tables.join(";\n\n"));
}
