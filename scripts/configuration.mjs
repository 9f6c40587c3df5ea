// Copies of the committed configurations for another folder: with absolute paths, and with the values that a local
// instance or an account needs. They are changed line by line and must hold each line that is to be changed,
// so that an edit of the committed files that would be lost here is an error and not a surprise.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { projectFolder, workerConfigurations } from "./paths.mjs";

/** The value that stands for the account's own in `database_id` and `id`. */
const STAND_IN = "repertoire-local";

/** Writes the copies into `folder` and returns their paths, in the order of `workerConfigurations`. */
export function writeConfigurations(folder, values) {
  mkdirSync(folder, { recursive: true });
  return workerConfigurations.map((name) => {
    const path = join(folder, name);
    writeFileSync(path, adapt(readFileSync(join(projectFolder, name), "utf8"), values));
    return path;
  });
}

/**
 * `variables` are plain ones for all Workers; `databaseId` and `namespaceId` replace the stand-ins;
 * `countsWithin` is how many seconds a message that is counted waits for others; the committed one is for many clients;
 * `badCredentials` is how many of them an address may send in a minute;
 * `host` puts the edge on a host of one's own instead of workers.dev, `also` on further ones.
 */
export function adapt(text, { variables, databaseId = STAND_IN, namespaceId = STAND_IN, countsWithin, badCredentials, host, also = [] }) {
  const { PUBLIC_URL: publicUrl, ...others } = variables;
  const program = text.match(/^main = "build\/(.*)\/index.js"$/m)?.[1] ?? "edge";
  const moreVariables = Object.entries(others).map(([name, value]) => `${name} = ${quote(value)}`);
  const replacements = [
    [`main = "build/${program}/index.js"`, `main = ${quote(join(projectFolder, "build", program, "index.js"))}`],
    ['command = "./build-worker"', `command = "./build-worker"\ncwd = ${quote(projectFolder)}`],
    [
      'watch_dir = ["src", "migrations", "templates", "assets"]',
      `watch_dir = [${["src", "migrations", "templates", "assets"].map((name) => quote(join(projectFolder, name))).join(", ")}]`,
    ],
    ['migrations_dir = "migrations"', `migrations_dir = ${quote(join(projectFolder, "migrations"))}`],
    ['PUBLIC_URL = ""', [`PUBLIC_URL = ${quote(publicUrl)}`, ...moreVariables].join("\n")],
    [`database_id = "${STAND_IN}"`, `database_id = ${quote(databaseId)}`],
    [`id = "${STAND_IN}"`, `id = ${quote(namespaceId)}`],
  ];
  if (text.includes('\ndirectory = "build/assets"\n')) {
    replacements.push(['directory = "build/assets"', `directory = ${quote(join(projectFolder, "build", "assets"))}`]);
  }
  if (countsWithin !== undefined && text.includes('\nqueue = "repertoire-counts"\nmax_batch_size')) {
    replacements.push(["max_batch_timeout = 30", `max_batch_timeout = ${countsWithin}`]);
  }
  if (badCredentials !== undefined && text.includes('name = "BAD_CREDENTIALS"')) {
    replacements.push(["simple = { limit = 100, period = 60 }", `simple = { limit = ${badCredentials}, period = 60 }`]);
  }
  const hosts = [...(host ? [host] : []), ...also];
  if (hosts.length > 0 && text.includes("\nworkers_dev = true\n")) {
    const routes = hosts.map((name) => `{ pattern = ${quote(name)}, custom_domain = true }`);
    replacements.push(["workers_dev = true", `workers_dev = ${!host}\nroutes = [${routes.join(", ")}]`]);
  }
  return replacements.reduce((adapted, [line, replacement]) => replaceLine(adapted, line, replacement), text);
}

function replaceLine(text, line, replacement) {
  const lines = text.split("\n");
  const found = lines.indexOf(line);
  if (found < 0) throw new Error(`the configuration has no line \`${line}\`: change scripts/configuration.mjs with it`);
  lines[found] = replacement;
  return lines.join("\n");
}

/** A TOML basic string; its escapes are JSON's. */
function quote(value) {
  return JSON.stringify(value);
}
