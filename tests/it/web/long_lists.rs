//! Lists that few have much in are in pages too.

use crate::support::TestRegistry;
use crate::support::browser::{Browser, OWNER, PASSWORD, Page};

/// What a selector finds on all pages of a list.
fn walk(browser: &Browser<'_>, path: &str, css: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(path) = next {
        let page: Page = browser.ask("GET", &path, &[], "").expect(200);
        let rows = page.all(css);
        assert!((1..=50).contains(&rows.len()), "{path}: {}", rows.len());
        found.extend(rows);
        next = page.attributes("a[rel=next]", "href").into_iter().next();
    }
    found
}

fn counted<'a>(names: impl Iterator<Item = &'a String>) -> usize {
    names.collect::<std::collections::BTreeSet<_>>().len()
}

#[test]
fn a_hundred_organisations_are_reached_from_the_first_page() {
    let registry = TestRegistry::imported();
    let owner = registry.owner_browser();
    let member = registry.member_browser("bob@example.com", "member");
    registry.change(
        "with recursive n(x) as (select 1 union all select x + 1 from n where x < 120)
         insert into organisations (slug, name, created_at) select 'client-' || x, 'Same name', 1 from n",
    );
    registry.change(
        "insert into members (organisation_id, account_id, role, created_at, grant_changed_at)
         select o.id, a.id, 'member', 1, 1 from organisations o join accounts a on a.email = 'bob@example.com'
         where o.slug like 'client-%' and o.id % 2 = 0",
    );
    let all = walk(&owner, "/ui", ".rows li");
    assert_eq!((all.len(), counted(all.iter())), (121, 121));
    let his = walk(&member, "/ui", ".rows li");
    assert_eq!((his.len(), counted(his.iter())), (61, 61));
    registry.change("delete from members where organisation_id in (select id from organisations where slug like 'client-%')");
    // Who has one alone is led there.
    assert_eq!(member.get("/ui").path, "/ui/acme");
}

#[test]
fn connections_and_tokens_of_the_instance_are_in_pages() {
    let registry = TestRegistry::imported();
    drop(registry.owner_browser());
    let owner = registry.sign_in(OWNER, PASSWORD).0;
    registry.change(
        "with recursive n(x) as (select 1 union all select x + 1 from n where x < 60)
         insert into connections (id, organisation_id, provider, base_url, account, sealed_token, sealed_webhook_secret,
                                  created_at)
         select 'c' || x, 1, 'git', 'https://git.example', 'account-' || x, '', '', 7 from n",
    );
    let connections = walk(&owner, "/ui/acme/connections", "td[data-label=Connection]");
    assert_eq!((connections.len(), counted(connections.iter())), (61, 61));
    assert!(connections[0].starts_with("GitHub"), "the newest first");
    registry.change(
        "with recursive n(x) as (select 1 union all select x + 1 from n where x < 110)
         insert into tokens (id, name, access, hash, hint, created_at, grant_changed_at)
         select 't' || x, 'monitor-' || x, 'read', 'h' || x, 'rpt_', 7, 7 from n",
    );
    let tokens = walk(&owner, "/ui/instance/tokens", "td[data-label=Name]");
    assert!(tokens.len() >= 110, "{}", tokens.len());
    assert_eq!(counted(tokens.iter()), tokens.len());
}
