// Tokens: every way Composer can send one, what a bad one hears, and how soon a revoked one is out.
import { before, test } from "node:test";
import assert from "node:assert/strict";
import { clients } from "../clients.mjs";
import { basic, bearer } from "../composer.mjs";
import { greet } from "../fixtures.mjs";
import { until } from "../support/until.mjs";

const name = "acme/guarded";

export default function tokens(world) {
  before(() => world.importGreeter(name));

  const basicHeader = (user, password) => ({ authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` });
  const root = (headers) => world.get("packages.json", { token: null, headers });

  /** Revocation has to be in force within 10 seconds everywhere. */
  const refused = (token) =>
    until("the token is still accepted", async () => (await world.get("packages.json", { token })).status === 401, {
      deadline: 10_000,
    });

  test("a token is shown once", async () => {
    const created = await world.createToken({ name: "shown once", repositories: ["packages"], packages: ["acme/*"] });
    assert.match(created.token, /^rptd_[0-9A-Za-z]{49}$/);
    assert.equal(created.name, "shown once");
    const listing = await world.registry.api("GET", "/orgs/main/tokens");
    assert.equal(listing.status, 200);
    const entry = listing.body.tokens.find((candidate) => candidate.id === created.id);
    assert.equal(entry.name, "shown once");
    assert.equal(entry.access, "read");
    assert.deepEqual(entry.packages, ["acme/*"]);
    assert.ok(!listing.text.includes(created.token));
  });

  test("it may come as Bearer, as a password, or as a user name", async () => {
    const { token } = await world.createToken();
    assert.equal((await root({ authorization: `Bearer ${token}` })).status, 200);
    assert.equal((await root(basicHeader("anybody", token))).status, 200);
    assert.equal((await root(basicHeader(token, ""))).status, 200);
    assert.equal((await root(basicHeader("anybody", `${token}x`))).status, 401);
  });

  for (const [way, auth] of Object.entries({
    "http-basic with the token as password": (url, token) => basic(url, "anybody", token),
    "http-basic with the token as user name": (url, token) => basic(url, token, ""),
    bearer,
  })) {
    for (const client of clients) {
      test(`Composer ${client.version} installs with ${way}`, async () => {
        const { token } = await world.createToken();
        const composer = await world.composer({ client, auth: auth(world.registry.url, token) });
        await composer.require(`${name}:^1.0`);
        assert.equal(await composer.php(greet), "v1.0.0");
      });
    }
  }

  test("missing and wrong credentials hear what to do, in the form that Composer prints", async () => {
    for (const headers of [{}, { authorization: "Bearer nonsense" }, basicHeader("a", "b"), { authorization: "Basic !" }]) {
      for (const path of ["packages.json", `p2/${name}.json`, "p2/acme/unknown.json"]) {
        const answer = await world.get(path, { token: null, headers });
        assert.equal(answer.status, 401, `${path} with ${JSON.stringify(headers)}`);
        assert.match(answer.headers.get("www-authenticate"), /^Basic realm="[^"]+"/);
        assert.equal(answer.headers.get("content-type"), "application/json");
        assert.ok(answer.json().warning.length > 20);
        assert.equal(answer.headers.get("last-modified"), null);
      }
    }
  });

  for (const client of clients) {
    test(`a revoked token is out, and Composer ${client.version} says our words`, async () => {
      const { id, token } = await world.createToken();
      const composer = await world.composer({ client, token });
      await composer.require(`${name}:^1.0`);
      await world.expect(204, "DELETE", `/orgs/main/tokens/${id}`);
      await refused(token);
      await composer.forgetEverythingButTheLock();
      const { code, output } = await composer.run("install");
      assert.notEqual(code, 0);
      const { warning } = (await world.get("packages.json", { token })).json();
      assert.match(warning, /revoked|token/i);
      assert.ok(output.includes(warning), `Composer did not print "${warning}":\n${output}`);
    });
  }

  test("a token ends when its time has come", async () => {
    const { token } = await world.createToken({ expires_at: new Date(Date.now() + 3_000).toISOString().replace(/\.\d+Z$/, "Z") });
    const told = async () => (await world.get("packages.json", { token })).json().warning?.startsWith("The token you use here has expired");
    await until("the token is still accepted", told, { deadline: 10_000 });
    assert.equal((await world.get(`p2/${name}.json`, { token })).status, 404);
  });

  test("a time in the past and an unknown access are refused", async () => {
    await world.expect(422, "POST", "/orgs/main/tokens", { name: "late", access: "read", expires_at: "2020-01-01T00:00:00Z" });
    await world.expect(422, "POST", "/orgs/main/tokens", { name: "odd", access: "everything" });
  });

  test("only an administrator may use the API for tokens", async () => {
    const { token } = await world.createToken({ access: "write" });
    await world.expect(403, "POST", "/orgs/main/tokens", { name: "more", access: "write" }, { token });
    await world.expect(401, "GET", "/orgs/main/tokens", undefined, { token: "nonsense" });
  });
}
