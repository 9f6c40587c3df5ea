// Webhooks: true ones lead to a sync, all others do nothing and say why.
import { test } from "node:test";
import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { createPayload, deliver, pingPayload, pushPayload } from "../github-webhooks.mjs";
import { greet, greeterFiles } from "../fixtures.mjs";
import { post } from "../support/post.mjs";

const limit = 25 * 1024 * 1024;

export default function webhooks(world) {
  /** An imported project with a `release(tag)`: that pushes a commit with a tag to the git host and returns the payload that tells of it. */
  async function hooked(name) {
    const project = await world.importGreeter(name);
    const release = async (tag) => {
      const [commit] = await project.repository.commit({ files: greeterFiles(name, tag), tags: [tag] });
      return pushPayload(world.double, project, { ref: `refs/tags/${tag}`, after: commit });
    };
    return { project, release };
  }

  const ping = async () => pingPayload(world.double, await world.double.addProject(`acme/pinged-${randomUUID()}`));

  test("ping is answered", async () => {
    const answer = await deliver(world.connection.webhook, "ping", await ping());
    assert.equal(answer.status, 200, answer.text);
  });

  test("after the push of a tag `composer update` sees the release", async () => {
    const name = "acme/hooked";
    const { release } = await hooked(name);
    const composer = await world.composer();
    await composer.require(`${name}:^1.0`);
    assert.equal(await composer.php(greet), "v1.0.0");
    const payload = await release("v1.1.0");
    const job = await world.syncedBy(name, () => world.deliver("push", payload));
    assert.equal(job.progress.imported, 2, "the tag and the branch it is on");
    await composer.update();
    assert.equal(await composer.php(greet), "v1.1.0");
  });

  test("only what changed is fetched", async () => {
    const name = "acme/frugal";
    const { project, release } = await hooked(name);
    const payload = await release("v1.2.0");
    const listed = new RegExp(`/repositories/${project.id}/(tags|branches)\\?`);
    const known = new Set(world.double.requests.map((request) => request.path).filter((path) => listed.test(path)));
    const before = world.double.requests.length;
    await world.syncedBy(name, () => world.deliver("create", createPayload(world.double, project, { ref: "v1.2.0" })));
    const asked = world.double.requests.slice(before);
    const archives = new Set(
      asked
        .filter((request) => request.host === "archive" && request.path.startsWith(`/${name}/`))
        .map((request) => request.path.split("?")[0].split("/").at(-1)),
    );
    assert.deepEqual([...archives], [payload.after], "one commit, although a tag and a branch point at it");
    const pages = asked.filter((request) => known.has(request.path));
    assert.ok(pages.length > 0);
    // None is unchanged here: tags are listed from the greatest down, two a page. What is gets its 304 in `imports`.
    assert.ok(
      pages.every((request) => request.headers["if-none-match"]),
      "pages that are known are asked for conditionally",
    );
    assert.ok((await world.versions(name)).includes("v1.2.0"));
  });

  test("forged, unsigned and unknown deliveries do nothing", async () => {
    const name = "acme/forgery";
    const { release } = await hooked(name);
    const payload = await release("v1.3.0");
    const { webhook } = world.connection;
    const known = await world.jobIds();
    const ofOthers = `sha256=${createHmac("sha256", "another secret").update(JSON.stringify(payload)).digest("hex")}`;
    assert.equal((await deliver(webhook, "push", payload, { signature: ofOthers })).status, 401);
    assert.equal((await deliver(webhook, "push", payload, { signature: null })).status, 401);
    assert.equal((await deliver(webhook, "push", payload, { signature: "sha256=" })).status, 401);
    assert.equal((await deliver(webhook, "push", payload, { signature: "nonsense" })).status, 401);
    assert.equal(
      (await deliver({ ...webhook, url: `${world.registry.url}/hooks/${randomUUID()}` }, "push", payload)).status,
      404,
    );
    // The next true delivery is the proof that none of the others had led to anything: its job is the only new one.
    const job = await world.syncedBy(name, () => world.deliver("push", payload));
    assert.equal(await world.countNewJobs(name, known), 1);
    assert.equal(job.progress.imported, 2);
  });

  test("a replay is accepted once", async () => {
    const name = "acme/replayed";
    const { release } = await hooked(name);
    const delivery = randomUUID();
    const first = await release("v1.4.0");
    await world.syncedBy(name, () => world.deliver("push", first, { delivery }));
    const known = await world.jobIds();
    const replay = await world.deliver("push", first, { delivery });
    assert.match(replay.text, /duplicate/i);
    const second = await release("v1.5.0");
    await world.syncedBy(name, () => world.deliver("push", second));
    assert.equal(await world.countNewJobs(name, known), 1);
  });

  test("an event that nobody waits for is accepted and ignored", async () => {
    const name = "acme/starred";
    const { project, release } = await hooked(name);
    const known = await world.jobIds();
    const delivery = randomUUID();
    await world.deliver("star", { action: "created", ...pingPayload(world.double, project) }, { delivery });
    const payload = await release("v1.6.0");
    await world.syncedBy(name, () => world.deliver("push", payload));
    assert.equal(await world.countNewJobs(name, known), 1);
    const { deliveries } = await world.expect(200, "GET", "/orgs/main/deliveries");
    const entry = deliveries.find((candidate) => candidate.delivery === delivery);
    assert.deepEqual([entry.event, entry.verdict, entry.job], ["star", "ignored", null]);
  });

  test("a body above the limit is refused, right signature or not", async () => {
    const body = JSON.stringify({
      ...(await ping()),
      padding: "x".repeat(limit),
    });
    const signature = createHmac("sha256", world.connection.webhook.secret).update(body).digest("hex");
    const answer = await post(world.connection.webhook.url, body, {
      "content-type": "application/json",
      "x-github-event": "push",
      "x-github-delivery": randomUUID(),
      "x-hub-signature-256": `sha256=${signature}`,
    });
    assert.equal(answer.status, 413);
  });

  test("a delivery is on record with the job it led to", async () => {
    const name = "acme/recorded";
    const { release } = await hooked(name);
    const delivery = randomUUID();
    const payload = await release("v1.7.0");
    const job = await world.syncedBy(name, () => world.deliver("push", payload, { delivery }));
    const { deliveries } = await world.expect(200, "GET", "/orgs/main/deliveries");
    const entry = deliveries.find((candidate) => candidate.delivery === delivery);
    assert.deepEqual([entry.event, entry.verdict, entry.project, entry.job], ["push", "accepted", name, job.id]);
  });
}
