// Provides schemathesis, which asks the API what its description allows and what it forbids, and holds the answers
// against it. A Python package in a folder of its own, made once: `target/tools/schemathesis-VERSION`.

import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";

import { runVisibly } from "./children.mjs";
import { withLock } from "./lock.mjs";
import { projectFolder } from "./paths.mjs";

const version = "4.32.5";

/** Installs it where it is missing, and gives the path of its command. */
export async function provideSchemathesis() {
  const folder = join(projectFolder, "target", "tools", `schemathesis-${version}`);
  const command = join(folder, "bin", "schemathesis");
  if (existsSync(command)) return command;
  await withLock(`${folder}.lock`, async () => {
    if (existsSync(command)) return;
    console.log("installing schemathesis (once, about half a minute)");
    // What an installation that broke off has left.
    rmSync(folder, { recursive: true, force: true });
    await run("python3", ["-m", "venv", folder]);
    await run(join(folder, "bin", "pip"), ["install", "--quiet", "--disable-pip-version-check", `schemathesis==${version}`]);
  });
  return command;
}

async function run(command, arguments_) {
  const code = await runVisibly(command, arguments_);
  if (code !== 0) throw new Error(`\`${command} ${arguments_.join(" ")}\` failed: see above`);
}
