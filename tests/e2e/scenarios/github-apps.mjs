// A project reached by an installation of a GitHub App: tokens that end, one webhook for all installations, and many commits by few requests.
import { before, test } from "node:test";
import assert from "node:assert/strict";
import { greet, greeterFiles } from "../fixtures.mjs";
import { deliver, pushPayload } from "../github-webhooks.mjs";

const name = "acme/by-app";

export default function githubApps(world) {
  let app, project, installation, taken, connection, composer;

  before(async () => {
    app = world.double.addApp();
    project = await world.double.addProject("acme/by-app-source");
    const releases = Array.from({ length: 12 }, (_, minor) => `v1.${minor}.0`);
    await project.repository.commit(
      ...releases.map((tag) => ({ files: greeterFiles(name, tag), tags: [{ name: tag, annotated: tag.endsWith("1.0") }] })),
    );
    installation = app.install("acme", [project]);
    composer = await world.composer();
  });

  const add = (key) => ({ client_id: app.clientId, private_key: key, base_url: world.double.url });
  const asked = (id) => world.double.requests.filter(({ path }) => path.includes(`/repositories/${project.id}/${id}`)).length;

  test("a key of another app is refused, and so is what is no key", async () => {
    const other = world.double.addApp();
    const wrong = await world.expect(422, "POST", "/orgs/main/github-apps", add(other.privateKey));
    assert.match(wrong.detail, /must be of the same app/);
    const changed = app.privateKey.replace(/\n(\w{10})/, (_, part) => `\n${[...part].reverse().join("")}`);
    const broken = await world.expect(422, "POST", "/orgs/main/github-apps", add(changed));
    assert.match(broken.detail, /private key/);
    const none = await world.expect(422, "POST", "/orgs/main/github-apps", add("ghp_x"));
    assert.match(none.detail, /the whole text of the \.pem file/);
  });

  test("an app is known by its key, and its installations are listed", async () => {
    taken = await world.expect(201, "POST", "/orgs/main/github-apps", add(app.privateKey));
    assert.equal(taken.app_id, app.id);
    assert.deepEqual(taken.missing, []);
    assert.equal(taken.webhook.url, `${world.registry.url}/hooks/${taken.id}`);
    const { installations } = await world.expect(200, "GET", `/orgs/main/github-apps/${taken.id}/installations`);
    assert.deepEqual(
      installations.map((one) => [one.installation, one.account, one.suspended, one.connection]),
      [[installation.id, "acme", false, null]],
    );
    const listed = await world.expect(200, "GET", "/orgs/main/github-apps");
    assert.doesNotMatch(JSON.stringify(listed), new RegExp(`PRIVATE KEY|${taken.webhook.secret}`));
  });

  test("an installation imports what it was given, with few requests, and Composer installs", async () => {
    connection = await world.expect(201, "POST", "/orgs/main/connections", {
      provider: "github",
      github_app: taken.id,
      installation: installation.id,
    });
    assert.equal(connection.account, "acme");
    const before = world.double.countRequests(/\/graphql$/);
    const { job } = await world.expect(202, "POST", "/orgs/main/packages", {
      connection: connection.id,
      project: project.fullName,
      repository: "packages",
    });
    await world.jobDone(job.id);
    assert.equal((await world.versions(name)).length, 13);
    assert.equal(app.countTokens(), 1);
    assert.ok(world.double.countRequests(/\/graphql$/) > before);
    assert.equal(asked("git/commits/"), 0);
    // The name, when the project was chosen and when its default branch was first seen.
    assert.equal(asked("contents/composer.json"), 2);
    await composer.require(`${name}:^1.0`);
    assert.equal(await composer.php(greet), "v1.11.0");
    assert.match((await composer.locked(name)).time, /^20/);
  });

  test("what it was not given is not there", async () => {
    const other = await world.double.addProject("acme/not-given");
    await other.repository.commit({ files: greeterFiles("acme/not-given", "hidden"), tags: ["v1.0.0"] });
    const refused = await world.expect(422, "POST", "/orgs/main/packages", {
      connection: connection.id,
      project: other.fullName,
      repository: "packages",
    });
    assert.match(refused.detail, /it must be given the repository/);
  });

  test("a signed webhook of the app brings a tag, by a new token when the one before has ended", async () => {
    app.expireTokens();
    const [commit] = await project.repository.commit({ files: greeterFiles(name, "two"), tags: ["v2.0.0"] });
    const payload = app.payload(installation, pushPayload(world.double, project, { ref: "refs/tags/v2.0.0", after: commit }));
    assert.equal((await deliver({ ...taken.webhook, secret: "another secret of somebody" }, "push", payload)).status, 401);
    await world.syncedBy(name, async () => {
      const answer = await deliver(taken.webhook, "push", payload);
      assert.equal(answer.status, 202, answer.text);
    });
    assert.equal(app.countTokens(), 2);
    await composer.require(`${name}:^2.0`);
    assert.equal(await composer.php(greet), "two");
  });

  test("an installation that nobody connected is ignored and recorded", async () => {
    const stranger = app.install("globex", [project]);
    const payload = app.payload(stranger, pushPayload(world.double, project, { ref: "refs/heads/main", after: "1".repeat(40) }));
    const answer = await deliver(taken.webhook, "push", payload, { delivery: "of-a-stranger" });
    assert.equal(answer.status, 202);
    assert.match(answer.text, /no connection here is made by installation/);
    const { deliveries } = await world.expect(200, "GET", `/orgs/main/github-apps/${taken.id}/deliveries`);
    const row = deliveries.find(({ id }) => id === "of-a-stranger");
    assert.deepEqual([row.verdict, row.installation, row.connection], ["ignored", stranger.id, null]);
  });

  test("a suspended installation says so, and goes on when it may again", async () => {
    installation.suspendedAt = "2026-11-22T00:00:00Z";
    const event = (action) => deliver(taken.webhook, "installation", app.payload(installation, { action, repositories: [] }));
    const trouble = async () => {
      const { connections } = await world.expect(200, "GET", "/orgs/main/connections");
      return connections.find(({ id }) => id === connection.id).trouble;
    };
    assert.equal((await event("suspend")).status, 202);
    assert.match(await trouble(), /suspended by `acme`/);
    installation.suspendedAt = null;
    await world.syncedBy(name, async () => assert.equal((await event("unsuspend")).status, 202));
    assert.equal(await trouble(), null);
  });

  test("an app in use cannot be removed", async () => {
    const { detail } = await world.expect(409, "DELETE", `/orgs/main/github-apps/${taken.id}`);
    assert.match(detail, /Connections are made by/);
  });
}
