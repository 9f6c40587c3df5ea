// What Composer's clients do all day, many at once: documents that are new, unchanged and not there, archives, and reports of
// what was installed. Each answer is checked; what is wrong with one is an error, told in words.
import { Agent, request as send } from "node:http";
import { sha1 } from "../e2e/world.mjs";

const kinds = ["document", "unchanged", "unknown", "archive", "notify"];
const requestDeadline = 60_000;

/** Many connections to one registry that are kept open, and how long each answer took. */
export class Clients {
  /** Milliseconds of each answer, by kind. */
  latencies = new Map(kinds.map((kind) => [kind, []]));
  errors = [];
  #validators = new Map();

  /** `known` has what there is to ask for: `names`, and `archives` as `{url, shasum}`. It may grow meanwhile. */
  constructor({ repository, token, connections, known }) {
    this.repository = repository;
    this.headers = { authorization: `Bearer ${token}` };
    this.connections = connections;
    this.known = known;
    this.agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /** Asks on all connections until `isOver` says so. */
  async run(isOver) {
    const connections = Array.from({ length: this.connections }, async (_, number) => {
      for (let turn = number; !isOver(); turn += 1) await this.#ask(kinds[turn % kinds.length]);
    });
    await Promise.all(connections);
    this.agent.destroy();
  }

  async #ask(kind) {
    const startedAt = performance.now();
    try {
      await this.#act(kind);
      this.latencies.get(kind).push(performance.now() - startedAt);
    } catch (error) {
      this.errors.push(`${kind}: ${error.message}`);
    }
  }

  async #act(kind) {
    const name = pick(this.known.names);
    const path = `${this.repository}/p2/${name}.json`;
    if (kind === "document") {
      const answer = await this.#get(path, 200);
      if (JSON.parse(answer.bytes).packages[name] === undefined) throw new Error(`${path} is about something else`);
      this.#validators.set(name, answer.headers["last-modified"]);
    } else if (kind === "unchanged") {
      const validator = this.#validators.get(name);
      // It may have been published meanwhile.
      const answer = await this.request("GET", path, validator && { "if-modified-since": validator });
      if (answer.status !== 304) expect(answer, 200, path);
      this.#validators.set(name, answer.headers["last-modified"]);
    } else if (kind === "unknown") {
      await this.#get(`${this.repository}/p2/nobody/${name.split("/")[1]}.json`, 404);
    } else if (kind === "archive") {
      const { url, shasum } = pick(this.known.archives);
      const { bytes } = await this.#get(url, 200);
      if (sha1(bytes) !== shasum) throw new Error(`${url} has another SHA-1 than its document says`);
    } else {
      const downloads = JSON.stringify({ downloads: [{ name, version: "1.0.0.0" }] });
      const answer = await this.request("POST", `${this.repository}/downloads`, { "content-type": "application/json" }, downloads);
      expect(answer, 201, "downloads");
    }
  }

  async #get(url, status) {
    const answer = await this.request("GET", url);
    expect(answer, status, url);
    return answer;
  }

  request(method, url, headers, body) {
    return new Promise((resolve, reject) => {
      const options = { method, agent: this.agent, headers: { ...this.headers, ...headers }, timeout: requestDeadline };
      const asking = send(url, options, (response) => {
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, bytes: Buffer.concat(chunks) }));
      });
      asking.on("timeout", () => asking.destroy(new Error(`${method} ${url} took longer than ${requestDeadline / 1000} s`)));
      asking.on("error", reject);
      asking.end(body);
    });
  }

  /** A line for each kind: how many, and in what time half of them and all but one in a hundred were answered. */
  report() {
    return [...this.latencies].map(([kind, times]) => {
      const sorted = times.toSorted((left, right) => left - right);
      const at = (part) => (sorted.length === 0 ? "–" : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))].toFixed(1));
      return { kind, answers: sorted.length, "p50 (ms)": at(0.5), "p99 (ms)": at(0.99) };
    });
  }
}

function expect(answer, status, url) {
  if (answer.status !== status) throw new Error(`${url} answered ${answer.status}: ${answer.bytes.subarray(0, 300)}`);
}

function pick(list) {
  return list[Math.floor(Math.random() * list.length)];
}
