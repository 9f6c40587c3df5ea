// Many projects of a host at once: listed, looked at beforehand, taken in by a pattern with one that cannot be, and installed.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { greet, greeterFiles } from "../fixtures.mjs";
import { GitHubDouble } from "../github-double.mjs";
import { GitLabDouble } from "../gitlab-double.mjs";
import { until } from "../support/until.mjs";

const hosts = [
  { provider: "github", Double: GitHubDouble, vendor: "many-hub" },
  { provider: "gitlab", Double: GitLabDouble, vendor: "many-lab" },
];

export default function importMany(world) {
  for (const host of hosts) test(`at ${host.provider}`, (context) => takeIn(world, context, host));
}

async function takeIn(world, context, { provider, Double, vendor }) {
  // A host of its own: the shared one has projects of all scenarios.
  const double = await Double.start({ folder: await world.newFolder(provider) });
  context.after(() => double.stop());
  double.pageSize = 2;
  const add = async (name, files) => {
    const project = await double.addProject(`${vendor}/${name}`);
    await project.repository.commit({ files, tags: ["v1.0.0", "nightly"] });
    return project;
  };
  for (const name of ["one", "two", "three"]) await add(name, greeterFiles(`${vendor}/${name}`, `${name} greets`));
  await add("website", { "index.html": "no package" });
  await add("old-lib", greeterFiles(`${vendor}/old-lib`, "old"));
  await double.addProject("another/empty");
  const scopes = provider === "github" ? "repo" : ["read_api"];
  const connection = await world.expect(201, "POST", "/orgs/main/connections", {
    provider,
    base_url: double.url,
    token: double.addToken({ scopes }),
  });
  const address = `/orgs/main/connections/${connection.id}`;

  await context.test("the list goes over all pages, and a search finds by a part of the name", async () => {
    const list = async (query) => {
      const names = [];
      for (let next = ""; next !== null; ) {
        const page = await world.expect(200, "GET", `${address}/projects?${query}${next && `&cursor=${next}`}`);
        names.push(...page.projects.map((project) => project.full_name));
        next = page.next;
      }
      return names.sort();
    };
    assert.deepEqual(
      await list(""),
      ["another/empty", ...["old-lib", "one", "three", "two", "website"].map((name) => `${vendor}/${name}`)],
    );
    assert.deepEqual(await list("search=thre"), [`${vendor}/three`]);
  });

  const pattern = [`${vendor}/*`, "!*/old-*"];

  await context.test("a preview names packages, counts versions, and says why one is none", async () => {
    const projects = [];
    for (let cursor = null, isFirst = true; isFirst || cursor; isFirst = false) {
      const page = await world.expect(200, "POST", `${address}/imports/preview`, { pattern, cursor });
      projects.push(...page.projects);
      cursor = page.next;
    }
    const find = (name) => projects.find((project) => project.full_name === `${vendor}/${name}`);
    assert.equal(projects.length, 4);
    assert.equal(find("one").package, `${vendor}/one`);
    assert.deepEqual(find("one").versions_by_name, { tags: 1, branches: 1, others: 1 });
    assert.match(find("website").reason, /no composer\.json/);
  });

  await context.test("the import shows how far it is and what became of each project", async () => {
    const asked = { pattern, repository: "packages" };
    const { import: started } = await world.expect(202, "POST", `${address}/imports`, asked);
    assert.equal(started.state, "listing");
    let shown;
    await until(
      () => `the import has not ended: ${JSON.stringify(shown)}`,
      async () => {
        shown = await world.expect(200, "GET", `/orgs/main/imports/${started.id}`);
        return shown.state === "done";
      },
      { deadline: 240_000 },
    );
    assert.deepEqual(shown.progress, { total: 4, done: 4, added: 3, known: 0, skipped: 0, refused: 1, cancelled: 0 });
    const refused = await world.expect(200, "GET", `/orgs/main/imports/${started.id}?state=refused`);
    assert.deepEqual(refused.projects.map((project) => project.full_name), [`${vendor}/website`]);
    assert.match(refused.projects[0].reason, /no composer\.json/);
    for (const { job } of shown.projects) if (job) await world.jobDone(job.id);
  });

  await context.test("Composer installs what was taken in", async () => {
    // Both have the same class: one after the other.
    for (const name of ["one", "two"]) {
      const composer = await world.composer();
      await composer.require(`${vendor}/${name}:^1.0`);
      assert.equal(await composer.php(greet), `${name} greets`);
    }
    assert.deepEqual(double.leaks, []);
  });
}
