// Runs in a process of its own, under a Node.js that is new enough for miniflare: all Workers of a measurement in one
// workerd, each with an address of its own. `wrangler dev` would put a second Worker and a second process in front of
// each request, which cost several times as much as what is to be measured.
//
// It is told once what to run, answers with the addresses, does then what it is asked to (`calls`), and ends with the
// process that started it. All that the measurements know of the Workers' configuration is in here.

import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { Miniflare, convertV4MiniflareOptions } from "miniflare";

import { projectFolder } from "../paths.mjs";

const ADDRESS = "127.0.0.1";
const workersFolder = join(projectFolder, "scripts", "bench", "workers");

// The names that `wrangler.toml` has for local data.
const DATABASE = "repertoire-local";
const COPIES = "repertoire-local";
const BUCKET = "repertoire-blobs";
const JOBS = "repertoire-jobs";

let miniflare;

process.on("disconnect", () => process.exit());
process.once("message", async (order) => {
  try {
    miniflare = new Miniflare(options(order));
    await miniflare.ready;
    const cache = await miniflare.getKVNamespace("CACHE", "registry");
    for (const { key, text } of order.seeds ?? []) await cache.put(key, text);
    await makeWhole(await miniflare.getR2Bucket("BLOBS", "registry"));
    const urls = {};
    for (const { name } of workers(order)) {
      urls[name] = (await miniflare.unsafeGetDirectURL(name)).toString().replace(/\/$/, "");
    }
    process.send({ urls, ...startUp() });
    process.on("message", answer);
  } catch (error) {
    process.send({ error: String(error.stack ?? error) });
  }
});

/** What can be asked for while it runs. */
const calls = {
  /** Milliseconds of CPU that workerd has used: all Workers, and what stands for D1, KV and R2. Linux alone tells it. */
  cpuMilliseconds() {
    const ticks = workerdProcesses().map((stat) => Number(stat[11]) + Number(stat[12]));
    return ticks.reduce((sum, ticks) => sum + ticks, 0) * MILLISECONDS_OF_A_TICK;
  },

  /** What a Worker does for so many seconds, as V8 samples it: `{ name, url, samples, within }` of each function: samples in itself, and in all that it called too. */
  async profile({ worker, seconds }) {
    const { host } = await miniflare.getInspectorURL();
    const inspector = new WebSocket(`ws://${host}/core:user:${worker}`);
    await once(inspector, "open");
    let sent = 0;
    const waiting = new Map();
    inspector.addEventListener("message", ({ data }) => {
      const { id, result, error } = JSON.parse(data);
      const found = waiting.get(id);
      waiting.delete(id);
      if (error) found?.reject(new Error(error.message));
      else found?.resolve(result);
    });
    const ask = (method, params = {}) =>
      new Promise((resolve, reject) => {
        sent += 1;
        waiting.set(sent, { resolve, reject });
        inspector.send(JSON.stringify({ id: sent, method, params }));
      });
    try {
      await ask("Profiler.enable");
      await ask("Profiler.setSamplingInterval", { interval: SAMPLED_EVERY_MICROSECONDS });
      await ask("Profiler.start");
      await delay(seconds * 1000);
      const { profile } = await ask("Profiler.stop");
      return sumUp(profile.nodes);
    } finally {
      inspector.close();
    }
  },
};

/** The nodes of a tree of calls, by function. */
function sumUp(nodes) {
  const [byId, functions] = [new Map(nodes.map((node) => [node.id, node])), new Map()];
  const walk = (node, above) => {
    const { functionName: name, url } = node.callFrame;
    const key = `${name} ${url}`;
    const known = functions.get(key) ?? { name, url, samples: 0, within: 0 };
    functions.set(key, known);
    const path = new Set(above).add(key);
    const below = (node.children ?? []).reduce((sum, id) => sum + walk(byId.get(id), path), 0);
    known.samples += node.hitCount;
    // Once for who calls itself.
    if (!above.has(key)) known.within += node.hitCount + below;
    return node.hitCount + below;
  };
  walk(nodes[0], new Set());
  return [...functions.values()].sort((one, other) => other.samples - one.samples);
}

const SAMPLED_EVERY_MICROSECONDS = 100;

const MILLISECONDS_OF_A_TICK = 10;

async function answer({ id, call, parameters }) {
  try {
    process.send({ id, result: await calls[call](parameters) });
  } catch (error) {
    process.send({ id, error: String(error.stack ?? error) });
  }
}

/** The fields after the name in `/proc/<pid>/stat` of the workerd that this process started. */
function workerdProcesses() {
  const stats = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map((pid) => {
    try {
      return readFileSync(`/proc/${pid}/stat`, "utf8");
    } catch {
      return "";
    }
  });
  return stats
    .filter((stat) => stat.includes("(workerd)"))
    .map((stat) => stat.slice(stat.lastIndexOf(")") + 2).split(" "))
    .filter((fields) => Number(fields[1]) === process.pid);
}

function options({ dataFolder, isProfiled, ...order }) {
  return convertV4MiniflareOptions({
    ...(isProfiled ? { inspectorPort: 0 } : {}),
    host: ADDRESS,
    port: 0,
    // Made-up facts of the caller, or miniflare would ask the network for real ones.
    cf: false,
    logRequests: false,
    // Where `wrangler dev --persist-to` has put it.
    resourcePersistencePath: join(dataFolder, "v3"),
    workers: workers(order),
  });
}

/**
 * `port` is where the registry is to be found, for those who follow the addresses in its documents; `canFail` has it a second
 * time, with bindings that fail when they are to.
 */
function workers({ variables, baselines = [], port = 0, canFail = false }) {
  const toml = readFileSync(join(projectFolder, "wrangler.toml"), "utf8");
  const common = {
    compatibilityDate: toml.match(/^compatibility_date = "(.*)"$/m)[1],
    compatibilityFlags: ["no_nodejs_compat", "no_nodejs_compat_v2"],
    kvNamespaces: { CACHE: COPIES },
    r2Buckets: { BLOBS: BUCKET },
    unsafeDirectSockets: [{ host: ADDRESS, port: 0 }],
  };
  const registry = {
    ...common,
    bindings: { ROLE: "edge", ...variables },
    d1Databases: { DB: DATABASE },
    queueProducers: { JOBS, COUNTS: "repertoire-counts" },
    serviceBindings: { API: "api" },
    modulesRoot: projectFolder,
  };
  const program = (name) => [
    { type: "ESModule", path: join(projectFolder, "build", name, "index.js") },
    { type: "CompiledWasm", path: join(projectFolder, "build", name, "index_bg.wasm") },
  ];
  const edge = program("edge");
  const own = (name) => ({ type: "ESModule", path: join(workersFolder, name) });
  return [
    { ...registry, name: "registry", modules: edge, unsafeDirectSockets: [{ host: ADDRESS, port }] },
    { ...registry, name: "counted", modules: [own("counted.js"), ...edge] },
    { ...registry, name: "watched", modules: [own("watched.js"), own("memory.js"), ...edge] },
    ...(canFail ? [{ ...registry, name: "failing", modules: [own("failing.js"), ...edge] }] : []),
    { ...registry, name: "api", modules: program("whole"), bindings: { ...registry.bindings, ROLE: "api" }, serviceBindings: {} },
    {
      ...registry,
      name: "consumer",
      modules: [own("consumer.js"), ...program("whole")],
      bindings: { ...registry.bindings, ROLE: "consumer" },
    },
    ...baselines.map(({ name, script, bindings }) => ({
      ...common,
      name,
      bindings,
      modulesRoot: workersFolder,
      modules: [own(`${script}.js`)],
    })),
  ];
}

/**
 * What an isolate does before its first request, the least of a few. This V8 compiles as workerd's does, and the Node.js that
 * the measurement runs on may be too old. What the program calls of JavaScript meanwhile is counted and does nothing: there is
 * no I/O among it, which the platform would refuse.
 */
function startUp() {
  const bytes = readFileSync(join(projectFolder, "build", "edge", "index_bg.wasm"));
  const least = { compileMilliseconds: Infinity, startUp: { milliseconds: Infinity, calls: 0 } };
  for (let turn = 0; turn < 5; turn += 1) {
    let began = performance.now();
    const module = new WebAssembly.Module(bytes);
    least.compileMilliseconds = Math.min(least.compileMilliseconds, performance.now() - began);
    let calls = 0;
    const imports = {};
    const count = () => {
      calls += 1;
    };
    for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
      imports[from] ??= {};
      imports[from][name] = kind === "tag" ? new WebAssembly.Tag({ parameters: ["externref"] }) : count;
    }
    began = performance.now();
    new WebAssembly.Instance(module, imports).exports.__wbindgen_start?.();
    least.startUp = { milliseconds: Math.min(least.startUp.milliseconds, performance.now() - began), calls };
  }
  return least;
}

/**
 * R2 keeps an object as one whatever it was uploaded in; the local one keeps the parts, and reads them some twenty times
 * slower, which would hide all that is to be measured.
 */
async function makeWhole(bucket) {
  const { objects } = await bucket.list({ prefix: "archives/" });
  for (const { key } of objects) await bucket.put(key, await (await bucket.get(key)).arrayBuffer());
}
