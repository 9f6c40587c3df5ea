// What a token may not see does not exist: the answers are those for names that nobody ever used, to the byte.
import { before, test } from "node:test";
import assert from "node:assert/strict";
import { greet } from "../fixtures.mjs";

const [seen, unseen, unknown] = ["acme/public-greeter", "acme/secret-greeter", "acme/never-existed"];

export default function visibility(world) {
  let token, reference;

  before(async () => {
    await Promise.all([world.importGreeter(seen), world.importGreeter(unseen)]);
    [{ reference }] = (await world.package(unseen)).versions.filter((entry) => entry.version === "v1.0.0");
    ({ token } = await world.createToken({ packages: ["acme/public-*"] }));
  });

  /** All that a client can tell answers apart by; the date is the clock's. */
  async function fingerprint(path, options) {
    const { status, headers, text } = await world.get(path, { token, ...options });
    return { status, headers: [...headers].filter(([name]) => name !== "date"), text };
  }

  for (const [what, of] of Object.entries({
    releases: (name) => `p2/${name}.json`,
    branches: (name) => `p2/${name}~dev.json`,
    "document for Composer 1": (name) => `p/${name}.json`,
    archive: (name) => `dist/${name}/${reference}.zip`,
  })) {
    test(`${what} of an unseen package: as of one that never existed`, async () => {
      const hidden = await fingerprint(of(unseen));
      assert.equal(hidden.status, 404);
      // Composer prints a warning: of each name that it probes nobody wants to read, of an archive that ends it everybody.
      assert.equal(/warning/.test(hidden.text), what === "archive");
      assert.deepEqual(hidden, await fingerprint(of(unknown)));
      assert.deepEqual(await fingerprint(of(unseen), { method: "HEAD" }), await fingerprint(of(unknown), { method: "HEAD" }));
    });
  }

  test("packages.json names only what is seen", async () => {
    const names = (await world.get("packages.json", { token })).json()["available-packages"];
    assert.ok(names.includes(seen));
    assert.ok(
      names.every((name) => name.startsWith("acme/public-")),
      names.join(),
    );
  });

  test("Composer installs what is seen and finds nothing else", async () => {
    const composer = await world.composer({ token });
    await composer.require(`${seen}:^1.0`);
    assert.equal(await composer.php(greet), "v1.0.0");
    const { code, output } = await composer.run("require", `${unseen}:^1.0`);
    assert.notEqual(code, 0);
    assert.match(output, /could not be found|Could not find/i);
  });

  test("a repository outside the grant: as one that never existed", async () => {
    await world.addRepository("internal");
    const { repositories } = await world.expect(200, "GET", "/orgs/main/repositories");
    const slugs = repositories.map((entry) => entry.slug);
    assert.ok(slugs.includes("internal") && slugs.includes("packages"), slugs.join());
    const limited = await world.createToken({ repositories: ["packages"] });
    const ask = (slug) =>
      fingerprint("packages.json", { token: limited.token, repository: world.registry.repository("main", slug) });
    const hidden = await ask("internal");
    assert.equal(hidden.status, 404);
    assert.deepEqual(hidden, await ask("never-existed"));
  });

  test("a repository without packages offers nothing to ask for", async () => {
    const root = (await world.get("packages.json", { repository: world.registry.repository("main", "internal") })).json();
    assert.ok(!("available-packages" in root), 'an empty list means "anything" to Composer');
    assert.equal(root["available-package-patterns"].length, 1);
  });
}
