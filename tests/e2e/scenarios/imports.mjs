// A whole project: 120 tags and more, branches with slashes, tags of both kinds, and three tags with something wrong.
import { before, test } from "node:test";
import assert from "node:assert/strict";
import { libraryFiles, libraryManifest, useLibrary } from "../fixtures.mjs";

const releases = Array.from({ length: 120 }, (_, index) => `1.${Math.floor(index / 10)}.${index % 10}`);

export default function imports(world) {
  let project, job, composer;

  before(async () => {
    project = await world.double.addProject("acme/log");
    const commits = [];
    for (const [index, release] of releases.entries()) {
      const name = `v${release}`;
      commits.push({
        files: await libraryFiles(release),
        message: `Release ${release}`,
        tags: [index % 2 === 0 ? name : { name, annotated: true }],
      });
    }
    commits.push(
      { files: await libraryFiles("nightly"), tags: ["nightly"] },
      { files: await libraryFiles("broken", '{ "name": "acme/log", '), tags: ["v2.0.0"] },
      { files: await libraryFiles("2.0.1", { ...libraryManifest, name: "acme/other-name" }), tags: ["v2.0.1"] },
      { files: await libraryFiles("main") },
      { branch: "feature/deep/name", from: "main", files: await libraryFiles("feature") },
      { branch: "1.x", from: "main", files: await libraryFiles("1.x") },
    );
    await project.repository.commit(...commits);
    composer = await world.composer();
  });

  test("the import begins at once and ends well", async () => {
    const answer = await world.addPackage(project);
    assert.equal(answer.package.name, "acme/log");
    job = await world.jobDone(answer.job.id, { deadline: 10 * 60_000 });
    assert.equal(job.kind, "sync");
    assert.equal(job.package, "acme/log");
    assert.deepEqual(job.progress, { total: 126, done: 126, imported: 124, unchanged: 0, skipped: 2, failed: 0, removed: 0 });
  });

  test("every page of tags and branches was read", () => {
    assert.ok(world.double.countRequests(/\/tags\?.*page=62\b/) >= 1);
    assert.equal(job.refs.length, 126);
  });

  test("each ref says what became of it", async () => {
    const find = (name) => job.refs.find((ref) => ref.ref === name);
    assert.equal(find("refs/tags/v1.0.0").state, "imported");
    assert.equal(find("refs/tags/v1.0.0").version, "v1.0.0");
    assert.equal(find("refs/tags/v1.0.1").commit, await project.repository.resolve("v1.0.1"), "annotated tags are peeled");
    assert.equal(find("refs/heads/feature/deep/name").version, "dev-feature/deep/name");
    assert.equal(find("refs/heads/1.x").version, "1.x-dev");
    assert.equal(find("refs/tags/nightly").state, "skipped");
    assert.match(find("refs/tags/nightly").reason, /version/i);
    assert.equal(find("refs/tags/v2.0.0").state, "skipped");
    assert.match(find("refs/tags/v2.0.0").reason, /composer\.json/);
    // As Composer itself does: the default branch names the package, whatever a tag's composer.json says.
    assert.equal(find("refs/tags/v2.0.1").state, "imported");
    assert.match(find("refs/tags/v2.0.1").reason, /acme\/other-name/);
  });

  test("the package lists its versions and its refs", async () => {
    const found = await world.package("acme/log");
    assert.equal(found.name, "acme/log");
    assert.deepEqual(found.repositories, ["packages"]);
    assert.equal(found.project.provider, "github");
    assert.equal(found.project.full_name, "acme/log");
    assert.equal(found.refs.length, 126);
    const expected = [...releases.map((release) => `v${release}`), "v2.0.1", "dev-main", "dev-feature/deep/name", "1.x-dev"];
    assert.deepEqual(found.versions.map((entry) => entry.version).sort(), expected.sort());
    const oldest = found.versions.find((entry) => entry.version === "v1.0.0");
    assert.equal(oldest.version_normalized, "1.0.0.0");
    assert.equal(oldest.reference, await project.repository.resolve("v1.0.0"));
    const { committed } = await project.repository.describe("v1.0.0^{commit}");
    assert.equal(Date.parse(oldest.time), Date.parse(committed));
    assert.ok(Date.parse(oldest.published_time) > Date.parse(oldest.time));
    assert.ok(oldest.dist.size > 1000);
    assert.match(oldest.dist.shasum, /^[0-9a-f]{40}$/);
    assert.match(oldest.dist.sha256, /^[0-9a-f]{64}$/);
  });

  test("Composer sees what its own driver would see", async () => {
    const { versions } = await composer.show("acme/log");
    const own = await world.composer({ repository: { type: "vcs", url: project.repository.folder } });
    assert.deepEqual(versions.sort(), (await own.show("acme/log")).versions.sort());
    assert.ok(versions.includes("dev-feature/deep/name"));
  });

  test("Composer requires the library and PHP runs it", async () => {
    await composer.require("acme/log:^1.0");
    assert.equal(await composer.php(useLibrary), "warning: hello from 1.11.9");
    const locked = await composer.locked("acme/log");
    const commit = await project.repository.resolve("v1.11.9");
    assert.equal(locked.version, "v1.11.9");
    assert.equal(locked.dist.type, "zip");
    assert.equal(locked.dist.reference, commit);
    assert.equal(locked.dist.url, `${world.registry.repository()}/dist/acme/log/${commit}.zip`);
    assert.deepEqual(locked.source, { type: "git", url: `${world.double.origin}/acme/log.git`, reference: commit });
  });

  test("a branch with slashes installs", async () => {
    const branches = await world.composer();
    await branches.require("acme/log:dev-feature/deep/name");
    assert.equal(await branches.php(useLibrary), "warning: hello from feature");
  });

  test("the alias of the default branch and a numeric branch satisfy constraints", async () => {
    const aliased = await world.composer();
    await aliased.require("acme/log:3.x-dev");
    assert.equal((await aliased.locked("acme/log")).version, "dev-main");
    await aliased.require("acme/log:1.x-dev");
    assert.equal(await aliased.php(useLibrary), "warning: hello from 1.x");
  });

  test("a second import of the same project changes nothing", async () => {
    const before = world.double.requests.length;
    const read = async () => {
      const { text, headers } = await world.get("p2/acme/log.json");
      return { text, modified: headers.get("last-modified") };
    };
    const document = await read();
    const again = await world.importProject(project);
    assert.deepEqual(again.progress, { total: 126, done: 126, imported: 0, unchanged: 126, skipped: 0, failed: 0, removed: 0 });
    const listed = new RegExp(`/repositories/${project.id}/(tags|branches)\\?`);
    const asked = world.double.requests.slice(before);
    const pages = asked.filter((request) => listed.test(request.path));
    assert.equal(pages.length, 64, "62 pages of tags and 2 of branches");
    assert.deepEqual([...new Set(pages.map((request) => request.status))], [304]);
    assert.ok(!asked.some((request) => /^\/acme\/log\/legacy\.zip\//.test(request.path)), "no archive is fetched again");
    assert.deepEqual(await read(), document);
    assert.equal((await world.package("acme/log")).versions.length, 124);
  });
}
