import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { zipSample } from "../../scripts/sample.mjs";
import { zip } from "../../scripts/zip.mjs";

const files = [
  { name: "src/Ünicode.php", bytes: Buffer.from("<?php\n") },
  { name: "composer.json", bytes: Buffer.from('{"name":"acme/tool"}\n') },
  { name: "empty", bytes: Buffer.alloc(0) },
];

function unpack(archive) {
  const folder = mkdtempSync(join(tmpdir(), "zip-test-"));
  try {
    writeFileSync(join(folder, "a.zip"), archive);
    const tested = spawnSync("unzip", ["-t", "a.zip"], { cwd: folder, encoding: "utf8" });
    assert.equal(tested.status, 0, tested.stdout + tested.stderr);
    const unpacked = spawnSync("unzip", ["-q", "a.zip", "-d", "out"], { cwd: folder, encoding: "utf8" });
    assert.equal(unpacked.status, 0, unpacked.stderr);
    return Object.fromEntries(files.map(({ name }) => [name, readFileSync(join(folder, "out", name), "utf8")]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("unzip gets back what was put in", () => {
  const expected = Object.fromEntries(files.map(({ name, bytes }) => [name, bytes.toString()]));
  assert.deepEqual(unpack(zip(files)), expected);
});

test("the order of the files does not show", () => {
  assert.deepEqual(zip([...files].reverse()), zip(files));
});

test("the sample is the same bytes each time and has its composer.json at the top", () => {
  const archive = zipSample();
  assert.deepEqual(zipSample(), archive);
  assert.ok(archive.includes("composer.json") && archive.includes("src/Greeting.php"));
  assert.ok(archive.includes('"name": "repertoire/hello"'));
});
