// A stand-in for GitHub: its REST API on 127.0.0.1 and its archive host on `localhost`, another host to every HTTP client.
// Its state are real bare git repositories; what it answers is read from them by git at that moment, so it cannot disagree with itself.
// It is stricter than GitHub where that finds mistakes: pages of 2, links to archives that work once, an archive host that refuses credentials.
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { once } from "node:events";
import { join } from "node:path";
import { randomUUID } from "node:crypto";
import { GitRepository } from "./support/git-repository.mjs";
import { answerApi } from "./github-answers.mjs";
import { GitHubApp } from "./github-apps.mjs";
import { answerArchive } from "./github-archives.mjs";
import { Faults } from "./github-faults.mjs";
import { countBytes, readBody } from "./support/body.mjs";
import { Hooks } from "./github-hooks.mjs";
import { answerGit } from "./support/git-http.mjs";

export class GitHubDouble {
  /** What answers, by host. Another host's double has answers of its own, over the same projects. */
  static answers = { api: answerApi, archive: answerArchive };

  /** Where the API lies below the origin. */
  static basePath(certificate) {
    return certificate ? "/api/v3" : "";
  }

  /** Every request that arrived: {host: 'api' | 'archive', method, path, headers, status, bytes}; `path` has its query. */
  requests = [];
  /** Requests that brought credentials to the archive host. A right client leaves this empty. */
  leaks = [];
  faults = new Faults();
  hooks = new Hooks();
  tokens = new Map();
  projects = new Map();
  apps = [];
  archiveLinks = new Map();
  archivesServed = 0;
  /** How many refs a page has, whatever `per_page` says: a client that does not follow the links sees two tags. */
  pageSize = 2;
  #truncations = new Set();
  #servers = [];
  #lastProject = 700_000;

  /** `certificate` ({key, cert}) makes it an Enterprise Server: https, and the API below /api/v3. */
  static async start({ folder, certificate }) {
    const double = new this();
    const { api, archive } = this.answers;
    double.folder = folder;
    double.basePath = this.basePath(certificate);
    const scheme = certificate ? "https" : "http";
    double.origin = `${scheme}://127.0.0.1:${await double.#listen("api", api, certificate)}`;
    double.url = double.origin + double.basePath;
    if (archive) double.archiveUrl = `${scheme}://localhost:${await double.#listen("archive", archive, certificate)}`;
    return double;
  }

  async stop() {
    this.faults.releaseAll();
    for (const server of this.#servers) {
      server.close();
      server.closeAllConnections();
    }
  }

  /** `scopes` as of a classic token; undefined makes it fine-grained, which has no scopes header. */
  addToken({ login = "ada", scopes, mayReadContents = true, mayManageHooks = true } = {}) {
    const token = (scopes === undefined ? "github_pat_" : "ghp_") + randomUUID().replaceAll("-", "");
    this.tokens.set(token, { login, scopes, mayReadContents, mayManageHooks });
    return token;
  }

  addApp(options = {}) {
    const app = new GitHubApp({ ...options, id: 1_001 + this.apps.length, tokens: this.tokens });
    this.apps.push(app);
    return app;
  }

  /** A public project can be cloned by whoever asks, a private one by whoever shows a token as password. */
  async addProject(fullName, { defaultBranch = "main", isPublic = false } = {}) {
    const id = (this.#lastProject += 1);
    const repository = await GitRepository.create(join(this.folder, `${id}.git`), defaultBranch);
    const project = { id, fullName, formerNames: [], defaultBranch, archived: false, isPublic, repository };
    this.projects.set(id, project);
    return project;
  }

  rename(project, fullName) {
    project.formerNames.push(project.fullName);
    project.fullName = fullName;
  }

  findProject(fullName) {
    return [...this.projects.values()].find((project) => sameName(project.fullName, fullName));
  }

  findRenamedProject(fullName) {
    return [...this.projects.values()].find((project) => project.formerNames.some((name) => sameName(name, fullName)));
  }

  /** The project's next archive ends too early; its status is still 200 and its HTTP framing is right. */
  truncateNextArchive(project) {
    this.#truncations.add(project);
  }

  takeTruncation(project) {
    return this.#truncations.delete(project);
  }

  countRequests(pattern) {
    return this.requests.filter((request) => pattern.test(request.path)).length;
  }

  async #listen(host, answer, certificate) {
    const handle = (request, response) =>
      this.#handle(host, answer, request, response).catch((error) => {
        // A bug in the double must show as one, not as a provider's outage.
        console.error("the double:", error);
        response.destroy();
      });
    const server = certificate ? createSecureServer(certificate, handle) : createServer(handle);
    this.#servers.push(server);
    server.listen(0, host === "api" ? "127.0.0.1" : "localhost");
    await once(server, "listening");
    return server.address().port;
  }

  /** An address of git. */
  get clonePattern() {
    return /^\/(?<name>[^/]+\/[^/]+)\.git(?<rest>\/.*)$/;
  }

  #mayClone(request) {
    const [, basic = ""] = /^Basic (\S+)$/.exec(request.headers.authorization ?? "") ?? [];
    const token = this.tokens.get(Buffer.from(basic, "base64").toString().split(":")[1]);
    return token !== undefined && token.mayReadContents !== false;
  }

  async #handle(host, answer, request, response) {
    const record = { host, method: request.method, path: request.url, headers: request.headers, status: undefined };
    this.requests.push(record);
    countBytes(response, record);
    const clone = host === "api" && this.clonePattern.exec(request.url);
    const cloned = clone && this.findProject(clone.groups.name);
    if (cloned && (cloned.isPublic || this.#mayClone(request))) {
      record.status = await answerGit(cloned.repository.folder, clone.groups.rest, request, response);
      return;
    }
    const body = await readBody(request);
    if (cloned) {
      // Git shows its credentials when it is asked for them, and not before.
      record.status = 401;
      response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end();
      return;
    }
    const reply = (await this.faults.apply(request.url)) ?? (await answer(this, request, body));
    record.status = reply.status;
    response.writeHead(reply.status, reply.headers);
    for (const chunk of reply.chunks ?? []) response.write(chunk);
    response.end(reply.body);
  }
}

function sameName(one, other) {
  return one.toLowerCase() === other.toLowerCase();
}
