// Is the Forgejo double like Forgejo? Composer's own Forgejo driver is the judge, which the newest client has.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { clients, isAtLeast } from "./clients.mjs";
import { ComposerProject } from "./composer.mjs";
import { greet, greeterFiles } from "./fixtures.mjs";
import { ForgejoDouble } from "./forgejo-double.mjs";
import { makeCertificate } from "./support/certificate.mjs";
import { makeFolder, removeFolder } from "./support/folder.mjs";

const files = (greeting) => greeterFiles("acme/greeter", greeting);
const client = clients.at(-1);

describe("the Forgejo double as Composer sees it", () => {
  let folder, double, composer;
  before(async () => {
    assert.ok(isAtLeast(client, 2, 9), `Composer ${client.version} has no driver for Forgejo`);
    folder = await makeFolder("forgejo");
    const certificate = await makeCertificate(folder);
    double = await ForgejoDouble.start({ folder, certificate });
    double.pageSize = 2;
    const project = await double.addProject("acme/greeter");
    await project.repository.commit(
      { files: files("one"), tags: ["v1.0.0"] },
      { files: files("two"), tags: [{ name: "v1.1.0", annotated: true }] },
      { files: files("three"), tags: ["v1.2.0"] },
      { branch: "feature/long/name", from: "main", files: files("feature") },
      { branch: "1.x", from: "main", files: files("branch") },
    );
    const origin = new URL(double.url).host;
    await mkdir(join(folder, "composer"));
    composer = await ComposerProject.create(join(folder, "composer"), {
      client,
      repository: { type: "vcs", url: `${double.url}/acme/greeter` },
      auth: { "forgejo-token": { [origin]: { username: "ada", token: double.addToken() } } },
      config: { "forgejo-domains": [origin], cafile: certificate.path },
    });
  });
  after(async () => {
    await double.stop();
    await removeFolder(folder);
  });

  test("lists the versions of all pages", async () => {
    const { versions } = await composer.show("acme/greeter");
    assert.deepEqual([...versions].sort(), ["1.x-dev", "dev-feature/long/name", "dev-main", "v1.0.0", "v1.1.0", "v1.2.0"]);
    assert.ok(double.countRequests(/\/api\/v1\/.*\/tags\?.*page=2/) > 0, "it was the API that was asked, and not git");
  });

  test("gives an archive that installs and runs", async () => {
    await composer.require("acme/greeter:1.1.0");
    assert.equal(await composer.php(greet), "two");
    assert.equal((await composer.locked("acme/greeter")).time, "2024-01-01T02:00:00+00:00");
    assert.equal(double.archivesServed, 1);
  });
});
