// What `npm test` needs beyond Rust and Node.js. Installed where that is plainly wanted (Debian, as root);
// elsewhere named, all of it at once.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

import { runVisibly } from "./children.mjs";
import { provideComposers } from "./composers.mjs";

const WASM_TARGET = "wasm32-unknown-unknown";

// What is looked for, and the Debian package that has it.
const needs = [
  { what: "composer", debian: "composer", isThere: () => succeeds("composer", ["--version"]) },
  { what: "git", debian: "git", isThere: () => succeeds("git", ["--version"]) },
  { what: "unzip", debian: "unzip", isThere: () => succeeds("unzip", ["-v"]) },
  // Archives as people make them.
  { what: "zip", debian: "zip", isThere: () => succeeds("zip", ["-v"]) },
  ...["tar", "gzip", "bzip2"].map((tool) => ({ what: tool, debian: tool, isThere: () => isOnPath(tool) })),
  // Its pages are looked at in a real browser.
  { what: "chromium", debian: "chromium", isThere: () => isOnPath("chromium") },
  { what: "php (on the command line)", debian: "php-cli", isThere: () => succeeds("php", ["--version"]) },
  // Composer's PharData unpacks tar.bz2 with the extension bz2 alone.
  ...["zip", "mbstring", "curl", "bz2"].map((extension) => ({
    what: `php's extension ${extension}`,
    debian: `php-${extension}`,
    isThere: () => hasExtension(extension),
  })),
  { what: "php's extension dom", debian: "php-xml", isThere: () => hasExtension("dom") },
  // The content of the packages that the end-to-end tests install: a real library, at hand without a network.
  { what: "the PHP library psr/log in /usr/share/php/Psr/Log", debian: "php-psr-log", isThere: () => existsSync("/usr/share/php/Psr/Log") },
];

/** Returns when everything is there, and throws with the list of what is missing otherwise. */
export async function provideTestTools() {
  await provideRustParts();
  let missing = needs.filter((need) => !need.isThere());
  if (missing.length > 0 && isDebianRoot()) {
    await installFromDebian(missing.map((need) => need.debian));
    missing = needs.filter((need) => !need.isThere());
  }
  if (missing.length === 0) {
    const composers = await provideComposers();
    console.log(`testing with Composer ${composers.map(({ version }) => version).join(" and ")}`);
    return;
  }
  const list = missing.map((need) => `  ${need.what} (Debian: ${need.debian})`).join("\n");
  throw new Error(
    `these are missing:\n${list}\nOn Debian or Ubuntu: sudo apt-get install ${missing.map((need) => need.debian).join(" ")}`,
  );
}

async function provideRustParts() {
  if (!succeeds("cargo", ["--version"])) throw new Error("Rust is missing; install it from https://rustup.rs and open a new shell");
  const components = [
    ["rustfmt", ["fmt", "--version"]],
    ["clippy", ["clippy", "--version"]],
  ].filter(([, probe]) => !succeeds("cargo", probe));
  for (const [component] of components) await runRustup("component", component);
  const libdir = spawnSync("rustc", ["--target", WASM_TARGET, "--print", "target-libdir"], { encoding: "utf8" }).stdout.trim();
  if (!existsSync(libdir)) await runRustup("target", WASM_TARGET);
}

async function runRustup(kind, name) {
  const code = await runVisibly("rustup", [kind, "add", name]).catch(() => 1);
  if (code !== 0) throw new Error(`Rust's ${kind} ${name} is missing and could not be added; try: rustup ${kind} add ${name}`);
}

async function installFromDebian(packages) {
  console.log(`installing ${packages.join(" ")}`);
  const options = { env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
  // An image's package lists are often missing or old, and then nothing is found.
  await runVisibly("apt-get", ["update", "-qq"], options);
  const code = await runVisibly("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], options);
  if (code !== 0) throw new Error("`apt-get install` failed: see above");
}

function isDebianRoot() {
  return process.getuid?.() === 0 && existsSync("/etc/debian_version") && succeeds("apt-get", ["--version"]);
}

function hasExtension(name) {
  return succeeds("php", ["-r", `exit(extension_loaded("${name}") ? 0 : 1);`]);
}

/** For tools that have no way to say their version that ends well everywhere. */
function isOnPath(name) {
  return succeeds("sh", ["-c", `command -v ${name}`]);
}

function succeeds(command, arguments_) {
  const environment = { ...process.env, COMPOSER_ALLOW_SUPERUSER: "1" };
  return spawnSync(command, arguments_, { stdio: "ignore", env: environment }).status === 0;
}
