// Archives in the data centre's own cache (`CACHE_ARCHIVES`): the blob store is left alone, and nobody gets anything more.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { freePort } from "../../scripts/bench/machine.mjs";
import { setUp, uploadSample } from "../../scripts/first-start.mjs";
import { LocalInstance } from "../../scripts/local-instance.mjs";
import { samplePackage, sampleVersion } from "../../scripts/sample.mjs";
import { until } from "./support/until.mjs";

let folder, instance, owner, dist, bytes;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "repertoire-archive-cache-"));
  const variables = { CACHE_ARCHIVES: "true", LOG_REQUESTS: "all" };
  instance = new LocalInstance({ stateFolder: join(folder, "state"), port: await freePort(), variables });
  await instance.prepare();
  await instance.start();
  const made = await setUp({ url: instance.url, setupSecret: instance.secret("SETUP_SECRET") });
  owner = made.token;
  const repositoryUrl = `${instance.url}/r/main/packages`;
  await uploadSample({ repositoryUrl, token: owner });
  const document = await get(`${repositoryUrl}/p2/${samplePackage}.json`);
  dist = JSON.parse(document.bytes).packages[samplePackage][0].dist.url;
});

after(async () => {
  await instance?.stop();
  await rm(folder, { recursive: true, force: true });
});

test("the second reader is answered without the blob store", async () => {
  const first = await get(dist);
  assert.equal(first.status, 200);
  bytes = first.bytes;
  const [read] = await linesOfArchives(1);
  assert.equal(read.from, "r2");
  assert.equal(read.r2_reads, 1);
  // The copy is left after the answer.
  const last = await until("no answer came from a copy", async () => {
    const again = await get(dist);
    assert.equal(again.status, 200);
    assert.deepEqual(again.bytes, bytes);
    assert.equal(again.headers.get("content-length"), String(bytes.length));
    for (const name of ["etag", "content-type", "cache-control", "last-modified"])
      assert.equal(again.headers.get(name), first.headers.get(name), name);
    const lines = await linesOfArchives(2);
    return lines.at(-1).from === "cache" && lines.at(-1);
  });
  assert.equal(last.r2_reads, 0);
});

test("a part of it comes from the copy too", async () => {
  const known = (await linesOfArchives(1)).length;
  for (const [range, from, to] of [
    ["bytes=0-9", 0, 10],
    ["bytes=-22", bytes.length - 22, bytes.length],
    [`bytes=5-${bytes.length + 100}`, 5, bytes.length],
  ]) {
    const part = await get(dist, { headers: { range } });
    assert.equal(part.status, 206, range);
    assert.deepEqual(part.bytes, bytes.subarray(from, to), range);
    assert.equal(part.headers.get("content-range"), `bytes ${from}-${to - 1}/${bytes.length}`);
  }
  const lines = (await linesOfArchives(known + 3)).slice(known);
  assert.deepEqual(
    lines.map((line) => [line.from, line.r2_reads]),
    Array(3).fill(["cache", 0]),
  );
});

test("who may not have it does not get it from the copy", async () => {
  const stranger = await api("POST", "/orgs/main/tokens", { name: "stranger", access: "read", packages: ["others/*"] });
  assert.equal((await get(dist, { token: stranger.token })).status, 404);
  assert.equal((await get(dist, { token: "" })).status, 401);
  const sha = (await get(dist)).headers.get("etag").replaceAll('"', "");
  // However the copy is called, no request from outside has it for an answer.
  const key = dist.replace(/^.*\/dist\//, "");
  for (const address of [`/.archives/${key}?${sha}`, `/.archives/archives/${key}?${sha}`])
    assert.equal((await get(`${instance.url}${address}`)).status, 404);
});

test("a version that is deleted is gone, whatever lies in a cache", async () => {
  await api("DELETE", `/orgs/main/packages/${samplePackage}/versions/${sampleVersion}`, { confirm: `${samplePackage} ${sampleVersion}` });
  await until("the archive is still there", async () => (await get(dist)).status === 404);
});

/** The log's lines about archives, when there are so many. */
async function linesOfArchives(count) {
  return until(`there are not ${count} lines about archives`, async () => {
    const lines = (await readFile(instance.logPath, "utf8"))
      .split("\n")
      .filter((line) => line.includes('"route":"composer.dist"'))
      .map((line) => JSON.parse(line.slice(line.indexOf("{"), line.lastIndexOf("}") + 1)));
    return lines.length >= count && lines;
  });
}

async function get(url, { token = owner, headers = {} } = {}) {
  const authorization = token ? { authorization: `Bearer ${token}` } : {};
  const response = await fetch(url, { headers: { ...authorization, ...headers } });
  return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) };
}

async function api(method, path, body) {
  const response = await fetch(`${instance.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${owner}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${path} was answered ${response.status}: ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}
