import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import test from "node:test";

import { provideComposers, readLibraries, toolsFolder } from "../../scripts/composers.mjs";

/** Runs `work` with these variables set, and with a folder for programs. */
async function withEnvironment(variables, work) {
  const before = Object.fromEntries(Object.keys(variables).map((name) => [name, process.env[name]]));
  Object.assign(process.env, variables);
  try {
    return await work();
  } finally {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

/** A program that calls itself Composer. */
function writeComposer(folder, version) {
  const path = join(folder, `composer-${version}`);
  writeFileSync(path, `#!/bin/sh\necho 'PHP version 8.2.0'\necho 'Composer version ${version} 2026-01-01 00:00:00'\n`);
  chmodSync(path, 0o755);
  return path;
}

test("the Composers that are named are the ones to test with", async () => {
  const folder = mkdtempSync(join(tmpdir(), "repertoire-composers-"));
  try {
    const [one, two, three] = ["2.2.28", "2.8.0", "2.11.0"].map((version) => writeComposer(folder, version));
    const found = await withEnvironment({ COMPOSER_BIN: one, COMPOSER_OTHER_BINS: [two, three].join(delimiter) }, provideComposers);
    assert.deepEqual(found, [
      { binary: one, version: "2.2.28" },
      { binary: two, version: "2.8.0" },
      { binary: three, version: "2.11.0" },
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("two Composers of one line are one too many", async () => {
  const folder = mkdtempSync(join(tmpdir(), "repertoire-composers-"));
  try {
    const [one, two] = ["2.11.0", "2.11.3"].map((version) => writeComposer(folder, version));
    await withEnvironment({ COMPOSER_BIN: one, COMPOSER_OTHER_BINS: two }, () =>
      assert.rejects(provideComposers, /composer-2\.11\.0` is 2\.11\.0, `.*` is 2\.11\.3; name an older one by COMPOSER_BIN/),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a Composer that does not run is named, with what to do", async () => {
  await withEnvironment({ COMPOSER_BIN: "/nowhere/composer", COMPOSER_OTHER_BINS: "/nowhere/other" }, () =>
    assert.rejects(provideComposers, /`\/nowhere\/composer` is no Composer.*COMPOSER_OTHER_BINS/),
  );
});

test("of apt's records only PHP libraries count, and each once", () => {
  const records = [
    "Package: composer\nArchitecture: all\nDepends: jsonlint (>= 1.5), php-cli, php-symfony-console (>= 7) | php-old, php-psr-log:any\nSection: php\n",
    "Package: composer\nArchitecture: all\nDepends: php-other\nSection: php\n",
    "Package: php-cli\nSource: php-defaults (96)\nArchitecture: all\nSection: php\n",
    "Package: php8.4-curl\nSource: php8.4\nArchitecture: amd64\nSection: php\n",
    "Package: php-psr-log\nSource: psr-log\nArchitecture: all\nSection: php\n",
  ];
  assert.deepEqual(readLibraries(records.join("\n")), [
    { name: "composer", depends: ["jsonlint", "php-cli", "php-symfony-console", "php-psr-log"] },
    { name: "php-psr-log", depends: [] },
  ]);
});

test("tools are kept where build-worker keeps its own", () => {
  assert.equal(toolsFolder({ REPERTOIRE_TOOLS: "/tools", XDG_CACHE_HOME: "/cache" }), "/tools");
  assert.equal(toolsFolder({ XDG_CACHE_HOME: "/cache" }), join("/cache", "repertoire", "tools"));
});
