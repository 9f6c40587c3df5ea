//! Members, invitations and teams, as people manage them.

use serde_json::json;

use crate::support::TestRegistry;
use crate::support::browser::{Browser, OWNER, PASSWORD, Page};
use crate::support::world::Port;

const PEOPLE: &str = "/ui/acme/people";

fn account(registry: &TestRegistry, email: &str) -> String {
    let all = registry
        .world
        .sqlite
        .texts("select email || ' ' || id from accounts");
    let found = all
        .iter()
        .find_map(|line| line.strip_prefix(&format!("{email} ")));
    found.expect(email).to_owned()
}

/// Whether the log's newest lines have this one.
fn is_told(registry: &TestRegistry, line: &str) -> bool {
    let lines = registry.world.sqlite.texts(
        "select action || ' by ' || actor_kind || ' ' || actor_name from audit order by id desc limit 8",
    );
    lines.iter().any(|told| told == line)
}

/// Opens an invitation by its link.
fn open(registry: &TestRegistry, link: &str) -> Page {
    let browser = registry.browser();
    let page = browser.get("/ui/invitation").expect(200);
    browser.submit(&page, "/ui/invitation", &[("token", link)])
}

#[test]
fn somebody_is_asked_in_by_a_link_that_is_shown_once() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let list = format!("{PEOPLE}/invitations");
    let page = browser.get(&list).expect(200);
    assert_eq!(page.one(".empty h2"), "Nobody was invited yet");
    let team = registry.make("teams", &json!({"name": "Core"}));
    let form = format!("{PEOPLE}/invite");
    let page = browser.get(&form).expect(200);
    let wrong = browser
        .submit_once(&page, &form, &[("email", "nobody")])
        .expect(422);
    assert_eq!(wrong.all("#email-error").len(), 1);
    let mut fields = page.fields(&form);
    for (name, value) in &mut fields {
        if name == "email" {
            "Bob@Example.com".clone_into(value);
        }
    }
    fields.push(("teams".to_owned(), team));
    let made = browser.post(&form, &fields).expect(201);
    let link = made.one(".code");
    assert!(link.starts_with("https://packages.example.com/ui/invitation#rpti_"));
    assert!(is_told(&registry, "invitation.created by person Ada King"));
    let page = browser.get(&list).expect(200);
    assert!(!page.html.contains("rpti_"));
    assert_eq!(page.one("td[data-label=E-mail]"), "bob@example.com");
    assert_eq!(page.one("td[data-label=Teams]"), "Core");
    // Another link in place of one that was lost.
    let renew = page.attributes("td.end form", "action").remove(0);
    assert!(renew.ends_with("/renew"));
    let again = browser.submit_once(&page, &renew, &[]).expect(201);
    let second = again.one(".code");
    open(&registry, &link).expect(409);
    open(&registry, &second).expect(200);
    let page = browser.get(&list).expect(200);
    assert_eq!(page.all("td[data-label=State]"), ["open", "revoked"]);
    assert_eq!(page.all("td[data-label=Teams]"), ["Core", "Core"]);
    let withdraw = page.attributes("td.end form", "action");
    let withdraw = withdraw
        .iter()
        .find(|action| action.ends_with("/withdraw"))
        .unwrap();
    let page = browser.submit(&page, withdraw, &[]).expect(200);
    assert!(
        page.one("[role=status]")
            .starts_with("The invitation is withdrawn")
    );
    open(&registry, &second).expect(409);
    assert!(is_told(&registry, "invitation.revoked by person Ada King"));
    for value in browser.cookies.borrow().values() {
        assert!(!value.contains("rpti_"));
    }
}

#[test]
fn a_member_is_given_another_role_suspended_and_removed() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let bob = registry.member_browser("bob@example.com", "member");
    let page = browser.get(PEOPLE).expect(200);
    assert_eq!(page.all("tbody tr").len(), 2);
    assert!(page.all("td[data-label='Last seen'] time").len() == 2);
    let here = format!("{PEOPLE}/{}", account(&registry, "bob@example.com"));
    registry.world.forget_calls();
    let page = browser.get(&here).expect(200);
    assert!(registry.world.calls(Port::Db) <= 3);
    let change = format!("{here}/change");
    let page = browser
        .submit(&page, &change, &[("role", "maintainer")])
        .expect(200);
    assert_eq!(page.one("[role=status]"), "The role is changed");
    assert!(is_told(&registry, "member.updated by person Ada King"));
    let page = browser
        .get(&format!("{PEOPLE}?role=maintainer"))
        .expect(200);
    assert_eq!(page.all("tbody tr").len(), 1);
    let csrf = page.fields("/ui/sign-out").remove(0);
    let suspend = |what: &str| {
        let fields = [csrf.clone(), ("suspended".to_owned(), what.to_owned())];
        browser.post(&change, &fields).expect(303);
    };
    suspend("yes");
    bob.get("/ui/acme").expect(403);
    assert!(browser.get(&here).text().contains("Suspended since"));
    suspend("no");
    bob.get("/ui/acme").expect(200);
    // It asks first.
    let page = browser.get(&format!("{here}/remove")).expect(200);
    assert_eq!(page.heading(), "Remove Somebody?");
    bob.get("/ui/acme").expect(200);
    let page = browser
        .submit(&page, &format!("{here}/remove"), &[])
        .expect(200);
    assert_eq!(page.one("[role=status]"), "The member is removed");
    bob.get("/ui/acme").expect(404);
    browser.get(&here).expect(404);
    assert!(is_told(&registry, "member.removed by person Ada King"));
    // The last owner stays, and hears why.
    let ada = format!("{PEOPLE}/{}", account(&registry, OWNER));
    let page = browser.get(&ada).expect(200);
    let page = browser.submit(&page, &format!("{ada}/change"), &[("role", "member")]);
    assert!(
        page.one("[role=status]").contains("last owner"),
        "{}",
        page.text()
    );
}

#[test]
fn a_team_has_people_and_what_they_see() {
    let registry = TestRegistry::shop();
    let browser = registry.owner_browser();
    let bob = registry.member_browser("bob@example.com", "member");
    let teams = format!("{PEOPLE}/teams");
    let page = browser.get(&teams).expect(200);
    let page = browser
        .submit(&page, &teams, &[("name", "Core")])
        .expect(200);
    assert_eq!(page.heading(), "Core");
    let here = page.path.clone();
    let at = |what: &str| format!("{here}/{what}");
    let wrong = browser
        .submit_once(&page, &at("join"), &[("email", "nobody@example.com")])
        .expect(422);
    assert!(wrong.one("#email-error").contains("no member"));
    let page = browser
        .submit(&page, &at("join"), &[("email", "Bob@example.com")])
        .expect(200);
    assert!(page.one("td[data-label=Name]").contains("bob@example.com"));
    assert_eq!(
        bob.get("/ui/acme").one(".empty h2"),
        "There is no package for you yet"
    );
    let new = at("grants/new");
    let form = browser.get(&new).expect(200);
    let values = [("packages", "acme/*"), ("versions", "what")];
    let wrong = browser.submit_once(&form, &new, &values).expect(422);
    assert_eq!(wrong.all("#versions-error").len(), 1);
    assert_eq!(wrong.one("#packages"), "acme/*");
    let page = browser.submit(&form, &new, &[("packages", "acme/*")]);
    let page = page.expect(200);
    assert_eq!(page.path, here);
    assert_eq!(page.one("td[data-label=What]"), "acme/*");
    assert_eq!(page.one("td[data-label=Limits]"), "none");
    assert_eq!(
        bob.get("/ui/acme/packages").all("td[data-label=Name]"),
        ["acme/lib", "acme/tool"]
    );
    registry.world.forget_calls();
    let page = browser.ask("GET", &here, &[], "").expect(200);
    assert!(registry.world.calls(Port::Db) <= 3);
    let page = browser.submit(
        &page,
        &here,
        &[("name", "Platform"), ("description", "Ours")],
    );
    assert_eq!(page.heading(), "Platform");
    // A grant is changed as a customer's is: it ends, it is about a collection.
    let pro = json!({"name": "Pro", "items": [{"packages": ["acme/tool"]}]});
    let pro = registry.make("collections", &pro);
    let change = page.attributes("td.end a", "href").remove(0);
    let form = browser.get(&change).expect(200);
    let values = [
        ("packages", ""),
        ("collection", &pro),
        ("expires_at", "2099-12-31"),
    ];
    let page = browser.submit(&form, &change, &values).expect(200);
    assert_eq!(page.one("td[data-label=What]"), "the collection Pro");
    assert_eq!(page.one("td[data-label=Limits]"), "until 2099-12-31");
    let sees = || bob.get("/ui/acme/packages").all("td[data-label=Name]");
    registry.pass_time(10);
    assert_eq!(sees(), ["acme/tool"]);
    let removal = format!("{change}/remove");
    let page = browser.get(&removal).expect(200);
    assert_eq!(sees(), ["acme/tool"]);
    let page = browser.submit(&page, &removal, &[]).expect(200);
    assert!(page.all("td[data-label=What]").is_empty());
    registry.pass_time(10);
    assert_eq!(sees(), Vec::<String>::new());
    // The grant of a customer is none of a team's.
    let buyer = registry.buyer_with(&json!({}));
    let path = format!("/api/v1/orgs/acme/grants?customer={}", buyer.id);
    let told = registry.admin().get(&path).expect(200).json();
    let strange = at(&format!(
        "grants/{}",
        told["grants"][0]["id"].as_str().unwrap()
    ));
    browser.ask("GET", &strange, &[], "").expect(404);
    let page = browser.submit(&page, &at("leave"), &[]).expect(200);
    assert!(page.all("td[data-label=Name]").is_empty());
    for line in [
        "team.created",
        "team.updated",
        "team.member_added",
        "team.member_removed",
    ] {
        let told = registry
            .world
            .sqlite
            .texts("select action || ' ' || actor_name from audit");
        assert!(
            told.contains(&format!("{line} Ada King")),
            "{line}: {told:?}"
        );
    }
    let page = browser.get(&at("delete")).expect(200);
    let page = browser.submit(&page, &at("delete"), &[]).expect(200);
    assert_eq!(
        (page.path.as_str(), page.all("tbody tr").len()),
        (teams.as_str(), 0)
    );
    browser.get(&here).expect(404);
}

/// The statuses of the pages about people for somebody, and of a form of each kind.
fn refusals(browser: &Browser<'_>, paths: &[String], forms: &[String]) -> Vec<u16> {
    let csrf = browser.get("/ui/account").fields("/ui/sign-out").remove(0);
    let seen = paths.iter().map(|path| browser.get(path).status());
    let sent = forms
        .iter()
        .map(|path| browser.post(path, std::slice::from_ref(&csrf)).status());
    seen.chain(sent).collect()
}

#[test]
fn who_may_not_is_told_so_on_a_page() {
    let registry = TestRegistry::imported();
    let ada = registry.owner_browser();
    let team = registry.make("teams", &json!({"name": "Core"}));
    let bob = registry.member_browser("bob@example.com", "member");
    let id = account(&registry, "bob@example.com");
    let paths = [
        "",
        "/invitations",
        "/teams",
        &format!("/teams/{team}"),
        &format!("/{id}"),
    ]
    .map(|below| format!("{PEOPLE}{below}"));
    let asking = [
        "/invite",
        &format!("/{id}/remove"),
        &format!("/teams/{team}/delete"),
        &format!("/teams/{team}/grants/new"),
    ]
    .map(|below| format!("{PEOPLE}{below}"));
    let forms = [
        "/invite",
        "/teams",
        &format!("/{id}/change"),
        &format!("/{id}/remove"),
        &format!("/{id}/reset"),
        &format!("/teams/{team}"),
        &format!("/teams/{team}/join"),
        &format!("/teams/{team}/leave"),
        &format!("/teams/{team}/grants/new"),
        &format!("/teams/{team}/grants/g1"),
        &format!("/teams/{team}/grants/g1/remove"),
        &format!("/teams/{team}/delete"),
        "/invitations/i1/withdraw",
        "/invitations/i1/renew",
    ]
    .map(|below| format!("{PEOPLE}{below}"));
    let before = registry.world.sqlite.changes();
    for status in refusals(&bob, &paths, &forms) {
        assert_eq!(status, 403);
    }
    let page = bob.get(PEOPLE);
    assert_eq!(page.heading(), "You may not do that");
    // Who may look sees no buttons, and gets nowhere without them.
    let eve = registry.member_browser("eve@example.com", "auditor");
    assert_ne!(registry.world.sqlite.changes(), before);
    for path in &paths {
        let page = eve.get(path).expect(200);
        assert!(
            page.all(".main form[method=post], .actions a").is_empty(),
            "{path}"
        );
    }
    for status in refusals(&eve, &asking, &forms) {
        assert_eq!(status, 403);
    }
    // Nobody changes who may more than himself.
    let joe = registry.member_browser("joe@example.com", "admin");
    let owner = format!("{PEOPLE}/{}", account(&registry, OWNER));
    let page = joe.get(&owner).expect(200);
    assert!(page.all(".main form[method=post]").is_empty());
    let csrf = page.fields("/ui/sign-out").remove(0);
    let fields = [csrf, ("role".to_owned(), "member".to_owned())];
    joe.post(&format!("{owner}/change"), &fields).expect(403);
    let form = joe.get(&format!("{PEOPLE}/invite")).expect(200);
    let roles = form.attributes("#role option", "value");
    assert!(roles.contains(&"admin".to_owned()) && !roles.contains(&"owner".to_owned()));
    drop((ada, PASSWORD));
}

#[test]
fn lists_of_people_go_on_where_they_ended() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    for name in ["a", "b", "c"] {
        registry.make("teams", &json!({"name": name}));
        let email = format!("{name}@example.com");
        registry.make("invitations", &json!({"email": email, "role": "member"}));
    }
    drop(registry.member_browser("zoe@example.com", "member"));
    for (path, rows) in [("teams", 3), ("invitations", 4), ("", 2)] {
        let path = format!("{PEOPLE}/{path}");
        let path = path.trim_end_matches('/');
        let page = browser.get(&format!("{path}?limit=1")).expect(200);
        assert_eq!(page.all("tbody tr").len(), 1, "{path}");
        let next = page.attributes("[rel=next]", "href").remove(0);
        let page = browser.get(&next).expect(200);
        assert_eq!(page.all("tbody tr").len(), rows - 1, "{path}");
        assert_eq!(page.attributes("[rel=first]", "href"), [path]);
    }
}
