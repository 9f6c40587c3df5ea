// Which version a client takes, told by what a user writes into composer.json.
import { test } from "node:test";
import assert from "node:assert/strict";
import { greet } from "../../fixtures.mjs";

export default function versions(world, client, shop) {
  const project = (require, manifest) => world.composer({ client, repository: shop.repository, require, manifest });

  test("require takes the newest and what it needs", async () => {
    const composer = await project();
    const output = await composer.require("shop/kit:^1.0");
    assert.match(output, /Locking shop\/kit \(1\.1\.0\)/);
    assert.deepEqual(await composer.lockedVersions(), { "shop/core": "1.1.0", "shop/kit": "1.1.0" });
    assert.deepEqual((await composer.read()).require, { "shop/kit": "^1.0" });
    for (const name of ["shop/core", "shop/kit"])
      assert.match(await composer.file(`vendor/${name}/src/Greeter.php`), new RegExp(`'${name} 1\\.1\\.0'`));
  });

  test("update takes one package, one with its dependencies, or all", async () => {
    const composer = await project({ "shop/kit": "^1.0", "shop/branches": "^1.0" });
    const lowest = { "shop/branches": "v1.0.0", "shop/core": "1.0.0", "shop/kit": "1.0.0" };
    const updated = async (...args) => {
      await composer.update(...args);
      return composer.lockedVersions();
    };
    assert.deepEqual(await updated("--prefer-lowest"), lowest);
    assert.deepEqual(await updated("shop/kit"), { ...lowest, "shop/kit": "1.1.0" });
    assert.deepEqual(await updated("--prefer-lowest"), lowest);
    assert.deepEqual(await updated("shop/kit", "--with-dependencies"), { ...lowest, "shop/core": "1.1.0", "shop/kit": "1.1.0" });
    assert.deepEqual(await updated(), { "shop/branches": "v1.1.0", "shop/core": "1.1.0", "shop/kit": "1.1.0" });
    assert.match(await composer.file("vendor/shop/branches/src/Greeter.php"), /'v1\.1\.0'/);
    assert.match(await composer.update(), /Nothing to modify in lock file/);
  });

  // What is asked for, what is locked, the ref that has it; `undefined` for an upload.
  for (const [asked, version, ref] of [
    ["shop/branches:dev-main", "dev-main", "main"],
    ["shop/branches:2.x-dev", "dev-main", "main"],
    ["shop/branches:^2.0@dev", "dev-main", "main"],
    ["shop/branches:dev-feature/with-slash", "dev-feature/with-slash", "feature/with-slash"],
    ["shop/branches:1.x-dev", "1.x-dev", "1.x"],
    ["shop/branches:^1.0", "v1.1.0", "v1.1.0"],
    ["shop/jquery.ui:^1.0", "1.0.0"],
    ["shop/index.php:^1.0", "1.0.0"],
    ["shop/forms:1.2.3.4", "v1.2.3.4"],
    ["shop/forms:^1.3", "1.3.0+build.5"],
    ["shop/forms:2.x-dev", "2.x-dev"],
    ["shop/forms:dev-feature/with-slash", "dev-feature/with-slash"],
  ]) {
    test(`${asked} is ${version}`, async () => {
      const composer = await project();
      await composer.require(asked);
      const [name] = asked.split(":");
      const locked = await composer.locked(name);
      assert.equal(locked.version, version);
      if (ref) assert.equal(locked.dist.reference, await shop.project.repository.resolve(ref));
      const greeting = { main: "main", "1.x": "1.x", "feature/with-slash": "feature" }[ref] ?? ref ?? `${name} ${version}`;
      assert.equal(await composer.php(greet), greeting);
    });
  }

  test("minimum-stability and prefer-stable decide", async () => {
    for (const [manifest, version] of [
      [{}, "1.0.0"],
      [{ "minimum-stability": "beta" }, "1.1.0-beta1"],
      [{ "minimum-stability": "alpha" }, "2.0.0-alpha1"],
      [{ "minimum-stability": "alpha", "prefer-stable": true }, "1.0.0"],
    ]) {
      const composer = await project({ "shop/early": "*" }, manifest);
      await composer.update("--no-install");
      assert.deepEqual(await composer.lockedVersions(), { "shop/early": version }, JSON.stringify(manifest));
    }
    for (const [manifest, version] of [
      [{ "minimum-stability": "dev" }, "dev-main"],
      [{ "minimum-stability": "dev", "prefer-stable": true }, "v1.1.0"],
    ]) {
      const composer = await project({ "shop/branches": "*" }, manifest);
      await composer.update("--no-install");
      assert.deepEqual(await composer.lockedVersions(), { "shop/branches": version }, JSON.stringify(manifest));
    }
  });

  test("a version that this platform cannot run is not taken, an older one is", async () => {
    const composer = await project({ "shop/tower": "^1.0" });
    await composer.update();
    assert.deepEqual(await composer.lockedVersions(), { "shop/tower": "1.0.0" });
    assert.match(await composer.end(2, "require", "shop/tower:1.1.0"), /requires ext-repertoire-impossible/);
    assert.match(await composer.end(2, "require", "shop/tower:1.2.0"), /requires php >=99/);
    await composer.require("shop/tower:^1.1", "--ignore-platform-reqs");
    assert.deepEqual(await composer.lockedVersions(), { "shop/tower": "1.2.0" });
  });

  test("--prefer-source clones the public project at the commit", async () => {
    const composer = await project();
    await composer.require("shop/branches:^1.0", "--prefer-source");
    const head = (await composer.file("vendor/shop/branches/.git/HEAD")).trim();
    assert.equal(head, await shop.project.repository.resolve("v1.1.0"));
    assert.equal(await composer.php(greet), "v1.1.0");
  });

  test("create-project installs a package as a project, and what it needs", async () => {
    const composer = await project();
    // A new project has no configuration of its own yet.
    await composer.writeGlobalConfig({ config: { "secure-http": false }, repositories: { "packagist.org": false } });
    const repository = JSON.stringify({ type: "composer", url: shop.repository });
    await composer.succeed("create-project", "--add-repository", `--repository=${repository}`, "shop/skeleton", "new");
    assert.match(await composer.file("new/src/Greeter.php"), /'shop\/skeleton 1\.0\.0'/);
    assert.match(await composer.file("new/vendor/shop/core/src/Greeter.php"), /'shop\/core 1\.1\.0'/);
  });
}
