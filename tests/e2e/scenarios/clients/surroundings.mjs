// A client is rarely alone with one repository: others stand beside it, and credentials come in more than one form.
import { before, test } from "node:test";
import assert from "node:assert/strict";
import { isAtLeast, slugOf } from "../../clients.mjs";
import { greet, greeterFiles } from "../../fixtures.mjs";

export default function surroundings(world, client, shop) {
  const slug = `beside-${slugOf(client)}`;
  const name = `acme/${slug}`;
  let second;

  before(async () => {
    second = await world.addRepository(slug);
    await world.upload(name, "1.0.0", greeterFiles(name, "from the second", { require: { "shop/core": "^1.0" } }), second);
  });

  test("a name that is not here is found in the next repository, and both are audited", async () => {
    // By patterns the client has to ask for every name; so it does where a repository is too large to be listed.
    const { token } = await world.createToken({ packages: ["shop/*", "acme/*"] });
    for (const repositories of [
      [shop.repository, second],
      [second, shop.repository],
    ]) {
      const composer = await world.composer({ client, repositories, token });
      await composer.require(`${name}:^1.0`);
      assert.deepEqual(await composer.lockedVersions(), { [name]: "1.0.0", "shop/core": "1.1.0" });
      assert.ok((await composer.locked(name)).dist.url.startsWith(`${second}/dist/`));
      assert.ok((await composer.locked("shop/core")).dist.url.startsWith(`${shop.repository}/dist/`));
      if (isAtLeast(client, 2, 4)) assert.match(await composer.succeed("audit"), /No security vulnerability advisories found/);
    }
  });

  test("a token in a header of the repository's options installs, and is in no lock file of ours", async () => {
    const { token } = await world.createToken();
    const options = { http: { header: [`Authorization: Bearer ${token}`] } };
    const repository = { type: "composer", url: shop.repository, options };
    const composer = await world.composer({ client, repository, auth: {} });
    await composer.require("shop/branches:^1.0");
    assert.equal(await composer.php(greet), "v1.1.0");
    const { dist, source } = await composer.locked("shop/branches");
    assert.ok(!JSON.stringify({ dist, source }).includes(token));
  });

  // Older ones know no such key of auth.json.
  if (isAtLeast(client, 2, 9)) {
    test("a token in custom headers of auth.json installs", async () => {
      const { token } = await world.createToken();
      const auth = { "custom-headers": { [new URL(shop.repository).host]: [`Authorization: Bearer ${token}`] } };
      const composer = await world.composer({ client, repository: shop.repository, auth });
      await composer.require("shop/branches:^1.0");
      assert.equal(await composer.php(greet), "v1.1.0");
    });
  }
}
