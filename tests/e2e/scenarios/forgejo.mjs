// A project at a Forgejo: imported over many pages, the same versions as Composer's own driver finds, kept in step by signed webhooks.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { clients } from "../clients.mjs";
import { greet, greeterFiles } from "../fixtures.mjs";
import { ForgejoDouble } from "../forgejo-double.mjs";
import { deletePayload, deliver, pushPayload } from "../forgejo-webhooks.mjs";
import { makeCertificate } from "../support/certificate.mjs";

const name = "acme/forgejo-greeter";

export default function forgejo(world) {
  let double, project, connection, composer;

  before(async () => {
    double = await ForgejoDouble.start({ folder: await world.newFolder("forgejo") });
    double.pageSize = 2;
    project = await double.addProject(name);
    const releases = ["v1.0.0", "v1.1.0", "v1.2.0", "v1.10.0"];
    await project.repository.commit(
      ...releases.map((tag) => ({ files: greeterFiles(name, tag), tags: [{ name: tag, annotated: true }] })),
      { branch: "feature/deep/name", from: "main", files: greeterFiles(name, "feature") },
      { branch: "1.x", from: "main", files: greeterFiles(name, "1.x") },
    );
    composer = await world.composer();
  });
  after(() => double?.stop());

  test("a token that lacks the scope is refused with what it lacks", async () => {
    const asked = { provider: "forgejo", base_url: double.url, token: double.addToken({ scopes: ["read:user"] }) };
    const { detail } = await world.expect(422, "POST", "/orgs/main/connections", asked);
    assert.match(detail, /`read:repository`/);
  });

  test("the project is imported over all pages and installs", async () => {
    const asked = { provider: "forgejo", base_url: `${double.url}/`, token: double.addToken() };
    connection = await world.expect(201, "POST", "/orgs/main/connections", asked);
    assert.equal(connection.account, "ada");
    const { job } = await world.expect(202, "POST", "/orgs/main/packages", { connection: connection.id, project: name, repository: "packages" });
    await world.jobDone(job.id);
    await composer.require(`${name}:^1.0`);
    assert.equal(await composer.php(greet), "v1.10.0");
  });

  test("its versions and their commits are those that Composer's own driver finds", async () => {
    const folder = await world.newFolder("certificate");
    const certificate = await makeCertificate(folder);
    // The driver speaks https only, and the registry does not know this certificate: two servers of one host.
    const secure = await ForgejoDouble.start({ folder, certificate });
    try {
      Object.assign(secure, { projects: double.projects, tokens: double.tokens, pageSize: 2 });
      const host = new URL(secure.url).host;
      const own = await world.composer({
        client: clients.at(-1),
        repository: { type: "vcs", url: `${secure.url}/${name}` },
        auth: { "forgejo-token": { [host]: { username: "ada", token: double.addToken() } } },
        config: { "forgejo-domains": [host], cafile: certificate.path },
      });
      const theirs = await own.show(name);
      assert.ok(secure.countRequests(/\/api\/v1\/repos\//) > 0, "it was the API that was asked, and not git");
      const ours = await composer.show(name);
      assert.deepEqual([...ours.versions].sort(), [...theirs.versions].sort());
      assert.deepEqual([...ours.versions].sort(), ["1.x-dev", "dev-feature/deep/name", "dev-main", "v1.0.0", "v1.1.0", "v1.10.0", "v1.2.0"]);
      await own.require(`${name}:1.1.0`);
      await composer.require(`${name}:1.1.0`);
      const [their, our] = [await own.locked(name), await composer.locked(name)];
      assert.equal(our.dist.reference, their.dist.reference);
      assert.equal(our.time, their.time);
      await composer.require(`${name}:^1.0`);
    } finally {
      await secure.stop();
    }
  });

  test("a signed webhook brings a new tag", async () => {
    const [commit] = await project.repository.commit({ files: greeterFiles(name, "two"), tags: ["v2.0.0"] });
    await world.syncedBy(name, async () => {
      const answer = await deliver(connection.webhook, "push", pushPayload(double, project, { ref: "refs/tags/v2.0.0", after: commit }));
      assert.equal(answer.status, 202, answer.text);
    });
    await composer.require(`${name}:^2.0`);
    assert.equal(await composer.php(greet), "two");
  });

  test("a deleted tag is gone, and a forged delivery does nothing", async () => {
    await project.repository.deleteRef("refs/tags/v1.2.0");
    const payload = deletePayload(double, project, { ref: "v1.2.0" });
    for (const signature of ["", "0".repeat(64)])
      assert.equal((await deliver(connection.webhook, "delete", payload, { signature })).status, 401);
    assert.ok((await world.versions(name)).includes("v1.2.0"));
    await world.syncedBy(name, async () => {
      const answer = await deliver(connection.webhook, "delete", payload);
      assert.equal(answer.status, 202, answer.text);
    });
    assert.ok(!(await world.versions(name)).includes("v1.2.0"));
    await composer.end(2, "require", `${name}:1.2.0`);
  });
}
