// One at a time, across processes: the same locks as `build-worker` makes, a symbolic link to the holder's number.
// A link is made in one step, and is known to be stale when the process it names is gone.

import { mkdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const PATIENCE_MILLISECONDS = 300;

/** Waits until `path` is free, holds it while `work` runs, and lets it go whatever becomes of the work. */
export async function withLock(path, work) {
  let lock = takeLock(path);
  while (lock.holder) {
    await delay(PATIENCE_MILLISECONDS);
    lock = takeLock(path);
  }
  try {
    return await work();
  } finally {
    lock.release();
  }
}

/** Takes the lock for as long as this process lives, or until `release()`. When it is taken already, only `holder` is set. */
export function takeLock(path) {
  mkdirSync(dirname(path), { recursive: true });
  for (;;) {
    try {
      symlinkSync(String(process.pid), path);
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    const holder = holderOf(path);
    if (holder && isAlive(holder)) return { holder };
    if (holder) removeStale(path, holder);
  }
  const release = () => {
    process.removeListener("exit", release);
    rmSync(path, { force: true });
  };
  process.on("exit", release);
  return { release };
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
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

function isAlive(number) {
  try {
    process.kill(number, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
