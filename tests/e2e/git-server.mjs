// A git server that speaks the smart protocol and nothing else: git's own http-backend behind Basic credentials.
import { createServer } from "node:http";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { countBytes } from "./support/body.mjs";
import { answerGit } from "./support/git-http.mjs";
import { GitRepository } from "./support/git-repository.mjs";

export class GitServer {
  /** Every request that arrived: {method, path, status, bytes}. */
  requests = [];

  static async start({ folder, username = "ada", password = "correct horse" }) {
    const server = new GitServer();
    Object.assign(server, { folder, username, password });
    const right = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
    server.http = createServer(async (request, response) => {
      const record = { method: request.method, path: request.url };
      server.requests.push(record);
      countBytes(response, record);
      if (request.headers.authorization !== right) {
        request.resume();
        record.status = 401;
        response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end();
        return;
      }
      record.status = await answerGit(folder, request.url, request, response);
    });
    await new Promise((resolve) => server.http.listen(0, "127.0.0.1", resolve));
    server.url = `http://127.0.0.1:${server.http.address().port}`;
    return server;
  }

  /** A new bare repository, found at `${url}/${path}`. */
  async addRepository(path) {
    const folder = join(this.folder, path);
    await mkdir(folder, { recursive: true });
    return GitRepository.create(folder);
  }

  /** Runs `action` and returns the requests that arrived meanwhile, as `POST /a/b.git/git-upload-pack`. */
  async during(action) {
    const before = this.requests.length;
    await action();
    return this.requests.slice(before).map(({ method, path }) => `${method} ${path}`);
  }

  stop() {
    this.http.closeAllConnections();
    return new Promise((resolve) => this.http.close(resolve));
  }
}
