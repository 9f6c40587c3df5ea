// Fills an instance with what is measured, and tells what there is to ask for.

import { createHash, randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

import { setUp, uploadSample } from "../first-start.mjs";
import { samplePackage } from "../sample.mjs";
import { zip } from "../zip.mjs";

const MANY = "bench/many";
const VERSIONS = 50;
const LARGE = "bench/large";
const LARGE_BYTES = 10_000_000;
const HUGE = "bench/huge";
const HUGE_BYTES = 100_000_000;
const PUBLISHED_WITHIN_MILLISECONDS = 60_000;

/**
 * Returns the token of a reader limited by package names, as most are, and for each thing to be measured its `path`
 * below the repository's address, its `bytes`, and `key`, under which the store holds it.
 */
export async function seed(instance) {
  const { token } = await setUp({ url: instance.url, setupSecret: instance.secret("SETUP_SECRET") });
  const repositoryUrl = `${instance.url}/r/main/packages`;
  const headers = { authorization: `Bearer ${token}` };
  await uploadSample({ repositoryUrl, token });
  for (let minor = 0; minor < VERSIONS; minor += 1) {
    await upload(repositoryUrl, headers, MANY, `1.${minor}.0`, zip([manifest(MANY, minor)]));
  }
  const large = zip([manifest(LARGE, 0), { name: "random.bin", bytes: randomBytes(LARGE_BYTES) }]);
  await upload(repositoryUrl, headers, LARGE, "1.0.0", large);
  const huge = zip([manifest(HUGE, 0), { name: "random.bin", bytes: randomBytes(HUGE_BYTES) }]);
  await upload(repositoryUrl, headers, HUGE, "1.0.0", huge);
  const reader = await createReader(instance.url, headers);
  const read = (path) => readAll(`${repositoryUrl}/${path}`, reader);
  const published = (name, count) => waitUntilPublished(repositoryUrl, reader, name, count);
  const documents = {
    one: { name: samplePackage, ...(await published(samplePackage, 1)) },
    many: { name: MANY, ...(await published(MANY, VERSIONS)) },
    large: { name: LARGE, ...(await published(LARGE, 1)) },
    huge: { name: HUGE, ...(await published(HUGE, 1)) },
  };
  const archive = async ({ name, bytes }) => {
    const path = new URL(JSON.parse(bytes).packages[name][0].dist.url).pathname.replace("/r/main/packages/", "");
    return { name, path, ...(await read(path)) };
  };
  return {
    token: reader,
    versions: VERSIONS,
    one: { path: `p2/${samplePackage}.json`, ...documents.one, key: `b:${sha256(documents.one.bytes)}` },
    many: { path: `p2/${MANY}.json`, ...documents.many, key: `b:${sha256(documents.many.bytes)}` },
    unknown: { path: "p2/bench/unknown.json" },
    root: { path: "packages.json", ...(await read("packages.json")), key: "bench:packages.json" },
    smallArchive: await archive(documents.one),
    largeArchive: await archive(documents.large),
    hugeArchive: await archive(documents.huge),
  };
}

/** A composer.json of ordinary size that differs a little from version to version, as real ones do. */
function manifest(name, minor) {
  const text = JSON.stringify({
    name,
    description: "A package with the fields that packages have",
    type: "library",
    license: "MIT",
    keywords: ["bench", "documents", "versions"],
    authors: [{ name: "Bench", email: "bench@example.com" }],
    require: { php: ">=8.1", "psr/log": `^${1 + (minor % 3)}.0`, "ext-json": "*" },
    "require-dev": { "phpunit/phpunit": "^10.0" },
    autoload: { "psr-4": { "Bench\\Many\\": "src/" } },
    extra: { "branch-alias": { "dev-main": `1.${minor}.x-dev` } },
  });
  return { name: "composer.json", bytes: Buffer.from(text) };
}

/** Uploads an archive as a version. */
export async function upload(repositoryUrl, headers, name, version, body) {
  const response = await fetch(`${repositoryUrl}/upload/${name}/${version}`, { method: "PUT", headers, body });
  const text = await response.text();
  if (response.status !== 201) throw new Error(`the upload of ${name} ${version} was answered ${response.status}: ${text}`);
}

/** Waits until a package has so many versions, and gives its document. */
export async function waitUntilPublished(repositoryUrl, token, name, count) {
  for (const deadline = Date.now() + PUBLISHED_WITHIN_MILLISECONDS; Date.now() < deadline; await delay(300)) {
    const document = await readAll(`${repositoryUrl}/p2/${name}.json`, token);
    if (document.status === 200 && JSON.parse(document.bytes).packages[name].length === count) return document;
  }
  throw new Error(`${name} is not published after ${PUBLISHED_WITHIN_MILLISECONDS / 1000} s`);
}

async function createReader(url, headers) {
  const response = await fetch(`${url}/api/v1/orgs/main/tokens`, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify({ name: "bench", access: "read", packages: ["bench/*", "repertoire/*"] }),
  });
  const text = await response.text();
  if (response.status !== 201) throw new Error(`the token was answered ${response.status}: ${text}`);
  return JSON.parse(text).token;
}

async function readAll(url, token) {
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  const bytes = Buffer.from(await response.arrayBuffer());
  return { status: response.status, bytes, lastModified: response.headers.get("last-modified") };
}

function sha256(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}
