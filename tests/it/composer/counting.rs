//! What is counted of installs and downloads: by version, client and reader, once, and no more than what was.

use pollster::block_on;
use repertoire::http::{begin_to_gather, tell_gathered};
use repertoire::jobs::{Message, Outcome, run_counts};
use serde_json::json;

use super::dist_path;
use crate::support::persona::{Answer, Persona};
use crate::support::{TestRegistry, isolate};

const AGENT: &str = "Composer/2.9.1 (Linux; 6.8.0; PHP 8.3.6; cURL 8.5.0; CI)";
const OLD_AGENT: &str = "Composer/1.10.27 (Linux; 5.4.0; PHP 7.4.33; streams)";

fn download(persona: &Persona<'_>, path: &str, agent: &str) -> Answer {
    persona.get_with(path, "user-agent", agent)
}

fn report(persona: &Persona<'_>, agent: &str, downloads: &[(&str, &str)]) {
    let downloads: Vec<_> = downloads
        .iter()
        .map(|(name, version)| json!({"name": name, "version": version}))
        .collect();
    let body = json!({ "downloads": downloads }).to_string().into_bytes();
    let agent = [("user-agent", agent.to_owned())];
    persona
        .send("POST", "/r/acme/main/downloads", &agent, body)
        .expect(201);
}

/// What comes some seconds after the answers, as the edge has it.
fn settle(registry: &TestRegistry) {
    if begin_to_gather(&registry.app).is_some() {
        block_on(tell_gathered(&registry.app));
    }
    registry.run_jobs();
}

/// All sums, one a line: the table's short name, its key, installs and archives.
pub(crate) fn sums(registry: &TestRegistry) -> Vec<String> {
    registry.world.sqlite.texts(
        "select 'version ' || p.name || ' ' || d.version || ' ' || d.day || ' ' || d.count || ' ' || d.archives
         from downloads d join packages p on p.id = d.package_id
         union all
         select 'client ' || p.name || ' ' || c.day || ' ' || c.php || '/' || c.composer || ' ' || c.installs || ' ' || c.archives
         from package_clients c join packages p on p.id = c.package_id
         union all
         select 'reader ' || p.name || ' ' || r.kind || ' ' || c.day || ' ' || c.installs || ' ' || c.archives
         from package_readers c join packages p on p.id = c.package_id join readers r on r.id = c.reader_id
         order by 1",
    )
}

/// That each of the tables has the same in sum.
pub(crate) fn assert_agree(registry: &TestRegistry) {
    let differences = registry.world.sqlite.texts(
        "with v as (select p.organisation_id as o, d.package_id as p, d.day, sum(d.count) as i, sum(d.archives) as a
                    from downloads d join packages p on p.id = d.package_id group by 1, 2, 3),
              c as (select p.organisation_id as o, d.package_id as p, d.day, sum(d.installs) as i, sum(d.archives) as a
                    from package_clients d join packages p on p.id = d.package_id group by 1, 2, 3),
              r as (select r.organisation_id as o, d.package_id as p, d.day, sum(d.installs) as i, sum(d.archives) as a
                    from package_readers d join readers r on r.id = d.reader_id group by 1, 2, 3),
              w as (select o, day, sum(i) as i, sum(a) as a from v group by 1, 2),
              oc as (select organisation_id as o, day, sum(installs) as i, sum(archives) as a
                     from organisation_clients group by 1, 2),
              rd as (select r.organisation_id as o, d.day, sum(d.installs) as i, sum(d.archives) as a
                     from reader_days d join readers r on r.id = d.reader_id group by 1, 2)
         select 'clients' from (select * from v except select * from c) union all
         select 'clients' from (select * from c except select * from v) union all
         select 'readers' from (select * from v except select * from r) union all
         select 'readers' from (select * from r except select * from v) union all
         select 'organisation' from (select * from w except select * from oc) union all
         select 'organisation' from (select * from oc except select * from w) union all
         select 'days' from (select * from w except select * from rd) union all
         select 'days' from (select * from rd except select * from w)",
    );
    assert_eq!(differences, Vec::<String>::new(), "{:?}", sums(registry));
}

#[test]
fn installs_and_downloads_are_counted_by_version_client_and_reader() {
    let registry = TestRegistry::imported();
    let path = dist_path(&registry);
    let reader = registry.reader("acme/*");
    for _ in 0..3 {
        download(&reader, &path, AGENT).expect(200);
    }
    download(&registry.admin(), &path, "curl/8.5.0").expect(200);
    report(&reader, AGENT, &[("acme/lib", "1.1.0.0")]);
    report(&reader, OLD_AGENT, &[("acme/lib", "1.0.0.0")]);
    assert_eq!(sums(&registry), Vec::<String>::new());
    settle(&registry);
    assert_eq!(
        sums(&registry),
        [
            "client acme/lib 2026-11-21 /0 0 1",
            "client acme/lib 2026-11-21 7.4/1 1 0",
            "client acme/lib 2026-11-21 8.3/2 1 3",
            "reader acme/lib instance 2026-11-21 0 1",
            "reader acme/lib token 2026-11-21 2 3",
            "version acme/lib 1.0.0.0 2026-11-21 1 0",
            "version acme/lib 1.1.0.0 2026-11-21 1 4",
        ]
    );
    assert_agree(&registry);
}

#[test]
fn what_is_no_download_is_not_counted() {
    let registry = TestRegistry::imported();
    let path = dist_path(&registry);
    let admin = registry.admin();
    let tag = admin
        .get(&path)
        .expect(200)
        .header("etag")
        .unwrap()
        .to_owned();
    settle(&registry);
    let before = sums(&registry);
    // Asked whether it is there, known already, refused, not there, and the rest of one that was begun.
    admin.send("HEAD", &path, &[], Vec::new()).expect(200);
    admin.get_with(&path, "if-none-match", &tag).expect(304);
    admin.get_with(&path, "range", "bytes=10-").expect(206);
    admin
        .get_with(&path, "range", "bytes=99999999-")
        .expect(416);
    registry.anonymous().get(&path).expect(401);
    registry.reader("other/*").get(&path).expect(404);
    admin.get("/r/acme/main/dist/acme/lib/0000.zip").expect(404);
    assert_eq!(begin_to_gather(&registry.app), None);
    settle(&registry);
    assert_eq!(sums(&registry), before);
    // One that is begun is one.
    admin.get_with(&path, "range", "bytes=0-9").expect(206);
    settle(&registry);
    assert!(sums(&registry).contains(&"version acme/lib 1.1.0.0 2026-11-21 0 2".to_owned()));
}

#[test]
fn an_installation_is_told_of_in_one_message() {
    let registry = TestRegistry::imported();
    registry.fill(30);
    let admin = registry.admin();
    let mut waiting = 0;
    for number in 0..30 {
        let path = format!("/r/acme/main/dist/bulk/p{number}/r.zip");
        download(&admin, &path, AGENT).expect(200);
        waiting += usize::from(begin_to_gather(&registry.app).is_some());
    }
    assert_eq!(waiting, 1);
    assert_eq!(registry.world.queue.borrow().len(), 0);
    block_on(tell_gathered(&registry.app));
    assert_eq!(registry.world.queue.borrow().len(), 1);
    let rows = registry.world.sqlite.changes();
    registry.run_jobs();
    // Three a package, two of the organisation's, who it was and that it was counted.
    assert_eq!(registry.world.sqlite.changes() - rows, 3 * 30 + 2 + 2);
    assert_agree(&registry);
}

#[test]
fn what_cannot_be_told_is_told_with_the_next() {
    let registry = TestRegistry::imported();
    let path = dist_path(&registry);
    download(&registry.admin(), &path, AGENT).expect(200);
    registry.world.queue_is_down.set(true);
    begin_to_gather(&registry.app).unwrap();
    block_on(tell_gathered(&registry.app));
    registry.world.queue_is_down.set(false);
    download(&registry.admin(), &path, AGENT).expect(200);
    settle(&registry);
    assert!(sums(&registry).contains(&"version acme/lib 1.1.0.0 2026-11-21 0 2".to_owned()));
}

#[test]
fn customers_are_one_whichever_token_they_use_and_strangers_are_their_organisation() {
    let registry = TestRegistry::shop();
    let buyer = registry.buyer_with(&json!({}));
    let path = format!("/api/v1/orgs/acme/customers/{}/tokens", buyer.id);
    let second = registry.admin().post(&path, &json!({"name": "laptop"}));
    let second = second.expect(201).json()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    for token in [&buyer.token, &second] {
        report(
            &registry.with_token(token),
            AGENT,
            &[("acme/lib", "3.0.0.0"), ("acme/tool", "1.0.0.0")],
        );
    }
    registry.run_jobs();
    let readers = || {
        registry.world.sqlite.texts(
            "select r.kind || ' ' || r.subject || ' ' || d.installs from readers r join reader_days d on d.reader_id = r.id",
        )
    };
    assert_eq!(readers(), [format!("customer {} 4", buyer.id)]);
    // The sums outlive the customer, without its name.
    registry.remove_confirmed(&format!("customers/{}", buyer.id), "Buyer");
    assert_eq!(readers(), [format!("customer {} 4", buyer.id)]);
    assert_agree(&registry);
}

#[test]
fn anybody_is_anonymous_in_a_public_repository() {
    let registry = TestRegistry::imported();
    let path = dist_path(&registry);
    registry.alter("repositories/main", &json!({"public": true}));
    registry.pass_time(10);
    download(&registry.anonymous(), &path, AGENT).expect(200);
    report(&registry.anonymous(), AGENT, &[("acme/lib", "1.1.0.0")]);
    settle(&registry);
    assert!(sums(&registry).contains(&"reader acme/lib anonymous 2026-11-21 1 1".to_owned()));
    assert_agree(&registry);
}

/// Whoever may read can make up what a client is called, and no more rows than there are kinds of clients.
#[test]
fn made_up_clients_are_no_clients() {
    let registry = TestRegistry::imported();
    let admin = registry.admin();
    for number in 0..50 {
        let agent = format!("Composer/{number}0.1 (Linux; x; PHP {number}9.{number}1.7; y)");
        report(&admin, &agent, &[("acme/lib", "1.1.0.0")]);
    }
    report(
        &admin,
        &"Composer/2.".repeat(5_000),
        &[("acme/lib", "1.1.0.0")],
    );
    registry.run_jobs();
    let clients = registry
        .world
        .sqlite
        .texts("select php || '/' || composer from package_clients order by 1");
    assert_eq!(clients, ["/0", "/2"]);
}

/// Batches as a queue may have them: cut anywhere, in any order, with failures and repetitions.
#[test]
fn whatever_the_queue_does_the_sums_are_the_same() {
    let registry = TestRegistry::imported();
    let path = dist_path(&registry);
    let admin = registry.admin();
    let reader = registry.reader("acme/*");
    for round in 0..4 {
        registry.pass_time(12 * 60 * 60);
        let who = if round % 2 == 0 { &admin } else { &reader };
        download(who, &path, AGENT).expect(200);
        block_on(tell_gathered(&registry.app));
        report(
            who,
            AGENT,
            &[("acme/lib", "1.1.0.0"), ("acme/lib", "dev-main")],
        );
    }
    let messages: Vec<_> = registry
        .world
        .queue
        .borrow_mut()
        .drain(..)
        .map(|waiting| Message {
            text: waiting.text,
            attempts: 1,
        })
        .collect();
    assert_eq!(messages.len(), 8);
    let run = |registry: &TestRegistry, messages: &[Message]| {
        for outcome in block_on(run_counts(&registry.app, messages)) {
            assert_eq!(outcome, Outcome::Done);
        }
    };
    run(&registry, &messages);
    let expected = sums(&registry);
    assert_agree(&registry);
    // On two days, of two versions, by two readers with the same client.
    assert_eq!(expected.len(), 2 * (2 + 2 + 1), "{expected:#?}");
    for cut in 1..messages.len() {
        registry.change("delete from downloads");
        for table in [
            "package_clients",
            "package_readers",
            "organisation_clients",
            "reader_days",
            "download_reports",
        ] {
            let sql = format!("delete from {table}");
            registry.change(Box::leak(sql.into_boxed_str()));
        }
        let (one, other) = messages.split_at(cut);
        run(&registry, other);
        // Some come again with others.
        registry.world.db_is_down.set(true);
        let failed = block_on(run_counts(&registry.app, one));
        registry.world.db_is_down.set(false);
        assert!(failed.iter().all(|outcome| *outcome != Outcome::Done));
        let mut again = messages.clone();
        again.reverse();
        run(&registry, &again);
        assert_eq!(sums(&registry), expected);
        assert_agree(&registry);
    }
}

/// Two consumers at once have the same message: the batch of one fails as a whole.
#[test]
fn a_report_that_two_consumers_have_is_counted_once() {
    use crate::support::interleave::Run;
    let registry = TestRegistry::imported();
    report(&registry.admin(), AGENT, &[("acme/lib", "1.1.0.0")]);
    let waiting = registry.world.queue.borrow_mut().pop_front().unwrap();
    let message = Message {
        text: waiting.text,
        attempts: 1,
    };
    let messages = [message];
    for calls in 1.. {
        registry.change("delete from download_reports");
        registry.change("delete from downloads");
        let other = isolate(&registry.world);
        registry.world.gives_way.set(true);
        let mut first = Run::new(run_counts(&registry.app, &messages));
        let is_through = first.steps(calls);
        registry.world.gives_way.set(false);
        if !is_through {
            assert_eq!(block_on(run_counts(&other, &messages)), [Outcome::Done]);
        }
        let outcome = first.finish();
        let counted = registry
            .world
            .sqlite
            .texts("select cast(sum(count) as text) from downloads");
        assert_eq!(counted, ["1"], "after {calls} calls: {outcome:?}");
        assert_eq!(block_on(run_counts(&other, &messages)), [Outcome::Done]);
        if is_through {
            break;
        }
    }
}
