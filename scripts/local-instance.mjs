// A whole Repertoire on this machine: its Workers in one `wrangler dev`, and all they keep in one folder.
// Several instances run side by side, each with a state folder and a port of its own.
//
// The state folder:
//   .dev.vars                               the secrets, made once; wrangler reads it because it is beside the configurations
//   wrangler.toml, wrangler.*.toml          made at each start from the committed ones
//   data/                                   D1, KV, R2
//   wrangler.log                            what wrangler and the Workers printed since the last start

import { createHash, randomBytes } from "node:crypto";
import { createWriteStream, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

import { endChild } from "./children.mjs";
import { writeConfigurations } from "./configuration.mjs";
import { takeLock } from "./lock.mjs";
import { projectFolder } from "./paths.mjs";
import { runWrangler, startWrangler } from "./wrangler.mjs";

const ADDRESS = "127.0.0.1";
const CONSUMER_NAME = "repertoire-consumer";
const HEALTHY_WITHIN_MILLISECONDS = 60_000;
const HEALTH_INTERVAL_MILLISECONDS = 150;
// While it runs: asked this often, given this long, and lost after this many silences in a row.
const WATCH_INTERVAL_MILLISECONDS = 5000;
const WATCH_PATIENCE_MILLISECONDS = 10_000;
const WATCH_SILENCES = 2;

export class LocalInstance {
  /**
   * `showError` gets each line that wrangler prints as an error; `variables` are more settings of all Workers;
   * `badCredentials` is how many of them an address may send in a minute, where it is not what is committed.
   */
  constructor({ stateFolder, port, variables = {}, badCredentials, showError = () => {} }) {
    this.stateFolder = resolve(projectFolder, stateFolder);
    this.dataFolder = join(this.stateFolder, "data");
    this.logPath = join(this.stateFolder, "wrangler.log");
    this.port = port;
    this.url = `http://localhost:${port}`;
    this.variables = variables;
    this.badCredentials = badCredentials;
    this.showError = showError;
  }

  /** Takes the state folder, makes what is missing in it and brings the database up to date. */
  async prepare() {
    mkdirSync(this.dataFolder, { recursive: true });
    const { holder } = takeLock(join(this.stateFolder, ".lock"));
    if (holder) {
      throw new Error(
        `process ${holder} runs on ${this.stateFolder} already; end it, or set REPERTOIRE_STATE and PORT for a second instance`,
      );
    }
    await this.#checkPort();
    this.#makeSecrets();
    this.configurations = writeConfigurations(this.stateFolder, {
      // Private addresses are the usual ones for a git host beside this instance.
      variables: { PUBLIC_URL: this.url, ALLOW_PRIVATE_ADDRESSES: "true", ...this.variables },
      countsWithin: 1,
      badCredentials: this.badCredentials,
    });
    await this.#migrate();
  }

  /** Starts the Workers and returns when they answer. */
  async start() {
    const log = createWriteStream(this.logPath);
    const registry = join(this.stateFolder, "registry");
    // One that was killed left its Workers' addresses there, and the cron would be sent to them.
    rmSync(registry, { recursive: true, force: true });
    this.wrangler = startWrangler(
      [
        "dev",
        ...this.configurations.flatMap((path) => ["--config", path]),
        ...["--ip", ADDRESS, "--port", String(this.port), "--inspector-port", "0"],
        ...["--persist-to", this.dataFolder, "--show-interactive-dev-session=false"],
      ],
      {
        // Where running Workers find each other. With the common folder, two instances would mix up their Workers.
        WRANGLER_REGISTRY_PATH: registry,
        // wrangler keeps a second log of its own for each run, and nobody removes them.
        WRANGLER_LOG_PATH: join(this.stateFolder, "wrangler-debug.log"),
        // It would record every request into a database in the state folder.
        X_LOCAL_OBSERVABILITY: "false",
      },
    );
    for (const stream of [this.wrangler.stdout, this.wrangler.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        if (!isOwnHealthCheck(line)) log.write(`${line}\n`);
        if (isError(line)) this.showError(line);
      });
    }
    await this.#becomeHealthy();
  }

  /** Resolves with `{ code, wasEnded }` when wrangler has ended. */
  get ended() {
    return this.wrangler.ended;
  }

  /**
   * Resolves when the Workers are lost: wrangler has ended, or it lives and passes on no more requests, which happens
   * after the runtime below it crashed. Not when `stop()` ended them.
   */
  async lost() {
    const ended = this.ended.then(({ code, wasEnded }) => (wasEnded ? new Promise(() => {}) : `wrangler ended with code ${code}`));
    return Promise.race([ended, this.#silence()]);
  }

  async stop() {
    if (this.wrangler) await endChild(this.wrangler);
  }

  /** What Cloudflare does by the cron expression, and `wrangler dev` leaves to us. */
  async runCron(expression) {
    const response = await fetch(`${this.url}/cdn-cgi/local/explorer/api/local/scheduled?worker=${CONSUMER_NAME}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ cron: expression }),
    });
    if (!response.ok) throw new Error(`the cron was answered ${response.status}: ${await response.text()}`);
  }

  /** A secret of this instance by its name. */
  secret(name) {
    const found = readFileSync(this.#secretsPath, "utf8").match(new RegExp(`^${name}=(.*)$`, "m"));
    if (!found) throw new Error(`${this.#secretsPath} has no ${name}`);
    return found[1];
  }

  logTail(lines = 25) {
    return existsSync(this.logPath) ? readFileSync(this.logPath, "utf8").trimEnd().split("\n").slice(-lines).join("\n") : "";
  }

  get #secretsPath() {
    return join(this.stateFolder, ".dev.vars");
  }

  /** wrangler's own message about a port that is taken speaks of anything but the port. */
  #checkPort() {
    return new Promise((resolvePromise, reject) => {
      const probe = createServer();
      probe.once("error", (error) =>
        reject(new Error(error.code === "EADDRINUSE" ? `port ${this.port} is taken; set PORT to another one` : error.message)),
      );
      probe.listen(this.port, ADDRESS, () => probe.close(resolvePromise));
    });
  }

  #makeSecrets() {
    const secrets = {
      ENCRYPTION_KEY: randomBytes(32).toString("base64"),
      SETUP_SECRET: randomBytes(32).toString("hex"),
    };
    const text = Object.entries(secrets).map(([name, value]) => `${name}=${value}\n`);
    try {
      // "wx": never over an old key, which what is stored was encrypted with.
      writeFileSync(this.#secretsPath, text.join(""), { mode: 0o600, flag: "wx" });
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
  }

  /** Skipped when the migrations are those of the last time: asking wrangler takes longer than all the rest of a start. */
  async #migrate() {
    const stampPath = join(this.dataFolder, ".migrated");
    const folder = join(projectFolder, "migrations");
    const hash = createHash("sha256");
    for (const name of readdirSync(folder).filter((name) => name.endsWith(".sql")).sort()) hash.update(name).update(readFileSync(join(folder, name)));
    const stamp = hash.digest("hex");
    if (existsSync(stampPath) && readFileSync(stampPath, "utf8") === stamp) return;
    const [edge] = this.configurations;
    const { code, stdout, stderr } = await runWrangler(
      ["d1", "migrations", "apply", "DB", "--local", "--persist-to", this.dataFolder, "--config", edge],
      { WRANGLER_LOG_PATH: join(this.stateFolder, "wrangler-debug.log") },
    );
    if (code !== 0) throw new Error(`the local database could not be migrated:\n${stdout}${stderr}`);
    writeFileSync(stampPath, stamp);
  }

  async #becomeHealthy() {
    const deadline = Date.now() + HEALTHY_WITHIN_MILLISECONDS;
    let ended = false;
    this.ended.then(() => {
      ended = true;
    });
    let last = "it does not answer";
    while (!ended && Date.now() < deadline) {
      const status = await this.#health();
      if (status === 200) return;
      if (status) last = `GET /healthz answers ${status}`;
      await delay(HEALTH_INTERVAL_MILLISECONDS);
    }
    await this.stop();
    const reason = ended ? "wrangler ended" : last;
    throw new Error(`the Workers did not start: ${reason}. The end of ${this.logPath}:\n${this.logTail()}`);
  }

  async #silence() {
    for (let silences = 0; silences < WATCH_SILENCES; ) {
      // Not a reason to stay: what else this process waits for is.
      await delay(WATCH_INTERVAL_MILLISECONDS, undefined, { ref: false });
      silences = (await this.#health()) ? 0 : silences + 1;
    }
    return "the Workers no longer answer";
  }

  /** The status of the health check, or nothing when there was no answer. */
  async #health() {
    try {
      const signal = AbortSignal.timeout(WATCH_PATIENCE_MILLISECONDS);
      const response = await fetch(`${this.url}/healthz`, { redirect: "manual", signal });
      await response.arrayBuffer();
      return response.status;
    } catch {
      return undefined;
    }
  }
}


function isError(line) {
  return /\[ERROR\]|\[wrangler:error\]|✘|runtime crashed/.test(line);
}

function isOwnHealthCheck(line) {
  return line.includes("GET /healthz 200");
}
