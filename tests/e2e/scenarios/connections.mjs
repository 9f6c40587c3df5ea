// Connecting a git host: what works is stored, what does not is refused with words that tell a person what to do.
import { test } from "node:test";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { greeterFiles } from "../fixtures.mjs";

export default function connections(world) {
  const ask = (token, baseUrl = world.double.url) =>
    world.registry.api("POST", "/orgs/main/connections", { provider: "github", base_url: baseUrl, token });
  const add = (connection, project) =>
    world.registry.api("POST", "/orgs/main/packages", { connection: connection.id, project, repository: "packages" });

  function assertProblem(answer, status, detail) {
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.headers.get("content-type"), "application/problem+json");
    assert.match(answer.body.detail, detail);
  }

  test("a connection tells its account and its webhook, and keeps the token to itself", async () => {
    const { connection } = world;
    assert.equal(connection.provider, "github");
    assert.equal(connection.base_url, world.double.url);
    assert.equal(connection.account, "ada");
    assert.equal(connection.webhook.url, `${world.registry.url}/hooks/${connection.id}`);
    assert.ok(connection.webhook.secret.length >= 32);
    assert.doesNotMatch(JSON.stringify(connection), /ghp_/);
  });

  test("a token that does not work is refused", async () => {
    assertProblem(await ask(`ghp_${randomUUID()}`), 422, /Bad credentials|token/i);
  });

  test("a classic token without the scope `repo` is refused by name", async () => {
    assertProblem(await ask(world.double.addToken({ scopes: "read:user" })), 422, /\brepo\b/);
  });

  test("a host that cannot be reached is refused", async () => {
    assertProblem(await ask("ghp_whatever", "http://127.0.0.1:9"), 422, /127\.0\.0\.1:9/);
  });

  test("a fine-grained token works without a scopes header", async () => {
    const connection = await world.connect(world.double.addToken({ login: "grace" }));
    assert.equal(connection.account, "grace");
  });

  test("a token that may not read contents is told so when it is needed", async () => {
    const project = await world.double.addProject("acme/locked");
    await project.repository.commit({ files: greeterFiles("acme/locked", "hidden"), tags: ["v1.0.0"] });
    const connection = await world.connect(world.double.addToken({ mayReadContents: false }));
    assertProblem(await add(connection, "acme/locked"), 422, /contents/i);
  });

  test("a project that is not there is refused", async () => {
    // By a connection of its own: the host may just have asked the others' one for a pause.
    const connection = await world.connect(world.double.addToken());
    assertProblem(await add(connection, "acme/nowhere"), 422, /acme\/nowhere/);
  });

  test("a project without a composer.json is refused", async () => {
    const project = await world.double.addProject("acme/not-php");
    await project.repository.commit({ files: { "README.md": "No PHP here." }, tags: ["v1.0.0"] });
    const connection = await world.connect(world.double.addToken());
    assertProblem(await add(connection, project.fullName), 422, /composer\.json/);
  });
}
