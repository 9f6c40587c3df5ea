// Every request that a client sends, by path and status: what it has already must not travel again.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { isAtLeast, slugOf } from "../../clients.mjs";
import { greeterFiles } from "../../fixtures.mjs";

export default function requests(world, client) {
  const slug = `requests-${slugOf(client)}`;
  // A name is an organisation's, so each client has a vendor of its own.
  const vendor = `quiet-${slugOf(client)}`;
  // 2.10 was the first to read the root for an installation from a lock file.
  const installReadsRoot = isAtLeast(client, 2, 10);
  // 2.4 was the first to know of advisories.
  const audits = isAtLeast(client, 2, 4);
  let repository, log, composer;

  before(async () => {
    repository = await world.addRepository(slug);
    await world.upload(`${vendor}/a`, "1.0.0", greeterFiles(`${vendor}/a`, "a", { require: { [`${vendor}/b`]: "^1.0" } }), repository);
    for (const name of [`${vendor}/b`, `${vendor}/c`]) await world.upload(name, "1.0.0", greeterFiles(name, "one"), repository);
    log = await world.logRequests();
    composer = await world.composer({ client, repository, proxy: log.url, require: { [`${vendor}/a`]: "^1.0", [`${vendor}/c`]: "^1.0" } });
  });

  after(() => log?.stop());

  /** What was sent since the last time, within the repository; archives by their package, and sorted, since they come side by side. */
  function sent() {
    const within = new URL(repository).pathname;
    return log
      .take()
      .map((line) => line.replace(`${within}/`, "").replace(/(dist\/[^/]+\/[^/]+)\/[0-9a-f]+\.zip/, "$1"))
      .sort();
  }

  const root = (status) => `GET packages.json ${status}`;
  const documents = (status, ...names) => names.map((name) => `GET p2/${vendor}/${name}.json ${status}`);
  const archives = (...names) => names.map((name) => `GET dist/${vendor}/${name} 200`);
  const counted = "POST downloads 201";
  const assertSent = (...expected) => assert.deepEqual(sent(), expected.flat().sort());

  test("the first update reads every document once, and asks for no advisories", async () => {
    await composer.update();
    assertSent(root(200), documents(200, "a", "b", "c"), archives("a", "b", "c"), counted);
  });

  test("a second one gets only 304s", async () => {
    await composer.update();
    assertSent(root(304), documents(304, "a", "b", "c"));
  });

  test("after a release its document is read, and the others are 304s", async () => {
    await world.upload(`${vendor}/b`, "1.1.0", greeterFiles(`${vendor}/b`, "two"), repository);
    await composer.update();
    assert.deepEqual(await composer.lockedVersions(), { [`${vendor}/a`]: "1.0.0", [`${vendor}/b`]: "1.1.0", [`${vendor}/c`]: "1.0.0" });
    assertSent(root(304), documents(200, "b"), documents(304, "a", "c"), archives("b"), counted);
    await composer.update();
    assertSent(root(304), documents(304, "a", "b", "c"));
  });

  test("install from a lock file reads archives, and the root only where the client wants it", async () => {
    await composer.forgetEverythingButTheLock();
    await composer.install();
    assertSent(installReadsRoot ? root(200) : [], archives("a", "b", "c"), counted);
    await composer.removeVendor();
    await composer.install();
    // The archives are in the client's own cache now, and so is the root for ten minutes.
    assertSent(counted);
  });

  test("require reads the root and the package, and then what it needs", async () => {
    const fresh = await world.composer({ client, repository, proxy: log.url });
    await fresh.require(`${vendor}/a`);
    assertSent(root(200), documents(200, "a"), root(304), documents(304, "a"), documents(200, "b"), archives("a", "b"), counted);
  });

  test("branches are asked for where they would do", async () => {
    const manifest = { "minimum-stability": "dev", "prefer-stable": true };
    const fresh = await world.composer({ client, repository, proxy: log.url, manifest, require: { [`${vendor}/c`]: "^1.0" } });
    await fresh.update("--no-install");
    assertSent(root(200), documents(200, "c"), documents(404, "c~dev"));
  });

  test("questions about packages", async () => {
    await composer.update();
    sent();
    await composer.succeed("show", "-a", `${vendor}/c`);
    assertSent(root(304), documents(304, "c"), documents(404, "c~dev"));
    await composer.succeed("outdated");
    assertSent(root(304), documents(304, "a", "b", "c"));
    await composer.succeed("search", "greets");
    assertSent("GET search.json?q=greets&type= 200");
    await composer.succeed("show", "-a");
    assertSent(root(304));
    for (const local of [`why ${vendor}/b`, "licenses", "suggests"]) await composer.succeed(...local.split(" "));
    assertSent();
    if (audits) {
      await composer.succeed("audit");
      assertSent("POST security-advisories 200");
    }
  });
}
