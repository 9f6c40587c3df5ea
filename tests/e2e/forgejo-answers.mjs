// The REST API that Forgejo and Gitea share, as far as the registry, Composer's Forgejo driver and the judges ask it.
import { createHash } from "node:crypto";

/** What is listed when `limit` is not given. */
const defaultPage = 30;

export class ForgejoAnswers {
  #endpoints = [
    ["GET", /^$/, () => json(200, this.#describe(this.project))],
    ["GET", /^\/tags$/, () => this.#listTags()],
    ["GET", /^\/branches$/, () => this.#listBranches()],
    ["GET", /^\/raw\/(?<path>.+)$/, ({ path }) => this.#readFile(path)],
    ["GET", /^\/contents\/(?<path>.+)$/, ({ path }) => this.#readContents(path)],
    ["GET", /^\/git\/commits\/(?<commit>[0-9a-f]{40})$/, ({ commit }) => this.#readCommit(commit)],
    ["GET", /^\/archive\/(?<commit>[0-9a-f]{40})\.zip$/, ({ commit }) => this.#archive(commit)],
    ["GET", /^\/hooks$/, () => this.#paged(this.double.hooks.list(this.project).map(describeHook))],
    ["POST", /^\/hooks$/, () => this.#addHook()],
    ["GET", /^\/hooks\/(?<id>\d+)$/, ({ id }) => this.#withHook(id, (hook) => json(200, describeHook(hook)))],
    ["PATCH", /^\/hooks\/(?<id>\d+)$/, ({ id }) => this.#withHook(id, (hook) => this.#editHook(hook))],
    ["DELETE", /^\/hooks\/(?<id>\d+)$/, ({ id }) => this.#withHook(id, () => this.#removeHook(id))],
  ];

  constructor(double, request, body) {
    this.double = double;
    this.request = request;
    this.body = body;
    this.url = new URL(request.url, double.origin);
  }

  async answer() {
    if (!this.url.pathname.startsWith("/api/v1/")) return this.#problem(404, "Not found.");
    const path = this.url.pathname.slice("/api/v1".length);
    if (path === "/version") return json(200, { version: "13.0.2+gitea-1.22.0" });
    this.token = this.double.tokens.get(readCredentials(this.request.headers.authorization));
    if (!this.token) return this.#problem(401, "user does not exist [uid: 0, name: ]");
    if (path === "/user") return this.#needs("read:user") ?? json(200, { id: 1, login: this.token.login, full_name: "" });
    const refused = this.#needs(this.request.method === "GET" ? "read:repository" : "write:repository");
    if (refused) return refused;
    if (path === "/settings/api") return json(200, { max_response_items: this.double.pageSize, default_paging_num: defaultPage });
    if (path === "/repos/search") return this.#search();
    if (path === "/user/repos") return this.#paged(this.#projects().map((project) => this.#describe(project)));
    const [, owner] = /^\/orgs\/([^/]+)\/repos$/.exec(path) ?? [];
    if (owner) return this.#paged(this.#projects().filter((project) => project.fullName.startsWith(`${owner}/`)).map((project) => this.#describe(project)));
    const [, id] = /^\/repositories\/(\d+)$/.exec(path) ?? [];
    const [, name, rest = ""] = /^\/repos\/([^/]+\/[^/]+)(\/.*)?$/.exec(path) ?? [];
    this.project = id ? this.double.projects.get(Number(id)) : name && this.double.findProject(decodeURIComponent(name));
    if (!this.project) {
      const renamed = name && this.double.findRenamedProject(decodeURIComponent(name));
      if (!renamed) return this.#problem(404, "The target couldn't be found.");
      return { status: 307, headers: { location: `/api/v1/repos/${renamed.fullName}${rest}${this.url.search}` } };
    }
    for (const [method, pattern, endpoint] of this.#endpoints) {
      const match = method === this.request.method && pattern.exec(rest);
      if (match) return endpoint(Object.fromEntries(Object.entries(match.groups ?? {}).map(([key, value]) => [key, decodeURIComponent(value)])));
    }
    return this.#problem(404, "Not found.");
  }

  /** `write:` has `read:` in it. */
  #needs(scope) {
    const { scopes } = this.token;
    if (scopes.includes(scope) || scopes.includes(scope.replace("read:", "write:")) || scopes.includes("all")) return undefined;
    return this.#problem(403, `token does not have at least one of required scope(s): [${scope}]`);
  }

  #projects() {
    return [...this.double.projects.values()].sort((one, other) => one.id - other.id);
  }

  #search() {
    const words = (this.url.searchParams.get("q") ?? "").toLowerCase();
    const found = this.#projects().filter((project) => project.fullName.split("/")[1].toLowerCase().includes(words));
    return this.#paged(
      found.map((project) => this.#describe(project)),
      (data) => ({ ok: true, data }),
    );
  }

  #describe({ id, fullName, defaultBranch, archived, isPublic }) {
    const [owner, name] = fullName.split("/");
    const page = `${this.double.origin}/${fullName}`;
    return {
      id,
      owner: { id: 1, login: owner, full_name: "" },
      name,
      full_name: fullName,
      description: "",
      empty: false,
      private: !isPublic,
      internal: false,
      fork: false,
      mirror: false,
      archived,
      html_url: page,
      clone_url: `${page}.git`,
      ssh_url: `git@127.0.0.1:${fullName}.git`,
      default_branch: defaultBranch,
      has_issues: true,
      permissions: { admin: true, push: true, pull: true },
    };
  }

  async #refs(prefix) {
    const refs = (await this.project.repository.refs()).filter((ref) => ref.name.startsWith(prefix));
    return refs.map((ref) => ({ ...ref, short: ref.name.slice(prefix.length) }));
  }

  async #listTags() {
    const base = `${this.double.origin}/${this.project.fullName}/archive`;
    const tags = (await this.#refs("refs/tags/")).reverse();
    return this.#paged(
      tags.map(({ short, object, commit }) => ({
        name: short,
        message: "Change",
        id: object,
        commit: { url: this.#address(`/git/commits/${commit}`), sha: commit, created: "2024-01-01T00:00:00Z" },
        zipball_url: `${base}/${short}.zip`,
        tarball_url: `${base}/${short}.tar.gz`,
      })),
    );
  }

  async #listBranches() {
    const branches = await this.#refs("refs/heads/");
    return this.#paged(
      branches.map(({ short, commit }) => ({
        name: short,
        commit: { id: commit, message: "Change", url: "", timestamp: "2024-01-01T00:00:00Z" },
        protected: false,
      })),
    );
  }

  /** Links only where there is more than one page. */
  #paged(items, wrap = (shown) => shown) {
    const query = this.url.searchParams;
    // `per_page`, which Composer sends, means nothing here.
    const size = Math.min(this.double.pageSize, Number(query.get("limit") ?? defaultPage));
    const page = Math.max(1, Number(query.get("page") ?? 1));
    const last = Math.max(1, Math.ceil(items.length / size));
    const link = (number, relation) => {
      const other = new URLSearchParams(query);
      other.set("page", number);
      return `<${this.double.origin}${this.url.pathname}?${other}>; rel="${relation}"`;
    };
    const links = [];
    if (page < last) links.push(link(page + 1, "next"), link(last, "last"));
    if (page > 1) links.push(link(1, "first"), link(page - 1, "prev"));
    const headers = { "x-total-count": String(items.length), ...(links.length > 0 ? { link: links.join(",") } : {}) };
    return json(200, wrap(items.slice((page - 1) * size, page * size)), headers);
  }

  async #fileAt(path) {
    const commit = await this.project.repository.resolve(this.url.searchParams.get("ref") ?? this.project.defaultBranch);
    return commit && (await this.project.repository.file(commit, path));
  }

  async #readFile(path) {
    const bytes = await this.#fileAt(path);
    if (!bytes) return this.#problem(404, "The target couldn't be found.");
    const etag = `"${createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex")}"`;
    if (this.request.headers["if-none-match"] === etag) return { status: 304, headers: { etag } };
    return { status: 200, headers: { "content-type": "text/plain; charset=utf-8", etag, "content-length": String(bytes.length) }, body: bytes };
  }

  /** Composer's driver reads files so; the registry takes them raw. */
  async #readContents(path) {
    const bytes = await this.#fileAt(path);
    if (!bytes) return this.#problem(404, "The target couldn't be found.");
    return json(200, {
      name: path.split("/").at(-1),
      path,
      type: "file",
      size: bytes.length,
      encoding: "base64",
      content: bytes.toString("base64"),
    });
  }

  async #readCommit(commit) {
    if (!(await this.project.repository.resolve(commit))) return this.#problem(404, "Not found.");
    const { sha, authored, committed, message } = await this.project.repository.describe(commit);
    const person = (date) => ({ name: "Ada Example", email: "ada@example.org", date });
    return json(200, { sha, url: this.#address(`/git/commits/${sha}`), commit: { message, author: person(authored), committer: person(committed) } });
  }

  async #archive(commit) {
    if (!(await this.project.repository.resolve(commit))) return this.#problem(404, "Not found.");
    const { id, fullName } = this.project;
    const bytes = await this.project.repository.archive(commit, `${fullName.split("/")[1].toLowerCase()}/`);
    const headers = {
      "content-type": "application/zip",
      link: `<${this.#address(`/archive/${commit}.zip?rev=${commit}`)}>; rel="immutable"`,
    };
    this.double.archivesServed += 1;
    if (this.double.takeTruncation(this.project)) return { status: 200, headers, chunks: [bytes.subarray(0, Math.floor(bytes.length * 0.6))] };
    const wasMade = this.double.madeArchives.has(`${id}/${commit}`);
    this.double.madeArchives.add(`${id}/${commit}`);
    if (!wasMade) return { status: 200, headers, chunks: [bytes] };
    return { status: 200, headers: { ...headers, "content-length": String(bytes.length) }, body: bytes };
  }

  #addHook() {
    const { type, config = {}, events = [], active = false, branch_filter = "*" } = JSON.parse(this.body);
    if (!["forgejo", "gitea"].includes(type)) return this.#problem(422, `Invalid hook type: ${type}`);
    if (!config.url || !config.content_type) return this.#problem(422, "Missing config option: url");
    return json(201, describeHook(this.double.hooks.add(this.project, { type, config, events, active, branch_filter })));
  }

  /** What is not named stays; of `config`, too. */
  #editHook(hook) {
    const { config = {}, ...others } = JSON.parse(this.body);
    Object.assign(hook, others, { config: { ...hook.config, ...config } });
    return json(200, describeHook(hook));
  }

  #removeHook(id) {
    this.double.hooks.remove(this.project, id);
    return { status: 204, headers: {} };
  }

  #withHook(id, act) {
    const hook = this.double.hooks.find(this.project, id);
    return hook ? act(hook) : this.#problem(404, "The target couldn't be found.");
  }

  #address(path) {
    return `${this.double.origin}/api/v1/repos/${this.project.fullName}${path}`;
  }

  #problem(status, message) {
    return json(status, { message, url: `${this.double.origin}/api/swagger` });
  }
}

/** `token T`, `Bearer T`, or Basic with the token as the password, as Composer sends it. */
function readCredentials(authorization = "") {
  const [, scheme, value] = /^(token|Bearer|Basic) (\S+)$/i.exec(authorization) ?? [];
  return scheme?.toLowerCase() === "basic" ? Buffer.from(value, "base64").toString().split(":")[1] : value;
}

/** The secret goes in and never comes out. */
function describeHook({ id, type, config, events, active, branch_filter }) {
  const { secret, ...shown } = config;
  return { id, type, config: shown, events, active, branch_filter, created_at: "2024-01-01T00:00:00Z", updated_at: "2024-01-01T00:00:00Z" };
}

function json(status, value, headers = {}) {
  const body = Buffer.from(JSON.stringify(value));
  return { status, headers: { "content-type": "application/json;charset=utf-8", "content-length": String(body.length), ...headers }, body };
}
