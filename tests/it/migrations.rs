//! The migrations: numbered without a gap, and what they come to as a golden file.

use repertoire::ports::Statement;

use crate::support::sqlite::{Sqlite, migrations};

#[test]
fn each_has_a_number_of_its_own_and_they_are_in_order() {
    let mut before = 0;
    for (name, _) in migrations() {
        let (number, words) = name.split_once('_').unwrap();
        let number: u32 = number.parse().unwrap();
        assert!(name.starts_with(&format!("{number:04}_")), "{name}");
        assert!(!words.is_empty() && number > before, "{name}");
        before = number;
    }
}

#[test]
fn triggers_are_such_that_they_are_not_cut_in_two() {
    // Statements are cut apart at semicolons, but between BEGIN and END, in capitals. A `case` has an end of its own.
    for (name, sql) in migrations() {
        for trigger in sql.split("create trigger").skip(1) {
            let body = trigger.split_once("\nBEGIN\n").map(|(_, body)| body);
            let body = body.and_then(|body| body.split_once("\nEND;\n"));
            let (body, _) = body.unwrap_or_else(|| panic!("{name}: {trigger}"));
            assert_eq!(body.matches(';').count(), 1, "{name}: {body}");
            assert!(!body.to_lowercase().contains("case "), "{name}: {body}");
        }
        assert!(!sql.contains('\r'), "{name}");
    }
}

#[test]
fn the_schema_is_as_recorded() {
    let tables = Sqlite::migrated().texts(
        "select sql from sqlite_schema where sql is not null and name not like 'sqlite_%' order by type desc, name",
    );
    insta::assert_snapshot!(tables.join(";\n\n"));
}

#[test]
fn a_database_of_before_keeps_composers_rule_and_first_commits() {
    let old = Sqlite::migrated_below("0010");
    for sql in [
        "insert into organisations (id, slug, name, created_at) values (1, 'acme', 'acme', 0)",
        "insert into connections (id, organisation_id, provider, base_url, account, sealed_token,
                                  sealed_webhook_secret, created_at)
         values ('c', 1, 'github', '', '', '', '', 0)",
        "insert into git_repos (id, organisation_id, connection_id, provider_id, full_name, default_branch, web_url,
                                clone_url, created_at)
         values (1, 1, 'c', '41', 'acme/lib', 'main', '', '', 0)",
        "insert into packages (id, organisation_id, name, git_repo_id, created_at) values (1, 1, 'acme/lib', 1, 0)",
        "insert into git_refs (git_repo_id, name, \"commit\", state, reason, seen_at) values
             (1, 'refs/tags/v1.0.0', 'b', 'skipped', 'the tag moved from aaaaaaa to bbbbbbb, but', 0),
             (1, 'refs/tags/v2.0.0', 'c', 'imported', null, 0),
             (1, 'refs/tags/x', 'd', 'skipped', 'the tag `x` is no version', 0)",
    ] {
        old.change(&Statement::new(sql));
    }
    old.migrate_from("0010");
    assert_eq!(
        old.texts(
            "select transient_branches || tag_prefixes || moved_tags || coalesce(abandoned, '-')
                    || coalesce(renamed_to, '-') from packages"
        ),
        [r#"["dependabot/*","renovate/*"]["release-"]keep--"#]
    );
    // Switched to `follow`, the first is looked at again; the others are left alone.
    assert_eq!(
        old.texts("select coalesce(rule, '-') from git_refs order by name"),
        ["moved", "-", "-"]
    );
}
