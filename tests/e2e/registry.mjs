// The product itself: `node scripts/start.mjs` as a user would start it, on a free port, with a state folder of the tests' own.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createHash, randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { setTimeout as pause } from "node:timers/promises";
import { checkAnswer } from "./contract.mjs";
import { run } from "./support/process.mjs";
import { until } from "./support/until.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
// A start on a fresh clone compiles; a later one takes seconds.
const startDeadline = 15 * 60_000;
const stopDeadline = 20_000;

export class Registry {
  #child;
  #closed;
  output = "";
  /** Called with each answer's `{url, body}`. */
  inspect = () => {};

  /** `environment` is what else the script is told. */
  static async start({ state, script = "scripts/start.mjs", sample = "0", environment = {} }) {
    const registry = new Registry();
    registry.environment = environment;
    registry.state = state;
    registry.script = script;
    registry.sample = sample;
    registry.adminToken = `admin-${createHash("sha256").update(randomBytes(32)).digest("hex")}`;
    registry.port = await freePort();
    registry.url = `http://localhost:${registry.port}`;
    // Whatever ends the tests, the registry ends with them.
    process.on("exit", () => registry.#signal("SIGKILL"));
    await registry.#launch();
    return registry;
  }

  /** The URL of a repository as Composer is told it. */
  repository(organisation = "main", repository = "packages") {
    return `${this.url}/r/${organisation}/${repository}`;
  }

  /** Calls the JSON API, as the administrator unless told otherwise; returns {status, headers, text, body} with `body` read as JSON. */
  async api(method, path, body, { token = this.adminToken } = {}) {
    const headers = { authorization: `Bearer ${token}`, accept: "application/json" };
    if (body !== undefined) headers["content-type"] = "application/json";
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(120_000),
    });
    const text = await response.text();
    this.inspect({ url: response.url, body: text });
    checkAnswer({ method, path: `/api/v1${path}`, status: response.status, contentType: response.headers.get("content-type"), text });
    const isJson = /[/+]json/.test(response.headers.get("content-type") ?? "");
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson && text !== "" ? JSON.parse(text) : undefined,
    };
  }

  async stop() {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#signal("SIGTERM");
      const stopped = await Promise.race([this.#closed.then(() => true), pause(stopDeadline, false, { ref: false })]);
      if (!stopped) this.#signal("SIGKILL");
      await this.#closed;
    }
    // The script may be gone before its children are.
    this.#signal("SIGKILL");
  }

  /** The same state on the same port. */
  async restart() {
    await this.stop();
    await this.#launch();
  }

  /** As when the power fails: every process of it ends at once and says goodbye to nobody. `start` goes on with its state. */
  async kill() {
    for (const pid of await descendants(this.#child.pid)) signal(pid, "SIGKILL");
    await this.#closed;
  }

  start() {
    return this.#launch();
  }

  async #launch() {
    const printedBefore = this.output.length;
    this.#child = spawn(process.execPath, [this.script], {
      cwd: root,
      // A process group of its own, so that stopping it reaches wrangler and workerd and nothing else.
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        PORT: String(this.port),
        REPERTOIRE_STATE: this.state,
        REPERTOIRE_ADMIN_TOKEN: this.adminToken,
        REPERTOIRE_SAMPLE: this.sample,
        ...this.environment,
      },
    });
    this.#closed = once(this.#child, "close");
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.on("data", (chunk) => {
        this.output += chunk;
      });
    await until(
      () => `the registry did not start:\n${this.tail()}`,
      async () => {
        if (this.#child.exitCode !== null) throw new Error(`the registry ended with ${this.#child.exitCode}:\n${this.tail()}`);
        return /composer require/.test(this.output.slice(printedBefore)) && this.#isHealthy();
      },
      { deadline: startDeadline, interval: 200 },
    );
  }

  async #isHealthy() {
    const response = await fetch(`${this.url}/healthz`, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined);
    await response?.body?.cancel();
    return response?.status === 200;
  }

  tail(length = 8_000) {
    return this.output.slice(-length);
  }

  #signal(name) {
    signal(-this.#child.pid, name);
  }
}

/** To a process, or to a whole group by its negative number. */
function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (error.code !== "ESRCH") throw error; // All of them are gone already.
  }
}

/** A process and all that it started, the elder first: wrangler leads a group of its own. */
async function descendants(pid) {
  const { stdout } = await run("ps", ["-A", "-o", "pid=,ppid="]);
  const pairs = stdout.toString().trim().split("\n").map((line) => line.trim().split(/\s+/).map(Number));
  const found = [pid];
  for (const parent of found) found.push(...pairs.filter(([, ppid]) => ppid === parent).map(([child]) => child));
  return found;
}

async function freePort() {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
