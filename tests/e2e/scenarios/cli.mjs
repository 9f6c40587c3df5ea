// The command line against the built product: what it prints is what the API says, and its exit codes say how it went.
import { before, test } from "node:test";
import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { greeterFiles } from "../fixtures.mjs";
import { run, runOrThrow } from "../support/process.mjs";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const name = "console/greeter";

/** Builds it as the native tests do, which have done so already, as a rule. Returns where cargo put it. */
async function build() {
  const messages = await runOrThrow("cargo", ["test", "--locked", "--quiet", "--no-run", "--test", "it", "--message-format=json"], { cwd: root });
  const built = messages.toString().split("\n").filter(Boolean).map((line) => JSON.parse(line));
  return built.find((message) => message.executable && message.target.kind.includes("bin")).executable;
}

export default function cli(world) {
  let program;
  let folder;
  const api = (path) => world.expect(200, "GET", `/orgs/main/${path}`);

  /** Runs a command as somebody without anything in the environment; returns {code, stdout, output}. */
  const say = async (args, { input = "", code = 0 } = {}) => {
    const env = { PATH: process.env.PATH, HOME: folder, REPERTOIRE_CONFIG_DIR: folder };
    const result = await run(program, args, { env, input });
    assert.equal(result.code, code, `repertoire ${args.join(" ")} ended with ${result.code}: ${result.output}`);
    return result;
  };
  const json = async (...args) => JSON.parse((await say([...args, "--json"])).stdout);

  before(
    async () => {
      program = await build();
      folder = await world.newFolder("cli");
    },
    { timeout: 15 * 60_000 },
  );

  test("who signs in is known from then on, and the token is in a file of hers alone", async () => {
    await say(["login", world.registry.url, "--with-token", "--org", "main"], { input: "nonsense\n", code: 3 });
    const { output } = await say(["login", world.registry.url, "--with-token", "--org", "main"], { input: world.registry.adminToken });
    assert.ok(!output.includes(world.registry.adminToken));
    assert.equal((await stat(join(folder, "profiles.json"))).mode & 0o777, 0o600);
    const own = await json("whoami");
    assert.equal(own.kind, "instance");
  });

  test("a project is connected, imported and watched until it is there", async () => {
    const project = await world.double.addProject(name);
    await project.repository.commit({ files: greeterFiles(name, "1.0.0"), tags: ["v1.0.0"] }, { files: greeterFiles(name, "2.0.0"), tags: ["v2.0.0"] });
    const token = world.double.addToken({ scopes: "repo" });
    const made = await say(["connections", "add", "github", "--base-url", world.double.url, "--with-token", "--json"], { input: token });
    assert.ok(!made.output.includes(token));
    const connection = JSON.parse(made.stdout);
    const listed = await json("connections", "list");
    assert.ok(listed.some((row) => row.id === connection.id));
    const args = ["packages", "add", project.fullName, "--connection", connection.id, "--repository", "packages"];
    const { job } = await json(...args);
    const watched = await say(["jobs", "watch", job.id, "--interval", "0.2", "--timeout", "120"]);
    assert.match(watched.stdout.toString(), /state +done/);
    assert.equal(watched.output.includes("\u001b"), false);
    const path = `packages/${name}`;
    assert.deepEqual(await json("packages", "show", name), await api(path));
    assert.deepEqual(await json("jobs", "show", job.id), await api(`jobs/${job.id}`));
    await say(["jobs", "cancel", job.id], { code: 5 });
  });

  test("a token that is made reads, and one that is revoked is gone", async () => {
    const made = await json("tokens", "create", "--name", "cli", "--access", "read", "--package", "console/*");
    assert.deepEqual(await json("tokens", "show", made.id), await api(`tokens/${made.id}`));
    const { status } = await world.get(`p2/${name}.json`, { token: made.token });
    assert.equal(status, 200);
    await say(["tokens", "revoke", made.id]);
    await say(["tokens", "revoke", made.id], { code: 4 });
  });

  test("a customer sees what a grant gives, and the table says so", async () => {
    const customer = await json("customers", "create", "Console buyer", "--external-id", "console-1");
    assert.deepEqual(await json("customers", "show", customer.id), await api(`customers/${customer.id}`));
    const asked = ["grants", "create", "--customer", customer.id, "--packages", name, "--versions", "^2.0"];
    const [dry] = await json(...asked, "--dry-run");
    assert.deepEqual(dry.gained, ["v2.0.0"]);
    const grant = await json(...asked);
    assert.deepEqual(await json("grants", "show", grant.id), await api(`grants/${grant.id}`));
    const { packages } = await api(`effective-access?customer=${customer.id}&package=${name}`);
    assert.deepEqual(await json("grants", "access", "--customer", customer.id, "--package", name), packages);
    const { stdout } = await say(["grants", "access", "--customer", customer.id, "--package", name, "--versions"]);
    assert.match(stdout.toString(), new RegExp(`${name} +packages +v2.0.0 +yes +${grant.id}`));
    assert.match(stdout.toString(), new RegExp(`${name} +packages +v1.0.0 +no +it is not in`));
    const suspended = await json("customers", "suspend", customer.id, "--reason", "Invoice 17");
    assert.equal(suspended.state, "suspended");
    await say(["customers", "delete", customer.id, "--confirm", "Console buyer"]);
    await say(["customers", "show", customer.id], { code: 4 });
  });

  test("the audit log of all this is exported line by line", async () => {
    const file = join(folder, "audit.jsonl");
    await say(["audit", "export", "--subject", "Console buyer", "--output", file]);
    const lines = (await readFile(file, "utf8")).trimEnd().split("\n").map((line) => JSON.parse(line));
    const { lines: known } = await api("audit?subject=Console%20buyer");
    assert.deepEqual(lines, known);
    assert.ok(lines.length >= 3);
    const csv = join(folder, "audit.csv");
    await say(["audit", "export", "--subject", "Console buyer", "--format", "csv", "--output", csv]);
    assert.equal((await readFile(csv, "utf8")).trimEnd().split("\r\n").length, lines.length + 1);
  });

  test("what is asked wrongly, refused or not there has a code of its own", async () => {
    await say(["tokens", "create"], { code: 2 });
    const { output } = await say(["tokens", "create", "--name", "", "--access", "god"], { code: 1 });
    for (const word of ["invalid_input", "/name", "/access"]) assert.ok(output.includes(word), output);
    await say(["repositories", "create", "packages"], { code: 5 });
    await say(["orgs", "list", "--url", "http://127.0.0.1:1"], { code: 3 });
    const body = await say(["api", "GET", "orgs/{org}/repositories/packages"]);
    assert.deepEqual(JSON.parse(body.stdout), await api("repositories/packages"));
  });
}
