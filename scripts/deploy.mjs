// `npm run deploy`: Repertoire on a Cloudflare account. Makes what is missing there and leaves what is there;
// run it again after an update, or after it was interrupted.
//
//   npm run deploy                                  at an address of workers.dev
//   npm run deploy -- --host packages.example.com   at a host of a zone of the account
//                     --also packages.acme.example  and at a host that an organisation claims, of such a zone too; any number
//   npm run deploy -- --dry-run                     only checks what would be uploaded; needs no account
//
// Sign in before: `npm run wrangler -- login`, or set CLOUDFLARE_API_TOKEN (and CLOUDFLARE_ACCOUNT_ID).
// What this keeps is in .repertoire/deploy: copies of the configurations with the account's ids, and secrets.json.

import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { endChildrenOnSignals, runVisibly } from "./children.mjs";
import { composerCommands } from "./composer-commands.mjs";
import { writeConfigurations } from "./configuration.mjs";
import { findAddresses, findDatabaseId, findNamespaceId, listSecretNames, planSecrets, readArguments } from "./deploy-plan.mjs";
import { setUp } from "./first-start.mjs";
import { installNodeModules } from "./install.mjs";
import { projectFolder, workerConfigurations } from "./paths.mjs";
import { runWrangler } from "./wrangler.mjs";

const DATABASE = "repertoire";
const NAMESPACE = "repertoire-cache";
const BUCKET = "repertoire-blobs";
const QUEUES = ["repertoire-jobs", "repertoire-counts", "repertoire-dead-letters"];
// A new workers.dev address or custom domain takes a while to be known everywhere.
const REACHABLE_WITHIN_MILLISECONDS = 180_000;
const REACHABLE_INTERVAL_MILLISECONDS = 3000;

const deployFolder = resolve(projectFolder, process.env.REPERTOIRE_STATE ?? ".repertoire", "deploy");
const secretsPath = join(deployFolder, "secrets.json");
const addressPath = join(deployFolder, "address");

endChildrenOnSignals(() => 130);
try {
  const options = readArguments(process.argv.slice(2));
  await installNodeModules();
  if ((await runVisibly(join(projectFolder, "build-worker"), [])) !== 0) throw new Error("the Worker could not be built: see above");
  await (options.dryRun ? dryRun() : deploy(options));
} catch (error) {
  console.error(`\nnpm run deploy: ${error.message}`);
  process.exit(1);
}

async function dryRun() {
  for (const configuration of workerConfigurations) {
    console.log(await wrangler("deploy", "--dry-run", "--config", join(projectFolder, configuration)));
  }
  console.log("Nothing was uploaded: this was a dry run.");
}

async function deploy({ host, also }) {
  mkdirSync(deployFolder, { recursive: true });
  if ((await runWrangler(["whoami", "--json"])).code !== 0) {
    throw new Error("wrangler is not signed in; run `npm run wrangler -- login`, or set CLOUDFLARE_API_TOKEN");
  }
  const databaseId = await provideDatabase();
  const namespaceId = await provideNamespace();
  await provideBucket();
  for (const queue of QUEUES) await provideQueue(queue);

  const configure = (publicUrl) =>
    writeConfigurations(deployFolder, { variables: { PUBLIC_URL: publicUrl }, databaseId, namespaceId, host, also });
  // On the first deployment to workers.dev the address is known only after it.
  const guessed = host ? `https://${host}` : readIfThere(addressPath)?.trim();
  const configurations = configure(guessed ?? "https://unknown.invalid");

  const [edge, ...others] = configurations;
  const secrets = await prepareSecrets(others);
  console.log("bringing the database up to date");
  await wrangler("d1", "migrations", "apply", "DB", "--remote", "--config", edge);

  let addresses = await deployAll(configurations, [{}, ...secrets]);
  const url = host ? `https://${host}` : addresses.find((address) => address.endsWith(".workers.dev"));
  if (!url) throw new Error(`the deployment has no address of workers.dev (${addresses.join(", ") || "none"}); give it a host by \`--host\``);
  if (url !== guessed) {
    console.log(`the address is ${url}: deploying once more, so that documents name it`);
    addresses = await deployAll(configure(url));
  }
  writeFileSync(addressPath, `${url}\n`);
  await waitUntilReachable(url);

  const created = await setUp({
    url,
    setupSecret: readSecrets().SETUP_SECRET,
    adminToken: process.env.REPERTOIRE_ADMIN_TOKEN,
  });
  console.log(`\nRepertoire runs at ${url}`);
  if (created) {
    console.log(`Admin token, shown this once: ${created.token}`);
    console.log(`\nKeep ${secretsPath} somewhere safe: it has the only copy of the encryption key that can be read.`);
  }
  const commands = composerCommands({ url, token: created?.token ?? "<token>" });
  console.log(`\nInstall from it:\n\n${commands.map((command) => `  ${command}`).join("\n")}`);
}

async function provideDatabase() {
  const find = async () => findDatabaseId(await wrangler("d1", "list", "--json"), DATABASE);
  return (await find()) ?? (await create(`D1 database ${DATABASE}`, ["d1", "create", DATABASE, "--update-config=false"], find));
}

async function provideNamespace() {
  const find = async () => findNamespaceId(await wrangler("kv", "namespace", "list"), NAMESPACE);
  return (await find()) ?? (await create(`KV namespace ${NAMESPACE}`, ["kv", "namespace", "create", NAMESPACE, "--update-config=false"], find));
}

async function provideBucket() {
  const find = async () => succeeds("r2", "bucket", "info", BUCKET, "--json");
  return (await find()) || (await create(`R2 bucket ${BUCKET}`, ["r2", "bucket", "create", BUCKET, "--update-config=false"], find));
}

async function provideQueue(queue) {
  const find = async () => succeeds("queues", "info", queue);
  return (await find()) || (await create(`queue ${queue}`, ["queues", "create", queue], find));
}

/** Creates something and looks for it again: what `create` prints is for people and changes between versions. */
async function create(what, arguments_, find) {
  console.log(`creating the ${what}`);
  await wrangler(...arguments_);
  const found = await find();
  if (!found) throw new Error(`the ${what} was created but is not found`);
  return found;
}

/** Returns the secrets to upload with each of these Workers. Their values are kept in a file of this user's, and never printed. */
async function prepareSecrets(configurations) {
  const existing = await Promise.all(
    configurations.map(async (path) => {
      const { code, stdout, stderr } = await runWrangler(["secret", "list", "--config", path]);
      if (code === 0) return listSecretNames(stdout);
      if (/not found/i.test(stdout + stderr)) return undefined;
      throw new Error(`the secrets could not be listed:\n${stdout}${stderr}`);
    }),
  );
  const { values, uploads } = planSecrets({
    existing,
    kept: readSecrets(),
    generate: {
      encryptionKey: () => randomBytes(32).toString("base64"),
      setupSecret: () => randomBytes(32).toString("hex"),
    },
  });
  writeFileSync(secretsPath, `${JSON.stringify(values, undefined, 2)}\n`, { mode: 0o600 });
  return uploads;
}

function readSecrets() {
  return JSON.parse(readIfThere(secretsPath) ?? "{}");
}

/**
 * The consumer first, so that when the first job of a new kind is enqueued there is someone who knows it; the edge last, for
 * it is bound to the API. Returns the edge's addresses.
 */
async function deployAll(configurations, secrets = []) {
  let addresses;
  for (const [index, configuration] of [...configurations.entries()].reverse()) {
    addresses = await deployOne(configuration, secrets[index]);
  }
  return addresses;
}

async function deployOne(configuration, secrets = {}) {
  const uploadPath = join(deployFolder, "upload.json");
  const outputPath = join(deployFolder, "output.ndjson");
  rmSync(outputPath, { force: true });
  const secretArguments = Object.keys(secrets).length > 0 ? ["--secrets-file", uploadPath] : [];
  try {
    if (secretArguments.length > 0) writeFileSync(uploadPath, JSON.stringify(secrets), { mode: 0o600 });
    console.log(`deploying ${configuration}`);
    const { code, stdout, stderr } = await runWrangler(["deploy", "--config", configuration, ...secretArguments], {
      WRANGLER_OUTPUT_FILE_PATH: outputPath,
    });
    if (code !== 0) throw new Error(`wrangler could not deploy:\n${stdout}${stderr}`);
    return findAddresses(readIfThere(outputPath) ?? "");
  } finally {
    rmSync(uploadPath, { force: true });
  }
}

async function waitUntilReachable(url) {
  console.log(`waiting for ${url}`);
  const deadline = Date.now() + REACHABLE_WITHIN_MILLISECONDS;
  let last = "no answer";
  while (Date.now() < deadline) {
    try {
      const response = await fetch(`${url}/healthz`, { redirect: "manual" });
      await response.arrayBuffer();
      if (response.status === 200) return;
      last = `GET /healthz answers ${response.status}`;
    } catch (error) {
      last = error.cause?.message ?? error.message;
    }
    await delay(REACHABLE_INTERVAL_MILLISECONDS);
  }
  throw new Error(`the Workers are deployed, but ${url} is not well: ${last}; run this again to finish the set-up`);
}

/** Runs wrangler and returns what it printed; throws when it fails. */
async function wrangler(...arguments_) {
  const { code, stdout, stderr } = await runWrangler(arguments_);
  if (code !== 0) throw new Error(`\`wrangler ${arguments_.join(" ")}\` failed:\n${stdout}${stderr}`);
  return stdout;
}

async function succeeds(...arguments_) {
  return (await runWrangler(arguments_)).code === 0;
}

function readIfThere(path) {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}
