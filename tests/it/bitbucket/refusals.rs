//! Limits, outages, and credentials that do not do.

use super::*;

#[test]
fn limits_outages_and_broken_archives_are_waited_out() {
    for product in PRODUCTS {
        let scene = Scene::connected(product);
        let job = scene.import();
        let registry = &scene.registry;
        let started = registry.world.now.get();
        let mut double = registry.world.github.borrow_mut();
        double.truncate_archives = 1;
        double.refusals = vec![
            Reply::new(429, "Rate limit for this resource has been exceeded"),
            Reply::new(429, "").with("retry-after", "40"),
            Reply::new(503, "<html>"),
        ];
        drop(double);
        scene.settle();
        assert_eq!(scene.versions(), ["v1.1.1", "v1.1.0", "v1.0.0"]);
        assert!(registry.world.now.get() >= started + 60 + 40);
        let shown = registry
            .admin()
            .get(&format!("/api/v1/orgs/acme/jobs/{job}"));
        assert_eq!(shown.json()["state"], "done");
    }
}

#[test]
fn an_allowance_that_is_nearly_spent_never_is() {
    let scene = Scene::connected(Product::Cloud);
    for patch in 0..40 {
        scene.push(&format!("refs/tags/v2.0.{patch}"), "A tag");
    }
    scene.double().allowance = Some(Allowance::of(60));
    let registry = &scene.registry;
    let started = registry.world.now.get();
    let job = scene.import();
    scene.settle();
    assert_eq!(scene.versions().len(), 43);
    assert_eq!(scene.double().allowance.as_ref().unwrap().exceeded, 0);
    let shown = registry
        .admin()
        .get(&format!("/api/v1/orgs/acme/jobs/{job}"))
        .json();
    assert_eq!(
        (&shown["state"], &shown["progress"]["failed"]),
        (&json!("done"), &json!(0))
    );
    // Some 120 requests take more than two hours, and not all of what is left of an hour is waited out.
    let took = registry.world.now.get() - started;
    assert!((3_600..4 * 3_600).contains(&took), "{took} seconds");
    // With enough left nobody waits.
    registry.pass_time(3_600);
    let started = registry.world.now.get();
    scene.push("refs/tags/v3.0.0", "Another");
    registry.sync(PACKAGE);
    assert_eq!(scene.versions().len(), 44);
    // A sync by hand is asked for a second later.
    assert_eq!(registry.world.now.get(), started + 1);
}

#[test]
fn archives_that_lie_elsewhere_come_without_the_token() {
    for product in PRODUCTS {
        let scene = Scene::connected(product);
        // The double fails the test when the token comes along.
        scene.double().sends_archives_elsewhere = true;
        scene.import();
        scene.settle();
        assert_eq!(scene.versions(), ["v1.1.1", "v1.1.0", "v1.0.0"]);
        let seen = &scene.registry.world.github.borrow().seen;
        assert!(
            seen.iter()
                .any(|one| one.contains("https://storage.example.com/"))
        );
    }
}

#[test]
fn a_website_that_asks_to_sign_in_is_said_to() {
    let scene = Scene::connected(Product::Cloud);
    scene.double().asks_to_sign_in = true;
    let job = scene.import();
    scene.registry.run_jobs();
    let path = format!("/api/v1/orgs/acme/jobs/{job}");
    let shown = scene.registry.admin().get(&path).json().to_string();
    assert!(shown.contains("asks to sign in"), "{shown}");
    assert!(!shown.contains(ACCESS_TOKEN));
}

#[test]
fn a_token_that_no_longer_works_fails_the_job_and_says_so() {
    for product in PRODUCTS {
        let scene = Scene::imported(product);
        let registry = &scene.registry;
        // Data Center looks for a moved repository before it believes that.
        for _ in 0..2 {
            let refused = Reply::new(401, r#"{"error":{"message":"Token is invalid"}}"#);
            registry.world.github.borrow_mut().refusals.push(refused);
        }
        registry.sync(PACKAGE);
        registry.world.github.borrow_mut().refusals.clear();
        let shown = registry.admin().get(CONNECTIONS).json();
        let trouble = shown["connections"][0]["trouble"].as_str().unwrap();
        assert!(trouble.contains("refused the token"), "{trouble}");
        assert_eq!(scene.versions(), ["v1.1.1", "v1.1.0", "v1.0.0"]);
    }
}

#[test]
fn a_connection_says_which_credentials_it_takes() {
    let registry = TestRegistry::new();
    for (asked, words) in [
        (
            json!({"provider": "bitbucket", "token": API_TOKEN}),
            "e-mail address",
        ),
        (
            json!({"provider": "bitbucket", "token": "ATBBx", "username": "ada"}),
            "app password",
        ),
        (
            json!({"provider": "bitbucket", "token": ACCESS_TOKEN, "username": EMAIL}),
            "leave `username` out",
        ),
        (
            json!({"provider": "bitbucket", "token": "wrong"}),
            "refused the token",
        ),
        (
            json!({"provider": "bitbucket-server", "token": ACCESS_TOKEN}),
            "Give `base_url`",
        ),
        (
            json!({"provider": "bitbucket-server", "token": "wrong", "base_url": SERVER}),
            "refused the token",
        ),
        (
            json!({"provider": "stash", "token": "x"}),
            "`bitbucket`, `bitbucket-server` or `git`",
        ),
    ] {
        let said = registry
            .admin()
            .post(CONNECTIONS, &asked)
            .expect(422)
            .json();
        let detail = said["detail"].as_str().unwrap();
        assert!(detail.contains(words), "{detail}");
    }
    let asked = json!({"provider": "bitbucket", "token": API_TOKEN, "username": EMAIL});
    let made = registry
        .admin()
        .post(CONNECTIONS, &asked)
        .expect(201)
        .json();
    assert_eq!(made["account"], "acme-bot");
    assert_eq!(made["username"], EMAIL);
    let events = json!(ProviderKind::Bitbucket.webhook_events());
    assert_eq!(made["webhook"]["events"], events);
}

#[test]
fn projects_are_listed_to_the_end_and_searched() {
    for product in PRODUCTS {
        let scene = Scene::connected(product);
        let mut double = scene.double();
        for (number, name) in ["acme/two", "acme/three", "beta/four", "void/five"]
            .iter()
            .enumerate()
        {
            double.add(60 + number as u64, name);
        }
        drop(double);
        let host = scene.host();
        let read = |search: Option<&str>| {
            let mut names = Vec::new();
            let mut cursor: Option<String> = None;
            loop {
                let page = block_on(host.list_projects(search, cursor.as_deref())).unwrap();
                names.extend(page.projects.into_iter().map(|project| project.full_name));
                assert!(names.len() <= 5, "{names:?}");
                match page.next {
                    Some(next) => cursor = Some(next),
                    None => return names,
                }
            }
        };
        let all = [PROJECT, "acme/two", "acme/three", "beta/four", "void/five"];
        assert_eq!(read(None), all);
        assert_eq!(read(Some("five")), ["void/five"]);
        if product == Product::Cloud {
            assert_eq!(read(Some("beta/")), ["beta/four"]);
        }
    }
}
