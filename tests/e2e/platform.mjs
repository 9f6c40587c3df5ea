// What only the platform can do: its cron, its database, its caches. Spoken to by wrangler's local explorer, which
// `scripts/local-instance.mjs` uses as well. For what no user can bring about: a lost copy, a message of another program.
import assert from "node:assert/strict";

const consumer = "repertoire-consumer";
// The stand-ins of wrangler.toml.
const [database, cache] = ["repertoire-local", "repertoire-local"];

export class Platform {
  constructor(url) {
    this.explorer = `${url}/cdn-cgi/local/explorer/api`;
  }

  /** Runs the scheduled work once, and waits for its end. */
  async cron() {
    await this.#call(`local/scheduled?worker=${consumer}`, { cron: "*/5 * * * *" });
  }

  /** Runs a statement on the database. */
  query(sql, ...params) {
    return this.#call(`d1/database/${database}/raw`, { sql, params });
  }

  /** Removes every copy from the cache, as KV may at any time; returns how many there were. */
  async loseCopies() {
    const names = await this.listCopies();
    await this.#call(`storage/kv/namespaces/${cache}/bulk/delete`, names);
    return names.length;
  }

  async listCopies() {
    const names = [];
    let cursor = "";
    do {
      const page = await this.#call(`storage/kv/namespaces/${cache}/keys?limit=1000&cursor=${encodeURIComponent(cursor)}`);
      names.push(...page.result.map((entry) => entry.name));
      cursor = page.result_info?.cursor ?? "";
    } while (cursor !== "");
    return names;
  }

  async #call(path, body) {
    const response = await fetch(`${this.explorer}/${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(60_000),
    });
    const text = await response.text();
    assert.ok(response.ok, `${path} was answered ${response.status}: ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }
}
