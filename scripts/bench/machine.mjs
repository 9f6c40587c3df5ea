// Where figures come from, and small things that all measurements need of this machine.

import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";

import { runQuietly } from "../children.mjs";
import { projectFolder } from "../paths.mjs";

/** Commit, date, machine and versions, as one sentence without its end. */
export async function describeMachine() {
  const version = (name) => JSON.parse(readFileSync(join(projectFolder, "node_modules", name, "package.json"), "utf8")).version;
  const commit = (await runQuietly("git", ["rev-parse", "--short", "HEAD"], { cwd: projectFolder })).stdout.trim();
  const [processor] = cpus();
  return (
    `Commit ${commit || "unknown"}, ${new Date().toISOString().slice(0, 10)}. ${cpus().length} cores (${processor?.model.trim()}), ` +
    `${Math.round(totalmem() / 2 ** 30)} GiB, workerd ${version("workerd")}, wrangler ${version("wrangler")}`
  );
}

/** A port of the loopback address that is free now. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Tells whoever waits what is being done. */
export function say(line) {
  console.error(`bench: ${line}`);
}
