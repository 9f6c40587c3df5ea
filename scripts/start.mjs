// `npm start`: a whole Repertoire on this machine, from a fresh clone on: installs, builds, migrates, runs.
// Must itself run on Node.js 20 with nothing installed.
//
//   PORT                     where it listens (8787)
//   REPERTOIRE_STATE         where it keeps everything (.repertoire)
//   REPERTOIRE_ADMIN_TOKEN   the admin token of the first start, instead of one that is made up
//   REPERTOIRE_SAMPLE=0      no sample package
//   REPERTOIRE_DNS_RESOLVER  another resolver to verify host names by (`DNS_RESOLVER` in docs/operating.md)

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { endChildrenOnSignals, runVisibly } from "./children.mjs";
import { composerCommands } from "./composer-commands.mjs";
import { isWithoutOwner, setUp, uploadSample } from "./first-start.mjs";
import { installNodeModules } from "./install.mjs";
import { LocalInstance } from "./local-instance.mjs";
import { projectFolder } from "./paths.mjs";
import { samplePackage } from "./sample.mjs";

// The expression in wrangler.consumer.toml, kept by this process because `wrangler dev` keeps no time.
const CRON = "*/5 * * * *";
const CRON_MILLISECONDS = 5 * 60 * 1000;

const startedAt = Date.now();

try {
  endChildrenOnSignals(() => {
    console.log("\nstopped; `npm start` goes on where it was");
    return 0;
  });
  await start();
} catch (error) {
  console.error(`\nnpm start: ${error.message}`);
  process.exit(1);
}

async function start() {
  const port = readPort(process.env.PORT ?? "8787");
  const { REPERTOIRE_STATE: stateFolder = ".repertoire", REPERTOIRE_ADMIN_TOKEN: adminToken } = process.env;
  const wantsSample = process.env.REPERTOIRE_SAMPLE !== "0";

  await installNodeModules();
  if ((await runVisibly(join(projectFolder, "build-worker"), [])) !== 0) throw new Error("the Worker could not be built: see above");

  const resolver = process.env.REPERTOIRE_DNS_RESOLVER;
  const variables = resolver ? { DNS_RESOLVER: resolver } : {};
  const instance = new LocalInstance({ stateFolder, port, variables, showError: (line) => console.error(line) });
  await instance.prepare();
  console.log("starting the Workers");
  await instance.start();

  const created = await setUp({ url: instance.url, setupSecret: instance.secret("SETUP_SECRET"), adminToken });
  const seconds = Math.round((Date.now() - startedAt) / 1000);
  console.log(`\nRepertoire runs at ${instance.url}${created ? "" : `, with what it had before (started in ${seconds} s)`}`);
  // Printed at once: it is shown this one time, and what follows may fail.
  if (created) console.log(`Admin token, shown this once: ${created.token}`);
  if (await isWithoutOwner(instance.url)) {
    // The secret stands behind `#`: no browser sends that, so no log has it.
    console.log(`\nBecome its first owner, by this link, which is good once:\n\n  ${instance.url}/ui/first-start#${instance.secret("SETUP_SECRET")}\n`);
  }

  const sampleMark = join(instance.dataFolder, ".sample-uploaded");
  const token = created?.token ?? adminToken;
  if (wantsSample && token && !existsSync(sampleMark)) {
    const repositoryUrl = created?.repository_url ?? `${instance.url}/r/main/packages`;
    await uploadSample({ repositoryUrl, token });
    writeFileSync(sampleMark, "");
  }
  const commands = composerCommands({
    url: instance.url,
    token: created?.token ?? "<token>",
    package_: existsSync(sampleMark) ? samplePackage : undefined,
  });
  console.log(`\nInstall from it, in an empty folder:\n\n${commands.map((command) => `  ${command}`).join("\n")}\n`);
  console.log(`State: ${instance.stateFolder} (log: wrangler.log). Ctrl-C stops it.`);

  setInterval(() => instance.runCron(CRON).catch((error) => console.error(`cron: ${error.message}`)), CRON_MILLISECONDS);
  const reason = await instance.lost();
  const end = `The end of ${instance.logPath}:\n${instance.logTail()}`;
  await instance.stop();
  throw new Error(`${reason}. ${end}`);
}

function readPort(text) {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new Error(`PORT is \`${text}\`, which is no port`);
  return port;
}
