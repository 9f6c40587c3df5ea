// Is the Bitbucket double like Bitbucket Cloud? Composer's own Bitbucket driver is the judge. It asks api.bitbucket.org and bitbucket.org and no others,
// so a proxy leads both names to the double, whose certificate is for them. What Composer does not use is looked at by plain requests.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { BitbucketDouble, bitbucketHosts } from "./bitbucket-double.mjs";
import { clients } from "./clients.mjs";
import { ComposerProject } from "./composer.mjs";
import { greet, greeterFiles } from "./fixtures.mjs";
import { makeCertificate } from "./support/certificate.mjs";
import { makeFolder, removeFolder } from "./support/folder.mjs";
import { HostProxy } from "./support/host-proxy.mjs";

const files = (greeting) => greeterFiles("acme/greeter", greeting);
const email = "ada@example.org";

async function greeterProject(double) {
  const project = await double.addProject("acme/greeter");
  await project.repository.commit(
    { files: files("one"), tags: ["v1.0.0"] },
    { files: files("two"), tags: [{ name: "v1.1.0", annotated: true }] },
    { files: files("three"), tags: ["v1.2.0"] },
    { branch: "feature/long/name", from: "main", files: files("feature") },
    { branch: "1.x", from: "main", files: files("branch") },
  );
  return project;
}

// The oldest client sends an access token, the newest an API token.
const kinds = [
  { client: clients[0], username: "x-token-auth", token: {} },
  { client: clients.at(-1), username: email, token: { email } },
];
for (const { client, username, token } of kinds)
  describe(`the Bitbucket double as Composer ${client.version} sees it with the user name ${username}`, () => {
    let folder, double, proxy, project, composer;
    before(async () => {
      folder = await makeFolder("bitbucket");
      const certificate = await makeCertificate(folder, bitbucketHosts);
      double = await BitbucketDouble.start({ folder, certificate });
      proxy = await HostProxy.start(bitbucketHosts, new URL(double.origin).port);
      project = await greeterProject(double);
      await mkdir(join(folder, "composer"));
      composer = await ComposerProject.create(join(folder, "composer"), {
        client,
        repository: { type: "vcs", url: "https://bitbucket.org/acme/greeter" },
        auth: { "http-basic": { "bitbucket.org": { username, password: double.addToken(token) } } },
        config: { cafile: certificate.path },
        proxy: proxy.url,
      });
    });
    after(async () => {
      proxy.stop();
      await double.stop();
      await removeFolder(folder);
    });

    test("lists the versions of all pages, annotated tags peeled", async () => {
      const { versions } = await composer.show("acme/greeter");
      assert.deepEqual([...versions].sort(), ["1.x-dev", "dev-feature/long/name", "dev-main", "v1.0.0", "v1.1.0", "v1.2.0"]);
    });

    test("gives an archive that installs and runs", async () => {
      await composer.require("acme/greeter:1.1.0");
      assert.equal(await composer.php(greet), "two");
      assert.equal(double.archivesServed, 1);
      const { source, support, time, homepage } = await composer.locked("acme/greeter");
      const commit = await project.repository.resolve("v1.1.0");
      assert.equal(source.reference, commit);
      assert.equal(source.url, "https://bitbucket.org/acme/greeter.git");
      assert.equal(support.source, `https://bitbucket.org/acme/greeter/src/${commit}/?at=v1.1.0`);
      assert.equal(homepage, "https://bitbucket.org/acme/greeter");
      assert.equal(time, "2024-01-01T02:00:00+00:00");
    });
  });

describe("the Bitbucket double by plain requests", () => {
  let folder, double, project, ask;
  before(async () => {
    folder = await makeFolder("bitbucket");
    double = await BitbucketDouble.start({ folder });
    project = await greeterProject(double);
    const scopes = ["read:repository:bitbucket", "read:webhook:bitbucket", "write:webhook:bitbucket"];
    const token = double.addToken({ scopes });
    ask = (path, { method = "GET", headers = {}, body } = {}) =>
      fetch(path.startsWith("http") ? path : double.apiUrl + path, {
        method,
        body: body && JSON.stringify(body),
        redirect: "manual",
        headers: { authorization: `Bearer ${token}`, ...headers },
      });
  });
  after(async () => {
    await double.stop();
    await removeFolder(folder);
  });

  test("tells an API token from an access token", async () => {
    const token = double.addToken({ email });
    const as = (authorization) => ask("/user", { headers: { authorization } });
    assert.equal((await as(`Basic ${btoa(`${email}:${token}`)}`)).status, 200);
    assert.equal((await as(`Basic ${btoa(`x-bitbucket-api-token-auth:${token}`)}`)).status, 401);
    assert.equal((await as(`Bearer ${token}`)).status, 401);
    assert.equal((await ask("/user")).status, 403);
  });

  test("finds a repository by its UUID in an empty workspace, also after a rename", async () => {
    const path = `/repositories/%7B%7D/${encodeURIComponent(double.uuidOf(project))}?fields=full_name`;
    assert.deepEqual(await (await ask(path)).json(), { full_name: "acme/greeter" });
    double.rename(project, "acme/renamed");
    assert.deepEqual(await (await ask(path)).json(), { full_name: "acme/renamed" });
    assert.equal((await ask("/repositories/acme/greeter")).status, 404);
    double.rename(project, "acme/greeter");
  });

  test("leads whoever is not let in to a form", async () => {
    const archive = `${double.websiteUrl}/acme/greeter/get/${await project.repository.resolve("main")}.zip`;
    const refused = await ask(archive, { headers: { authorization: "" } });
    assert.equal(refused.status, 302);
    const given = await ask(archive);
    assert.equal(given.status, 200);
    assert.equal(given.headers.get("content-length"), null);
  });

  test("keeps webhooks, and never shows a secret", async () => {
    const place = `/repositories/%7B%7D/${encodeURIComponent(double.uuidOf(project))}/hooks`;
    const wanted = { url: "https://example.org/hook", active: true, secret: "s3cret", events: ["repo:push"] };
    const made = await ask(place, { method: "POST", body: wanted });
    assert.equal(made.status, 201);
    const text = await made.text();
    assert.doesNotMatch(text, /s3cret/);
    const { uuid } = JSON.parse(text);
    const one = `${place}/${encodeURIComponent(uuid)}`;
    assert.equal((await ask(one, { method: "PUT", body: { ...wanted, secret: "other" } })).status, 200);
    assert.equal(double.hooks.get(uuid).secret, "other");
    assert.equal((await (await ask(place)).json()).values.length, 1);
    assert.equal((await ask(one, { method: "DELETE" })).status, 204);
    assert.equal((await ask(one, { method: "DELETE" })).status, 404);
  });
});
