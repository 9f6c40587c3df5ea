// One at a time, across processes: the same locks as `build-worker` makes, a symbolic link to the holder's number.
// A link is made in one step, and is known to be stale when the process it names is gone.

import { mkdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const PATIENCE_MILLISECONDS = 300;

/** Waits until `path` is free, holds it while `work` runs, and lets it go whatever becomes of the work. */
export async function withLock(path, work) {
  mkdirSync(dirname(path), { recursive: true });
  while (!take(path)) await delay(PATIENCE_MILLISECONDS);
  // A process that ends on a signal or by `process.exit` runs no `finally`.
  const release = () => rmSync(path, { force: true });
  process.once("exit", release);
  try {
    return await work();
  } finally {
    process.removeListener("exit", release);
    release();
  }
}

function take(path) {
  try {
    symlinkSync(String(process.pid), path);
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
  const holder = holderOf(path);
  if (holder && !isAlive(holder)) removeStale(path, holder);
  return false;
}

/** Moved away before it is removed, so that of two who find it stale only one takes it. */
function removeStale(path, holder) {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
    if (holderOf(aside) === holder) rmSync(aside, { force: true });
    else renameSync(aside, path);
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
}

function holderOf(path) {
  try {
    return Number(readlinkSync(path));
  } catch {
    return undefined;
  }
}

/** True when a process of that number runs, whoever owns it. */
export function isAlive(number) {
  try {
    process.kill(number, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
