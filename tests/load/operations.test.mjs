// What the bindings themselves are asked for, in the real runtime, of an isolate that knows nothing, and of the same once more;
// and what it answers when one of them fails.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { freePort } from "../../scripts/bench/machine.mjs";
import { startRuntime } from "../../scripts/bench/runtime-process.mjs";
import { setUp, uploadSample } from "../../scripts/first-start.mjs";
import { LocalInstance } from "../../scripts/local-instance.mjs";
import { samplePackage } from "../../scripts/sample.mjs";

let folder, order, token, unseen, lastModified, archive;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "repertoire-operations-"));
  const instance = new LocalInstance({ stateFolder: join(folder, "state"), port: await freePort() });
  await instance.prepare();
  await instance.start();
  try {
    ({ token } = await setUp({ url: instance.url, setupSecret: instance.secret("SETUP_SECRET") }));
    const repositoryUrl = `${instance.url}/r/main/packages`;
    await uploadSample({ repositoryUrl, token });
    const response = await fetch(`${repositoryUrl}/p2/${samplePackage}.json`, { headers: { authorization: `Bearer ${token}` } });
    lastModified = response.headers.get("last-modified");
    const { packages } = JSON.parse(await response.text());
    archive = new URL(packages[samplePackage][0].dist.url).pathname;
    const made = await fetch(`${instance.url}/api/v1/orgs/main/tokens`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ name: "of nobody so far", access: "read" }),
    });
    ({ token: unseen } = await made.json());
    const secret = (name) => instance.secret(name);
    const variables = { PUBLIC_URL: instance.url, ENCRYPTION_KEY: secret("ENCRYPTION_KEY"), SETUP_SECRET: secret("SETUP_SECRET") };
    order = { dataFolder: instance.dataFolder, variables };
  } finally {
    await instance.stop();
  }
});

after(() => rm(folder, { recursive: true, force: true }));

const repository = "/r/main/packages";
for (const { title, path, status, headers = () => ({}), cold, warm } of [
  { title: "a document", path: () => `${repository}/p2/${samplePackage}.json`, status: 200, cold: { kv: 3, r2: 0 }, warm: { kv: 1, r2: 0 } },
  {
    title: "a document that has not changed",
    path: () => `${repository}/p2/${samplePackage}.json`,
    headers: () => ({ "if-modified-since": lastModified }),
    status: 304,
    cold: { kv: 2, r2: 0 },
    warm: { kv: 0, r2: 0 },
  },
  { title: "a name that is not there", path: () => `${repository}/p2/nobody/nothing.json`, status: 404, cold: { kv: 1, r2: 0 }, warm: { kv: 0, r2: 0 } },
  { title: "packages.json", path: () => `${repository}/packages.json`, status: 200, cold: { kv: 2, r2: 0 }, warm: { kv: 0, r2: 0 } },
  { title: "an archive", path: () => archive, status: 200, cold: { kv: 1, r2: 1 }, warm: { kv: 0, r2: 1 } },
]) {
  test(`${title} asks the bindings for no more than was promised`, async () => {
    const runtime = await startRuntime(order);
    try {
      const ask = async () => {
        const response = await fetch(`${runtime.urls.counted}${path()}`, { headers: { authorization: `Bearer ${token}`, ...headers() } });
        await response.arrayBuffer();
        assert.equal(response.status, status);
        const operations = JSON.parse(response.headers.get("x-operations"));
        // Each request is one point for Analytics Engine, which says the same.
        const points = JSON.parse(response.headers.get("x-points"));
        assert.equal(points.length, 1, JSON.stringify(points));
        const [{ indexes, blobs, doubles }] = points;
        assert.deepEqual([indexes.length, blobs.length, doubles.length], [1, 3, 5]);
        assert.equal(blobs[1], `${String(status)[0]}xx`);
        assert.deepEqual([doubles[1] > 0, ...doubles.slice(2, 4)], [operations.d1 > 0, operations.kvReads, operations.r2Reads]);
        return operations;
      };
      const first = await ask();
      assert.equal(first.d1Batches, 1, JSON.stringify(first));
      assert.ok(first.kvReads <= cold.kv, JSON.stringify(first));
      assert.equal(first.r2Reads, cold.r2, JSON.stringify(first));
      const second = await ask();
      assert.deepEqual([second.d1, second.d1Batches, second.kvWrites, second.r2Writes], [0, 0, 0, 0], JSON.stringify(second));
      assert.ok(second.kvReads <= warm.kv, JSON.stringify(second));
      assert.equal(second.r2Reads, warm.r2, JSON.stringify(second));
    } finally {
      await runtime.stop();
    }
  });
}

test("while one of the bindings fails, the others answer, and what they cannot is a 503 that says when to ask again", async () => {
  const runtime = await startRuntime({ ...order, canFail: true });
  try {
    const document = `${repository}/p2/${samplePackage}.json`;
    const ask = async (path, { failing = "", bearer = token } = {}) => {
      const headers = { authorization: `Bearer ${bearer}`, "x-failing": failing };
      const response = await fetch(`${runtime.urls.failing}${path}`, { headers });
      return { status: response.status, text: await response.text(), retryAfter: response.headers.get("retry-after") };
    };
    const told = (answer) => assert.ok(answer.status === 503 && Number(answer.retryAfter) > 0 && !/wire/.test(answer.text), JSON.stringify(answer));

    // Nobody is known yet, and nothing can be looked up.
    told(await ask(document, { failing: "DB" }));
    const healthy = await ask(document);
    assert.equal(healthy.status, 200);
    const { status, text } = await ask(archive);
    assert.equal(status, 200);
    for (const failing of ["BLOBS", "CACHE", "DB"]) {
      const answer = await ask(document, { failing });
      assert.deepEqual([answer.status, answer.text], [200, healthy.text], failing);
    }
    for (const failing of ["CACHE", "DB"]) assert.equal((await ask(archive, { failing })).text, text, failing);
    told(await ask(archive, { failing: "BLOBS" }));
    told(await ask(document, { failing: "CACHE BLOBS" }));
    // Who is not known yet is not taken for a stranger.
    told(await ask(document, { failing: "DB", bearer: unseen }));
    assert.equal((await ask(document, { bearer: unseen })).status, 200);
    assert.equal((await ask(archive)).text, text);
  } finally {
    await runtime.stop();
  }
});
