// Packages without a git host: archives by PUT, by a form or in parts, and packages that are written down.
import { before, test } from "node:test";
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { greet, greeterFiles } from "../fixtures.mjs";
import { clients } from "../clients.mjs";
import { runOrThrow } from "../support/process.mjs";
import { sha1, sha256 } from "../world.mjs";

const name = "acme/uploaded";

export default function uploads(world) {
  let writer, zip;

  const put = (version, body, { token = writer, package: target = name } = {}) =>
    world.get(`upload/${target}/${version}`, { method: "PUT", token, body, headers: { "content-type": "application/zip" } });

  /** So many megabytes that nothing can make smaller. */
  const makeNoise = (megabytes) => {
    const noise = Buffer.alloc(megabytes * 1024 * 1024);
    for (let index = 0, state = 7; index < noise.length; index += 4)
      noise.writeUInt32LE((state = (Math.imul(state, 1664525) + 1013904223) >>> 0), index);
    return noise;
  };

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
    const large = await world.zip({ ...greeterFiles(name, "large"), "noise.bin": makeNoise(12) });
    const answer = await put("2.0.0", large);
    assert.equal(answer.status, 201, answer.text);
    const composer = await world.composer();
    await composer.require(`${name}:^2.0`);
    assert.equal((await composer.locked(name)).dist.shasum, sha1(large));
  });

  for (const client of clients) {
    test(`Composer ${client.version} installs tar archives in every compression`, async () => {
      const packed = `acme/packed-${client.version.split(".").slice(0, 2).join("-")}`;
      for (const [version, ending] of Object.entries({ "1.0.0": "tar", "1.1.0": "tar.gz", "1.2.0": "tar.bz2" })) {
        const archive = await world.tar(greeterFiles(packed, ending), ending);
        const answer = await put(version, archive, { package: packed });
        assert.equal(answer.status, 201, answer.text);
        const composer = await world.composer({ client });
        await composer.require(`${packed}:${version}`);
        assert.equal(await composer.php(greet), ending);
        const { dist } = await composer.locked(packed);
        assert.equal(dist.type, "tar");
        assert.equal(dist.shasum, sha1(archive));
        assert.ok(dist.url.endsWith(`/${dist.reference}.${ending}`), dist.url);
        // The lock file alone is enough.
        await composer.forgetEverythingButTheLock();
        await composer.install();
        assert.equal(await composer.php(greet), ending);
      }
    });

    test(`Composer ${client.version} installs a package that is written down`, async () => {
      const written = `acme/written-${client.version.split(".").slice(0, 2).join("-")}`;
      const files = greeterFiles(written, "written");
      delete files["composer.json"];
      const archive = await world.tar(files, "tar.gz");
      const address = `${world.registry.url}/api/v1/orgs/main/packages/${written}/archives`;
      const uploaded = await world.get(address, { method: "POST", body: archive });
      assert.equal(uploaded.status, 201, uploaded.text);
      assert.equal(uploaded.json().sha256, sha256(archive));
      const definition = {
        name: written,
        version: "1.0.0",
        autoload: { "psr-4": { "Acme\\Greeter\\": "src/" } },
        dist: { sha256: sha256(archive) },
      };
      const body = { repository: "packages", type: "package", package: [definition] };
      await world.expect(200, "PUT", `/orgs/main/packages/${written}/definition`, body);
      await world.inForce();
      const composer = await world.composer({ client });
      await composer.require(`${written}:^1.0`);
      assert.equal(await composer.php(greet), "written");
      assert.equal((await composer.locked(written)).dist.shasum, sha1(archive));
    });
  }

  test("an archive elsewhere is fetched from there", async () => {
    const written = "acme/elsewhere";
    const url = "https://files.example/elsewhere-1.0.0.zip";
    const definition = { name: written, version: "1.0.0", dist: { type: "zip", url, shasum: sha1(zip) } };
    await world.expect(200, "PUT", `/orgs/main/packages/${written}/definition`, { repository: "packages", package: definition });
    await world.inForce();
    const composer = await world.composer();
    await composer.succeed("require", "--no-install", `${written}:^1.0`);
    const { dist } = await composer.locked(written);
    assert.deepEqual(dist, { type: "zip", url, shasum: sha1(zip) });
  });

  test("forms of other registries' clients are understood by what curl sends", async () => {
    const formed = "acme/formed";
    const folder = await world.newFolder("forms");
    await writeFile(`${folder}/package.zip`, await world.zip(greeterFiles(formed, "formed")));
    const curl = (path, ...options) =>
      runOrThrow("curl", ["--silent", "--show-error", "--fail-with-body", "--noproxy", "*", "--user", `token:${writer}`, ...options, `${world.registry.repository()}${path}`], { cwd: folder });
    // Nexus' client, Packistry's and Gitea's.
    const source = { "src-type": "git", "src-url": "https://git.example/formed.git", "src-ref": "0123abc" };
    const fields = Object.entries(source).flatMap(([key, value]) => ["--form", `${key}=${value}`]);
    await curl(`/packages/upload/${formed}/1.0.0`, "--request", "PUT", "--form", "package=@package.zip", ...fields);
    await curl(`/${formed}`, "--form", "version=1.1.0", "--form", "file=@package.zip;filename=../../x.zip");
    await curl("?version=1.2.0", "--upload-file", "package.zip");
    await curl(`/upload/${formed}/dev-main`, "--upload-file", "package.zip");
    assert.deepEqual((await world.versions(formed)).sort(), ["1.0.0", "1.1.0", "1.2.0", "dev-main"]);
    const composer = await world.composer();
    await composer.require(`${formed}:1.0.0`);
    assert.deepEqual((await composer.locked(formed)).source, { type: "git", url: source["src-url"], reference: source["src-ref"] });
  });

  test("an upload in parts, one of them sent twice, is one archive", async () => {
    const large = await world.tar({ ...greeterFiles(name, "in parts"), "noise.bin": makeNoise(12) }, "tar");
    const uploads = (path, options) => world.get(`uploads${path}`, { token: writer, ...options });
    const asked = { name, version: "3.0.0", size: large.length, sha256: sha256(large) };
    const begun = await uploads("", { method: "POST", body: JSON.stringify(asked) });
    assert.equal(begun.status, 201, begun.text);
    const { id, part_size: size, parts } = begun.json();
    assert.equal(parts, 3);
    const send = (number) => uploads(`/${id}/${number}`, { method: "PUT", body: large.subarray((number - 1) * size, number * size) });
    const sent = await Promise.all([send(3), send(1)]);
    assert.deepEqual(sent.map(({ status }) => status), [200, 200], sent.map(({ text }) => text).join());
    assert.equal((await send(1)).status, 200);
    assert.equal((await uploads(`/${id}/complete`, { method: "POST" })).status, 409);
    assert.deepEqual((await uploads(`/${id}`)).json().received, [1, 3]);
    assert.equal((await send(2)).status, 200);
    const completed = await uploads(`/${id}/complete`, { method: "POST" });
    assert.equal(completed.status, 200, completed.text);
    assert.equal(completed.json().dist.sha256, sha256(large));
    assert.deepEqual((await uploads(`/${id}/complete`, { method: "POST" })).json(), completed.json());
    const composer = await world.composer();
    await composer.require(`${name}:^3.0`);
    assert.equal(await composer.php(greet), "in parts");
    assert.equal((await composer.locked(name)).dist.shasum, sha1(large));
    // Another one is given up, and nothing is left to go on with.
    const other = (await uploads("", { method: "POST", body: JSON.stringify({ ...asked, version: "3.1.0" }) })).json().id;
    assert.equal((await uploads(`/${other}/1`, { method: "PUT", body: large.subarray(0, size) })).status, 200);
    assert.equal((await uploads(`/${other}`, { method: "DELETE" })).status, 204);
    assert.equal((await uploads(`/${other}`)).status, 404);
  });
}
