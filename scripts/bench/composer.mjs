// `npm run bench -- composer`: Composer itself on the registry, and on the same documents and archives as files of nginx.

import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { ComposerProject, basic } from "../../tests/e2e/composer.mjs";
import { provideComposers } from "../composers.mjs";
import { setUp } from "../first-start.mjs";
import { LocalInstance } from "../local-instance.mjs";
import { zip } from "../zip.mjs";
import { freePort, say } from "./machine.mjs";
import { startNginx } from "./nginx.mjs";
import { median, table } from "./report.mjs";
import { startRuntime } from "./runtime-process.mjs";
import { upload, waitUntilPublished } from "./seed.mjs";
import { startStatic } from "./static.mjs";

const SIZES = [30, 250];
const QUICK_SIZES = [10];
const VERSIONS = 2;
const UPLOADS_AT_ONCE = 4;
const TARGET = 1.1;
/** What is on the machine already when Composer begins, and what is taken away first. */
const KINDS = [
  { title: "cold cache", removes: ["cache", "vendor", "lock"] },
  { title: "warm cache", removes: ["vendor", "lock"] },
  { title: "nothing changed", removes: [] },
];

/** Returns the table, and what the chart shows. */
export async function measureComposer({ folder, isQuick }) {
  const rounds = isQuick ? 1 : 5;
  const sizes = isQuick ? QUICK_SIZES : SIZES;
  const clients = await provideComposers();
  const instance = new LocalInstance({ stateFolder: join(folder, "state"), port: await freePort(), showError: say });
  const token = await fill(instance, Math.max(...sizes));
  const variables = {
    PUBLIC_URL: instance.url,
    ENCRYPTION_KEY: instance.secret("ENCRYPTION_KEY"),
    SETUP_SECRET: instance.secret("SETUP_SECRET"),
  };
  // At the address that the documents name, and with nothing between it and Composer.
  const runtime = await startRuntime({ dataFolder: instance.dataFolder, variables, port: instance.port });
  const files = await startFiles(folder, `${instance.url}/r/main/packages`, token, Math.max(...sizes));
  try {
    const sides = { registry: `${instance.url}/r/main/packages`, files: files.url };
    const rows = [];
    for (const client of clients) {
      for (const size of sizes) rows.push(...(await measureRuns({ folder, client, size, sides, token, rounds })));
    }
    return {
      text: [
        `Against ${files.title}; ${rounds} interleaved round${rounds === 1 ? "" : "s"}, medians; each package has ${VERSIONS} versions.`,
        table(
          ["`composer update`", "registry", "files", "**ratio**", "target"],
          rows.map(({ title, registry, files, ratio }) => [title, `${registry.toFixed(2)} s`, `${files.toFixed(2)} s`, `**${ratio.toFixed(2)}**`, `at most ${TARGET}`]),
        ),
      ].join("\n\n"),
      bars: rows.map(({ title, ratio }) => ({ title, ratio, target: TARGET })),
    };
  } finally {
    await files.stop();
    await runtime.stop();
  }
}

function name(index) {
  return `bench/package-${index}`;
}

/** An ordinary instance with so many packages; gives the token of a machine that may read them. */
async function fill(instance, packages) {
  say(`uploading ${packages} packages`);
  await instance.prepare();
  await instance.start();
  try {
    const { token } = await setUp({ url: instance.url, setupSecret: instance.secret("SETUP_SECRET") });
    const headers = { authorization: `Bearer ${token}` };
    const repositoryUrl = `${instance.url}/r/main/packages`;
    let next = 0;
    const uploader = async () => {
      while (next < packages * VERSIONS) {
        const [index, minor] = [next % packages, Math.floor(next / packages)];
        next += 1;
        await upload(repositoryUrl, headers, name(index), `1.${minor}.0`, zip(filesOf(index, minor)));
      }
    };
    await Promise.all(Array.from({ length: UPLOADS_AT_ONCE }, uploader));
    for (let index = 0; index < packages; index += 1) await waitUntilPublished(repositoryUrl, token, name(index), VERSIONS);
    const response = await fetch(`${instance.url}/api/v1/orgs/main/tokens`, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body: JSON.stringify({ name: "bench", access: "read", packages: ["bench/*"] }),
    });
    return JSON.parse(await response.text()).token;
  } finally {
    await instance.stop();
  }
}

function filesOf(index, minor) {
  const manifest = {
    name: name(index),
    description: `Package ${index} with the fields that packages have`,
    type: "library",
    license: "MIT",
    authors: [{ name: "Bench", email: "bench@example.com" }],
    require: { php: ">=7.4" },
    autoload: { "psr-4": { [`Bench\\Package${index}\\`]: "src/" } },
  };
  const code = `<?php\nnamespace Bench\\Package${index};\nfinal class Release { public const MINOR = ${minor}; }\n`;
  return [
    { name: "composer.json", bytes: Buffer.from(JSON.stringify(manifest)) },
    { name: "src/Release.php", bytes: Buffer.from(code) },
  ];
}

/** The same documents and archives as files: by nginx, or by Node.js where it is not installed. */
async function startFiles(folder, registryUrl, token, packages) {
  const headers = { authorization: `Bearer ${token}` };
  const read = async (url) => {
    const response = await fetch(url, { headers });
    if (response.status !== 200) throw new Error(`${url} is answered ${response.status}`);
    return { bytes: Buffer.from(await response.arrayBuffer()), lastModified: response.headers.get("last-modified") };
  };
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const names = Array.from({ length: packages }, (_, index) => name(index));
  const root = { packages: [], "metadata-url": "/p2/%package%.json", "available-packages": names };
  const files = [{ path: "packages.json", bytes: Buffer.from(JSON.stringify(root)), lastModified: new Date(0).toUTCString() }];
  for (const one of names) {
    const { bytes, lastModified } = await read(`${registryUrl}/p2/${one}.json`);
    files.push({ path: `p2/${one}.json`, bytes: Buffer.from(bytes.toString().replaceAll(registryUrl, url)), lastModified });
    for (const { dist } of JSON.parse(bytes).packages[one]) {
      if (dist) files.push({ path: dist.url.slice(registryUrl.length + 1), ...(await read(dist.url)) });
    }
  }
  const nginx = await startNginx(folder, files, token, port);
  if (nginx) return { url, title: `nginx ${nginx.version} with basic auth`, stop: nginx.stop };
  const server = await startStatic({ files, token, port });
  return { url, title: `a server of files in Node.js ${process.version} with basic auth`, stop: server.stop };
}

async function measureRuns({ folder, client, size, sides, token, rounds }) {
  say(`Composer ${client.version}, ${size} packages`);
  const projects = {};
  for (const [side, url] of Object.entries(sides)) {
    const own = join(folder, "projects", `${client.version}-${size}-${side}`);
    mkdirSync(own, { recursive: true });
    const require = Object.fromEntries(Array.from({ length: size }, (_, index) => [name(index), "^1.0"]));
    projects[side] = await ComposerProject.create(own, { client, repository: url, auth: basic(url, "token", token), require });
  }
  const seconds = Object.fromEntries(KINDS.map(({ title }) => [title, { registry: [], files: [] }]));
  for (let round = 0; round < rounds; round += 1) {
    for (const { title, removes } of KINDS) {
      // Forth and back, so that no side is always first.
      const names = Object.keys(projects);
      for (const side of round % 2 ? names.reverse() : names) {
        const project = projects[side];
        if (removes.includes("cache")) await project.clearCache();
        if (removes.includes("vendor")) await project.removeVendor();
        if (removes.includes("lock")) rmSync(join(project.folder, "composer.lock"), { force: true });
        const began = performance.now();
        await project.update();
        seconds[title][side].push((performance.now() - began) / 1000);
      }
    }
  }
  return KINDS.map(({ title }) => {
    const { registry, files } = seconds[title];
    return {
      title: `${size} packages, ${title}, Composer ${client.version}`,
      registry: median(registry),
      files: median(files),
      ratio: median(registry.map((time, round) => time / files[round])),
    };
  });
}
