// Packages without a git host: a zip by PUT, once and for all.
import { before, test } from "node:test";
import assert from "node:assert/strict";
import { greet, greeterFiles } from "../fixtures.mjs";
import { sha1 } from "../world.mjs";

const name = "acme/uploaded";

export default function uploads(world) {
  let writer, zip;

  const put = (version, body, { token = writer, package: target = name } = {}) =>
    world.get(`upload/${target}/${version}`, { method: "PUT", token, body, headers: { "content-type": "application/zip" } });

  before(async () => {
    writer = (await world.createToken({ access: "write" })).token;
    zip = await world.zip(greeterFiles(name, "uploaded"));
  });

  test("an upload is installable when its answer is there", async () => {
    // Asked for just before: that it was not there is remembered, and must be forgotten.
    assert.equal((await world.get(`p2/${name}.json`)).status, 404);
    const answer = await put("1.0.0", zip);
    assert.equal(answer.status, 201, answer.text);
    assert.equal((await world.get(`p2/${name}.json`)).status, 200);
    const composer = await world.composer();
    await composer.require(`${name}:^1.0`);
    assert.equal(await composer.php(greet), "uploaded");
    const locked = await composer.locked(name);
    assert.equal(locked.dist.shasum, sha1(zip));
    assert.equal(locked.source, undefined);
  });

  test("the same bytes again are fine, others are refused", async () => {
    assert.equal((await put("1.0.0", zip)).status, 200);
    const other = await put("1.0.0", await world.zip(greeterFiles(name, "changed")));
    assert.equal(other.status, 409);
    assert.match(other.text, /1\.0\.0/);
    const [entry] = (await world.package(name)).versions;
    assert.equal(entry.dist.shasum, sha1(zip));
  });

  test("another version goes beside it; a single top folder is fine", async () => {
    const answer = await put("v1.1.0", await world.zip(greeterFiles(name, "second"), "greeter-1.1.0/"));
    assert.equal(answer.status, 201, answer.text);
    assert.match((await world.get(`p2/${name}.json`)).text, /v1\.1\.0/);
    const composer = await world.composer();
    await composer.require(`${name}:^1.1`);
    assert.equal(await composer.php(greet), "second");
  });

  test("what is no package is refused with a reason", async () => {
    const refusals = [
      ["1.2.0", Buffer.from("no zip at all"), /zip/i],
      ["1.2.0", (await world.zip(greeterFiles(name, "cut"))).subarray(0, 300), /zip/i],
      ["1.2.0", await world.zip({ "README.md": "nothing" }), /composer\.json/],
      ["1.2.0", await world.zip({ ...greeterFiles(name, "broken"), "composer.json": "{" }), /composer\.json/],
      ["1.2.0", await world.zip(greeterFiles("acme/other", "other")), /acme\/other/],
      ["1.2.0", await world.zip(greeterFiles(name, "other", { version: "1.9.0" })), /1\.9\.0/],
      ["not-a-version", zip, /not-a-version/],
    ];
    for (const [version, body, reason] of refusals) {
      const answer = await put(version, body);
      assert.equal(answer.status, 422, `${version} ${reason}: ${answer.text}`);
      assert.match(answer.text, reason);
    }
    assert.deepEqual((await world.versions(name)).sort(), ["1.0.0", "v1.1.0"]);
  });

  test("only a token that may write may upload, and only what it may see", async () => {
    const { token: reader } = await world.createToken({ access: "read" });
    assert.equal((await put("1.3.0", zip, { token: reader })).status, 403);
    assert.equal((await put("1.3.0", zip, { token: null })).status, 401);
    const { token: elsewhere } = await world.createToken({ access: "write", packages: ["globex/*"] });
    assert.equal((await put("1.3.0", zip, { token: elsewhere })).status, 403);
  });

  test("a large upload comes in whole", async () => {
    const noise = Buffer.alloc(12 * 1024 * 1024);
    for (let index = 0, state = 7; index < noise.length; index += 4)
      noise.writeUInt32LE((state = (Math.imul(state, 1664525) + 1013904223) >>> 0), index);
    const large = await world.zip({ ...greeterFiles(name, "large"), "noise.bin": noise });
    const answer = await put("2.0.0", large);
    assert.equal(answer.status, 201, answer.text);
    const composer = await world.composer();
    await composer.require(`${name}:^2.0`);
    assert.equal((await composer.locked(name)).dist.shasum, sha1(large));
  });
}
