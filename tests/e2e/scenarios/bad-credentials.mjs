// Bad credentials are limited by address, by the platform's own counter; good ones are not. Everybody here has one address,
// so this comes after all that is answered a 401.
import { test } from "node:test";
import assert from "node:assert/strict";

export default function badCredentials(world) {
  test("after a hundred in a minute a bad token waits, and a good one does not", async () => {
    const answers = [];
    // The counter begins anew with each minute: at most two of them are touched.
    while (answers.length < 250 && !answers.some(({ status }) => status === 429))
      answers.push(await world.get("packages.json", { token: "nonsense" }));
    const last = answers.at(-1);
    assert.equal(last.status, 429, `${answers.length} bad tokens were all looked at`);
    assert.ok(answers.slice(0, -1).every(({ status }) => status === 401));
    assert.ok(Number(last.headers.get("retry-after")) <= 60);
    assert.match(last.json().warning, /Too many requests with bad credentials/);
    const fleet = await Promise.all(Array.from({ length: 200 }, () => world.get("packages.json")));
    assert.deepEqual(new Set(fleet.map(({ status }) => status)), new Set([200]));
  });
}
