// How wrangler is called: under a Node.js that is new enough, never asking anything, and sending no figures about its use.

import { runQuietly, startChild } from "./children.mjs";
import { nodeForWrangler, projectFolder, wranglerScript } from "./paths.mjs";

/** Runs wrangler to its end and returns `{ code, stdout, stderr }`. */
export function runWrangler(arguments_, environment = {}) {
  return runQuietly(nodeForWrangler(), [wranglerScript, ...arguments_], {
    cwd: projectFolder,
    env: wranglerEnvironment(environment),
  });
}

/** Starts wrangler with piped output, to run until it is ended, by this process or with it. */
export function startWrangler(arguments_, environment = {}) {
  return startChild(nodeForWrangler(), ["--import", "./scripts/end-with-parent.mjs", wranglerScript, ...arguments_], {
    cwd: projectFolder,
    env: wranglerEnvironment(environment),
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
}

function wranglerEnvironment(environment) {
  return {
    ...process.env,
    // Without it wrangler asks questions whenever it finds a terminal.
    CI: "1",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_SEND_ERROR_REPORTS: "false",
    NO_COLOR: "1",
    ...environment,
  };
}
