// A project at a GitLab that is installed below a path: imported over many pages, kept in step by both kinds of webhook.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { greet, greeterFiles } from "../fixtures.mjs";
import { GitLabDouble } from "../gitlab-double.mjs";
import { deliver, pushPayload } from "../gitlab-webhooks.mjs";

const name = "acme/gitlab-greeter";

export default function gitlab(world) {
  let double, project, connection, composer;

  before(async () => {
    double = await GitLabDouble.start({ folder: await world.newFolder("gitlab") });
    double.pageSize = 2;
    project = await double.addProject("acme/tools/greeter");
    const releases = ["v1.0.0", "v1.1.0", "v1.2.0", "v1.10.0"];
    await project.repository.commit(...releases.map((tag) => ({ files: greeterFiles(name, tag), tags: [{ name: tag, annotated: true }] })));
    composer = await world.composer();
  });
  after(() => double.stop());

  test("a token that lacks the scope is refused with what it lacks", async () => {
    const asked = { provider: "gitlab", base_url: double.url, token: double.addToken({ scopes: ["read_user"] }) };
    const { detail } = await world.expect(422, "POST", "/orgs/main/connections", asked);
    assert.match(detail, /`read_api`/);
  });

  test("the project is imported over all pages and installs", async () => {
    const asked = { provider: "gitlab", base_url: `${double.url}/`, token: double.addToken() };
    connection = await world.expect(201, "POST", "/orgs/main/connections", asked);
    assert.equal(connection.account, "ada");
    const { job } = await world.expect(202, "POST", "/orgs/main/packages", {
      connection: connection.id,
      project: "acme/tools/greeter",
      repository: "packages",
    });
    await world.jobDone(job.id);
    assert.deepEqual((await world.versions(name)).sort(), ["dev-main", "v1.0.0", "v1.1.0", "v1.10.0", "v1.2.0"]);
    await composer.require(`${name}:^1.0`);
    assert.equal(await composer.php(greet), "v1.10.0");
  });

  test("a webhook with the secret token brings a new tag", async () => {
    const [commit] = await project.repository.commit({ files: greeterFiles(name, "two"), tags: ["v2.0.0"] });
    await world.syncedBy(name, async () => {
      const answer = await deliver(connection.webhook, pushPayload(project, { ref: "refs/tags/v2.0.0", object: commit, commit }));
      assert.equal(answer.status, 202, answer.text);
    });
    await composer.require(`${name}:^2.0`);
    assert.equal(await composer.php(greet), "two");
  });

  test("a signed webhook tells of a deleted tag", async () => {
    await project.repository.deleteRef("refs/tags/v1.2.0");
    const payload = pushPayload(project, { ref: "refs/tags/v1.2.0", before: "1".repeat(40) });
    await world.syncedBy(name, async () => {
      const answer = await deliver(connection.webhook, payload, { isSigned: true });
      assert.equal(answer.status, 202, answer.text);
    });
    assert.ok(!(await world.versions(name)).includes("v1.2.0"));
    const forged = { ...connection.webhook, signing_token: `whsec_${Buffer.alloc(32).toString("base64")}` };
    assert.equal((await deliver(forged, payload, { isSigned: true })).status, 401);
  });
}
