// Composer 2.2, which many servers with an old PHP still run, as a list of what it sends: there is no package of it to install.
// Taken from a run of 2.2.28. Unlike later ones it knows of no advisories, and asks for nothing before an installation from a lock file.
import { before, test } from "node:test";
import assert from "node:assert/strict";
import { greeterFiles } from "../fixtures.mjs";
import { sha1 } from "../world.mjs";

const slug = "replayed";
const name = "replayed/library";

export default function replay(world) {
  let repository;
  // What the client keeps from one run to the next: path → Last-Modified.
  const cache = new Map();

  before(async () => {
    repository = await world.addRepository(slug);
    await world.upload(name, "1.0.0", greeterFiles(name, "one"), repository);
  });

  async function send(path, { method = "GET", body } = {}) {
    const headers = {
      accept: "*/*",
      "accept-encoding": "deflate, gzip, br, zstd",
      authorization: `Basic ${Buffer.from(`token:${world.registry.adminToken}`).toString("base64")}`,
      "user-agent": "Composer/2.2.28 (Linux; 6.1.0; PHP 7.2.34; cURL 7.88.1)",
      ...(cache.has(path) ? { "if-modified-since": cache.get(path) } : {}),
      ...(body ? { "content-type": "application/json" } : {}),
    };
    const answer = await world.get(path, { repository, token: null, method, headers, body });
    if (answer.status === 200 && method === "GET" && !path.includes("dist/")) cache.set(path, answer.headers.get("last-modified"));
    return answer;
  }

  const report = () =>
    send("downloads", { method: "POST", body: JSON.stringify({ downloads: [{ name, version: "1.0.0.0" }] }) });

  test("a first update, a second one, and an installation from a lock file", async () => {
    const root = await send("packages.json");
    const metadata = (await root.json())["metadata-url"].replace("%package%", name).slice(repository.length + 1);
    const document = await send(metadata);
    const branches = await send(metadata.replace(".json", "~dev.json"));
    assert.deepEqual([root.status, document.status, branches.status], [200, 200, 404]);
    // Nothing but this value makes it expand the versions.
    assert.equal(document.json().minified, "composer/2.0");
    const [{ dist }] = document.json().packages[name];
    const archive = await send(dist.url.slice(repository.length + 1));
    assert.equal(archive.status, 200);
    assert.equal(sha1(archive.bytes), dist.shasum);
    assert.equal((await report()).status, 201);

    assert.equal((await send("packages.json")).status, 304);
    assert.equal((await send(metadata)).status, 304);

    assert.equal((await send(dist.url.slice(repository.length + 1))).status, 200);
    assert.equal((await report()).status, 201);
  });
}
