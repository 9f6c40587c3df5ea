// What the packages of the tests consist of: a real PHP library, and a tiny one that says which release it is.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

// Where Debian's php-psr-log puts the library.
const libraryFolder = process.env.PSR_LOG_FOLDER ?? "/usr/share/php/Psr/Log";

/** Every field here has to arrive at Composer as its own dumper would write it. */
export const libraryManifest = {
  name: "acme/log",
  description: "Common interface for logging libraries",
  keywords: ["psr", "psr-3", "log"],
  homepage: "https://acme.example/log",
  type: "library",
  license: "MIT",
  authors: [{ name: "Ada Example", email: "ada@example.org", homepage: "https://acme.example", role: "Developer" }],
  support: { docs: "https://acme.example/log/docs", email: "support@acme.example" },
  funding: [{ type: "other", url: "https://acme.example/fund" }],
  require: { php: ">=7.2", "ext-json": "*" },
  "require-dev": { "acme/log-testing": "^1.0 || ^2.0" },
  conflict: { "acme/old-log": "<2.0" },
  provide: { "acme/log-implementation": "1.0.0" },
  suggest: { "acme/log-viewer": "To look at logs" },
  autoload: { "psr-4": { "Psr\\Log\\": "Psr/Log/", "Acme\\Log\\": "src/" } },
  "autoload-dev": { "psr-4": { "Acme\\Log\\Test\\": "tests/" } },
  bin: ["bin/log"],
  extra: { "branch-alias": { "dev-main": "3.x-dev" }, acme: { nested: [1, 2.5, true, null, { deep: "ünïcödé / slash" }] } },
  archive: { exclude: ["/tests"] },
};

/** The real library with a composer.json of ours, and a class that tells the release. */
export async function libraryFiles(release, manifest = libraryManifest) {
  const files = {
    "composer.json": typeof manifest === "string" ? manifest : JSON.stringify(manifest, null, 4),
    "src/Release.php": `<?php\nnamespace Acme\\Log;\nfinal class Release { public const NAME = '${release}'; }\n`,
    "bin/log": "#!/usr/bin/env php\n<?php\n",
  };
  for (const name of await readdir(libraryFolder)) {
    if (/^[A-Z]\w+\.php$/.test(name)) files[`Psr/Log/${name}`] = await readFile(join(libraryFolder, name));
  }
  return files;
}

/** PHP code that uses the library through Composer's autoloader and prints what it logged. */
export const useLibrary = `
  $logger = new class extends Psr\\Log\\AbstractLogger {
    public function log($level, $message, array $context = []): void { echo $level, ': ', $message, ' from ', Acme\\Log\\Release::NAME; }
  };
  $logger->warning('hello');
`;

/** A package whose only class returns `greeting`: for all tests that are not about content. */
export function greeterFiles(name, greeting, manifest = {}) {
  return {
    "composer.json": JSON.stringify({
      name,
      description: "Greets",
      license: "MIT",
      autoload: { "psr-4": { "Acme\\Greeter\\": "src/" } },
      ...manifest,
    }),
    "src/Greeter.php": `<?php\nnamespace Acme\\Greeter;\nfinal class Greeter { public static function greet(): string { return '${greeting}'; } }\n`,
  };
}

export const greet = "echo Acme\\Greeter\\Greeter::greet();";
