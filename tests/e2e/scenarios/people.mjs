// People: asked in by a link, with a token of their own that does what their role says, until they are suspended or removed.
import { before, test } from "node:test";
import assert from "node:assert/strict";
import { clients } from "../clients.mjs";
import { greet } from "../fixtures.mjs";
import { until } from "../support/until.mjs";

const name = "acme/for-people";

export default function people(world) {
  const api = (method, path, body, token) => world.registry.api(method, path, body, token === undefined ? {} : { token });
  let ada;

  before(() => world.importGreeter(name));

  /** Changes are in force within 10 seconds everywhere. */
  const inForce = (what, check) => until(what, check, { deadline: 10_000 });

  const invite = (email, role) => world.expect(201, "POST", "/orgs/main/invitations", { email, role });

  test("a link makes a member, once", async () => {
    const made = await invite("Ada@Example.com", "maintainer");
    const link = new URL(made.link);
    assert.equal(link.pathname, "/ui/invitation");
    assert.equal(link.search, "");
    const secret = link.hash.slice(1);
    assert.match(secret, /^rpti_[0-9A-Za-z]{49}$/);
    const shown = await api("GET", "/invitation", undefined, secret);
    assert.equal(shown.status, 200);
    assert.equal(shown.body.organisation.slug, "main");
    assert.equal(shown.body.role, "maintainer");
    const accept = () => api("POST", "/invitations/accept", { token: secret, name: "Ada" });
    const accepted = await accept();
    assert.equal(accepted.status, 201, accepted.text);
    ada = accepted.body;
    assert.match(ada.token, /^rptp_[0-9A-Za-z]{49}$/);
    assert.equal((await accept()).status, 409);
    const own = await api("GET", "/token", undefined, ada.token);
    assert.equal(own.body.person.name, "Ada");
    assert.equal(own.body.kind, "personal");
  });

  for (const client of clients) {
    test(`Composer ${client.version} installs with a personal token`, async () => {
      const composer = await world.composer({ client, token: ada.token });
      await composer.require(`${name}:^1.0`);
      assert.equal(await composer.php(greet), "v1.0.0");
    });
  }

  test("its last use is told", async () => {
    const used = await until("the last use of the token is not told", async () => {
      const { body } = await api("GET", `/orgs/main/tokens/${ada.token_id}`);
      return body.last_used;
    });
    assert.equal(typeof used.client, "string");
  });

  test("a rotated token goes on beside the new one", async () => {
    const { id, token } = await world.createToken();
    const fresh = await world.expect(201, "POST", `/orgs/main/tokens/${id}/rotate`, { overlap_hours: 1 });
    for (const one of [token, fresh.token]) assert.equal((await world.get("packages.json", { token: one })).status, 200);
    assert.equal((await world.expect(200, "GET", `/orgs/main/tokens/${id}`)).replaced_by, fresh.id);
  });

  test("a role that sees less sees less", async () => {
    await world.expect(200, "PATCH", `/orgs/main/members/${ada.member}`, { role: "member" });
    await inForce("the role is not in force", async () => (await world.get(`p2/${name}.json`, { token: ada.token })).status === 404);
    // The API tells her what Composer is told, and nothing of what is for maintainers.
    const { packages } = await world.expect(200, "GET", "/orgs/main/packages", undefined, { token: ada.token });
    assert.deepEqual(packages, []);
    await world.expect(403, "GET", "/orgs/main/connections", undefined, { token: ada.token });
    await world.expect(200, "PATCH", `/orgs/main/members/${ada.member}`, { role: "maintainer" });
    await inForce("the role is not in force", async () => (await world.get(`p2/${name}.json`, { token: ada.token })).status === 200);
  });

  for (const client of clients) {
    test(`Composer ${client.version} tells who is suspended why nothing comes`, async () => {
      const composer = await world.composer({ client, token: ada.token });
      await world.expect(200, "PATCH", `/orgs/main/members/${ada.member}`, { suspended: true });
      await inForce("the suspension is not in force", async () => (await world.get(`p2/${name}.json`, { token: ada.token })).status === 404);
      const { code, output } = await composer.run("require", `${name}:^1.0`);
      assert.notEqual(code, 0);
      assert.match(output, /Your membership here is suspended/);
      await world.expect(200, "PATCH", `/orgs/main/members/${ada.member}`, { suspended: false });
      await inForce("the suspension is not over", async () => (await world.get(`p2/${name}.json`, { token: ada.token })).status === 200);
      await composer.require(`${name}:^1.0`);
    });
  }

  test("who is removed is out", async () => {
    await world.expect(204, "DELETE", `/orgs/main/members/${ada.member}`);
    await inForce("the token is still accepted", async () => (await world.get("packages.json", { token: ada.token })).status === 401);
    await world.expect(401, "GET", "/token", undefined, { token: ada.token });
  });
}
