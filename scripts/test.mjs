// `npm test`: everything that must hold before a change lands, from a fresh clone on; CI runs the same.
// A step that fails does not keep the others from running, but those that need what it makes.

import { readdirSync } from "node:fs";
import { join } from "node:path";

import { endChildrenOnSignals, startChild } from "./children.mjs";
import { installBrowserDriver, installJudges, installNodeModules } from "./install.mjs";
import { nodeForWrangler, projectFolder, workerConfigurations, wranglerScript } from "./paths.mjs";
import { countTests } from "./test-counts.mjs";
import { provideTestTools } from "./test-tools.mjs";

endChildrenOnSignals(() => 130);

try {
  await installNodeModules();
  await installJudges();
  await installBrowserDriver();
  await provideTestTools();
} catch (error) {
  console.error(`npm test: ${error.message}`);
  process.exit(1);
}

const node = nodeForWrangler();
const steps = [
  { name: "format", command: ["cargo", "fmt", "--check"] },
  { name: "clippy, native", command: ["cargo", "clippy", "--locked", "--all-targets", "--test", "oracle", "--", "-D", "warnings"] },
  { name: "clippy, WebAssembly", command: ["cargo", "clippy", "--locked", "--target", "wasm32-unknown-unknown", "--lib", "--", "-D", "warnings"] },
  { name: "clippy, WebAssembly of the edge", command: ["cargo", "clippy", "--locked", "--target", "wasm32-unknown-unknown", "--lib", "--no-default-features", "--", "-D", "warnings"] },
  { name: "native tests", command: ["cargo", "test", "--locked", "--no-fail-fast"], countsTests: true },
  { name: "Composer as the oracle", command: [node, join(projectFolder, "scripts", "oracle.mjs"), "--small"] },
  { name: "tests of the scripts", command: [node, "--test", "--test-reporter=spec", ...testFiles("scripts")], countsTests: true },
  { name: "build", command: [join(projectFolder, "build-worker")] },
  ...workerConfigurations.map((configuration) => ({
    name: `deploy dry-run, ${configuration}`,
    needs: "build",
    command: [node, wranglerScript, "deploy", "--dry-run", "--config", configuration],
  })),
  {
    name: "end to end",
    needs: "build",
    // One file at a time: each runs whole instances, and waits are bounded.
    command: [node, "--test", "--test-reporter=spec", "--test-concurrency=1", ...testFiles("e2e"), ...testFiles("load")],
    countsTests: true,
  },
  {
    name: "pages, in a browser",
    needs: "build",
    command: [node, "--test", "--test-reporter=spec", "--test-concurrency=1", ...testFiles("browser")],
    countsTests: true,
  },
];

const totals = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
for (const step of steps) {
  console.log(`\n=== ${step.name}`);
  const startedAt = Date.now();
  const isBlocked = failures.some(({ name }) => name === step.needs);
  if (isBlocked) totals.failed += 1;
  const problem = isBlocked ? `needs \`${step.needs}\`, which failed` : await runStep(step);
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  console.log(`=== ${step.name}: ${problem ?? "passed"} (${seconds} s)`);
  if (problem) failures.push({ name: step.name, problem });
}

console.log("");
for (const { name, problem } of failures) console.log(`FAILED ${name}: ${problem}`);
const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : "";
console.log(`${totals.passed} passed, ${totals.failed} failed${skipped}`);
process.exit(failures.length > 0 ? 1 : 0);

/** Runs one step, adds to the totals, and returns what is wrong, if anything is. */
async function runStep({ command, countsTests }) {
  const { code, output } = await runStreaming(command);
  if (!countsTests) {
    totals[code === 0 ? "passed" : "failed"] += 1;
    return code === 0 ? undefined : `\`${command[0].split("/").pop()}\` ended with code ${code}`;
  }
  const counts = countTests(output);
  for (const [what, count] of Object.entries(counts)) totals[what] += count;
  if (counts.failed > 0) return `${counts.failed} failed`;
  const problem = code !== 0 ? `ended with code ${code}` : counts.passed === 0 ? "no test ran" : undefined;
  // Not one test is to blame, yet the step failed: it counts as one.
  if (problem) totals.failed += 1;
  return problem;
}

/** Shows the output as it comes, and returns it. */
async function runStreaming([command, ...arguments_]) {
  const child = startChild(command, arguments_, {
    cwd: projectFolder,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, CI: "1", WRANGLER_SEND_METRICS: "false", WRANGLER_SEND_ERROR_REPORTS: "false" },
  });
  let output = "";
  for (const [stream, shown] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ]) {
    stream.setEncoding("utf8").on("data", (text) => {
      shown.write(text);
      output += text;
    });
  }
  const closed = new Promise((resolve) => child.once("close", resolve));
  const { code, error } = await child.ended;
  if (error) return { code, output: error.message };
  await closed;
  return { code, output };
}

/** The test files of a folder. Without one `node --test` would go and search for some; then the folder's name makes it fail. */
function testFiles(folder) {
  const path = join(projectFolder, "tests", folder);
  let names = [];
  try {
    names = readdirSync(path).filter((name) => name.endsWith(".test.mjs"));
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
  return names.length > 0 ? names.sort().map((name) => join(path, name)) : [join(path, "*.test.mjs")];
}
