// Hosts of one's own: proven by the DNS, installed from by the real Composer, and kept by old lock files.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { request as send } from "node:http";
import { clients } from "../clients.mjs";
import { greet, greeterFiles } from "../fixtures.mjs";
import { until } from "../support/until.mjs";

const name = "acme/by-host";
const own = "packages.by-host.example";
const shared = "shared.by-host.example";
// Its documents are published anew when its hosts change, which is nothing for scenarios beside this one.
const organisation = "hosted";

export default function hosts(world) {
  let proxy;
  const api = (status, method, path, body) => world.expect(status, method, `/orgs/${organisation}/hosts${path}`, body);
  /** As documents have it: the registry is asked at the port that it has. */
  const at = (host) => `http://${host}:${world.registry.port}`;
  const authOf = (url) => ({ "http-basic": { [new URL(url).host]: { username: "token", password: world.registry.adminToken } } });
  const composerAt = (url, client) => world.composer({ repository: url, auth: authOf(url), proxy: proxy.url, client });

  /** Asks the registry as if the DNS led a host to it. */
  function ask(host, path, { token = world.registry.adminToken } = {}) {
    return new Promise((resolve, reject) => {
      const headers = { host: `${host}:${world.registry.port}`, authorization: `Bearer ${token}` };
      const request = send({ host: "127.0.0.1", port: world.registry.port, path, headers }, (answer) => {
        const chunks = [];
        answer.on("data", (chunk) => chunks.push(chunk));
        answer.on("end", () => resolve({ status: answer.statusCode, text: Buffer.concat(chunks).toString() }));
      });
      request.on("error", reject);
      request.end();
    });
  }

  async function map(host, repository) {
    const claimed = await api(201, "POST", "", { host, ...(repository ? { repository } : {}) });
    const txt = claimed.dns.find((record) => record.type === "TXT");
    world.dns.set(txt.name, "v=spf1 -all", txt.value);
    const verified = await api(200, "POST", `/${host}/verify`);
    assert.equal(verified.state, "verified");
    return claimed;
  }

  /** Makes a host the primary one, or none, and waits until documents carry it. */
  async function carry(host, primary, expected) {
    await api(200, "PATCH", `/${host}`, { primary });
    let dist;
    await until(
      () => `documents carry ${dist}`,
      async () => {
        const document = (await world.get(`p2/${name}.json`, { repository: world.registry.repository(organisation, "by-host") })).json();
        dist = document.packages[name][0].dist.url;
        return dist.startsWith(`${expected}/dist/`);
      },
    );
  }

  before(async () => {
    await world.expect(201, "POST", "/orgs", { slug: organisation });
    await world.expect(201, "POST", `/orgs/${organisation}/repositories`, { slug: "by-host" });
    const repository = world.registry.repository(organisation, "by-host");
    await world.upload(name, "1.0.0", greeterFiles(name, "1.0.0"), repository);
    await world.upload(name, "1.1.0", greeterFiles(name, "1.1.0"), repository);
    proxy = await world.logRequests({ port: world.registry.port });
  });
  after(() => proxy?.stop());

  test("a host that nobody proved answers nothing, and says why it waits", async () => {
    const { dns } = await api(201, "POST", "", { host: "unproven.by-host.example", repository: "by-host" });
    assert.deepEqual(dns.map((record) => record.type), ["TXT", "CNAME"]);
    for (const host of ["unproven.by-host.example", "unknown.example", "192.0.2.1"]) {
      for (const path of ["/packages.json", `/p2/${name}.json`, "/", "/healthz", "/api/v1/orgs", "/r/hosted/by-host/packages.json"])
        assert.deepEqual(await ask(host, path), { status: 404, text: "" }, `${host}${path}`);
    }
    const { detail } = await api(409, "POST", "/unproven.by-host.example/verify");
    assert.match(detail, /There is no TXT record at `_repertoire\.unproven\.by-host\.example`/);
    const { state, trouble } = await api(200, "GET", "/unproven.by-host.example");
    assert.deepEqual([state, trouble], ["waiting", detail]);
  });

  test("a host that was proven has its repository and nothing else", async () => {
    await map(own, "by-host");
    await map(shared);
    assert.equal((await ask(own, "/packages.json")).status, 200);
    assert.equal((await ask(shared, "/by-host/packages.json")).status, 200);
    assert.equal((await ask(own, "/packages.json", { token: "unknown" })).status, 401);
    for (const path of ["/", "/healthz", "/api/v1/orgs", "/r/hosted/by-host/packages.json"])
      assert.deepEqual(await ask(own, path), { status: 404, text: "" }, path);
  });

  for (const client of clients) {
    test(`Composer ${client.version} installs by each host with credentials for that one alone, and old lock files go on`, async () => {
      const places = {
        [new URL(world.registry.url).hostname]: world.registry.repository(organisation, "by-host"),
        [own]: at(own),
        [shared]: `${at(shared)}/by-host`,
      };
      const locked = [];
      const steps = [
        () => {},
        () => carry(own, true, at(own)),
        // That of the repository goes before that of its organisation.
        () => carry(own, false, places.localhost),
        () => carry(shared, true, places[shared]),
        () => carry(shared, false, places.localhost),
      ];
      for (const step of steps) {
        await step();
        for (const [host, url] of Object.entries(places)) {
          const composer = await composerAt(url, client);
          proxy.takeWithHosts();
          await composer.require(`${name}:^1.0`);
          assert.equal(await composer.php(greet), "1.1.0");
          const asked = proxy.takeWithHosts();
          const elsewhere = asked.filter((line) => !line.startsWith(`${host} `));
          assert.deepEqual(elsewhere, [], `what was asked elsewhere than at ${host}`);
          assert.ok(asked.some((line) => /\/dist\/.* 200$/.test(line)), asked.join("\n"));
          locked.push(composer);
        }
      }
      for (const composer of locked) {
        await composer.forgetEverythingButTheLock();
        await composer.install();
        assert.equal(await composer.php(greet), "1.1.0");
      }
    });
  }

  test("who gives a host up gives its answers up", async () => {
    await api(204, "DELETE", `/${shared}`);
    await until("it is still answered", async () => (await ask(shared, "/by-host/packages.json")).status === 404, { deadline: 10_000 });
    assert.deepEqual(await ask(shared, "/by-host/packages.json"), { status: 404, text: "" });
    assert.equal((await ask(own, "/packages.json")).status, 200);
  });
}
