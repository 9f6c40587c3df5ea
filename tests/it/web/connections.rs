//! Connections by a browser: a host is connected, ten projects are chosen, and their packages are there.

use serde_json::{Value, json};

use crate::support::browser::{Browser, Page};
use crate::support::git_server::GIT_SERVER;
use crate::support::github::{Answer, GITHUB_TOKEN};
use crate::support::github_app::{APP_KEY, CLIENT_ID, installed};
use crate::support::world::Port;
use crate::support::{PACKAGE, PROJECT, TestRegistry};

const LIST: &str = "/ui/acme/connections";
const NEW: &str = "/ui/acme/connections/new";

/// Ten projects that are packages, the eleventh is none.
fn with_projects() -> TestRegistry {
    let registry = TestRegistry::new();
    let mut github = registry.world.github.borrow_mut();
    for number in 1..=11 {
        let name = format!("acme/p{number:02}");
        github.add_project(100 + number, &name);
        let manifest = json!({"name": name}).to_string();
        let manifest = (number < 11).then_some(manifest.as_str());
        github.project(&name).push("refs/heads/main", manifest);
        github.project(&name).push("refs/tags/v1.0.0", manifest);
    }
    github.project("acme/p02").is_archived = true;
    github.project("acme/p03").is_fork = true;
    drop(github);
    registry
}

fn only(registry: &TestRegistry, sql: &'static str) -> String {
    registry.world.sqlite.texts(sql).remove(0)
}

fn token(browser: &Browser<'_>) -> (String, String) {
    browser.get("/ui/account").fields("/ui/sign-out").remove(0)
}

fn connect(browser: &Browser<'_>, token: &str) -> Page {
    let page = browser.get(&format!("{NEW}?provider=github")).expect(200);
    browser.submit(&page, NEW, &[("token", token)])
}

/// What a page's script would ask.
fn live(browser: &Browser<'_>, page: &Page) -> Value {
    let address = page.attributes("[data-live]", "data-live").remove(0);
    let answer = browser.ask("GET", &address, &[], "").expect(200);
    assert_eq!(
        answer.answer.header("content-type"),
        Some("application/json")
    );
    let caching = answer.answer.header("cache-control").unwrap();
    assert!(caching.contains("no-store"), "{caching}");
    serde_json::from_str(&answer.html).unwrap()
}

#[test]
fn a_host_is_connected_and_ten_projects_become_packages() {
    let registry = with_projects();
    let browser = registry.owner_browser();
    let page = browser.get(LIST).expect(200);
    assert_eq!(page.one(".empty h2"), "No git host is connected yet");
    let to = page.attributes(".main-action", "href").remove(0);
    let page = browser.get(&to).expect(200);
    assert_eq!(page.all(".rows a").len(), 8);
    let page = browser.get(&format!("{NEW}?provider=github")).expect(200);
    assert!(page.text().contains("tick the scope repo"));

    // A refused credential says so beside its field, and is shown nowhere again.
    let page = connect(&browser, "wrong-token-0123").expect(422);
    let said = page.one("#token-error");
    assert!(
        said.contains("refuses the credentials") || said.contains("github"),
        "{said}"
    );
    assert!(!page.html.contains("wrong-token-0123"));
    assert_eq!(page.attributes("#token", "value"), [""]);

    let page = connect(&browser, GITHUB_TOKEN).expect(200);
    assert_eq!(page.heading(), "GitHub acme-bot is connected");
    assert_eq!(page.all(".code").len(), 3);
    let secret = page.all(".code").remove(1);
    assert_eq!(secret.len(), 64);

    let connection = only(&registry, "select id from connections");
    let picker = format!("{LIST}/{connection}/projects");
    assert_eq!(page.attributes(".main-action", "href"), [picker.as_str()]);
    // All pages of what the host lists.
    let (mut names, mut kinds, mut next) = (Vec::new(), Vec::new(), picker.clone());
    loop {
        let page = browser.get(&next).expect(200);
        names.extend(page.all("td[data-label=Project]"));
        kinds.extend(page.all("td[data-label=Kind]"));
        assert!(page.all("td[data-label=Here]")[0].contains("not imported"));
        match page.attributes("a[rel=next]", "href").first() {
            Some(href) => next.clone_from(href),
            None => break,
        }
    }
    assert_eq!(names.len(), 11);
    assert_eq!(kinds[..3], ["private", "archived private", "fork private"]);

    // Nothing ticked is told; eleven are taken.
    let page = browser.get(&picker).expect(200);
    let refused = browser.submit(&page, &picker, &[]).expect(422);
    assert!(refused.one("[role=alert]").contains("nothing is ticked"));
    let mut fields = page.fields(&picker);
    fields.extend(
        names
            .iter()
            .map(|name| ("project".to_owned(), name.clone())),
    );
    let to = browser.post(&picker, &fields).location().unwrap();
    let page = browser.get(&to).expect(200);
    assert_eq!(page.heading(), "Import into main");
    assert_eq!(page.all("td[data-label=Project]").len(), 11);
    assert!(
        page.html.contains("<noscript>") && page.html.contains(&format!("href=\"{to}\">Refresh"))
    );
    let told = live(&browser, &page);
    assert_eq!(
        (&told["is_over"], &told["words"]),
        (&json!(false), &json!("adding: 0 of 11 projects"))
    );
    registry.run_jobs();
    let told = live(&browser, &page);
    assert_eq!(told["is_over"], true);
    assert_eq!(
        told["words"],
        "done: 11 of 11 projects, 10 added, 1 could not be imported"
    );
    assert!(told["html"].as_str().unwrap().contains("composer.json"));
    let page = browser.get(&to).expect(200);
    assert!(page.all("[data-live]").is_empty() && !page.html.contains("<noscript>"));
    let states = page.all("td[data-label=State]");
    assert_eq!(states[..10], ["added"; 10]);
    assert!(states[10].starts_with("refused") && states[10].contains("composer.json"));
    assert_eq!(page.all("td[data-label=Versions]")[0], "done");
    let packages = browser.get("/ui/acme/packages").expect(200);
    assert_eq!(packages.all("td[data-label=Name]").len(), 10);
    let page = browser.get(&picker).expect(200);
    assert_eq!(page.all("td[data-label=Here] a")[0], "acme/p01");

    // Neither secret is on any page, nor is the person missing in the log.
    for path in [
        LIST.to_owned(),
        format!("{LIST}/{connection}"),
        format!("{LIST}/{connection}/hooks"),
        format!("{LIST}/{connection}/credential"),
        format!("{LIST}/{connection}/secret"),
        "/ui/acme/hooks".to_owned(),
        to,
    ] {
        let page = browser.get(&path).expect(200);
        assert!(
            !page.html.contains(GITHUB_TOKEN) && !page.html.contains(&secret),
            "{path}"
        );
    }
    let actors = registry.world.sqlite.texts(
        "select distinct actor_name from audit where request like '%/connections' or request like '%/imports'",
    );
    assert_eq!(actors, ["Ada King"]);
    registry.assert_settled();
}

#[test]
fn a_pattern_means_what_fits_and_what_is_wrong_stands_beside_it() {
    let registry = with_projects();
    let browser = registry.owner_browser();
    connect(&browser, GITHUB_TOKEN).expect(200);
    let connection = only(&registry, "select id from connections");
    let picker = format!("{LIST}/{connection}/projects");
    let post = |pattern: &str| {
        let fields = [
            token(&browser),
            ("pattern".to_owned(), pattern.to_owned()),
            ("repository".to_owned(), "main".to_owned()),
        ];
        browser.post(&picker, &fields)
    };
    let page = post("[").expect(422);
    assert_eq!(page.attributes("#pattern", "value"), ["["]);
    assert!(!page.one("#pattern-error").is_empty());
    let to = post("acme/p0* !acme/p01").location().unwrap();
    registry.run_jobs();
    let page = browser.get(&to).expect(200);
    assert!(
        page.text().contains("8 of 8 projects") || page.text().contains("9 of 9 projects"),
        "{}",
        page.text()
    );
    let all = browser.get("/ui/acme/jobs/imports").expect(200);
    assert_eq!(all.all("td[data-label=What]"), ["acme/p0* !acme/p01"]);
    // The search is the host's.
    let page = browser.get(&format!("{picker}?search=p05")).expect(200);
    assert_eq!(page.all("td[data-label=Project]"), ["acme/p05"]);
    // Page by page: it goes on from where it stopped.
    let page = browser.get(&format!("{picker}?search=nothing")).expect(200);
    assert_eq!(page.one(".empty h2"), "No project fits so far");
    let next = page.attributes("a[rel=next]", "href").remove(0);
    assert!(next.contains("search=nothing"), "{next}");
    let page = browser.get(&next).expect(200);
    assert_eq!(page.one(".empty h2"), "No project fits");
    let page = browser.get(&format!("{picker}?cursor=evil")).expect(422);
    assert_eq!(page.one(".empty h2"), "The host gave no list");
    let refusal = Answer::new(403, r#"{"message":"limit"}"#).with("retry-after", "60");
    registry.world.github.borrow_mut().refusals.push(refusal);
    let page = browser.get(&picker).expect(429);
    assert_eq!(page.one(".empty h2"), "The host gave no list");
}

#[test]
fn each_host_says_what_to_tick_and_plain_git_takes_names() {
    let registry = TestRegistry::new();
    let browser = registry.owner_browser();
    for (provider, words, fields) in [
        ("github", "Contents", vec!["base_url", "token"]),
        ("gitlab", "read_api", vec!["base_url", "username", "token"]),
        (
            "gitea",
            "read for repository",
            vec!["base_url", "username", "token"],
        ),
        (
            "forgejo",
            "read for repository",
            vec!["base_url", "username", "token"],
        ),
        (
            "bitbucket",
            "read:repository:bitbucket",
            vec!["username", "token"],
        ),
        (
            "bitbucket-server",
            "read permission",
            vec!["base_url", "username", "token"],
        ),
        ("git", "git clone", vec!["base_url", "username", "token"]),
    ] {
        let page = browser
            .get(&format!("{NEW}?provider={provider}"))
            .expect(200);
        assert!(page.text().contains(words), "{provider}");
        let shown = page.attributes("input[type=text], input[type=password]", "name");
        assert_eq!(shown, fields, "{provider}");
    }
    // An address that nobody should be asked for stands where it was typed.
    let page = browser.get(&format!("{NEW}?provider=git")).expect(200);
    let page = browser
        .submit(&page, NEW, &[("base_url", "https://127.0.0.1")])
        .expect(422);
    assert_eq!(page.attributes("#base_url", "value"), ["https://127.0.0.1"]);
    assert!(!page.all(".error, [role=alert]").is_empty());
    let page = browser.submit(&page, NEW, &[("base_url", GIT_SERVER)]);
    page.expect(200);
    let connection = only(&registry, "select id from connections");
    let picker = format!("{LIST}/{connection}/projects");
    let page = browser.get(&picker).expect(200);
    let names = [("names", "few.git\r\nnone.git\r\n")];
    let page = browser.submit(&page, &picker, &names).expect(200);
    assert_eq!(page.all("td[data-label=Project]"), ["few.git", "none.git"]);
    registry.run_jobs();
    let page = browser.get(&page.path).expect(200);
    assert_eq!(page.all("td[data-label=Package] a"), ["acme/plain"]);
    registry.assert_settled();
}

#[test]
fn a_connection_is_checked_given_another_credential_and_removed() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let id = only(&registry, "select id from connections");
    let here = format!("{LIST}/{id}");
    let check = || {
        registry.pass_time(20);
        let page = browser.get(&here).expect(200);
        browser
            .submit(&page, &format!("{here}/check"), &[])
            .expect(200)
    };
    let page = check();
    assert_eq!(
        page.one(".notice.good"),
        "The host answers, and knows the credential as acme-bot"
    );
    assert_eq!(page.one(".facts .badge"), "well");
    // Twice at once it is not asked.
    let page = browser.submit(&page, &format!("{here}/check"), &[]);
    assert!(page.one(".notice.bad").contains("asked just now"));

    let refuse = || {
        let refusal = Answer::new(401, r#"{"message":"Bad credentials"}"#);
        registry.world.github.borrow_mut().refusals.push(refusal);
    };
    refuse();
    let page = check();
    assert_eq!(page.one(".facts .badge"), "credential refused");
    assert!(page.text().contains("replace the credential"));
    let listed = browser.get(LIST).expect(200);
    assert_eq!(
        listed.all("td[data-label=Health] .badge"),
        ["credential refused"]
    );
    // It works again, and what waited goes on.
    let page = check();
    assert_eq!(page.one(".facts .badge"), "well");
    registry.run_jobs();

    let credential = format!("{here}/credential");
    let page = browser.get(&credential).expect(200);
    let page = browser
        .submit(&page, &credential, &[("token", "another-wrong-one")])
        .expect(422);
    assert!(!page.one("#token-error").is_empty() && !page.html.contains("another-wrong-one"));
    let page = browser.submit(&page, &credential, &[("token", GITHUB_TOKEN)]);
    assert_eq!((page.status(), page.path.as_str()), (200, here.as_str()));
    registry.run_jobs();

    // Removing says what stops, and wants the name.
    let remove = format!("{here}/remove");
    let page = browser.get(&remove).expect(200);
    assert!(page.text().contains(PACKAGE) && page.text().contains("no new versions"));
    let page = browser
        .submit(&page, &remove, &[("confirm", "github")])
        .expect(422);
    assert_eq!(
        page.one("#confirm-error"),
        "That is not the name of this connection"
    );
    let page = browser.submit(&page, &remove, &[("confirm", "github acme-bot")]);
    assert_eq!((page.status(), page.path.as_str()), (200, LIST));
    registry.run_jobs();
    browser.get(&here).expect(404);
    browser
        .get(&format!("/ui/acme/packages/{PACKAGE}"))
        .expect(200);
    let actors = registry
        .world
        .sqlite
        .texts("select distinct actor_name from audit where action like 'connection.%' and actor_name like 'Ada%'");
    assert_eq!(actors, ["Ada King"]);
}

#[test]
fn webhooks_are_seen_registered_removed_and_given_another_secret() {
    let registry = TestRegistry::imported();
    let browser = registry.owner_browser();
    let id = only(&registry, "select id from connections");
    let here = format!("{LIST}/{id}/hooks");
    let page = browser.get(&here).expect(200);
    assert_eq!(page.all("td[data-label=Webhook]"), ["registered"]);
    assert!(page.text().contains("No webhook came yet"));
    let page = browser
        .submit(&page, &format!("{here}/remove"), &[])
        .expect(200);
    assert_eq!(page.all("td[data-label=Webhook]"), ["not registered"]);
    let page = browser
        .submit(&page, &format!("{here}/register"), &[])
        .expect(200);
    assert_eq!(page.all("td[data-label=Webhook]"), ["registered"]);
    let secret = format!("{LIST}/{id}/secret");
    let page = browser.get(&secret).expect(200);
    let shown = browser.submit(&page, &secret, &[]).expect(200);
    let new = shown.all(".code").remove(0);
    assert_eq!(new.len(), 64);
    assert!(!browser.get(&here).html.contains(&new));
    registry.run_jobs();
    registry
        .tell_of_push(41, PROJECT, "guid-1")
        .remove(0)
        .expect(202);
    let page = browser.get(&here).expect(200);
    assert_eq!(page.all("td[data-label=Verdict] .badge"), ["verified"]);
    registry.run_jobs();
}

#[test]
fn a_github_app_is_taken_in_and_its_installations_are_connected() {
    let registry = installed();
    let browser = registry.owner_browser();
    let new = format!("{LIST}/apps/new");
    let page = browser.get(&new).expect(200);
    let values = [("client_id", CLIENT_ID), ("private_key", "no key 0123")];
    let page = browser.submit(&page, &new, &values).expect(422);
    assert!(!page.one("#private_key-error").is_empty());
    assert_eq!(page.attributes("#client_id", "value"), [CLIENT_ID]);
    assert!(!page.html.contains("no key 0123"));
    let values = [("client_id", CLIENT_ID), ("private_key", APP_KEY)];
    let page = browser.submit(&page, &new, &values).expect(200);
    let secret = page.all(".code").remove(1);
    assert_eq!(secret.len(), 64);
    let to = page.attributes(".main-action", "href").remove(0);
    let page = browser.get(&to).expect(200);
    assert!(!page.html.contains(&secret));
    assert_eq!(page.all("td[data-label=Account]").len(), 1);
    let page = browser
        .submit(&page, &format!("{to}/connect"), &[])
        .expect(200);
    assert!(page.path.ends_with("/projects"), "{}", page.path);
    assert_eq!(page.all("td[data-label=Project]"), [PROJECT]);
    let page = browser.get(&to).expect(200);
    assert_eq!(page.all("td[data-label=State] .badge"), ["connected"]);
    // It stands in use.
    let remove = format!("{to}/remove");
    let page = browser.get(&remove).expect(200);
    let page = browser.submit(&page, &remove, &[]).expect(200);
    assert!(page.one(".notice.bad").contains("give each a token"));
    assert_eq!(browser.get(LIST).all(".rows a").len(), 1);
}

#[test]
fn an_installation_takes_the_place_of_a_token() {
    let registry = installed();
    let browser = registry.owner_browser();
    connect(&browser, GITHUB_TOKEN).expect(200);
    let id = only(&registry, "select id from connections");
    let new = format!("{LIST}/apps/new");
    let page = browser.get(&new).expect(200);
    let values = [("client_id", CLIENT_ID), ("private_key", APP_KEY)];
    let page = browser.submit(&page, &new, &values).expect(200);
    let to = page.attributes(".main-action", "href").remove(0);
    let page = browser.get(&to).expect(200);
    let choices = page.all("td.end option");
    assert_eq!(
        choices,
        [
            "as another connection",
            "in place of the token of GitHub acme-bot"
        ]
    );
    let values = [("connection", id.as_str())];
    let page = browser.submit(&page, &format!("{to}/connect"), &values);
    let page = page.expect(200);
    assert_eq!(page.path, format!("{LIST}/{id}"));
    assert!(page.one(".notice.good").contains("revoke that at GitHub"));
    assert!(page.attributes(".facts a", "href").contains(&to));
    // It is the one connection that there was, and there is nothing left to take over.
    let app = browser.get(&to).expect(200);
    assert_eq!(app.all("td[data-label=State] .badge"), ["connected"]);
    assert_eq!(
        only(&registry, "select count(*) || '' from connections"),
        "1"
    );
    let fields = [
        token(&browser),
        ("installation".to_owned(), "7".to_owned()),
        ("connection".to_owned(), "nobody's".to_owned()),
    ];
    browser.post(&format!("{to}/connect"), &fields).expect(404);
    registry.run_jobs();
}

#[test]
fn who_may_not_is_told_so_and_who_only_looks_has_no_buttons() {
    let registry = TestRegistry::imported();
    drop(registry.owner_browser());
    let id = only(&registry, "select id from connections");
    let job = only(&registry, "select id from jobs");
    let looks = [
        LIST.to_owned(),
        format!("{LIST}/{id}"),
        format!("{LIST}/{id}/projects"),
        format!("{LIST}/{id}/hooks"),
        "/ui/acme/hooks".to_owned(),
        "/ui/acme/jobs".to_owned(),
        format!("/ui/acme/jobs/{job}"),
        format!("/ui/acme/jobs/{job}/live"),
        "/ui/acme/jobs/imports".to_owned(),
        "/ui/acme/jobs/dead-letters".to_owned(),
        "/ui/acme/start".to_owned(),
        "/ui/acme/start/live".to_owned(),
    ];
    let member = registry.member_browser("bob@example.com", "member");
    let auditor = registry.member_browser("eve@example.com", "auditor");
    for path in &looks {
        let page = member.ask("GET", path, &[], "").expect(403);
        assert_eq!(page.heading(), "You may not do that", "{path}");
        let page = auditor.ask("GET", path, &[], "").expect(200);
        for action in page.attributes("main form[method=post]", "action") {
            assert_eq!(action, "/ui/acme/start/hide", "{path}");
        }
    }
    let changes = [
        NEW.to_owned(),
        format!("{LIST}/apps/new"),
        format!("{LIST}/{id}/check"),
        format!("{LIST}/{id}/credential"),
        format!("{LIST}/{id}/remove"),
        format!("{LIST}/{id}/projects"),
        format!("{LIST}/{id}/hooks/register"),
        format!("{LIST}/{id}/secret"),
        format!("{LIST}/{id}/settings"),
        format!("/ui/acme/jobs/{job}/cancel"),
        format!("/ui/acme/jobs/{job}/retry"),
        "/ui/acme/start/hide".to_owned(),
        "/ui/acme/start/token".to_owned(),
    ];
    let before = registry.world.sqlite.changes();
    for path in &changes {
        let fields = [
            ("provider", "github"),
            ("token", GITHUB_TOKEN),
            ("client_id", "x"),
            ("project", PROJECT),
            ("package", PACKAGE),
            ("repository", "main"),
        ];
        let mut all: Vec<_> = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        all.insert(0, token(&auditor));
        auditor.post(path, &all).expect(403);
    }
    assert_eq!(registry.world.sqlite.changes(), before);
    // Of another organisation it does not exist.
    registry
        .admin()
        .post("/api/v1/orgs", &json!({"slug": "globex"}))
        .expect(201);
    let (owner, _) = registry.sign_in(
        crate::support::browser::OWNER,
        crate::support::browser::PASSWORD,
    );
    for path in &looks {
        let other = path.replacen("/ui/acme/", "/ui/globex/", 1);
        let is_about_one = path.contains(&id) || path.contains(&job);
        let status = if is_about_one { 404 } else { 200 };
        owner.ask("GET", &other, &[], "").expect(status);
    }
}

#[test]
fn looks_write_nothing_and_take_three_batches_at_most() {
    let registry = TestRegistry::imported();
    registry
        .tell_of_push(41, PROJECT, "guid-1")
        .remove(0)
        .expect(202);
    registry.run_jobs();
    let browser = registry.owner_browser();
    let id = only(&registry, "select id from connections");
    let job = only(&registry, "select id from jobs");
    let picker = format!("{LIST}/{id}/projects");
    let page = browser.get(&picker).expect(200);
    let mut fields = page.fields(&picker);
    fields.push(("project".to_owned(), PROJECT.to_owned()));
    let import = browser.post(&picker, &fields).location().unwrap();
    registry.run_jobs();
    let before = registry.world.sqlite.changes();
    for path in [
        format!("{LIST}/{id}"),
        format!("{LIST}/{id}/credential"),
        format!("{LIST}/{id}/remove"),
        format!("{LIST}/{id}/hooks"),
        format!("{LIST}/{id}/secret"),
        format!("{LIST}/{id}/settings"),
        picker,
        "/ui/acme/hooks/1".to_owned(),
        format!("/ui/acme/jobs/{job}"),
        format!("/ui/acme/jobs/{job}/live"),
        format!("{import}/live"),
        "/ui/acme/start/live".to_owned(),
    ] {
        registry.world.forget_calls();
        browser.ask("GET", &path, &[], "").expect(200);
        let batches = registry.world.calls(Port::Db);
        assert!(batches <= 3, "{path}: {batches}");
    }
    // The import's own page says once what its form led to.
    browser.get(&import).expect(200);
    assert_eq!(registry.world.sqlite.changes(), before);
    let stranger = registry.browser();
    for path in [
        format!("/ui/acme/jobs/{job}/live"),
        "/ui/acme/start/live".to_owned(),
    ] {
        let page = stranger.ask("GET", &path, &[], "").expect(303);
        assert!(page.location().unwrap().starts_with("/ui/sign-in"));
    }
}
