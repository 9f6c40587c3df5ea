// `npm run bench -- scale`: three repositories of one instance, of very different sizes, side by side in one workerd; and
// what a large publish costs.
//
// Their rows are put into the database in bulk. Documents, trees and heads are made by the program itself: the consumer
// publishes what waits, as it does after an import. Archives are not there, and nobody asks for any.

import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { LocalInstance } from "../local-instance.mjs";
import { setUp } from "../first-start.mjs";
import { findGenerator } from "./load.mjs";
import { freePort, say } from "./machine.mjs";
import { count, median, table } from "./report.mjs";
import { startRuntime } from "./runtime-process.mjs";

const SIZES = [
  { slug: "few", packages: 5 },
  { slug: "some", packages: 5_000 },
  { slug: "many", packages: 50_000 },
];
const QUICK_SIZES = [SIZES[0], { slug: "some", packages: 100 }, { slug: "many", packages: 600 }];
const VERSIONS = 10;
/** The packages that say a rare word: as many in each repository. */
const RARE = 5;
/** So many packages an update asks for. */
const ASKED = 250;
/** Packages in one statement that seeds. */
const AT_ONCE = 5_000;
const PAUSE_MILLISECONDS = 100;
/** Messages after which the consumer drops the trees before the last, while it fills. */
const FORGET_EACH = 10;

/** The versions of the one package that has many, and the packages that wait at once. */
const MANY_VERSIONS = 2_000;
const DIRTY = 1_000;

/** Returns the tables, and what the chart shows. */
export async function measureScale({ folder, isQuick }) {
  const generator = await findGenerator(folder);
  const sizes = isQuick ? QUICK_SIZES : SIZES;
  const rounds = isQuick ? 1 : 5;
  const seconds = isQuick ? 1 : 2;
  const instance = new LocalInstance({ stateFolder: join(folder, "state"), port: await freePort(), showError: say });
  const tokens = await prepare(instance, sizes);
  const variables = {
    PUBLIC_URL: instance.url,
    ENCRYPTION_KEY: instance.secret("ENCRYPTION_KEY"),
    SETUP_SECRET: instance.secret("SETUP_SECRET"),
  };
  const runtime = openWorkshop(await startRuntime({ dataFolder: instance.dataFolder, variables }));
  try {
    for (const size of sizes) await seed(runtime, size);
    await runtime.query({ sql: "analyze" });
    const rows = requests(runtime.urls.registry, sizes, tokens);
    await prepareRequests(rows);
    const measured = await measureRequests({ rows, sizes, rounds, seconds, generator });
    const releases = await measureReleases(runtime, sizes, isQuick ? 3 : 15);
    const publishing = await measurePublishing(runtime, isQuick ? 300 : DIRTY, isQuick ? 200 : MANY_VERSIONS);
    return {
      text: [`${generator.name}, 12 connections, ${rounds} interleaved round${rounds === 1 ? "" : "s"} of ${seconds} s, medians; each package has ${VERSIONS} versions.`, scaleTable([...measured, ...releases], sizes), publishTable(publishing)].join("\n\n"),
      bars: [...measured, ...releases].map(({ title, ratio, target }) => ({ title, ratio, target })),
    };
  } finally {
    await runtime.stop();
  }
}

/** An instance with empty repositories. */
async function prepare(instance, sizes) {
  await instance.prepare();
  await instance.start();
  try {
    const { token } = await setUp({ url: instance.url, setupSecret: instance.secret("SETUP_SECRET") });
    const post = async (path, body) => {
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      const response = await fetch(`${instance.url}/api/v1/orgs/main/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
      const text = await response.text();
      if (!response.ok) throw new Error(`${path} was answered ${response.status}: ${text}`);
      return JSON.parse(text);
    };
    for (const { slug } of [...sizes, { slug: "versions" }]) await post("repositories", { slug });
    const named = sizes.flatMap(({ slug }) => Array.from({ length: RARE }, (_, index) => name(slug, index)));
    const patterns = sizes.map(({ slug }) => `${slug}/*`);
    return {
      admin: token,
      patterns: (await post("tokens", { name: "patterns", access: "read", packages: patterns })).token,
      names: (await post("tokens", { name: "names", access: "read", packages: named })).token,
    };
  } finally {
    await instance.stop();
  }
}

function name(slug, index) {
  return `${slug}/package-${String(index).padStart(5, "0")}`;
}

/** Puts packages into a repository and has them published. */
async function seed(runtime, { slug, packages }) {
  const began = performance.now();
  const [{ id: repository, organisation_id: organisation }] = await runtime.query({
    sql: "select id, organisation_id from repositories where slug = ?1",
    parameters: [slug],
  });
  for (let start = 0; start < packages; start += AT_ONCE) {
    const end = Math.min(packages, start + AT_ONCE);
    for (const sql of SEEDS) {
      const parameters = [slug, start, end, organisation, repository, VERSIONS, RARE];
      await runtime.query({ sql: `with ${NUMBERS} ${sql}`, parameters });
    }
  }
  const filled = performance.now();
  await publishAll(runtime, repository, { isHeld: true });
  await runtime.give([...Array.from({ length: RARE }, (_, index) => name(slug, index)), ...spread(slug, packages)]);
  say(`${slug}: ${packages} packages, ${((filled - began) / 1000).toFixed(0)} s for rows and ${((performance.now() - filled) / 1000).toFixed(0)} s for publishing`);
}

// Every statement is given the same parameters, and D1 wants each of them to be named: hence the first line. A `cross join`
// is one whose order SQLite leaves as it is.
const NUMBERS = `given (slug, first, after, organisation, repository, versions, rare) as (select ?1, ?2, ?3, ?4, ?5, ?6, ?7),
  numbers (n) as (select first from given union all select n + 1 from numbers, given where n + 1 < after),
  named (n, name) as (select n, slug || '/package-' || substr('0000' || cast(n as integer), -5) from numbers, given),
  minors (minor) as (select 0 union all select minor + 1 from minors, given where minor + 1 < versions)`;
const SEEDS = [
  `insert into packages (organisation_id, name, description, created_at)
   select organisation, name, 'One of many', 0 from named, given`,
  `insert into repository_packages (repository_id, package_id)
   select repository, p.id from given cross join named cross join packages p on p.organisation_id = organisation and p.name = named.name`,
  `insert into dists (package_id, reference, archive_key, size, sha1, sha256, created_at)
   select p.id, 'r' || cast(minor as integer), 'archives/' || p.name || '/' || cast(minor as integer), 1000, printf('%040d', p.id), '', 0
   from given cross join named cross join minors cross join packages p on p.organisation_id = organisation and p.name = named.name`,
  `insert into versions (package_id, pretty, normalized, is_dev, reference, dist_id, manifest, time, published_at)
   select p.id, '1.' || cast(minor as integer) || '.0', '1.' || cast(minor as integer) || '.0.0', 0, d.reference, d.id,
          json_object('name', p.name, 'description', case when n < rare then 'It has a needle' else 'One of many packages' end,
                      'type', 'library', 'license', 'MIT', 'keywords', json_array('bench', 'scale'),
                      'require', json_object('php', '>=8.1', 'psr/log', '^' || cast(1 + minor % 3 as integer) || '.0'),
                      'autoload', json_object('psr-4', json_object('Bench\\', 'src/'))),
          '2026-01-01T00:00:00+00:00', 0
   from given cross join named cross join minors
   cross join packages p on p.organisation_id = organisation and p.name = named.name
   cross join dists d on d.package_id = p.id and d.reference = 'r' || cast(minor as integer)`,
  `insert into pending_publications (repository_id, package_id, sequence, asked_at)
   select repository, p.id, 1, 0 from given cross join named cross join packages p on p.organisation_id = organisation and p.name = named.name`,
];

/** As the program writes it (`src/jobs/mod.rs`). */
function publishing(repository) {
  return { v: 1, job: "publish", repository };
}

/** The workshop of a runtime: statements and jobs. */
function openWorkshop(runtime) {
  const ask = async (path, body) => {
    const response = await fetch(`${runtime.urls.consumer}${path}`, { method: "POST", body: JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path} was answered ${response.status}: ${text}`);
    return JSON.parse(text);
  };
  return {
    ...runtime,
    query: (statement) => ask("/query", statement),
    /** Gives the milliseconds that the job took. */
    async consume(job, isHeld = false) {
      const began = performance.now();
      const outcome = await ask("/consume", { job, isHeld });
      if (outcome !== "done") throw new Error(`a job came to ${outcome}: ${JSON.stringify(job)}`);
      return performance.now() - began;
    },
    forget: (root) => ask("/forget", { root }),
    give: (wanted) => ask("/give", { wanted }),
  };
}

/** Has the consumer publish until nothing waits; gives the milliseconds of each message. */
async function publishAll(runtime, repository, { isHeld = false } = {}) {
  const times = [];
  for (let before = Infinity; ; ) {
    times.push(await runtime.consume(publishing(repository), isHeld));
    const [{ waiting }] = await runtime.query({
      sql: "select count(*) as waiting from pending_publications where repository_id = ?1",
      parameters: [repository],
    });
    if (isHeld && (waiting === 0 || times.length % FORGET_EACH === 0)) {
      const [{ root }] = await runtime.query({ sql: "select head_root as root from repositories where id = ?1", parameters: [repository] });
      await runtime.forget(root);
    }
    if (waiting === 0) return times;
    if (waiting >= before) throw new Error(`${waiting} packages of repository ${repository} wait and are not published`);
    before = waiting;
  }
}

/** Some names all over a repository. */
function spread(slug, packages) {
  const length = Math.min(ASKED, packages);
  return Array.from({ length }, (_, index) => name(slug, Math.floor((index * packages) / length)));
}

/** What is asked of each repository. Whose answer is as long as the repository is not among them. */
function requests(url, sizes, tokens) {
  const row = (title, target, token, path, more = {}) => ({
    title,
    target,
    ...more,
    targets: Object.fromEntries(
      sizes.map(({ slug, packages }) => {
        const paths = [path(slug, packages)].flat();
        return [slug, { urls: paths.map((path) => `${url}${path}`), headers: { authorization: `Bearer ${token}` }, connections: 12 }];
      }),
    ),
  });
  const { patterns, names, admin } = tokens;
  return [
    row("document", 1.1, patterns, (slug) => `/r/main/${slug}/p2/${name(slug, 3)}.json`),
    row(`documents of ${ASKED} packages (of 5 in the smallest)`, 1.1, patterns, (slug, packages) =>
      spread(slug, packages).map((one) => `/r/main/${slug}/p2/${one}.json`),
    ),
    row("document, unchanged (304)", 1.1, patterns, (slug) => `/r/main/${slug}/p2/${name(slug, 3)}.json`, { isConditional: true }),
    row("document, unknown (404)", 1.1, patterns, (slug) => `/r/main/${slug}/p2/${slug}/unknown.json`),
    row("packages.json by patterns", 1.1, patterns, (slug) => `/r/main/${slug}/packages.json`),
    row("packages.json by five names", 1.1, names, (slug) => `/r/main/${slug}/packages.json`),
    row("packages.json, unchanged (304)", 1.1, patterns, (slug) => `/r/main/${slug}/packages.json`, { isConditional: true }),
    row("search by a word of five packages", 2, patterns, (slug) => `/r/main/${slug}/search.json?q=needle`),
    row("search without words, by its owner", 2, admin, (slug) => `/r/main/${slug}/search.json?q=`),
    row("list of packages, by its owner", 2, admin, (slug) => `/api/v1/orgs/main/packages?repository=${slug}&limit=5`),
    row("list of packages, by patterns", 2, patterns, (slug) => `/api/v1/orgs/main/packages?repository=${slug}&limit=5`),
  ];
}

/** Conditions and a look at each answer. */
async function prepareRequests(rows) {
  for (const { title, targets, isConditional } of rows) {
    for (const target of Object.values(targets)) {
      const expected = title.includes("(404)") ? 404 : 200;
      for (const url of target.urls) {
        const response = await fetch(url, { headers: target.headers });
        const text = await response.text();
        if (response.status !== expected) throw new Error(`${url} is answered ${response.status}: ${text.slice(0, 500)}`);
        if (isConditional) target.headers = { ...target.headers, "if-modified-since": response.headers.get("last-modified") };
      }
    }
  }
}

async function measureRequests({ rows, sizes, rounds, seconds, generator }) {
  const measured = [];
  for (const { title, target, targets } of rows) {
    say(title);
    const figures = Object.fromEntries(sizes.map(({ slug }) => [slug, []]));
    for (let round = -1; round < rounds; round += 1) {
      const order = round % 2 ? [...sizes].reverse() : sizes;
      for (const { slug } of order) {
        const found = await generator.run(targets[slug], round < 0 ? 2 * seconds : seconds);
        await delay(PAUSE_MILLISECONDS);
        if (round >= 0) figures[slug].push(1000 / found.rate);
      }
    }
    measured.push(compare(title, target, sizes, figures));
  }
  return measured;
}

/** Milliseconds by size, and how the largest compares with the smallest: the median of the rounds' ratios. */
function compare(title, target, sizes, figures) {
  const [smallest, largest] = [figures[sizes[0].slug], figures[sizes.at(-1).slug]];
  return {
    title,
    target,
    milliseconds: sizes.map(({ slug }) => median(figures[slug])),
    ratio: median(largest.map((time, round) => time / smallest[round])),
  };
}

/** A release of a package that is there, and one of a package that is new. */
async function measureReleases(runtime, sizes, rounds) {
  const measured = [];
  const repositories = new Map();
  for (const { slug } of sizes) {
    const [found] = await runtime.query({ sql: "select id, organisation_id from repositories where slug = ?1", parameters: [slug] });
    repositories.set(slug, found);
  }
  for (const [title, nameOf] of [
    ["publish of one package", (slug) => name(slug, 1)],
    ["publish of one new package", (slug, round) => `${slug}/new-${round + 1}`],
  ]) {
    say(title);
    const figures = Object.fromEntries(sizes.map(({ slug }) => [slug, []]));
    for (let round = -1; round < rounds; round += 1) {
      for (const { slug } of round % 2 ? [...sizes].reverse() : sizes) {
        const repository = repositories.get(slug);
        await release(runtime, repository, nameOf(slug, round), `2.${round + 1}.0`, 1);
        const milliseconds = await runtime.consume(publishing(repository.id));
        if (round >= 0) figures[slug].push(milliseconds);
      }
    }
    measured.push(compare(title, 1.5, sizes, figures));
  }
  return measured;
}

/** Puts versions of a package into the database, as an import leaves them there: to be published. */
async function release(runtime, { id: repository, organisation_id: organisation }, package_, version, count) {
  const run = (sql, ...parameters) => runtime.query({ sql, parameters });
  await run("insert into packages (organisation_id, name, created_at) values (?1, ?2, 0) on conflict do nothing", organisation, package_);
  const [{ id }] = await run("select id from packages where organisation_id = ?1 and name = ?2", organisation, package_);
  await run("insert into repository_packages (repository_id, package_id) values (?1, ?2) on conflict do nothing", repository, id);
  const numbers = "with numbers (n) as (select 0 union all select n + 1 from numbers where n + 1 < ?3)";
  await run(
    `${numbers} insert into dists (package_id, reference, archive_key, size, sha1, sha256, created_at)
     select ?1, ?2 || '+' || cast(n as integer), 'archives/release/' || ?1 || '/' || ?2 || '/' || cast(n as integer), 1000, '', '', 0 from numbers`,
    id,
    version,
    count,
  );
  await run(
    `${numbers} insert into versions (package_id, pretty, normalized, is_dev, reference, dist_id, manifest, time, published_at)
     select ?1, substr(?2, 1, length(?2) - 1) || cast(n as integer), substr(?2, 1, length(?2) - 1) || cast(n as integer) || '.0', 0,
            d.reference, d.id,
            json_object('name', p.name, 'description', 'Release ' || cast(n as integer), 'type', 'library', 'license', 'MIT',
                        'keywords', json_array('bench', 'publish'),
                        'authors', json_array(json_object('name', 'Bench', 'email', 'bench@example.com')),
                        'require', json_object('php', '>=8.1', 'psr/log', '^' || cast(1 + n % 3 as integer) || '.0', 'ext-json', '*'),
                        'require-dev', json_object('phpunit/phpunit', '^10.' || cast(n % 7 as integer)),
                        'autoload', json_object('psr-4', json_object('Bench\\', 'src/'))),
            '2026-01-01T00:00:00+00:00', 0
     from numbers join packages p on p.id = ?1
     join dists d on d.package_id = ?1 and d.reference = ?2 || '+' || cast(n as integer)`,
    id,
    version,
    count,
  );
  await run(
    `insert into pending_publications (repository_id, package_id, sequence, asked_at) values (?1, ?2, 1, 0)
     on conflict (repository_id, package_id) do update set sequence = sequence + 1`,
    repository,
    id,
  );
}

async function measurePublishing(runtime, dirty, versions) {
  say("large publishes");
  const query = (sql, ...parameters) => runtime.query({ sql, parameters });
  const [many] = await query("select id from repositories where slug = 'many'");
  await query(
    `insert into pending_publications (repository_id, package_id, sequence, asked_at)
     select repository_id, package_id, 1, 0 from repository_packages where repository_id = ?1 limit ?2`,
    many.id,
    dirty,
  );
  // Else their documents would be the same, and nothing would be to be written.
  await query(
    `update versions set manifest = json_set(manifest, '$.description', 'Changed')
     where package_id in (select package_id from pending_publications where repository_id = ?1)`,
    many.id,
  );
  const dirtyTimes = await publishAll(runtime, many.id);
  const [one] = await query("select id, organisation_id from repositories where slug = 'versions'");
  const rounds = [];
  for (let round = 0; round < 3; round += 1) {
    await release(runtime, one, `versions/package-${round}`, "1.0.0", versions);
    const before = await runtime.call("cpuMilliseconds");
    const [milliseconds] = await publishAll(runtime, one.id);
    rounds.push({ milliseconds, cpu: (await runtime.call("cpuMilliseconds")) - before });
  }
  return { dirty, dirtyTimes, versions, cpu: median(rounds.map(({ cpu }) => cpu)), milliseconds: median(rounds.map(({ milliseconds }) => milliseconds)) };
}

function scaleTable(rows, sizes) {
  return table(
    ["what", ...sizes.map(({ packages }) => `${packages.toLocaleString("en-GB")} packages, ms`), "**ratio of the largest**", "target"],
    rows.map(({ title, milliseconds, ratio, target }) => [title, ...milliseconds.map(figure), `**${ratio.toFixed(2)}**`, `at most ${target}`]),
  );
}

/** Milliseconds, with as many decimals as say something. */
function figure(milliseconds) {
  return milliseconds < 10 ? milliseconds.toFixed(2) : count(milliseconds);
}

function publishTable({ dirty, dirtyTimes, versions, cpu, milliseconds }) {
  const seconds = (value) => `${(value / 1000).toFixed(2)} s`;
  const packages = dirty.toLocaleString("en-GB");
  return table(
    ["publish", "figure", "target"],
    [
      [`${packages} changed packages: messages`, dirtyTimes.length, "–"],
      [`${packages} changed packages: all of it`, seconds(dirtyTimes.reduce((sum, time) => sum + time, 0)), "–"],
      [`${packages} changed packages: the longest message`, seconds(Math.max(...dirtyTimes)), "300 s of CPU"],
      [`${versions.toLocaleString("en-GB")} versions of one package`, seconds(milliseconds), "–"],
      ["CPU of that, with what stands for D1, KV and R2", seconds(cpu), "2 s"],
    ],
  );
}
