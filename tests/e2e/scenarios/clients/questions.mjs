// What a user asks a client about packages. Each question has a project of its own: a copy of one with `shop/kit` 1.0.0 installed.
import { before, test } from "node:test";
import assert from "node:assert/strict";
import { isAtLeast } from "../../clients.mjs";

export default function questions(world, client, shop) {
  let installed;

  before(async () => {
    installed = await world.composer({ client, repository: shop.repository });
    await installed.require("shop/kit:1.0.0");
  });

  const names = (output) => output.split("\n").map((line) => line.split(/\s/)[0]).filter((name) => name.startsWith("shop/"));

  // The arguments, the exit code, what is printed, and what must not be.
  for (const [args, code, expected, unwanted] of [
    ["show -a shop/kit", 0, [/^descrip\. : A kit of parts$/m, /^versions : 2\.0\.0, 1\.1\.0, \* 1\.0\.0$/m, /^license  : BSD 3-Clause/m]],
    ["show -a shop/unheard-of", 1, [/not found/]],
    ["show shop/kit", 0, [/^versions : \* 1\.0\.0$/m]],
    ["search lacquer", 0, [/^shop\/extra\b/m], /shop\/kit/],
    ["search --only-name extra", 0, [/^shop\/extra *$/m], /shop\/kit/],
    ["search --type=shop-theme kit", 0, [/^shop\/extra\b/m], /^shop\/kit/m],
    ["search --only-vendor shop", 0, [/^shop *$/m]],
    ["search unheard-of", 0, [], /shop/],
    ["outdated", 0, [/^shop\/kit\s+1\.0\.0\s+~\s+2\.0\.0/m], /^shop\/core/m],
    ["outdated --direct --strict", 1, [/shop\/kit\s+1\.0\.0\s+~\s+2\.0\.0/]],
    ["outdated --direct --minor-only", 0, [/shop\/kit\s+1\.0\.0\s+!\s+1\.1\.0/], /2\.0\.0/],
    isAtLeast(client, 2, 4) && ["audit", 0, [/No security vulnerability advisories found/], /could not be|fail/i],
    ["why shop/core", 0, [/^shop\/kit\s+1\.0\.0\s+requires\s+shop\/core \(\^1\.0\)/m]],
    // Before, it asked the public registry, whatever the project says.
    isAtLeast(client, 2, 4) && ["why-not shop/kit 2.0.0", isAtLeast(client, 2, 7) ? 1 : 0, [/^example\/project\s+\S+\s+requires\s+shop\/kit \(1\.0\.0\)/m]],
    ["suggests", 0, [/shop\/extra/, /To look at kits/]],
    ["licenses", 0, [/^shop\/core\s+1\.1\.0\s+MIT/m, /^shop\/kit\s+1\.0\.0\s+BSD-3-Clause/m]],
    ["fund", 0, [/https:\/\/shop\.example\/fund/]],
    ["browse --homepage --show shop/kit", 0, [/^https:\/\/shop\.example\/kit$/m]],
    ["check-platform-reqs", 0, [], /failed|missing/],
    ["validate", 0, [/is valid/]],
  ].filter(Boolean)) {
    test(`composer ${args}`, async () => {
      const composer = await installed.copy(await world.newFolder("composer"));
      const output = await composer.end(code, ...args.split(" "));
      for (const pattern of expected) assert.match(output, pattern);
      if (unwanted) assert.doesNotMatch(output, unwanted);
    });
  }

  test("composer show -a lists what the repository has", async () => {
    const composer = await installed.copy(await world.newFolder("composer"));
    const listed = names(await composer.succeed("show", "-a"));
    const root = (await world.get("packages.json", { repository: shop.repository })).json();
    assert.deepEqual(listed, root["available-packages"]);
    assert.ok(listed.length > 8);
  });

  test("composer update of nothing that changed leaves all as it was", async () => {
    const composer = await installed.copy(await world.newFolder("composer"));
    const output = await composer.update();
    assert.match(output, /Nothing to modify in lock file/);
    assert.match(output, /Nothing to install, update or remove/);
  });
}
