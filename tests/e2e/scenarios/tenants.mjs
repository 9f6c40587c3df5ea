// An agency and its client on one instance: suspended and resumed, held to their quotas, and what the one gives the other.
import { before, test } from "node:test";
import assert from "node:assert/strict";
import { clients } from "../clients.mjs";
import { greet, greeterFiles } from "../fixtures.mjs";
import { until } from "../support/until.mjs";

const name = "agency/greeter";
const synced = "agency/synced";

export default function tenants(world) {
  const agency = () => world.registry.repository("agency", "private");
  const client = () => world.registry.repository("agency-client", "private");
  const api = (status, method, path, body, options) => world.expect(status, method, `/orgs/agency${path}`, body, options);
  const change = (body) => api(200, "PATCH", "", body);
  let token;

  /** Uploads without asking what comes of it. */
  const upload = async (version, files = greeterFiles(name, version), repository = agency()) =>
    world.get(`upload/${name}/${version}`, { repository, method: "PUT", body: await world.zip(files) });

  /** What an isolate remembers is in force within ten seconds. */
  const soon = (what, ask) => until(what, ask, { deadline: 10_000 });

  before(async () => {
    await world.expect(201, "POST", "/orgs", { slug: "agency", name: "Agency" });
    await world.expect(201, "POST", "/orgs", { slug: "agency-client", name: "Client", parent: "agency" });
    for (const slug of ["agency", "agency-client"]) {
      await world.expect(201, "POST", `/orgs/${slug}/repositories`, { slug: "private" });
    }
    ({ token } = await world.createToken({}, "agency"));
    assert.equal((await upload("1.0.0")).status, 201);
  });

  for (const composerOf of clients) {
    test(`Composer ${composerOf.version} prints why an organisation is suspended, and goes on when that ends`, async () => {
      const composer = await world.composer({ repository: agency(), token, client: composerOf });
      await composer.require(`${name}:^1.0`);
      await change({ state: "suspended", reason: "Invoice 18 is not paid" });
      const root = () => world.get("packages.json", { repository: agency(), token });
      await soon("it is not suspended", async () => (await root()).text.includes("Invoice 18"));
      const { code, output } = await composer.run("update");
      assert.notEqual(code, 0);
      assert.match(output, /suspended: Invoice 18 is not paid/);
      const refused = await world.registry.api("POST", "/orgs/agency/teams", { name: "Core" }, { token });
      assert.equal(refused.status, 403, refused.text);
      await change({ state: "active" });
      await soon("it is still suspended", async () => !(await root()).text.includes("Invoice 18"));
      await composer.update();
      assert.equal(await composer.php(greet), "1.0.0");
    });
  }

  test("an upload beyond the quota says what is used, and is taken when there is room", async () => {
    const { storage } = await api(200, "GET", "/usage");
    assert.ok(storage.used > 0);
    await change({ quotas: { storage: storage.used + 10 } });
    const refused = await upload("2.0.0");
    assert.equal(refused.status, 403, refused.text);
    assert.match(refused.json().warning, new RegExp(`may store ${storage.used + 10} bytes of archives, and stores ${storage.used}`));
    await change({ quotas: { storage: null, packages: 1 } });
    assert.equal((await upload("2.0.0")).status, 201);
    const other = await world.get("upload/agency/other/1.0.0", {
      repository: agency(),
      method: "PUT",
      body: await world.zip(greeterFiles("agency/other", "1")),
    });
    assert.equal(other.status, 403, other.text);
    await change({ quotas: { packages: null } });
  });

  test("a sync beyond the quota says so on its refs, and goes on by itself when the quota is raised", async () => {
    const connection = await world.connect(world.double.addToken({ scopes: "repo" }), "agency");
    const project = await world.double.addProject(synced);
    await project.repository.commit({ files: greeterFiles(synced, "1.0.0"), tags: ["v1.0.0"] });
    const { storage } = await api(200, "GET", "/usage");
    await change({ quotas: { storage: storage.used } });
    const body = { connection: connection.id, project: project.fullName, repository: "private" };
    const { job } = await api(202, "POST", "/packages", body);
    let seen;
    await until(
      () => `the job has not ended: ${JSON.stringify(seen)}`,
      async () => (seen = await api(200, "GET", `/jobs/${job.id}`)).state === "failed",
      { deadline: 240_000 },
    );
    const { refs } = await api(200, "GET", `/packages/${synced}`);
    assert.ok(refs.length > 0);
    for (const ref of refs) {
      assert.equal(ref.state, "failed");
      assert.match(ref.reason, /may store \d+ bytes of archives/);
    }
    await change({ quotas: { storage: null } });
    await until(
      "it is not there",
      async () => (await api(200, "GET", `/packages/${synced}`)).versions.some((entry) => entry.version === "v1.0.0"),
      { deadline: 240_000 },
    );
    const composer = await world.composer({ repository: agency(), token });
    await until(
      "it is not published",
      async () => (await world.get(`p2/${synced}.json`, { repository: agency(), token })).status === 200,
      { deadline: 120_000 },
    );
    await composer.require(`${synced}:^1.0`);
  });

  test("a client reads what it is granted beside its own, and nothing else", async () => {
    const own = "client/app";
    const put = await world.get(`upload/${own}/1.0.0`, {
      repository: client(),
      method: "PUT",
      body: await world.zip(greeterFiles(own, "of the client")),
    });
    assert.equal(put.status, 201, put.text);
    const { token: theirs } = await world.createToken({}, "agency-client");
    assert.equal((await world.get("packages.json", { repository: agency(), token: theirs })).status, 404);
    await api(201, "POST", "/grants", { subject: { organisation: "agency-client" }, packages: [name] });
    await soon("the grant is not in force", async () => (await world.get(`p2/${name}.json`, { repository: agency(), token: theirs })).status === 200);
    const composer = await world.composer({ repository: agency(), token: theirs });
    await composer.require(`${name}:^1.0`);
    const app = await world.composer({ repository: client(), token: theirs });
    await app.require(`${own}:^1.0`);
    assert.equal((await world.get(`p2/${own}.json`, { repository: client(), token })).status, 404);
  });

  test("archives are served until the bandwidth of the month is used up", async () => {
    const document = (await world.get(`p2/${name}.json`, { repository: agency(), token })).json();
    const { url } = document.packages[name][0].dist;
    assert.equal((await world.get(url, { token })).status, 200);
    await until("nothing is told", async () => (await api(200, "GET", "/usage")).bandwidth.used > 0, { deadline: 120_000 });
    await change({ quotas: { bandwidth: 1 } });
    await soon("it is still served", async () => (await world.get(url, { token })).status === 403);
    const refused = await world.get(url, { token });
    assert.equal(refused.headers.get("content-type"), "application/json");
    assert.match(refused.json().warning, /bandwidth for this month/);
    assert.equal((await world.get(`p2/${name}.json`, { repository: agency(), token })).status, 200);
    await change({ quotas: { bandwidth: null } });
    await soon("it is still refused", async () => (await world.get(url, { token })).status === 200);
  });
}
