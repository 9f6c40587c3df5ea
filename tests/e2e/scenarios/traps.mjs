// Mistakes that other repositories made and that only the built product can show; docs/traps.md lists all of them.
import { test } from "node:test";
import assert from "node:assert/strict";
import { request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { greeterFiles } from "../fixtures.mjs";
import { pushPayload } from "../github-webhooks.mjs";

export default function traps(world) {
  /** GET with headers that `fetch` does not let one set. */
  const ask = (path, headers) =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(world.registry.url);
      const authorization = `Bearer ${world.registry.adminToken}`;
      const call = request({ hostname, port, path, headers: { authorization, ...headers } }, (response) => {
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("end", () => resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString() }));
      });
      call.on("error", reject);
      call.end();
    });

  test("forwarded headers change no address", async () => {
    const headers = {
      "x-forwarded-host": "evil.example",
      "x-forwarded-proto": "gopher",
      "x-forwarded-prefix": "/evil",
      forwarded: "host=evil.example;proto=gopher",
    };
    const { status, text } = await ask("/r/main/packages/packages.json", headers);
    assert.equal(status, 200);
    assert.equal(JSON.parse(text)["metadata-url"], `${world.registry.repository()}/p2/%package%.json`);
    assert.doesNotMatch(text, /evil|gopher/);
  });

  test("an unknown name is a 404 at once, and leads nowhere else", async () => {
    for (const path of ["p2/acme/unheard-of.json", "p2/acme/unheard-of~dev.json"]) {
      const answer = await world.get(path);
      assert.equal(answer.status, 404, path);
      assert.equal(answer.headers.get("location"), null);
      assert.equal(answer.headers.get("content-type"), "application/json");
      assert.deepEqual(answer.json(), { error: "Not found" });
    }
  });

  test("a webhook is answered while the git host answers nothing", async () => {
    const name = "acme/held";
    const project = await world.importGreeter(name);
    const [commit] = await project.repository.commit({ files: greeterFiles(name, "v1.1.0"), tags: ["v1.1.0"] });
    const hold = world.double.faults.hold(new RegExp(`/(repos/${name}|repositories/${project.id})\\b`));
    const payload = pushPayload(world.double, project, { ref: "refs/tags/v1.1.0", after: commit });
    await world.syncedBy(name, async () => {
      // Had it asked the host, it would wait for as long as the host does.
      const answered = world.deliver("push", payload).then(() => true);
      const isAnswered = await Promise.race([answered, pause(30_000, false, { ref: false })]);
      if (isAnswered) await hold.reached;
      hold.release();
      assert.ok(isAnswered, "the webhook waits for the git host");
    });
    assert.ok((await world.versions(name)).includes("v1.1.0"));
  });

  test("a burst of requests by one token is answered, each of them", async () => {
    const name = "acme/bursting";
    await world.upload(name, "1.0.0", greeterFiles(name, "one"));
    const paths = ["packages.json", `p2/${name}.json`, `p2/${name}~dev.json`, "p2/acme/unheard-of.json"];
    const burst = Array.from({ length: 200 }, (_, index) => world.get(paths[index % paths.length]));
    const statuses = (await Promise.all(burst)).map((answer) => answer.status);
    assert.deepEqual(
      statuses,
      statuses.map((_, index) => [200, 200, 404, 404][index % paths.length]),
    );
  });
}
