// Is the Bitbucket Data Center double like Bitbucket Data Center? Composer has no driver for it that could judge, so plain requests look at what its documentation says.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { join } from "node:path";
import { writeFile } from "node:fs/promises";
import { BitbucketServerDouble } from "./bitbucket-server-double.mjs";
import { greeterFiles } from "./fixtures.mjs";
import { makeFolder, removeFolder } from "./support/folder.mjs";
import { runOrThrow } from "./support/process.mjs";

const files = greeterFiles("acme/greeter", "one");
const place = "/rest/api/latest/projects/ACME/repos/greeter";

describe("the Bitbucket Data Center double by plain requests", () => {
  let folder, double, project, commit, ask;
  before(async () => {
    folder = await makeFolder("bitbucket-server");
    double = await BitbucketServerDouble.start({ folder });
    project = await double.addProject("ACME/greeter");
    const commits = [{ files, tags: ["v1.0.0"] }, { files, message: "Another", tags: [{ name: "v1.1.0", annotated: true }] }];
    [, commit] = await project.repository.commit(...commits);
    await project.repository.setTag("v1.1.1", "refs/tags/v1.1.0", { annotated: true });
    const token = double.addToken();
    ask = (path, authorization = `Bearer ${token}`) => fetch(double.url + path, { redirect: "manual", headers: { authorization } });
  });
  after(async () => {
    await double.stop();
    await removeFolder(folder);
  });

  test("tells whose a token is, and refuses others", async () => {
    assert.equal((await ask("/rest/api/latest/repos?limit=1")).headers.get("x-ausername"), "ada");
    const refused = await ask("/rest/api/latest/repos?limit=1", "Bearer nonsense");
    assert.equal(refused.status, 401);
    assert.match((await refused.json()).errors[0].message, /Authentication failed/);
  });

  test("pages by the start of the next, and tells of tags what their objects point at", async () => {
    const first = await (await ask(`${place}/tags?limit=500&start=0`)).json();
    assert.deepEqual([first.isLastPage, first.nextPageStart], [false, 2]);
    const second = await (await ask(`${place}/tags?limit=500&start=2`)).json();
    assert.deepEqual([second.isLastPage, second.nextPageStart], [true, null]);
    const [light, annotated, nested] = [...first.values, ...second.values];
    assert.equal(light.hash, null);
    assert.equal(annotated.latestCommit, commit);
    assert.equal(nested.latestCommit, annotated.hash);
    assert.notEqual(nested.hash, annotated.hash);
  });

  test("puts an archive below the prefix that is asked for, and no other", async () => {
    const top = async (query) => {
      const archive = join(folder, "archive.zip");
      const response = await ask(`${place}/archive?at=${commit}&format=zip${query}`);
      assert.equal(response.headers.get("content-length"), null);
      await writeFile(archive, Buffer.from(await response.arrayBuffer()));
      return (await runOrThrow("unzip", ["-Z1", archive])).toString().trim().split("\n");
    };
    assert.ok((await top("")).includes("composer.json"));
    assert.ok((await top("&prefix=x%2F")).every((name) => name.startsWith("x/")));
  });

  test("knows a repository by its place alone", async () => {
    assert.equal((await (await ask(place)).json()).id, project.id);
    double.rename(project, "OTHER/moved");
    assert.equal((await ask(place)).status, 404);
    assert.equal((await ask(`/rest/api/latest/repos/${project.id}`)).status, 404);
    const { values } = await (await ask("/rest/api/latest/repos")).json();
    assert.deepEqual([values[0].id, values[0].project.key, values[0].slug], [project.id, "OTHER", "moved"]);
  });
});
