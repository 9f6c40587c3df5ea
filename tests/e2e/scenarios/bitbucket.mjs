// A repository at Bitbucket Cloud: imported over many pages with an API token, kept in step by signed webhooks, also under a new name.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { BitbucketDouble } from "../bitbucket-double.mjs";
import { deliver, pushPayload, renamePayload } from "../bitbucket-webhooks.mjs";
import { greet, greeterFiles } from "../fixtures.mjs";

const name = "acme/bitbucket-greeter";
const email = "ada@example.org";

export default function bitbucket(world) {
  let double, project, connection, composer;

  before(async () => {
    double = await BitbucketDouble.start({ folder: await world.newFolder("bitbucket") });
    project = await double.addProject("acme/greeter");
    const releases = ["v1.0.0", "v1.1.0", "v1.2.0", "v1.10.0"];
    await project.repository.commit(...releases.map((tag) => ({ files: greeterFiles(name, tag), tags: [{ name: tag, annotated: true }] })));
    composer = await world.composer();
  });
  after(() => double.stop());

  const connect = (status, asked) =>
    world.expect(status, "POST", "/orgs/main/connections", { provider: "bitbucket", base_url: double.apiUrl, ...asked });

  test("credentials that Bitbucket does not take are refused with what it takes", async () => {
    const lacking = { username: email, token: double.addToken({ email, scopes: ["read:user:bitbucket"] }) };
    assert.match((await connect(422, lacking)).detail, /`read:repository:bitbucket`/);
    const alone = { token: double.addToken({ email }) };
    assert.match((await connect(422, alone)).detail, /e-mail address/);
  });

  test("the repository is imported over all pages and installs", async () => {
    connection = await connect(201, { username: email, token: double.addToken({ email }) });
    assert.equal(connection.account, "ada");
    assert.deepEqual(connection.webhook.events, ["repo:push", "repo:updated", "repo:transfer", "repo:deleted"]);
    const { job } = await world.expect(202, "POST", "/orgs/main/packages", {
      connection: connection.id,
      project: "acme/greeter",
      repository: "packages",
    });
    await world.jobDone(job.id);
    assert.deepEqual((await world.versions(name)).sort(), ["dev-main", "v1.0.0", "v1.1.0", "v1.10.0", "v1.2.0"]);
    await composer.require(`${name}:^1.0`);
    assert.equal(await composer.php(greet), "v1.10.0");
    const { support } = await composer.locked(name);
    const commit = await project.repository.resolve("v1.10.0");
    assert.equal(support.source, `${double.websiteUrl}/acme/greeter/src/${commit}/?at=v1.10.0`);
  });

  test("one signed delivery tells of a new tag and of a deleted one", async () => {
    const [commit] = await project.repository.commit({ files: greeterFiles(name, "two"), tags: ["v2.0.0"] });
    await project.repository.deleteRef("refs/tags/v1.2.0");
    const payload = pushPayload(double, project, [{ name: "refs/tags/v1.2.0" }, { name: "refs/tags/v2.0.0", commit }]);
    const delivery = "9f0c7b1e-0000-4000-8000-000000000001";
    await world.syncedBy(name, async () => {
      const answer = await deliver(connection.webhook, "repo:push", payload, { delivery });
      assert.equal(answer.status, 202, answer.text);
    });
    await composer.require(`${name}:^2.0`);
    assert.equal(await composer.php(greet), "two");
    assert.ok(!(await world.versions(name)).includes("v1.2.0"));
    const again = await deliver(connection.webhook, "repo:push", payload, { delivery, attempt: 2 });
    assert.equal(again.status, 202);
    assert.match(again.text, /duplicate/);
  });

  test("forged and unsigned deliveries are refused", async () => {
    const payload = pushPayload(double, project, []);
    for (const signature of [null, "", "sha256=", `sha256=${"0".repeat(64)}`]) {
      const answer = await deliver(connection.webhook, "repo:push", payload, { signature });
      assert.equal(answer.status, 401, String(signature));
    }
  });

  test("a renamed repository is followed", async () => {
    double.rename(project, "other/moved");
    const [commit] = await project.repository.commit({ files: greeterFiles(name, "three"), tags: ["v3.0.0"] });
    await world.syncedBy(name, async () => {
      const answer = await deliver(connection.webhook, "repo:transfer", renamePayload(double, project));
      assert.equal(answer.status, 202, answer.text);
    });
    assert.equal((await world.package(name)).project.full_name, "other/moved");
    await composer.require(`${name}:^3.0`);
    assert.equal((await composer.locked(name)).source.reference, commit);
  });
}
