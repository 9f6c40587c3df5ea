// A bare git repository, written and read through the real git only. Commits go in by `git fast-import`: one process for any number of them.
import { run, runOrThrow } from "./process.mjs";

// Whoever runs the tests may have hooks, templates, signing or another default branch configured: none of it may leak in.
const environment = {
  PATH: process.env.PATH,
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_COMMITTER_NAME: "Ada Example",
  GIT_COMMITTER_EMAIL: "ada@example.org",
  GIT_AUTHOR_NAME: "Ada Example",
  GIT_AUTHOR_EMAIL: "ada@example.org",
};

const firstCommitTime = Date.UTC(2024, 0, 1) / 1000;

export class GitRepository {
  #time = firstCommitTime;

  constructor(folder) {
    this.folder = folder;
  }

  static async create(folder, defaultBranch = "main") {
    await runOrThrow("git", ["init", "--quiet", "--bare", `--initial-branch=${defaultBranch}`, folder], { env: environment });
    return new GitRepository(folder);
  }

  git(...args) {
    return runOrThrow("git", args, { cwd: this.folder, env: environment });
  }

  /**
   * Adds commits in order and returns their ids. A commit is {branch, files, message?, tags?}: `files` is the whole tree (path → text or
   * Buffer), `branch` is extended if it is there, else it begins at `from` (a branch or commit id) or without a parent. A tag is a name, or {name, annotated: true}.
   */
  async commit(...commits) {
    const known = new Set((await this.refs()).map((ref) => ref.name));
    const stream = [];
    const marks = [];
    // fast-import reads `refs/heads/x^0` from the repository, so a branch that this very stream has made is named by its mark.
    const parent = (ref) => (marks.includes(ref) ? `:${marks.lastIndexOf(ref) + 1}` : `${ref}^0`);
    for (const { branch = "main", from, files, message = "Change", tags = [] } of commits) {
      const ref = `refs/heads/${branch}`;
      const commitId = /^[0-9a-f]{40}$/.test(from) ? from : undefined;
      const begin = marks.includes(ref) || known.has(ref) ? parent(ref) : (commitId ?? (from && parent(`refs/heads/${from}`)));
      const mark = marks.push(ref);
      const who = `Ada Example <ada@example.org> ${(this.#time += 3600)} +0000`;
      stream.push(`commit ${ref}\nmark :${mark}\ncommitter ${who}\n`, data(message));
      if (begin) stream.push(`from ${begin}\n`);
      stream.push("deleteall\n");
      for (const [path, content] of Object.entries(files)) stream.push(`M 100644 inline ${path}\n`, data(content));
      for (const tag of tags) {
        if (typeof tag === "string") stream.push(`reset refs/tags/${tag}\nfrom :${mark}\n\n`);
        else stream.push(`tag ${tag.name}\nfrom :${mark}\ntagger ${who}\n`, data(`Release ${tag.name}`));
      }
    }
    stream.push(...marks.map((_, index) => `get-mark :${index + 1}\n`));
    const output = await runOrThrow("git", ["fast-import", "--quiet", "--force", "--cat-blob-fd=1", "--date-format=raw"], {
      cwd: this.folder,
      env: environment,
      input: Buffer.concat(stream.map((part) => Buffer.from(part))),
    });
    return output.toString().trim().split("\n");
  }

  /** Creates a tag or moves it: `git push --force` of a tag, as the host sees it. */
  async setTag(name, commit, { annotated = false } = {}) {
    await this.git("tag", "--force", ...(annotated ? ["--annotate", `--message=Release ${name}`] : []), name, commit);
  }

  async setBranch(name, commit) {
    await this.git("update-ref", `refs/heads/${name}`, commit);
  }

  async deleteRef(ref) {
    await this.git("update-ref", "-d", ref);
  }

  /** All branches and tags: {name: full ref, object: what it points at, commit: the same peeled}. */
  async refs() {
    // show-ref peels tags of tags all the way down, and ends with 1 where there is no ref at all.
    const { stdout } = await run("git", ["show-ref", "--dereference"], { cwd: this.folder, env: environment });
    const refs = new Map();
    for (const line of stdout.toString().split("\n").filter(Boolean)) {
      const [object, name] = [line.slice(0, 40), line.slice(41)];
      if (name.endsWith("^{}")) refs.get(name.slice(0, -3)).commit = object;
      else refs.set(name, { name, object, commit: object });
    }
    return [...refs.values()];
  }

  /** The commit id of a branch, tag or (short) commit id; undefined where there is none. */
  async resolve(revision) {
    const { code, stdout } = await run("git", ["rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`], {
      cwd: this.folder,
      env: environment,
    });
    return code === 0 ? stdout.toString().trim() : undefined;
  }

  /** {commit, tree, author time, committer time, message} of a commit id. */
  async describe(commit) {
    const fields = (await this.git("show", "--no-patch", "--format=%H%n%T%n%aI%n%cI%n%B", commit)).toString().split("\n");
    return {
      sha: fields[0],
      tree: fields[1],
      authored: utc(fields[2]),
      committed: utc(fields[3]),
      message: fields.slice(4).join("\n").trim(),
    };
  }

  /** The bytes of a file at a commit; undefined where it has none. */
  async file(commit, path) {
    const { code, stdout } = await run("git", ["cat-file", "blob", `${commit}:${path}`], { cwd: this.folder, env: environment });
    return code === 0 ? stdout : undefined;
  }

  archive(commit, prefix) {
    return this.git("archive", "--format=zip", `--prefix=${prefix}`, commit);
  }
}

function data(content) {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from(`data ${bytes.length}\n`), bytes, Buffer.from("\n")]);
}

/** GitHub writes times in UTC with a Z and without fractions. */
function utc(time) {
  return new Date(time).toISOString().replace(".000Z", "Z");
}
