// Runs in a process of its own, under a Node.js that is new enough for miniflare: all Workers of a measurement in one
// workerd, each with an address of its own. `wrangler dev` would put a second Worker and a second process in front of
// each request, which cost several times as much as what is to be measured.
//
// It is told once what to run, answers with the addresses, and ends with the process that started it.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { Miniflare, convertV4MiniflareOptions } from "miniflare";

import { projectFolder } from "../paths.mjs";

const ADDRESS = "127.0.0.1";
const workersFolder = join(projectFolder, "scripts", "bench", "workers");

process.on("disconnect", () => process.exit());
process.once("message", async ({ dataFolder, variables, baselines, seeds }) => {
  try {
    const miniflare = new Miniflare(options(dataFolder, variables, baselines));
    await miniflare.ready;
    const cache = await miniflare.getKVNamespace("CACHE", "registry");
    for (const { key, text } of seeds) await cache.put(key, text);
    await makeWhole(await miniflare.getR2Bucket("BLOBS", "registry"));
    const urls = {};
    for (const { name } of workers(variables, baselines)) {
      urls[name] = (await miniflare.unsafeGetDirectURL(name)).toString().replace(/\/$/, "");
    }
    process.send({ urls, compileMilliseconds: compileMilliseconds() });
  } catch (error) {
    process.send({ error: String(error.stack ?? error) });
  }
});

function options(dataFolder, variables, baselines) {
  return convertV4MiniflareOptions({
    host: ADDRESS,
    port: 0,
    // Made-up facts of the caller, or miniflare would ask the network for real ones.
    cf: false,
    logRequests: false,
    // Where `wrangler dev --persist-to` has put it.
    resourcePersistencePath: join(dataFolder, "v3"),
    workers: workers(variables, baselines),
  });
}

function workers(variables, baselines) {
  const toml = readFileSync(join(projectFolder, "wrangler.toml"), "utf8");
  const common = {
    compatibilityDate: toml.match(/^compatibility_date = "(.*)"$/m)[1],
    compatibilityFlags: ["no_nodejs_compat", "no_nodejs_compat_v2"],
    kvNamespaces: { CACHE: "repertoire-local" },
    r2Buckets: { BLOBS: "repertoire-blobs" },
    unsafeDirectSockets: [{ host: ADDRESS, port: 0 }],
  };
  const registry = {
    ...common,
    bindings: { ROLE: "edge", ...variables },
    d1Databases: { DB: "repertoire-local" },
    queueProducers: { JOBS: "repertoire-jobs", COUNTS: "repertoire-counts" },
    modulesRoot: projectFolder,
  };
  const build = [
    { type: "ESModule", path: join(projectFolder, "build", "edge", "index.js") },
    { type: "CompiledWasm", path: join(projectFolder, "build", "edge", "index_bg.wasm") },
  ];
  const counted = { type: "ESModule", path: join(workersFolder, "counted.js") };
  return [
    { ...registry, name: "registry", modules: build },
    { ...registry, name: "counted", modules: [counted, ...build] },
    ...baselines.map(({ name, script, bindings }) => ({
      ...common,
      name,
      bindings,
      modulesRoot: workersFolder,
      modules: [{ type: "ESModule", path: join(workersFolder, `${script}.js`) }],
    })),
  ];
}

/** The least of a few: this V8 compiles as workerd's does, and the Node.js that the measurement runs on may be too old. */
function compileMilliseconds() {
  const bytes = readFileSync(join(projectFolder, "build", "edge", "index_bg.wasm"));
  const times = Array.from({ length: 5 }, () => {
    const began = performance.now();
    new WebAssembly.Module(bytes);
    return performance.now() - began;
  });
  return Math.min(...times);
}

/**
 * R2 keeps an object as one whatever it was uploaded in; the local one keeps the parts, and reads them some twenty times
 * slower, which would hide all that is to be measured.
 */
async function makeWhole(bucket) {
  const { objects } = await bucket.list({ prefix: "archives/" });
  for (const { key } of objects) await bucket.put(key, await (await bucket.get(key)).arrayBuffer());
}
