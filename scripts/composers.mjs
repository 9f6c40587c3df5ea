// The Composer clients that the end-to-end tests run: this machine's own and a newest one, because they differ in what they ask.
// COMPOSER_BIN takes the place of the first; COMPOSER_OTHER_BINS, a list as PATH is one, that of all others.
// Where neither is set, Debian gives both: the second is unpacked from its newest suite, beside the system and not into it.

import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

import { runQuietly } from "./children.mjs";
import { withLock } from "./lock.mjs";

// Debian's suites, the one first in which a new Composer comes first. A later one serves when that of the first does not run on this PHP.
const SUITES = ["sid", "testing", "stable"];
// As PHP_VERSION_ID: the oldest PHP that Debian's libraries run on, given the functions at the end.
const OLDEST_PHP = 80200;

/** Returns `[{ binary, version }]`, the oldest first, all of which run; throws with what is missing and how to get it. */
export async function provideComposers() {
  const first = describeComposer(process.env.COMPOSER_BIN || "composer");
  const others = namedComposers() ?? [await provideNewestComposer()];
  const composers = [first, ...others.map(describeComposer)];
  const lines = new Set(composers.map(({ version }) => lineOf(version)));
  if (lines.size === composers.length) return composers;
  throw new Error(
    `two of the Composers to test with are of one line: ${composers.map(({ binary, version }) => `\`${binary}\` is ${version}`).join(", ")}; ` +
      "name an older one by COMPOSER_BIN=/path/to/composer",
  );
}

/** `2.11` of `2.11.0`: what differs between clients differs between these. */
function lineOf(version) {
  return version.split(".").slice(0, 2).join(".");
}

/** The folder in which tools are kept for every clone of this user; `build-worker` has the same rule. */
export function toolsFolder(environment = process.env) {
  const cache = environment.XDG_CACHE_HOME || join(homedir(), ".cache");
  return environment.REPERTOIRE_TOOLS || join(cache, "repertoire", "tools");
}

/** The packages of a text of `apt-cache show` that are PHP libraries, not PHP itself: `[{ name, depends }]`. */
export function readLibraries(records) {
  const libraries = [];
  for (const record of records.split(/\n\n+/)) {
    const field = (name) => new RegExp(`^${name}: (.*)$`, "m").exec(record)?.[1] ?? "";
    const isLibrary = field("Architecture") === "all" && field("Section") === "php" && !field("Source").startsWith("php-defaults");
    if (!isLibrary || libraries.some(({ name }) => name === field("Package"))) continue;
    const depends = field("Depends").split(",").map((one) => one.trim().split(/[\s(|:]/)[0]);
    libraries.push({ name: field("Package"), depends: depends.filter(Boolean) });
  }
  return libraries;
}

function namedComposers() {
  const named = (process.env.COMPOSER_OTHER_BINS ?? "").split(delimiter).filter(Boolean);
  return named.length > 0 ? named : undefined;
}

function describeComposer(binary) {
  const version = versionOf(binary);
  if (version) return { binary, version };
  throw new Error(
    `\`${binary}\` is no Composer that runs here; install Composer, or name others: COMPOSER_BIN=/path/to/composer, ` +
      `and COMPOSER_OTHER_BINS with further ones, separated by \`${delimiter}\``,
  );
}

function versionOf(binary) {
  const environment = { ...process.env, COMPOSER_ALLOW_SUPERUSER: "1", COMPOSER_NO_INTERACTION: "1" };
  const { stdout } = spawnSync(binary, ["--no-ansi", "--version"], { encoding: "utf8", env: environment });
  return /^Composer (?:version )?(\d+\.\S+)/m.exec(stdout ?? "")?.[1];
}

/** The newest Composer's path; it is unpacked once and kept until it no longer runs. */
async function provideNewestComposer() {
  const folder = join(toolsFolder(), "composer-newest");
  return withLock(`${folder}.lock`, async () => {
    const binary = join(folder, "composer");
    // Written last: a folder without it was not finished.
    if (existsSync(binary) && versionOf(binary)) return binary;
    const problems = [whyNotHere()].filter(Boolean);
    for (const suite of problems.length > 0 ? [] : SUITES) {
      console.log(`unpacking the Composer of Debian's suite ${suite} into ${folder}`);
      try {
        await unpack(suite, folder);
        writeWrapper(folder, binary);
        if (versionOf(binary)) return binary;
        problems.push(`that of ${suite} does not run on this PHP`);
      } catch (error) {
        problems.push(error.message);
      } finally {
        rmSync(join(folder, "apt"), { recursive: true, force: true });
      }
      rmSync(folder, { recursive: true, force: true });
    }
    throw missing(problems.join("; "));
  });
}

function missing(problem) {
  return new Error(
    `a second, newer Composer is missing, and none could be unpacked: ${problem}.\n` +
      `Name one or more by COMPOSER_OTHER_BINS=/path/to/composer, separated by \`${delimiter}\``,
  );
}

function whyNotHere() {
  const runs = (command) => spawnSync(command, ["--version"], { stdio: "ignore" }).status === 0;
  const absent = ["apt-get", "apt-cache", "dpkg-deb"].filter((command) => !runs(command));
  if (absent.length > 0) return `this is no Debian (${absent.join(", ")} not found)`;
  const php = spawnSync("php", ["-r", "echo PHP_VERSION_ID;"], { encoding: "utf8" });
  if (!(Number(php.stdout) >= OLDEST_PHP)) return "it needs PHP 8.2 or later";
  return undefined;
}

/** Composer and the PHP libraries it stands on, by an apt with sources, lists and cache of its own: the machine's stay as they are. */
async function unpack(suite, folder) {
  rmSync(folder, { recursive: true, force: true });
  const apt = await startApt(suite, join(folder, "apt"));
  const libraries = await findLibraries(apt);
  if (!libraries.includes("composer")) throw new Error(`the suite ${suite} has no package \`composer\``);
  const packages = join(folder, "apt", "packages");
  mkdirSync(packages);
  // apt checks what it downloads against the index, which is signed.
  await apt("apt-get", ["download", "-qq", ...libraries], { cwd: packages });
  for (const file of readdirSync(packages)) await runOrThrow("dpkg-deb", ["--extract", join(packages, file), folder]);
  pointInto(folder, join(folder, "usr", "share", "php"));
}

/** Returns `apt(command, arguments)` for the suite, its index read. Of the machine's sources the first that has the suite is asked. */
async function startApt(suite, folder) {
  for (const part of ["lists/partial", "cache/archives/partial"]) mkdirSync(join(folder, part), { recursive: true });
  writeFileSync(join(folder, "status"), "");
  const sources = join(folder, "debian.sources");
  const settings = {
    "Dir::Etc::SourceList": sources,
    "Dir::Etc::SourceParts": "/dev/null",
    "Dir::Etc::Preferences": "/dev/null",
    "Dir::Etc::PreferencesParts": "/dev/null",
    "Dir::State::Lists": join(folder, "lists"),
    "Dir::State::Status": join(folder, "status"),
    "Dir::Cache": join(folder, "cache"),
    // As root apt would change to a user who may not write here.
    "APT::Sandbox::User": "",
    "Acquire::Retries": "3",
    "Acquire::Languages": "none",
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  const apt = (command, arguments_, place) => runOrThrow(command, [...options, ...arguments_], place);

  const words = [];
  for (const mirror of await debianMirrors()) {
    writeFileSync(sources, describeSource(suite, mirror));
    try {
      // Any error ends it: without this, an index that cannot be had is a warning.
      await apt("apt-get", ["update", "-qq", "--error-on=any"]);
      return apt;
    } catch (error) {
      words.push(error.message);
    }
  }
  throw new Error(words.at(-1) ?? "this machine's apt has no source with Debian's main packages");
}

/** The addresses of Debian's main packages that this machine's apt is set up with. */
async function debianMirrors() {
  const codename = /^VERSION_CODENAME=(.*)$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "sid";
  const format = "$(REPO_URI) $(RELEASE) $(COMPONENT)";
  const targets = await runOrThrow("apt-get", ["indextargets", "--no-release-info", "--format", format, "Created-By: Packages"]);
  const lines = targets.split("\n").map((line) => line.split(" "));
  return [...new Set(lines.filter(([, release, component]) => release === codename && component === "main").map(([uri]) => uri))];
}

function describeSource(suite, mirror) {
  const keyring = ["pgp", "gpg"].map((end) => `/usr/share/keyrings/debian-archive-keyring.${end}`).find((path) => existsSync(path));
  const lines = ["Types: deb", `URIs: ${mirror}`, `Suites: ${suite}`, "Components: main", "Targets: Packages", "PDiffs: no"];
  if (keyring) lines.push(`Signed-By: ${keyring}`);
  return `${lines.join("\n")}\n`;
}

/** The names of `composer` and all PHP libraries that it needs, directly or not. */
async function findLibraries(apt) {
  const found = [];
  let wanted = ["composer"];
  while (wanted.length > 0) {
    // What a suite has not is virtual, or part of PHP: nothing to unpack.
    const records = await apt("apt-cache", ["show", "--no-all-versions", ...wanted]).catch((error) => error.stdout ?? "");
    const libraries = readLibraries(records);
    found.push(...libraries.map(({ name }) => name));
    const next = new Set(libraries.flatMap(({ depends }) => depends));
    wanted = [...next].filter((name) => /^(php-|jsonlint$)/.test(name) && !found.includes(name));
  }
  return found;
}

/** Debian's packages name each other by their place in the system; here they have to find those beside them. */
function pointInto(folder, path) {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const file = join(path, entry.name);
    if (entry.isDirectory()) pointInto(folder, file);
    else if (entry.isFile() && entry.name.endsWith(".php")) {
      const text = readFileSync(file, "utf8");
      const moved = text.replaceAll(/(['"])\/usr\/share\/php\//g, (_, quote) => `${quote}${folder}/usr/share/php/`);
      if (moved !== text) writeFileSync(file, moved);
    }
  }
}

function writeWrapper(folder, binary) {
  const program = join(folder, "usr", "bin", "composer");
  // The first line of a file that is included would be printed.
  writeFileSync(program, readFileSync(program, "utf8").replace(/^#!.*\n/, ""));
  writeFileSync(binary, `#!/usr/bin/env php\n<?php\n${newerFunctions}\nrequire __DIR__ . '/usr/bin/composer';\n`);
  chmodSync(binary, 0o755);
}

// What Debian's libraries take from PHP 8.4, for an older one.
const newerFunctions = `
if (!function_exists('array_any')) {
    function array_any(array $array, callable $callback): bool
    {
        foreach ($array as $key => $value) {
            if ($callback($value, $key)) { return true; }
        }
        return false;
    }
    function array_all(array $array, callable $callback): bool
    {
        foreach ($array as $key => $value) {
            if (!$callback($value, $key)) { return false; }
        }
        return true;
    }
    function array_find_key(array $array, callable $callback): mixed
    {
        foreach ($array as $key => $value) {
            if ($callback($value, $key)) { return $key; }
        }
        return null;
    }
    function array_find(array $array, callable $callback): mixed
    {
        foreach ($array as $key => $value) {
            if ($callback($value, $key)) { return $value; }
        }
        return null;
    }
}
if (!function_exists('grapheme_str_split')) {
    function grapheme_str_split(string $string): array
    {
        preg_match_all('/\\\\X/u', $string, $found);
        return $found[0];
    }
}
`;

async function runOrThrow(command, arguments_, options) {
  const { code, stdout, stderr } = await runQuietly(command, arguments_, options);
  if (code === 0) return stdout;
  throw Object.assign(new Error(`\`${command}\` ended with ${code}: ${stderr.trim() || stdout.trim()}`), { stdout });
}
