// Installs the pinned npm packages when they are missing or older than the lock file.
// `node scripts/install.mjs` does just that; it must run on Node.js 20 with nothing installed.

import { statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { runVisibly } from "./children.mjs";
import { withLock } from "./lock.mjs";
import { projectFolder } from "./paths.mjs";

export function installNodeModules() {
  return install(projectFolder, "installing the npm packages (once, about half a minute)");
}

/** Clients of git hosts for the end-to-end tests: packages apart, which nobody needs who only runs the product. */
export function installJudges() {
  return install(join(projectFolder, "tests", "e2e", "judges"), "installing the clients that judge the doubles (once, some seconds)");
}

/** What drives a browser in the tests and for the screenshots; the browser itself is the system's. */
export function installBrowserDriver() {
  return install(join(projectFolder, "tests", "browser"), "installing what drives the browser (once, some seconds)");
}

/** GitHub's description of its API and what holds answers against it, for the oracle: 475 MB. */
export function installGitHubDescription() {
  return install(join(projectFolder, "tests", "oracle", "github"), "installing GitHub's description of its API (once, about a minute)");
}

/** The packages of a folder with a lock file. */
async function install(folder, announcement) {
  if (isInstalled(folder)) return;
  // Two `npm ci` in one folder delete each other's files.
  await withLock(join(folder, ".npm-ci.lock"), async () => {
    if (isInstalled(folder)) return;
    console.log(announcement);
    // Inherited output: npm shows its own progress. The engine warnings are about wrangler, which is never run by this Node.js.
    const npm = process.platform === "win32" ? "npm.cmd" : "npm";
    const code = await runVisibly(npm, ["ci", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: folder });
    if (code !== 0) throw new Error("`npm ci` failed: see above");
  });
}

/** npm writes its own copy of the lock file last, so its age is the age of a whole installation. */
function isInstalled(folder) {
  const installed = modifiedAt(join(folder, "node_modules", ".package-lock.json"));
  return installed !== undefined && installed >= modifiedAt(join(folder, "package-lock.json"));
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
