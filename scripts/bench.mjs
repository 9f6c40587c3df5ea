// `npm run bench`: how fast the registry answers, next to the smallest Workers in the same workerd and next to nginx.
// It measures and asserts nothing. It has an instance of its own in a temporary folder, talks to loopback addresses
// only, and ends by itself after about three minutes.
//
//   npm run bench               prints the tables
//   npm run bench -- --write    also puts them into docs/performance.md
//   npm run bench -- --quick    one short round, to see that it works
//   npm run bench -- sync       how much is asked of git hosts, and how fast plain git is taken in, beside git itself
//   npm run bench -- scale      repositories of 5, 5,000 and 50,000 packages side by side, and large publishes
//   npm run bench -- composer   Composer itself, beside static files
//   npm run bench -- inline     Composer on static files, with all versions in packages.json and without
//
// Each with --write and --quick as above.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";

import { endChildrenOnSignals, runQuietly, runVisibly } from "./children.mjs";
import { installNodeModules } from "./install.mjs";
import { LocalInstance } from "./local-instance.mjs";
import { projectFolder } from "./paths.mjs";
import { CONNECTIONS, findGenerator } from "./bench/load.mjs";
import { startNginx } from "./bench/nginx.mjs";
import { ANSWERS, SYNC, count, rateTable, table, writeBetweenMarkers } from "./bench/report.mjs";
import { startRuntime } from "./bench/runtime-process.mjs";
import { seed } from "./bench/seed.mjs";
import { measureSync } from "./bench/sync.mjs";

const QUICK = process.argv.includes("--quick");
const ROUNDS = QUICK ? 1 : 3;
// Whole ones: wrk knows no others.
const SECONDS = QUICK ? 1 : 2;
// A connection takes a good part of a second for a large archive.
const LARGE_SECONDS = QUICK ? 2 : 5;
// What was cut off when the time was up is still on its way out of workerd, and is not to burden the next.
const PAUSE_MILLISECONDS = 200;
const LARGE_PAUSE_MILLISECONDS = 1000;
const STARTS = QUICK ? 1 : 3;
const REPOSITORY = "/r/main/packages/";

await installNodeModules();
if ((await runVisibly(join(projectFolder, "build-worker"), [], { cwd: projectFolder })) !== 0) process.exit(1);

const folder = mkdtempSync(join(tmpdir(), "repertoire-bench-"));
const remove = () => rmSync(folder, { recursive: true, force: true });
endChildrenOnSignals(() => {
  remove();
  return 130;
});
try {
  const { name, measure } = MODES[process.argv.slice(2).find((word) => word in MODES) ?? "answers"];
  const { text, charts = {} } = await measure();
  console.log(`\n${text}`);
  if (process.argv.includes("--write")) {
    writeBetweenMarkers(join(projectFolder, "docs", "performance.md"), placeOf(name), text);
    for (const [file, chart] of Object.entries(charts)) writeFileSync(join(projectFolder, "docs", file), chart);
  }
} finally {
  remove();
}

async function measure() {
  const generator = await findGenerator(folder);
  const { subjects, dataFolder, variables } = await fill();
  const { basic, requests, baselines } = plan(subjects);
  const order = {
    dataFolder,
    variables,
    baselines,
    // The one document that the registry builds for each caller; the Worker next to it reads it from KV.
    seeds: [{ key: subjects.root.key, text: subjects.root.bytes.toString() }],
  };

  say(`first requests after ${STARTS} start(s)`);
  const first = { registry: [], javascript: [] };
  for (let start = 0; start < STARTS; start += 1) {
    const runtime = await startRuntime(order);
    // Whoever comes first also pays for opening the local KV: each is first in turn.
    const sides = [
      ["javascript", `${runtime.urls.one}/`],
      ["registry", `${runtime.urls.registry}${REPOSITORY}${subjects.one.path}`],
    ];
    for (const [side, url] of start % 2 ? sides : sides.reverse()) first[side].push(await timeFirst(url, basic));
    await runtime.stop();
  }

  const runtime = await startRuntime(order);
  const files = [subjects.one, subjects.many, subjects.root, subjects.smallArchive, subjects.largeArchive];
  const nginx = await startNginx(folder, files, subjects.token);
  const rows = requests.map((request) => ({ ...request, ...targets(request, runtime, nginx, basic) }));
  for (const row of rows) await prove(row);
  const counted = new Map();
  for (const row of rows) counted.set(row, await countOperations(row, runtime, basic));

  for (const row of rows) row.candidates = Object.fromEntries(Object.keys(row.targets).map((name) => [name, []]));
  for (let round = -1; round < ROUNDS; round += 1) {
    say(round < 0 ? "warming up" : `round ${round + 1} of ${ROUNDS}`);
    for (const row of rows) {
      // Forth and back, so that no side is always first.
      const names = Object.keys(row.targets);
      for (const name of round % 2 ? names.reverse() : names) {
        const figures = await generator.run(row.targets[name], round < 0 ? 1 : (row.seconds ?? SECONDS));
        await delay(row.seconds ? LARGE_PAUSE_MILLISECONDS : PAUSE_MILLISECONDS);
        if (figures.errors) say(`${row.title}, ${name}: ${figures.errors} connections failed`);
        if (round >= 0) row.candidates[name].push(figures);
      }
    }
  }
  await nginx?.stop();
  await runtime.stop();
  for (const row of rows) row.operations = counted.get(row);
  return [
    await describeRun(generator, nginx),
    rateTable(rows),
    sizeTable(first, runtime),
    "`registry` is asked with Basic credentials of a token that is limited by package names, in the same workerd as the JS Workers, " +
      "each at an address of its own. p50 and p99 ratios are of latencies: below 1 is faster. `warm request` counts what one request asks of the bindings " +
      "within the four seconds that a token and a head are remembered.",
  ].join("\n\n");
}

/** An ordinary instance is filled by its ordinary ways and then stopped: only its data are used. */
async function fill() {
  say("filling an instance");
  const instance = new LocalInstance({ stateFolder: join(folder, "state"), port: await freePort(), showError: say });
  await instance.prepare();
  await instance.start();
  try {
    const subjects = await seed(instance);
    const variables = {
      PUBLIC_URL: instance.url,
      ENCRYPTION_KEY: instance.secret("ENCRYPTION_KEY"),
      SETUP_SECRET: instance.secret("SETUP_SECRET"),
    };
    return { subjects, dataFolder: instance.dataFolder, variables };
  } finally {
    await instance.stop();
  }
}

/** What is asked for, and the Workers that answer the same in the shortest way. */
function plan(subjects) {
  const document = (name, { key }) => ({ name, script: "document", bindings: { KEY: key } });
  const archive = (name, subject) => ({ name, script: "archive", bindings: { SIZE: subject.bytes.length } });
  const nothing = (name, status) => ({ name, script: "nothing", bindings: { STATUS: status } });
  const size = ({ bytes }) => `${count(bytes.length / 1000)} kB`;
  return {
    basic: { authorization: `Basic ${Buffer.from(`token:${subjects.token}`).toString("base64")}` },
    baselines: [
      document("one", subjects.one),
      document("many", subjects.many),
      document("root", subjects.root),
      nothing("unchanged", 304),
      nothing("unknown", 404),
      archive("smallArchive", subjects.smallArchive),
      archive("largeArchive", subjects.largeArchive),
    ],
    requests: [
      { title: `document, 1 version, ${size(subjects.one)}`, subject: subjects.one, baseline: "one", status: 200 },
      { title: `document, ${subjects.versions} versions, ${size(subjects.many)}`, subject: subjects.many, baseline: "many", status: 200 },
      { title: "document, unchanged (304)", subject: subjects.many, baseline: "unchanged", status: 304 },
      { title: "document, unknown (404)", subject: subjects.unknown, baseline: "unknown", status: 404 },
      { title: `packages.json, ${size(subjects.root)}`, subject: subjects.root, baseline: "root", status: 200 },
      { title: `archive, ${size(subjects.smallArchive)}`, subject: subjects.smallArchive, baseline: "smallArchive", status: 200 },
      { title: `archive, ${size(subjects.largeArchive)}`, subject: subjects.largeArchive, baseline: "largeArchive", status: 200, seconds: LARGE_SECONDS },
    ],
  };
}

function targets({ subject, baseline, status }, runtime, nginx, basic) {
  const condition = status === 304 ? { "if-modified-since": subject.lastModified } : {};
  const targets = {
    registry: { url: `${runtime.urls.registry}${REPOSITORY}${subject.path}`, headers: { ...basic, ...condition } },
    javascript: { url: `${runtime.urls[baseline]}/`, headers: { ...basic, ...condition } },
  };
  if (nginx) targets.nginx = { url: `${nginx.url}/${subject.path}`, headers: { ...basic, ...condition } };
  return { targets };
}

/** Figures of wrong answers would be worthless. */
async function prove({ targets, status, subject }) {
  for (const [name, { url, headers }] of Object.entries(targets)) {
    const response = await fetch(url, { headers });
    const bytes = Buffer.from(await response.arrayBuffer());
    if (response.status !== status) throw new Error(`${name} answers ${url} with ${response.status} instead of ${status}`);
    if (status === 200 && !subject.bytes.equals(bytes) && subject.path !== "packages.json") {
      throw new Error(`${name} answers ${url} with other bytes`);
    }
  }
}

async function countOperations({ targets }, runtime) {
  const { url, headers } = targets.registry;
  const counted = url.replace(runtime.urls.registry, runtime.urls.counted);
  let operations;
  // The first one fills the isolate's memory.
  for (let turn = 0; turn < 2; turn += 1) {
    const response = await fetch(counted, { headers });
    await response.arrayBuffer();
    operations = JSON.parse(response.headers.get("x-operations"));
  }
  const { d1, kvReads, kvWrites, r2Reads, r2Writes } = operations;
  return `D1 ${d1}, KV ${kvReads + kvWrites}, R2 ${r2Reads + r2Writes}`;
}

async function timeFirst(url, headers) {
  const began = performance.now();
  await (await fetch(url, { headers })).arrayBuffer();
  return performance.now() - began;
}

function sizeTable(first, runtime) {
  const wasm = readFileSync(join(projectFolder, "build", "index_bg.wasm"));
  const script = readFileSync(join(projectFolder, "build", "index.js"));
  const packed = (bytes) => gzipSync(bytes, { level: 9 }).length;
  const kibibytes = (bytes) => `${Math.round(bytes / 1024).toLocaleString("en-GB")} KiB`;
  return table(
    ["what", "figure"],
    [
      ["WebAssembly, raw", kibibytes(wasm.length)],
      ["WebAssembly, gzip", kibibytes(packed(wasm))],
      ["upload (WebAssembly and JavaScript), gzip", kibibytes(packed(wasm) + packed(script))],
      ["compiling the WebAssembly", `${runtime.compileMilliseconds.toFixed(1)} ms`],
      [`first document after a start, least of ${first.registry.length}`, `${Math.min(...first.registry).toFixed(0)} ms`],
      ["the same by the smallest JS Worker", `${Math.min(...first.javascript).toFixed(0)} ms`],
    ],
  );
}

async function describeRun(generator, nginx) {
  return (
    `${await describeMachine()}, nginx ${nginx?.version ?? "not installed"}, ${generator.name}; ${CONNECTIONS} connections, ` +
    `${ROUNDS} interleaved rounds of ${SECONDS} s, medians.`
  );
}

async function describeMachine() {
  const version = (name) => JSON.parse(readFileSync(join(projectFolder, "node_modules", name, "package.json"), "utf8")).version;
  const commit = (await runQuietly("git", ["rev-parse", "--short", "HEAD"], { cwd: projectFolder })).stdout.trim();
  const [processor] = cpus();
  return (
    `Commit ${commit || "unknown"}, ${new Date().toISOString().slice(0, 10)}. ${cpus().length} cores (${processor?.model.trim()}), ` +
    `${Math.round(totalmem() / 2 ** 30)} GiB, workerd ${version("workerd")}, wrangler ${version("wrangler")}`
  );
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function say(line) {
  console.error(`bench: ${line}`);
}
