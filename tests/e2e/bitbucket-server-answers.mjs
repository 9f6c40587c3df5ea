// Bitbucket Data Center's REST API, as far as the registry asks it. It knows a repository by the place where it is, and by nothing else.
export class BitbucketServerAnswers {
  #endpoints = [
    [/^$/, () => json(this.#describe(this.project))],
    [/^\/default-branch$/, () => json({ id: `refs/heads/${this.project.defaultBranch}`, displayId: this.project.defaultBranch })],
    [/^\/tags$/, () => this.#listRefs("refs/tags/")],
    [/^\/branches$/, () => this.#listRefs("refs/heads/")],
    [/^\/raw\/(?<path>.+)$/, ({ path }) => this.#readFile(path)],
    [/^\/commits\/(?<commit>[0-9a-f]{40})$/, ({ commit }) => this.#readCommit(commit)],
    [/^\/archive$/, () => this.#archive()],
  ];

  constructor(double, request) {
    this.double = double;
    this.request = request;
    this.url = new URL(request.url, double.origin);
    this.query = this.url.searchParams;
  }

  async answer() {
    const base = `${this.double.basePath}/rest/api/latest`;
    const path = decodeURIComponent(this.url.pathname);
    if (!path.startsWith(`${base}/`)) return problem(404, "Not found");
    const [, bearer] = /^Bearer (\S+)$/.exec(this.request.headers.authorization ?? "") ?? [];
    const token = this.double.tokens.get(bearer);
    if (!token) return problem(401, "Authentication failed. Please check your credentials and try again.");
    const reply = await this.#find(path.slice(base.length));
    // Every answer tells whose it is.
    return { ...reply, headers: { ...reply.headers, "x-ausername": token.login, "x-auserid": "1" } };
  }

  async #find(path) {
    if (path === "/repos") return this.#page([...this.double.projects.values()].map((project) => this.#describe(project)));
    const [, key, slug, rest] = /^\/projects\/([^/]+)\/repos\/([^/]+)(\/.*)?$/.exec(path) ?? [];
    this.project = key && this.double.findProject(`${key}/${slug}`);
    if (!this.project) return problem(404, `Repository ${key}/${slug} does not exist.`);
    for (const [pattern, endpoint] of this.#endpoints) {
      const match = pattern.exec(rest ?? "");
      if (match) return endpoint(match.groups ?? {});
    }
    return problem(404, "Not found");
  }

  #describe({ id, fullName, archived, isPublic }) {
    const [key, slug] = fullName.split("/");
    return {
      id,
      slug,
      name: slug,
      public: isPublic,
      archived,
      project: { key, public: false },
      links: {
        self: [{ href: `${this.double.url}/projects/${key}/repos/${slug}/browse` }],
        clone: [{ name: "http", href: `${this.double.url}/scm/${key}/${slug}.git` }],
      },
    };
  }

  /** `latestCommit` is what a tag object points at; for a tag of a tag that is the inner tag. */
  async #listRefs(prefix) {
    const refs = (await this.project.repository.refs()).filter((ref) => ref.name.startsWith(prefix));
    const entries = refs.map(async ({ name, object, commit }) => {
      const displayId = name.slice(prefix.length);
      if (object === commit) return { id: name, displayId, latestCommit: commit, hash: null };
      const tag = (await this.project.repository.git("cat-file", "tag", object)).toString();
      return { id: name, displayId, latestCommit: /^object ([0-9a-f]{40})$/m.exec(tag)[1], hash: object };
    });
    return this.#page(await Promise.all(entries));
  }

  #page(entries) {
    const start = Number(this.query.get("start") ?? 0);
    const size = Math.min(this.double.pageSize, Number(this.query.get("limit") ?? 25));
    const isLastPage = entries.length <= start + size;
    const nextPageStart = isLastPage ? null : start + size;
    return json({ start, limit: size, isLastPage, nextPageStart, values: entries.slice(start, start + size) });
  }

  async #readFile(path) {
    const commit = await this.project.repository.resolve(this.query.get("at") ?? this.project.defaultBranch);
    const bytes = commit && (await this.project.repository.file(commit, path));
    if (!bytes) return problem(404, `The path "${path}" does not exist at this revision`);
    return { status: 200, headers: { "content-type": "text/plain" }, body: bytes };
  }

  async #readCommit(commit) {
    const id = await this.project.repository.resolve(commit);
    if (!id) return problem(404, `Commit '${commit}' does not exist.`);
    const { authored, committed } = await this.project.repository.describe(id);
    return json({ id, authorTimestamp: Date.parse(authored), committerTimestamp: Date.parse(committed) });
  }

  /** Without `prefix` there is no folder around the files. Streamed while it is made: no length. */
  async #archive() {
    const commit = await this.project.repository.resolve(this.query.get("at"));
    if (!commit || this.query.get("format") !== "zip") return problem(404, "Not found");
    this.double.archivesServed += 1;
    const bytes = await this.project.repository.archive(commit, this.query.get("prefix") ?? "");
    return { status: 200, headers: { "content-type": "application/octet-stream" }, chunks: [bytes] };
  }
}

function json(value) {
  return { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}

function problem(status, message) {
  const body = JSON.stringify({ errors: [{ context: null, message, exceptionName: null }] });
  return { status, headers: { "content-type": "application/json" }, body };
}
