// The real Composer in a project of its own: nothing of the user's configuration, cache or credentials takes part.
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run, runOrThrow } from "./support/process.mjs";

const binary = process.env.COMPOSER_BIN ?? "composer";

export class ComposerProject {
  /**
   * `repository` is the URL of a Composer repository (or a whole repository entry), `auth` the content of an auth.json
   * (see `basic` and `bearer`), `config` goes into composer.json's `config`.
   */
  static async create(folder, { repository, auth = {}, config = {}, require = {} }) {
    const project = new ComposerProject();
    project.folder = join(folder, "project");
    project.home = join(folder, "home");
    project.cache = join(folder, "cache");
    project.auth = auth;
    await mkdir(project.folder, { recursive: true });
    await mkdir(project.home);
    const entry = typeof repository === "string" ? { type: "composer", url: repository } : repository;
    await project.write({
      name: "example/project",
      description: "A project that installs packages",
      license: "proprietary",
      require,
      repositories: [entry, { "packagist.org": false }],
      config: { "secure-http": false, ...config },
    });
    return project;
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
      no_proxy: "*",
      NO_PROXY: "*",
    };
    return run(binary, ["--no-ansi", ...args], { cwd: this.folder, env: environment });
  }

  /** Runs composer, which has to succeed; returns what it printed. */
  async succeed(...args) {
    const { code, output } = await this.run(...args);
    if (code !== 0) throw new Error(`composer ${args.join(" ")} ended with ${code}:\n${output}`);
    return output;
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
  async show(name) {
    const { code, stdout, output } = await this.run("show", "--all", "--format=json", name);
    if (code !== 0) throw new Error(`composer show ${name} ended with ${code}:\n${output}`);
    return JSON.parse(stdout);
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
