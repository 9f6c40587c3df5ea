// What `npm run deploy` reads from wrangler's output and decides from it. No input or output of its own.

/** The id of the D1 database called `name`, from `wrangler d1 list --json`. */
export function findDatabaseId(json, name) {
  return parseList(json).find((database) => database.name === name)?.uuid;
}

/** The id of the KV namespace called `title`, from `wrangler kv namespace list`. */
export function findNamespaceId(json, title) {
  return parseList(json).find((namespace) => namespace.title === title)?.id;
}

/** The names of the secrets that a Worker has, from `wrangler secret list`. */
export function listSecretNames(json) {
  return parseList(json).map(({ name }) => name);
}

/** The addresses of the last deployment, from the file that WRANGLER_OUTPUT_FILE_PATH names: one JSON object a line. */
export function findAddresses(lines) {
  const deployments = lines
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line))
    .filter(({ type }) => type === "deploy");
  const targets = deployments.at(-1)?.targets ?? [];
  // Crons and queues are among the targets too, and a custom domain is followed by a remark.
  return targets.map((target) => target.split(" ")[0]).flatMap((target) => {
    if (target.startsWith("https://")) return [target.replace(/\/$/, "")];
    return /^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(target) ? [`https://${target}`] : [];
  });
}

/**
 * Which secrets to upload to which Worker, given the names that each has (nothing for a Worker that is yet to be deployed)
 * and the values that were kept from an earlier run. The encryption key must be the same in all of them and is never
 * replaced: what is stored was encrypted with it. The set-up secret must be known here, so it is replaced when it is not.
 */
export function planSecrets({ existing, kept, generate }) {
  const values = { ...kept };
  const missingKey = existing.filter((names) => !names?.includes("ENCRYPTION_KEY"));
  if (!values.ENCRYPTION_KEY && missingKey.length > 0) {
    if (missingKey.length < existing.length) {
      throw new Error(
        "one Worker has the secret ENCRYPTION_KEY and another has not, and its value is not in .repertoire/deploy/secrets.json; " +
          "put that file back, or set the same value for both by `wrangler secret put ENCRYPTION_KEY`",
      );
    }
    values.ENCRYPTION_KEY = generate.encryptionKey();
  }
  const isNewSetUpSecret = !values.SETUP_SECRET;
  if (isNewSetUpSecret) values.SETUP_SECRET = generate.setupSecret();
  const uploads = existing.map((names) =>
    Object.fromEntries(
      Object.entries(values).filter(([name]) => !names?.includes(name) || (name === "SETUP_SECRET" && isNewSetUpSecret)),
    ),
  );
  return { values, uploads };
}

/** Reads `--dry-run`, `--host NAME`, and any number of `--also NAME`. */
export function readArguments(arguments_) {
  const options = { dryRun: false, host: undefined, also: [] };
  const rest = [...arguments_];
  while (rest.length > 0) {
    const argument = rest.shift();
    if (argument === "--dry-run") options.dryRun = true;
    else if (argument === "--host") options.host = readHost(rest.shift());
    else if (argument === "--also") options.also.push(readHost(rest.shift(), "--also"));
    else throw new Error(`\`${argument}\` is not known; there are \`--dry-run\`, \`--host packages.example.com\` and \`--also packages.acme.example\``);
  }
  return options;
}

function readHost(text, option = "--host") {
  if (!/^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(text ?? "")) {
    throw new Error(`\`${option}\` wants a host name such as \`packages.example.com\`, not \`${text ?? ""}\``);
  }
  return text;
}

/** wrangler may print a remark before the JSON that was asked for. */
function parseList(text) {
  const begin = text.search(/^\[/m);
  if (begin < 0) throw new Error(`wrangler printed no list:\n${text}`);
  return JSON.parse(text.slice(begin));
}
