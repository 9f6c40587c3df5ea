// Is the GitLab double like GitLab? Composer's own GitLab driver is the judge.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { ComposerProject } from "./composer.mjs";
import { greet, greeterFiles } from "./fixtures.mjs";
import { GitLabDouble } from "./gitlab-double.mjs";
import { makeCertificate } from "./support/certificate.mjs";
import { makeFolder, removeFolder } from "./support/folder.mjs";

const files = (greeting) => greeterFiles("acme/greeter", greeting);

describe("the GitLab double as Composer sees it", () => {
  let folder, double, composer;
  before(async () => {
    folder = await makeFolder("gitlab");
    const certificate = await makeCertificate(folder);
    double = await GitLabDouble.start({ folder, certificate });
    const project = await double.addProject("acme/tools/greeter");
    await project.repository.commit(
      { files: files("one"), tags: ["v1.0.0"] },
      { files: files("two"), tags: [{ name: "v1.1.0", annotated: true }] },
      { branch: "feature/long/name", from: "main", files: files("feature") },
      { branch: "1.x", from: "main", files: files("branch") },
    );
    const origin = double.url.replace("https://", "");
    await mkdir(join(folder, "composer"));
    composer = await ComposerProject.create(join(folder, "composer"), {
      repository: { type: "vcs", url: `${double.url}/acme/tools/greeter` },
      auth: { "gitlab-token": { [origin]: double.addToken() } },
      config: { "gitlab-domains": [origin], cafile: certificate.path },
    });
  });
  after(async () => {
    await double.stop();
    await removeFolder(folder);
  });

  test("lists the versions, annotated tags peeled", async () => {
    const { versions } = await composer.show("acme/greeter");
    assert.deepEqual([...versions].sort(), ["1.x-dev", "dev-feature/long/name", "dev-main", "v1.0.0", "v1.1.0"]);
  });

  test("gives an archive that installs and runs", async () => {
    await composer.require("acme/greeter:1.1.0");
    assert.equal(await composer.php(greet), "two");
    assert.equal(double.archivesServed, 1);
  });
});
