// 600 connections of clients, a crawler, and publishing at the same time: by uploads, and by pushes to a git host.
import { setTimeout as pause } from "node:timers/promises";
import { createPayload } from "../e2e/github-webhooks.mjs";
import { greeterFiles } from "../e2e/fixtures.mjs";
import { World } from "../e2e/world.mjs";
import { zip } from "../../scripts/zip.mjs";
import { Clients } from "./clients.mjs";
import { Crawler } from "./crawler.mjs";

const uploaded = ["load/alpha", "load/beta", "load/gamma", "load/delta"];
const pushed = "load/pushed";

/** Plays it for some seconds; returns what went wrong, and how long answers took. */
export async function play({ seconds, connections }) {
  const world = new World();
  await world.start();
  try {
    const repository = await world.addRepository("load");
    const known = { names: [], archives: [] };
    const published = new Map([...uploaded, pushed].map((name) => [name, new Set()]));
    const upload = async (name, number) => {
      const version = `1.${number}.0`;
      const files = { "composer.json": JSON.stringify({ name }), "src/text.txt": `${name} ${version} ${"x".repeat(8_192)}` };
      const body = zip(Object.entries(files).map(([name, text]) => ({ name, bytes: Buffer.from(text) })));
      const headers = { "content-type": "application/zip" };
      const answer = await world.get(`upload/${name}/${version}`, { repository, method: "PUT", body, headers });
      if (answer.status !== 201) throw new Error(`${name} ${version} was not taken in: ${answer.status} ${answer.text}`);
      published.get(name).add(version);
    };
    for (const name of uploaded) await upload(name, 0);
    const project = await world.importGreeter(pushed, { tags: ["v1.0.0"], repository: "load" });
    published.get(pushed).add("v1.0.0");
    const { token } = await world.createToken({ repositories: ["load"] });
    const clients = new Clients({ repository, token, connections, known });
    // Connections of its own: it is not to wait behind those whom it watches, and goes on when they are done.
    const reader = new Clients({ repository, token, connections: 8, known });
    const crawler = new Crawler({ repository, known, get: (url) => reader.request("GET", url) });
    await crawler.round();

    const end = performance.now() + seconds * 1_000;
    const isOver = () => performance.now() >= end;
    const errors = [];
    const publishing = (async () => {
      for (let number = 1; !isOver(); number += 1) {
        await upload(uploaded[number % uploaded.length], number);
        if (number % 4 !== 0) continue;
        const tag = `v1.${number}.0`;
        await project.repository.commit({ files: greeterFiles(pushed, tag), tags: [tag] });
        await world.deliver("create", createPayload(world.double, project, { ref: tag }));
        published.get(pushed).add(tag);
      }
    })().catch((error) => errors.push(`publishing: ${error.message}`));
    await Promise.all([clients.run(isOver), crawler.run(isOver), publishing]);

    // All of it is there in the end.
    const missing = () =>
      [...published].flatMap(([name, versions]) => [...versions].filter((version) => !crawler.versions(name).has(version)).map((version) => `${name} ${version}`));
    for (let left = 120; left > 0 && missing().length > 0; left -= 1) {
      await pause(500);
      await crawler.round();
    }
    reader.agent.destroy();
    return {
      errors: [...errors, ...clients.errors],
      torn: crawler.torn,
      missing: missing(),
      rounds: crawler.rounds,
      published: [...published.values()].reduce((sum, versions) => sum + versions.size, 0),
      report: clients.report(),
    };
  } finally {
    await world.stop();
  }
}
