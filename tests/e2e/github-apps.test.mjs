// The double's GitHub Apps and its GraphQL, by plain requests. README.md says who else judged them.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { sign } from "node:crypto";
import { GitHubDouble } from "./github-double.mjs";
import { greeterFiles } from "./fixtures.mjs";
import { makeFolder, removeFolder } from "./support/folder.mjs";

const query = (commits) =>
  `query($owner:String!,$name:String!){repository(owner:$owner,name:$name){databaseId} commits:repository(owner:$owner,name:$name){${commits
    .map((commit, index) => `c${index}:object(oid:"${commit}"){...facts} `)
    .join("")}}} fragment facts on Commit{oid committedDate file(path:"composer.json"){mode object{...on Blob{oid text}}}}`;

function jwt(app, { key = app.privateKey, issuer = app.clientId, begins = -60, ends = 540, algorithm = "RS256" } = {}) {
  const now = Math.floor(Date.now() / 1000);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg: algorithm, typ: "JWT" })}.${part({ iat: now + begins, exp: now + ends, iss: issuer })}`;
  return `${text}.${sign("RSA-SHA256", Buffer.from(text), key).toString("base64url")}`;
}

describe("the double's GitHub Apps", () => {
  let folder, double, app, project, installation;
  const ask = async (path, token, { method = "GET", body } = {}) => {
    const headers = { "user-agent": "test", ...(token ? { authorization: `Bearer ${token}` } : {}) };
    const response = await fetch(double.url + path, { method, headers, body });
    return { status: response.status, value: await response.json() };
  };
  const newToken = async () =>
    (await ask(`/app/installations/${installation.id}/access_tokens`, jwt(app), { method: "POST" })).value.token;

  before(async () => {
    folder = await makeFolder("apps");
    double = await GitHubDouble.start({ folder });
    app = double.addApp();
    project = await double.addProject("acme/given");
    await project.repository.commit({ files: greeterFiles("acme/given", "one"), tags: [{ name: "v1.0.0", annotated: true }] });
    installation = app.install("acme", [project]);
  });
  after(async () => {
    await double.stop();
    await removeFolder(folder);
  });

  test("an app is known by its key, and by nothing else", async () => {
    assert.equal((await ask("/app", jwt(app))).value.client_id, app.clientId);
    assert.equal((await ask("/app", jwt(app, { issuer: app.id }))).status, 200);
    const other = double.addApp();
    for (const wrong of [
      { key: other.privateKey },
      { issuer: "Iv23liNobody" },
      { begins: 60 },
      { ends: -1 },
      { ends: 700 },
      { algorithm: "HS256" },
    ])
      assert.equal((await ask("/app", jwt(app, wrong))).status, 401, JSON.stringify(wrong));
    for (const token of ["", "a.b.c", jwt(app).slice(0, -2), `${jwt(app)}.x`]) assert.equal((await ask("/app", token)).status, 401, token);
  });

  test("a token of an installation sees what was given, until it ends", async () => {
    await double.addProject("acme/not-given");
    const token = await newToken();
    assert.ok(token.length > 1000);
    const given = await ask("/installation/repositories", token);
    assert.deepEqual([given.value.total_count, given.value.repositories[0].full_name], [1, "acme/given"]);
    assert.equal((await ask("/repos/acme/given/tags", token)).status, 200);
    assert.equal((await ask("/repos/acme/not-given", token)).status, 404);
    assert.equal((await ask("/user", token)).status, 403);
    installation.suspendedAt = "2026-11-22T00:00:00Z";
    assert.equal((await ask("/repos/acme/given/tags", token)).status, 403);
    assert.equal((await ask(`/app/installations/${installation.id}/access_tokens`, jwt(app), { method: "POST" })).status, 403);
    installation.suspendedAt = null;
    app.expireTokens();
    assert.equal((await ask("/repos/acme/given/tags", token)).status, 401);
  });

  test("GraphQL says of commits what git says", async () => {
    const token = await newToken();
    const commit = await project.repository.resolve("v1.0.0");
    const variables = { owner: "acme", name: "given" };
    const body = JSON.stringify({ query: query([commit, "0".repeat(40)]), variables });
    const { value } = await ask("/graphql", token, { method: "POST", body });
    const text = greeterFiles("acme/given", "one")["composer.json"];
    const oid = (await project.repository.git("rev-parse", `${commit}:composer.json`)).toString().trim();
    const { committed } = await project.repository.describe(commit);
    const file = { mode: 0o100644, object: { oid, text } };
    assert.deepEqual(value.data, {
      repository: { databaseId: project.id },
      commits: { c0: { oid: commit, committedDate: committed, file }, c1: null },
    });
    assert.equal((await ask("/graphql", undefined, { method: "POST", body })).status, 401);
    const hidden = JSON.stringify({ query: query([commit]), variables: { ...variables, name: "not-given" } });
    assert.equal((await ask("/graphql", token, { method: "POST", body: hidden })).value.data.repository, null);
    const unknown = JSON.stringify({ query: "{viewer{login}}", variables });
    assert.ok((await ask("/graphql", token, { method: "POST", body: unknown })).value.errors.length > 0);
  });
});
