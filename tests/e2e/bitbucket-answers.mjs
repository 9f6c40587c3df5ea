// Bitbucket Cloud's REST API, and the archives of its website, as far as the registry and Composer's Bitbucket driver ask them.
import { createHash, randomUUID } from "node:crypto";

export class BitbucketAnswers {
  #endpoints = [
    [/^$/, () => this.#json(this.#describe())],
    [/^\/refs\/tags$/, () => this.#listRefs("refs/tags/")],
    [/^\/refs\/branches$/, () => this.#listRefs("refs/heads/")],
    [/^\/refs\/branches\/(?<name>.+)$/, ({ name }) => this.#readBranch(name)],
    [/^\/src\/(?<commit>[^/]+)\/(?<path>.+)$/, ({ commit, path }) => this.#readFile(commit, path)],
    [/^\/commit\/(?<commit>[0-9a-f]{40})$/, ({ commit }) => this.#readCommit(commit)],
  ];

  constructor(double, request, body) {
    this.double = double;
    this.request = request;
    this.body = body;
    this.url = new URL(request.url, double.origin);
  }

  async answer() {
    this.token = this.#findToken();
    const path = decodeURIComponent(this.url.pathname);
    if (!path.startsWith("/2.0/")) return this.#archive(path);
    if (!this.token) return problem(401, "Token is invalid, expired, or not supported for this endpoint.");
    const [, place, hook] = /^\/2\.0(\/.+\/hooks)(?:\/(\{[^/]+\}))?$/.exec(path) ?? [];
    if (place) return this.#hooks(place, hook);
    if (this.request.method !== "GET") return problem(405, "Method not allowed");
    if (path === "/2.0/user") {
      if (!this.token.email) return problem(403, "This API is not accessible by this authentication mechanism");
      return this.#json({ type: "user", uuid: "{00000000-0000-4000-8000-000000000001}", nickname: this.token.login });
    }
    const [, workspace, slug, rest] = /^\/2\.0\/repositories\/([^/]+)\/([^/]+)(\/.*)?$/.exec(path) ?? [];
    if (workspace === undefined) return problem(404, "Resource not found");
    // The scope is looked at before the repository.
    if (!this.token.scopes.includes("read:repository:bitbucket")) {
      const detail = { granted: this.token.scopes, required: ["read:repository:bitbucket"] };
      return problem(403, "Your credentials lack one or more required privilege scopes.", detail);
    }
    this.project = workspace === "{}" ? this.double.findByUuid(slug) : this.double.findProject(`${workspace}/${slug}`);
    if (!this.project) return problem(404, `Repository ${workspace}/${slug} not found`);
    for (const [pattern, endpoint] of this.#endpoints) {
      const match = pattern.exec(rest ?? "");
      if (match) return endpoint(match.groups ?? {});
    }
    return problem(404, "Resource not found");
  }

  /** An API token goes with its e-mail address as Basic, an access token alone as Bearer: neither passes for the other. */
  #findToken() {
    const [, scheme, value] = /^(Bearer|Basic) (\S+)$/.exec(this.request.headers.authorization ?? "") ?? [];
    if (scheme === "Bearer") {
      const token = this.double.tokens.get(value);
      return token?.email ? undefined : token;
    }
    const [, email, secret] = /^([^:]*):(.*)$/.exec(Buffer.from(value ?? "", "base64").toString()) ?? [];
    const token = this.double.tokens.get(secret);
    return token?.email === email ? token : undefined;
  }

  #describe() {
    const { fullName, defaultBranch, isPublic } = this.project;
    const address = `${this.double.apiUrl}/repositories/${fullName}`;
    const whole = {
      type: "repository",
      uuid: this.double.uuidOf(this.project),
      full_name: fullName,
      is_private: !isPublic,
      has_issues: true,
      website: "",
      scm: "git",
      mainbranch: { type: "branch", name: defaultBranch },
      links: {
        self: { href: address },
        html: { href: `${this.double.websiteUrl}/${fullName}` },
        tags: { href: `${address}/refs/tags` },
        branches: { href: `${address}/refs/branches` },
        clone: [
          // Whoever asks stands in it.
          { name: "https", href: `${this.double.websiteUrl.replace("://", "://ada@")}/${fullName}.git` },
          { name: "ssh", href: `git@bitbucket.org:${fullName}.git` },
        ],
      },
      project: { key: "P" },
      owner: { username: fullName.split("/")[0] },
    };
    return this.#partial(whole);
  }

  /** `fields=` names what is wanted, or with a minus what is not; nested fields by dots. */
  #partial(whole) {
    const fields = this.url.searchParams.get("fields")?.split(",") ?? [];
    const unwanted = fields.filter((field) => field.startsWith("-")).map((field) => field.slice(1));
    const wanted = fields.filter((field) => !field.startsWith("-"));
    const kept = Object.entries(whole).filter(([name]) => !unwanted.includes(name));
    if (wanted.length === 0) return Object.fromEntries(kept);
    return Object.fromEntries(kept.filter(([name]) => wanted.some((field) => field === name || field.startsWith(`${name}.`))));
  }

  async #listRefs(prefix) {
    const refs = (await this.project.repository.refs()).filter((ref) => ref.name.startsWith(prefix));
    const names = refs.map((ref) => ({ ...ref, short: ref.name.slice(prefix.length) }));
    const entries = await Promise.all(
      names.map(async ({ short, commit }) => {
        const { committed } = await this.project.repository.describe(commit);
        return { name: short, target: { hash: commit, date: committed } };
      }),
    );
    if (this.url.searchParams.get("sort") === "-target.date") entries.sort((a, b) => (a.target.date < b.target.date ? 1 : -1));
    else entries.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
    return this.#page(entries);
  }

  /** The number of a page is no number: only `next` leads on. */
  #page(entries) {
    const query = this.url.searchParams;
    const page = Number(Buffer.from(query.get("page") ?? "", "base64url").toString() || 1);
    const size = Math.min(this.double.pageSize, Number(query.get("pagelen") ?? 10));
    const values = entries.slice((page - 1) * size, page * size);
    const body = { pagelen: size, values };
    if (entries.length > page * size) {
      query.set("page", Buffer.from(String(page + 1)).toString("base64url"));
      // With the braces of an empty workspace as they are.
      body.next = `${this.double.apiUrl}${decodeURIComponent(this.url.pathname).slice("/2.0".length)}?${query}`;
    }
    return this.#json(body);
  }

  async #readBranch(name) {
    const commit = await this.project.repository.resolve(`refs/heads/${name}`);
    if (!commit) return problem(404, `Branch ${name} not found`);
    return this.#json({ target: { hash: commit } });
  }

  async #readFile(revision, path) {
    const commit = await this.project.repository.resolve(revision);
    if (!commit) return problem(404, `Commit not found`);
    const bytes = await this.project.repository.file(commit, path);
    if (!bytes) return problem(404, `No such file or directory: ${path}`);
    return this.#conditional(bytes, { "content-type": "application/octet-stream" });
  }

  async #readCommit(commit) {
    if (!(await this.project.repository.resolve(commit))) return problem(404, "Commit not found");
    const { committed } = await this.project.repository.describe(commit);
    return this.#json({ type: "commit", date: committed.replace("Z", "+00:00") });
  }

  /** Whoever is not let in is led to a form, and an archive is streamed while it is made: no length. */
  async #archive(path) {
    const [, name, revision] = /^\/([^/]+\/[^/]+)\/get\/([^/]+)\.zip$/.exec(path) ?? [];
    if (!name) return { status: 404, headers: { "content-type": "text/html" }, body: "<html>" };
    if (!this.token) return { status: 302, headers: { location: `${this.double.websiteUrl}/account/signin/` } };
    this.project = this.double.findProject(name);
    const commit = await this.project?.repository.resolve(revision);
    if (!commit) return { status: 404, headers: { "content-type": "text/html" }, body: "<html>" };
    this.double.archivesServed += 1;
    const bytes = await this.project.repository.archive(commit, `${name.replace("/", "-")}-${commit.slice(0, 12)}/`);
    const shown = this.double.takeTruncation(this.project) ? bytes.subarray(0, Math.floor(bytes.length * 0.6)) : bytes;
    return { status: 200, headers: { "content-type": "application/zip" }, chunks: [shown] };
  }

  async #hooks(place, id) {
    if (!this.token.scopes.includes("write:webhook:bitbucket"))
      return problem(403, "Your credentials lack one or more required privilege scopes.");
    const hooks = this.double.hooks;
    const shown = ({ uuid, url, events, active }) => ({ type: "webhook_subscription", uuid, url, events, active, secret_set: true });
    const { method } = this.request;
    if (method === "GET" && !id) return this.#page([...hooks.values()].filter((hook) => hook.place === place).map(shown));
    if (method === "POST" && !id) {
      const hook = { uuid: `{${randomUUID()}}`, place, ...(await this.#body()) };
      hooks.set(hook.uuid, hook);
      return { status: 201, headers: { "content-type": "application/json" }, body: JSON.stringify(shown(hook)) };
    }
    const hook = hooks.get(id);
    if (hook?.place !== place) return problem(404, "Webhook not found");
    if (method === "PUT") return this.#json(shown(Object.assign(hook, await this.#body())));
    if (method !== "DELETE") return problem(405, "Method not allowed");
    hooks.delete(id);
    return { status: 204, headers: {} };
  }

  async #body() {
    return JSON.parse(this.body);
  }

  #json(value, headers = {}) {
    return this.#conditional(Buffer.from(JSON.stringify(value)), { "content-type": "application/json", ...headers });
  }

  #conditional(bytes, headers) {
    const etag = `"${createHash("sha256").update(bytes).digest("hex").slice(0, 32)}"`;
    if (this.request.headers["if-none-match"] === etag) return { status: 304, headers: { etag } };
    return { status: 200, headers: { ...headers, etag, "content-length": String(bytes.length) }, body: bytes };
  }
}

function problem(status, message, detail) {
  const body = JSON.stringify({ type: "error", error: { message, detail } });
  return { status, headers: { "content-type": "application/json" }, body };
}
