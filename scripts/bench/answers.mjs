// `npm run bench`: what Composer asks for, beside the smallest Workers in the same workerd and beside nginx.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";

import { LocalInstance } from "../local-instance.mjs";
import { projectFolder } from "../paths.mjs";
import { CONNECTIONS, findGenerator } from "./load.mjs";
import { freePort, say } from "./machine.mjs";
import { startNginx } from "./nginx.mjs";
import { count, medianRatio, rateTable, table } from "./report.mjs";
import { startRuntime } from "./runtime-process.mjs";
import { seed } from "./seed.mjs";

const REPOSITORY = "/r/main/packages/";
// As many as a few large build farms have open.
const MANY_CONNECTIONS = 600;
// What was cut off when the time was up is still on its way out of workerd, and is not to burden the next.
const DOCUMENT_TARGET = { atLeast: 0.9, p99: 1.3 };
const UNCHANGED_TARGET = { atLeast: 0.75, p99: 1.3 };
const ARCHIVE_TARGET = { atLeast: 0.9 };
const PAUSE_MILLISECONDS = 200;
const LARGE_PAUSE_MILLISECONDS = 1000;

/** Returns the tables, and what the chart shows. Of a part of the rows it takes the rates alone. */
export async function measureAnswers({ folder, isQuick, part }) {
  const rounds = isQuick ? 1 : 3;
  // Whole ones: wrk knows no others.
  const seconds = isQuick ? 1 : 4;
  // V8 compiles WebAssembly well only after it ran for seconds; so long a busy isolate is a slow one, and a short round would
  // measure that.
  const warmUp = isQuick ? 1 : 8;
  // A connection takes a good part of a second for a large archive.
  const largeSeconds = isQuick ? 2 : 5;
  const starts = part !== undefined ? 0 : isQuick ? 1 : 3;
  const generator = await findGenerator(folder);
  const { subjects, dataFolder, variables } = await fill(folder);
  const { basic, requests: all, baselines } = plan(subjects);
  const requests = all.filter(({ title }) => part === undefined || title.includes(part));
  const order = {
    dataFolder,
    variables,
    baselines,
    // The one document that the registry builds for each caller; the Worker next to it reads it from KV.
    seeds: [{ key: subjects.root.key, text: subjects.root.bytes.toString() }],
  };

  if (starts > 0) say(`first requests after ${starts} start(s)`);
  const first = { registry: [], javascript: [] };
  for (let start = 0; start < starts; start += 1) {
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
  const files = [subjects.one, subjects.many, subjects.root, subjects.smallArchive, subjects.largeArchive, subjects.hugeArchive];
  const nginx = part === undefined && (await startNginx(folder, files, subjects.token));
  const rows = requests.map((request) => ({ ...request, ...targets(request, runtime, nginx, basic) }));
  for (const row of rows) await prove(row);
  const counted = new Map();
  for (const row of rows) counted.set(row, await countOperations(row, runtime, basic));

  for (const row of rows) row.candidates = Object.fromEntries(Object.keys(row.targets).map((name) => [name, []]));
  for (let round = -1; round < rounds; round += 1) {
    say(round < 0 ? "warming up" : `round ${round + 1} of ${rounds}`);
    for (const row of rows) {
      // Forth and back, so that no side is always first.
      const names = Object.keys(row.targets);
      for (const name of round % 2 ? names.reverse() : names) {
        // Neither a file nor what has run for minutes by now becomes faster by running on.
        if (round < 0 && (name === "nginx" || row.isLarge)) continue;
        const figures = await generator.run(row.targets[name], row.isLarge ? largeSeconds : round < 0 ? warmUp : seconds);
        await delay(row.isLarge ? LARGE_PAUSE_MILLISECONDS : PAUSE_MILLISECONDS);
        if (figures.errors) say(`${row.title}, ${name}: ${figures.errors} connections failed`);
        if (round >= 0) row.candidates[name].push(figures);
      }
    }
  }
  if (part === undefined) say("memory while archives are on their way");
  const memory = part === undefined && (await watchMemory(generator, runtime, subjects.hugeArchive, basic, largeSeconds));
  if (nginx) await nginx.stop();
  await runtime.stop();
  for (const row of rows) row.operations = counted.get(row);
  const text = [
    `nginx ${nginx ? nginx.version : part === undefined ? "not installed" : "left out"}, ${generator.name}; ${CONNECTIONS} connections unless the row says otherwise, ` +
      `${rounds} interleaved rounds of ${seconds} s after ${warmUp} s of warming up, medians.`,
    rateTable(rows),
    ...(memory ? [figureTable(first, runtime, memory)] : []),
    "`registry` is asked with Basic credentials of a token that is limited by package names, in the same workerd as the JS Workers, " +
      "each at an address of its own. p50 and p99 ratios are of latencies: below 1 is faster. `warm request` counts what one request asks of the bindings " +
      "within the four seconds that a token and a head are remembered.",
  ].join("\n\n");
  const bars = rows.map(({ title, target, candidates: { registry, javascript } }) => ({
    title,
    ratio: medianRatio(registry, javascript, "rate"),
    atLeast: target?.atLeast,
  }));
  return { text, bars };
}

/** An ordinary instance is filled by its ordinary ways and then stopped: only its data are used. */
export async function fill(folder) {
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
export function plan(subjects) {
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
      archive("hugeArchive", subjects.hugeArchive),
    ],
    requests: [
      { title: `document, 1 version, ${size(subjects.one)}`, subject: subjects.one, baseline: "one", status: 200, target: DOCUMENT_TARGET },
      { title: `document, ${subjects.versions} versions, ${size(subjects.many)}`, subject: subjects.many, baseline: "many", status: 200, target: DOCUMENT_TARGET },
      { title: "document, unchanged (304)", subject: subjects.many, baseline: "unchanged", status: 304, target: UNCHANGED_TARGET },
      { title: "document, unknown (404)", subject: subjects.unknown, baseline: "unknown", status: 404 },
      { title: `packages.json, ${size(subjects.root)}`, subject: subjects.root, baseline: "root", status: 200 },
      ...[
        { title: "document, 1 version", subject: subjects.one, baseline: "one", status: 200, target: DOCUMENT_TARGET },
        { title: "document, unchanged (304)", subject: subjects.many, baseline: "unchanged", status: 304, target: UNCHANGED_TARGET },
        { title: "document, unknown (404)", subject: subjects.unknown, baseline: "unknown", status: 404 },
      ].map((row) => ({
        ...row,
        title: `${row.title}, ${MANY_CONNECTIONS} connections`,
        connections: MANY_CONNECTIONS,
      })),
      { title: `archive, ${size(subjects.smallArchive)}`, subject: subjects.smallArchive, baseline: "smallArchive", status: 200 },
      { title: `archive, ${size(subjects.largeArchive)}`, subject: subjects.largeArchive, baseline: "largeArchive", status: 200, isLarge: true },
      ...[1, CONNECTIONS].map((connections) => ({
        title: `archive, ${size(subjects.hugeArchive)}, ${connections} at a time`,
        subject: subjects.hugeArchive,
        baseline: "hugeArchive",
        status: 200,
        isLarge: true,
        connections,
        target: ARCHIVE_TARGET,
      })),
    ],
  };
}

function targets({ subject, baseline, status, connections = CONNECTIONS }, runtime, nginx, basic) {
  const condition = status === 304 ? { "if-modified-since": subject.lastModified } : {};
  const targets = {
    registry: { url: `${runtime.urls.registry}${REPOSITORY}${subject.path}`, headers: { ...basic, ...condition } },
    javascript: { url: `${runtime.urls[baseline]}/`, headers: { ...basic, ...condition } },
  };
  if (nginx) targets.nginx = { url: `${nginx.url}/${subject.path}`, headers: { ...basic, ...condition } };
  for (const target of Object.values(targets)) target.connections = connections;
  return { targets };
}

/** Bytes of WebAssembly memory before and after large archives were sent, one and many at a time. */
async function watchMemory(generator, { urls }, { path }, basic, seconds) {
  const look = async () => Number(await (await fetch(`${urls.watched}/memory`)).text());
  const url = `${urls.watched}${REPOSITORY}${path}`;
  const send = (connections) => generator.run({ url, headers: basic, connections }, seconds);
  // The first one fills the isolate's memory.
  await (await fetch(url, { headers: basic })).body.cancel();
  const before = await look();
  const growth = {};
  for (const connections of [1, CONNECTIONS]) {
    await send(connections);
    growth[connections] = (await look()) - before;
  }
  return { before, growth };
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

function figureTable(first, runtime, memory) {
  const wasm = readFileSync(join(projectFolder, "build", "edge", "index_bg.wasm"));
  const script = readFileSync(join(projectFolder, "build", "edge", "index.js"));
  const packed = (bytes) => gzipSync(bytes, { level: 9 }).length;
  const kibibytes = (bytes) => `${Math.round(bytes / 1024).toLocaleString("en-GB")} KiB`;
  return table(
    ["what", "figure", "target"],
    [
      ["WebAssembly, raw", kibibytes(wasm.length), "–"],
      ["WebAssembly, gzip", kibibytes(packed(wasm)), "700 kB"],
      ["upload (WebAssembly and JavaScript), gzip", kibibytes(packed(wasm) + packed(script)), "–"],
      ["compiling the WebAssembly", `${runtime.compileMilliseconds.toFixed(1)} ms`, "–"],
      ["instantiating it, with its start function", `${runtime.startUp.milliseconds.toFixed(1)} ms, ${runtime.startUp.calls} calls into JavaScript`, "–"],
      [`first document after a start, least of ${first.registry.length}`, `${Math.min(...first.registry).toFixed(0)} ms`, "100 ms"],
      ["the same by the smallest JS Worker", `${Math.min(...first.javascript).toFixed(0)} ms`, "–"],
      ["WebAssembly memory of an isolate that has sent an archive", kibibytes(memory.before), "–"],
      ...Object.entries(memory.growth).map(([connections, bytes]) => [
        `growth of it by archives of 100 MB, ${connections} at a time`,
        `${bytes} bytes`,
        "0",
      ]),
    ],
  );
}
