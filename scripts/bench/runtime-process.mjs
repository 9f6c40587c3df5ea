// Starts and ends `runtime.mjs`.

import { join } from "node:path";

import { endChild, startChild } from "../children.mjs";
import { nodeForWrangler, projectFolder } from "../paths.mjs";

const READY_WITHIN_MILLISECONDS = 60_000;

/** Returns `{ urls, compileMilliseconds, stop }`, `urls` by the names of the Workers. */
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
  try {
    return { ...(await ready), stop: () => endChild(child) };
  } catch (error) {
    await endChild(child);
    throw error;
  }
}
