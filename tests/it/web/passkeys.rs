//! Passkeys: ceremonies with a device in software, good ones and bad ones.

use crate::support::TestRegistry;
use crate::support::browser::{Browser, OWNER, PASSWORD, Page};
use crate::support::devices::{Algorithm, Ceremony, Device, PASSKEYS, PRESENT, VERIFIED, borrowed};

const SIGN_IN: &str = "/ui/sign-in/passkey";

fn is_signed_in(browser: &Browser<'_>) -> bool {
    browser.get("/ui/account").path == "/ui/account"
}

fn devices() -> [Device; 3] {
    [
        Device::new(1, Algorithm::Es256),
        Device::new(2, Algorithm::EdDsa),
        Device::new(3, Algorithm::Rs256),
    ]
}

#[test]
fn who_added_a_passkey_signs_in_with_it_alone() {
    let registry = TestRegistry::new();
    let owner = registry.owner_browser();
    let [laptop, key, windows] = devices();
    laptop.add_to(&owner, "Laptop", PASSWORD);
    key.add_to(&owner, "Blue <key>", PASSWORD);
    windows.add_to(&owner, "Desk", PASSWORD);
    let page = owner.get(PASSKEYS).expect(200);
    assert_eq!(
        page.all("td[data-label=Name]"),
        ["Laptop", "Blue <key>", "Desk"]
    );
    assert_eq!(page.all("td[data-label=\"Last used\"]"), ["never"; 3]);
    for device in [&laptop, &key, &windows] {
        let browser = registry.browser();
        let page = browser.get("/ui/acme/packages").expect(200);
        let values = device.get(&page);
        let page = browser
            .submit(&page, SIGN_IN, &borrowed(&values))
            .expect(200);
        assert_eq!(page.path, "/ui/acme/packages");
        assert!(browser.get("/ui/account").text().contains("by a passkey"));
    }
    // It is both factors: no code is asked for.
    registry.set_up_codes(&owner, PASSWORD);
    assert_eq!(laptop.sign_in(&registry).1.path, "/ui/acme");
    let told = registry.world.sqlite.texts(
        "select action || ' ' || coalesce(json_extract(after_json, '$.method'), json_extract(after_json, '$.name'))
         from audit where action in ('login.created', 'passkey.created') order by id",
    );
    assert_eq!(
        told,
        [
            "login.created first_start",
            "passkey.created Laptop",
            "passkey.created Blue <key>",
            "passkey.created Desk",
            "login.created passkey",
            "login.created passkey",
            "login.created passkey",
            "login.created passkey",
        ]
    );
}

#[test]
fn the_page_says_what_a_script_needs_and_what_who_has_none_does() {
    let registry = TestRegistry::new();
    let owner = registry.owner_browser();
    let form = "form[data-passkey=create]";
    let page = owner.get(PASSKEYS).expect(200);
    assert_eq!(page.attributes(form, "data-site"), ["packages.example.com"]);
    assert_eq!(page.attributes(form, "data-algorithms"), ["-7 -8 -257"]);
    assert!(page.html.contains("<noscript>"));
    let first = page.attributes(form, "data-challenge");
    assert_eq!(first[0].len(), 43);
    assert_ne!(
        owner.get(PASSKEYS).attributes(form, "data-challenge"),
        first
    );
    let page = registry.browser().get("/ui/sign-in").expect(200);
    assert!(page.html.contains("The password works without one"));
    // Where the secrets' key is missing, people still come in by their passwords.
    let script = page.attributes("script", "src");
    assert!(
        script
            .iter()
            .any(|src| src.starts_with("/assets/passkeys."))
    );
}

/// What is wrong with a ceremony, and what is told.
type Meddling = (&'static str, fn(&mut Ceremony), &'static str);

const MEDDLINGS: [Meddling; 9] = [
    (
        "origin",
        |it| it.origin = "https://evil.example".into(),
        "asked for by another site",
    ),
    (
        "port",
        |it| it.origin += ":8443",
        "asked for by another site",
    ),
    (
        "scheme",
        |it| it.origin = "http://packages.example.com".into(),
        "asked for by another site",
    ),
    (
        "frame",
        |it| it.is_cross_origin = true,
        "asked for by another site",
    ),
    (
        "challenge",
        |it| it.challenge = "A".repeat(43),
        "another challenge",
    ),
    (
        "site",
        |it| it.site = "example.com".into(),
        "for another site",
    ),
    ("nobody", |it| it.flags = VERIFIED, "nobody was there"),
    ("no fingerprint", |it| it.flags = PRESENT, "fingerprint"),
    (
        "synced but not to be",
        |it| it.flags |= 16,
        "no answer of a passkey",
    ),
];

#[test]
fn a_bad_ceremony_signs_nobody_in() {
    let registry = TestRegistry::new();
    let owner = registry.owner_browser();
    for device in devices() {
        device.add_to(&owner, "Laptop", PASSWORD);
        let refused =
            |page: &Page, values: &[(&str, String)], browser: &Browser<'_>, told: &str| {
                let answer = browser.submit(page, SIGN_IN, &borrowed(values)).expect(422);
                let said = answer.one(".notice");
                assert!(said.contains(told), "{said} instead of {told}");
                assert!(!is_signed_in(browser));
            };
        for (name, meddle, told) in MEDDLINGS {
            println!("{name}");
            let browser = registry.browser();
            let page = browser.get("/ui/sign-in").expect(200);
            refused(&page, &device.get_with(&page, meddle), &browser, told);
        }
        let browser = registry.browser();
        let page = browser.get("/ui/sign-in").expect(200);
        let other = device.get_with(&page, |it| it.kind = "webauthn.create");
        refused(&page, &other, &browser, "another question");
        let synced = device.get_with(&page, |it| it.flags |= 8);
        refused(&page, &synced, &browser, "contradicts");
        let stranger = device.get_with(&page, |it| it.user = "c29tZWJvZHk".into());
        refused(&page, &stranger, &browser, "not known here");
        // Each field with one character that is another one, and without any.
        let good = device.get(&page);
        for at in 0..good.len() {
            let mut values = good.clone();
            let (field, value) = &mut values[at];
            let last = value.len() - 3;
            let swapped = if &value[last..=last] == "A" { "B" } else { "A" };
            value.replace_range(last..=last, swapped);
            println!("{field}");
            let answer = browser.submit(&page, SIGN_IN, &borrowed(&values));
            assert_eq!(answer.status(), 422, "{at}");
            values[at].1 = String::new();
            let answer = browser.submit(&page, SIGN_IN, &borrowed(&values));
            assert_eq!(answer.status(), 422, "{at}");
        }
        // A copy of the device has counted less.
        let count = device.count.get();
        let copied = device.get(&page);
        device.count.set(count + 5);
        assert_eq!(device.sign_in(&registry).1.path, "/ui/acme");
        refused(&page, &copied, &browser, "counts backwards");
    }
    let refused = registry.world.sqlite.texts(
        "select json_extract(after_json, '$.reason') from audit where action = 'sign_in.refused'",
    );
    assert!(refused.len() > 20 && refused.iter().all(|reason| reason == "passkey"));
}

#[test]
fn the_passkey_of_one_person_signs_in_nobody_else() {
    let registry = TestRegistry::new();
    let owner = registry.owner_browser();
    let bob = registry.member_browser("bob@example.com", "member");
    let [hers, his, _] = devices();
    hers.add_to(&owner, "Hers", PASSWORD);
    his.add_to(&bob, "His", PASSWORD);
    let (browser, _) = his.sign_in(&registry);
    assert!(
        browser
            .get("/ui/account")
            .text()
            .contains("bob@example.com")
    );
    // Her key's name or her id with his signature.
    let browser = registry.browser();
    let page = browser.get("/ui/sign-in").expect(200);
    let (mine, wanted) = (his.get(&page), hers.get(&page));
    for swapped in [&[0][..], &[1], &[0, 1], &[0, 1, 3]] {
        let mut values = mine.clone();
        for at in swapped {
            values[*at] = wanted[*at].clone();
        }
        browser
            .submit(&page, SIGN_IN, &borrowed(&values))
            .expect(422);
        assert!(!is_signed_in(&browser));
    }
}

#[test]
fn a_challenge_is_answered_once_in_its_time_and_by_its_browser() {
    let registry = TestRegistry::new();
    let owner = registry.owner_browser();
    let [device, other, _] = devices();
    // A count would give a copy away without looking at the challenge.
    device.is_counting.set(false);
    device.add_to(&owner, "Laptop", PASSWORD);
    let browser = registry.browser();
    let page = browser.get("/ui/sign-in").expect(200);
    let values = device.get(&page);
    // Somebody who took both cookies and answer comes too late.
    let thief = browser.copy();
    browser
        .submit(&page, SIGN_IN, &borrowed(&values))
        .expect(200);
    assert!(is_signed_in(&browser));
    let told = thief.submit(&page, SIGN_IN, &borrowed(&values)).expect(422);
    assert!(told.one(".notice").contains("used already"));
    assert!(!is_signed_in(&thief));
    // With the answer alone he is told as much.
    let stranger = registry.browser();
    let own = stranger.get("/ui/sign-in").expect(200);
    let sealed = page.attributes("input[name=sealed]", "value").remove(0);
    let mut stolen = values.clone();
    stolen.push(("sealed", sealed));
    stranger
        .submit(&own, SIGN_IN, &borrowed(&stolen))
        .expect(422);
    // What was made to add a passkey is not good to sign in.
    let late = registry.browser();
    let page = late.get("/ui/sign-in").expect(200);
    let values = device.get(&page);
    registry.pass_time(900);
    late.submit(&page, SIGN_IN, &borrowed(&values)).expect(422);
    let page = late.get("/ui/sign-in").expect(200);
    let values = device.get(&page);
    registry.pass_time(899);
    late.submit(&page, SIGN_IN, &borrowed(&values)).expect(200);
    // So it is where one is added.
    let page = owner.get(PASSKEYS).expect(200);
    let mut values = other.create(&page);
    values.push(("name", "Key".to_owned()));
    values.push(("current", PASSWORD.to_owned()));
    registry.pass_time(900);
    owner
        .submit(&page, PASSKEYS, &borrowed(&values))
        .expect(422);
    // What was answered is forgotten when it is too old to be answered.
    device.sign_in(&registry);
    let kept = registry
        .world
        .sqlite
        .texts("select hash from answered_challenges");
    assert_eq!(kept.len(), 1);
}

#[test]
fn a_bad_ceremony_adds_nothing() {
    let registry = TestRegistry::new();
    let owner = registry.owner_browser();
    let add = |values: Vec<(&'static str, String)>, page: &Page, password: &str| {
        let mut values = values;
        values.push(("name", "Laptop".to_owned()));
        values.push(("current", password.to_owned()));
        owner.submit(page, PASSKEYS, &borrowed(&values))
    };
    let count = || registry.world.sqlite.texts("select id from passkeys").len();
    let [device, other, _] = devices();
    for (name, meddle, told) in MEDDLINGS {
        println!("{name}");
        let page = owner.get(PASSKEYS).expect(200);
        let answer = add(device.create_with(&page, meddle), &page, PASSWORD).expect(422);
        assert!(answer.one(".notice").contains(told), "{}", answer.text());
    }
    let page = owner.get(PASSKEYS).expect(200);
    let values = device.create_with(&page, |it| it.kind = "webauthn.get");
    add(values, &page, PASSWORD).expect(422);
    let unknown = Device::new(9, Algorithm::Unknown);
    let answer = add(unknown.create(&page), &page, PASSWORD).expect(422);
    assert!(answer.one(".notice").contains("not known here"));
    let good = other.create(&page);
    for cut in [0, 40, 120, good[1].1.len() - 4] {
        let mut values = good.clone();
        values[1].1.truncate(cut);
        add(values, &page, PASSWORD).expect(422);
    }
    let mut longer = good.clone();
    longer[1].1.push_str("AAAA");
    add(longer, &page, PASSWORD).expect(422);
    let answer = add(good.clone(), &page, "not the password").expect(422);
    assert_eq!(
        answer.one("#current-error"),
        "This is not your current password"
    );
    assert_eq!(answer.attributes("#name", "value"), ["Laptop"]);
    assert_eq!(count(), 0);
    registry.pass_time(900);
    let page = owner.get(PASSKEYS).expect(200);
    let good = other.create(&page);
    add(good.clone(), &page, PASSWORD).expect(200);
    add(good, &page, PASSWORD).expect(409);
    assert_eq!(count(), 1);
    // Nor does somebody else get a key that is known.
    let bob = registry.member_browser("bob@example.com", "member");
    let page = bob.get(PASSKEYS).expect(200);
    let again = Device::new(2, Algorithm::EdDsa);
    let first = again.create(&page);
    drop(first);
    let mut values = again.create(&page);
    values.push(("name", "Mine".to_owned()));
    values.push(("current", PASSWORD.to_owned()));
    bob.submit(&page, PASSKEYS, &borrowed(&values)).expect(409);
    assert_eq!(count(), 1);
}

#[test]
fn who_has_no_password_adds_a_passkey_right_after_signing_in_alone() {
    let registry = TestRegistry::new();
    let owner = registry.owner_browser();
    let [device, other, ..] = devices();
    registry.change("delete from passwords");
    let add = |device: &Device| {
        let page = owner.get(PASSKEYS).expect(200);
        assert!(page.all("#current").is_empty());
        let mut values = device.create(&page);
        values.push(("name", "Laptop".to_owned()));
        owner.submit(&page, PASSKEYS, &borrowed(&values))
    };
    registry.pass_time(15 * 60);
    add(&device).expect(200);
    registry.pass_time(1);
    let answer = add(&other).expect(422);
    assert!(
        answer.one(".notice").contains("sign out, sign in again"),
        "{}",
        answer.text()
    );
    let (again, _) = device.sign_in(&registry);
    let page = again.get(PASSKEYS).expect(200);
    assert_eq!(page.all("td[data-label=Name]"), ["Laptop"]);
}

#[test]
fn a_removed_passkey_opens_nothing_and_only_its_person_removes_it() {
    let registry = TestRegistry::new();
    let owner = registry.owner_browser();
    let bob = registry.member_browser("bob@example.com", "member");
    let [device, ..] = devices();
    device.add_to(&owner, "Laptop", PASSWORD);
    let (lost, _) = device.sign_in(&registry);
    assert!(is_signed_in(&lost));
    let id = registry
        .world
        .sqlite
        .texts("select id from passkeys")
        .remove(0);
    let path = format!("{PASSKEYS}/{id}/remove");
    let token = bob.get("/ui/account").fields("/ui/sign-out").remove(0);
    bob.post(&path, &[token]).expect(303);
    assert!(bob.get(PASSKEYS).one(".notice").contains("no such passkey"));
    let page = owner.get(PASSKEYS).expect(200);
    let page = owner.submit(&page, &path, &[]).expect(200);
    assert!(page.one(".notice").contains("is removed"));
    assert!(is_signed_in(&owner) && !is_signed_in(&lost));
    let (browser, page) = device.sign_in(&registry);
    assert!(page.expect(422).one(".notice").contains("was removed"));
    assert!(!is_signed_in(&browser));
    let told = registry.world.sqlite.texts(
        "select actor_name || ' ' || before_json from audit where action = 'passkey.removed'",
    );
    assert_eq!(
        told,
        [format!(r#"Ada King {{"passkey":"{id}","name":"Laptop"}}"#)]
    );
}

#[test]
fn nobody_has_more_than_twenty() {
    let registry = TestRegistry::new();
    let owner = registry.owner_browser();
    registry.change(
        "with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 20)
         insert into passkeys (id, account_id, credential, algorithm, public_key, sign_count, is_syncable, name, created_at)
         select 'p' || n, a.id, 'c' || n, -7, '', 0, 0, 'Key ' || n, 0 from numbers, accounts a",
    );
    let page = owner.get(PASSKEYS).expect(200);
    assert!(page.all("form[data-passkey]").is_empty());
    let token = page.fields("/ui/sign-out").remove(0);
    let name = ("name".to_owned(), "More".to_owned());
    owner.post(PASSKEYS, &[token, name]).expect(422);
}

#[test]
fn a_passkey_leaves_no_planted_secret_and_leads_to_no_other_host() {
    let registry = TestRegistry::new();
    let owner = registry.owner_browser();
    let [device, ..] = devices();
    device.add_to(&owner, "Laptop", PASSWORD);
    let browser = registry.browser();
    let planted = "A".repeat(43);
    for name in ["__Host-repertoire", "__Host-repertoire-form"] {
        let mut cookies = browser.cookies.borrow_mut();
        cookies.insert(name.to_owned(), planted.clone());
    }
    let attacker = browser.copy();
    for next in ["https://evil.example/", "//evil.example", "/\\evil.example"] {
        let page = browser.get(&format!("/ui/sign-in?next={next}")).expect(200);
        let mut values = device.get(&page);
        values.push(("next", next.to_owned()));
        let page = browser.submit_once(&page, SIGN_IN, &borrowed(&values));
        assert_eq!(page.location().as_deref(), Some("/ui"));
        assert_ne!(browser.cookies.borrow()["__Host-repertoire"], planted);
        assert!(is_signed_in(&browser) && !is_signed_in(&attacker));
        let page = browser.get("/ui/account").expect(200);
        browser.submit(&page, "/ui/sign-out", &[]).expect(200);
    }
    assert_eq!(registry.sign_in(OWNER, PASSWORD).1.path, "/ui/acme");
}
