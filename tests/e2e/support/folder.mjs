// Temporary folders: each test run has one, and everything it writes lies below it.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export function makeFolder(purpose) {
  return mkdtemp(join(tmpdir(), `repertoire-${purpose}-`));
}

export function removeFolder(folder) {
  return rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
