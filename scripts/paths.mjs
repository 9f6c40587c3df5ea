// Where things are: the project's folder, and the pinned tools in it.

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const projectFolder = dirname(dirname(fileURLToPath(import.meta.url)));

export const wranglerScript = join(projectFolder, "node_modules", "wrangler", "bin", "wrangler.js");

/** The Workers' configurations: the one that everybody asks first, as `wrangler dev` takes it for the primary one. */
export const workerConfigurations = ["wrangler.toml", "wrangler.api.toml", "wrangler.consumer.toml"];

// The oldest Node.js that wrangler runs on; it says so itself and stops on an older one.
const WRANGLER_NEEDS_NODE = [22, 12];

/** The Node.js that runs wrangler: the pinned one, or the one that runs this when it is new enough. */
export function nodeForWrangler() {
  const pinned = join(projectFolder, "node_modules", "node", "bin", process.platform === "win32" ? "node.exe" : "node");
  if (existsSync(pinned)) return pinned;
  const [major, minor] = process.versions.node.split(".").map(Number);
  const [neededMajor, neededMinor] = WRANGLER_NEEDS_NODE;
  if (major > neededMajor || (major === neededMajor && minor >= neededMinor)) return process.execPath;
  throw new Error(
    `wrangler needs Node.js ${WRANGLER_NEEDS_NODE.join(".")} and node_modules/node/bin/node, which would supply it, is missing: ` +
      "npm was kept from running install scripts; run `npm rebuild --ignore-scripts=false node esbuild workerd`",
  );
}
