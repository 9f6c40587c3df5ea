// One git repository, two packages: what Composer installs of each is what git itself would archive of its folder.
import { before, test } from "node:test";
import assert from "node:assert/strict";
import { join } from "node:path";
import { mkdir, readFile, readdir, stat, writeFile } from "node:fs/promises";
import { clients } from "../clients.mjs";
import { pushPayload } from "../github-webhooks.mjs";
import { runOrThrow } from "../support/process.mjs";
import { until } from "../support/until.mjs";

export default function monorepo(world) {
  const [a, b] = ["mono/first", "mono/second"];
  let project;
  let files;

  const packageFiles = (folder, name, release, manifest = {}) => ({
    [`packages/${folder}/composer.json`]: JSON.stringify({ name, ...manifest }),
    [`packages/${folder}/src/release.php`]: `<?php return '${release}';\n`,
    [`packages/${folder}/.gitattributes`]: "/tests export-ignore\n*.secret export-ignore\n",
    [`packages/${folder}/tests/Test.php`]: "<?php\n",
    [`packages/${folder}/key.secret`]: "secret",
    [`packages/${folder}/docs/deep/er/text.md`]: "# Text\n",
  });

  before(async () => {
    project = await world.double.addProject("mono/source");
    files = {
      "README.md": "Two packages",
      ...packageFiles("a", a, "v1.0.0"),
      ...packageFiles("b", b, "v1.0.0", { require: { [a]: "^1.0" } }),
    };
    await project.repository.commit({ files, tags: ["v1.0.0"] });
    const { job } = await world.expect(202, "POST", "/orgs/main/packages", {
      connection: world.connection.id,
      project: project.fullName,
      repository: "packages",
      folders: ["packages/*"],
    });
    const { refs } = await world.jobDone(job.id);
    const tag = refs.find((ref) => ref.ref === "refs/tags/v1.0.0");
    assert.deepEqual(
      tag.packages.map((entry) => [entry.package, entry.folder, entry.state, entry.version]),
      [
        [a, "packages/a", "imported", "v1.0.0"],
        [b, "packages/b", "imported", "v1.0.0"],
      ],
    );
  });

  /** Path → bytes of all files below a folder. */
  const read = async (folder) => {
    const found = {};
    for (const name of (await readdir(folder, { recursive: true })).sort()) {
      if ((await stat(join(folder, name))).isFile()) found[name] = await readFile(join(folder, name), "latin1");
    }
    return found;
  };

  /** The files that git archives of a folder at a commit. */
  const archived = async (tree) => {
    const folder = join(await world.newFolder("unzipped"), "git");
    await mkdir(folder);
    await writeFile(join(folder, "archive.zip"), await project.repository.git("archive", "--format=zip", tree));
    await runOrThrow("unzip", ["-q", "archive.zip"], { cwd: folder });
    const { "archive.zip": _, ...found } = await read(folder);
    return found;
  };

  for (const client of clients)
    test(`Composer ${client.version} installs both, with the files of git archive`, async () => {
      const composer = await world.composer({ client });
      await composer.require(`${b}:^1.0`);
      assert.deepEqual(Object.keys(await composer.lockedVersions()).sort(), [a, b]);
      for (const [name, folder] of [[a, "a"], [b, "b"]]) {
        const locked = await composer.locked(name);
        assert.equal(locked.source, undefined, "a clone would be of both");
        const installed = await read(join(composer.folder, "vendor", name));
        assert.deepEqual(installed, await archived(`${locked.dist.reference}:packages/${folder}`));
        assert.ok(!("key.secret" in installed) && !("tests/Test.php" in installed));
      }
      await composer.forgetEverythingButTheLock();
      await composer.install();
    });

  test("a push that changes one folder releases that package only", async () => {
    const composer = await world.composer();
    await composer.require(`${b}:^1.0`);
    const before = await project.repository.resolve("main");
    files = { ...files, "packages/a/src/release.php": "<?php return 'v1.1.0';\n" };
    const [after] = await project.repository.commit({ files, tags: ["v1.1.0"] });
    const payload = pushPayload(world.double, project, { ref: "refs/tags/v1.1.0", before, after });
    const known = await world.jobIds();
    await world.deliver("push", payload);
    const fresh = await until("no new job of the project", async () =>
      (await world.jobs()).find((job) => job.project === project.fullName && !known.has(job.id)),
    );
    const job = await world.jobDone(fresh.id);
    const tag = job.refs.find((ref) => ref.ref === "refs/tags/v1.1.0");
    assert.equal(tag.packages[1].reason, "`packages/b` did not change since v1.0.0");
    assert.deepEqual((await world.versions(a)).sort(), ["dev-main", "v1.0.0", "v1.1.0"]);
    assert.deepEqual((await world.versions(b)).sort(), ["dev-main", "v1.0.0"]);

    await composer.clearCache();
    await composer.update();
    assert.deepEqual(await composer.lockedVersions(), { [a]: "v1.1.0", [b]: "v1.0.0" });
    assert.equal(await composer.file(`vendor/${a}/src/release.php`), files["packages/a/src/release.php"]);
  });
}
