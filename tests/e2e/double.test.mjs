// Is the GitHub double like GitHub? Composer's own GitHub driver is the judge; what Composer does not use is looked at by plain requests.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { join } from "node:path";
import { mkdir } from "node:fs/promises";
import { GitHubDouble } from "./github-double.mjs";
import { deliver, pingPayload } from "./github-webhooks.mjs";
import { ComposerProject } from "./composer.mjs";
import { greet, greeterFiles } from "./fixtures.mjs";
import { makeCertificate } from "./support/certificate.mjs";
import { makeFolder, removeFolder } from "./support/folder.mjs";

const files = (greeting) => greeterFiles("acme/greeter", greeting);

async function greeterProject(double) {
  const project = await double.addProject("Acme/Greeter");
  await project.repository.commit(
    { files: files("one"), tags: ["v1.0.0"] },
    { files: files("two"), tags: [{ name: "v1.1.0", annotated: true }] },
    { files: files("three"), tags: ["v1.2.0"] },
    { branch: "feature/long/name", from: "main", files: files("feature") },
    { branch: "1.x", from: "main", files: files("branch") },
  );
  return project;
}

describe("the double as Composer sees it", () => {
  let folder, double, composer;
  before(async () => {
    folder = await makeFolder("double");
    const certificate = await makeCertificate(folder);
    double = await GitHubDouble.start({ folder, certificate });
    await greeterProject(double);
    const host = new URL(double.url).host;
    await mkdir(join(folder, "composer"));
    composer = await ComposerProject.create(join(folder, "composer"), {
      repository: { type: "vcs", url: `${double.origin}/Acme/Greeter` },
      auth: { "github-oauth": { [host]: double.addToken({ scopes: "repo" }) } },
      config: { "github-domains": [host], cafile: certificate.path },
    });
  });
  after(async () => {
    await double.stop();
    await removeFolder(folder);
  });

  test("lists the versions of all pages", async () => {
    const { versions } = await composer.show("acme/greeter");
    assert.deepEqual([...versions].sort(), ["1.x-dev", "dev-feature/long/name", "dev-main", "v1.0.0", "v1.1.0", "v1.2.0"]);
  });

  test("gives an archive that installs and runs", async () => {
    await composer.require("acme/greeter:1.1.0");
    assert.equal(await composer.php(greet), "two");
    assert.equal((await composer.locked("acme/greeter")).time, "2024-01-01T02:00:00+00:00");
    assert.deepEqual(double.leaks, []);
  });
});

describe("the double by plain requests", () => {
  let folder, double, project, get;
  before(async () => {
    folder = await makeFolder("double");
    double = await GitHubDouble.start({ folder });
    project = await greeterProject(double);
    const token = double.addToken({ scopes: "repo" });
    get = (path, headers = {}) =>
      fetch(path.startsWith("http") ? path : double.url + path, {
        redirect: "manual",
        headers: { authorization: `Bearer ${token}`, "user-agent": "test", ...headers },
      });
  });
  after(async () => {
    await double.stop();
    await removeFolder(folder);
  });

  test("knows its tokens", async () => {
    const user = await get("/user");
    assert.equal(user.headers.get("x-oauth-scopes"), "repo");
    assert.equal((await user.json()).login, "ada");
    assert.equal((await get("/user", { authorization: "Bearer nonsense" })).status, 401);
    assert.equal((await get("/user", { "user-agent": "" })).status, 403);
    const weak = { authorization: `Bearer ${double.addToken({ mayReadContents: false })}` };
    assert.equal((await get("/repos/acme/greeter", weak)).status, 200);
    assert.equal((await get("/repos/acme/greeter/contents/composer.json", weak)).status, 403);
  });

  test("pages by links that use the id, with an ETag for each page", async () => {
    const first = await get("/repos/acme/greeter/tags?per_page=100");
    assert.deepEqual(
      (await first.json()).map((tag) => tag.name),
      ["v1.2.0", "v1.1.0"],
    );
    const next = /<([^>]+)>; rel="next"/.exec(first.headers.get("link"))[1];
    assert.equal(next, `${double.url}/repositories/${project.id}/tags?per_page=100&page=2`);
    const second = await get(next);
    assert.doesNotMatch(second.headers.get("link"), /rel="next"/);
    assert.equal((await get(next, { "if-none-match": second.headers.get("etag") })).status, 304);
    assert.equal((await get(next, { "if-none-match": first.headers.get("etag") })).status, 200);
  });

  test("lists what a token reaches, by name", async () => {
    for (const name of ["acme/b", "acme/a"]) await double.addProject(name);
    const names = async (path) => (await (await get(path)).json()).map((project) => project.full_name);
    assert.deepEqual(await names("/user/repos?per_page=100"), ["acme/a", "acme/b"]);
    const first = await get("/user/repos?per_page=100");
    assert.match(first.headers.get("link"), /<[^>]+\/user\/repos\?per_page=100&page=2>; rel="next"/);
    assert.deepEqual(await names("/user/repos?per_page=100&page=2"), ["Acme/Greeter"]);
  });

  test("shows git itself a private project by a token alone", async () => {
    const token = double.addToken({ scopes: "repo" });
    const list = (secret) => {
      const address = double.origin.replace("://", `://x-access-token:${secret}@`);
      return project.repository.git("-c", "credential.helper=", "ls-remote", `${address}/Acme/Greeter.git`);
    };
    assert.match((await list(token)).toString(), /\trefs\/tags\/v1\.1\.0\^\{\}\n/);
    await assert.rejects(list("nonsense"));
  });

  test("peels annotated tags", async () => {
    const [, tag] = await (await get("/repos/acme/greeter/tags")).json();
    assert.equal(tag.commit.sha, await project.repository.resolve("v1.1.0"));
    assert.notEqual(tag.commit.sha, (await project.repository.git("rev-parse", "v1.1.0")).toString().trim());
    assert.equal(
      (await (await get(`/repos/acme/greeter/git/commits/${tag.commit.sha}`)).json()).committer.date,
      "2024-01-01T02:00:00Z",
    );
  });

  test("gives files raw or in base64", async () => {
    const path = `/repos/acme/greeter/contents/composer.json?ref=${await project.repository.resolve("main")}`;
    const content = files("three")["composer.json"];
    assert.equal(await (await get(path, { accept: "application/vnd.github.raw+json" })).text(), content);
    assert.equal(Buffer.from((await (await get(path)).json()).content, "base64").toString(), content);
    assert.equal((await get("/repos/acme/greeter/contents/missing.json")).status, 404);
  });

  test("keeps archives on another host, behind links for one use", async () => {
    const ask = async () =>
      (await get(`/repos/acme/greeter/zipball/${await project.repository.resolve("main")}`)).headers.get("location");
    const download = async (headers = {}) => fetch(await ask(), { headers });
    const link = await ask();
    assert.notEqual(new URL(link).hostname, new URL(double.url).hostname);
    const cold = await fetch(link);
    assert.equal(cold.headers.get("content-length"), null);
    const bytes = Buffer.from(await cold.arrayBuffer());
    assert.equal((await fetch(link)).status, 404);
    const warm = await download();
    assert.equal(warm.headers.get("content-length"), String(bytes.length));
    assert.deepEqual(Buffer.from(await warm.arrayBuffer()), bytes);
    double.truncateNextArchive(project);
    assert.ok((await (await download()).arrayBuffer()).byteLength < bytes.length);
    assert.equal((await download({ authorization: "Bearer token" })).status, 400);
    assert.equal(double.leaks.length, 1);
  });

  test("redirects the old name after a rename", async () => {
    const renamed = await double.addProject("acme/before");
    double.rename(renamed, "acme/after");
    const moved = await get("/repos/acme/before/tags?per_page=100");
    assert.equal(moved.status, 301);
    assert.equal(moved.headers.get("location"), `${double.url}/repositories/${renamed.id}/tags?per_page=100`);
    assert.equal((await (await get(`/repositories/${renamed.id}`)).json()).full_name, "acme/after");
  });

  test("refuses on demand until the time has passed, and notices impatience", async () => {
    double.faults.refuseWithRetryAfter(/\/branches/, 60);
    const refused = await get("/repos/acme/greeter/branches");
    assert.deepEqual([refused.status, refused.headers.get("retry-after")], [429, "60"]);
    assert.deepEqual(double.faults.impatient, []);
    assert.equal((await get("/repos/acme/greeter/branches")).status, 429);
    assert.equal(double.faults.impatient.length, 1);
    double.faults.breakDown(/\/tags/);
    assert.equal((await get("/repos/acme/greeter/tags")).status, 500);
    assert.equal((await get("/repos/acme/greeter/tags")).status, 200);
  });

  test("delivers webhooks with a signature over the bytes", async () => {
    const payload = pingPayload(double, project);
    const answer = await deliver({ url: `${double.url}/hooks`, secret: "secret" }, "ping", payload, { delivery: "delivery-1" });
    assert.equal(answer.status, 401); // The double has no hooks of its own; it serves as a recorder here.
    const { headers } = double.requests.at(-1);
    assert.deepEqual([headers["x-github-event"], headers["x-github-delivery"]], ["ping", "delivery-1"]);
    assert.match(headers["x-hub-signature-256"], /^sha256=[0-9a-f]{64}$/);
  });
});
