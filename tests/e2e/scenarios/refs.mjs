// What happens to refs upstream after a release: deleted, moved, renamed. Lock files of yesterday must install tomorrow.
import { test } from "node:test";
import assert from "node:assert/strict";
import { deletePayload, pushPayload, renamePayload } from "../github-webhooks.mjs";
import { greet, greeterFiles } from "../fixtures.mjs";

export default function refs(world) {
  test("a deleted tag leaves the metadata, and the old lock file still installs", async () => {
    const name = "acme/deleted";
    const project = await world.importGreeter(name, { tags: ["v1.0.0", "v1.1.0"] });
    const composer = await world.composer();
    await composer.require(`${name}:^1.0`);
    assert.equal((await composer.locked(name)).version, "v1.1.0");

    const before = await project.repository.resolve("v1.1.0");
    await project.repository.deleteRef("refs/tags/v1.1.0");
    const job = await world.syncedBy(name, () =>
      world.deliver("delete", deletePayload(world.double, project, { ref: "v1.1.0" })),
    );
    assert.equal(job.refs.find((ref) => ref.ref === "refs/tags/v1.1.0").state, "removed");
    assert.deepEqual((await world.versions(name)).sort(), ["dev-main", "v1.0.0"]);
    assert.doesNotMatch((await world.get(`p2/${name}.json`)).text, /v1\.1\.0/);

    await composer.forgetEverythingButTheLock();
    await composer.install();
    assert.equal(await composer.php(greet), "v1.1.0");
    assert.equal((await composer.locked(name)).dist.reference, before);

    await composer.update();
    assert.equal(await composer.php(greet), "v1.0.0");
  });

  test("a deleted branch leaves the metadata", async () => {
    const name = "acme/pruned";
    const project = await world.importGreeter(name);
    const [commit] = await project.repository.commit({
      branch: "feature/short-lived",
      from: "main",
      files: greeterFiles(name, "feature"),
    });
    const ref = "refs/heads/feature/short-lived";
    await world.syncedBy(name, () => world.deliver("push", pushPayload(world.double, project, { ref, after: commit })));
    assert.ok((await world.versions(name)).includes("dev-feature/short-lived"));
    await project.repository.deleteRef(ref);
    await world.syncedBy(name, () => world.deliver("push", pushPayload(world.double, project, { ref, before: commit })));
    assert.deepEqual((await world.versions(name)).sort(), ["dev-main", "v1.0.0"]);
  });

  test("a branch moves on, and `composer update` follows it", async () => {
    const name = "acme/moving";
    const project = await world.importGreeter(name);
    const composer = await world.composer();
    await composer.require(`${name}:dev-main`);
    assert.equal(await composer.php(greet), "v1.0.0");
    const [commit] = await project.repository.commit({ files: greeterFiles(name, "newer") });
    await world.syncedBy(name, () =>
      world.deliver("push", pushPayload(world.double, project, { ref: "refs/heads/main", after: commit })),
    );
    await composer.update();
    assert.equal(await composer.php(greet), "newer");
    assert.equal((await composer.locked(name)).dist.reference, commit);
  });

  test("a tag that is moved by force keeps its first commit, and the attempt is shown", async () => {
    const name = "acme/forced";
    const project = await world.importGreeter(name);
    const first = await project.repository.resolve("v1.0.0");
    const composer = await world.composer();
    await composer.require(`${name}:^1.0`);

    const [second] = await project.repository.commit({ files: greeterFiles(name, "moved") });
    await project.repository.setTag("v1.0.0", second);
    const payload = pushPayload(world.double, project, { ref: "refs/tags/v1.0.0", before: first, after: second, forced: true });
    await world.syncedBy(name, () => world.deliver("push", payload));

    const found = await world.package(name);
    assert.equal(found.versions.find((entry) => entry.version === "v1.0.0").reference, first);
    const attempt = found.refs.find((ref) => ref.ref === "refs/tags/v1.0.0");
    assert.equal(attempt.commit, second);
    assert.equal(attempt.state, "skipped");
    assert.match(attempt.reason, new RegExp(first.slice(0, 7)), "the reason names the commit that is kept");

    await composer.forgetEverythingButTheLock();
    await composer.update();
    assert.equal((await composer.locked(name)).dist.reference, first);
    assert.equal(await composer.php(greet), "v1.0.0");
  });

  test("a renamed project is followed by its id", async () => {
    const name = "acme/renamed";
    const project = await world.importGreeter(name);
    world.double.rename(project, "acme/renamed-upstream");
    await project.repository.commit({ files: greeterFiles(name, "v1.1.0"), tags: ["v1.1.0"] });
    await world.syncedBy(name, () => world.deliver("repository", renamePayload(world.double, project)));
    const found = await world.package(name);
    assert.equal(found.project.full_name, "acme/renamed-upstream");
    assert.ok(found.versions.some((entry) => entry.version === "v1.1.0"));
  });

  test("two tags of the same version: the first of the host wins, the other says so", async () => {
    const name = "acme/twice";
    const project = await world.importGreeter(name, { tags: ["v1.0.0", "1.0.0"] });
    const found = await world.package(name);
    assert.deepEqual(found.versions.map((entry) => entry.version_normalized).sort(), ["1.0.0.0", "dev-main"]);
    const loser = found.refs.find((ref) => ref.ref.startsWith("refs/tags/") && ref.state === "skipped");
    assert.match(loser.reason, /1\.0\.0/);
    assert.ok(await project.repository.resolve(loser.commit));
  });
}
