// Are the doubles like their hosts? Other people's clients are the judges: gitbeaker for GitLab, gitea-js for Forgejo and Gitea.
// Each is asked for what the double has, and its answer is held against git. To judge more of a double, add a row to its table.
// GitHub's Apps and webhooks are judged by another stand-in for GitHub, emulate: both are asked the same.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { sign } from "node:crypto";
import { createServer } from "node:net";
import { installJudges } from "../../scripts/install.mjs";
import { ForgejoDouble } from "./forgejo-double.mjs";
import { greeterFiles } from "./fixtures.mjs";
import { GitHubDouble } from "./github-double.mjs";
import { GitLabDouble } from "./gitlab-double.mjs";
import { makeFolder, removeFolder } from "./support/folder.mjs";

await installJudges();
const { Gitlab } = await import("./judges/gitlab.mjs");
const { giteaApi } = await import("./judges/gitea.mjs");
const { createEmulator } = await import("./judges/github.mjs");

const tags = ["v1.0.0", "v1.1.0", "v1.2.0", "v1.3.0", "v1.4.0"];
const manifest = greeterFiles("acme/greeter", "v1.4.0")["composer.json"];
const target = "https://registry.example/hooks/one";

/** A double with a project of five tags and three branches, whose pages are short, and a second project. */
async function open(Double, name, scopes) {
  const folder = await makeFolder("judged");
  const double = await Double.start({ folder });
  double.pageSize = 2;
  const project = await double.addProject(name);
  await project.repository.commit(
    ...tags.map((tag, index) => ({ files: greeterFiles("acme/greeter", tag), tags: [{ name: tag, annotated: index % 2 === 0 }] })),
    { branch: "feature/deep/name", from: "main", files: greeterFiles("acme/greeter", "feature") },
    { branch: "1.x", from: "main", files: greeterFiles("acme/greeter", "1.x") },
  );
  await double.addProject(name.replace("greeter", "other"));
  await double.addProject(name.replace("greeter", "third"));
  const close = async () => {
    await double.stop();
    await removeFolder(folder);
  };
  return { double, project, token: double.addToken({ scopes }), close };
}

/** What git says of the refs: {short name: commit}. */
async function refsOf({ repository }, prefix) {
  const refs = (await repository.refs()).filter((ref) => ref.name.startsWith(prefix));
  return Object.fromEntries(refs.map((ref) => [ref.name.slice(prefix.length), ref.commit]));
}

describe("the GitLab double as gitbeaker sees it", () => {
  let opened, client, id, project;
  before(async () => {
    opened = await open(GitLabDouble, "acme/tools/greeter", ["api"]);
    ({ project } = opened);
    client = new Gitlab({ host: opened.double.url, token: opened.token });
    id = project.id;
  });
  after(() => opened?.close());

  const views = {
    "the projects of all pages": async () => {
      const found = await client.Projects.all({ membership: true, perPage: 2 });
      assert.deepEqual(found.map((one) => one.path_with_namespace), ["acme/tools/greeter", "acme/tools/other", "acme/tools/third"]);
      const keyset = await client.Projects.all({ membership: true, pagination: "keyset", orderBy: "id", sort: "asc", perPage: 2 });
      assert.deepEqual(keyset.map((one) => one.id), found.map((one) => one.id));
    },
    "a project by its path": async () => {
      const found = await client.Projects.show("acme/tools/greeter");
      assert.deepEqual([found.id, found.default_branch, found.archived], [id, "main", false]);
    },
    "all tags, peeled": async () => {
      const found = await client.Tags.all(id, { perPage: 2, pagination: "keyset" });
      assert.deepEqual(Object.fromEntries(found.map((tag) => [tag.name, tag.commit.id])), await refsOf(project, "refs/tags/"));
    },
    "all branches": async () => {
      const found = await client.Branches.all(id, { perPage: 2, pagination: "keyset" });
      assert.deepEqual(Object.fromEntries(found.map((branch) => [branch.name, branch.commit.id])), await refsOf(project, "refs/heads/"));
    },
    "a file at a commit": async () => {
      const text = await client.RepositoryFiles.showRaw(id, "composer.json", await project.repository.resolve("v1.4.0"));
      assert.equal(typeof text === "string" ? text : await text.text(), manifest);
    },
    "a commit": async () => {
      const commit = await project.repository.resolve("v1.0.0");
      const found = await client.Commits.show(id, commit);
      assert.deepEqual([found.id, Date.parse(found.committed_date)], [commit, Date.parse("2024-01-01T01:00:00Z")]);
    },
    "a hook from its making to its end": async () => {
      const made = await client.ProjectHooks.add(id, target, { pushEvents: true, tagPushEvents: true, token: "secret" });
      assert.deepEqual([made.url, made.tag_push_events, made.token_present, made.token], [target, true, true, undefined]);
      assert.deepEqual((await client.ProjectHooks.all(id)).map((hook) => hook.id), [made.id]);
      const edited = await client.ProjectHooks.edit(id, made.id, `${target}/other`, { tagPushEvents: false });
      assert.deepEqual([edited.url, edited.tag_push_events, edited.push_events], [`${target}/other`, false, true]);
      assert.equal((await client.ProjectHooks.show(id, made.id)).url, `${target}/other`);
      await client.ProjectHooks.remove(id, made.id);
      assert.deepEqual(await client.ProjectHooks.all(id), []);
      await assert.rejects(client.ProjectHooks.show(id, made.id), /404/);
    },
    "a token that may not register hooks": async () => {
      const weak = new Gitlab({ host: opened.double.url, token: opened.double.addToken({ scopes: ["read_api"] }) });
      await assert.rejects(weak.ProjectHooks.add(id, target), /insufficient_scope/);
    },
  };
  for (const [what, look] of Object.entries(views)) test(what, look);
});

describe("the Forgejo double as gitea-js sees it", () => {
  let opened, client, project;
  const [owner, name] = ["acme", "greeter"];
  before(async () => {
    opened = await open(ForgejoDouble, `${owner}/${name}`, ["write:repository", "read:user"]);
    ({ project } = opened);
    client = giteaApi(opened.double.url, { token: opened.token });
  });
  after(() => opened?.close());

  /** All pages of a listing, by the number of all entries that the host tells. */
  async function all(list) {
    const found = [];
    for (let page = 1; ; page += 1) {
      const { data, headers } = await list({ page, limit: 2 });
      found.push(...data);
      if (data.length === 0 || found.length >= Number(headers.get("x-total-count"))) return found;
    }
  }

  const views = {
    "who the token belongs to": async () => assert.equal((await client.user.userGetCurrent()).data.login, "ada"),
    "the projects of all pages": async () => {
      const found = await all((page) => client.user.userCurrentListRepos(page));
      assert.deepEqual(found.map((one) => one.full_name), ["acme/greeter", "acme/other", "acme/third"]);
      const searched = await client.repos.repoSearch({ q: "thi" });
      assert.deepEqual(searched.data.data.map((one) => one.full_name), ["acme/third"]);
    },
    "a project by its name and by its id": async () => {
      const found = (await client.repos.repoGet(owner, name)).data;
      assert.deepEqual([found.id, found.default_branch, found.empty], [project.id, "main", false]);
      assert.equal((await client.repositories.repoGetById(found.id)).data.full_name, "acme/greeter");
    },
    "all tags, peeled": async () => {
      const found = await all((page) => client.repos.repoListTags(owner, name, page));
      assert.deepEqual(Object.fromEntries(found.map((tag) => [tag.name, tag.commit.sha])), await refsOf(project, "refs/tags/"));
    },
    "all branches": async () => {
      const found = await all((page) => client.repos.repoListBranches(owner, name, page));
      assert.deepEqual(Object.fromEntries(found.map((branch) => [branch.name, branch.commit.id])), await refsOf(project, "refs/heads/"));
    },
    "a file at a commit": async () => {
      const commit = await project.repository.resolve("v1.4.0");
      const raw = await client.repos.repoGetRawFile(owner, name, "composer.json", { ref: commit }, { format: "text" });
      assert.equal(raw.data, manifest);
      const { data } = await client.repos.repoGetContents(owner, name, "composer.json", { ref: commit });
      assert.equal(Buffer.from(data.content, "base64").toString(), manifest);
    },
    "a commit": async () => {
      const commit = await project.repository.resolve("v1.0.0");
      const { data } = await client.repos.repoGetSingleCommit(owner, name, commit, { stat: false });
      assert.deepEqual([data.sha, data.commit.committer.date], [commit, "2024-01-01T01:00:00Z"]);
    },
    "a hook from its making to its end": async () => {
      const asked = { type: "forgejo", active: true, events: ["push", "delete"], config: { url: target, content_type: "json", secret: "secret" } };
      const made = (await client.repos.repoCreateHook(owner, name, asked)).data;
      assert.deepEqual([made.config.url, made.config.secret, made.active, made.events], [target, undefined, true, ["push", "delete"]]);
      assert.deepEqual((await client.repos.repoListHooks(owner, name)).data.map((hook) => hook.id), [made.id]);
      const edited = (await client.repos.repoEditHook(owner, name, made.id, { active: false })).data;
      assert.deepEqual([edited.active, edited.config.url], [false, target]);
      assert.equal((await client.repos.repoGetHook(owner, name, made.id)).data.active, false);
      await client.repos.repoDeleteHook(owner, name, made.id);
      assert.deepEqual((await client.repos.repoListHooks(owner, name)).data, []);
      await assert.rejects(client.repos.repoGetHook(owner, name, made.id), { status: 404 });
    },
    "a token that may not register hooks": async () => {
      const weak = giteaApi(opened.double.url, { token: opened.double.addToken() });
      await assert.rejects(weak.repos.repoCreateHook(owner, name, { type: "forgejo", config: { url: target, content_type: "json" } }), { status: 403 });
    },
  };
  for (const [what, look] of Object.entries(views)) test(what, look);
});

describe("the GitHub double's Apps and webhooks beside emulate's", () => {
  const installationId = 100_101;
  let folder, app, strangersKey, given, stands;

  before(async () => {
    folder = await makeFolder("judged");
    const double = await GitHubDouble.start({ folder });
    app = double.addApp();
    strangersKey = double.addApp().privateKey;
    given = await double.addProject("acme/given");
    await double.addProject("acme/kept");
    assert.equal(app.install("acme", [given]).id, installationId);
    const port = await freePort();
    const repositories = ["given", "kept"].map((name) => ({ owner: "acme", name, auto_init: true, private: true }));
    const emulator = await createEmulator({
      service: "github",
      port,
      seed: {
        tokens: { ghp_person: { login: "ada", scopes: ["repo", "admin:repo_hook"] } },
        github: {
          users: [{ login: "ada" }],
          orgs: [{ login: "acme", members: [{ login: "ada", role: "admin" }] }],
          repos: repositories,
          apps: [
            {
              app_id: app.id,
              slug: app.slug,
              name: `App ${app.id}`,
              private_key: app.privateKey,
              permissions: app.permissions,
              installations: [{ installation_id: installationId, account: "acme", repository_selection: "selected", repositories: ["acme/given"] }],
            },
          ],
        },
      },
    });
    const person = double.addToken({ scopes: "repo" });
    stands = [
      { name: "double", url: double.url, person, close: () => double.stop() },
      { name: "emulate", url: `http://localhost:${port}`, person: "ghp_person", close: () => emulator.close() },
    ];
  });
  after(async () => {
    for (const { close } of stands ?? []) await close();
    await removeFolder(folder);
  });

  /** Signed by the app as GitHub wants it, unless it is told otherwise. */
  const jwt = ({ key = app.privateKey, issuer = app.id, begins = -60, ends = 540 } = {}) => {
    const now = Math.floor(Date.now() / 1000);
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const text = `${part({ alg: "RS256", typ: "JWT" })}.${part({ iat: now + begins, exp: now + ends, iss: issuer })}`;
    return `${text}.${sign("RSA-SHA256", Buffer.from(text), key).toString("base64url")}`;
  };

  const ask = async ({ url }, [method, path, token, body]) => {
    const headers = { "user-agent": "judge", authorization: `Bearer ${token}`, "content-type": "application/json" };
    const response = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) });
    const text = await response.text();
    return { status: response.status, value: text === "" ? undefined : JSON.parse(text) };
  };

  /** GitHub tells these by its own description, emulate does not: of an app, with a refusal, and stars in a secret's place. */
  const unknownToEmulate = new Set([".client_id", ".installations_count", ".status", ".config.secret", "[].config.secret"]);

  /** Both say the status; what the double shows, emulate shows as well, as the same kind of value. */
  const agree = async (status, question) => {
    const [double, emulate] = await Promise.all(stands.map((stand) => ask(stand, question(stand))));
    assert.deepEqual([double.status, emulate.status], [status, status], JSON.stringify([double, emulate]));
    assertShown(double.value, emulate.value, unknownToEmulate);
    return [double, emulate].map(({ value }) => value);
  };

  const tokensOf = async () => (await agree(201, () => ["POST", `/app/installations/${installationId}/access_tokens`, jwt()])).map(({ token }) => token);

  test("an app, its installations, and whoever is none", async () => {
    await agree(200, () => ["GET", "/app", jwt()]);
    await agree(200, () => ["GET", "/app/installations", jwt()]);
    await agree(200, () => ["GET", `/app/installations/${installationId}`, jwt()]);
    await agree(404, () => ["GET", "/app/installations/7", jwt()]);
    await agree(401, () => ["GET", "/app", jwt({ key: strangersKey })]);
    await agree(401, () => ["GET", "/app", jwt({ ends: -1 })]);
    await agree(401, () => ["GET", "/app", "a.b.c"]);
  });

  test("a token of an installation", async () => {
    const tokens = await tokensOf();
    const own = ({ name }) => tokens[name === "double" ? 0 : 1];
    await agree(200, (stand) => ["GET", "/repos/acme/given", own(stand)]);
    const [kept, forbidden] = await Promise.all(stands.map((stand) => ask(stand, ["GET", "/repos/acme/kept", own(stand)])));
    // GitHub does not say that there is something to be forbidden; emulate does.
    assert.deepEqual([kept.status, forbidden.status], [404, 403]);
    await agree(401, (stand) => ["GET", `/app/installations/${installationId}`, own(stand)]);
  });

  test("webhooks: made, listed, changed, removed", async () => {
    // The registry asks by the id, which emulate knows for the repository alone.
    const path = ({ name }) => (name === "double" ? `/repositories/${given.id}/hooks` : "/repos/acme/given/hooks");
    const config = { url: target, content_type: "json", secret: "a secret that nobody is shown" };
    await agree(200, (stand) => ["GET", path(stand), stand.person]);
    const made = await agree(201, (stand) => ["POST", path(stand), stand.person, { name: "web", active: true, events: ["push"], config }]);
    const id = ({ name }) => made[name === "double" ? 0 : 1].id;
    for (const hooks of await agree(200, (stand) => ["GET", path(stand), stand.person])) assert.deepEqual(hooks.map(({ config }) => config.url), [target]);
    for (const hook of await agree(200, (stand) => ["PATCH", `${path(stand)}/${id(stand)}`, stand.person, { events: ["push", "create"] }]))
      assert.deepEqual(hook.events, ["push", "create"]);
    await agree(204, (stand) => ["DELETE", `${path(stand)}/${id(stand)}`, stand.person]);
    for (const hooks of await agree(200, (stand) => ["GET", path(stand), stand.person])) assert.deepEqual(hooks, []);
    await agree(404, (stand) => ["DELETE", `${path(stand)}/${id(stand)}`, stand.person]);
  });
});

/** Every field of what the double shows is there and of the same kind at the other; of lists the first entries stand for all. */
function assertShown(double, other, unknown, where = "") {
  const kind = (value) => (Array.isArray(value) ? "list" : value === null ? "null" : typeof value);
  // What may be null is null at one and told at the other.
  if (double === null || other === null) return;
  assert.equal(kind(double), kind(other), where);
  if (kind(double) === "list") {
    if (double.length > 0 && other.length > 0) assertShown(double[0], other[0], unknown, `${where}[]`);
  } else if (kind(double) === "object") {
    for (const [field, value] of Object.entries(double)) {
      const place = `${where}.${field}`;
      if (unknown.has(place)) continue;
      assert.ok(field in other, `${place} is the double's alone`);
      assertShown(value, other[field], unknown, place);
    }
  }
}

/** emulate wants to be told its port. */
async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
