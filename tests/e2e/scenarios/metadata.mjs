// packages.json and the p2 documents, byte by byte and header by header.
import { before, test } from "node:test";
import assert from "node:assert/strict";
import { pushPayload } from "../github-webhooks.mjs";
import { libraryFiles, libraryManifest } from "../fixtures.mjs";
import { judge } from "../oracle.mjs";
import { sha1 } from "../world.mjs";

const name = "acme/documented";
// A repository of its own: the validator of packages.json would move with every publish of the others.
const slug = "documents";
const manifest = { ...libraryManifest, name };

export default function metadata(world) {
  let repository, project;

  const get = (path, options) => world.get(path, { repository, ...options });

  before(async () => {
    repository = await world.addRepository(slug);
    project = await world.double.addProject(name);
    await project.repository.commit(
      { files: await libraryFiles("1.0.0", { ...manifest, description: "The first" }), tags: ["v1.0.0"] },
      { files: await libraryFiles("1.1.0", { ...manifest, suggest: undefined }), tags: ["v1.1.0"] },
      { files: await libraryFiles("1.2.0", manifest), tags: ["v1.2.0", "v1.3.0-beta.2"] },
      { branch: "feature/x", from: "main", files: await libraryFiles("feature", manifest) },
    );
    await world.importProject(project, { repository: slug });
  });

  const documents = {
    "packages.json": "packages.json",
    "the document of releases": `p2/${name}.json`,
    "the document of branches": `p2/${name}~dev.json`,
  };

  test("packages.json has absolute addresses and the names", async () => {
    const root = (await get("packages.json")).json();
    assert.equal(root["metadata-url"], `${repository}/p2/%package%.json`);
    assert.ok(root["available-packages"].includes(name));
    assert.equal(root["security-advisories"].metadata, true);
    assert.ok(!("last-modified" in root), "Composer keeps the validator under this key");
  });

  for (const [title, path] of Object.entries(documents)) {
    test(`${title}: a validator that is compared for equality, an empty 304, HEAD`, async () => {
      const full = await get(path);
      assert.equal(full.status, 200);
      assert.match(full.headers.get("content-type"), /^application\/json\b/);
      const modified = full.headers.get("last-modified");
      assert.equal(new Date(modified).toUTCString(), modified);

      const unchanged = await get(path, { headers: { "if-modified-since": modified } });
      assert.equal(unchanged.status, 304);
      assert.equal(unchanged.bytes.length, 0);
      assert.equal(unchanged.headers.get("last-modified"), modified);
      const later = new Date(Date.parse(modified) + 60_000).toUTCString();
      assert.equal(
        (await get(path, { headers: { "if-modified-since": later } })).status,
        200,
        "a later date is another validator",
      );

      const head = await get(path, { method: "HEAD" });
      assert.equal(head.status, 200);
      assert.equal(head.bytes.length, 0);
      assert.equal(head.headers.get("last-modified"), modified);
      assert.equal(head.headers.get("content-type"), full.headers.get("content-type"));
    });

    test(`${title}: access comes before the validator`, async () => {
      const modified = (await get(path)).headers.get("last-modified");
      assert.equal((await get(path, { token: null, headers: { "if-modified-since": modified } })).status, 401);
    });
  }

  for (const path of [`p2/${name}.json`, `p2/${name}~dev.json`]) {
    test(`${path} is what Composer's own minifier would write`, async () => {
      const { text } = await get(path);
      assert.deepEqual(Object.keys(JSON.parse(text).packages), [name]);
      const { given, expanded, minified } = await judge(text, name);
      assert.ok(given.length > 1);
      assert.deepEqual(given, minified);
      assert.ok(!("name" in given[1]), "what does not change is not repeated");
      for (const version of expanded) assert.equal(version.name, name);
    });
  }

  test("releases and branches are in the right document, newest first", async () => {
    const versionsOf = async (path) => (await judge((await get(path)).text, name)).expanded.map((entry) => entry.version);
    assert.deepEqual(await versionsOf(`p2/${name}.json`), ["v1.3.0-beta.2", "v1.2.0", "v1.1.0", "v1.0.0"]);
    assert.deepEqual((await versionsOf(`p2/${name}~dev.json`)).sort(), ["dev-feature/x", "dev-main"]);
  });

  test("every field of composer.json arrives, and ours beside them", async () => {
    const document = (await get(`p2/${name}.json`)).json();
    assert.deepEqual(document["security-advisories"], []);
    const { expanded } = await judge(JSON.stringify(document), name);
    const release = expanded.find((entry) => entry.version === "v1.2.0");
    // As Composer's dumper writes them; what the host knows is added to `support`.
    const dumped = {
      ...manifest,
      license: ["MIT"],
      keywords: [...manifest.keywords].sort(),
      support: { ...manifest.support, source: `${world.double.origin}/${name}/tree/v1.2.0` },
    };
    for (const [key, value] of Object.entries(dumped)) assert.deepEqual(release[key], value, key);

    const commit = await project.repository.resolve("v1.2.0");
    assert.equal(release.version_normalized, "1.2.0.0");
    assert.deepEqual(release.source, { type: "git", url: `${world.double.origin}/${name}.git`, reference: commit });
    assert.equal(release.dist.type, "zip");
    assert.equal(release.dist.url, `${repository}/dist/${name}/${commit}.zip`);
    assert.equal(release.dist.reference, commit);
    assert.equal(release.dist.shasum, sha1((await get(release.dist.url)).bytes));
    const { committed } = await project.repository.describe(commit);
    assert.equal(Date.parse(release.time), Date.parse(committed));
    assert.ok(Date.parse(release["published-time"]) > Date.parse(release.time));
    assert.ok(!("default-branch" in release));

    const first = expanded.find((entry) => entry.version === "v1.0.0");
    assert.equal(first.description, "The first");
    assert.ok(!("suggest" in expanded.find((entry) => entry.version === "v1.1.0")), "what a version has not is taken back");
    assert.deepEqual(first.suggest, manifest.suggest);
  });

  test("the default branch is marked, and no other", async () => {
    const document = (await get(`p2/${name}~dev.json`)).text;
    const { expanded } = await judge(document, name);
    assert.deepEqual(
      expanded.filter((entry) => entry["default-branch"] === true).map((entry) => entry.version),
      ["dev-main"],
    );
    assert.equal(expanded.find((entry) => entry.version === "dev-feature/x").version_normalized, "dev-feature/x");
  });

  test("a release moves the validator of its documents and of no others", async () => {
    const others = await world.importGreeter("acme/bystander", { repository: slug });
    const validators = async () =>
      Promise.all(
        [`p2/${name}.json`, `p2/${others.fullName}.json`].map(async (path) =>
          (await get(path)).headers.get("last-modified"),
        ),
      );
    const [mine, theirs] = await validators();
    const [commit] = await project.repository.commit({ files: await libraryFiles("1.4.0", manifest), tags: ["v1.4.0"] });
    const payload = pushPayload(world.double, project, { ref: "refs/tags/v1.4.0", after: commit });
    await world.syncedBy(name, () => world.deliver("push", payload), slug);
    const [mineNow, theirsNow] = await validators();
    assert.ok(Date.parse(mineNow) > Date.parse(mine));
    assert.equal(theirsNow, theirs);
  });
}
