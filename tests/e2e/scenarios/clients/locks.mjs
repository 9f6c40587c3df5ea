// A lock file of yesterday, after much has happened: a branch moved, another was deleted, a tag as well, and a release came.
import { before, test } from "node:test";
import assert from "node:assert/strict";
import { slugOf } from "../../clients.mjs";
import { greet, greeterFiles } from "../../fixtures.mjs";
import { pushPayload } from "../../github-webhooks.mjs";

export default function locks(world, client) {
  const name = `acme/locked-${slugOf(client)}`;
  // What composer.json asks for: what yesterday's lock file has, and what today's will have.
  const projects = {
    "^1.0": { yesterday: "v1.1.0", today: "v1.2.0" },
    "dev-main": { yesterday: "main", today: "newer main" },
    "dev-feature/x || ^1.0": { yesterday: "feature", today: "v1.2.0" },
  };
  const locked = {};

  before(async () => {
    const project = await world.importGreeter(name, { tags: ["v1.0.0", "v1.1.0"] });
    const { repository } = project;
    const [commit] = await repository.commit(
      { files: greeterFiles(name, "main") },
      { branch: "feature/x", from: "main", files: greeterFiles(name, "feature") },
    );
    const pushed = (ref, after) => world.deliver("push", pushPayload(world.double, project, { ref, after }));
    await world.syncedBy(name, () => pushed("refs/heads/main", commit));
    for (const constraint of Object.keys(projects)) {
      const composer = await world.composer({ client, require: { [name]: constraint } });
      // Of the two that the third asks for, the branch is to be taken first.
      await composer.update("--with", `${name}:${constraint.split(" ")[0]}`);
      locked[constraint] = { composer, entry: await composer.locked(name) };
    }
    await repository.deleteRef("refs/tags/v1.1.0");
    await repository.deleteRef("refs/heads/feature/x");
    const [release] = await repository.commit(
      { files: greeterFiles(name, "v1.2.0"), tags: ["v1.2.0"] },
      { files: greeterFiles(name, "newer main") },
    );
    await world.syncedBy(name, () => pushed("refs/tags/v1.2.0", release));
    assert.deepEqual((await world.versions(name)).sort(), ["dev-main", "v1.0.0", "v1.2.0"]);
  });

  for (const [constraint, { yesterday, today }] of Object.entries(projects)) {
    test(`a lock file with ${yesterday} installs it, and update goes on to ${today}`, async () => {
      const { composer, entry } = locked[constraint];
      await composer.forgetEverythingButTheLock();
      const output = await composer.install();
      assert.match(output, new RegExp(`Installing ${name} \\(`));
      assert.equal(await composer.php(greet), yesterday);
      assert.deepEqual(await composer.locked(name), entry);
      assert.match(await composer.update(), new RegExp(`(Upgrading|Downgrading) ${name} \\(`));
      assert.equal(await composer.php(greet), today);
      assert.notEqual((await composer.locked(name)).dist.reference, entry.dist.reference);
    });
  }
}
