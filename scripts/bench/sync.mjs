// What a sync asks of a git host, host by host, and how long plain git takes beside git itself, both from the same server.
// The hosts are the doubles of the end-to-end tests, with pages as large as the hosts' own.

import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { ForgejoDouble } from "../../tests/e2e/forgejo-double.mjs";
import { GitHubDouble } from "../../tests/e2e/github-double.mjs";
import { GitLabDouble } from "../../tests/e2e/gitlab-double.mjs";
import { GitServer } from "../../tests/e2e/git-server.mjs";
import { setUp } from "../first-start.mjs";
import { LocalInstance } from "../local-instance.mjs";
import { freePort, say } from "./machine.mjs";
import { count, median, table } from "./report.mjs";

const TAGS = 100;
const FILES = 30;
const DONE_WITHIN_MILLISECONDS = 300_000;
// How often a job is looked at; a share of what is measured that cannot be avoided.
const LOOK_MILLISECONDS = 10;

/** Returns the tables. */
export async function measureSync({ folder, isQuick }) {
  const rounds = isQuick ? 1 : 3;
  const instance = new LocalInstance({ stateFolder: join(folder, "sync-state"), port: await freePort() });
  await instance.prepare();
  await instance.start();
  const hosts = await openHosts(folder);
  try {
    const { token } = await setUp({ url: instance.url, setupSecret: instance.secret("SETUP_SECRET") });
    const registry = new Registry(instance.url, token);
    for (const host of hosts) host.connection = await registry.post("connections", { provider: host.provider, ...host.credentials });
    // What comes first also pays for opening storage and compiling.
    await syncAll(registry, hosts.at(-1), "warm", 3);
    const asked = [];
    for (const host of hosts) {
      say(`requests to ${host.title}`);
      asked.push({ host, ...(await syncAll(registry, host, "counted", TAGS)) });
    }
    const git = hosts.at(-1);
    const timed = [];
    for (let round = 0; round < rounds; round += 1) {
      say(`plain git beside git, round ${round + 1} of ${rounds}`);
      const name = `timed-${round}`;
      const { add, folder: bare } = await git.addProject(name);
      await add(TAGS);
      const theirs = () => cloneAndArchive(git, name, join(folder, `clone-${round}`));
      // Forth and back, so that no side is always first.
      const first = round % 2 ? await theirs() : undefined;
      const ours = await registry.import(git, name);
      const second = first ?? (await theirs());
      const unchanged = [];
      for (let turn = 0; turn < 5; turn += 1) unchanged.push(await registry.sync(name));
      timed.push({ ours, theirs: second, unchanged: median(unchanged), listed: await timeListing(bare, git, name) });
    }
    return { text: `${requestTable(asked)}\n\n${timeTable(timed, rounds)}` };
  } finally {
    for (const host of hosts) await host.stop();
    await instance.stop();
  }
}

/** `{ title, provider, credentials, requests, addProject, stop }` of each; plain git comes last. */
async function openHosts(folder) {
  const hosts = [];
  for (const [title, provider, Double, pageSize] of [
    ["GitHub", "github", GitHubDouble, 100],
    ["GitLab", "gitlab", GitLabDouble, 100],
    ["Forgejo", "forgejo", ForgejoDouble, 50],
  ]) {
    const own = join(folder, provider);
    mkdirSync(own);
    const double = await Double.start({ folder: own });
    double.pageSize = pageSize;
    hosts.push({
      title,
      provider,
      credentials: { base_url: double.url, token: double.addToken(provider === "github" ? { scopes: "repo" } : undefined) },
      requests: double.requests,
      addProject: async (name) => project((await double.addProject(`bench/${name}`)).repository, name, `bench/${name}`),
      stop: () => double.stop(),
    });
  }
  const own = join(folder, "git-server");
  mkdirSync(own);
  const server = await GitServer.start({ folder: own });
  hosts.push({
    title: "plain git",
    provider: "git",
    url: server.url,
    credentials: { base_url: server.url, username: server.username, token: server.password },
    requests: server.requests,
    addProject: async (name) => project(await server.addRepository(`${name}.git`), name, `${name}.git`),
    stop: () => server.stop(),
  });
  return hosts;
}

/** A project to which tags can be added, each at a commit of its own that changes two files of some thirty. */
function project(repository, name, path) {
  let tags = 0;
  const add = async (number) => {
    const commits = [];
    for (const end = tags + number; tags < end; tags += 1) commits.push({ files: files(name, tags), tags: [`v1.${tags}.0`] });
    await repository.commit(...commits);
  };
  return { add, path, folder: repository.folder };
}

function files(name, release) {
  const found = { "composer.json": JSON.stringify({ name: `bench/${name}`, description: `Release ${release}`, license: "MIT" }) };
  for (let index = 0; index < FILES; index += 1) {
    // One file is of this release, the others of the one that last changed them.
    const changed = release - ((release - index + FILES) % FILES);
    const lines = Array.from({ length: 40 }, (_, line) => `    public function method${line}(): int { return ${changed * 7919 + index * 104729 + line * 31}; }`);
    found[`src/Part${index}.php`] = `<?php\nclass Part${index}\n{\n${lines.join("\n")}\n}\n`;
  }
  return found;
}

/** A first import, a sync after one more tag and one without news: what each asked of the host. */
async function syncAll(registry, host, purpose, tags) {
  const name = `${purpose}-${host.provider}`;
  const project = await host.addProject(name);
  await project.add(tags);
  const during = async (action) => {
    const before = host.requests.length;
    await action();
    const requests = host.requests.slice(before);
    return { requests: requests.length, bytes: requests.reduce((sum, { bytes }) => sum + bytes, 0) };
  };
  const first = await during(() => registry.import(host, name, project.path));
  await project.add(1);
  const one = await during(() => registry.sync(name));
  const none = await during(() => registry.sync(name));
  return { first, one, none };
}

/** The registry by its API. Times are in seconds, from the request to the end of the job. */
class Registry {
  #paths = new Map();

  constructor(url, token) {
    this.url = `${url}/api/v1/orgs/main`;
    this.headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  }

  async import(host, name, path = `${name}.git`) {
    const began = performance.now();
    const { job, package: made } = await this.post("packages", { connection: host.connection.id, project: path, repository: "packages" });
    this.#paths.set(name, made.name);
    await this.#done(job.id);
    return (performance.now() - began) / 1000;
  }

  async sync(name) {
    const began = performance.now();
    const { job } = await this.post(`packages/${this.#paths.get(name)}/sync`);
    await this.#done(job.id);
    return (performance.now() - began) / 1000;
  }

  post(path, body) {
    return this.#ask(path, { method: "POST", body: body && JSON.stringify(body) });
  }

  async #done(id) {
    for (const deadline = Date.now() + DONE_WITHIN_MILLISECONDS; Date.now() < deadline; await delay(LOOK_MILLISECONDS)) {
      const job = await this.#ask(`jobs/${id}`);
      if (job.state === "done" && job.progress.failed === 0) return;
      if (["failed", "cancelled"].includes(job.state) || job.progress.failed > 0) throw new Error(`the job ended as ${JSON.stringify(job)}`);
    }
    throw new Error(`job ${id} has not ended`);
  }

  async #ask(path, options = {}) {
    const response = await fetch(`${this.url}/${path}`, { headers: this.headers, ...options });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path} was answered ${response.status}: ${text}`);
    return JSON.parse(text);
  }
}

/** What git itself takes for the same: a clone, and an archive of each tag. */
async function cloneAndArchive(host, name, into) {
  const began = performance.now();
  await git(["clone", "--quiet", "--bare", address(host, name), into]);
  for (let tag = 0; tag < TAGS; tag += 1) await git(["archive", "--format=zip", "--output=../archive.zip", `v1.${tag}.0`], into);
  return (performance.now() - began) / 1000;
}

/** What git itself takes to see that there is nothing new. */
async function timeListing(folder, host, name) {
  const began = performance.now();
  await git(["ls-remote", "--quiet", address(host, name)], folder);
  return (performance.now() - began) / 1000;
}

function address({ url, credentials }, name) {
  const found = new URL(`${url}/${name}.git`);
  found.username = credentials.username;
  found.password = credentials.token;
  return found.href;
}

function git(arguments_, cwd) {
  const environment = { PATH: process.env.PATH, HOME: process.env.HOME, GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null", no_proxy: "*" };
  // Not `spawnSync`: the server is in this very process.
  const child = spawn("git", arguments_, { cwd, env: environment, stdio: ["ignore", "ignore", "inherit"] });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`git ${arguments_[0]} ended with ${code}`))));
  });
}

function requestTable(asked) {
  const kilobytes = ({ bytes }) => `${count(bytes / 1000)} kB`;
  const git = asked.at(-1);
  return table(
    ["host", `first import of ${TAGS} tags: requests`, "of plain git's", "answers", "one new tag: requests", "answers", "nothing changed: requests", "answers"],
    asked.map(({ host, first, one, none }) => [
      host.title,
      first.requests.toLocaleString("en-GB"),
      `${count(first.requests / git.first.requests)} ×`,
      kilobytes(first),
      one.requests,
      kilobytes(one),
      none.requests,
      kilobytes(none),
    ]),
  );
}

function timeTable(timed, rounds) {
  const seconds = (values) => `${median(values).toFixed(2)} s`;
  const row = (title, ours, theirs, target) => [
    title,
    seconds(timed.map(ours)),
    seconds(timed.map(theirs)),
    `**${median(timed.map((round) => ours(round) / theirs(round))).toFixed(2)}**`,
    target,
  ];
  return (
    table(
      ["plain git", "registry", "git", "**ratio**", "target"],
      [
        row(`first import of ${TAGS} tags, beside \`git clone --bare\` and \`git archive\` of each`, ({ ours }) => ours, ({ theirs }) => theirs, "2"),
        row("nothing changed, beside `git ls-remote`", ({ unchanged }) => unchanged, ({ listed }) => listed, "0.2 s"),
      ],
    ) + `\n\nMedians of ${rounds} interleaved round${rounds === 1 ? "" : "s"}; each archive has ${FILES + 1} files.`
  );
}
