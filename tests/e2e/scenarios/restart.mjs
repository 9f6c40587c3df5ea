// The state outlives the process: packages, archives, tokens, connections with their sealed secrets.
import { before, test } from "node:test";
import assert from "node:assert/strict";
import { pushPayload } from "../github-webhooks.mjs";
import { greet, greeterFiles } from "../fixtures.mjs";

const name = "acme/durable";

export default function restart(world) {
  let project, composer, kept, revoked, documents, printedBefore;

  const read = async () =>
    Promise.all(
      ["packages.json", `p2/${name}.json`].map(async (path) => {
        const { text, headers } = await world.get(path);
        return { text, modified: headers.get("last-modified") };
      }),
    );

  before(async () => {
    project = await world.importGreeter(name);
    kept = (await world.createToken()).token;
    revoked = await world.createToken();
    await world.expect(204, "DELETE", `/orgs/main/tokens/${revoked.id}`);
    composer = await world.composer({ token: kept });
    await composer.require(`${name}:^1.0`);
    documents = await read();
    printedBefore = world.registry.output.length;
    await world.registry.restart();
  });

  test("the admin token is not printed again and still works", async () => {
    assert.equal((await world.package(name)).name, name);
    assert.ok(!world.registry.output.slice(printedBefore).includes(world.registry.adminToken));
  });

  test("documents are the same, validators included", async () => {
    assert.deepEqual(await read(), documents);
  });

  test("a lock file of before installs", async () => {
    await composer.forgetEverythingButTheLock();
    await composer.install();
    assert.equal(await composer.php(greet), "v1.0.0");
  });

  test("what was revoked stays out", async () => {
    assert.equal((await world.get("packages.json", { token: revoked.token })).status, 401);
  });

  test("webhooks and imports go on", async () => {
    const [commit] = await project.repository.commit({ files: greeterFiles(name, "v1.1.0"), tags: ["v1.1.0"] });
    await world.syncedBy(name, () =>
      world.deliver("push", pushPayload(world.double, project, { ref: "refs/tags/v1.1.0", after: commit })),
    );
    await composer.update();
    assert.equal(await composer.php(greet), "v1.1.0");
  });
}
