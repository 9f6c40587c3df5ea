// The API's answers, endpoint by endpoint. Each endpoint is given the project it is about and returns {status, headers, body}.
import { createHash, randomUUID } from "node:crypto";
import { answerApp, isGiven, refuseInstallation } from "./github-apps.mjs";
import { answerGraphQl } from "./github-graphql.mjs";

const endpoints = [
  [/^$/, (call) => json(call, describeProject(call))],
  [/^\/tags$/, listTags],
  [/^\/branches$/, listBranches],
  [/^\/git\/refs\/heads$/, listHeads],
  [/^\/contents\/(?<path>.+)$/, readFile],
  [/^\/commits\/(?<revision>[^/]+)$/, readCommit],
  [/^\/git\/commits\/(?<revision>[0-9a-f]{40})$/, readGitCommit],
  [/^\/zipball\/(?<revision>.+)$/, linkArchive],
];

export async function answerApi(double, request, body) {
  const url = new URL(request.url, double.origin);
  const path = url.pathname.slice(double.basePath.length);
  if (!url.pathname.startsWith(`${double.basePath}/`) && !isGraphQl(double, url)) return problem(404, "Not Found");
  if (!request.headers["user-agent"])
    return problem(403, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.");
  const byApp = answerApp(double, request, path);
  if (byApp) return byApp;
  const credentials = readCredentials(request.headers.authorization);
  if (!credentials && isGraphQl(double, url)) return problem(401, "This endpoint requires you to be authenticated.");
  if (!credentials) return problem(401, "Requires authentication");
  const token = double.tokens.get(credentials);
  if (!token) return problem(401, "Bad credentials");
  const refusal = refuseInstallation(token);
  if (refusal) return refusal;
  if (isGraphQl(double, url) && request.method === "POST")
    return answerGraphQl(double, body, (project) => isGiven(token, project));
  const hooked = /^\/(?<place>(?:repositories|orgs)\/[^/]+)\/hooks(?:\/(?<id>\d+))?$/.exec(path);
  if (hooked) return answerHooks({ double, url, token, headers: request.headers }, request.method, body, hooked.groups);
  if (request.method !== "GET") return problem(404, "Not Found");

  const call = { double, url, token, headers: request.headers };
  if (path === "/installation/repositories") return listGiven(call);
  if (path === "/user" && token.installation) return problem(403, "Resource not accessible by integration");
  if (path === "/user") return json(call, { login: token.login, id: 1, type: "User" });
  if (path === "/user/repos") return listProjects(call);
  const byId = /^\/repositories\/(\d+)(\/.*)?$/.exec(path);
  if (byId) return answerProject({ ...call, project: double.projects.get(Number(byId[1])) }, byId[2] ?? "");
  const byName = /^\/repos\/([^/]+\/[^/]+)(\/.*)?$/.exec(path);
  if (!byName) return problem(404, "Not Found");
  const project = double.findProject(byName[1]);
  const renamed = project ? undefined : double.findRenamedProject(byName[1]);
  if (renamed) return movedPermanently(`${double.url}/repositories/${renamed.id}${byName[2] ?? ""}${url.search}`);
  return answerProject({ ...call, project }, byName[2] ?? "");
}

/** A Bearer token, by its older name too; like GitHub also a token that is the user name of Basic credentials, which is what Composer's driver sends to an Enterprise Server. */
function readCredentials(authorization = "") {
  const [, scheme, value] = /^(Bearer|token|Basic) (\S+)$/i.exec(authorization) ?? [];
  return scheme?.toLowerCase() === "basic" ? Buffer.from(value, "base64").toString().split(":")[0] : value;
}

/** Beside the REST API, but on an Enterprise Server one level higher. */
function isGraphQl(double, url) {
  return url.pathname === `${double.basePath.replace(/\/v3$/, "")}/graphql`;
}

function listGiven(call) {
  const { installation } = call.token;
  if (!installation) return problem(403, "You must authenticate with an installation access token in order to list repositories for an installation.");
  const repositories = installation.projects.map((project) => describeProject({ ...call, project }));
  return json(call, { total_count: repositories.length, repository_selection: "selected", repositories });
}

async function answerProject(call, rest) {
  if (call.project && !isGiven(call.token, call.project)) return problem(404, "Not Found");
  if (!call.project) return problem(404, "Not Found");
  for (const [pattern, answer] of endpoints) {
    const match = pattern.exec(rest);
    if (match) return answer({ ...call, rest, ...decoded(match.groups) });
  }
  return problem(404, "Not Found");
}

function answerHooks(call, method, body, { place, id }) {
  if (!call.token.mayManageHooks) return problem(404, "Not Found");
  const page = Number(call.url.searchParams.get("page") ?? 1);
  const asked = { method, id: id && Number(id), page, body };
  const { status, value, next } = call.double.hooks.answer(place, asked);
  if (status === 404) return problem(404, "Not Found");
  const query = new URLSearchParams(call.url.searchParams);
  query.set("page", page + 1);
  const link = next ? { link: `<${call.double.url}/${place}/hooks?${query}>; rel="next"` } : {};
  const shown = value === undefined ? undefined : JSON.stringify(value);
  return { status, headers: { ...common(call), "content-type": "application/json; charset=utf-8", ...link }, body: shown };
}

function describeProject({ double, project }) {
  const [owner, name] = project.fullName.split("/");
  return {
    id: project.id,
    name,
    full_name: project.fullName,
    owner: { login: owner, type: "Organization" },
    private: !project.isPublic,
    visibility: project.isPublic ? "public" : "private",
    archived: project.archived,
    disabled: false,
    fork: false,
    default_branch: project.defaultBranch,
    html_url: `${double.origin}/${project.fullName}`,
    clone_url: `${double.origin}/${project.fullName}.git`,
    permissions: { admin: false, maintain: false, push: false, triage: false, pull: true },
  };
}

/** What the token reaches, by name; names are compared as GitHub does, without their case. */
function listProjects(call) {
  const projects = [...call.double.projects.values()].map((project) => describeProject({ ...call, project }));
  return paged({ ...call, list: "/user/repos" }, projects.sort((a, b) => (a.full_name.toLowerCase() < b.full_name.toLowerCase() ? -1 : 1)));
}

async function listTags(call) {
  const tags = await refsBelow(call, "refs/tags/");
  // GitHub lists tags from the greatest name to the smallest.
  return paged(
    call,
    tags.reverse().map(({ short, commit }) => ({
      name: short,
      commit: { sha: commit, url: `${address(call)}/commits/${commit}` },
      zipball_url: `${address(call)}/zipball/refs/tags/${short}`,
      tarball_url: `${address(call)}/tarball/refs/tags/${short}`,
    })),
  );
}

async function listBranches(call) {
  if (!call.token.mayReadContents) return notAccessible();
  const branches = await refsBelow(call, "refs/heads/");
  return paged(
    call,
    branches.map(({ short, commit }) => ({
      name: short,
      commit: { sha: commit, url: `${address(call)}/commits/${commit}` },
      protected: false,
    })),
  );
}

/** Not needed by the registry: Composer's own GitHub driver lists branches here, and it judges this double. */
async function listHeads(call) {
  const heads = await refsBelow(call, "refs/heads/");
  return paged(
    call,
    heads.map(({ name, object }) => ({ ref: name, object: { sha: object, type: "commit" } })),
  );
}

async function readFile(call) {
  if (!call.token.mayReadContents) return notAccessible();
  const commit = await call.project.repository.resolve(call.url.searchParams.get("ref") ?? call.project.defaultBranch);
  if (!commit) return problem(404, `No commit found for the ref ${call.url.searchParams.get("ref")}`);
  const bytes = await call.project.repository.file(commit, call.path);
  if (!bytes) return problem(404, "Not Found");
  if (/\.raw\b/.test(call.headers.accept ?? "")) {
    return conditional(call, bytes, { "content-type": "application/vnd.github.raw+json; charset=utf-8" });
  }
  const content = bytes.toString("base64").replace(/.{60}/g, "$&\n");
  return json(call, {
    type: "file",
    encoding: "base64",
    size: bytes.length,
    name: call.path.split("/").at(-1),
    path: call.path,
    content: `${content}\n`,
  });
}

async function readCommit(call) {
  const commit = await call.project.repository.resolve(call.revision);
  if (!commit) return problem(422, `No commit found for SHA: ${call.revision}`);
  const { sha, tree, authored, committed, message } = await call.project.repository.describe(commit);
  return json(call, { sha, commit: { message, tree: { sha: tree }, author: person(authored), committer: person(committed) } });
}

async function readGitCommit(call) {
  const commit = await call.project.repository.resolve(call.revision);
  if (!commit) return problem(404, "Not Found");
  const { sha, tree, authored, committed, message } = await call.project.repository.describe(commit);
  return json(call, { sha, message, tree: { sha: tree }, author: person(authored), committer: person(committed) });
}

async function linkArchive(call) {
  if (!call.token.mayReadContents) return notAccessible();
  const commit = await call.project.repository.resolve(call.revision);
  if (!commit) return problem(404, "Not Found");
  const token = randomUUID();
  call.double.archiveLinks.set(token, { project: call.project, commit });
  const location = `${call.double.archiveUrl}/${call.project.fullName}/legacy.zip/${call.revision}?token=${token}`;
  return { status: 302, headers: { ...common(call), location, "content-length": "0" } };
}

async function refsBelow({ project }, prefix) {
  const refs = await project.repository.refs();
  return refs.filter((ref) => ref.name.startsWith(prefix)).map((ref) => ({ ...ref, short: ref.name.slice(prefix.length) }));
}

function paged(call, items) {
  const { pageSize } = call.double;
  const last = Math.max(1, Math.ceil(items.length / pageSize));
  const page = Math.max(1, Number(call.url.searchParams.get("page") ?? 1));
  const link = (number, relation) => {
    const query = new URLSearchParams(call.url.searchParams);
    query.set("page", number);
    const list = call.list ?? `/repositories/${call.project.id}${call.rest}`;
    return `<${call.double.url}${list}?${query}>; rel="${relation}"`;
  };
  const links = [];
  if (page > 1) links.push(link(page - 1, "prev"));
  if (page < last) links.push(link(page + 1, "next"), link(last, "last"));
  if (page > 1) links.push(link(1, "first"));
  return json(call, items.slice((page - 1) * pageSize, page * pageSize), links.length > 0 ? { link: links.join(", ") } : {});
}

function json(call, value, headers = {}) {
  return conditional(call, Buffer.from(JSON.stringify(value)), { "content-type": "application/json; charset=utf-8", ...headers });
}

/** A weak ETag for whatever is answered, as GitHub has it; what the client already holds is a 304. */
function conditional(call, bytes, headers) {
  const etag = `W/"${createHash("sha256").update(bytes).digest("hex")}"`;
  const known = (call.headers["if-none-match"] ?? "").split(/,\s*/).includes(etag);
  if (known) return { status: 304, headers: { ...common(call), etag } };
  return { status: 200, headers: { ...common(call), ...headers, etag, "content-length": String(bytes.length) }, body: bytes };
}

function common({ token }) {
  return {
    "x-ratelimit-limit": "5000",
    "x-ratelimit-remaining": "4999",
    "x-ratelimit-used": "1",
    "x-ratelimit-reset": String(Math.ceil(Date.now() / 1000) + 3600),
    "x-ratelimit-resource": "core",
    ...(token.scopes === undefined ? {} : { "x-oauth-scopes": token.scopes }),
  };
}

function movedPermanently(location) {
  const body = JSON.stringify({ message: "Moved Permanently", url: location, documentation_url: "https://docs.github.com/rest" });
  return { status: 301, headers: { location, "content-type": "application/json; charset=utf-8" }, body };
}

function notAccessible() {
  return problem(403, "Resource not accessible by personal access token", { "x-accepted-github-permissions": "contents=read" });
}

function problem(status, message, headers = {}) {
  const body = JSON.stringify({ message, documentation_url: "https://docs.github.com/rest", status: String(status) });
  return { status, headers: { "content-type": "application/json; charset=utf-8", ...headers }, body };
}

function address({ double, project }) {
  return `${double.url}/repos/${project.fullName}`;
}

function person(date) {
  return { name: "Ada Example", email: "ada@example.org", date };
}

function decoded(groups = {}) {
  return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value)]));
}
