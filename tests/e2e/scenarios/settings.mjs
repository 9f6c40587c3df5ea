// What the owner of a repository tells its users: messages and mirrors.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { once } from "node:events";
import { greeterFiles } from "../fixtures.mjs";
import { until } from "../support/until.mjs";

const name = "acme/announced";
const slug = "with-settings";

export default function settings(world) {
  let repository, mirror;
  const mirrored = [];

  const change = async (body) => {
    await world.expect(200, "PATCH", `/orgs/main/repositories/${slug}`, body);
    // Ten seconds are the promise.
    const isInForce = async () => {
      const { warnings = [], mirrors = [] } = (await world.get("packages.json", { repository })).json();
      const texts = warnings.map((warning) => warning.message);
      return (body.messages ?? []).every(({ text, level }) => level !== "warning" || texts.includes(text))
        && mirrors.length >= (body.mirrors ?? []).length;
    };
    await until("the setting is not in force", isInForce, { deadline: 10_000 });
  };

  before(async () => {
    repository = await world.addRepository(slug);
    const archive = await world.zip(greeterFiles(name, "hello"));
    const headers = { "content-type": "application/zip" };
    const answer = await world.get(`upload/${name}/1.0.0`, { repository, method: "PUT", body: archive, headers });
    assert.equal(answer.status, 201, answer.text);
    mirror = createServer((request, response) => {
      mirrored.push(request.url);
      response.writeHead(200, { "content-type": "application/zip" }).end(archive);
    }).listen(0, "127.0.0.1");
    await once(mirror, "listening");
  });

  after(() => mirror?.close());

  test("a message is printed once, by the versions it is meant for, until it changes", async () => {
    const composer = await world.composer({ repository });
    await change({
      messages: [
        { level: "warning", text: "Closed on Sunday" },
        { level: "info", text: "Only for the old", versions: "<2.0" },
      ],
    });
    const count = (output) => output.split("Closed on Sunday").length - 1;
    await composer.edit((manifest) => Object.assign(manifest.require, { [name]: "^1.0" }));
    const first = await composer.update();
    assert.equal(count(first), 1, first);
    assert.match(first, /Warning from /);
    assert.doesNotMatch(first, /Only for the old/);
    assert.equal(count(await composer.update()), 0);
    await change({ messages: [{ level: "warning", text: "Closed on Sunday and Monday" }] });
    await until("the new message was never printed", async () => /and Monday/.test(await composer.update()), { deadline: 20_000 });
  });

  test("archives come from a preferred mirror", async () => {
    const { port } = mirror.address();
    await change({
      mirrors: [{ "dist-url": `http://127.0.0.1:${port}/%package%/%version%/%reference%.%type%`, preferred: true }],
    });
    const composer = await world.composer({ repository });
    await composer.require(`${name}:^1.0`);
    const { dist } = await composer.locked(name);
    assert.equal(dist.mirrors[0].preferred, true);
    assert.deepEqual(mirrored, [`/${name}/1.0.0.0/${dist.reference}.zip`]);
  });

  test("an archive that is not here says so", async () => {
    const composer = await world.composer({ repository });
    await composer.require(`${name}:^1.0`);
    await composer.forgetEverythingButTheLock();
    await composer.edit((manifest) => {
      manifest.repositories = [{ "packagist.org": false }];
    });
    const lock = JSON.parse(await readFile(join(composer.folder, "composer.lock")));
    for (const entry of lock.packages) {
      delete entry.dist.mirrors;
      entry.dist.url = entry.dist.url.replace(/[^/]+\.zip$/, "0123.zip");
    }
    await writeFile(join(composer.folder, "composer.lock"), JSON.stringify(lock));
    const { code, output } = await composer.run("install");
    assert.notEqual(code, 0);
    assert.match(output, /This archive is not here, or your token may not see it/);
  });
}
