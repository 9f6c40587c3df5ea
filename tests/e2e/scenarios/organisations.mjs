// Two organisations on one instance: the same names, nothing in common.
import { before, test } from "node:test";
import assert from "node:assert/strict";
import { greet, greeterFiles } from "../fixtures.mjs";

const name = "acme/shared-name";

export default function organisations(world) {
  const theirs = () => world.registry.repository("globex", "private");
  let token;

  before(async () => {
    await world.expect(201, "POST", "/orgs", { slug: "globex", name: "Globex" });
    await world.expect(201, "POST", "/orgs/globex/repositories", { slug: "private" });
    ({ token } = await world.createToken({ access: "write" }, "globex"));
    const upload = (repository, greeting) =>
      world
        .zip(greeterFiles(name, greeting))
        .then((body) => world.get(`upload/${name}/1.0.0`, { repository, method: "PUT", body }));
    assert.equal((await upload(world.registry.repository(), "from main")).status, 201);
    assert.equal((await upload(theirs(), "from globex")).status, 201);
  });

  test("both are listed", async () => {
    const { organisations: listed } = await world.expect(200, "GET", "/orgs");
    const slugs = listed.map((entry) => entry.slug);
    assert.ok(slugs.includes("globex") && slugs.includes("main"), slugs.join());
    const { repositories } = await world.expect(200, "GET", "/orgs/globex/repositories");
    assert.ok(repositories.some((entry) => entry.slug === "private"));
  });

  test("a slug is taken once", async () => {
    await world.expect(409, "POST", "/orgs", { slug: "globex", name: "Another" });
    await world.expect(409, "POST", "/orgs/globex/repositories", { slug: "private" });
  });

  test("each installs its own package of that name", async () => {
    for (const [repository, greeting] of [
      [world.registry.repository(), "from main"],
      [theirs(), "from globex"],
    ]) {
      const composer = await world.composer({ repository });
      await composer.require(`${name}:^1.0`);
      assert.equal(await composer.php(greet), greeting);
    }
  });

  test("to a token of one the other does not exist", async () => {
    const ask = async (path, repository) => {
      const { status, headers, text } = await world.get(path, { repository, token });
      return { status, headers: [...headers].filter(([header]) => header !== "date"), text };
    };
    assert.equal((await ask("packages.json", theirs())).status, 200);
    for (const path of ["packages.json", `p2/${name}.json`]) {
      const hidden = await ask(path, world.registry.repository("main", "packages"));
      assert.equal(hidden.status, 404);
      assert.deepEqual(hidden, await ask(path, world.registry.repository("nobody", "packages")));
    }
  });

  test("nor by the API", async () => {
    for (const path of ["/packages/acme/shared-name", "/jobs", "/deliveries", "/repositories"]) {
      await world.expect(404, "GET", `/orgs/main${path}`, undefined, { token });
    }
    const jobs = await world.expect(200, "GET", "/orgs/globex/jobs");
    assert.deepEqual(jobs.jobs, []);
  });

  test("a connection of one cannot be used by the other", async () => {
    const answer = await world.registry.api("POST", "/orgs/globex/packages", {
      connection: world.connection.id,
      project: "acme/log",
      repository: "private",
    });
    assert.equal(answer.status, 422, answer.text);
  });
}
