// What a person sets for the refs of a package, and a package that takes another name: as the real Composer sees it.
import { test } from "node:test";
import assert from "node:assert/strict";
import { pushPayload } from "../github-webhooks.mjs";
import { greet, greeterFiles } from "../fixtures.mjs";
import { until } from "../support/until.mjs";

export default function policies(world) {
  /** Changes settings of a package and waits for the job that this starts. */
  async function set(name, settings) {
    const { job } = await world.expect(200, "PATCH", `/orgs/main/packages/${name}`, settings);
    return world.jobDone(job.id);
  }

  test("a moved tag is kept, then followed, and both lock files install", async () => {
    const name = "acme/unsteady";
    const project = await world.importGreeter(name);
    const first = await project.repository.resolve("v1.0.0");
    const early = await world.composer();
    await early.require(`${name}:^1.0`);

    const [second] = await project.repository.commit({ files: greeterFiles(name, "moved") });
    await project.repository.setTag("v1.0.0", second);
    const payload = pushPayload(world.double, project, { ref: "refs/tags/v1.0.0", before: first, after: second, forced: true });
    await world.syncedBy(name, () => world.deliver("push", payload));
    await early.clearCache();
    await early.update();
    assert.equal(await early.php(greet), "v1.0.0", "it is kept");

    await set(name, { moved_tags: "follow" });
    const entry = (await world.package(name)).refs.find((ref) => ref.ref === "refs/tags/v1.0.0");
    assert.deepEqual([entry.state, entry.reason], ["imported", null]);
    const late = await world.composer();
    await late.require(`${name}:^1.0`);
    assert.equal(await late.php(greet), "moved");
    assert.equal((await late.locked(name)).dist.reference, second);

    await early.forgetEverythingButTheLock();
    await early.install();
    assert.equal(await early.php(greet), "v1.0.0", "the old lock file installs what it installed");
    await early.update();
    assert.equal(await early.php(greet), "moved");

    await set(name, { moved_tags: "keep" });
    await late.forgetEverythingButTheLock();
    await late.update();
    assert.equal((await late.locked(name)).dist.reference, second, "what was followed stays");
  });

  test("a branch of a bot is not shown, and is when a person wants it", async () => {
    const name = "acme/tended";
    const project = await world.importGreeter(name);
    const branch = "dependabot/composer/monolog-3.0";
    const [commit] = await project.repository.commit({ branch, from: "main", files: greeterFiles(name, "bot") });
    const asked = () => world.double.countRequests(new RegExp(commit));
    await world.syncedBy(name, () =>
      world.deliver("push", pushPayload(world.double, project, { ref: `refs/heads/${branch}`, after: commit })),
    );
    assert.equal(asked(), 0, "it costs no request");
    const composer = await world.composer();
    const shown = await composer.show(name);
    assert.deepEqual(shown.versions.sort(), ["dev-main", "v1.0.0"]);
    const entry = (await world.package(name)).refs.find((ref) => ref.ref === `refs/heads/${branch}`);
    assert.equal(entry.state, "skipped");
    assert.match(entry.reason, /`dependabot\/\*`.*`transient_branches`/);

    await set(name, { transient_branches: ["renovate/*"] });
    await composer.clearCache();
    await composer.require(`${name}:dev-${branch}`);
    assert.equal(await composer.php(greet), "bot");
  });

  test("tags with a prefix of their own are versions where the package says so", async () => {
    const name = "acme/prefixed";
    await world.importGreeter(name, { tags: ["release-1.0.0", "prefixed@1.1.0"] });
    assert.deepEqual((await world.versions(name)).sort(), ["1.0.0", "dev-main"]);
    await set(name, { tag_prefixes: ["release-", "prefixed@"] });
    const composer = await world.composer();
    await composer.require(`${name}:^1.0`);
    assert.equal((await composer.locked(name)).version, "1.1.0");
    assert.equal(await composer.php(greet), "prefixed@1.1.0");
  });

  test("a package that is abandoned by hand is said to be, with what to use instead", async () => {
    const name = "acme/retired";
    await world.importGreeter(name);
    await world.expect(200, "PATCH", `/orgs/main/packages/${name}`, { abandoned: "acme/successor" });
    await until("the document does not say so", async () => /acme\/successor/.test((await world.get(`p2/${name}.json`)).text));
    const composer = await world.composer();
    const output = await composer.require(`${name}:^1.0`);
    assert.match(output, /Package acme\/retired is abandoned.*Use acme\/successor instead/s);
  });

  test("a renamed package: the old one leads to the new one, which has everything", async () => {
    const [before, name] = ["acme/christened-old", "acme/christened-new"];
    const project = await world.importGreeter(before, { tags: ["v1.0.0", "v1.1.0"] });
    const composer = await world.composer();
    await composer.require(`${before}:^1.0`);
    const lock = await composer.locked(before);

    const [commit] = await project.repository.commit({ files: greeterFiles(name, "v2.0.0"), tags: ["v2.0.0"] });
    await world.syncedBy(name, () =>
      world.deliver("push", pushPayload(world.double, project, { ref: "refs/heads/main", after: commit })),
    );

    await composer.forgetEverythingButTheLock();
    await composer.install();
    assert.equal(await composer.php(greet), "v1.1.0", "the old lock file installs");
    const output = await composer.update();
    assert.match(output, new RegExp(`Package ${before} is abandoned.*Use ${name} instead`, "s"));
    assert.equal((await composer.locked(before)).dist.reference, lock.dist.reference, "it stays as it was");
    assert.equal((await composer.locked(before)).abandoned, name);

    await composer.succeed("remove", before);
    await composer.require(name);
    assert.equal(await composer.php(greet), "v2.0.0");
    const locked = await composer.locked(name);
    assert.equal(locked.version, "v2.0.0");
    assert.equal(locked.abandoned, undefined);
    const shown = await composer.show(name);
    assert.deepEqual(shown.versions.sort(), ["dev-main", "v1.0.0", "v1.1.0", "v2.0.0"]);
    assert.match(await composer.succeed("search", "christened"), new RegExp(`^${before} ! Abandoned !`, "m"));
    const { results } = (await world.get("search.json?q=christened-old")).json();
    assert.deepEqual(
      results.map((found) => [found.name, found.abandoned]),
      [[before, name]],
    );

    const [old, fresh] = [await world.package(before), await world.package(name)];
    assert.deepEqual([old.abandoned, old.renamed_to, fresh.renamed_from], [name, name, before]);
  });
}
