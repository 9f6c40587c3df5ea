// The real Composer in a project of its own: nothing of the user's configuration, cache or credentials takes part.
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { clients } from "./clients.mjs";
import { run, runOrThrow } from "./support/process.mjs";

export class ComposerProject {
  /**
   * `repository` is the URL of a Composer repository (or a whole repository entry), `auth` the content of an auth.json
   * (see `basic` and `bearer`), `config` goes into composer.json's `config`, `manifest` beside it. `client` is one of `clients`,
   * `proxy` the address of a proxy that all requests have to take. Of `repositories` there may be several, the first one first.
   */
  static async create(
    folder,
    { repository, repositories = [repository], auth = {}, config = {}, require = {}, manifest = {}, client = clients[0], proxy },
  ) {
    const project = new ComposerProject();
    project.client = client;
    project.proxy = proxy;
    project.folder = join(folder, "project");
    project.home = join(folder, "home");
    project.cache = join(folder, "cache");
    project.auth = auth;
    await mkdir(project.folder, { recursive: true });
    await mkdir(project.home);
    await mkdir(project.cache);
    const entries = repositories.map((entry) => (typeof entry === "string" ? { type: "composer", url: entry } : entry));
    await project.write({
      name: "example/project",
      description: "A project that installs packages",
      license: "proprietary",
      require,
      repositories: [...entries, { "packagist.org": false }],
      config: { "secure-http": false, ...config },
      ...manifest,
    });
    return project;
  }

  /** Another project with the same content, so that what is done to one does not show in the other. */
  async copy(folder) {
    const copy = Object.assign(new ComposerProject(), this);
    for (const part of ["project", "home", "cache"]) {
      copy[part === "project" ? "folder" : part] = join(folder, part);
      await cp(join(this.folder, "..", part), join(folder, part), { recursive: true });
    }
    return copy;
  }

  /** Settings for all projects of this user, as in `~/.config/composer/config.json`. */
  async writeGlobalConfig(content) {
    await writeFile(join(this.home, "config.json"), JSON.stringify(content));
  }

  /** Runs composer and returns {code, output}; an exit code is the test's to judge. */
  async run(...args) {
    const environment = {
      PATH: process.env.PATH,
      HOME: this.home,
      COMPOSER_HOME: this.home,
      COMPOSER_CACHE_DIR: this.cache,
      COMPOSER_AUTH: JSON.stringify(this.auth),
      COMPOSER_ALLOW_SUPERUSER: "1",
      COMPOSER_NO_INTERACTION: "1",
      COMPOSER_ROOT_VERSION: "1.0.0",
      // A proxy of the machine must not come between Composer and 127.0.0.1.
      ...(this.proxy ? { http_proxy: this.proxy, https_proxy: this.proxy } : { no_proxy: "*", NO_PROXY: "*" }),
    };
    return run(this.client.binary, ["--no-ansi", ...args], { cwd: this.folder, env: environment });
  }

  /** Runs composer, which has to succeed; returns what it printed. */
  async succeed(...args) {
    const { code, output } = await this.run(...args);
    if (code !== 0) throw this.#failure(args, code, output);
    return output;
  }

  /** Runs composer, which has to end with this code; returns what it printed. */
  async end(expected, ...args) {
    const { code, output } = await this.run(...args);
    if (code !== expected) throw this.#failure(args, code, output);
    return output;
  }

  /** What a command with `--format=json` printed. */
  async json(...args) {
    const { code, stdout, output } = await this.run(...args, "--format=json");
    if (code !== 0) throw this.#failure(args, code, output);
    return JSON.parse(stdout);
  }

  #failure(args, code, output) {
    return new Error(`Composer ${this.client.version}: \`composer ${args.join(" ")}\` ended with ${code} in ${this.folder}:\n${output}`);
  }

  require(...packages) {
    return this.succeed("require", ...packages);
  }

  update(...args) {
    return this.succeed("update", ...args);
  }

  install(...args) {
    return this.succeed("install", ...args);
  }

  /** What `composer show --all` knows about a package, as JSON. */
  show(name) {
    return this.json("show", "--all", name);
  }

  /** Runs PHP code in which the project's autoloader is at work; returns what it printed. */
  async php(code) {
    return (
      await runOrThrow("php", ["-d", "display_errors=stderr", "-r", `require 'vendor/autoload.php'; ${code}`], {
        cwd: this.folder,
      })
    ).toString();
  }

  async read() {
    return JSON.parse(await readFile(join(this.folder, "composer.json")));
  }

  async write(manifest) {
    await writeFile(
      join(this.folder, "composer.json"),
      JSON.stringify({ ...manifest, require: { ...manifest.require } }, null, 4),
    );
  }

  /** Changes composer.json: `change` gets it as a value and may alter it in place. */
  async edit(change) {
    const manifest = await this.read();
    change(manifest);
    await this.write(manifest);
  }

  /** The entry of a package in composer.lock; undefined where it has none. */
  async locked(name) {
    const lock = JSON.parse(await readFile(join(this.folder, "composer.lock")));
    return lock.packages.find((entry) => entry.name === name);
  }

  /** All of composer.lock, as {name: version}. */
  async lockedVersions() {
    const lock = JSON.parse(await readFile(join(this.folder, "composer.lock")));
    return Object.fromEntries(lock.packages.map((entry) => [entry.name, entry.version]));
  }

  /** The text of a file of the project: `vendor/acme/lib/composer.json`. */
  file(path) {
    return readFile(join(this.folder, path), "utf8");
  }

  clearCache() {
    return rm(this.cache, { recursive: true, force: true });
  }

  removeVendor() {
    return rm(join(this.folder, "vendor"), { recursive: true, force: true });
  }

  /** As on a fresh machine that has composer.json and composer.lock: no vendor folder and nothing cached. */
  async forgetEverythingButTheLock() {
    await this.removeVendor();
    await this.clearCache();
  }
}

/** auth.json for a host: Basic with a user name and a password. */
export function basic(url, username, password) {
  return { "http-basic": { [new URL(url).host]: { username, password } } };
}

export function bearer(url, token) {
  return { bearer: { [new URL(url).host]: token } };
}
