// An organisation as there are many, for the tests of pages and for their screenshots: packages of a vendor, customers who
// may see some of them, tokens, a team, an invitation, a git host with projects, and people who install.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { setUp } from "../../scripts/first-start.mjs";
import { zip } from "../../scripts/zip.mjs";
import { GitHubDouble } from "../e2e/github-double.mjs";
import { until } from "../e2e/support/until.mjs";

export const OWNER = { email: "ada@acme.example", name: "Ada Lovelace", password: "correct horse battery" };

const PACKAGES = [
  ["acme/invoices", "Invoices, credit notes and reminders, with numbers that have no gaps", ["2.4.1", "2.4.0", "2.3.2", "2.0.0", "1.9.0"]],
  ["acme/ledger", "Double entry bookkeeping in integers", ["3.1.0", "3.0.0", "2.8.4"]],
  ["acme/payments", "One interface for card, transfer and direct debit", ["1.12.0", "1.11.3", "1.11.2"]],
  ["acme/taxes", "Rates and rules by country and day", ["5.0.0-beta.1", "4.2.0", "4.1.9"]],
  ["acme/mailer", "Templates, queues and bounces", ["0.9.0"]],
  ["acme/exports", "DATEV, SAF-T and plain CSV", ["1.3.0", "1.2.0"]],
  ["acme/webhooks", "Signs, sends and sends again", ["2.0.0", "1.0.0"]],
  ["acme/theme", "Pages of the shop, light and dark", ["7.2.0", "7.1.0"]],
];

const README = (name, description) => `# ${name}

${description}.

\`\`\`sh
composer require ${name}
\`\`\`

## What it does

- Is **exact**: amounts are integers, and rounding has a rule with a name.
- Is small: no framework, \`php >= 8.2\`.
- Tells what it does, by [events](https://acme.example/events).

| country | since |
|---|---|
| Austria | 1.0 |
| Germany | 1.0 |
| Italy | 2.4 |

> What comes from a customer is never trusted.
`;

const CLIENTS = [
  ["Composer/2.9.1 (Linux; 6.8.0; PHP 8.4.1; cURL 8.5.0)", 5],
  ["Composer/2.8.12 (Linux; 6.8.0; PHP 8.3.6; cURL 8.5.0; CI)", 9],
  ["Composer/2.5.5 (Linux; 6.1.0; PHP 8.2.7; cURL 7.88.1)", 3],
];

/** Fills a fresh instance. `folder` is for the double's repositories. Returns what pages are named by, and `stop`. */
export async function fill(instance, folder) {
  const { token } = await setUp({ url: instance.url, setupSecret: instance.secret("SETUP_SECRET") });
  const api = async (method, path, body) => {
    const response = await fetch(`${instance.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { "content-type": "application/json" }) },
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${text}`);
    return text && JSON.parse(text);
  };
  const repository = `${instance.url}/r/main/packages`;
  for (const [name, description, versions] of PACKAGES) {
    for (const version of versions.toReversed()) await upload(repository, token, name, description, version);
  }
  await api("POST", "/orgs/main/repositories", { slug: "open", public: true, description: "What everybody may use", landing: "Tools that we give away. **Use them** as you like." });
  await upload(`${instance.url}/r/main/open`, token, "acme/coding-standard", "Rules for PHP CodeSniffer", "1.4.0");
  const collection = await api("POST", "/orgs/main/collections", {
    name: "Accounting suite",
    description: "All that a bookkeeper needs",
    items: [{ packages: ["acme/invoices", "acme/taxes"], versions: "^2.0 || ^4.0" }, { packages: ["acme/ledger"] }],
  });
  const customers = {};
  for (const [name, state, grants] of [
    ["Globex", "active", [{ collection: collection.id }, { packages: ["acme/payments"], versions: "^1.11" }]],
    ["Initech", "active", [{ packages: ["acme/*"], minimum_stability: "stable" }]],
    ["Hooli", "suspended", [{ packages: ["acme/mailer"] }]],
    ["Umbrella", "frozen", [{ collection: collection.id }]],
  ]) {
    const customer = await api("POST", "/orgs/main/customers", { name, state, email: `it@${name.toLowerCase()}.example` });
    for (const grant of grants) await api("POST", "/orgs/main/grants", { subject: { customer: customer.id }, ...grant });
    const made = await api("POST", `/orgs/main/customers/${customer.id}/tokens`, { name: "production" });
    customers[name] = { ...customer, token: made.token };
  }
  const deploy = await api("POST", "/orgs/main/tokens", { name: "deploy", access: "read" });
  await api("POST", "/orgs/main/tokens", { name: "nightly", access: "read", packages: ["acme/theme"] });
  const team = await api("POST", "/orgs/main/teams", { name: "Accounting" });
  await api("POST", "/orgs/main/invitations", { email: "grace@acme.example", role: "member" });

  const double = await GitHubDouble.start({ folder });
  for (const name of ["acme/shop", "acme/shipping", "acme/returns", "acme/no-package"]) {
    const project = await double.addProject(name);
    const own = name === "acme/no-package" ? [{ name: "README.md", bytes: "# Nothing to install\n" }] : filesOf(name, "From a git host", "1.0.0");
    const files = Object.fromEntries(own.map(({ name: path, bytes }) => [path, bytes.toString()]));
    await project.repository.commit({ files, tags: ["v1.0.0", "release-candidate"] });
  }
  const connection = await api("POST", "/orgs/main/connections", { provider: "github", base_url: double.url, token: double.addToken({ scopes: "repo" }) });
  for (const project of ["acme/shop", "acme/shipping"]) {
    await api("POST", "/orgs/main/packages", { connection: connection.id, project, repository: "packages" });
  }
  const { jobs } = await until(
    () => "the jobs have not ended",
    async () => {
      const answer = await api("GET", "/orgs/main/jobs");
      return answer.jobs.every(({ state }) => ["done", "failed", "cancelled"].includes(state)) && answer;
    },
  );
  await install(repository, [deploy.token, customers.Globex.token, customers.Initech.token]);
  return {
    token,
    customers,
    collection: collection.id,
    connection: connection.id,
    deploy: deploy.id,
    job: jobs[0].id,
    failedJob: jobs.find(({ state }) => state === "failed")?.id,
    team: team.id,
    stop: () => double.stop(),
  };
}

/** The first start, on its page. */
export async function becomeOwner(page, instance) {
  await page.goto(`/ui/first-start#${instance.secret("SETUP_SECRET")}`);
  await page.getByLabel(/e-mail/i).fill(OWNER.email);
  await page.getByLabel(/^your name|^name/i).first().fill(OWNER.name);
  await page.getByLabel(/password/i).last().fill(OWNER.password);
  await page.getByRole("button", { name: "Begin" }).click();
  await page.waitForURL(/\/ui\/main/);
}

/** Signs the owner in, who lands on the dashboard. */
export async function signIn(page) {
  await page.goto("/ui/sign-in");
  await page.getByLabel(/e-mail/i).fill(OWNER.email);
  await page.getByLabel(/password/i).fill(OWNER.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.waitForURL(/\/ui\/main$/);
}

/** Puts installations of 60 days before today's into the database of an instance that was stopped: none can be reported late. */
export function makePast(instance) {
  const folder = join(instance.dataFolder, "v3", "d1");
  const file = readdirSync(folder, { recursive: true }).find((name) => name.endsWith(".sqlite") && !name.includes("metadata"));
  const database = new DatabaseSync(join(folder, file));
  const columns = {
    downloads: "package_id, version, day, count, archives",
    package_clients: "package_id, day, php, composer, installs, archives",
    package_readers: "package_id, reader_id, day, installs, archives",
    organisation_clients: "organisation_id, day, php, composer, installs, archives",
    reader_days: "reader_id, day, installs, archives",
  };
  for (const [name, all] of Object.entries(columns)) {
    for (let before = 1; before <= 60; before += 1) {
      // Fewer on weekends, and fewer the longer ago.
      const weekend = [0, 6].includes(new Date(Date.now() - before * 86_400_000).getUTCDay()) ? 0.3 : 1;
      const factor = weekend * (1.2 - before / 80) * (0.8 + ((before * 7919) % 40) / 100);
      const picked = all.replace(/\bday\b/, `date(day, '-${before} days')`).replace(/\b(count|installs|archives)\b/g, `max(1, cast($1 * ${factor} as integer))`);
      database.exec(`insert or ignore into ${name} (${all}) select ${picked} from ${name} where day = date('now')`);
    }
  }
  database.close();
}

async function upload(repository, token, name, description, version) {
  const response = await fetch(`${repository}/upload/${name}/${version}`, {
    method: "PUT",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/zip" },
    body: zip(filesOf(name, description, version)),
  });
  if (response.status !== 201) throw new Error(`${name} ${version} was answered ${response.status}: ${await response.text()}`);
  await response.arrayBuffer();
}

function filesOf(name, description, version) {
  const manifest = {
    name,
    description,
    license: "proprietary",
    keywords: name.split("/"),
    authors: [{ name: "Ada Lovelace", email: "ada@acme.example" }],
    require: { php: ">=8.2", ...(name !== "acme/ledger" && { "acme/ledger": "^3.0 || ^2.8" }), "psr/log": "^3.0" },
    "require-dev": { "phpunit/phpunit": "^11.0" },
    autoload: { "psr-4": { [`Acme\\${name.slice(5, 6).toUpperCase()}${name.slice(6)}\\`]: "src/" } },
  };
  return [
    { name: "composer.json", bytes: Buffer.from(JSON.stringify(manifest, undefined, 4)) },
    { name: "README.md", bytes: Buffer.from(README(name, description)) },
    { name: "CHANGELOG.md", bytes: Buffer.from(`# Changelog\n\n## ${version}\n\n- Rounds as the law says.\n`) },
    { name: "src/Version.php", bytes: Buffer.from(`<?php\nreturn '${version}';\n`) },
  ];
}

/** Reports installations as Composer does. */
async function install(repository, tokens) {
  const report = (names) => JSON.stringify({ downloads: names.map(([name, , [version]]) => ({ name, version: `${version.replace("-beta.1", "")}.0${version.includes("beta") ? "-beta1" : ""}` })) });
  for (const [index, token] of tokens.entries()) {
    for (const [agent, times] of CLIENTS) {
      for (let time = 0; time < times; time += 1) {
        const response = await fetch(`${repository}/downloads`, {
          method: "POST",
          headers: { authorization: `Bearer ${token}`, "user-agent": agent, "content-type": "application/json" },
          body: report(PACKAGES.filter((_, place) => (place + time) % (index + 2) === 0)),
        });
        await response.arrayBuffer();
      }
    }
  }
}
