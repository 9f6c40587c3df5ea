// The short form, for `npm test`. `npm run load` plays it for longer, with as many connections as one likes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { play } from "./scene.mjs";

test("600 connections read on without an error while publishing goes on, and nobody reads half of a change", { timeout: 900_000 }, async (t) => {
  const { errors, torn, missing, rounds, published, report } = await play({ seconds: 15, connections: 600 });
  for (const line of report) t.diagnostic(JSON.stringify(line));
  t.diagnostic(`${published} versions published, all read in ${rounds} rounds`);
  assert.deepEqual(errors.slice(0, 5), [], `${errors.length} errors`);
  assert.deepEqual(torn.slice(0, 5), [], `${torn.length} torn reads`);
  assert.deepEqual(missing, []);
  // Each kind was answered, and the crawler met a repository that was being written.
  assert.ok(report.every(({ answers }) => answers > 0));
  assert.ok(published > 6);
});
