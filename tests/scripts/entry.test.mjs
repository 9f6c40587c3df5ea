// What stands between the platform and the program: an instance that ended is replaced before anything else is asked of it.
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

import { projectFolder } from "../../scripts/paths.mjs";

const PROGRAM = `
const state = { criticalError: false, instanceId: 0 };
export const told = { asked: [], restarts: 0, fails: undefined };
export const __worker_init_state = () => state;
export const __wbg_reset_state = () => { told.restarts += 1; };
const entry = (name) => (event, env, context) => {
  told.asked.push([name, event, env, context, state.instanceId]);
  if (told.fails) throw told.fails;
  return "answer to " + name;
};
export const fetch = entry("fetch"), queue = entry("queue"), scheduled = entry("scheduled");
`;

test("each entry is called with what it needs, and after a trap by a fresh instance", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "repertoire-entry-"));
  const listeners = [];
  globalThis.addEventListener = (kind, listener) => listeners.push([kind, listener]);
  context.mock.method(console, "log", () => {});
  try {
    copyFileSync(join(projectFolder, "src", "edge", "entry.mjs"), join(folder, "entry.mjs"));
    writeFileSync(join(folder, "index.js"), PROGRAM);
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    const { told } = await import(pathToFileURL(join(folder, "index.js")));
    const { default: worker } = await import(pathToFileURL(join(folder, "entry.mjs")));

    for (const name of ["fetch", "queue", "scheduled"]) assert.equal(worker[name]("event", "env", "context"), `answer to ${name}`);
    assert.deepEqual(told.asked, ["fetch", "queue", "scheduled"].map((name) => [name, "event", "env", "context", 0]));

    // An ordinary failure is the caller's to see, and leaves the instance as it is.
    told.fails = new Error("no binding");
    assert.throws(() => worker.fetch("event"), /no binding/);
    told.fails = undefined;
    worker.fetch("event");
    assert.equal(told.restarts, 0);

    // A trap within a call, and one in what goes on after it.
    told.fails = new WebAssembly.RuntimeError("unreachable");
    assert.throws(() => worker.fetch("event"), /unreachable/);
    told.fails = undefined;
    worker.queue("event");
    assert.equal(told.restarts, 1);
    assert.deepEqual(listeners.map(([kind]) => kind), ["error"]);
    listeners[0][1]({ error: new WebAssembly.RuntimeError("out of memory") });
    worker.scheduled("event");
    worker.fetch("event");
    assert.equal(told.restarts, 2);
    assert.equal(told.asked.at(-1).at(-1), 2);
  } finally {
    delete globalThis.addEventListener;
    rmSync(folder, { recursive: true, force: true });
  }
});
