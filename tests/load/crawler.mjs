// A mirror that reads all there is, again and again: whatever is named has to be there, as it is named. What is not is a torn
// read: the name of a document that is missing, a version of before that is gone, an archive that is not there or another.
import { sha1 } from "../e2e/world.mjs";

const archivesAtOnce = 8;

export class Crawler {
  rounds = 0;
  torn = [];
  #archives = new Map();
  #versions = new Map();

  /** `get(url)` answers `{status, headers, bytes}`. What is found is put into `known`, for others to ask for. */
  constructor({ repository, get, known }) {
    this.repository = repository;
    this.get = get;
    this.known = known;
  }

  async run(isOver) {
    do await this.round();
    while (!isOver());
  }

  /** Reads the root, the list, every document that is named and every archive that was not read before. */
  async round() {
    const root = await this.#json(`${this.repository}/packages.json`);
    const list = await this.#json(`${this.repository}/list.json`);
    const names = new Set([...(root?.["available-packages"] ?? []), ...(list?.packageNames ?? [])]);
    if (names.size === 0) this.torn.push("no name is listed");
    for (const name of names) {
      const tagged = await this.#versionsOf(name, `p2/${name}.json`);
      const branches = await this.#versionsOf(name, `p2/${name}~dev.json`);
      const fresh = [...tagged, ...branches].filter(({ dist }) => dist && !this.#archives.has(dist.url));
      for (let at = 0; at < fresh.length; at += archivesAtOnce)
        await Promise.all(fresh.slice(at, at + archivesAtOnce).map(({ dist }) => this.#read(dist)));
    }
    this.known.names = [...names];
    this.known.archives = [...this.#archives].map(([url, shasum]) => ({ url, shasum }));
    this.rounds += 1;
  }

  /** The versions that were seen of a package, as its documents have them. */
  versions(name) {
    return this.#versions.get(`p2/${name}.json`) ?? new Set();
  }

  async #versionsOf(name, path) {
    // Who has no branches has no document of them.
    const mayBeMissing = path.endsWith("~dev.json") && !this.#versions.get(path)?.size;
    const document = await this.#json(`${this.repository}/${path}`, mayBeMissing);
    const versions = expand(document?.packages?.[name] ?? []);
    const seen = new Set(versions.map(({ version }) => version));
    // Nothing is taken away here, so what was there has to be there still.
    for (const version of this.#versions.get(path) ?? [])
      if (!seen.has(version)) this.torn.push(`${path} had ${version} and has it no more`);
    this.#versions.set(path, seen);
    return versions;
  }

  async #read({ url, shasum }) {
    const { status, bytes } = await this.get(url);
    if (status !== 200) this.torn.push(`${url} is named and answers ${status}`);
    else if (sha1(bytes) !== shasum) this.torn.push(`${url} has another SHA-1 than its document says`);
    else this.#archives.set(url, shasum);
  }

  async #json(url, mayBeMissing = false) {
    const { status, bytes } = await this.get(url);
    if (status === 200) return JSON.parse(bytes);
    if (status === 404 && mayBeMissing) return undefined;
    this.torn.push(`${url} is named and answers ${status}`);
  }
}

/** Undoes Composer's minifying: a version says what differs from the one before. */
function expand(versions) {
  let current = {};
  return versions.map((version) => {
    current = { ...current, ...version };
    for (const [key, value] of Object.entries(current)) if (value === "__unset") delete current[key];
    return current;
  });
}
