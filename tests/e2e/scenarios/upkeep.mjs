// What happens behind the scenes: webhooks that never came, copies that vanished, messages that nobody understands.
import { test } from "node:test";
import assert from "node:assert/strict";
import { Platform } from "../platform.mjs";
import { greet, greeterFiles } from "../fixtures.mjs";
import { until } from "../support/until.mjs";

export default function upkeep(world) {
  const platform = new Platform(world.registry.url);

  test("a push whose webhook never came is found by the scheduled comparison", async () => {
    const name = "acme/unheard";
    const project = await world.importGreeter(name);
    await project.repository.commit({ files: greeterFiles(name, "v1.1.0"), tags: ["v1.1.0"] });
    // As if all that happened a day ago.
    await platform.query("update git_repos set last_reconciled_at = last_reconciled_at - 86400 where full_name = ?1", name);
    await platform.query(
      "update jobs set created_at = created_at - 86400 where git_repo_id = (select id from git_repos where full_name = ?1)",
      name,
    );
    const job = await world.syncedBy(name, () => platform.cron());
    assert.equal(job.cause, "schedule");
    assert.equal(job.progress.imported, 2);
    const composer = await world.composer();
    await composer.require(`${name}:^1.1`);
    assert.equal(await composer.php(greet), "v1.1.0");
  });

  test("a scheduled comparison that finds nothing new costs one request, of git and not of the API", async () => {
    const name = "acme/unchanged";
    const project = await world.importGreeter(name, { tags: ["v1.0.0", "v1.1.0", "v1.2.0"] });
    await platform.query("update git_repos set last_reconciled_at = last_reconciled_at - 25000 where full_name = ?1", name);
    await platform.query(
      "update jobs set created_at = created_at - 25000 where git_repo_id = (select id from git_repos where full_name = ?1)",
      name,
    );
    const before = world.double.requests.length;
    const job = await world.syncedBy(name, () => platform.cron());
    assert.equal(job.cause, "schedule");
    assert.deepEqual(job.progress, { total: 4, done: 4, imported: 0, unchanged: 4, skipped: 0, failed: 0, removed: 0 });
    const mine = world.double.requests.slice(before).filter(({ path }) => path.includes(name) || path.includes(`/${project.id}`));
    assert.deepEqual(
      mine.map(({ method, path, status }) => `${method} ${path} ${status}`),
      [`POST /${name}.git/git-upload-pack 200`],
    );
  });

  test("without their copies in the cache documents are the same, and copies come back", async () => {
    const name = "acme/uncached";
    await world.importGreeter(name);
    const read = () =>
      Promise.all(
        ["packages.json", `p2/${name}.json`, `p2/${name}~dev.json`].map(async (path) => {
          const { status, text, headers } = await world.get(path);
          return { status, text, modified: headers.get("last-modified"), length: headers.get("content-length") };
        }),
      );
    const documents = await read();
    assert.ok((await platform.loseCopies()) > 2);
    assert.deepEqual(await platform.listCopies(), []);
    assert.deepEqual(await read(), documents);
    // A copy is written after the answer.
    await until("no copy has come back", async () => (await platform.listCopies()).length >= 2, { deadline: 10_000 });
    assert.deepEqual(await read(), documents);
  });

  test("a message of a newer program is put aside, can be retried, and dropped", async () => {
    const letters = async () => (await world.expect(200, "GET", "/orgs/main/dead-letters")).dead_letters;
    const [repository] = (await platform.query("select id, organisation_id from repositories where slug = 'packages'")).result[0]
      .results.rows;
    const message = JSON.stringify({ v: 1000, job: "publish", repository: repository[0] });
    // As if the queue had brought it: an older program than the one that wrote it is a roll-back away.
    await platform.query(
      "insert into dead_letters (organisation_id, message, reason, received_at) values (?1, ?2, 'planted by a test', 0)",
      String(repository[1]),
      message,
    );
    const [planted] = await letters();
    assert.equal(planted.message, message);
    await world.expect(204, "POST", `/orgs/main/dead-letters/${planted.id}/retry`);
    const back = await until("the message did not come back", async () =>
      (await letters()).find((letter) => letter.reason !== planted.reason),
    );
    assert.equal(back.message, message);
    assert.match(back.reason, /newer version/);
    // It took no other message along.
    await world.importGreeter("acme/beside-a-dead-letter");
    await world.expect(204, "DELETE", `/orgs/main/dead-letters/${back.id}`);
    assert.deepEqual(await letters(), []);
    await world.expect(404, "DELETE", `/orgs/main/dead-letters/${back.id}`);
  });
}
