// One registry and one GitHub double for all scenarios: starting the registry is the slow part. Each scenario keeps to packages of its own, because most of them run side by side.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DnsDouble } from "./dns-double.mjs";
import { GitHubDouble } from "./github-double.mjs";
import { Registry } from "./registry.mjs";
import { ComposerProject, basic } from "./composer.mjs";
import { deliver } from "./github-webhooks.mjs";
import { greeterFiles } from "./fixtures.mjs";
import { GitRepository } from "./support/git-repository.mjs";
import { runOrThrow } from "./support/process.mjs";
import { makeFolder } from "./support/folder.mjs";
import { RequestLog } from "./support/request-log.mjs";
import { until } from "./support/until.mjs";

const ended = ["done", "failed", "cancelled"];

export class World {
  #folders = 0;
  #secrets = new Set();
  /** How many answers were searched for tokens. */
  searched = 0;
  /** Addresses whose answer, or which themselves, held a token that was not just made. */
  leaks = [];

  async start() {
    this.folder = await makeFolder("e2e");
    this.double = await GitHubDouble.start({ folder: await this.newFolder("github") });
    this.dns = await DnsDouble.start();
    const environment = { REPERTOIRE_DNS_RESOLVER: this.dns.url };
    this.registry = await Registry.start({ state: await this.newFolder("state"), environment });
    this.registry.inspect = (answer) => this.#searchForTokens(answer);
    this.#secrets.add(this.registry.adminToken);
    // What the registry said is of interest when, and only when, something failed; so is its state.
    process.on("exit", (code) => {
      if (code !== 0)
        console.error(`--- the registry's last words (its state is kept in ${this.folder}) ---\n${this.registry.tail()}`);
      else rmSync(this.folder, { recursive: true, force: true });
    });
    this.connection = await this.connect(this.double.addToken({ scopes: "repo" }));
  }

  async stop() {
    await this.registry?.stop();
    await this.double?.stop();
    this.dns?.stop();
  }

  async newFolder(purpose) {
    this.#folders += 1;
    const folder = join(this.folder, `${purpose}-${this.#folders}`);
    await mkdir(folder);
    return folder;
  }

  /** Calls the API, whose answer must have this status; returns its body. */
  async expect(status, method, path, body, options) {
    const answer = await this.registry.api(method, path, body, options);
    assert.equal(answer.status, status, `${method} ${path} answered ${answer.status}: ${answer.text}`);
    return answer.body;
  }

  connect(token, organisation = "main") {
    return this.expect(201, "POST", `/orgs/${organisation}/connections`, {
      provider: "github",
      base_url: this.double.url,
      token,
    });
  }

  /** Asks for a project to be imported; returns {package, job} at once. */
  addPackage(project, { repository = "packages", connection = this.connection } = {}) {
    const body = { connection: connection.id, project: project.fullName, repository };
    return this.expect(202, "POST", "/orgs/main/packages", body);
  }

  /** The same, and waits until it is in force; returns the job. */
  async importProject(project, options) {
    const { job } = await this.addPackage(project, options);
    return this.jobDone(job.id, options);
  }

  /** A project on the double with a tiny package of that name, one release a tag (each greets with the tag's name), already imported. */
  async importGreeter(name, { tags = ["v1.0.0"], repository } = {}) {
    const project = await this.double.addProject(name);
    await project.repository.commit(...tags.map((tag) => ({ files: greeterFiles(name, tag), tags: [tag] })));
    await this.importProject(project, { repository });
    return project;
  }

  /** A repository of its own, for what must not see others publish; returns its URL. */
  async addRepository(slug) {
    await this.expect(201, "POST", "/orgs/main/repositories", { slug });
    return this.registry.repository("main", slug);
  }

  job(id) {
    return this.expect(200, "GET", `/orgs/main/jobs/${id}`);
  }

  async jobs() {
    return (await this.expect(200, "GET", "/orgs/main/jobs")).jobs;
  }

  async jobIds() {
    return new Set((await this.jobs()).map((job) => job.id));
  }

  /** How many jobs of a package there are that were not among the known ones. The list shows the newest only, so its length says nothing. */
  async countNewJobs(name, known) {
    return (await this.jobs()).filter((job) => job.package === name && !known.has(job.id)).length;
  }

  /** Waits for the job's end, whatever it is, and until what it published is in force. */
  async jobEnded(id, { deadline = 240_000, repository } = {}) {
    let last;
    const job = await until(
      () => `job ${id} has not ended: ${JSON.stringify(last)}`,
      async () => {
        last = await this.job(id);
        return ended.includes(last.state) && last;
      },
      { deadline },
    );
    await this.inForce(repository);
    return job;
  }

  /** Waits until the repository answers with its newest revision: 10 seconds are the promise, and are never more. */
  async inForce(slug = "packages") {
    const { repositories } = await this.expect(200, "GET", "/orgs/main/repositories");
    const { revision } = repositories.find((entry) => entry.slug === slug);
    let answered;
    await until(
      () => `revision ${revision} is not in force; the answer was of ${answered}`,
      async () => {
        const repository = this.registry.repository("main", slug);
        const { headers } = await this.get("packages.json", { repository, method: "HEAD" });
        answered = Number(headers.get("x-repertoire-revision"));
        return answered >= revision;
      },
      { deadline: 10_000 },
    );
  }

  async jobDone(id, options) {
    const job = await this.jobEnded(id, options);
    assert.equal(job.state, "done", `the job ended as ${JSON.stringify(job)}`);
    return job;
  }

  /** Runs `action`, which must lead to a new job of the package, and waits until that is done. */
  async syncedBy(name, action, repository) {
    const known = await this.jobIds();
    await action();
    const fresh = await until(`no new job of ${name}`, async () =>
      (await this.jobs()).find((job) => job.package === name && !known.has(job.id)),
    );
    return this.jobDone(fresh.id, { repository });
  }

  /** Delivers a webhook of the shared connection, which must be accepted. */
  async deliver(event, payload, options) {
    const answer = await deliver(this.connection.webhook, event, payload, options);
    assert.equal(answer.status, 202, answer.text);
    return answer;
  }

  package(name) {
    return this.expect(200, "GET", `/orgs/main/packages/${name}`);
  }

  async versions(name) {
    return (await this.package(name)).versions.map((entry) => entry.version);
  }

  /** {access, packages, repositories, expires_at} with defaults; returns {id, token, …}. */
  async createToken(grants = {}, organisation = "main") {
    const created = await this.expect(201, "POST", `/orgs/${organisation}/tokens`, { name: "a test", access: "read", ...grants });
    this.#secrets.add(created.token);
    return created;
  }

  /** A proxy for Composer that writes down what it asks; to be stopped by whoever had it started. */
  logRequests(options = {}) {
    return RequestLog.start({ ...options, inspect: (answer) => this.#searchForTokens(answer) });
  }

  /** Tokens belong into headers: an address is logged and an answer is kept, by many. */
  #searchForTokens({ url, body }) {
    this.searched += 1;
    const secrets = [...this.#secrets, ...this.double.tokens.keys()];
    if (secrets.some((secret) => url.includes(secret) || body.includes(secret))) this.leaks.push(url);
  }

  /** A project for Composer with the repository set up; by default the administrator's token is its password. */
  async composer({ repository = this.registry.repository(), token = this.registry.adminToken, auth, ...options } = {}) {
    return ComposerProject.create(await this.newFolder("composer"), {
      repository,
      auth: auth ?? basic(this.registry.url, "token", token),
      ...options,
    });
  }

  /** Uploads a package whose files these are; returns the API's answer. It can be installed at once. */
  async upload(name, version, files, repository = this.registry.repository()) {
    const body = await this.zip(files);
    const path = `upload/${name}/${encodeURIComponent(version)}`;
    const answer = await this.get(path, { repository, method: "PUT", body, headers: { "content-type": "application/zip" } });
    assert.equal(answer.status, 201, `${name} ${version}: ${answer.text}`);
    return answer.json();
  }

  /** Asks the repository as Composer would; returns {status, headers, bytes, text, json()}. `token: null` sends no credentials. */
  async get(
    path,
    { repository = this.registry.repository(), method = "GET", token = this.registry.adminToken, headers = {}, body } = {},
  ) {
    const credentials = token === null ? {} : { authorization: `Bearer ${token}` };
    const url = path.startsWith("http") ? path : `${repository}/${path}`;
    const response = await fetch(url, {
      method,
      body,
      redirect: "manual",
      headers: { ...credentials, ...headers },
      signal: AbortSignal.timeout(120_000),
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    this.#searchForTokens({ url, body: Buffer.concat([Buffer.from(JSON.stringify([...response.headers])), bytes]) });
    return { status: response.status, headers: response.headers, bytes, text: bytes.toString(), json: () => JSON.parse(bytes) };
  }

  /** The bytes of an archive that `tar` makes of these files below one folder; `ending` is `tar`, `tar.gz` or `tar.bz2`. */
  async tar(files, ending = "tar.gz") {
    const folder = await this.newFolder("tar");
    for (const [name, content] of Object.entries(files)) {
      const path = join(folder, "package", name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, content);
    }
    const compression = { "tar.gz": ["--gzip"], "tar.bz2": ["--bzip2"] }[ending] ?? [];
    return runOrThrow("tar", ["--create", ...compression, "--file=-", "package"], { cwd: folder });
  }

  /** The bytes of a zip with these files, at the top or below `prefix`. */
  async zip(files, prefix = "") {
    const repository = await GitRepository.create(await this.newFolder("zip"));
    const [commit] = await repository.commit({ files });
    return repository.archive(commit, prefix);
  }
}

export function sha1(bytes) {
  return createHash("sha1").update(bytes).digest("hex");
}

export function sha256(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}
