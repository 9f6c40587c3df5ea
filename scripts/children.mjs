// Child processes that end with this one. Each leads a process group of its own, because a tool such as wrangler has
// children itself, and a group can be ended whole.

import { spawn } from "node:child_process";
import { constants } from "node:os";

// How long a group may take to end by itself before it is ended the hard way.
const GRACE_MILLISECONDS = 5000;

const running = new Set();

/**
 * Starts a command. `options` are those of `spawn`; standard input is closed unless they say otherwise.
 * `child.ended` resolves with `{ code, wasEnded }`, the latter true when it was this process that ended it.
 */
export function startChild(command, arguments_, options = {}) {
  const child = spawn(command, arguments_, { stdio: ["ignore", "inherit", "inherit"], ...options, detached: true });
  running.add(child);
  child.ended = new Promise((resolve) => {
    child.once("error", (error) => {
      running.delete(child);
      resolve({ code: 127, error });
    });
    child.once("exit", (code, signal) => {
      running.delete(child);
      resolve({ code: code ?? 128 + constants.signals[signal], wasEnded: child.isBeingEnded === true });
    });
  });
  return child;
}

/** Runs a command to its end, its output shown as it comes. Returns the exit code. */
export async function runVisibly(command, arguments_, options) {
  const { code, error, wasEnded } = await startChild(command, arguments_, options).ended;
  if (wasEnded) return untilThisProcessEnds();
  if (error) throw new Error(`\`${command}\` could not be started: ${error.message}`);
  return code;
}

/** Runs a command to its end and returns `{ code, stdout, stderr }`. */
export async function runQuietly(command, arguments_, options) {
  const child = startChild(command, arguments_, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"]) {
    child[stream].setEncoding("utf8").on("data", (text) => {
      output[stream] += text;
    });
  }
  const closed = new Promise((resolve) => child.once("close", resolve));
  const { code, error, wasEnded } = await child.ended;
  if (wasEnded) return untilThisProcessEnds();
  if (error) throw new Error(`\`${command}\` could not be started: ${error.message}`);
  // Output may still be on its way when the process has ended.
  await closed;
  return { code, ...output };
}

/** Ends a child with all its descendants, kindly first. */
export async function endChild(child) {
  if (!running.has(child)) return;
  child.isBeingEnded = true;
  signalGroup(child, "SIGTERM");
  const timer = setTimeout(() => signalGroup(child, "SIGKILL"), GRACE_MILLISECONDS);
  await child.ended;
  clearTimeout(timer);
  // The leader is gone; what it left behind in its group goes too.
  signalGroup(child, "SIGKILL");
}

/** Ends all children when this process is told to end, then calls `farewell` and exits. */
export function endChildrenOnSignals(farewell) {
  let ending = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, async () => {
      // Ctrl-C reaches npm and this process, and npm sends it on: it comes twice.
      if (ending) return;
      ending = true;
      await Promise.all([...running].map(endChild));
      process.exit(farewell(signal));
    });
  }
}

/** What waited for a child that was ended on a signal goes no further: the signal's own handler exits. */
function untilThisProcessEnds() {
  return new Promise(() => {});
}

function signalGroup(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}
