// A server that is reached by git alone: no API, no archives, no webhooks of its own.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { join } from "node:path";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { GitServer } from "../git-server.mjs";
import { greet, greeterFiles } from "../fixtures.mjs";
import { runOrThrow } from "../support/process.mjs";
import { sha1 } from "../world.mjs";

export default function plainGit(world) {
  const post = (path) => `POST /${path}/git-upload-pack`;
  let server;
  let connection;

  before(async () => {
    server = await GitServer.start({ folder: await world.newFolder("git-server") });
    connection = await connect();
  });
  after(() => server?.stop());

  const connect = (credentials = { username: server.username, token: server.password }) =>
    world.expect(201, "POST", "/orgs/main/connections", { provider: "git", base_url: server.url, ...credentials });

  const add = async (path, name, tags) => {
    const repository = await server.addRepository(path);
    await repository.commit(...tags.map((tag) => ({ files: greeterFiles(name, tag), tags: [tag] })));
    return repository;
  };

  const importPath = async (project) => {
    const { job } = await world.expect(202, "POST", "/orgs/main/packages", {
      connection: connection.id,
      project,
      repository: "packages",
    });
    return world.jobDone(job.id);
  };

  test("a hundred tags come with seven requests, and install", async () => {
    const tags = Array.from({ length: 100 }, (_, index) => `v1.${index}.0`);
    await add("team/hundred.git", "acme/hundred", tags);
    const requests = await server.during(async () => {
      const job = await importPath("team/hundred.git");
      assert.equal(job.progress.failed, 0);
      assert.equal(job.progress.imported, 101);
    });
    assert.equal((await world.versions("acme/hundred")).length, 101);
    // To see what it is: its refs, and the head for its name. Then the same for the job, and three portions of at most 40 commits.
    assert.deepEqual(requests, Array(7).fill(post("team/hundred.git")));
    const project = await world.composer();
    await project.require("acme/hundred:1.42.0");
    assert.equal(await project.php(greet), "v1.42.0");
  });

  test("what is installed has the files and modes that git archive gives", async () => {
    const name = "acme/exported";
    const repository = await server.addRepository("exported.git");
    await repository.commit({
      files: {
        ...greeterFiles(name, "v1.0.0"),
        ".gitattributes": "/tests export-ignore\n/VERSION export-subst\n*.crlf text eol=crlf\n",
        "tests/GreeterTest.php": "<?php\n",
        VERSION: "$Format:%H$\n",
        "a.crlf": "one\ntwo\n",
        "bin/deep/er/tool": "#!/bin/sh\n",
      },
      tags: ["v1.0.0"],
    });
    await importPath("exported.git");
    const { reference, dist: facts } = (await world.package(name)).versions.find((entry) => entry.version === "v1.0.0");
    const { bytes } = await world.get(`dist/${name}/${reference}.zip`);
    assert.equal(sha1(bytes), facts.shasum);
    const folders = [];
    for (const [what, archive] of [
      ["ours", bytes],
      ["theirs", await repository.archive(reference, "package/")],
    ]) {
      const folder = join(await world.newFolder("unzipped"), what);
      await mkdir(folder);
      await writeFile(join(folder, "archive.zip"), archive);
      await runOrThrow("unzip", ["-q", "archive.zip"], { cwd: folder });
      folders.push(join(folder, "package"));
    }
    const list = async (folder) => (await readdir(folder, { recursive: true })).sort();
    assert.deepEqual(await list(folders[0]), await list(folders[1]));
    for (const file of ["VERSION", "a.crlf", "composer.json"])
      assert.deepEqual(await readFile(join(folders[0], file)), await readFile(join(folders[1], file)), file);
    assert.equal(await readFile(join(folders[0], "VERSION"), "utf8"), `${reference}\n`);
  });

  test("nothing new costs one request, a new tag two more", async () => {
    const repository = await add("quiet.git", "acme/quiet", ["v1.0.0"]);
    await importPath("quiet.git");
    const sync = () => world.syncedBy("acme/quiet", () => world.expect(202, "POST", "/orgs/main/packages/acme/quiet/sync"));
    assert.deepEqual(await server.during(sync), [post("quiet.git")]);
    const [head] = await repository.commit({ branch: "other", from: "main", files: greeterFiles("acme/quiet", "v1.1.0"), tags: ["v1.1.0"] });
    assert.deepEqual(await server.during(sync), [post("quiet.git"), post("quiet.git")]);
    const versions = (await world.package("acme/quiet")).versions;
    assert.equal(versions.find((entry) => entry.version === "v1.1.0").reference, head);
    await repository.deleteRef("refs/tags/v1.1.0");
    await sync();
    assert.deepEqual((await world.versions("acme/quiet")).sort(), ["dev-main", "dev-other", "v1.0.0"]);
  });

  test("a post-receive hook tells of a push, with the secret alone", async () => {
    const repository = await add("hooked.git", "acme/hooked-by-hand", ["v1.0.0"]);
    await importPath("hooked.git");
    await repository.commit({ files: greeterFiles("acme/hooked-by-hand", "v2.0.0"), tags: ["v2.0.0"] });
    const tell = async (secret, url) => {
      const headers = { "content-type": "application/json", authorization: `Bearer ${secret}` };
      const body = JSON.stringify({ repository: { url } });
      return (await fetch(connection.webhook.url, { method: "POST", headers, body })).status;
    };
    const url = `${server.url}/hooked.git`;
    assert.equal(await tell("wrong", url), 401);
    await world.syncedBy("acme/hooked-by-hand", async () => assert.equal(await tell(connection.webhook.secret, url), 202));
    assert.ok((await world.versions("acme/hooked-by-hand")).includes("v2.0.0"));
    assert.equal(await tell(connection.webhook.secret, "https://elsewhere.example/hooked.git"), 202);
  });

  test("a wrong password, a wrong path and another object format are told at once", async () => {
    await add("told.git", "acme/told", ["v1.0.0"]);
    const refused = async (connection, project) => {
      const body = { connection: connection.id, project, repository: "packages" };
      return (await world.expect(422, "POST", "/orgs/main/packages", body)).detail;
    };
    const stranger = await connect({});
    assert.match(await refused(stranger, "told.git"), /wants a user name and a token/);
    const mistaken = await connect({ username: "ada", token: "wrong" });
    assert.match(await refused(mistaken, "told.git"), /does not let this credential read/);
    assert.match(await refused(connection, "nowhere.git"), /no such repository/);
    await runOrThrow("git", ["init", "--quiet", "--bare", "--object-format=sha256", join(server.folder, "sha256.git")]);
    assert.match(await refused(connection, "sha256.git"), /object format `sha256`/);
  });
}
