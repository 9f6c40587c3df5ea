// Is the GitHub double like GitHub? GitHub's OpenAPI description is the judge: prism stands between us and the double, and holds each
// request and each answer against it. Run by `npm run oracle -- github-double`; prints each difference and ends with 1 if there is one.
//
// What the description requires of an answer is not required here: the double leaves out what nobody here reads. All that it does say is judged.
// `/contents` is not asked, as prism has no serializer for its media type; nor what redirects, as prism goes there itself. To judge more of the double, add a row to `requests`.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { createRequire } from "node:module";
import { join } from "node:path";
import { GitHubDouble } from "../../e2e/github-double.mjs";
import { greeterFiles } from "../../e2e/fixtures.mjs";
import { makeFolder, removeFolder } from "../../e2e/support/folder.mjs";
import { until } from "../../e2e/support/until.mjs";

const require = createRequire(import.meta.url);

/** Paths as the description has them, each with what is asked and the status that has to come. */
const requests = [
  { path: "/user", ask: () => "/user", status: 200 },
  { path: "/user", ask: () => "/user", token: "nonsense", status: 401 },
  { path: "/repos/{owner}/{repo}", ask: () => "/repos/acme/greeter", status: 200 },
  { path: "/repos/{owner}/{repo}", ask: () => "/repos/acme/nowhere", status: 404 },
  { path: "/repos/{owner}/{repo}/tags", ask: () => "/repos/acme/greeter/tags?per_page=100", status: 200 },
  { path: "/repos/{owner}/{repo}/tags", ask: () => "/repos/acme/greeter/tags?per_page=100&page=2", status: 200 },
  { path: "/repos/{owner}/{repo}/branches", ask: () => "/repos/acme/greeter/branches?per_page=100", status: 200 },
  { path: "/repos/{owner}/{repo}/git/commits/{commit_sha}", ask: (commit) => `/repos/acme/greeter/git/commits/${commit}`, status: 200 },
  { path: "/repos/{owner}/{repo}/git/commits/{commit_sha}", ask: () => `/repos/acme/greeter/git/commits/${"0".repeat(40)}`, status: 404 },
  { path: "/repos/{owner}/{repo}/commits/{ref}", ask: () => "/repos/acme/greeter/commits/v1.1.0", status: 200 },
];

const folder = await makeFolder("github-judge");
let double, prism;
try {
  double = await GitHubDouble.start({ folder });
  process.exitCode = await judge();
} finally {
  if (prism && prism.exitCode === null) {
    prism.kill("SIGKILL");
    await once(prism, "exit");
  }
  await double?.stop();
  await removeFolder(folder);
}

async function judge() {
  const project = await double.addProject("acme/greeter");
  const files = (greeting) => greeterFiles("acme/greeter", greeting);
  await project.repository.commit(
    { files: files("one"), tags: ["v1.0.0"] },
    { files: files("two"), tags: [{ name: "v1.1.0", annotated: true }] },
    { files: files("three"), tags: ["v1.2.0"] },
    { branch: "feature/long/name", from: "main", files: files("feature") },
  );
  const commit = await project.repository.resolve("v1.1.0");
  const right = double.addToken({ scopes: "repo" });
  const url = await startPrism(describedPaths());

  let differences = 0;
  const report = (what, why) => {
    differences += 1;
    console.log(`  ${what}: ${why}`);
  };
  for (const { path, ask, token = right, status } of requests) {
    const what = `GET ${path} (${status})`;
    const response = await fetch(url + ask(commit), {
      redirect: "manual",
      headers: {
        authorization: `Bearer ${token}`,
        accept: "application/vnd.github+json",
        "x-github-api-version": "2022-11-28",
        "user-agent": "repertoire",
      },
    });
    const text = await response.text();
    if (response.status !== status) report(what, `answered ${response.status}: ${text.slice(0, 300)}`);
    for (const { location = [], message } of JSON.parse(response.headers.get("sl-violations") ?? "[]")) report(what, `${location.join(".")}: ${message}`);
  }
  console.log(`github-double: ${requests.length} requests, ${differences} differences`);
  return differences === 0 ? 0 : 1;
}

/** The description of what is asked here, in a file: prism takes a minute over the whole one, and three seconds over this. */
function describedPaths() {
  const whole = JSON.parse(readFileSync(require.resolve("@octokit/openapi/generated/api.github.com.json")));
  const paths = {};
  for (const { path } of requests) {
    if (!whole.paths[path]) throw new Error(`GitHub's description has no ${path}`);
    paths[path] = { get: { ...whole.paths[path].get, responses: relaxed(whole.paths[path].get.responses) } };
  }
  whole.components.schemas = relaxed(whole.components.schemas);
  const file = join(folder, "github.json");
  writeFileSync(file, JSON.stringify({ ...whole, paths, servers: [{ url: "/" }], "x-webhooks": undefined }));
  return file;
}

/** The same schemas with nothing required; then one answer may be of several forms. */
function relaxed(schema) {
  if (Array.isArray(schema)) return schema.map(relaxed);
  if (schema === null || typeof schema !== "object") return schema;
  const entries = Object.entries(schema).filter(([key, value]) => !(key === "required" && Array.isArray(value)));
  return Object.fromEntries(entries.map(([key, value]) => [key === "oneOf" ? "anyOf" : key, relaxed(value)]));
}

async function startPrism(file) {
  const port = await freePort();
  const script = require.resolve("@stoplight/prism-cli/dist/index.js");
  prism = spawn(process.execPath, [script, "proxy", "--host", "127.0.0.1", "--port", String(port), file, double.url], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [prism.stdout, prism.stderr]) stream.on("data", (text) => (output += text));
  await until(
    () => `prism does not listen: ${output}`,
    () => {
      if (prism.exitCode !== null) throw new Error(`prism ended: ${output}`);
      return /is listening/.test(output);
    },
    { deadline: 90_000 },
  );
  return `http://127.0.0.1:${port}`;
}

async function freePort() {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
