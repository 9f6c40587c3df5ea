import assert from "node:assert/strict";
import test from "node:test";

import { countTests } from "../../scripts/test-counts.mjs";

test("the closing lines of all of cargo's test binaries are added up", () => {
  const output = [
    "running 3 tests",
    "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
    "test result: \u001b[31mFAILED\u001b[0m. 5 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.20s",
  ];
  assert.deepEqual(countTests(output.join("\n")), { passed: 8, failed: 2, skipped: 1 });
});

test("a cancelled test of Node.js is a failed one", () => {
  const output = ["ℹ tests 6", "ℹ suites 0", "ℹ pass 3", "ℹ fail 1", "ℹ cancelled 1", "ℹ skipped 1", "ℹ todo 0"];
  assert.deepEqual(countTests(output.join("\n")), { passed: 3, failed: 2, skipped: 1 });
});

test("what a test prints is not counted", () => {
  assert.deepEqual(countTests("it says: 7 passed, 2 failed\nfail 3\n"), { passed: 0, failed: 0, skipped: 0 });
});
