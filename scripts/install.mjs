// Installs the pinned npm packages when they are missing or older than the lock file.
// `node scripts/install.mjs` does just that; it must run on Node.js 20 with nothing installed.

import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { withLock } from "./lock.mjs";
import { projectFolder } from "./paths.mjs";

export async function installNodeModules() {
  if (isInstalled()) return;
  // Two `npm ci` in one folder delete each other's files.
  await withLock(join(projectFolder, ".npm-ci.lock"), () => {
    if (isInstalled()) return;
    console.log("installing the npm packages (once, about half a minute)");
    // Inherited output: npm shows its own progress. The engine warnings are about wrangler, which is never run by this Node.js.
    const npm = process.platform === "win32" ? "npm.cmd" : "npm";
    const result = spawnSync(npm, ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
      cwd: projectFolder,
      stdio: ["ignore", "inherit", "inherit"],
    });
    if (result.error) throw new Error(`\`npm ci\` could not be started: ${result.error.message}`);
    if (result.status !== 0) throw new Error("`npm ci` failed: see above");
  });
}

/** npm writes its own copy of the lock file last, so its age is the age of a whole installation. */
function isInstalled() {
  const installed = modifiedAt(join(projectFolder, "node_modules", ".package-lock.json"));
  return installed !== undefined && installed >= modifiedAt(join(projectFolder, "package-lock.json"));
}

function modifiedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    await installNodeModules();
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
