// Starts and ends `runtime.mjs`.

import { join } from "node:path";

import { endChild, startChild } from "../children.mjs";
import { nodeForWrangler, projectFolder } from "../paths.mjs";

const READY_WITHIN_MILLISECONDS = 60_000;

let lastCall = 0;

/**
 * Returns `{ urls, compileMilliseconds, startUp, call, stop }`, `urls` by the names of the Workers. `call(name, parameters)` has it
 * do one of the `calls` of `runtime.mjs`.
 */
export async function startRuntime(order) {
  const child = startChild(nodeForWrangler(), [join(projectFolder, "scripts", "bench", "runtime.mjs")], {
    cwd: projectFolder,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const ready = new Promise((resolve, reject) => {
    child.once("message", ({ error, ...started }) => (error ? reject(new Error(error)) : resolve(started)));
    child.ended.then(({ code }) => reject(new Error(`the runtime ended with code ${code}`)));
    setTimeout(() => reject(new Error("the runtime did not start in time")), READY_WITHIN_MILLISECONDS).unref();
  });
  child.send(order);
  const waiting = new Map();
  child.on("message", ({ id, error, result }) => {
    const found = waiting.get(id);
    if (!found) return;
    waiting.delete(id);
    if (error) found.reject(new Error(error));
    else found.resolve(result);
  });
  const call = (name, parameters) =>
    new Promise((resolve, reject) => {
      const id = (lastCall += 1);
      waiting.set(id, { resolve, reject });
      child.ended.then(() => reject(new Error("the runtime ended")));
      child.send({ id, call: name, parameters });
    });
  try {
    return { ...(await ready), call, stop: () => endChild(child) };
  } catch (error) {
    await endChild(child);
    throw error;
  }
}
