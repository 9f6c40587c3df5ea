// A repository as it was: every revision can be read, and Composer can install from it.
import { before, test } from "node:test";
import assert from "node:assert/strict";
import { pushPayload } from "../github-webhooks.mjs";
import { greet, greeterFiles } from "../fixtures.mjs";

const name = "acme/historic";
// Its revisions are all about that package.
const slug = "chronicle";

export default function history(world) {
  let repository, project, past;

  const revisions = async () => (await world.expect(200, "GET", `/orgs/main/repositories/${slug}/revisions`)).revisions;
  const at = (revision) => `${repository}@${revision}`;

  before(async () => {
    repository = await world.addRepository(slug);
    project = await world.importGreeter(name, { repository: slug });
    [past] = await revisions();
    const [commit] = await project.repository.commit({ files: greeterFiles(name, "v1.1.0"), tags: ["v1.1.0"] });
    const payload = pushPayload(world.double, project, { ref: "refs/tags/v1.1.0", after: commit });
    await world.syncedBy(name, () => world.deliver("push", payload), slug);
  });

  test("revisions are listed, newest first", async () => {
    const listed = await revisions();
    const numbers = listed.map((entry) => entry.number);
    assert.deepEqual(
      numbers,
      [...numbers].sort((one, other) => other - one),
    );
    assert.equal(listed[0].number, past.number + 1, "a tag and a branch that change together are one revision");
    assert.notEqual(listed[0].root, past.root);
    assert.match(listed[0].root, /^[0-9a-f]{64}$/);
    assert.ok(Date.parse(listed[0].time) >= Date.parse(past.time));
    assert.equal(listed[0].cause, name);
  });

  test("the past has its own documents", async () => {
    const now = await world.get(`p2/${name}.json`, { repository });
    const then = await world.get(`p2/${name}.json`, { repository: at(past.number) });
    assert.equal(then.status, 200);
    assert.match(now.text, /v1\.1\.0/);
    assert.doesNotMatch(then.text, /v1\.1\.0/);
    assert.equal(
      (await world.get("packages.json", { repository: at(past.number) })).json()["metadata-url"],
      `${at(past.number)}/p2/%package%.json`,
    );
  });

  test("Composer installs from the past", async () => {
    const composer = await world.composer({ repository: at(past.number) });
    await composer.require(`${name}:^1.0`);
    assert.equal(await composer.php(greet), "v1.0.0");
    const today = await world.composer({ repository });
    await today.require(`${name}:^1.0`);
    assert.equal(await today.php(greet), "v1.1.0");
  });

  test("a revision that never was is not found", async () => {
    assert.equal((await world.get("packages.json", { repository: at(past.number + 1_000_000) })).status, 404);
    assert.equal((await world.get("packages.json", { repository: at("nonsense") })).status, 404);
  });

  test("the past needs credentials as well", async () => {
    assert.equal((await world.get("packages.json", { repository: at(past.number), token: null })).status, 401);
  });
}
