// A repository at a Bitbucket Data Center below a path: imported over many pages, kept in step by signed webhooks, found again after a move.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { BitbucketServerDouble } from "../bitbucket-server-double.mjs";
import { deliver, modifiedPayload, refsChangedPayload } from "../bitbucket-webhooks.mjs";
import { greet, greeterFiles } from "../fixtures.mjs";

const name = "acme/server-greeter";

export default function bitbucketServer(world) {
  let double, project, connection, composer;

  before(async () => {
    double = await BitbucketServerDouble.start({ folder: await world.newFolder("bitbucket-server") });
    // Others, more than a page of them, among which a moved one has to be found.
    for (const other of ["ACME/one", "ACME/two", "ACME/three"]) await double.addProject(other);
    project = await double.addProject("ACME/greeter");
    const releases = ["v1.0.0", "v1.1.0", "v1.10.0"];
    await project.repository.commit(...releases.map((tag) => ({ files: greeterFiles(name, tag), tags: [{ name: tag, annotated: true }] })));
    // A tag of a tag.
    await project.repository.setTag("v1.10.1", "refs/tags/v1.10.0", { annotated: true });
    composer = await world.composer();
  });
  after(() => double.stop());

  test("the repository is imported over all pages and installs", async () => {
    const asked = { provider: "bitbucket-server", base_url: `${double.url}/`, token: double.addToken() };
    connection = await world.expect(201, "POST", "/orgs/main/connections", asked);
    assert.equal(connection.account, "ada");
    const { job } = await world.expect(202, "POST", "/orgs/main/packages", {
      connection: connection.id,
      project: "ACME/greeter",
      repository: "packages",
    });
    await world.jobDone(job.id);
    assert.deepEqual((await world.versions(name)).sort(), ["dev-main", "v1.0.0", "v1.1.0", "v1.10.0", "v1.10.1"]);
    await composer.require(`${name}:^1.0`);
    assert.equal(await composer.php(greet), "v1.10.0");
    const { source } = await composer.locked(name);
    assert.equal(source.url, `${double.url}/scm/ACME/greeter.git`);
    assert.equal(source.reference, await project.repository.resolve("v1.10.0"));
  });

  test("a signed delivery brings a new tag, a forged one nothing", async () => {
    const [commit] = await project.repository.commit({ files: greeterFiles(name, "two"), tags: ["v2.0.0"] });
    const payload = refsChangedPayload(project, [{ name: "refs/tags/v2.0.0", commit }]);
    const forged = await deliver(connection.webhook, "repo:refs_changed", payload, { signature: `sha256=${"0".repeat(64)}` });
    assert.equal(forged.status, 401);
    await world.syncedBy(name, async () => {
      const answer = await deliver(connection.webhook, "repo:refs_changed", payload);
      assert.equal(answer.status, 202, answer.text);
    });
    await composer.require(`${name}:^2.0`);
    assert.equal(await composer.php(greet), "two");
    const ping = await deliver(connection.webhook, "diagnostics:ping", { test: true });
    assert.equal(ping.status, 200, ping.text);
  });

  test("a repository that was moved is found again", async () => {
    double.rename(project, "OTHER/moved");
    const [commit] = await project.repository.commit({ files: greeterFiles(name, "three"), tags: ["v3.0.0"] });
    await world.syncedBy(name, async () => {
      const answer = await deliver(connection.webhook, "repo:modified", modifiedPayload(project));
      assert.equal(answer.status, 202, answer.text);
    });
    assert.equal((await world.package(name)).project.full_name, "OTHER/moved");
    await composer.require(`${name}:^3.0`);
    assert.equal((await composer.locked(name)).source.reference, commit);
  });
}
