// What Composer asks beside metadata: search, names, advisories, and what it reports after an installation.
import { before, test } from "node:test";
import assert from "node:assert/strict";
import { greeterFiles } from "../fixtures.mjs";
import { until } from "../support/until.mjs";

const name = "acme/discovered";
const other = "acme/bystanding";
const slug = "discovery";

export default function discovery(world) {
  let repository, reader;

  before(async () => {
    repository = await world.addRepository(slug);
    for (const target of [name, other]) {
      const body = await world.zip(greeterFiles(target, "found"));
      const headers = { "content-type": "application/zip" };
      const answer = await world.get(`upload/${target}/1.0.0`, { repository, method: "PUT", body, headers });
      assert.equal(answer.status, 201, answer.text);
    }
    reader = (await world.createToken({ repositories: [slug], packages: [name] })).token;
  });

  test("composer search finds by a word, and only what the token may see", async () => {
    const all = await world.composer({ repository });
    const found = await all.succeed("search", "acme");
    assert.match(found, new RegExp(name));
    assert.match(found, new RegExp(other));
    const limited = await world.composer({ repository, token: reader });
    const output = await limited.succeed("search", "acme");
    assert.match(output, new RegExp(name));
    assert.doesNotMatch(output, new RegExp(other));
  });

  test("list.json names what the token may see", async () => {
    const list = async (token) => (await world.get("list.json?filter=acme/*", { repository, token })).json().packageNames;
    assert.deepEqual(await list(), [other, name]);
    assert.deepEqual(await list(reader), [name]);
  });

  test("an installation is audited without a warning and counted once", async () => {
    const composer = await world.composer({ repository });
    await composer.require(`${name}:^1.0`);
    const audit = await composer.succeed("audit");
    assert.match(audit, /No security vulnerability advisories found/);
    const downloads = async () => (await world.package(name)).versions[0].downloads;
    await until("the installation was not counted", async () => (await downloads()) === 1);
    await composer.forgetEverythingButTheLock();
    await composer.install();
    await until("the second installation was not counted", async () => (await downloads()) === 2);
  });
}
