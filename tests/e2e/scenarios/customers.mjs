// Packages that are sold: each customer sees, installs and updates exactly what was granted, and what ends ends soon.
import { before, test } from "node:test";
import assert from "node:assert/strict";
import { clients } from "../clients.mjs";
import { greet, greeterFiles } from "../fixtures.mjs";
import { until } from "../support/until.mjs";

const name = "sold/greeter";
const secret = "unsold/greeter";
const releases = ["1.0.0", "1.1.0", "2.0.0-beta1", "2.0.0", "3.0.0"];

export default function customers(world) {
  const times = {};
  const shop = () => world.registry.repository("main", "sales");
  const api = (status, method, path, body) => world.expect(status, method, `/orgs/main/${path}`, body);

  /** A customer who was granted `sold/*` on these terms, with a token. */
  async function buyer(terms = {}, fields = {}) {
    const { id } = await api(201, "POST", "customers", { name: "A buyer", ...fields });
    const { token } = await api(201, "POST", `customers/${id}/tokens`, { name: "ci" });
    assert.match(token, /^rptc_/);
    const grant = await api(201, "POST", "grants", { subject: { customer: id }, packages: ["sold/*"], repositories: ["sales"], ...terms });
    return { id, token, grant: grant.id };
  }

  const composerOf = ({ token }, client) => world.composer({ repository: shop(), token, client });

  /** What a repository offers somebody, as Composer lists it. */
  async function offered({ token }) {
    const answer = await world.get(`p2/${name}.json`, { repository: shop(), token });
    if (answer.status === 404) return [];
    assert.equal(answer.status, 200, answer.text);
    return answer.json().packages[name].map((entry) => entry.version);
  }

  /** Ten seconds are the promise. */
  const within = (who, expected) =>
    until(
      () => `it is not ${expected}`,
      async () => (await offered(who)).join() === expected.join(),
      { deadline: 10_000 },
    );

  before(async () => {
    await world.addRepository("sales");
    await world.expect(201, "POST", "/orgs", { slug: "rival", name: "Rival" });
    await world.expect(201, "POST", "/orgs/rival/repositories", { slug: "sales" });
    for (const version of releases) {
      await world.upload(name, version, greeterFiles(name, version), shop());
      // Dates are whole seconds: the next release has another one.
      const second = Math.floor(Date.now() / 1000);
      times[version] = new Date(second * 1000).toISOString();
      await until("the second does not pass", async () => Math.floor(Date.now() / 1000) > second + 1, { interval: 50 });
    }
    await world.upload(secret, "1.0.0", greeterFiles(secret, "secret"), shop());
    await world.upload(name, "9.0.0", greeterFiles(name, "of the rival"), world.registry.repository("rival", "sales"));
  });

  for (const client of clients) {
    const cases = {
      "by a constraint": [() => ({ versions: "^2.0" }), "2.0.0", ["2.0.0", "2.0.0-beta1"]],
      "by a date": [() => ({ released_until: times["1.1.0"] }), "1.1.0", ["1.1.0", "1.0.0"]],
      "by stability": [() => ({ minimum_stability: "stable" }), "3.0.0", ["3.0.0", "2.0.0", "1.1.0", "1.0.0"]],
    };
    for (const [what, [terms, newest, all]] of Object.entries(cases)) {
      test(`who is limited ${what} gets exactly that with Composer ${client.version}`, async () => {
        const who = await buyer(terms());
        assert.deepEqual(await offered(who), all);
        const composer = await composerOf(who, client);
        await composer.require(`${name}:*`);
        assert.equal(await composer.php(greet), newest);
        const shown = await composer.show(name);
        assert.deepEqual([...shown.versions].sort(), [...all].sort());
        const { available } = await composer.json("show", "--available");
        assert.deepEqual(
          available.map((entry) => entry.name).filter((entry) => entry.includes("/")),
          [name],
        );
        const { code } = await composer.run("require", `${secret}:*`);
        assert.notEqual(code, 0);
      });
    }

    test(`who is frozen goes on installing what is locked with Composer ${client.version}`, async () => {
      const who = await buyer();
      await within(who, [...releases].reverse());
      const composer = await composerOf(who, client);
      await composer.require(`${name}:^1.0`);
      await api(200, "PATCH", `customers/${who.id}`, { state: "frozen", frozen_at: times["1.1.0"] });
      await within(who, ["1.1.0", "1.0.0"]);
      await composer.forgetEverythingButTheLock();
      const output = await composer.install();
      assert.equal(await composer.php(greet), "1.1.0");
      assert.ok(output.length > 0);
      const { code, output: refused } = await composer.run("require", `${name}:^2.0`);
      assert.notEqual(code, 0);
      assert.match(refused, /You see these packages as they were on/);
    });

    test(`who is suspended finds nothing though the cache is warm, and Composer ${client.version} says why`, async () => {
      const who = await buyer();
      const composer = await composerOf(who, client);
      await composer.require(`${name}:^1.0`);
      await api(200, "PATCH", `customers/${who.id}`, { state: "suspended", reason: "Invoice 17 is not paid" });
      await within(who, []);
      const { code, output } = await composer.run("update");
      assert.notEqual(code, 0);
      assert.match(output, /suspended: Invoice 17 is not paid/);
      await api(200, "PATCH", `customers/${who.id}`, { state: "active" });
      await within(who, [...releases].reverse());
      await composer.update();
    });
  }

  test("a grant that is changed, taken back and given again is obeyed within ten seconds", async () => {
    const who = await buyer({ versions: "^1.0" });
    await within(who, ["1.1.0", "1.0.0"]);
    await api(200, "PATCH", `grants/${who.grant}`, { versions: "3.0.0" });
    await within(who, ["3.0.0"]);
    await api(204, "DELETE", `grants/${who.grant}`);
    await within(who, []);
    await api(201, "POST", "grants", { subject: { customer: who.id }, packages: [name], versions: "2.0.0" });
    await within(who, ["2.0.0"]);
    const { tokens } = await api(200, "GET", `customers/${who.id}/tokens`);
    await api(204, "DELETE", `customers/${who.id}/tokens/${tokens[0].id}`);
    await until(
      "the token is still accepted",
      async () => (await world.get("packages.json", { repository: shop(), token: who.token })).status === 401,
      { deadline: 10_000 },
    );
  });

  test("the other organisation's package of that name is not there", async () => {
    const who = await buyer();
    const rival = await world.get(`p2/${name}.json`, { repository: world.registry.repository("rival", "sales"), token: who.token });
    assert.equal(rival.status, 404);
    assert.ok(!(await offered(who)).includes("9.0.0"));
  });

  test("what is told of access is what Composer sees", async () => {
    const who = await buyer({ versions: "^2.0", minimum_stability: "stable" });
    const { packages } = await api(200, "GET", `effective-access?customer=${who.id}&package=${name}&repository=sales`);
    const seen = packages[0].versions.filter((entry) => entry.seen).map((entry) => entry.version);
    assert.deepEqual(seen, await offered(who));
    const changes = [{ grant: { id: who.grant, versions: "^3.0" } }];
    const dry = await api(200, "POST", "effective-access/dry-run", { customer: who.id, changes });
    assert.deepEqual(dry.packages, [{ package: name, repository: "sales", gained: ["3.0.0"], lost: ["2.0.0"] }]);
    assert.deepEqual(await offered(who), ["2.0.0"]);
  });
}
