// `npm run bench -- inline`: what it would bring a tiny repository to have all versions in packages.json. No registry takes
// part: there are trees of files, by one server, at once and as late as from a place at some distance.

import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { ComposerProject, basic } from "../../tests/e2e/composer.mjs";
import { provideComposers } from "../composers.mjs";
import { say } from "./machine.mjs";
import { count, median, table } from "./report.mjs";
import { startStatic } from "./static.mjs";

const TOKEN = "bench";
const SIZES = [5, 30, 250];
const QUICK_SIZES = [5];
const VERSIONS = 10;
const DELAYS = [0, 30];
const MODIFIED = new Date(1_700_000_000_000).toUTCString();
const KINDS = [
  { title: "cold cache", removes: true },
  { title: "nothing changed", removes: false },
];

/** The trees: a document for each package; all in packages.json; the same, with advisories offered as the registry does. */
const TREES = {
  documents: (size) => [file("packages.json", { packages: [], "metadata-url": "/p2/%package%.json", "available-packages": names(size) }), ...documents(size)],
  inline: (size) => [file("packages.json", { packages: versions(size) })],
  "inline, with advisories": (size) => [
    file("packages.json", {
      packages: versions(size),
      "metadata-url": "/p2/%package%.json",
      "available-packages": names(size),
      "security-advisories": { metadata: true, "api-url": "/security-advisories" },
    }),
    file("security-advisories", { advisories: {} }),
    ...documents(size),
  ],
};

/** Returns the table. */
export async function measureInline({ folder, isQuick }) {
  const rounds = isQuick ? 1 : 5;
  const rows = [];
  for (const client of await provideComposers()) {
    for (const size of isQuick ? QUICK_SIZES : SIZES) {
      for (const delay of DELAYS) rows.push(...(await measureTrees({ folder, client, size, delay, rounds })));
    }
  }
  const trees = Object.keys(TREES);
  return {
    text: [
      `A server of files in Node.js ${process.version}, \`composer update --no-install\`, ${rounds} interleaved round${rounds === 1 ? "" : "s"}, medians; ` +
        `each package has ${VERSIONS} versions. Seconds, and how many requests.`,
      table(
        ["Composer, packages, delay", "", ...trees, "**inline to documents**", "bytes of packages.json"],
        rows.map(({ title, kind, found, ratio, bytes }) => [
          title,
          kind,
          ...trees.map((tree) => `${found[tree].seconds.toFixed(2)} (${found[tree].requests})`),
          `**${ratio.toFixed(2)}**`,
          `${count(bytes / 1000)} kB`,
        ]),
      ),
    ].join("\n\n"),
  };
}

async function measureTrees({ folder, client, size, delay, rounds }) {
  say(`Composer ${client.version}, ${size} packages, ${delay} ms`);
  const sides = {};
  for (const [tree, build] of Object.entries(TREES)) {
    const files = build(size);
    const server = await startStatic({ files, token: TOKEN, delay });
    const own = join(folder, "projects", `${client.version}-${size}-${delay}-${tree.replace(/\W+/g, "-")}`);
    mkdirSync(own, { recursive: true });
    const require = Object.fromEntries(names(size).map((name) => [name, "^1.0"]));
    const project = await ComposerProject.create(own, { client, repository: server.url, auth: basic(server.url, "token", TOKEN), require });
    sides[tree] = { files, server, project, seconds: KINDS.map(() => []), requests: KINDS.map(() => []) };
  }
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const [kind, { removes }] of KINDS.entries()) {
        const order = Object.values(sides);
        for (const { server, project, seconds, requests } of round % 2 ? order.reverse() : order) {
          if (removes) {
            await project.clearCache();
            rmSync(join(project.folder, "composer.lock"), { force: true });
          }
          server.take();
          const began = performance.now();
          await project.update("--no-install");
          seconds[kind].push((performance.now() - began) / 1000);
          requests[kind].push(server.take());
        }
      }
    }
  } finally {
    for (const { server } of Object.values(sides)) await server.stop();
  }
  return KINDS.map(({ title }, kind) => ({
    title: `${client.version}, ${size}, ${delay} ms`,
    kind: title,
    found: Object.fromEntries(
      Object.entries(sides).map(([tree, { seconds, requests }]) => [tree, { seconds: median(seconds[kind]), requests: median(requests[kind]) }]),
    ),
    ratio: median(sides.inline.seconds[kind].map((time, round) => time / sides.documents.seconds[kind][round])),
    bytes: sides.inline.files[0].bytes.length,
  }));
}

function names(size) {
  return Array.from({ length: size }, (_, index) => `bench/package-${index}`);
}

function entry(name, index, minor) {
  return {
    name,
    version: `1.${minor}.0`,
    version_normalized: `1.${minor}.0.0`,
    description: `Package ${index} with the fields that packages have`,
    type: "library",
    license: ["MIT"],
    authors: [{ name: "Bench", email: "bench@example.com" }],
    require: { php: ">=7.4" },
    autoload: { "psr-4": { [`Bench\\Package${index}\\`]: "src/" } },
    dist: { type: "zip", url: `http://127.0.0.1/dist/${name}/${minor}.zip`, reference: `${index}-${minor}`, shasum: "" },
    time: "2026-01-01T00:00:00+00:00",
  };
}

function documents(size) {
  return names(size).map((name, index) => {
    const entries = Array.from({ length: VERSIONS }, (_, back) => entry(name, index, VERSIONS - 1 - back));
    // As the registry writes it: each entry says what differs from the one before.
    const differences = entries.map((one, place) => {
      const before = entries[place - 1] ?? {};
      return Object.fromEntries(Object.entries(one).filter(([key, value]) => JSON.stringify(before[key]) !== JSON.stringify(value)));
    });
    return file(`p2/${name}.json`, { minified: "composer/2.0", packages: { [name]: differences }, "security-advisories": [] });
  });
}

/** `packages` as packages.json has it, each version with a number of its own, which tells clients that they need not ask for more. */
function versions(size) {
  const found = {};
  for (const [index, name] of names(size).entries()) {
    found[name] = {};
    for (let minor = 0; minor < VERSIONS; minor += 1) found[name][`1.${minor}.0`] = { ...entry(name, index, minor), uid: index * VERSIONS + minor + 1 };
  }
  return found;
}

function file(path, content) {
  return { path, bytes: Buffer.from(JSON.stringify(content)), lastModified: MODIFIED };
}
