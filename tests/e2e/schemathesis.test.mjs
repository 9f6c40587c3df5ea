// Other people's judge of the description: schemathesis makes requests of it, right and wrong ones, and holds what the
// running registry answers against it.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../scripts/bench/machine.mjs";
import { setUp } from "../../scripts/first-start.mjs";
import { LocalInstance } from "../../scripts/local-instance.mjs";
import { projectFolder } from "../../scripts/paths.mjs";
import { provideSchemathesis } from "../../scripts/schemathesis.mjs";
import { makeFolder } from "./support/folder.mjs";
import { run } from "./support/process.mjs";

describe("schemathesis", () => {
  let registry, token, folder, command;
  before(async () => {
    command = await provideSchemathesis();
    folder = await makeFolder("schemathesis");
    // It tries bad credentials at every address, more of them in a minute than anybody may.
    registry = new LocalInstance({ stateFolder: join(folder, "state"), port: await freePort(), badCredentials: 100_000 });
    await registry.prepare();
    await registry.start();
    ({ token } = await setUp({ url: registry.url, setupSecret: registry.secret("SETUP_SECRET") }));
  });
  after(async () => {
    await registry?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("finds no answer that the description does not promise", { timeout: 10 * 60_000 }, async () => {
    const { code, output } = await run(
      command,
      [
        "--config-file",
        join(projectFolder, "tests", "e2e", "schemathesis.toml"),
        "run",
        `${registry.url}/api/v1/openapi.json`,
        "--header",
        `Authorization: Bearer ${token}`,
        // Rules that a schema cannot say (a slug that is taken, an id that is nobody's) refuse what a schema allows.
        "--exclude-checks=positive_data_acceptance",
        "--phases=examples,coverage,fuzzing",
        "--max-examples=10",
        "--max-time=100",
        "--seed=1",
        "--generation-database=none",
        // More of them trip over a fault of Python 3.11 (gh-106905).
        "--workers=1",
        "--request-timeout=30",
        "--no-color",
      ],
      { cwd: folder },
    );
    assert.equal(code, 0, output);
  });
});
