// GitLab's REST API, as far as the registry and Composer's GitLab driver ask it.
import { createHash } from "node:crypto";

export class GitLabAnswers {
  #endpoints = [
    [/^$/, () => this.#json(this.#describe(this.project))],
    [/^\/repository\/tags$/, () => this.#listRefs("refs/tags/")],
    [/^\/repository\/branches$/, () => this.#listRefs("refs/heads/")],
    [/^\/repository\/files\/(?<path>[^/]+)\/raw$/, ({ path }) => this.#readFile(decodeURIComponent(path))],
    [/^\/repository\/commits\/(?<commit>[0-9a-f]{40})$/, ({ commit }) => this.#readCommit(commit)],
    [/^\/repository\/archive\.zip$/, () => this.#archive()],
    [/^\/hooks$/, () => this.#page(this.double.hooks.list(this.project).map((hook) => this.#describeHook(hook)))],
    [/^\/hooks$/, () => this.#addHook(), "POST"],
    [/^\/hooks\/(?<id>\d+)$/, ({ id }) => this.#withHook(id, (hook) => this.#json(this.#describeHook(hook)))],
    [/^\/hooks\/(?<id>\d+)$/, ({ id }) => this.#withHook(id, (hook) => this.#editHook(hook)), "PUT"],
    [/^\/hooks\/(?<id>\d+)$/, ({ id }) => this.#withHook(id, () => this.#removeHook(id)), "DELETE"],
  ];

  constructor(double, request, body) {
    this.double = double;
    this.request = request;
    this.body = body;
    this.url = new URL(request.url, double.origin);
  }

  async answer() {
    const base = `${this.double.basePath}/api/v4`;
    if (!this.url.pathname.startsWith(`${base}/`)) return problem(404, "404 Not Found");
    const [, bearer] = /^Bearer (\S+)$/.exec(this.request.headers.authorization ?? "") ?? [];
    const token = this.double.tokens.get(this.request.headers["private-token"] ?? bearer);
    if (!token) return problem(401, "401 Unauthorized");
    if (this.request.method !== "GET" && !token.scopes.includes("api"))
      return problem(403, "403 Forbidden", { error: "insufficient_scope", error_description: "The request requires higher privileges than provided by the access token.", scope: "api" });
    const path = this.url.pathname.slice(base.length);
    if (path === "/user") return this.#json({ id: 1, username: token.login });
    if (path === "/personal_access_tokens/self") return this.#json({ id: 1, user_id: 1, active: true, scopes: token.scopes });
    if (path === "/projects") return this.#listProjects();
    const [, id, rest] = /^\/projects\/([^/]+)(\/.*)?$/.exec(path) ?? [];
    if (id === undefined) return problem(404, "404 Not Found");
    const name = decodeURIComponent(id);
    this.project = this.double.projects.get(Number(name)) ?? this.double.findProject(name);
    if (!this.project) {
      const renamed = this.double.findRenamedProject(name);
      if (!renamed) return problem(404, "404 Project Not Found");
      const location = `${this.double.url}/api/v4/projects/${renamed.id}${rest ?? ""}${this.url.search}`;
      return { status: 301, headers: { location } };
    }
    for (const [pattern, endpoint, method = "GET"] of this.#endpoints) {
      const match = method === this.request.method && pattern.exec(rest ?? "");
      if (match) return endpoint(match.groups ?? {});
    }
    return problem(404, "404 Not Found");
  }

  #describe({ id, fullName, defaultBranch, archived }) {
    const path = fullName.split("/").at(-1);
    return {
      id,
      name: path,
      path,
      path_with_namespace: fullName,
      default_branch: defaultBranch,
      visibility: "private",
      archived,
      empty_repo: false,
      issues_enabled: true,
      repository_access_level: "enabled",
      web_url: `${this.double.url}/${fullName}`,
      http_url_to_repo: `${this.double.url}/${fullName}.git`,
      ssh_url_to_repo: `git@127.0.0.1:${fullName}.git`,
      permissions: { project_access: { access_level: 20 }, group_access: null },
    };
  }

  /** All that the token reaches, by id: pages by number, or by the last id (`pagination=keyset`), which goes with this order alone. */
  #listProjects() {
    const query = this.url.searchParams;
    const words = (query.get("search") ?? "").toLowerCase();
    const projects = [...this.double.projects.values()].sort((one, other) => one.id - other.id);
    const found = projects.filter((project) => project.fullName.toLowerCase().includes(words)).map((project) => this.#describe(project));
    if (query.get("pagination") !== "keyset") return this.#page(found);
    if (query.get("order_by") !== "id") return problem(405, "Keyset pagination is not yet available for this type of request");
    const rest = found.filter(({ id }) => id > Number(query.get("id_after") ?? 0));
    const shown = rest.slice(0, this.#pageSize());
    if (shown.length === rest.length) return this.#json(shown);
    query.set("id_after", shown.at(-1).id);
    return this.#json(shown, { link: `<${this.#elsewhere(query)}>; rel="next"` });
  }

  #pageSize() {
    return Math.min(this.double.pageSize, Number(this.url.searchParams.get("per_page") ?? 20));
  }

  /** Where the double believes it is. */
  #elsewhere(query) {
    return `http://gitlab.internal${this.url.pathname}?${query}`;
  }

  /** Pages by number, with what is known of them all. */
  #page(items) {
    const query = this.url.searchParams;
    const [size, page] = [this.#pageSize(), Math.max(1, Number(query.get("page") ?? 1))];
    const last = Math.max(1, Math.ceil(items.length / size));
    const headers = {
      "x-page": String(page),
      "x-per-page": String(size),
      "x-next-page": page < last ? String(page + 1) : "",
      "x-prev-page": page > 1 ? String(page - 1) : "",
      "x-total": String(items.length),
      "x-total-pages": String(last),
    };
    const links = [];
    for (const [relation, number] of [["next", page + 1], ["first", 1], ["last", last]]) {
      if (relation === "next" && page >= last) continue;
      query.set("page", number);
      links.push(`<${this.#elsewhere(query)}>; rel="${relation}"`);
    }
    return this.#json(items.slice((page - 1) * size, page * size), { ...headers, link: links.join(", ") });
  }

  async #listRefs(prefix) {
    const refs = (await this.project.repository.refs()).filter((ref) => ref.name.startsWith(prefix));
    const names = refs.map((ref) => ({ ...ref, short: ref.name.slice(prefix.length) })).sort((a, b) => (a.short < b.short ? -1 : 1));
    const query = this.url.searchParams;
    const after = query.get("page_token") ?? "";
    const size = this.#pageSize();
    const shown = names.filter((ref) => ref.short > after).slice(0, size);
    const entries = await Promise.all(
      shown.map(async ({ short, object, commit }) => {
        const { committed } = await this.project.repository.describe(commit);
        return { name: short, target: object, commit: { id: commit, short_id: commit.slice(0, 8), committed_date: committed } };
      }),
    );
    // GitLab names a next page after every full one, even if it will be empty.
    if (shown.length < size) return this.#json(entries);
    query.set("page_token", shown.at(-1).short);
    return this.#json(entries, { link: `<${this.#elsewhere(query)}>; rel="next"` });
  }

  async #readFile(path) {
    const commit = await this.project.repository.resolve(this.url.searchParams.get("ref") ?? "HEAD");
    const bytes = commit && (await this.project.repository.file(commit, path));
    if (!bytes) return problem(404, "404 File Not Found");
    return this.#conditional(bytes, { "content-type": "text/plain" });
  }

  async #readCommit(commit) {
    if (!(await this.project.repository.resolve(commit))) return problem(404, "404 Commit Not Found");
    const { committed } = await this.project.repository.describe(commit);
    return this.#json({ id: commit, committed_date: committed });
  }

  async #archive() {
    const sha = this.url.searchParams.get("sha");
    const commit = await this.project.repository.resolve(sha);
    if (!commit) return problem(404, "404 File Not Found");
    this.double.archivesServed += 1;
    const name = this.project.fullName.split("/").at(-1);
    const bytes = await this.project.repository.archive(commit, `${name}-${sha}-${commit}/`);
    // Streamed while it is made: no length.
    return { status: 200, headers: { "content-type": "application/octet-stream" }, chunks: [bytes] };
  }

  #addHook() {
    const asked = this.#form();
    if (!/^https?:\/\//.test(asked.url ?? "")) return problem(422, "Invalid url given");
    const hook = this.double.hooks.add(this.project, { push_events: true, tag_push_events: false, enable_ssl_verification: true, ...asked });
    return { ...this.#json(this.#describeHook(hook)), status: 201 };
  }

  /** `url` has to be named each time; what else is not named stays. */
  #editHook(hook) {
    const asked = this.#form();
    if (!asked.url) return { status: 400, headers: { "content-type": "application/json" }, body: JSON.stringify({ error: "url is missing" }) };
    return this.#json(this.#describeHook(Object.assign(hook, asked)));
  }

  #removeHook(id) {
    this.double.hooks.remove(this.project, id);
    return { status: 204, headers: {} };
  }

  #withHook(id, act) {
    const hook = this.double.hooks.find(this.project, id);
    return hook ? act(hook) : problem(404, "404 Not found");
  }

  /** The token goes in and never comes out. */
  #describeHook({ token, signing_token, ...shown }) {
    return {
      ...shown,
      project_id: this.project.id,
      token_present: Boolean(token),
      signing_token_present: Boolean(signing_token),
      alert_status: "executable",
      disabled_until: null,
      created_at: "2024-01-01T00:00:00.000Z",
    };
  }

  /** JSON, or a form as `curl --data` sends it. */
  #form() {
    if (/json/.test(this.request.headers["content-type"] ?? "")) return JSON.parse(this.body);
    const form = Object.fromEntries(new URLSearchParams(this.body.toString()));
    for (const [key, value] of Object.entries(form)) if (value === "true" || value === "false") form[key] = value === "true";
    return form;
  }

  #json(value, headers = {}) {
    return this.#conditional(Buffer.from(JSON.stringify(value)), { "content-type": "application/json", ...headers });
  }

  /** A 304 keeps the links. */
  #conditional(bytes, headers) {
    const etag = `W/"${createHash("sha256").update(bytes).digest("hex").slice(0, 32)}"`;
    if (this.request.headers["if-none-match"] === etag) return { status: 304, headers: { ...headers, etag } };
    return { status: 200, headers: { ...headers, etag, "content-length": String(bytes.length) }, body: bytes };
  }
}

function problem(status, message, more = {}) {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify({ message, ...more }) };
}
