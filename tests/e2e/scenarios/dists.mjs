// Archives by HTTP: whole, in part, conditionally; never re-encoded, cacheable for ever.
import { before, test } from "node:test";
import assert from "node:assert/strict";
import { sha1, sha256 } from "../world.mjs";

const name = "acme/archived";

export default function dists(world) {
  let path, whole, facts;

  before(async () => {
    await world.importGreeter(name);
    const [release] = (await world.package(name)).versions.filter((entry) => entry.version === "v1.0.0");
    path = `dist/${name}/${release.reference}.zip`;
    facts = release.dist;
    whole = await world.get(path, { headers: { "accept-encoding": "gzip, br" } });
  });

  test("the bytes are those that the metadata promises", () => {
    assert.equal(whole.status, 200);
    assert.equal(whole.bytes.length, facts.size);
    assert.equal(sha1(whole.bytes), facts.shasum);
    assert.equal(sha256(whole.bytes), facts.sha256);
  });

  test("the headers let clients and proxies keep it", () => {
    assert.equal(whole.headers.get("content-encoding"), null);
    assert.equal(whole.headers.get("content-length"), String(facts.size));
    assert.equal(whole.headers.get("content-type"), "application/zip");
    assert.equal(whole.headers.get("accept-ranges"), "bytes");
    assert.match(whole.headers.get("etag"), /^"[^"]+"$/);
    assert.match(whole.headers.get("cache-control"), /private/);
    assert.match(whole.headers.get("cache-control"), /immutable/);
  });

  test("HEAD has the same headers and no body", async () => {
    const head = await world.get(path, { method: "HEAD" });
    assert.equal(head.status, 200);
    assert.equal(head.bytes.length, 0);
    for (const header of ["content-length", "etag", "content-type", "accept-ranges"])
      assert.equal(head.headers.get(header), whole.headers.get(header), header);
  });

  test("If-None-Match is answered with an empty 304", async () => {
    const etag = whole.headers.get("etag");
    const same = await world.get(path, { headers: { "if-none-match": etag } });
    assert.equal(same.status, 304);
    assert.equal(same.bytes.length, 0);
    assert.equal(same.headers.get("etag"), etag);
    assert.equal((await world.get(path, { headers: { "if-none-match": `"other", ${etag}` } })).status, 304);
    assert.equal((await world.get(path, { headers: { "if-none-match": '"other"' } })).status, 200);
  });

  test("ranges give the bytes asked for", async () => {
    const size = facts.size;
    for (const [range, from, to] of [
      ["bytes=0-9", 0, 9],
      ["bytes=10-", 10, size - 1],
      ["bytes=-22", size - 22, size - 1],
      [`bytes=5-${size + 100}`, 5, size - 1],
    ]) {
      const part = await world.get(path, { headers: { range } });
      assert.equal(part.status, 206, range);
      assert.equal(part.headers.get("content-range"), `bytes ${from}-${to}/${size}`);
      assert.deepEqual(part.bytes, whole.bytes.subarray(from, to + 1), range);
    }
  });

  test("a range outside the archive is refused with its size", async () => {
    const refused = await world.get(path, { headers: { range: `bytes=${facts.size}-` } });
    assert.equal(refused.status, 416);
    assert.equal(refused.headers.get("content-range"), `bytes */${facts.size}`);
  });

  test("an archive needs credentials", async () => {
    assert.equal((await world.get(path, { token: null })).status, 401);
  });

  test("an unknown reference is not found", async () => {
    assert.equal((await world.get(`dist/${name}/${"0".repeat(40)}.zip`)).status, 404);
  });
}
