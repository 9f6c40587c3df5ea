// Webhooks that nobody has set up: the registry registers them, and the git host delivers to where they were registered.
import { test } from "node:test";
import assert from "node:assert/strict";
import { greet, greeterFiles } from "../fixtures.mjs";
import { until } from "../support/until.mjs";

export default function hooks(world) {
  const { double } = world;

  /** Commits a release and has the git host tell of it by the hooks it has; returns their answers. */
  async function push(project, name, tag) {
    const [commit] = await project.repository.commit({ files: greeterFiles(name, tag), tags: [tag] });
    return double.hooks.tellOfPush(double, project, { ref: `refs/tags/${tag}`, after: commit });
  }

  const hookOf = async (name) => (await world.package(name)).project.hook;

  const registered = (name) =>
    until(`the hook of ${name} is not registered`, async () => {
      const hook = await hookOf(name);
      return hook.state === "registered" && hook;
    });

  test("a pushed tag arrives by itself, until the hook is removed; a replay brings what it missed", async () => {
    const name = "acme/self-hooked";
    const project = await world.importGreeter(name);
    const place = `repositories/${project.id}`;
    const hook = await registered(name);
    assert.deepEqual(
      double.hooks.at(place).map(({ id, config }) => [String(id), config.url]),
      [[hook.id, world.connection.webhook.url]],
    );
    const composer = await world.composer();
    await composer.require(`${name}:^1.0`);
    await world.syncedBy(name, async () => {
      const [answer] = await push(project, name, "v1.1.0");
      assert.equal(answer.status, 202, answer.text);
    });
    await composer.update();
    assert.equal(await composer.php(greet), "v1.1.0");

    await world.expect(200, "DELETE", `/orgs/main/packages/${name}/hook`);
    assert.deepEqual(double.hooks.at(place), []);
    const known = await world.jobIds();
    assert.deepEqual(await push(project, name, "v1.2.0"), [], "nobody is told");
    assert.equal(await world.countNewJobs(name, known), 0);

    const { deliveries } = await world.expect(200, "GET", `/orgs/main/deliveries?connection=${world.connection.id}`);
    const delivery = deliveries.find((candidate) => candidate.project === name);
    assert.deepEqual(
      delivery.projects.map((one) => [one.id, one.job.state]),
      [[String(project.id), "done"]],
    );
    const { job } = await world.expect(202, "POST", `/orgs/main/deliveries/${delivery.id}/replay`);
    assert.equal((await world.jobDone(job.id)).progress.imported, 2, "the tag and the branch it is on");
    assert.ok((await world.versions(name)).includes("v1.2.0"));

    await world.expect(200, "POST", `/orgs/main/packages/${name}/hook`);
    await world.syncedBy(name, () => push(project, name, "v1.3.0"));
    assert.ok((await world.versions(name)).includes("v1.3.0"));
  });

  test("where the token may not, the import goes on and says what is missing", async () => {
    const name = "acme/unhooked";
    const project = await double.addProject(name);
    await project.repository.commit({ files: greeterFiles(name, "v1.0.0"), tags: ["v1.0.0"] });
    const connection = await world.connect(double.addToken({ mayManageHooks: false }));
    const asked = { connection: connection.id, project: name, repository: "packages" };
    const { job } = await world.expect(202, "POST", "/orgs/main/packages", asked);
    await world.jobDone(job.id);
    const hook = await until("nothing is said of the hook", async () => {
      const shown = await hookOf(name);
      return shown.state === "refused" && shown;
    });
    assert.match(hook.reason, /write access to `Webhooks`/);
    assert.equal(hook.url, connection.webhook.url);
  });

  test("a new project of an organisation becomes a package by the organisation's hook", async () => {
    const connection = await world.connect(double.addToken({ scopes: "repo, admin:org_hook" }));
    const groups = [{ name: "hooked-org", repository: "packages", add_new: true }];
    const path = `/orgs/main/connections/${connection.id}`;
    assert.deepEqual((await world.expect(200, "PATCH", path, { groups })).groups, groups);
    const name = "hooked-org/newcomer";
    const project = await double.addProject(name);
    await world.syncedBy(name, () => push(project, name, "v1.0.0"));
    assert.deepEqual((await world.versions(name)).sort(), ["dev-main", "v1.0.0"]);
    assert.equal((await hookOf(name)).state, "group");
    assert.deepEqual(double.hooks.at(`repositories/${project.id}`), [], "one hook is enough");
    await world.expect(200, "PATCH", path, { groups: [] });
    assert.deepEqual(double.hooks.at("orgs/hooked-org"), []);
  });

  test("anybody with the secret tells of a repository by its address", async () => {
    const name = "acme/told-by-hand";
    const project = await world.importGreeter(name);
    await project.repository.commit({ files: greeterFiles(name, "v1.1.0"), tags: ["v1.1.0"] });
    const { webhook } = world.connection;
    const tell = (secret) =>
      fetch(webhook.generic_url, {
        method: "POST",
        headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
        body: JSON.stringify({ repository: { url: `${double.origin}/${name}.git` } }),
      });
    assert.equal((await tell("wrong")).status, 401);
    await world.syncedBy(name, async () => assert.equal((await tell(webhook.secret)).status, 202));
    assert.ok((await world.versions(name)).includes("v1.1.0"));
  });
}
