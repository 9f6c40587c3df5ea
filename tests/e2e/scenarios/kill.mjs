// A thousand tags from GitHub and a thousand from plain git are under way when every process of the registry is killed. The local queue
// is in memory and gone with it; started again, the imports go on and lose nothing.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { greet, greeterFiles } from "../fixtures.mjs";
import { GitHubDouble } from "../github-double.mjs";
import { GitServer } from "../git-server.mjs";
import { Platform } from "../platform.mjs";
import { until } from "../support/until.mjs";
import { sha1 } from "../world.mjs";

const tags = Array.from({ length: 1_000 }, (_, index) => `v1.${Math.floor(index / 100)}.${index % 100}`);
const names = { github: "acme/thousand-by-api", git: "acme/thousand-by-git" };
/** Enough of each to be in the middle. */
const middle = 150;
/** Two batches of five messages may be at work at once. */
const underWay = 10;
const slug = "thousands";

export default function kill(world) {
  let double, server, repository;
  const jobs = {};

  before(async () => {
    repository = await world.addRepository(slug);
    double = await GitHubDouble.start({ folder: await world.newFolder("github") });
    double.pageSize = 100;
    server = await GitServer.start({ folder: await world.newFolder("git-server") });
    const project = await double.addProject(names.github);
    const bare = await server.addRepository("thousand.git");
    const commits = (name) => tags.map((tag) => ({ files: greeterFiles(name, tag), tags: [tag] }));
    await project.repository.commit(...commits(names.github));
    await bare.commit(...commits(names.git));
  });
  after(async () => {
    await double?.stop();
    await server?.stop();
  });

  const connect = (body) => world.expect(201, "POST", "/orgs/main/connections", body);
  const add = async (connection, project) => (await world.expect(202, "POST", "/orgs/main/packages", { connection: connection.id, project, repository: slug })).job.id;
  const inTheMiddle = (id) => until(`job ${id} is not in its middle`, async () => (await world.job(id)).progress.imported >= middle, {
    deadline: 180_000,
    longest: 200,
  });
  /** What reached the hosts before the kill may be answered after it. */
  const countAsked = () => ({ archives: double.archivesServed, git: server.requests.length });
  const settled = async () => {
    let last = {};
    await until("the hosts are still being asked", async () => {
      const now = countAsked();
      const isSettled = now.archives === last.archives && now.git === last.git;
      last = now;
      return isSettled;
    }, { interval: 500 });
    return last;
  };

  test("killed in the middle, both imports go on to their end", async () => {
    const api = await connect({ provider: "github", base_url: double.url, token: double.addToken({ scopes: "repo" }) });
    const git = await connect({ provider: "git", base_url: server.url, username: server.username, token: server.password });
    // One after the other: the thousand messages of the one would stand before those of the other.
    jobs.git = await add(git, "thousand.git");
    await inTheMiddle(jobs.git);
    jobs.github = await add(api, names.github);
    await inTheMiddle(jobs.github);
    await world.registry.kill();
    const before = await settled();
    await world.registry.start();
    for (const id of Object.values(jobs)) {
      const { state, progress } = await world.job(id);
      assert.equal(state, "running");
      assert.ok(progress.imported >= middle && progress.imported < tags.length, `the middle was ${progress.imported}`);
    }
    const platform = new Platform(world.registry.url);
    assert.deepEqual(countAsked(), before, "nothing goes on by itself: the messages are lost");
    // As if that had been an hour ago.
    await platform.query("update jobs set active_at = active_at - 3600, started_at = started_at - 3600 where state = 'running'");
    await platform.cron();
    for (const id of Object.values(jobs)) {
      const job = await world.jobDone(id, { deadline: 240_000, repository: slug });
      assert.deepEqual(job.progress, { total: 1_001, done: 1_001, imported: 1_001, unchanged: 0, skipped: 0, failed: 0, removed: 0 });
    }
  });

  test("few archives were fetched twice", () => {
    assert.deepEqual(double.leaks, []);
    const fetched = double.requests.filter(({ host }) => host === "archive").map(({ path }) => /legacy\.zip\/([0-9a-f]{40})/.exec(path)[1]);
    // The last tag and the branch are one commit.
    assert.equal(new Set(fetched).size, tags.length);
    const twice = fetched.length - new Set(fetched).size;
    assert.ok(twice <= underWay, `${twice} archives were fetched twice`);
    // To see what it is, two requests; its refs, and 40 commits in a portion, of which one was cut off.
    const portions = Math.ceil(tags.length / 40);
    assert.ok(server.requests.length <= 2 + 2 + portions + 1, `git was asked ${server.requests.length} times`);
    console.log(`      of ${tags.length} archives ${twice} were fetched twice; git was asked ${server.requests.length} times`);
  });

  test("all thousand versions of each are in the metadata, with archives that are what they say", async () => {
    for (const name of Object.values(names)) {
      const answer = await world.get(`p2/${name}.json`, { repository });
      const listed = answer.json().packages[name];
      assert.deepEqual(listed.map(({ version }) => version).sort(), [...tags].sort());
      let dist;
      const expected = listed.map((version) => (dist = { ...dist, ...version.dist }));
      for (let first = 0; first < expected.length; first += 50)
        await Promise.all(
          expected.slice(first, first + 50).map(async ({ url, shasum }) => assert.equal(sha1((await world.get(url)).bytes), shasum, url)),
        );
      const composer = await world.composer({ repository });
      await composer.require(`${name}:1.4.2`);
      assert.equal(await composer.php(greet), "v1.4.2");
    }
  });
}
