// `npm run oracle`: asks Composer's own classes and our code the same random questions, and shows each difference.
//
//   npm run oracle -- [--seed N] [--small] [--count N] [KIND…]
//
// `--small` asks few of everything, as `npm test` does; `--count` asks that many of each kind. The Composer is the
// command `composer`, or the one that COMPOSER_BIN names. tests/oracle/README.md says more.
//
// `github-double` asks the end-to-end tests' stand-in for GitHub instead, and holds its answers against GitHub's own
// description of its API. It is asked where it is named, and at full size; it installs what it needs (475 MB) first.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";

import { installGitHubDescription } from "./install.mjs";
import { projectFolder } from "./paths.mjs";

/** How many questions of a kind are asked at full size, and how many as a part of `npm test`. */
const KINDS = {
  normalize: [50_000, 2_000],
  stability: [10_000, 500],
  branch: [10_000, 500],
  prefix: [10_000, 500],
  compare: [20_000, 1_000],
  constraint: [20_000, 1_000],
  matches: [50_000, 2_000],
  tag: [10_000, 500],
  "ref-branch": [10_000, 500],
  alias: [10_000, 500],
  name: [10_000, 500],
  glob: [10_000, 500],
  minify: [3_000, 200],
  expand: [3_000, 200],
  document: [20_000, 500],
  funding: [5_000, 200],
  // Each text that was picked by hand, asked about in five ways.
  picked: [1, 1],
  repository: [300, 8],
};

/** What is judged without Composer. */
const GITHUB_DOUBLE = "github-double";
/** The oldest Composer whose rules are ours. */
const NEWEST_RULES = [2, 11];
/** What older ones answer just the same: their semver reads some versions and constraints otherwise, and their loader is stricter. */
const SAME_IN_OLDER = ["stability", "branch", "prefix", "compare", "name", "glob", "expand"];

const options = readOptions(process.argv.slice(2));
const folder = mkdtempSync(join(tmpdir(), "repertoire-oracle-"));
try {
  process.exitCode = await main();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function main() {
  const isAlone = options.kinds.length === 1 && options.kinds[0] === GITHUB_DOUBLE;
  const isEqual = isAlone || (await askComposer());
  const isLeftOut = options.isSmall || (options.kinds.length > 0 && !options.kinds.includes(GITHUB_DOUBLE));
  const isLikeGitHub = isLeftOut || (await judgeGitHubDouble());
  console.log(isEqual && isLikeGitHub ? "no differences" : "there are differences");
  return isEqual && isLikeGitHub ? 0 : 1;
}

async function judgeGitHubDouble() {
  await installGitHubDescription();
  const script = join(projectFolder, "tests", "oracle", "github", "judge.mjs");
  return spawnSync(process.execPath, [script], { stdio: "inherit" }).status === 0;
}

/** Whether Composer and our code gave the same answers to all that they were asked. */
async function askComposer() {
  const files = filesOfComposer(commandPath(process.env.COMPOSER_BIN ?? "composer"));
  const version = versionOf(files);
  const isOld = compareVersions(version, NEWEST_RULES) < 0;
  console.log(`Composer ${version.join(".")}, seed ${options.seed}`);
  const named = options.kinds.filter((kind) => kind !== GITHUB_DOUBLE);
  let kinds = named.length > 0 ? named : Object.keys(KINDS);
  if (isOld) {
    const left = kinds.filter((kind) => !SAME_IN_OLDER.includes(kind));
    kinds = kinds.filter((kind) => SAME_IN_OLDER.includes(kind));
    console.log(
      `not asked, as this Composer is older than ${NEWEST_RULES.join(".")} and answers otherwise: ${left.join(", ")}\n` +
        "  (the native tests hold them against the tables of a newer one; COMPOSER_BIN names another Composer)",
    );
  }
  const judge = buildJudge();
  let isEqual = true;
  for (const kind of kinds) {
    const count = options.count ?? KINDS[kind][options.isSmall ? 1 : 0];
    isEqual = (await ask(kind, count, files, judge)) && isEqual;
  }
  return isEqual;
}

/** Questions, through Composer's answers, to ours. Whether all were asked and all answers are equal. */
async function ask(kind, count, files, judge) {
  const oracle = join(projectFolder, "tests", "oracle");
  const commands = [
    ["php", join(oracle, "queries.php"), kind, String(options.seed), String(count)],
    ["php", join(oracle, "semver.php"), ...files],
    [judge],
  ];
  const children = commands.map(([command, ...rest], index) =>
    spawn(command, rest, { stdio: [index === 0 ? "ignore" : "pipe", index === 2 ? "inherit" : "pipe", "inherit"] }),
  );
  for (const [index, child] of children.slice(0, -1).entries()) {
    // One that ends early leaves its neighbour without a reader; its own exit code tells.
    children[index + 1].stdin.on("error", () => {});
    child.stdout.pipe(children[index + 1].stdin);
  }
  const codes = await Promise.all(children.map((child) => new Promise((done) => child.on("close", done).on("error", () => done(1)))));
  return codes.every((code) => code === 0);
}

/** Builds our side and gives its path. */
function buildJudge() {
  const built = spawnSync("cargo", ["test", "--locked", "--quiet", "--test", "oracle", "--no-run", "--message-format=json"], {
    cwd: projectFolder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 64 * 1024 * 1024,
  });
  if (built.status !== 0) throw new Error("our side of the oracle could not be built; see above");
  const artifacts = built.stdout.split("\n").filter((line) => line.startsWith("{"));
  const executables = artifacts.map((line) => JSON.parse(line).executable).filter(Boolean);
  return executables.at(-1);
}

/** The files that a Composer's command loads before it begins: its autoloader first, then what that needs. */
function filesOfComposer(command) {
  const path = realpathSync(command);
  const text = readFileSync(path, "latin1");
  if (text.includes("__HALT_COMPILER();")) {
    // Only a name with this ending can be looked into.
    const link = join(folder, "composer.phar");
    symlinkSync(path, link);
    return [`phar://${link}/vendor/autoload.php`];
  }
  const files = [];
  for (const [, start, rest] of text.matchAll(/require\s+(dirname\(__DIR__\)|__DIR__)\s*\.\s*'([^']+)'/g)) {
    const base = start === "__DIR__" ? dirname(path) : dirname(dirname(path));
    const file = resolve(`${base}${rest}`);
    if (!existsSync(file)) continue;
    files.unshift(...(file.endsWith(".php") ? [file] : filesOfComposer(file)));
  }
  if (files.length === 0) throw new Error(`\`${command}\` is no Composer whose classes can be found; name another one in COMPOSER_BIN`);
  return files;
}

function versionOf(files) {
  const code = "foreach (array_reverse(array_slice($argv, 1)) as $file) { require_once $file; } echo Composer\\Composer::getVersion();";
  const { stdout, status, stderr } = spawnSync("php", ["-r", code, "--", ...files], { encoding: "utf8" });
  const found = /^(\d+)\.(\d+)\.(\d+)/.exec(stdout ?? "");
  if (status !== 0 || !found) throw new Error(`Composer did not tell its version: ${stdout}${stderr}`);
  return found.slice(1).map(Number);
}

function compareVersions([major, minor], [otherMajor, otherMinor]) {
  return major - otherMajor || minor - otherMinor;
}

function commandPath(name) {
  if (name.includes("/")) return name;
  const paths = (process.env.PATH ?? "").split(delimiter).map((path) => join(path, name));
  const found = paths.find((path) => existsSync(path));
  if (!found) throw new Error(`\`${name}\` is not installed; install Composer, or name one in COMPOSER_BIN`);
  return found;
}

function readOptions(arguments_) {
  const read = { seed: 20261121, kinds: [], isSmall: false, count: undefined };
  const rest = [...arguments_];
  while (rest.length > 0) {
    const argument = rest.shift();
    if (argument === "--small") read.isSmall = true;
    else if (argument === "--seed" || argument === "--count") {
      const value = Number(rest.shift());
      if (!Number.isInteger(value) || value < 1) throw new Error(`${argument} needs a whole number`);
      read[argument.slice(2)] = value;
    } else if (argument in KINDS || argument === GITHUB_DOUBLE) read.kinds.push(argument);
    else throw new Error(`unknown argument \`${argument}\`; kinds are ${[...Object.keys(KINDS), GITHUB_DOUBLE].join(", ")}`);
  }
  return read;
}
