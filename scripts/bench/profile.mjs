// `npm run bench -- profile`: what the time of a request goes into, function by function, as V8 samples it once the program
// has run for so long that it is compiled well. For whoever wants to make it less; nothing of it is written down.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { projectFolder } from "../paths.mjs";
import { fill, plan } from "./answers.mjs";
import { findGenerator } from "./load.mjs";
import { say } from "./machine.mjs";
import { table } from "./report.mjs";
import { startRuntime } from "./runtime-process.mjs";

const REPOSITORY = "/r/main/packages/";
const SHOWN = 70;

/** Returns the tables. */
export async function measureProfile({ folder, isQuick }) {
  const [warmUp, seconds] = isQuick ? [1, 1] : [12, 6];
  const generator = await findGenerator(folder);
  const { subjects, dataFolder, variables } = await fill(folder);
  const { basic, baselines } = plan(subjects);
  const runtime = await startRuntime({ dataFolder, variables, baselines, isProfiled: true });
  const names = readNames();
  try {
    const texts = [];
    const condition = { "if-modified-since": subjects.many.lastModified };
    for (const [title, worker, path, headers] of [
      ["document, unchanged (304)", "registry", REPOSITORY + subjects.many.path, condition],
      ["the same by the smallest JS Worker", "unchanged", "/", condition],
      ["document, 1 version", "registry", REPOSITORY + subjects.one.path, {}],
      ["the same by the smallest JS Worker", "one", "/", {}],
    ]) {
      say(title);
      const target = { url: `${runtime.urls[worker]}${path}`, headers: { ...basic, ...headers } };
      await generator.run(target, warmUp);
      const running = generator.run(target, seconds + 2);
      const functions = await runtime.call("profile", { worker, seconds });
      const { rate } = await running;
      texts.push(`**${title}**, ${Math.round(rate)} a second while it was looked at\n\n${describe(functions, names)}`);
    }
    return { text: texts.join("\n\n") };
  } finally {
    await runtime.stop();
  }
}

/** Functions by their share of the time in which something ran. */
function describe(functions, names) {
  const busy = functions.filter(({ name }) => name !== "(idle)" && name !== "(root)");
  const all = busy.reduce((sum, { samples }) => sum + samples, 0);
  const share = (samples) => `${((100 * samples) / all).toFixed(1)} %`;
  const rows = busy.slice(0, SHOWN).map(({ name, url, samples, within }) => {
    const number = name.match(/^wasm-function\[(\d+)\]$/)?.[1];
    const file = url.slice(url.lastIndexOf("/") + 1);
    return [share(samples), share(within), number ? (names.get(number) ?? name) : `${name} (${file})`];
  });
  return table(["in itself", "with what it calls", "function"], rows);
}

/** The names that the build has taken out of the program, by number. */
function readNames() {
  const lines = readFileSync(join(projectFolder, "build", "edge", "functions.txt"), "utf8").split("\n");
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]));
}
