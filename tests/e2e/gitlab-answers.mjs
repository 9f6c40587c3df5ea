// GitLab's REST API, as far as the registry and Composer's GitLab driver ask it.
import { createHash } from "node:crypto";

export class GitLabAnswers {
  #endpoints = [
    [/^$/, () => this.#json(this.#describeProject())],
    [/^\/repository\/tags$/, () => this.#listRefs("refs/tags/")],
    [/^\/repository\/branches$/, () => this.#listRefs("refs/heads/")],
    [/^\/repository\/files\/(?<path>[^/]+)\/raw$/, ({ path }) => this.#readFile(decodeURIComponent(path))],
    [/^\/repository\/commits\/(?<commit>[0-9a-f]{40})$/, ({ commit }) => this.#readCommit(commit)],
    [/^\/repository\/archive\.zip$/, () => this.#archive()],
  ];

  constructor(double, request) {
    this.double = double;
    this.request = request;
    this.url = new URL(request.url, double.origin);
  }

  async answer() {
    const base = `${this.double.basePath}/api/v4`;
    if (!this.url.pathname.startsWith(`${base}/`)) return problem(404, "404 Not Found");
    const [, bearer] = /^Bearer (\S+)$/.exec(this.request.headers.authorization ?? "") ?? [];
    const token = this.double.tokens.get(this.request.headers["private-token"] ?? bearer);
    if (!token) return problem(401, "401 Unauthorized");
    if (this.request.method !== "GET") return problem(405, "405 Method Not Allowed");
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
    for (const [pattern, endpoint] of this.#endpoints) {
      const match = pattern.exec(rest ?? "");
      if (match) return endpoint(match.groups ?? {});
    }
    return problem(404, "404 Not Found");
  }

  /** By id, from `id_after` on; `search` looks at groups too, with `search_namespaces`. */
  #listProjects() {
    const query = this.url.searchParams;
    const search = query.get("search") ?? "";
    const projects = [...this.double.projects.values()]
      .filter((project) => project.id > Number(query.get("id_after") ?? 0) && project.fullName.includes(search))
      .sort((one, other) => one.id - other.id);
    const size = Math.min(this.double.pageSize, Number(query.get("per_page") ?? 20));
    const shown = projects.slice(0, size);
    const entries = shown.map((project) => this.#describeProject(project));
    if (shown.length < size) return this.#json(entries);
    query.set("id_after", shown.at(-1).id);
    return this.#json(entries, { link: `<http://gitlab.internal${this.url.pathname}?${query}>; rel="next"` });
  }

  #describeProject({ id, fullName, defaultBranch, archived } = this.project) {
    return {
      id,
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

  async #listRefs(prefix) {
    const refs = (await this.project.repository.refs()).filter((ref) => ref.name.startsWith(prefix));
    const names = refs.map((ref) => ({ ...ref, short: ref.name.slice(prefix.length) })).sort((a, b) => (a.short < b.short ? -1 : 1));
    const query = this.url.searchParams;
    const after = query.get("page_token") ?? "";
    const size = Math.min(this.double.pageSize, Number(query.get("per_page") ?? 20));
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
    const link = `<http://gitlab.internal${this.url.pathname}?${query}>; rel="next"`;
    return this.#json(entries, { link });
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

function problem(status, message) {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify({ message }) };
}
