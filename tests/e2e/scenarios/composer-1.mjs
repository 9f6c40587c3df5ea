// Composer 1. Version 1.10.27 was once run against the product by hand; these are the requests that it sent, in its order
// and with its checks, because it cannot be installed everywhere.
import { before, test } from "node:test";
import assert from "node:assert/strict";
import { greeterFiles } from "../fixtures.mjs";
import { sha1, sha256 } from "../world.mjs";
import { judge } from "../oracle.mjs";

const agent = "Composer/1.10.27 (Linux; 6.1; PHP 7.4.33)";
const name = "acme/ancient";
const other = "acme/antique";
const slug = "composer-1";

export default function composer1(world) {
  let repository, reader;

  const ask = (path, { token, since, status = 200 } = {}) =>
    world
      .get(path, { repository, token, headers: { "user-agent": agent, ...(since && { "if-modified-since": since }) } })
      .then((answer) => {
        assert.equal(answer.status, status, `${path}: ${answer.text}`);
        return answer;
      });
  const root = async (token) => (await ask("packages.json", { token })).json();

  /** A file that is named by its hash, which Composer checks. A `$` goes out encoded. */
  const hashed = async (path, hash) => {
    const answer = await ask(path.replace("$", "%24"));
    assert.equal(sha256(answer.bytes), hash, path);
    return answer.json();
  };

  /** Name to hash, over all that a file includes. Paths are below the address in composer.json. */
  const listing = async (file) => {
    const names = new Map(Object.entries(file.providers ?? {}).map(([key, { sha256: hash }]) => [key, hash]));
    for (const [path, { sha256: hash }] of Object.entries(file["provider-includes"] ?? {})) {
      for (const [key, value] of await listing(await hashed(path.replace("%hash%", hash), hash))) names.set(key, value);
    }
    return names;
  };

  const versionsOf = (file) => Object.values(file.packages).flatMap((versions) => Object.values(versions));

  before(async () => {
    repository = await world.addRepository(slug);
    await world.importGreeter(name, { tags: ["v1.0.0", "v1.1.0"], repository: slug });
    const body = await world.zip(greeterFiles(other, "found"));
    const headers = { "content-type": "application/zip" };
    const answer = await world.get(`upload/${other}/1.0.0`, { repository, method: "PUT", body, headers });
    assert.equal(answer.status, 201, answer.text);
    await world.inForce(slug);
    reader = (await world.createToken({ repositories: [slug], packages: [name] })).token;
  });

  test("an update follows hashes down to each version, and installs what Composer 2 would", async () => {
    const file = await root();
    assert.equal(file["providers-url"], `${repository}/p/%package%$%hash%.json`);
    const names = await listing(file);
    assert.deepEqual([...names.keys()].sort(), [name, other]);
    const uids = new Set();
    for (const [key, hash] of names) {
      const url = file["providers-url"].replace("%package%", key).replace("%hash%", hash);
      for (const version of versionsOf(await hashed(url, hash))) {
        assert.ok(!uids.has(version.uid), version.uid);
        uids.add(version.uid);
        const { uid, ...entry } = version;
        const dev = version.version.startsWith("dev-") ? "~dev" : "";
        const document = await world.get(`p2/${key}${dev}.json`, { repository });
        const { expanded } = await judge(document.text, key);
        assert.deepEqual(
          entry,
          expanded.find((one) => one.version === version.version),
          uid,
        );
        assert.equal(sha1((await ask(entry.dist.url)).bytes), entry.dist.shasum);
      }
    }
    assert.equal(uids.size, 4);
  });

  test("a token that sees some packages asks for each by name, and is sent it once", async () => {
    const file = await root(reader);
    assert.ok(!("provider-includes" in file) && !("providers-url" in file));
    assert.equal(file["providers-lazy-url"], `${repository}/p/%package%.json`);
    const url = file["providers-lazy-url"].replace("%package%", name);
    const first = await ask(url, { token: reader });
    assert.equal(versionsOf(first.json()).length, 3);
    const since = first.headers.get("last-modified");
    const second = await ask(url, { token: reader, since, status: 304 });
    assert.equal(second.bytes.length, 0);
    await ask(file["providers-lazy-url"].replace("%package%", other), { token: reader, status: 404 });
    for (const [key, hash] of await listing(await root()))
      await ask(`p/${key}%24${hash}.json`, { token: reader, status: key === name ? 200 : 404 });
    const [[path, { sha256: hash }]] = Object.entries((await root())["provider-includes"]);
    await ask(path.replace("%hash%", hash).replace("$", "%24"), { token: reader, status: 404 });
  });

  test("a run that began before a release ends with what it began with", async () => {
    const before = await listing(await root());
    const body = await world.zip(greeterFiles(other, "newer"));
    const headers = { "content-type": "application/zip" };
    await world.get(`upload/${other}/1.1.0`, { repository, method: "PUT", body, headers });
    await world.inForce(slug);
    const after = await listing(await root());
    assert.equal(after.get(name), before.get(name));
    assert.notEqual(after.get(other), before.get(other));
    const versions = async (hash) => versionsOf(await hashed(`p/${other}$${hash}.json`, hash)).map((entry) => entry.version);
    assert.deepEqual(await versions(before.get(other)), ["1.0.0"]);
    assert.deepEqual(await versions(after.get(other)), ["1.1.0", "1.0.0"]);
  });

  test("Composer 2 sees nothing of it, and both may share a cache", async () => {
    const composer = await world.composer({ repository });
    await composer.require(`${name}:^1.0`);
    const theirs = await world.get("packages.json", { repository });
    assert.ok(!("provider-includes" in theirs.json()));
    const ours = await ask("packages.json", { since: theirs.headers.get("last-modified") });
    assert.notEqual(ours.headers.get("last-modified"), theirs.headers.get("last-modified"));
    assert.match(await composer.update("-vvv"), new RegExp(`\\[304\\] ${repository}/packages\\.json`));
  });

  test("with `full` everybody gets both, and Composer 2 goes its own way", async () => {
    await world.expect(200, "PATCH", `/orgs/main/repositories/${slug}`, { composer_1: "full" });
    for (const token of [undefined, reader]) {
      const composer = await world.composer({ repository, token });
      const output = await composer.succeed("require", "-vvv", `${name}:^1.0`);
      assert.match(output, new RegExp(`/p2/${name}\\.json`));
      assert.doesNotMatch(output, /packages\/p\//);
    }
  });
}
