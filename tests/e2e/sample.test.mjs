// The first minute of a newcomer: the first start prints three commands, and they install the sample as they stand.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Registry } from "./registry.mjs";
import { runOrThrow } from "./support/process.mjs";

test("the printed commands install the sample in an empty folder", async () => {
  const folder = await mkdtemp(join(tmpdir(), "repertoire-sample-"));
  const registry = await Registry.start({ state: join(folder, "state"), sample: "1" });
  try {
    const commands = registry.output
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => /(^|; )(composer|\[ -e composer\.json)/.test(line));
    assert.equal(commands.length, 3, registry.tail());
    const home = join(folder, "home");
    const project = join(folder, "project");
    await mkdir(home);
    await mkdir(project);
    // Only this keeps Composer from asking the internet as well; the commands are run as they were printed.
    await writeFile(join(home, "config.json"), JSON.stringify({ repositories: { "packagist.org": false } }));
    const env = {
      PATH: process.env.PATH,
      HOME: home,
      COMPOSER_HOME: home,
      COMPOSER_CACHE_DIR: join(folder, "cache"),
      COMPOSER_ALLOW_SUPERUSER: "1",
      COMPOSER_NO_INTERACTION: "1",
      no_proxy: "*",
      NO_PROXY: "*",
    };
    for (const command of commands) await runOrThrow("sh", ["-c", command], { cwd: project, env });
    const installed = await runOrThrow("composer", ["show", "--format=json", "repertoire/hello"], { cwd: project, env });
    assert.deepEqual(JSON.parse(installed).versions, ["1.0.0"]);
  } finally {
    await registry.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
