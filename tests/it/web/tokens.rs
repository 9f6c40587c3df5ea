//! Tokens, as people make, look at and end them.

use serde_json::json;

use crate::support::TestRegistry;
use crate::support::browser::{Browser, Page};
use crate::support::world::Port;

const TOKENS: &str = "/ui/acme/tokens";

/// Who changed what last, by the log.
fn told(registry: &TestRegistry, action: &'static str) -> Vec<String> {
    let lines = registry.world.sqlite.texts(
        "select action || ' by ' || actor_kind || ' ' || actor_name from audit order by id desc limit 6",
    );
    lines
        .into_iter()
        .filter(|line| line.starts_with(action))
        .collect()
}

/// Makes a token by the form.
fn make(browser: &Browser<'_>, values: &[(&str, &str)]) -> Page {
    let path = format!("{TOKENS}/new");
    let page = browser.get(&path).expect(200);
    browser.submit_once(&page, &path, values)
}

fn id_of(made: &Page) -> String {
    let link = made.attributes(".main-action", "href").remove(0);
    link.rsplit_once('/').unwrap().1.to_owned()
}

#[test]
fn a_token_is_made_and_shown_once() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let page = browser.get(TOKENS).expect(200);
    assert_eq!(page.one(".empty h2"), "There is no token yet");
    let made = make(&browser, &[("name", "ci")]).expect(201);
    let secret = made.one(".secret");
    assert!(secret.starts_with("rptd_"), "{secret}");
    assert_eq!(made.location(), None);
    let commands = made.all(".card .code code");
    assert!(commands[1].contains(
        "composer config repositories.main composer https://packages.example.com/r/acme/main"
    ));
    assert!(commands[1].contains(&format!(
        "composer config --global --auth http-basic.packages.example.com token {secret}"
    )));
    assert!(commands[2].contains(&format!(r#""password": "{secret}""#)));
    // What is kept in a project names a secret of the CI, and not the token.
    for shared in &commands[3..] {
        assert!(!shared.contains(&secret), "{shared}");
    }
    let composer = registry.with_token(&secret);
    composer.get("/r/acme/main/packages.json").expect(200);
    // Nowhere else, and never again.
    let id = id_of(&made);
    for path in [TOKENS.to_owned(), format!("{TOKENS}/{id}")] {
        let page = browser.get(&path).expect(200);
        assert!(!page.html.contains(&secret), "{path}");
        assert!(page.text().contains(&secret[..9]), "{path}");
    }
    for value in browser.cookies.borrow().values() {
        assert!(!value.contains(&secret));
    }
    let kept = registry
        .world
        .sqlite
        .texts("select id || name || hash || hint from tokens");
    assert!(!kept.concat().contains(&secret));
    assert_eq!(
        told(&registry, "token.created"),
        ["token.created by person Ada King"]
    );
}

#[test]
fn limits_are_said_by_the_form_and_shown_in_words() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let path = format!("{TOKENS}/new");
    let page = browser.get(&path).expect(200);
    let mut fields = page.fields(&path);
    for (name, value) in [
        ("name", "shop"),
        ("packages", "acme/*\r\nother/lib\r\n"),
        ("networks", "10.0.0.0/8"),
        ("lasts", "day"),
        ("expires_at", "2027-01-31"),
    ] {
        let field = fields.iter_mut().find(|(known, _)| known == name).unwrap();
        value.clone_into(&mut field.1);
    }
    fields.push(("repositories".to_owned(), "main".to_owned()));
    let made = browser.post(&path, &fields).expect(201);
    registry.world.forget_calls();
    let page = browser
        .get(&format!("{TOKENS}/{}", id_of(&made)))
        .expect(200);
    assert!(registry.world.calls(Port::Db) <= 3);
    let text = page.text();
    for words in [
        "repositories: main packages: acme/*, other/lib networks: 10.0.0.0/8",
        "Only packages whose names fit acme/*, other/lib.",
        "2027-01-31 23:59 UTC",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let row = browser.get(TOKENS).expect(200);
    assert_eq!(row.one("td[data-label=May]"), "read");
}

#[test]
fn what_is_wrong_stands_beside_its_field_and_what_was_typed_stays() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let values = [
        ("name", ""),
        ("packages", "acme/*\nnot a name"),
        ("access", "write"),
    ];
    let page = make(&browser, &values).expect(422);
    assert!(page.one("#name-error").contains("needs a `name`"));
    assert!(page.all("#packages-error").len() == 1, "{}", page.text());
    assert_eq!(page.one("#packages"), "acme/* not a name");
    assert_eq!(
        page.attributes("#access option[selected]", "value"),
        ["write"]
    );
    let values = [
        ("name", "x"),
        ("lasts", "day"),
        ("expires_at", "2020-01-01"),
    ];
    let page = make(&browser, &values).expect(422);
    assert!(page.one("#expires_at-error").contains("in the past"));
    let page = make(&browser, &[("name", "x"), ("lasts", "day")]).expect(422);
    assert!(
        page.one("#expires_at-error")
            .contains("Choose the last day")
    );
    let page = make(&browser, &[("name", "x"), ("access", "chosen")]).expect(422);
    assert!(page.one("[role=alert]").contains("at least one"));
    assert!(browser.get(TOKENS).text().contains("There is no token yet"));
}

#[test]
fn a_token_is_changed_had_anew_and_ended() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let made = make(&browser, &[("name", "ci")]).expect(201);
    let (secret, id) = (made.one(".secret"), id_of(&made));
    let here = format!("{TOKENS}/{id}");
    let page = browser.get(&format!("{here}/change")).expect(200);
    let before = registry
        .world
        .sqlite
        .texts("select expires_at from tokens where name = 'ci'");
    let values = [("name", "deploy"), ("access", "write")];
    let page = browser.submit(&page, &format!("{here}/change"), &values);
    assert_eq!(
        (page.path.as_str(), page.heading().as_str()),
        (here.as_str(), "deploy")
    );
    let after = registry
        .world
        .sqlite
        .texts("select expires_at from tokens where name = 'deploy'");
    assert_eq!(before, after);
    assert_eq!(
        told(&registry, "token.updated"),
        ["token.updated by person Ada King"]
    );
    // Anew: both go on for a while.
    let values = [("overlap_hours", "24")];
    let anew = browser
        .submit_once(&page, &format!("{here}/rotate"), &values)
        .expect(201);
    let second = anew.one(".secret");
    assert_ne!(second, secret);
    for token in [&secret, &second] {
        registry
            .with_token(token)
            .get("/r/acme/main/packages.json")
            .expect(200);
    }
    let page = browser.get(&here).expect(200);
    assert!(page.text().contains("This token was replaced."));
    // It asks before it ends one, and a look ends nothing.
    let other = format!("{TOKENS}/{}", id_of(&anew));
    let page = browser.get(&other).expect(200);
    let asks = page.attributes(".actions .danger", "href").remove(0);
    let page = browser.get(&asks).expect(200);
    assert_eq!(page.heading(), "Revoke this token?");
    registry
        .with_token(&second)
        .get("/r/acme/main/packages.json")
        .expect(200);
    let page = browser.submit(&page, &asks, &[]).expect(200);
    assert_eq!(page.one("[role=status]"), "The token is revoked");
    registry
        .with_token(&second)
        .get("/r/acme/main/packages.json")
        .expect(401);
    assert_eq!(
        told(&registry, "token.revoked"),
        ["token.revoked by person Ada King"]
    );
    let page = browser.get(&other).expect(200);
    assert!(page.all(".actions a").is_empty() && page.text().contains("It gets nothing"));
    browser.get(&asks).expect(403);
    let page = browser.get(&format!("{TOKENS}?state=revoked")).expect(200);
    assert_eq!(page.all("td[data-label=Name]").len(), 1);
    let page = browser.get(&format!("{TOKENS}?kind=customer")).expect(200);
    assert_eq!(page.one(".empty h2"), "No token fits");
}

#[test]
fn who_manages_none_has_her_own_and_knows_of_no_others() {
    let registry = TestRegistry::imported();
    let owner = registry.owner_browser();
    let machine = id_of(&make(&owner, &[("name", "ci")]).expect(201));
    let member = registry.member_browser("bob@example.com", "member");
    let page = member.get(TOKENS).expect(200);
    assert!(page.text().contains("Your own tokens"));
    assert!(page.all("tbody tr").is_empty());
    // What she may not do herself is not offered.
    let form = member.get(&format!("{TOKENS}/new")).expect(200);
    assert_eq!(
        form.attributes("#access option", "value"),
        ["read", "mine", "chosen"]
    );
    assert_eq!(
        form.attributes("input[name=abilities]", "value"),
        ["read_metadata", "read_dists"]
    );
    let made = make(&member, &[("name", "laptop")]).expect(201);
    assert!(
        made.one(".secret").starts_with("rptp_"),
        "{}",
        made.one(".secret")
    );
    let page = member.get(TOKENS).expect(200);
    assert_eq!(page.all("td[data-label=Of]"), ["personal Somebody"]);
    for path in [
        format!("{TOKENS}/{machine}"),
        format!("{TOKENS}/{machine}/change"),
        format!("{TOKENS}/{machine}/revoke"),
        format!("{TOKENS}/nobody"),
    ] {
        member.get(&path).expect(404);
    }
    let csrf = member.get(TOKENS).fields("/ui/sign-out").remove(0);
    for what in ["rotate", "revoke"] {
        let path = format!("{TOKENS}/{machine}/{what}");
        let fields = [csrf.clone(), ("overlap_hours".to_owned(), "1".to_owned())];
        member.post(&path, &fields).expect(404);
    }
    let asked = [
        ("kind", "machine"),
        ("name", "x"),
        ("access", "read"),
        ("lasts", "never"),
    ];
    let asked = asked.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let fields: Vec<_> = std::iter::once(csrf).chain(asked).collect();
    member.post(&format!("{TOKENS}/new"), &fields).expect(403);
    // Others may end what is hers, and no more.
    let hers = id_of(&made);
    let page = owner.get(&format!("{TOKENS}/{hers}")).expect(200);
    assert_eq!(page.all(".actions a"), ["Revoke"]);
    owner.get(&format!("{TOKENS}/{hers}/change")).expect(403);
    assert_eq!(owner.get(TOKENS).all("tbody tr").len(), 2);
}

#[test]
fn the_list_goes_on_where_it_ended() {
    let registry = TestRegistry::new();
    let browser = registry.owner_browser();
    for name in ["a", "b", "c"] {
        registry.make("tokens", &json!({"name": name, "access": "read"}));
    }
    let page = browser
        .get(&format!("{TOKENS}?limit=2&kind=machine"))
        .expect(200);
    assert_eq!(page.all("tbody tr").len(), 2);
    let next = page.attributes("[rel=next]", "href").remove(0);
    assert!(next.contains("kind=machine"), "{next}");
    let page = browser.get(&next).expect(200);
    assert_eq!(page.all("tbody tr").len(), 1);
    assert!(page.attributes("[rel=next]", "href").is_empty());
    assert_eq!(
        page.attributes("[rel=first]", "href"),
        [format!("{TOKENS}?kind=machine")]
    );
}

#[test]
fn a_look_at_any_page_about_tokens_and_people_changes_nothing() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    drop(registry.member_browser("bob@example.com", "member"));
    let bob = registry
        .world
        .sqlite
        .texts("select id from accounts where email = 'bob@example.com'")
        .remove(0);
    let token = registry.make("tokens", &json!({"name": "a", "access": "read"}));
    let team = registry.make("teams", &json!({"name": "Core"}));
    let before = registry.world.sqlite.changes();
    for path in [
        format!("tokens/{token}"),
        format!("tokens/{token}/change"),
        format!("tokens/{token}/revoke"),
        format!("people/{bob}"),
        format!("people/{bob}/remove"),
        format!("people/teams/{team}"),
        format!("people/teams/{team}/delete"),
        "audit/export?format=csv".to_owned(),
        "find?search=acme".to_owned(),
    ] {
        registry.world.forget_calls();
        let path = format!("/ui/acme/{path}");
        browser.ask("GET", &path, &[], "").expect(200);
        let batches = registry.world.calls(Port::Db);
        assert!(batches <= 3, "{path}: {batches}");
    }
    assert_eq!(registry.world.sqlite.changes(), before);
}
