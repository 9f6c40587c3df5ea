import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { adapt } from "../../scripts/configuration.mjs";
import { projectFolder, workerConfigurations } from "../../scripts/paths.mjs";

// wrangler's own parser, so that what is tested here is what wrangler will read.
const { experimental_readRawConfig: readRawConfig } = await import("wrangler");

const committed = workerConfigurations.map((name) => readRawConfig({ config: join(projectFolder, name) }).rawConfig);
const text = (name) => readFileSync(join(projectFolder, name), "utf8");

test("all Workers are given the same stores and the same queues", () => {
  const [edge, api, consumer] = committed;
  for (const other of [api, consumer]) {
    for (const key of ["compatibility_date", "compatibility_flags", "build", "d1_databases", "kv_namespaces", "r2_buckets"]) {
      assert.deepEqual(edge[key], other[key], key);
    }
    assert.deepEqual(edge.queues.producers, other.queues.producers);
  }
  assert.deepEqual(edge.ratelimits, api.ratelimits);
  for (const answering of [edge, api]) {
    assert.equal(answering.queues.consumers, undefined);
    assert.equal(answering.triggers, undefined);
  }
});

test("the edge hands on to the API, which like the consumer has no address of its own", () => {
  const [edge, api, consumer] = committed;
  assert.deepEqual(edge.services.map(({ binding, service }) => [binding, service]), [["API", api.name]]);
  assert.equal(edge.main, "build/edge/index.js");
  for (const other of [api, consumer]) {
    assert.equal(other.main, "build/whole/index.js");
    assert.equal(other.services, undefined);
    assert.equal(other.workers_dev, false);
    assert.equal(other.routes, undefined);
  }
});

test("every queue that is written to is read by the consumer, the dead letters too", () => {
  const [edge, api, consumer] = committed;
  const read = consumer.queues.consumers.map(({ queue }) => queue);
  const written = [edge, api, consumer].flatMap(({ queues }) => queues.producers).map(({ queue }) => queue);
  const dead = consumer.queues.consumers.flatMap(({ dead_letter_queue: queue }) => queue ?? []);
  assert.deepEqual(new Set(read), new Set([...written, ...dead]));
});

test("a provider's token does not follow a redirect to another host, and Node.js is left out", () => {
  for (const configuration of committed) {
    assert.ok(configuration.compatibility_date >= "2025-09-01");
    assert.deepEqual(configuration.compatibility_flags, ["no_nodejs_compat", "no_nodejs_compat_v2"]);
  }
});

test("a local copy has the variables of the instance and absolute paths", () => {
  const variables = { PUBLIC_URL: "http://localhost:8787", ALLOW_PRIVATE_ADDRESSES: "true" };
  for (const name of workerConfigurations) {
    const adapted = adapt(text(name), { variables });
    assert.match(adapted, /^PUBLIC_URL = "http:\/\/localhost:8787"\nALLOW_PRIVATE_ADDRESSES = "true"$/m);
    assert.match(adapted, new RegExp(`^main = "${projectFolder}/build/(edge|whole)/index.js"$`, "m"));
    assert.ok(adapted.includes(`migrations_dir = "${projectFolder}/migrations"`));
    assert.ok(adapted.includes('database_id = "repertoire-local"'));
  }
});

test("further hosts are routes of the edge, beside its own or beside workers.dev", () => {
  const values = { variables: { PUBLIC_URL: "https://a.example" }, also: ["b.example", "c.example"] };
  const route = (name) => `{ pattern = "${name}", custom_domain = true }`;
  const edge = text("wrangler.toml");
  const own = adapt(edge, { ...values, host: "a.example" });
  assert.ok(own.includes(`workers_dev = false\nroutes = [${["a.example", "b.example", "c.example"].map(route).join(", ")}]`), own);
  const platform = adapt(edge, values);
  assert.ok(platform.includes(`workers_dev = true\nroutes = [${["b.example", "c.example"].map(route).join(", ")}]`), platform);
});

test("a deployed copy has the account's own resources, and only the edge gets the host", () => {
  const values = { variables: { PUBLIC_URL: "https://packages.acme.example" }, databaseId: "d1-id", namespaceId: "kv-id", host: "packages.acme.example" };
  const [edge, ...others] = workerConfigurations.map((name) => adapt(text(name), values));
  for (const adapted of [edge, ...others]) {
    assert.ok(adapted.includes('\ndatabase_id = "d1-id"\n') && adapted.includes('\nid = "kv-id"\n'));
    assert.ok(!adapted.includes("repertoire-local"));
  }
  assert.ok(edge.includes('routes = [{ pattern = "packages.acme.example", custom_domain = true }]'));
  assert.ok(edge.includes("workers_dev = false"));
  for (const adapted of others) assert.ok(!adapted.includes("routes"));
});

test("a line that is no longer there is named", () => {
  const changed = text("wrangler.toml").replace('main = "build/edge/index.js"', 'main = "elsewhere.js"');
  assert.throws(() => adapt(changed, { variables: { PUBLIC_URL: "" } }), /no line `main = "build\/edge\/index\.js"`/);
});
