//! What the hosts tell, and what they are told to tell.

use super::*;

#[test]
fn one_delivery_tells_of_several_refs_and_its_replay_of_none() {
    for product in PRODUCTS {
        let scene = Scene::imported(product);
        let registry = &scene.registry;
        let two = scene.push("refs/tags/v2.0.0", "The third");
        let main = scene.push("refs/heads/main", "Another library");
        for tag in ["v2.1.0", "v2.2.0", "v2.3.0"] {
            scene.push(&format!("refs/tags/{tag}"), tag);
        }
        scene.repository().git.delete("refs/tags/v1.0.0");
        let event = product.push(
            PROJECT,
            &[
                ("refs/tags/v1.0.0", None),
                ("refs/heads/main", Some(&main)),
                ("refs/tags/v2.0.0", Some(&two)),
            ],
        );
        registry.world.forget_calls();
        let answer = event.deliver(&scene, "1").expect(202);
        assert_eq!(answer.json()["result"], "accepted");
        assert_eq!(registry.world.calls(Port::Outbound), 0);
        scene.settle();
        let versions = ["v2.3.0", "v2.2.0", "v2.1.0", "v2.0.0", "v1.1.1", "v1.1.0"];
        assert_eq!(scene.versions(), versions);
        let dev = registry.composer_metadata(&format!("{PACKAGE}~dev"));
        assert_eq!(dev[0]["dist"]["reference"], main);

        // A second attempt has the id of the first.
        let again = event.deliver(&scene, "1").expect(202);
        let said = again.json()["result"].as_str().unwrap().to_owned();
        assert!(said.starts_with("duplicate"), "{said}");
        assert_eq!(registry.world.queue.borrow().len(), 0);
    }
}

#[test]
fn what_a_delivery_says_is_no_fact() {
    for product in PRODUCTS {
        let scene = Scene::imported(product);
        // The later of two came first: the tag it tells of is there again.
        let gone = product.push(PROJECT, &[("refs/tags/v1.0.0", None)]);
        let invented = "1".repeat(40);
        let made = product.push(PROJECT, &[("refs/tags/v9.0.0", Some(&invented))]);
        for (event, delivery) in [(gone, "1"), (made, "2")] {
            event.deliver(&scene, delivery).expect(202);
            scene.settle();
        }
        assert_eq!(scene.versions(), ["v1.1.1", "v1.1.0", "v1.0.0"]);
    }
}

#[test]
fn a_forged_or_unsigned_delivery_does_nothing() {
    for product in PRODUCTS {
        let scene = Scene::imported(product);
        let event = product.push(PROJECT, &[("refs/heads/main", Some("x"))]);
        let good = scene.sign(&event.body);
        let digits = good.strip_prefix("sha256=").unwrap();
        for forged in [
            None,
            Some(String::new()),
            Some("sha256=".to_owned()),
            Some(digits.to_owned()),
            Some(format!("sha1={digits}")),
            Some(scene.sign(b"{}")),
        ] {
            event.send(&scene, "1", forged).expect(401);
        }
        assert_eq!(scene.registry.world.queue.borrow().len(), 0);
        event.send(&scene, "1", Some(good)).expect(202);
        scene.settle();
    }
}

#[test]
fn what_a_host_tells_beside_is_answered_with_success() {
    for product in PRODUCTS {
        let scene = Scene::imported(product);
        let other = match product {
            Product::Cloud => json!({"repository": {"uuid": uuid(99), "full_name": "a/b"},
                                     "push": {"changes": []}}),
            Product::Server => {
                json!({"repository": {"id": 99, "slug": "b", "project": {"key": "a"}},
                                      "changes": []})
            }
        };
        let push = match product {
            Product::Cloud => "repo:push",
            Product::Server => "repo:refs_changed",
        };
        for (delivery, name, body, said) in [
            (
                "1",
                "pullrequest:created",
                json!({}),
                "say nothing about tags",
            ),
            (
                "2",
                "repo:something_new",
                json!([]),
                "say nothing about tags",
            ),
            ("3", push, other, "no package here is synced"),
        ] {
            let event = Event::new(product, name, &body);
            let answer = event.deliver(&scene, delivery).expect(202);
            let result = answer.json()["result"].as_str().unwrap().to_owned();
            assert!(result.contains(said), "{result}");
        }
        if product == Product::Server {
            let ping = Event::new(product, "diagnostics:ping", &json!({"test": true}));
            ping.deliver(&scene, "4").expect(200);
        }
        assert_eq!(scene.registry.world.queue.borrow().len(), 0);
    }
}

#[test]
fn a_webhook_that_is_there_is_found_again_instead_of_doubled() {
    for product in PRODUCTS {
        let scene = Scene::connected(product);
        let id = product.id();
        // Others were there before, more than a page of them.
        let strangers = [
            "https://one.example",
            "https://two.example",
            "https://three.example",
        ];
        for place in [HookPlace::Project(&id), HookPlace::Group("acme")] {
            let host = scene.host();
            host.recall_name(&id, PROJECT);
            let wanted = |url, secret| WantedHook { url, secret };
            for url in strangers {
                block_on(host.save_hook(place, None, &wanted(url, "x"))).unwrap();
            }
            let url = "https://packages.example.com/hooks/1";
            assert_eq!(block_on(host.find_hook(place, url)).unwrap(), None);
            let made = block_on(host.save_hook(place, None, &wanted(url, "one"))).unwrap();
            let found = block_on(host.find_hook(place, url)).unwrap();
            assert_eq!(found.as_ref(), Some(&made));
            let again = block_on(host.save_hook(place, found.as_deref(), &wanted(url, "two")));
            assert_eq!(again.unwrap(), made);
            let double = scene.double();
            let ours: Vec<_> = double
                .hooks
                .iter()
                .filter(|hook| hook.body["url"] == url)
                .collect();
            assert_eq!(ours.len(), 1);
            let body = &ours[0].body;
            let secret = match product {
                Product::Cloud => &body["secret"],
                Product::Server => &body["configuration"]["secret"],
            };
            assert_eq!(secret, "two");
            assert_eq!(body["events"], json!(product.kind().webhook_events()));
            drop(double);
            for _ in 0..2 {
                block_on(host.remove_hook(place, &made)).unwrap();
            }
            assert_eq!(block_on(host.find_hook(place, url)).unwrap(), None);
            let left = scene.double().hooks.drain(..).count();
            assert_eq!(left, strangers.len());
        }
        let nowhere = HookPlace::Group("nobody/else");
        let error = block_on(scene.host().find_hook(nowhere, "x")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
}

#[test]
fn both_secrets_are_good_while_one_takes_the_place_of_the_other() {
    for product in PRODUCTS {
        let mut scene = Scene::imported(product);
        let event = product.push(PROJECT, &[("refs/heads/main", Some("x"))]);
        let old = scene.sign(&event.body);
        let id = scene.connection["id"].as_str().unwrap().to_owned();
        let path = format!("{CONNECTIONS}/{id}/webhook-secret");
        let rotate = json!({"overlap_hours": 1});
        let rotated = scene
            .registry
            .admin()
            .post(&path, &rotate)
            .expect(200)
            .json();
        scene.connection["webhook"]["secret"] = rotated["secret"].clone();
        let new = scene.sign(&event.body);
        assert_ne!(old, new);
        let statuses = |round: u8| {
            [(&old, "old"), (&new, "new")].map(|(signature, which)| {
                let delivery = format!("{which} {round}");
                event
                    .send(&scene, &delivery, Some(signature.clone()))
                    .status()
            })
        };
        assert_eq!(statuses(1), [202, 202]);
        scene.registry.pass_time(60 * 60 - 1);
        assert_eq!(statuses(2), [202, 202]);
        scene.registry.pass_time(1);
        assert_eq!(statuses(3), [401, 202]);
        scene.registry.run_jobs();
    }
}
